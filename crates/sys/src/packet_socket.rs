//! Whole link-layer frames to and from one device (packet(7)).

use std::fmt;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};

#[allow(unsafe_code, reason = "one system call without a safe wrapper; see the module's head")]
mod bind;

/// A socket that sends and receives frames on one device of the network namespace in which it was
/// opened, whichever thread uses it.
#[derive(Debug)]
pub struct PacketSocket {
    socket: OwnedFd,
    device: u32,
}

/// A failed operation on a packet socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketSocketError {
    /// What was done.
    pub operation: &'static str,
    /// Index of the device.
    pub device: u32,
    /// Why it failed.
    pub errno: Errno,
}

impl PacketSocket {
    /// Opens a socket on the device of index `device` that receives frames of the Ethernet type
    /// `ethertype` (host order; 3 for all frames, 0 for none).
    ///
    /// # Errors
    /// When the device does not exist, or without `CAP_NET_RAW`.
    pub fn open(device: u32, ethertype: u16) -> Result<Self, PacketSocketError> {
        let failed = |errno| PacketSocketError { operation: "open packet socket", device, errno };
        let socket = bind::open(device, ethertype).map_err(failed)?;
        Ok(Self { socket, device })
    }

    /// Sends one frame, its link-layer header included.
    ///
    /// # Errors
    /// `EMSGSIZE` for a frame that exceeds the device's limit, `ENETDOWN` for a device that is down.
    pub fn send(&self, frame: &[u8]) -> Result<(), PacketSocketError> {
        let sent = send(&self.socket, frame, SendFlags::empty());
        sent.map(drop).map_err(|errno| self.failed("send frame", errno))
    }

    /// Receives one frame into `buffer`; `None` when none comes in time. A frame longer than the
    /// buffer is cut off.
    ///
    /// # Errors
    /// `ENETDOWN` when the device goes down.
    pub fn receive(
        &self,
        buffer: &mut [u8],
        timeout: Duration,
    ) -> Result<Option<usize>, PacketSocketError> {
        let failed = |errno| self.failed("receive frame", errno);
        let mut waited = [PollFd::new(&self.socket, PollFlags::IN)];
        // A timeout beyond what the kernel can express waits for ever.
        let timeout = Timespec::try_from(timeout).ok();
        if poll(&mut waited, timeout.as_ref()).map_err(failed)? == 0 {
            return Ok(None);
        }
        let (bytes, _) = recv(&self.socket, buffer, RecvFlags::empty()).map_err(failed)?;
        Ok(Some(bytes))
    }

    fn failed(&self, operation: &'static str, errno: Errno) -> PacketSocketError {
        PacketSocketError { operation, device: self.device, errno }
    }
}

impl fmt::Display for PacketSocketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {} on device {}: {}", self.operation, self.device, self.errno)
    }
}

impl std::error::Error for PacketSocketError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netns::isolated;
    use crate::{Capabilities, Capability};

    #[test]
    fn a_frame_sent_on_loopback_comes_back() {
        let held = Capabilities::effective();
        if !held.is_some_and(|held| held.has(Capability::SysAdmin)) {
            println!("ran 0, skipped 1: needs CAP_SYS_ADMIN");
            return;
        }
        isolated(|| {
            let up = std::process::Command::new("ip").args(["link", "set", "lo", "up"]).status();
            assert!(up.unwrap().success());
            let socket = PacketSocket::open(1, 0x88b5).unwrap();
            let mut frame = vec![0; 60];
            frame[12..14].copy_from_slice(&[0x88, 0xb5]);
            frame[14] = 42;
            socket.send(&frame).unwrap();
            let mut buffer = [0; 100];
            let second = Duration::from_secs(1);
            assert_eq!(socket.receive(&mut buffer, second), Ok(Some(60)));
            assert_eq!(buffer[..60], frame);
            assert_eq!(socket.receive(&mut buffer, Duration::from_millis(1)), Ok(None));
            let absent = PacketSocket::open(4711, 0).unwrap_err();
            assert_eq!((absent.device, absent.errno), (4711, Errno::NODEV));
        })
        .unwrap();
    }
}
