//! Objects with a path below a bpf file system.

use std::ffi::CString;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::call;
use super::error::{BpfError, kernel};
use super::link::Link;
use super::map::Map;
use super::operation::Operation;
use super::program::Program;

/// Something that was found at a path.
#[derive(Debug)]
pub enum Pinned {
    /// A map.
    Map(Map),
    /// A program.
    Program(Program),
    /// An attachment.
    Link(Link),
}

impl Pinned {
    /// Opens whatever is pinned at `path`.
    ///
    /// # Errors
    /// When nothing is there, or it can not be opened.
    pub fn open(path: &Path) -> Result<Self, BpfError> {
        let (fd, kind) = open(path)?;
        let name = path.display().to_string();
        match kind {
            PinKind::Map => Map::from_fd(fd, name).map(Self::Map),
            PinKind::Program => Ok(Self::Program(Program::from_fd(fd, name))),
            PinKind::Link => Ok(Self::Link(Link::from_fd(fd, name))),
            PinKind::Other => {
                Err(BpfError::Kind { path: path.to_owned(), expected: "map, program or link" })
            }
        }
    }
}

/// What a descriptor refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PinKind {
    Map,
    Program,
    Link,
    Other,
}

/// Gives `object` the new path `path`; its directories must exist, itself must not.
pub(super) fn pin(object: impl AsFd, path: &Path) -> Result<(), BpfError> {
    let text = path.display().to_string();
    let path = c_path(path, Operation::ObjPin)?;
    call::obj_pin(object.as_fd(), &path).map_err(kernel(Operation::ObjPin, &text))
}

/// The object at `path`, if it is of this kind.
pub(super) fn open_as(
    path: &Path,
    wanted: PinKind,
    name: &'static str,
) -> Result<OwnedFd, BpfError> {
    let (fd, kind) = open(path)?;
    if kind == wanted {
        Ok(fd)
    } else {
        Err(BpfError::Kind { path: path.to_owned(), expected: name })
    }
}

/// A second descriptor of the same object.
pub(super) fn duplicate(fd: BorrowedFd<'_>, name: &str) -> Result<OwnedFd, BpfError> {
    fd.try_clone_to_owned().map_err(|error| BpfError::Kernel {
        operation: Operation::ObjGet,
        object: name.to_owned(),
        errno: rustix::io::Errno::from_io_error(&error).unwrap_or(rustix::io::Errno::MFILE),
    })
}

fn open(path: &Path) -> Result<(OwnedFd, PinKind), BpfError> {
    let text = path.display().to_string();
    let path = c_path(path, Operation::ObjGet)?;
    let fd = call::obj_get(&path).map_err(kernel(Operation::ObjGet, &text))?;
    let kind = kind_of(&fd).map_err(kernel(Operation::ObjGet, &text))?;
    Ok((fd, kind))
}

/// The kernel tells the kind of a bpf descriptor only through the name of its anonymous inode.
fn kind_of(fd: &OwnedFd) -> Result<PinKind, rustix::io::Errno> {
    let link = rustix::fs::readlink(format!("/proc/self/fd/{}", fd.as_raw_fd()), Vec::new())?;
    Ok(match link.as_bytes() {
        b"anon_inode:bpf-map" => PinKind::Map,
        b"anon_inode:bpf-prog" => PinKind::Program,
        b"anon_inode:bpf_link" | b"anon_inode:bpf-link" => PinKind::Link,
        _ => PinKind::Other,
    })
}

fn c_path(path: &Path, operation: Operation) -> Result<CString, BpfError> {
    CString::new(path.as_os_str().as_bytes())
        .ok()
        .ok_or_else(|| BpfError::Name { operation, object: path.display().to_string() })
}
