//! The socket option that carries a pointer, which rustix does not know.
//!
//! Invariant: the kernel gets a `struct sock_fprog` whose length is that of the slice it points to,
//! and copies both before it returns.

use std::mem::size_of;
use std::os::fd::{AsRawFd, OwnedFd};

use rustix::io::Errno;

use super::FilterInsn;

const _: () = assert!(size_of::<FilterInsn>() == size_of::<libc::sock_filter>());

/// Attaches a filter to the socket.
pub(super) fn attach(socket: &OwnedFd, program: &[FilterInsn]) -> Result<(), Errno> {
    let Ok(len) = libc::c_ushort::try_from(program.len()) else { return Err(Errno::INVAL) };
    let program =
        libc::sock_fprog { len, filter: program.as_ptr().cast::<libc::sock_filter>().cast_mut() };
    let bytes = size_of::<libc::sock_fprog>();
    let bytes = libc::socklen_t::try_from(bytes).expect("a socket option is short");
    // SAFETY: `program` is a whole, initialised `sock_fprog` of `bytes` bytes; it points to `len`
    // elements laid out as `sock_filter` (`FilterInsn` is `repr(C)` with the same fields in the same
    // order). Both outlive the call, which only reads them; the descriptor is open.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_ATTACH_FILTER,
            std::ptr::from_ref(&program).cast(),
            bytes,
        )
    };
    match result {
        0 => Ok(()),
        _ => Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)),
    }
}
