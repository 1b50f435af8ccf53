//! The socket options that attach filters, which rustix does not know.
//!
//! Invariant: the kernel gets a descriptor, or a `struct sock_fprog` whose length is that of the slice
//! it points to, and copies both before it returns.

use std::mem::size_of;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;

use super::FilterInsn;

const _: () = assert!(size_of::<FilterInsn>() == size_of::<libc::sock_filter>());

/// Attaches a filter to the socket.
pub(super) fn attach(socket: &OwnedFd, program: &[FilterInsn]) -> Result<(), Errno> {
    let Ok(len) = libc::c_ushort::try_from(program.len()) else { return Err(Errno::INVAL) };
    let program =
        libc::sock_fprog { len, filter: program.as_ptr().cast::<libc::sock_filter>().cast_mut() };
    // SAFETY: `program` points to `len` elements laid out as `sock_filter` (`FilterInsn` is `repr(C)`
    // with the same fields in the same order), which outlive the call; the kernel only reads them.
    unsafe { set(socket, libc::SO_ATTACH_FILTER, &program) }
}

/// Attaches a loaded program to the socket.
pub(super) fn attach_program(socket: &OwnedFd, program: BorrowedFd<'_>) -> Result<(), Errno> {
    let descriptor: libc::c_int = program.as_raw_fd();
    // SAFETY: the value is a number, which the kernel looks up among the open descriptors.
    unsafe { set(socket, libc::SO_ATTACH_BPF, &descriptor) }
}

/// Sets an option of the socket itself.
///
/// # Safety
/// `T` is what the kernel reads for the option, and what it points to is valid during the call.
unsafe fn set<T>(socket: &OwnedFd, option: libc::c_int, value: &T) -> Result<(), Errno> {
    let bytes = libc::socklen_t::try_from(size_of::<T>()).expect("a socket option is short");
    // SAFETY: `value` is a whole, initialised `T` of `bytes` bytes that outlives the call, and by
    // this function's contract what the kernel expects; the descriptor is open.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            option,
            std::ptr::from_ref(value).cast(),
            bytes,
        )
    };
    match result {
        0 => Ok(()),
        _ => Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)),
    }
}
