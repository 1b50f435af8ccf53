//! Classic BPF filters on sockets (`SO_ATTACH_FILTER`, socket(7)), which need no privilege.

use std::fmt;
use std::os::fd::{AsFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};
use rustix::net::{recv, send, socketpair};

use crate::bpf::Program;

#[allow(unsafe_code, reason = "one system call without a safe wrapper; see the module's head")]
mod attach;

/// One classic instruction (`linux/filter.h: struct sock_filter`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct FilterInsn {
    /// The opcode.
    pub code: u16,
    /// Distance if the condition holds.
    pub jt: u8,
    /// Distance if it does not.
    pub jf: u8,
    /// The constant.
    pub k: u32,
}

/// Two connected datagram sockets, of which the receiving one has a filter.
#[derive(Debug)]
pub struct FilteredPair {
    sender: OwnedFd,
    receiver: OwnedFd,
}

/// A failed operation on a filtered socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketFilterError {
    /// What was done.
    pub operation: &'static str,
    /// Why it failed.
    pub errno: Errno,
}

impl FilteredPair {
    /// Makes a pair of local sockets without a filter.
    ///
    /// # Errors
    /// When there are too many open files.
    pub fn new() -> Result<Self, SocketFilterError> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let (sender, receiver) = socketpair(AddressFamily::UNIX, SocketType::DGRAM, flags, None)
            .map_err(failed("make a pair of sockets"))?;
        Ok(Self { sender, receiver })
    }

    /// Replaces the filter.
    ///
    /// # Errors
    /// `EINVAL` for a program that the kernel does not accept; the old filter stays.
    pub fn attach(&self, program: &[FilterInsn]) -> Result<(), SocketFilterError> {
        attach::attach(&self.receiver, program).map_err(failed("attach a socket filter"))
    }

    /// Replaces the filter by a loaded program of type socket filter.
    ///
    /// # Errors
    /// `EINVAL` for a program of another type; the old filter stays.
    pub fn attach_program(&self, program: &Program) -> Result<(), SocketFilterError> {
        attach::attach_program(&self.receiver, program.as_fd())
            .map_err(failed("attach a program to a socket"))
    }

    /// Passes a datagram through the filter and receives what it leaves: the number of bytes put at
    /// the beginning of `kept`, or `None` if the filter refuses it.
    ///
    /// # Errors
    /// `EMSGSIZE` for a datagram that exceeds the socket's buffer.
    pub fn pass(
        &self,
        datagram: &[u8],
        kept: &mut [u8],
    ) -> Result<Option<usize>, SocketFilterError> {
        send(&self.sender, datagram, SendFlags::empty()).map_err(failed("send a datagram"))?;
        // The kernel runs the filter and queues the datagram before it returns to the sender.
        match recv(&self.receiver, kept, RecvFlags::empty()) {
            Ok((bytes, _)) => Ok(Some(bytes)),
            Err(Errno::AGAIN) => Ok(None),
            Err(errno) => Err(failed("receive a datagram")(errno)),
        }
    }
}

fn failed(operation: &'static str) -> impl Fn(Errno) -> SocketFilterError {
    move |errno| SocketFilterError { operation, errno }
}

impl fmt::Display for SocketFilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {}: {}", self.operation, self.errno)
    }
}

impl std::error::Error for SocketFilterError {}

#[cfg(test)]
mod tests {
    use netloom_abi::{AttachType, ProgramType};

    use super::*;
    use crate::bpf::ProgramLoad;

    const fn ret(k: u32) -> FilterInsn {
        FilterInsn { code: 0x06, jt: 0, jf: 0, k }
    }

    #[test]
    fn a_filter_refuses_or_cuts_off_datagrams() {
        let pair = FilteredPair::new().unwrap();
        let mut kept = [0; 10];
        assert_eq!(pair.pass(b"whole", &mut kept), Ok(Some(5)));
        pair.attach(&[ret(3)]).unwrap();
        assert_eq!(pair.pass(b"cut off", &mut kept), Ok(Some(3)));
        assert_eq!(&kept[..5], b"cutle");
        assert_eq!(pair.pass(b"", &mut kept), Ok(Some(0)));
        pair.attach(&[ret(0)]).unwrap();
        assert_eq!(pair.pass(b"refused", &mut kept), Ok(None));
    }

    #[test]
    fn a_loaded_program_is_a_filter_too() {
        // `r0 = 3; exit` (RFC 9669 §2).
        let insns = [[0xb7, 0, 0, 0, 3, 0, 0, 0], [0x95, 0, 0, 0, 0, 0, 0, 0]].concat();
        let load = |kind| {
            let program = ProgramLoad {
                name: "three",
                kind,
                attach: AttachType::NONE,
                license: "GPL",
                insns: &insns,
                types: None,
                func_info: &[],
                fds: &[],
            };
            Program::load(&program)
        };
        let program = match load(ProgramType::SocketFilter) {
            Err(error) if error.errno() == Some(Errno::PERM) => {
                println!("ran 0, skipped 1: needs CAP_BPF");
                return;
            }
            program => program.unwrap(),
        };
        let pair = FilteredPair::new().unwrap();
        pair.attach_program(&program).unwrap();
        let mut kept = [0; 10];
        assert_eq!(pair.pass(b"cut off", &mut kept), Ok(Some(3)));
        assert_eq!(&kept[..3], b"cut");
        let other = load(ProgramType::SchedCls).unwrap();
        let refused = pair.attach_program(&other).map_err(|error| error.errno);
        assert_eq!(refused, Err(Errno::INVAL));
    }

    #[test]
    fn what_is_no_program_is_refused() {
        let pair = FilteredPair::new().unwrap();
        pair.attach(&[ret(0)]).unwrap();
        let refused =
            Err(SocketFilterError { operation: "attach a socket filter", errno: Errno::INVAL });
        assert_eq!(pair.attach(&[]), refused);
        assert_eq!(pair.attach(&[FilterInsn { code: 0xffff, ..ret(0) }]), refused);
        assert_eq!(pair.attach(&vec![ret(0); 1 << 16]), refused);
        assert_eq!(pair.pass(b"the old filter stays", &mut [0; 20]), Ok(None));
    }
}
