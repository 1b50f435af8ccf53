//! Two system calls that have no safe wrapper elsewhere.
//!
//! Invariant: `unshare` is called with `CLONE_NEWNET` and `CLONE_NEWNS` alone, which change nothing
//! that memory or descriptor safety depends on; `getsockopt` gets a number of its own with that
//! number's size.

use std::os::fd::AsRawFd;

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};
use rustix::thread::{UnshareFlags, unshare_unsafe};

/// Moves the calling thread into a new network namespace.
pub(super) fn leave_network() -> Result<(), Errno> {
    // SAFETY: the file descriptor table stays shared; only the network namespace is new.
    unsafe { unshare_unsafe(UnshareFlags::NEWNET) }
}

/// Moves the calling thread into a new network namespace and a new mount namespace.
pub(super) fn leave_network_and_mounts() -> Result<(), Errno> {
    // SAFETY: the file descriptor table stays shared; the namespaces and, for this thread alone,
    // the root and working directory become its own.
    unsafe { unshare_unsafe(UnshareFlags::NEWNET | UnshareFlags::NEWNS) }
}

/// `SO_NETNS_COOKIE` of a fresh socket, which is in the calling thread's namespace.
pub(super) fn cookie() -> Result<u64, Errno> {
    let socket = socket_with(AddressFamily::UNIX, SocketType::DGRAM, SocketFlags::CLOEXEC, None)?;
    let mut cookie = 0u64;
    let mut len: libc::socklen_t = 8;
    // SAFETY: the kernel writes at most `len` bytes, which `cookie` has, and any bytes are a number.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_NETNS_COOKIE,
            std::ptr::from_mut(&mut cookie).cast(),
            &mut len,
        )
    };
    match result {
        0 => Ok(cookie),
        _ => Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)),
    }
}
