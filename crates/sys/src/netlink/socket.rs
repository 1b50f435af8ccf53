//! One request and its answers.

use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{
    AddressFamily, Protocol, RecvFlags, SendFlags, SocketFlags, SocketType, recv, sendto,
    socket_with, sockopt,
};

use super::error::NetlinkError;
use super::message::{self, DONE, ERROR, Message};

/// Longest answer datagram the kernel sends to a dump (`NLMSG_GOODSIZE` is less).
const DATAGRAM_BYTES: usize = 64 << 10;
/// The kernel answers while it runs the request; this only bounds a bug.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// What a request is, for messages about it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request<'a> {
    /// `None` for `NETLINK_ROUTE`.
    pub(super) protocol: Option<Protocol>,
    pub(super) operation: &'static str,
    pub(super) object: &'a str,
    /// What a kernel lacks that does not know the request.
    pub(super) subsystem: &'static str,
}

impl Request<'_> {
    /// Sends `messages` and waits for the acknowledgement of every sequence number in `expected`.
    pub(super) fn transact(
        &self,
        messages: Option<Vec<u8>>,
        expected: std::ops::RangeInclusive<u32>,
    ) -> Result<(), NetlinkError> {
        let mut missing: Vec<u32> = expected.collect();
        self.exchange(messages, |message| {
            if message.kind == ERROR {
                missing.retain(|&sequence| sequence != message.sequence);
            }
            Ok(missing.is_empty())
        })
    }

    /// Sends a dump request and hands over the answers.
    pub(super) fn dump(
        &self,
        messages: Option<Vec<u8>>,
        mut each: impl FnMut(Message<'_>) -> Result<(), NetlinkError>,
    ) -> Result<(), NetlinkError> {
        self.exchange(messages, |message| match message.kind {
            DONE => match message::u32_at(message.payload, 0).map_or(0, u32::cast_signed) {
                0 => Ok(true),
                code => Err(self.refused(code)),
            },
            ERROR => Ok(true),
            _ => each(message).map(|()| false),
        })
    }

    /// Sends a request that has one answer.
    pub(super) fn ask<T>(
        &self,
        messages: Option<Vec<u8>>,
        mut read: impl FnMut(Message<'_>) -> Option<T>,
    ) -> Result<T, NetlinkError> {
        let mut answer = None;
        self.exchange(messages, |message| {
            answer = read(message);
            Ok(true)
        })?;
        answer.ok_or(NetlinkError::Malformed { operation: self.operation })
    }

    /// Sends a dump request to a subsystem that may be absent: outside a batch the kernel then calls
    /// the request invalid, and ours have one fixed, valid form.
    pub(super) fn dump_if_there(
        &self,
        messages: Option<Vec<u8>>,
        each: impl FnMut(Message<'_>) -> Result<(), NetlinkError>,
    ) -> Result<(), NetlinkError> {
        self.dump(messages, each).map_err(|error| match error.errno() {
            Some(Errno::INVAL) => self.unsupported(),
            _ => error,
        })
    }

    /// As [`Self::ask`], of a registry: what it does not find, the kernel does not have.
    pub(super) fn ask_if_there<T>(
        &self,
        messages: Option<Vec<u8>>,
        read: impl FnMut(Message<'_>) -> Option<T>,
    ) -> Result<T, NetlinkError> {
        self.ask(messages, read).map_err(|error| match error.errno() {
            Some(Errno::NOENT) => self.unsupported(),
            _ => error,
        })
    }

    /// Runs `each` over the answers until it is done; error messages end it.
    fn exchange(
        &self,
        messages: Option<Vec<u8>>,
        mut each: impl FnMut(Message<'_>) -> Result<bool, NetlinkError>,
    ) -> Result<(), NetlinkError> {
        let messages = messages.ok_or_else(|| self.too_long())?;
        let kernel = |errno: Errno| self.failed(errno);
        let socket = self.open().map_err(kernel)?;
        let to_kernel = SocketAddrNetlink::new(0, 0);
        sendto(&socket, &messages, SendFlags::empty(), &to_kernel).map_err(kernel)?;
        let mut room = vec![0; DATAGRAM_BYTES];
        loop {
            // With the truncation flag the kernel tells the datagram's whole length.
            let (_, len) = recv(&socket, room.as_mut_slice(), RecvFlags::TRUNC).map_err(kernel)?;
            let malformed = NetlinkError::Malformed { operation: self.operation };
            let datagram = room.get(..len).ok_or(malformed.clone())?;
            for message in message::messages(datagram) {
                let message = message.ok_or(malformed.clone())?;
                if message.kind == ERROR {
                    let code = message::u32_at(message.payload, 0).ok_or(malformed.clone())?;
                    if code != 0 {
                        return Err(self.refused(code.cast_signed()));
                    }
                }
                if each(message)? {
                    return Ok(());
                }
            }
        }
    }

    fn open(&self) -> Result<OwnedFd, Errno> {
        let socket = socket_with(
            AddressFamily::NETLINK,
            SocketType::RAW,
            SocketFlags::CLOEXEC,
            self.protocol,
        )?;
        sockopt::set_socket_timeout(&socket, sockopt::Timeout::Recv, Some(ANSWER_TIMEOUT))?;
        Ok(socket)
    }

    fn too_long(&self) -> NetlinkError {
        NetlinkError::TooLong { operation: self.operation, object: self.object.to_owned() }
    }

    /// A negative error number in a message.
    fn refused(&self, code: i32) -> NetlinkError {
        self.failed(Errno::from_raw_os_error(code.saturating_neg()))
    }

    /// `EOPNOTSUPP` is what an absent netfilter subsystem answers, `EPROTONOSUPPORT` what an absent
    /// netlink protocol does.
    fn failed(&self, errno: Errno) -> NetlinkError {
        let Self { operation, object, .. } = *self;
        match errno {
            Errno::OPNOTSUPP | Errno::PROTONOSUPPORT | Errno::AFNOSUPPORT => self.unsupported(),
            errno => NetlinkError::Kernel { operation, object: object.to_owned(), errno },
        }
    }

    fn unsupported(&self) -> NetlinkError {
        NetlinkError::Unsupported { operation: self.operation, subsystem: self.subsystem }
    }
}
