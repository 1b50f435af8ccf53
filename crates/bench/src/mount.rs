//! File systems that are mounted nowhere: reached through an open file, gone when it closes.

use std::fs;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::PathBuf;

use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsmount, fsopen};

use crate::error::BenchError;

/// A mounted file system of this process alone.
#[derive(Debug)]
pub(crate) struct Mount(OwnedFd);

impl Mount {
    /// A new bpf file system, in which nothing is pinned. Its pins end with it.
    pub(crate) fn bpf() -> Result<Self, BenchError> {
        Self::new("bpf")
    }

    /// The devices of the calling thread's network namespace.
    pub(crate) fn sysfs() -> Result<Self, BenchError> {
        Self::new("sysfs")
    }

    fn new(kind: &'static str) -> Result<Self, BenchError> {
        let mounted = || {
            let context = fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC)?;
            fsconfig_create(&context)?;
            fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty())
        };
        mounted().map(Self).map_err(|errno| BenchError::Mount { kind, errno })
    }

    /// The path of its root, good while this lives, in this process.
    pub(crate) fn path(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", self.0.as_raw_fd()))
    }

    /// Reads a small file.
    pub(crate) fn read(&self, file: &str) -> Result<String, BenchError> {
        let path = self.path().join(file);
        fs::read_to_string(&path).map_err(|error| BenchError::File { path, error })
    }

    /// Writes a small file.
    pub(crate) fn write(&self, file: &str, text: &str) -> Result<(), BenchError> {
        let path = self.path().join(file);
        fs::write(&path, text).map_err(|error| BenchError::File { path, error })
    }
}
