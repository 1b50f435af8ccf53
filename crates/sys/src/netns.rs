//! Network namespaces.
//!
//! A thread, not a process, is in a network namespace: [`Netns::enter`] at the start of `main`, before
//! there are other threads, moves the whole process; [`Netns::run`] moves nobody but a thread of its
//! own.

use std::fmt;
use std::fs::File;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::thread;

use rustix::io::Errno;
use rustix::mount::{MountPropagationFlags, mount_change};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

#[allow(unsafe_code, reason = "two system calls without a safe wrapper; see the module's head")]
mod sys;

/// Where `ip netns` keeps named namespaces.
const NAMED: &str = "/run/netns";

/// An open network namespace.
#[derive(Debug)]
pub struct Netns {
    file: File,
    path: PathBuf,
}

/// A failed operation on a network namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NetnsError {
    /// The name is empty, or a path.
    Name {
        /// The name.
        name: String,
    },
    /// It can not be opened.
    Open {
        /// Its path.
        path: PathBuf,
        /// Why.
        errno: Errno,
    },
    /// It can not be entered; `EINVAL` when the path is no network namespace.
    Enter {
        /// Its path.
        path: PathBuf,
        /// Why.
        errno: Errno,
    },
    /// A new one can not be made, or not be kept apart.
    Create {
        /// Why.
        errno: Errno,
    },
    /// The calling thread's has no readable cookie.
    Cookie {
        /// Why.
        errno: Errno,
    },
    /// No thread can be started.
    Thread {
        /// Why.
        errno: Errno,
    },
}

impl Netns {
    /// The calling thread's.
    ///
    /// # Errors
    /// [`NetnsError::Open`].
    pub fn current() -> Result<Self, NetnsError> {
        Self::at(Path::new("/proc/thread-self/ns/net"))
    }

    /// The one that `ip netns` calls `name`.
    ///
    /// # Errors
    /// [`NetnsError::Name`], [`NetnsError::Open`].
    pub fn named(name: &str) -> Result<Self, NetnsError> {
        if name.is_empty() || name.contains('/') || name == "." || name == ".." {
            return Err(NetnsError::Name { name: name.to_owned() });
        }
        Self::at(&Path::new(NAMED).join(name))
    }

    /// The one at a path such as `/proc/PID/ns/net`.
    ///
    /// # Errors
    /// [`NetnsError::Open`].
    pub fn at(path: &Path) -> Result<Self, NetnsError> {
        let path = path.to_owned();
        match File::open(&path) {
            Ok(file) => Ok(Self { file, path }),
            Err(error) => Err(NetnsError::Open { path, errno: errno_of(&error) }),
        }
    }

    /// Moves the calling thread into it, for good.
    ///
    /// # Errors
    /// [`NetnsError::Enter`].
    pub fn enter(&self) -> Result<(), NetnsError> {
        move_into_link_name_space(self.file.as_fd(), Some(LinkNameSpaceType::Network))
            .map_err(|errno| NetnsError::Enter { path: self.path.clone(), errno })
    }

    /// Runs `job` in it on a thread of its own, and waits.
    ///
    /// # Errors
    /// [`NetnsError::Enter`], [`NetnsError::Thread`].
    pub fn run<T: Send>(&self, job: impl FnOnce() -> T + Send) -> Result<T, NetnsError> {
        on_thread(|| self.enter().map(|()| job()))
    }
}

/// Runs `job` in a new network namespace on a thread of its own, and waits.
///
/// The namespace lasts as long as something of it is open or runs.
///
/// # Errors
/// [`NetnsError::Create`], [`NetnsError::Thread`].
pub fn isolated<T: Send>(job: impl FnOnce() -> T + Send) -> Result<T, NetnsError> {
    on_thread(|| match sys::leave_network() {
        Ok(()) => Ok(job()),
        Err(errno) => Err(NetnsError::Create { errno }),
    })
}

/// Moves the calling thread, for good, into a new network namespace and a new mount namespace. What
/// it mounts from then on, only it and what it starts can see, and is gone with them.
///
/// # Errors
/// [`NetnsError::Create`].
pub fn seclude() -> Result<(), NetnsError> {
    sys::leave_network_and_mounts().map_err(|errno| NetnsError::Create { errno })?;
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    mount_change("/", private).map_err(|errno| NetnsError::Create { errno })
}

/// A number of the calling thread's network namespace that no other ever has while the machine runs.
///
/// # Errors
/// [`NetnsError::Cookie`]; kernels before 5.14 have none.
pub fn cookie() -> Result<u64, NetnsError> {
    sys::cookie().map_err(|errno| NetnsError::Cookie { errno })
}

/// A panic of `job` goes on in the caller.
fn on_thread<T: Send>(job: impl FnOnce() -> Result<T, NetnsError> + Send) -> Result<T, NetnsError> {
    thread::scope(|scope| {
        let thread = thread::Builder::new()
            .spawn_scoped(scope, job)
            .map_err(|error| NetnsError::Thread { errno: errno_of(&error) })?;
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn errno_of(error: &std::io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}

impl fmt::Display for NetnsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name { name } => write!(f, "{name:?} can not name a network namespace"),
            Self::Open { path, errno } => {
                write!(f, "cannot open network namespace {}: {errno}", path.display())
            }
            Self::Enter { path, errno } => {
                write!(f, "cannot enter network namespace {}: {errno}", path.display())
            }
            Self::Create { errno } => write!(f, "cannot create a network namespace: {errno}"),
            Self::Cookie { errno } => {
                write!(f, "cannot read the cookie of this network namespace: {errno}")
            }
            Self::Thread { errno } => {
                write!(f, "cannot start a thread in a network namespace: {errno}")
            }
        }
    }
}

impl std::error::Error for NetnsError {}

#[cfg(test)]
mod tests;
