//! Two hosts on one wire, for tests of a firewall in the running kernel.
//!
//! A [`Stage`] moves the calling thread to the host under test; the other host is its peer.
//! Commands, threads and BPF links that the thread makes belong to the host. [`Probe`] asks which
//! ports are open; [`datagram`] and [`frame`] make what [`Stage::wire`] puts on the wire.
//!
//! Invariant: host and peer have no name, and the bpf file system that the thread finds at its usual
//! place is its own. So all that a test makes ends with its thread, also when the process is
//! killed, and any number of tests may run at once.

mod frame;
mod probe;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netloom_sys::bpffs::MOUNT_POINT;
use netloom_sys::netlink::{NetlinkError, device_by_name};
use netloom_sys::netns::{Netns, NetnsError, isolated, seclude};
use netloom_sys::packet_socket::{PacketSocket, PacketSocketError};
use netloom_sys::{Capabilities, Capability, Errno};
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

use crate::live::CommandError;
use crate::live::command::run;

pub use frame::{HOST_MAC, PEER_MAC, datagram, frame, seal, who_has_host};
pub use probe::{Probe, ProbeError, Verdicts};

/// Name of the device at both ends of the wire.
pub const DEVICE: &str = "eth0";
/// Addresses of the host under test.
pub const HOST: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(10, 9, 0, 1)),
    IpAddr::V6(Ipv6Addr::new(0xfd09, 0, 0, 0, 0, 0, 0, 1)),
];
/// Addresses of its peer.
pub const PEER: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(10, 9, 0, 2)),
    IpAddr::V6(Ipv6Addr::new(0xfd09, 0, 0, 0, 0, 0, 0, 2)),
];

/// Every frame, in a packet socket (`ETH_P_ALL`), and those of ARP.
const ALL_FRAMES: u16 = 3;
const ARP: u16 = 0x0806;

/// Commands for `ip -batch` in the peer's namespace; `{host}` is the path of the host's. One queue
/// keeps frames in order.
const WIRE: &str = "\
link add eth0 numtxqueues 1 numrxqueues 1 address 02:00:00:00:09:02 type veth \
peer name eth0 numtxqueues 1 numrxqueues 1 address 02:00:00:00:09:01 netns {host}
link set lo up
link set eth0 up
addr add 10.9.0.2/24 dev eth0
addr add fd09::2/64 dev eth0 nodad
";
const HOST_END: &str = "\
link set lo up
link set eth0 up
addr add 10.9.0.1/24 dev eth0
addr add fd09::1/64 dev eth0 nodad
";

/// The host under test, which the thread that made the stage is in, and its peer.
#[derive(Debug)]
pub struct Stage {
    peer: Netns,
}

/// A stage that could not be set up or used.
#[derive(Debug)]
pub enum StageError {
    /// A namespace.
    Namespace(NetnsError),
    /// The bpf file system.
    Mount(Errno),
    /// A command.
    Command(CommandError),
    /// A device.
    Device(NetlinkError),
    /// A socket on the wire.
    Socket(PacketSocketError),
}

/// Why no stage can be set up here, or why one of the `programs` can not be run, as a sentence for a
/// skipped test; `None` when all is there.
pub fn missing(programs: &[&str]) -> Option<String> {
    let wanted = [Capability::SysAdmin, Capability::NetAdmin, Capability::Bpf];
    let held = Capabilities::effective();
    if !held.is_some_and(|held| held.missing(&wanted).is_empty()) {
        return Some("needs CAP_SYS_ADMIN, CAP_NET_ADMIN and CAP_BPF".to_owned());
    }
    let needed = ["ip"].iter().chain(programs);
    let mut absent = needed.filter(|program| run(program, &["-V"], "").is_err());
    absent.next().map(|program| format!("needs the program {program}"))
}

impl Stage {
    /// Moves the calling thread to a new host, for good, and gives it a peer.
    ///
    /// # Errors
    /// [`StageError`]; without the rights that [`missing`] asks for, always.
    pub fn new() -> Result<Self, StageError> {
        seclude().map_err(StageError::Namespace)?;
        mount("bpf", MOUNT_POINT, "bpf", MountFlags::empty(), None).map_err(StageError::Mount)?;
        let thread = rustix::thread::gettid().as_raw_nonzero();
        let host = format!("/proc/{}/task/{thread}/ns/net", std::process::id());
        let peer = isolated(|| {
            batch(&WIRE.replace("{host}", &host))?;
            Netns::current().map_err(StageError::Namespace)
        });
        let stage = Self { peer: peer.map_err(StageError::Namespace)?? };
        batch(HOST_END)?;
        Ok(stage)
    }

    /// Runs `job` on a thread of its own at the peer, and waits.
    ///
    /// # Errors
    /// [`StageError::Namespace`].
    pub fn peer<T: Send>(&self, job: impl FnOnce() -> T + Send) -> Result<T, StageError> {
        self.peer.run(job).map_err(StageError::Namespace)
    }

    /// A socket at the peer's end of the wire, which sends any frame to the host, and hears what the
    /// host says by ARP.
    ///
    /// # Errors
    /// [`StageError`].
    pub fn wire(&self) -> Result<PacketSocket, StageError> {
        self.peer(|| socket(ARP))?
    }

    /// A socket at the host's end of the wire, which sees all frames that XDP lets through.
    ///
    /// # Errors
    /// [`StageError`].
    pub fn tap(&self) -> Result<PacketSocket, StageError> {
        socket(ALL_FRAMES)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // A thread that lives on must not keep what is pinned. If it can not be unmounted, it ends
        // with the thread.
        let _unmounted = unmount(MOUNT_POINT, UnmountFlags::DETACH);
    }
}

fn socket(ethertype: u16) -> Result<PacketSocket, StageError> {
    let device = device_by_name(DEVICE).map_err(StageError::Device)?;
    PacketSocket::open(device.index, ethertype).map_err(StageError::Socket)
}

fn batch(commands: &str) -> Result<(), StageError> {
    run("ip", &["-batch", "-"], commands).map(drop).map_err(StageError::Command)
}

impl fmt::Display for StageError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Namespace(error) => write!(out, "{error}"),
            Self::Mount(errno) => write!(out, "cannot mount a bpf file system: {errno}"),
            Self::Command(error) => write!(out, "{error}"),
            Self::Device(error) => write!(out, "{error}"),
            Self::Socket(error) => write!(out, "{error}"),
        }
    }
}

impl std::error::Error for StageError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Namespace(error) => Some(error),
            Self::Mount(errno) => Some(errno),
            Self::Command(error) => Some(error),
            Self::Device(error) => Some(error),
            Self::Socket(error) => Some(error),
        }
    }
}
