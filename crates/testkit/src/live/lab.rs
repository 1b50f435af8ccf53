//! The host under test, its two wires and what goes over them.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use std::{error, fmt, fs, io, thread};

use netloom_firewall::Hook;
use netloom_firewall::model::Family;
use netloom_sys::netlink::{NetlinkError, device_by_name};
use netloom_sys::netns::{Netns, NetnsError, isolated};
use netloom_sys::packet_socket::{PacketSocket, PacketSocketError};
use rustix::fd::OwnedFd;
use rustix::net::{
    AddressFamily, SendFlags, SocketFlags, SocketType, ipproto, sendto, socket_with,
};

use super::command::{CommandError, legacy_program, run};
use crate::engine::Stop;

/// Which packets the lab is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// Packets that arrive at the first device, for the host or to be forwarded through the second.
    Arriving,
    /// Packets that the host sends through the second device.
    Leaving,
}

/// Names of the host's two devices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Devices {
    /// Where packets arrive.
    pub arriving: String,
    /// Where forwarded and sent packets leave.
    pub leaving: String,
}

/// A host with two devices, `eth0` and `eth1` unless named otherwise, alone in its network namespace, and the other ends
/// of its wires in another.
#[derive(Debug)]
pub struct Lab {
    pub(super) family: Family,
    pub(super) view: View,
    pub(super) devices: Devices,
    host: Netns,
    wire: PacketSocket,
    raw: OwnedFd,
}

/// A lab that could not be made or used.
#[derive(Debug)]
pub enum LabError {
    /// A namespace.
    Namespace(NetnsError),
    /// A command in it.
    Command(CommandError),
    /// A setting of its network stack.
    Setting {
        /// Path of the setting.
        path: String,
        /// Why.
        error: io::Error,
    },
    /// A device in it.
    Device(NetlinkError),
    /// The socket at the other end of a wire.
    Wire(PacketSocketError),
    /// The host's raw socket.
    Raw {
        /// What was done.
        operation: &'static str,
        /// Why it failed.
        errno: netloom_sys::Errno,
    },
    /// A journey that begins elsewhere.
    NoJourney,
    /// The host does not answer on its wire, or does not notice that the wire is up.
    Silent,
}

/// Addresses of the host: all of the standard universe that a lab treats as its own.
pub const LOCAL: [&str; 4] = ["10.0.0.1", "10.0.0.9", "fd00::1", "fd00::9"];
/// Hardware address of the device where packets arrive.
pub const HOST_MAC: [u8; 6] = [2, 0, 0, 0, 1, 0];
const WIRE_MAC: [u8; 6] = [2, 0, 0, 0, 1, 0xff];
const ARP: u16 = 0x0806;
/// Bytes of the longest packet on a wire: more than generated packets have, and little enough that
/// a frame fits the page that a veth device gives an XDP program.
const MTU: u32 = 3000;

/// Silences everything a network stack says of its own accord, and lets it take any source
/// address. Devices made later start with the `default` values.
const SETTINGS: [(&str, &str); 19] = [
    ("ipv4/ip_forward", "1"),
    ("ipv4/icmp_echo_ignore_all", "1"),
    ("ipv4/conf/all/rp_filter", "0"),
    ("ipv4/conf/default/rp_filter", "0"),
    ("ipv4/conf/all/accept_local", "1"),
    ("ipv4/conf/all/send_redirects", "0"),
    ("ipv4/conf/default/send_redirects", "0"),
    ("ipv6/conf/default/accept_dad", "0"),
    ("ipv6/conf/default/accept_ra", "0"),
    ("ipv6/conf/default/autoconf", "0"),
    ("ipv6/conf/default/addr_gen_mode", "1"),
    ("ipv6/conf/default/router_solicitations", "0"),
    ("ipv6/conf/default/mldv1_unsolicited_report_interval", "1"),
    ("ipv6/conf/default/mldv2_unsolicited_report_interval", "1"),
    ("ipv6/conf/all/forwarding", "1"),
    ("ipv6/conf/default/forwarding", "1"),
    ("ipv6/icmp/echo_ignore_all", "1"),
    ("ipv6/icmp/echo_ignore_multicast", "1"),
    ("ipv4/igmp_link_local_mcast_reports", "0"),
];

/// Commands for [`batch`] in the host's namespace. Forwarded packets find their route in a table
/// of their own, so that the host itself has none for an answer.
const HOST: &str = "\
link set lo up
link set ARRIVING up
link set LEAVING up
addr add 10.0.0.1/32 dev lo
addr add 10.0.0.9/32 dev lo
addr add fd00::1/128 dev lo nodad
addr add fd00::9/128 dev lo nodad
neigh add 10.255.0.2 lladdr 02:00:00:00:02:01 dev LEAVING nud permanent
neigh add fe80::2 lladdr 02:00:00:00:02:01 dev LEAVING nud permanent
rule add iif ARRIVING lookup 100
-6 rule add iif ARRIVING lookup 100
route add default via 10.255.0.2 dev LEAVING onlink table 100
-6 route add default via fe80::2 dev LEAVING onlink table 100
";
const OUTGOING: &str = "\
route add default via 10.255.0.2 dev LEAVING onlink
-6 route add default via fe80::2 dev LEAVING onlink
";

impl Default for Devices {
    fn default() -> Self {
        Self { arriving: "eth0".to_owned(), leaving: "eth1".to_owned() }
    }
}

impl Lab {
    /// Makes a host for packets of `family`, seen as `view` says.
    ///
    /// # Errors
    /// [`LabError`]; without the rights that [`super::missing`] asks for, always.
    pub fn new(family: Family, view: View) -> Result<Self, LabError> {
        Self::with_devices(family, view, Devices::default())
    }

    /// Makes a host whose devices have the names that a ruleset speaks of.
    ///
    /// # Errors
    /// As [`Lab::new`]; also when the names are no two names of devices.
    pub fn with_devices(family: Family, view: View, devices: Devices) -> Result<Self, LabError> {
        let job = || Self::around_this_thread(family, view, devices);
        isolated(job).map_err(LabError::Namespace)?
    }

    /// The calling thread is in the host's new namespace, which lives on in an open file.
    fn around_this_thread(family: Family, view: View, devices: Devices) -> Result<Self, LabError> {
        for (name, value) in SETTINGS {
            set(name, value)?;
        }
        let host = Netns::current().map_err(LabError::Namespace)?;
        let thread = fs::read_link("/proc/thread-self")
            .map_err(|error| LabError::Setting { path: "/proc/thread-self".to_owned(), error })?;
        let host_path = format!("/proc/{}/ns/net", thread.display());
        let laid = isolated(|| lay_wires(&host_path, &devices)).map_err(LabError::Namespace)?;
        let wire = laid?;
        batch(HOST, &devices)?;
        if view == View::Leaving {
            batch(OUTGOING, &devices)?;
        }
        let domain = match family {
            Family::V4 => AddressFamily::INET,
            Family::V6 => AddressFamily::INET6,
        };
        let raw = socket_with(domain, SocketType::RAW, SocketFlags::CLOEXEC, Some(ipproto::RAW))
            .map_err(|errno| LabError::Raw { operation: "open", errno })?;
        let lab = Self { family, view, devices, host, wire, raw };
        lab.settle()?;
        if family == Family::V6 {
            await_groups(&lab.devices)?;
        }
        Ok(lab)
    }

    /// Runs `job` on a thread in the host's network namespace: commands that it starts, sockets and
    /// BPF links that it makes belong to the host.
    ///
    /// # Errors
    /// [`LabError::Namespace`].
    pub fn inside<T: Send>(&self, job: impl FnOnce() -> T + Send) -> Result<T, LabError> {
        self.host.run(job).map_err(LabError::Namespace)
    }

    /// Puts a frame on the wire to the first device. It is processed when [`Lab::settle`] returns.
    ///
    /// # Errors
    /// [`LabError::Wire`].
    pub fn inject(&self, frame: &[u8]) -> Result<(), LabError> {
        self.wire.send(frame).map_err(LabError::Wire)
    }

    /// Sends a whole packet to `destination` from the host itself. What a table discards counts as
    /// sent.
    ///
    /// # Errors
    /// [`LabError::Raw`].
    pub fn send(&self, packet: &[u8], destination: IpAddr) -> Result<(), LabError> {
        let to = SocketAddr::new(destination, 0);
        match sendto(&self.raw, packet, SendFlags::empty(), &to) {
            // The socket learns from EPERM that OUTPUT or POSTROUTING said DROP.
            Ok(_) | Err(netloom_sys::Errno::PERM) => Ok(()),
            Err(errno) => Err(LabError::Raw { operation: "send", errno }),
        }
    }

    /// Puts the packet of a journey's first stop on its way, as [`Lab::inject`] and [`Lab::send`]
    /// do.
    ///
    /// # Errors
    /// [`LabError::NoJourney`] where the journey does not begin where the view looks.
    pub fn dispatch(&self, journey: &[Stop]) -> Result<(), LabError> {
        let first = journey.first().ok_or(LabError::NoJourney)?;
        match (self.view, first.hook, first.packet.ethernet) {
            (View::Arriving, Hook::PreRouting, Some(ethernet)) => {
                self.inject(&[&ethernet[..], first.packet.network()].concat())
            }
            (View::Leaving, Hook::Output, _) => {
                self.send(first.packet.network(), super::journey::destination(&first.packet))
            }
            _ => Err(LabError::NoJourney),
        }
    }

    /// Lets nothing that the tables accept reach the host itself, which would answer: the security
    /// table's INPUT, the last of all, drops it. Engines other than [`super::Legacy`] call this
    /// once.
    ///
    /// # Errors
    /// [`LabError::Command`].
    pub fn shield(&self) -> Result<(), LabError> {
        let text = "*security\n:INPUT DROP [0:0]\nCOMMIT\n";
        let program = legacy_program(self.family, "restore");
        let job = || run(&program, &["-w", "60", "--noflush"], text);
        self.inside(job)?.map(drop).map_err(LabError::Command)
    }

    /// Waits until the host has processed all frames before: it answers an ARP request, which no
    /// table sees, in turn.
    ///
    /// # Errors
    /// [`LabError::Silent`] when it does not.
    pub fn settle(&self) -> Result<(), LabError> {
        let mut buffer = [0; 64];
        while self.answer(&mut buffer, Duration::ZERO)? {}
        for _ in 0..5 {
            self.inject(&arp_probe())?;
            if self.answer(&mut buffer, Duration::from_millis(400))? {
                return Ok(());
            }
        }
        Err(LabError::Silent)
    }

    fn answer(&self, buffer: &mut [u8], timeout: Duration) -> Result<bool, LabError> {
        let received = self.wire.receive(buffer, timeout).map_err(LabError::Wire)?;
        Ok(received.is_some())
    }
}

/// Makes both wires from the namespace of their far ends, which ends when the host's devices do.
fn lay_wires(host_path: &str, devices: &Devices) -> Result<PacketSocket, LabError> {
    set("ipv6/conf/default/disable_ipv6", "1")?;
    let commands = format!(
        "link add wire0 mtu {MTU} address 02:00:00:00:01:ff type veth \
         peer name ARRIVING mtu {MTU} address 02:00:00:00:01:00 netns {host_path}\n\
         link add wire1 mtu {MTU} address 02:00:00:00:02:ff type veth \
         peer name LEAVING mtu {MTU} address 02:00:00:00:02:00 netns {host_path}\n\
         link set wire0 up\nlink set wire1 up\n"
    );
    batch(&commands, devices)?;
    let wire = device_by_name("wire0").map_err(LabError::Device)?;
    PacketSocket::open(wire.index, ARP).map_err(LabError::Wire)
}

/// IPv6 joins its groups when it notices that a device has a carrier, which takes up to a second,
/// and reports them some milliseconds later.
fn await_groups(devices: &Devices) -> Result<(), LabError> {
    for _ in 0..100 {
        let routes = run("ip", &["-6", "route", "show", "table", "local"], "");
        let routes = routes.map_err(LabError::Command)?;
        let noticed = |name: &String| routes.contains(&format!("dev {name} "));
        if noticed(&devices.arriving) && noticed(&devices.leaving) {
            thread::sleep(Duration::from_millis(100));
            return Ok(());
        }
        thread::sleep(Duration::from_millis(50));
    }
    Err(LabError::Silent)
}

/// Runs lines of `ip` commands in which `ARRIVING` and `LEAVING` stand for the devices.
fn batch(commands: &str, devices: &Devices) -> Result<(), LabError> {
    let commands = commands.replace("ARRIVING", &devices.arriving);
    let commands = commands.replace("LEAVING", &devices.leaving);
    // A whole batch has one address family, so lines of the other one go into a second.
    let (v6, rest): (Vec<&str>, Vec<&str>) =
        commands.lines().partition(|line| line.starts_with("-6 "));
    run("ip", &["-batch", "-"], &rest.join("\n")).map_err(LabError::Command)?;
    let v6: Vec<&str> = v6.into_iter().map(|line| &line[3..]).collect();
    if !v6.is_empty() {
        run("ip", &["-6", "-batch", "-"], &v6.join("\n")).map_err(LabError::Command)?;
    }
    Ok(())
}

fn set(name: &str, value: &str) -> Result<(), LabError> {
    let path = format!("/proc/sys/net/{name}");
    fs::write(&path, value).map_err(|error| LabError::Setting { path, error })
}

/// Who has 10.0.0.1? Asked by nobody (RFC 5227), so that the answer needs no route.
fn arp_probe() -> Vec<u8> {
    let mut frame = vec![0xff; 6];
    frame.extend(WIRE_MAC);
    frame.extend([0x08, 0x06, 0, 1, 0x08, 0x00, 6, 4, 0, 1]);
    frame.extend(WIRE_MAC);
    frame.extend([0; 4]);
    frame.extend([0; 6]);
    frame.extend([10, 0, 0, 1]);
    frame
}

impl fmt::Display for LabError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Namespace(error) => write!(out, "{error}"),
            Self::Command(error) => write!(out, "{error}"),
            Self::Setting { path, error } => write!(out, "cannot set {path}: {error}"),
            Self::Device(error) => write!(out, "{error}"),
            Self::Wire(error) => write!(out, "{error}"),
            Self::Raw { operation, errno } => {
                write!(out, "cannot {operation} on the host's raw socket: {errno}")
            }
            Self::NoJourney => write!(out, "cannot send this packet in the lab's view"),
            Self::Silent => write!(out, "host under test does not answer on its wire"),
        }
    }
}

impl error::Error for LabError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Namespace(error) => Some(error),
            Self::Command(error) => Some(error),
            Self::Setting { error, .. } => Some(error),
            Self::Device(error) => Some(error),
            Self::Wire(error) => Some(error),
            Self::Raw { errno, .. } => Some(errno),
            Self::NoJourney | Self::Silent => None,
        }
    }
}
