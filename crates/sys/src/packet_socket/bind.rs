//! Binding a socket to a `struct sockaddr_ll`, which rustix does not know.
//!
//! Invariant: the address handed to the kernel is a whole `sockaddr_ll` on this stack, with its size.

use std::mem::size_of;
use std::os::fd::{AsRawFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};

/// A packet socket that is bound to the device, and so never saw another one's frames.
pub(super) fn open(device: u32, ethertype: u16) -> Result<OwnedFd, Errno> {
    let Ok(index) = i32::try_from(device) else { return Err(Errno::NODEV) };
    let (family, kind) = (AddressFamily::PACKET, SocketType::RAW);
    let socket = socket_with(family, kind, SocketFlags::CLOEXEC, None)?;
    let address = libc::sockaddr_ll {
        sll_family: libc::c_ushort::try_from(libc::AF_PACKET).expect("17 is small"),
        sll_protocol: ethertype.to_be(),
        sll_ifindex: index,
        sll_hatype: 0,
        sll_pkttype: 0,
        sll_halen: 0,
        sll_addr: [0; 8],
    };
    let bytes = size_of::<libc::sockaddr_ll>();
    let bytes = libc::socklen_t::try_from(bytes).expect("a socket address is short");
    // SAFETY: `address` is a whole, initialised `sockaddr_ll` of `bytes` bytes that outlives the
    // call, which only reads it; the descriptor is open.
    let result = unsafe {
        libc::bind(socket.as_raw_fd(), std::ptr::from_ref(&address).cast::<libc::sockaddr>(), bytes)
    };
    match result {
        0 => Ok(socket),
        _ => Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)),
    }
}
