//! Foreign programs: the C compiler and what it makes, `tcpdump`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A folder that goes away with this value.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(test: &str) -> Self {
        let name = format!("netloom-cbpf-{test}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).expect("a temporary folder");
        Self(folder)
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Nothing can be done about a folder that someone else removes.
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// Whether a program starts here; says so if it does not.
pub(crate) fn has(program: &str) -> bool {
    let found = Command::new(program).arg("--version").stderr(Stdio::null()).output().is_ok();
    if !found {
        println!("skipped: {program} is not installed");
    }
    found
}

/// Compiles C by `compiler` with warnings as errors.
pub(crate) fn compile(compiler: &str, source: &str, object: &Path, flags: &[&str]) {
    let mut command = Command::new(compiler);
    command.args(["-x", "c", "-O2", "-Wall", "-Wextra", "-Werror", "-"]);
    command.arg("-o").arg(object).args(flags);
    run(&mut command, source.as_bytes());
}

/// What a program writes when it reads `input`; it must succeed.
pub(crate) fn run(command: &mut Command, input: &[u8]) -> Vec<u8> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("piped");
    let output = std::thread::scope(|scope| {
        // A program that does not read to the end is judged by what it answers.
        scope.spawn(move || drop(stdin.write_all(input)));
        child.wait_with_output().expect("the program ends")
    });
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}
