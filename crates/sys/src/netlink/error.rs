//! Why a netlink request failed.

use std::fmt;

use rustix::io::Errno;

/// A failed netlink request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NetlinkError {
    /// This kernel has no such subsystem.
    Unsupported {
        /// What was asked.
        operation: &'static str,
        /// The kernel's part that is missing.
        subsystem: &'static str,
    },
    /// The kernel refused.
    Kernel {
        /// What was asked.
        operation: &'static str,
        /// What it was asked about.
        object: String,
        /// The kernel's answer.
        errno: Errno,
    },
    /// The answer is not in the form this crate knows.
    Malformed {
        /// What was asked.
        operation: &'static str,
    },
    /// The request is longer than a netlink message or attribute can be.
    TooLong {
        /// What was asked.
        operation: &'static str,
        /// What it was asked about.
        object: String,
    },
}

impl NetlinkError {
    /// The kernel's answer, where it was asked.
    pub fn errno(&self) -> Option<Errno> {
        match self {
            Self::Kernel { errno, .. } => Some(*errno),
            Self::Unsupported { .. } | Self::Malformed { .. } | Self::TooLong { .. } => None,
        }
    }
}

impl fmt::Display for NetlinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsupported { operation, subsystem } => {
                write!(f, "cannot {operation}: this kernel has no {subsystem}")
            }
            Self::Kernel { operation, object, errno } => {
                write!(f, "cannot {operation} {object}: {errno}")
            }
            Self::Malformed { operation } => {
                write!(f, "cannot {operation}: the kernel's answer is malformed")
            }
            Self::TooLong { operation, object } => {
                write!(f, "cannot {operation} {object}: the name is too long")
            }
        }
    }
}

impl std::error::Error for NetlinkError {}
