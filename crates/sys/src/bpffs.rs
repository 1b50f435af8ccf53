//! The file system that keeps bpf objects alive.

use std::fmt;
use std::path::{Path, PathBuf};

use rustix::fs::statfs;
use rustix::io::Errno;
use rustix::mount::{MountFlags, mount};

/// Where it belongs.
pub const MOUNT_POINT: &str = "/sys/fs/bpf";

/// `BPF_FS_MAGIC` in `linux/magic.h`.
const MAGIC: u64 = 0xcafe_4a11;

/// What [`ensure_mounted`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mounted {
    /// It was there.
    Before,
    /// It was mounted now.
    Now,
}

/// Why there is no bpf file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BpffsError {
    /// The directory can not be looked at or made.
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        errno: Errno,
    },
    /// The kernel does not know the file system.
    Unsupported {
        /// Where it was to be mounted.
        path: PathBuf,
    },
    /// The kernel refuses to mount it.
    Mount {
        /// Where it was to be mounted.
        path: PathBuf,
        /// Why; `EPERM` without `CAP_SYS_ADMIN`.
        errno: Errno,
    },
}

/// Whether `path` is in a bpf file system.
///
/// # Errors
/// When `path` can not be looked at.
pub fn is_bpffs(path: &Path) -> Result<bool, Errno> {
    statfs(path).map(|answer| u64::try_from(answer.f_type) == Ok(MAGIC))
}

/// Whether the kernel knows the file system, mounted or not.
///
/// # Errors
/// When the kernel's list can not be read.
pub fn is_known() -> Result<bool, Errno> {
    let list = std::fs::read_to_string("/proc/filesystems")
        .map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
    Ok(list.lines().any(|line| line.split_whitespace().last() == Some("bpf")))
}

/// Mounts a bpf file system at `path` unless one is there.
///
/// # Errors
/// [`BpffsError`].
pub fn ensure_mounted(path: &Path) -> Result<Mounted, BpffsError> {
    let here = || path.to_owned();
    match is_bpffs(path) {
        Ok(true) => return Ok(Mounted::Before),
        Ok(false) => {}
        Err(errno) => return Err(BpffsError::Directory { path: here(), errno }),
    }
    match mount(
        "bpf",
        path,
        "bpf",
        MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC,
        None,
    ) {
        Ok(()) => Ok(Mounted::Now),
        Err(Errno::NODEV) => Err(BpffsError::Unsupported { path: here() }),
        Err(errno) => Err(BpffsError::Mount { path: here(), errno }),
    }
}

impl fmt::Display for BpffsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory { path, errno } => {
                write!(f, "cannot look for a bpf file system at {}: {errno}", path.display())
            }
            Self::Unsupported { path } => {
                write!(f, "cannot mount at {}: this kernel has no bpf file system", path.display())
            }
            Self::Mount { path, errno } => {
                write!(f, "cannot mount a bpf file system at {}: {errno}", path.display())
            }
        }
    }
}

impl std::error::Error for BpffsError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ordinary_directory_is_no_bpffs() {
        assert_eq!(is_bpffs(&std::env::temp_dir()), Ok(false));
    }

    #[test]
    fn an_absent_mount_point_is_named() {
        let path = Path::new("/nonexistent/bpf");
        let error = ensure_mounted(path).unwrap_err();
        assert_eq!(error, BpffsError::Directory { path: path.to_owned(), errno: Errno::NOENT });
    }
}
