//! Which ports are open, in and out.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::Duration;
use std::{error, fmt};

use rustix::thread::{CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity};

use super::{HOST, PEER, Stage, StageError};

/// How long a datagram may take. It has arrived long before unless the machine is overloaded.
const TRAVEL: Duration = Duration::from_secs(5);

/// Sockets on a number of UDP ports at the host and at its peer.
#[derive(Debug)]
pub struct Probe {
    ports: Vec<Port>,
    open: UdpSocket,
    from_host: UdpSocket,
    from_peer: UdpSocket,
    open_at: SocketAddr,
    sequence: u64,
}

#[derive(Debug)]
struct Port {
    at_host: UdpSocket,
    host: SocketAddr,
    /// Keeps the peer from answering.
    _at_peer: UdpSocket,
    peer: SocketAddr,
}

/// What became of one datagram to each port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdicts {
    /// Bit `n`: the one from the peer to the host's `n`-th port arrived.
    pub input: u64,
    /// Bit `n`: the host could send the one to the peer's `n`-th port.
    pub output: u64,
}

/// A probe that found something else than ports open or closed.
#[derive(Debug)]
pub enum ProbeError {
    /// The peer.
    Stage(StageError),
    /// A socket.
    Socket(io::Error),
    /// The port that is always open did not hear from the peer.
    Silent,
}

impl Probe {
    /// A probe of `ports`, at most 64, and `open`, which all rules let in. `family` is the position
    /// in [`HOST`]: 0 for IPv4.
    ///
    /// # Errors
    /// [`ProbeError::Stage`], [`ProbeError::Socket`].
    pub fn new(stage: &Stage, family: usize, ports: &[u16], open: u16) -> Result<Self, ProbeError> {
        let (host, peer) = (HOST[family], PEER[family]);
        let at_peer = |port| {
            let bound = stage.peer(|| bind(peer, port)).map_err(ProbeError::Stage)?;
            bound.map_err(ProbeError::Socket)
        };
        let port = |number: &u16| {
            let at_host = bind(host, *number).map_err(ProbeError::Socket)?;
            at_host.set_nonblocking(true).map_err(ProbeError::Socket)?;
            Ok(Port {
                at_host,
                host: SocketAddr::new(host, *number),
                _at_peer: at_peer(*number)?,
                peer: SocketAddr::new(peer, *number),
            })
        };
        let always = bind(host, open).map_err(ProbeError::Socket)?;
        always.set_read_timeout(Some(TRAVEL)).map_err(ProbeError::Socket)?;
        Ok(Self {
            ports: ports.iter().map(port).collect::<Result<_, _>>()?,
            open: always,
            from_host: bind(host, 0).map_err(ProbeError::Socket)?,
            from_peer: at_peer(0)?,
            open_at: SocketAddr::new(host, open),
            sequence: 0,
        })
    }

    /// Sends a datagram to each port, both ways.
    ///
    /// # Errors
    /// [`ProbeError`].
    pub fn verdicts(&mut self) -> Result<Verdicts, ProbeError> {
        self.sequence += 1;
        let message = self.sequence.to_be_bytes();
        let mut verdicts = Verdicts { input: 0, output: 0 };
        // One queue of the wire, fed and emptied by one processor, keeps the order.
        let moved = stay().map_err(ProbeError::Socket)?;
        for (index, port) in self.ports.iter().enumerate() {
            send(&self.from_peer, &message, port.host)?;
            verdicts.output |= u64::from(send(&self.from_host, &message, port.peer)?) << index;
        }
        send(&self.from_peer, &message, self.open_at)?;
        sched_setaffinity(None, &moved).map_err(|errno| ProbeError::Socket(errno.into()))?;
        // Once the last has arrived, so have the others.
        while receive(&self.open)?.ok_or(ProbeError::Silent)? != self.sequence {}
        for (index, port) in self.ports.iter().enumerate() {
            while let Some(sequence) = receive(&port.at_host)? {
                verdicts.input |= u64::from(sequence == self.sequence) << index;
            }
        }
        Ok(verdicts)
    }
}

fn bind(address: IpAddr, port: u16) -> io::Result<UdpSocket> {
    UdpSocket::bind(SocketAddr::new(address, port))
}

/// Keeps the calling thread on its processor; returns where it may be otherwise.
fn stay() -> io::Result<CpuSet> {
    let before = sched_getaffinity(None)?;
    let mut here = CpuSet::new();
    here.set(sched_getcpu());
    sched_setaffinity(None, &here)?;
    Ok(before)
}

/// Whether the packet was let out. What OUTPUT drops, the socket is told of.
fn send(socket: &UdpSocket, message: &[u8], to: SocketAddr) -> Result<bool, ProbeError> {
    match socket.send_to(message, to) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(false),
        Err(error) => Err(ProbeError::Socket(error)),
    }
}

/// The sequence number of the next datagram; `None` when none is there in time.
fn receive(socket: &UdpSocket) -> Result<Option<u64>, ProbeError> {
    let mut buffer = [0; 8];
    match socket.recv(&mut buffer) {
        Ok(_) => Ok(Some(u64::from_be_bytes(buffer))),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(ProbeError::Socket(error)),
    }
}

impl fmt::Display for ProbeError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stage(error) => write!(out, "{error}"),
            Self::Socket(error) => write!(out, "cannot probe: {error}"),
            Self::Silent => write!(out, "the open port does not hear from the peer"),
        }
    }
}

impl error::Error for ProbeError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Stage(error) => Some(error),
            Self::Socket(error) => Some(error),
            Self::Silent => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stage::missing;

    #[test]
    fn all_ports_are_open_without_rules_and_drops_are_told_by_direction() {
        if let Some(reason) = missing(&["iptables-legacy", "ip6tables-legacy"]) {
            println!("ran 0, skipped 1: {reason}");
            return;
        }
        let stage = Stage::new().unwrap();
        for (family, program) in ["iptables-legacy", "ip6tables-legacy"].into_iter().enumerate() {
            let mut probe = Probe::new(&stage, family, &[7001, 7002, 7003], 7000).unwrap();
            assert_eq!(probe.verdicts().unwrap(), Verdicts { input: 0b111, output: 0b111 });
            for (chain, port) in [("INPUT", "7002"), ("OUTPUT", "7003")] {
                let rule = ["-w", "60", "-A", chain, "-p", "udp", "--dport", port, "-j", "DROP"];
                let done = std::process::Command::new(program).args(rule).status();
                assert!(done.unwrap().success());
            }
            for _ in 0..20 {
                assert_eq!(probe.verdicts().unwrap(), Verdicts { input: 0b101, output: 0b011 });
            }
        }
    }
}
