//! Why a bpf operation failed.

use std::fmt;
use std::path::PathBuf;

use rustix::io::Errno;

use super::operation::Operation;

/// A failed bpf operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BpfError {
    /// The kernel refused.
    Kernel {
        /// What was asked.
        operation: Operation,
        /// The name, path or id of what it was asked about.
        object: String,
        /// The kernel's answer.
        errno: Errno,
    },
    /// A key or value is not as long as the map's.
    Length {
        /// What was asked.
        operation: Operation,
        /// The map.
        object: String,
        /// `key` or `value`.
        part: &'static str,
        /// Bytes the map has.
        expected: usize,
        /// Bytes that were given.
        actual: usize,
    },
    /// A name, path or licence the kernel can not take: too long, or with a zero byte.
    Name {
        /// What was asked.
        operation: Operation,
        /// The name.
        object: String,
    },
    /// A path leads to another kind of object.
    Kind {
        /// The path.
        path: PathBuf,
        /// What was expected: `map`, `program` or `link`.
        expected: &'static str,
    },
}

impl BpfError {
    /// The kernel's answer, where it was asked.
    pub fn errno(&self) -> Option<Errno> {
        match self {
            Self::Kernel { errno, .. } => Some(*errno),
            Self::Length { .. } | Self::Name { .. } | Self::Kind { .. } => None,
        }
    }
}

impl fmt::Display for BpfError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kernel { operation, object, errno } => {
                write!(f, "cannot {operation} {object}: {errno}")
            }
            Self::Length { operation, object, part, expected, actual } => write!(
                f,
                "cannot {operation} {object}: the {part} has {actual} bytes instead of {expected}"
            ),
            Self::Name { operation, object } => {
                write!(f, "cannot {operation} {object:?}: the name is too long or has a zero byte")
            }
            Self::Kind { path, expected } => {
                write!(f, "pinned object {} is no {expected}", path.display())
            }
        }
    }
}

impl std::error::Error for BpfError {}

/// Names the object of a failed call.
pub(super) fn kernel(operation: Operation, object: &str) -> impl FnOnce(Errno) -> BpfError {
    move |errno| BpfError::Kernel { operation, object: object.to_owned(), errno }
}

/// A name as the kernel's 16-byte fields hold it, ended by a zero.
pub(super) fn name16(operation: Operation, name: &str) -> Result<[u8; 16], BpfError> {
    let mut bytes = [0; 16];
    let fits = name.len() < bytes.len() && !name.contains('\0');
    match bytes.get_mut(..name.len()) {
        Some(head) if fits => head.copy_from_slice(name.as_bytes()),
        _ => return Err(BpfError::Name { operation, object: name.to_owned() }),
    }
    Ok(bytes)
}

/// The text before the first zero.
pub(super) fn text16(bytes: &[u8; 16]) -> String {
    let len = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..len]).into_owned()
}
