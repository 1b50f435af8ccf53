//! Objects under names, in a directory of a bpf file system.
//!
//! The file system has only directories and objects, no files; a name may not hold a dot. A new
//! object can not be pinned over an old one, so [`Store::replace`] pins beside it and renames, which is
//! atomic: at any moment, also after a kill, the name leads to the old or the new object.

use std::ffi::OsString;
use std::fmt;
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use netloom_sys::Errno;
use netloom_sys::bpf::BpfError;
use netloom_sys::bpffs;

/// What a replacement is called until it has its name.
const PENDING: &str = "~new";

/// A directory of pinned objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    path: PathBuf,
}

/// Why the store could not do something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreError {
    /// The directory is not in a bpf file system.
    NotBpffs {
        /// The directory.
        path: PathBuf,
    },
    /// The name can not be used: empty, with a slash or a dot.
    Name {
        /// The name.
        name: String,
    },
    /// A file system operation failed.
    Path {
        /// What was asked.
        operation: &'static str,
        /// The path.
        path: PathBuf,
        /// Why.
        errno: Errno,
    },
    /// An object could not be pinned.
    Bpf(BpfError),
}

impl Store {
    /// Opens the directory, and makes it and those above it, for root only, where they are absent.
    ///
    /// # Errors
    /// [`StoreError::NotBpffs`], [`StoreError::Path`].
    pub fn create(path: &Path) -> Result<Self, StoreError> {
        // Nothing is to be made outside of a bpf file system.
        let there = path.ancestors().find(|ancestor| ancestor.exists());
        if !there.is_some_and(|ancestor| bpffs::is_bpffs(ancestor) == Ok(true)) {
            return Err(StoreError::NotBpffs { path: path.to_owned() });
        }
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(failed("create directory", path))?;
        Ok(Self { path: path.to_owned() })
    }

    /// Opens the directory if it is there.
    ///
    /// # Errors
    /// [`StoreError::NotBpffs`], [`StoreError::Path`].
    pub fn open(path: &Path) -> Result<Option<Self>, StoreError> {
        match std::fs::symlink_metadata(path) {
            Ok(found) if found.is_dir() && bpffs::is_bpffs(path) == Ok(true) => {
                Ok(Some(Self { path: path.to_owned() }))
            }
            Ok(_) => Err(StoreError::NotBpffs { path: path.to_owned() }),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed("look at", path)(error)),
        }
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        &self.path
    }

    /// The path of a name in it, whether something is there or not.
    ///
    /// # Errors
    /// [`StoreError::Name`].
    pub fn path(&self, name: &str) -> Result<PathBuf, StoreError> {
        if name.is_empty() || name.contains(['/', '.', '\0']) {
            return Err(StoreError::Name { name: name.to_owned() });
        }
        Ok(self.path.join(name))
    }

    /// Whether something has this name.
    ///
    /// # Errors
    /// [`StoreError::Name`].
    pub fn holds(&self, name: &str) -> Result<bool, StoreError> {
        Ok(self.path(name)?.symlink_metadata().is_ok())
    }

    /// A directory inside this one, made if absent.
    ///
    /// # Errors
    /// [`StoreError::Name`], [`StoreError::Path`].
    pub fn inner(&self, name: &str) -> Result<Self, StoreError> {
        Self::create(&self.path(name)?)
    }

    /// Lets `pin` pin a new object as `name`, in place of what has the name now.
    ///
    /// The old object loses its pin only; a link lives on while something else holds it.
    ///
    /// # Errors
    /// [`StoreError::Bpf`], [`StoreError::Path`]; then the name leads where it led before.
    pub fn replace(
        &self,
        name: &str,
        pin: impl FnOnce(&Path) -> Result<(), BpfError>,
    ) -> Result<(), StoreError> {
        let path = self.path(name)?;
        let pending = self.path(&format!("{name}{PENDING}"))?;
        // What a killed predecessor left.
        remove_file(&pending)?;
        pin(&pending).map_err(StoreError::Bpf)?;
        std::fs::rename(&pending, &path).map_err(failed("rename to", &path))
    }

    /// Removes the replacements that were never finished, and returns how many: a killed process left
    /// them, and a link among them is in force.
    ///
    /// # Errors
    /// [`StoreError::Path`].
    pub fn sweep(&self) -> Result<usize, StoreError> {
        let mut removed = 0;
        for name in self.entries()? {
            if name.as_encoded_bytes().ends_with(PENDING.as_bytes()) {
                removed += usize::from(remove_file(&self.path.join(name))?);
            }
        }
        Ok(removed)
    }

    /// Gives what is called `from` the name `to`, in place of what has it now. Directories replace
    /// empty directories only.
    ///
    /// # Errors
    /// [`StoreError::Name`], [`StoreError::Path`].
    pub fn rename(&self, from: &str, to: &str) -> Result<(), StoreError> {
        let (from, to) = (self.path(from)?, self.path(to)?);
        std::fs::rename(&from, &to).map_err(failed("rename", &from))
    }

    /// Swaps two names, objects or directories, in one step.
    ///
    /// # Errors
    /// [`StoreError::Name`], [`StoreError::Path`].
    pub fn exchange(&self, one: &str, other: &str) -> Result<(), StoreError> {
        let (one, other) = (self.path(one)?, self.path(other)?);
        netloom_sys::exchange_paths(&one, &other).map_err(|errno| StoreError::Path {
            operation: "exchange",
            path: one,
            errno,
        })
    }

    /// The names in it, sorted, without replacements that were never finished.
    ///
    /// # Errors
    /// [`StoreError::Path`].
    pub fn names(&self) -> Result<Vec<String>, StoreError> {
        let mut names: Vec<String> = self
            .entries()?
            .into_iter()
            .filter_map(|name| name.into_string().ok())
            .filter(|name| !name.ends_with(PENDING))
            .collect();
        names.sort_unstable();
        Ok(names)
    }

    /// Removes what is called `name`, a directory with all that is in it; false when nothing was.
    ///
    /// # Errors
    /// [`StoreError::Name`], [`StoreError::Path`].
    pub fn remove(&self, name: &str) -> Result<bool, StoreError> {
        let path = self.path(name)?;
        match path.symlink_metadata() {
            Ok(found) if found.is_dir() => {
                Self { path }.remove_all()?;
                Ok(true)
            }
            _ => remove_file(&path),
        }
    }

    /// Removes the directory with all that is in it.
    ///
    /// # Errors
    /// [`StoreError::Path`]; what was removed until then is gone.
    pub fn remove_all(self) -> Result<(), StoreError> {
        // One level at a time, so that a deep tree is no deep recursion.
        let mut waiting = vec![self.path];
        while let Some(path) = waiting.pop() {
            let store = Self { path };
            let mut inner = Vec::new();
            for name in store.entries()? {
                let path = store.path.join(name);
                match path.symlink_metadata() {
                    Ok(found) if found.is_dir() => inner.push(path),
                    _ => drop(remove_file(&path)?),
                }
            }
            if inner.is_empty() {
                match std::fs::remove_dir(&store.path) {
                    Err(error) if error.kind() != ErrorKind::NotFound => {
                        return Err(failed("remove directory", &store.path)(error));
                    }
                    _ => {}
                }
            } else {
                waiting.push(store.path);
                waiting.extend(inner);
            }
        }
        Ok(())
    }

    fn entries(&self) -> Result<Vec<OsString>, StoreError> {
        let list = || {
            std::fs::read_dir(&self.path)?
                .map(|entry| entry.map(|entry| entry.file_name()))
                .collect()
        };
        let list: std::io::Result<Vec<OsString>> = list();
        list.map_err(failed("list", &self.path))
    }
}

/// False when it was not there.
fn remove_file(path: &Path) -> Result<bool, StoreError> {
    match std::fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(failed("remove", path)(error)),
    }
}

fn failed(operation: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> StoreError {
    let path = path.to_owned();
    move |error| StoreError::Path {
        operation,
        path,
        errno: Errno::from_io_error(&error).unwrap_or(Errno::IO),
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotBpffs { path } => {
                write!(f, "{} is not in a bpf file system", path.display())
            }
            Self::Name { name } => write!(f, "{name:?} can not name a pinned object"),
            Self::Path { operation, path, errno } => {
                write!(f, "cannot {operation} {}: {errno}", path.display())
            }
            Self::Bpf(source) => source.fmt(f),
        }
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Bpf(source) => Some(source),
            Self::NotBpffs { .. } | Self::Name { .. } | Self::Path { .. } => None,
        }
    }
}
