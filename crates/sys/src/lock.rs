//! One process at a time.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

/// A file held under an exclusive lock until it is dropped, or the process dies.
#[derive(Debug)]
pub struct FileLock {
    /// Closing it releases the lock.
    _file: File,
}

/// Why a lock was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LockError {
    /// Someone else holds it.
    Held {
        /// The file.
        path: PathBuf,
    },
    /// The file can not be opened or locked.
    Failed {
        /// The file.
        path: PathBuf,
        /// Why.
        errno: Errno,
    },
}

impl FileLock {
    /// Takes the lock on `path`, which is made if absent, without waiting.
    ///
    /// # Errors
    /// [`LockError::Held`] when another open of the file has it.
    pub fn try_take(path: &Path) -> Result<Self, LockError> {
        Self::take_by(path, FlockOperation::NonBlockingLockExclusive)
    }

    /// Takes the lock on `path`, which is made if absent, and waits for it.
    ///
    /// # Errors
    /// [`LockError::Failed`].
    pub fn take(path: &Path) -> Result<Self, LockError> {
        Self::take_by(path, FlockOperation::LockExclusive)
    }

    fn take_by(path: &Path, operation: FlockOperation) -> Result<Self, LockError> {
        let failed = |errno| LockError::Failed { path: path.to_owned(), errno };
        // A directory can be locked as well, and opens for reading only.
        let file = if path.is_dir() {
            File::open(path)
        } else {
            OpenOptions::new().create(true).truncate(false).write(true).open(path)
        };
        let file =
            file.map_err(|error| failed(Errno::from_io_error(&error).unwrap_or(Errno::IO)))?;
        loop {
            match flock(&file, operation) {
                Ok(()) => return Ok(Self { _file: file }),
                Err(Errno::INTR) => {}
                Err(Errno::WOULDBLOCK) => return Err(LockError::Held { path: path.to_owned() }),
                Err(errno) => return Err(failed(errno)),
            }
        }
    }
}

impl fmt::Display for LockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held { path } => write!(f, "cannot lock {}: held by another", path.display()),
            Self::Failed { path, errno } => write!(f, "cannot lock {}: {errno}", path.display()),
        }
    }
}

impl std::error::Error for LockError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_taker_waits_until_the_first_is_gone() {
        let path = std::env::temp_dir().join(format!("netloom-lock-{}", std::process::id()));
        let first = FileLock::try_take(&path).unwrap();
        assert_eq!(FileLock::try_take(&path).unwrap_err(), LockError::Held { path: path.clone() });
        drop(first);
        FileLock::try_take(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn a_directory_can_be_locked() {
        let path = std::env::temp_dir().join(format!("netloom-lock-dir-{}", std::process::id()));
        std::fs::create_dir(&path).unwrap();
        let first = FileLock::try_take(&path).unwrap();
        assert!(matches!(FileLock::try_take(&path), Err(LockError::Held { .. })));
        drop(first);
        std::fs::remove_dir(&path).unwrap();
    }
}
