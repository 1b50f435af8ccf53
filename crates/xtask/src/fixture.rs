//! A folder of given files for one test, gone when the test ends.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, fs, process};

pub(crate) struct Fixture {
    root: PathBuf,
}

impl Fixture {
    /// Makes a folder of its own and in it every `(path, text)`.
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let root = env::temp_dir().join(format!("netloom-xtask-{}-{number}", process::id()));
        fs::create_dir(&root).unwrap();
        let fixture = Self { root };
        for (path, text) in files {
            fixture.write(path, text);
        }
        fixture
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        // A folder that stays behind harms no other test: each has its own name.
        drop(fs::remove_dir_all(&self.root));
    }
}
