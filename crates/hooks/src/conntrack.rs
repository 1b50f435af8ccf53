//! A connection table for captures: packets get the state that Linux' connection tracking would
//! give them.
//!
//! As in the kernel, a connection is known from its first packet on only if that packet was let
//! through: [`Table::classify`] gives the state, [`Table::confirm`] says that the rules accepted.
//! Time is the packets' own; where it goes back, it stands still. The table is bounded; where it
//! is full, the connection that was longest without a packet makes room.
//!
//! Not modelled: connections that a protocol announces within another one (FTP and the like), NAT,
//! zones, and the putting together of fragments (see `fragment`).
//!
//! Reading order: `tuple` (what names a connection), `upper` (what is read of a packet), then a
//! file for each protocol, `connection`, `store`.

mod connection;
mod datagram;
mod fragment;
mod icmp;
mod sctp;
mod status;
mod store;
mod tcp;
#[cfg(test)]
mod tests;
mod timeout;
mod tuple;
mod upper;

use std::net::IpAddr;

use netloom_firewall::model::CtStates;
use netloom_packet::wire::{Ip, Upper, protocol};
use netloom_vm::Conntrack;

use self::connection::Connection;
use self::fragment::{Datagram, Datagrams};
use self::icmp::{Message, message, quoted_answer};
use self::status::Status;
use self::store::Store;
use self::tuple::Tuple;
use self::upper::UpperBytes;

/// Bounds and choices of a [`Table`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most connections; the kernel's default on a machine with 4 GiB is 262,144.
    pub connections_max: u32,
    /// Most fragmented datagrams of which the later fragments are awaited.
    pub datagrams_max: u32,
    /// Whether a packet with a wrong checksum is invalid, as it is where the kernel receives one.
    /// Captures of what a host sends itself show checksums that its network card fills in later.
    /// (Linux 6.18 finds the checksum of UDP-Lite wrong even where it is right; this does not.)
    pub verify_checksums: bool,
}

/// The connections that a capture has shown so far.
#[derive(Debug)]
pub struct Table {
    connections: Store,
    datagrams: Datagrams,
    verify_checksums: bool,
    now_ns: u64,
}

/// What connection tracking says of a packet.
#[derive(Debug)]
pub struct Tracked {
    /// As the packet carries it.
    pub conntrack: Conntrack,
    /// The connection that the packet begins, to be confirmed once it is accepted.
    pub pending: Option<Pending>,
}

/// A connection of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Who began it.
    pub src: IpAddr,
    /// The other end.
    pub dst: IpAddr,
    /// Upper protocol.
    pub protocol: u8,
    /// Source and destination port of its first packet; identifier, and type and code, of an ICMP
    /// request; 0 and the call of enhanced GRE; 0 for others.
    pub ends: (u16, u16),
    /// What it has left to live without another packet, in nanoseconds.
    pub left_ns: u64,
    /// The other end has answered.
    pub is_answered: bool,
    /// It proved to be a connection (`IPS_ASSURED`).
    pub is_assured: bool,
}

/// A connection that is not yet in the table.
#[derive(Debug)]
pub struct Pending(Box<Connection>);

/// Which end of a connection sent a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
enum Direction {
    /// The end that began.
    Original,
    /// The other end.
    Reply,
}

/// What a packet means for its connection. Times are what is left to live, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// It is invalid.
    Invalid,
    /// It is invalid, and shortens the connection's life.
    InvalidShortened(u64),
    /// It belongs to the connection, and leaves it as it is.
    Unchanged,
    /// It belongs to the connection, which lives on.
    Refreshed(u64),
    /// It belongs to the connection, and ends it.
    Killed,
    /// It begins the connection anew.
    Reopen,
}

/// `IP_CT_RELATED` and `IP_CT_RELATED_REPLY` of `enum ip_conntrack_info`.
const RELATED: [u8; 2] = [1, 4];

impl Default for Limits {
    fn default() -> Self {
        Self { connections_max: 262_144, datagrams_max: 4_096, verify_checksums: false }
    }
}

impl Table {
    /// An empty table.
    pub fn new(limits: Limits) -> Self {
        Self {
            connections: Store::new(limits.connections_max),
            datagrams: Datagrams::new(usize::try_from(limits.datagrams_max).unwrap_or(usize::MAX)),
            verify_checksums: limits.verify_checksums,
            now_ns: 0,
        }
    }

    /// What the packet, IP header first, is to the connections known so far.
    pub fn classify(&mut self, packet: &[u8], timestamp_ns: u64) -> Tracked {
        self.now_ns = self.now_ns.max(timestamp_ns);
        let Ok(ip) = Ip::new_checked(packet) else { return Tracked::INVALID };
        match ip.upper() {
            Ok(upper) if upper.protocol == protocol::NO_NEXT && matches!(ip, Ip::V6(_)) => {
                Tracked::INVALID
            }
            Ok(upper) => self.fragment(&ip, &upper),
            Err(_) => Tracked::INVALID,
        }
    }

    /// Takes a connection into the table: the packet that began it was let through.
    pub fn confirm(&mut self, pending: Pending) {
        let mut connection = *pending.0;
        connection.status.set(Status::CONFIRMED);
        self.connections.insert(connection, self.now_ns);
    }

    /// The connections that have not expired, in no order.
    pub fn iter(&self) -> impl Iterator<Item = Known> {
        self.connections.iter().filter(|connection| !connection.is_expired(self.now_ns)).map(
            |connection| {
                let tuple = &connection.tuples[0];
                Known {
                    src: tuple.src,
                    dst: tuple.dst,
                    protocol: tuple.protocol,
                    ends: tuple.ends(),
                    left_ns: connection.expires_ns - self.now_ns,
                    is_answered: connection.status.has(Status::SEEN_REPLY),
                    is_assured: connection.status.has(Status::ASSURED),
                }
            },
        )
    }

    /// Connections in the table; expired ones count until they are met or make room.
    pub fn len(&self) -> usize {
        self.connections.len()
    }

    /// Whether there is no connection.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Connections that had to make room before they ended.
    pub fn evicted(&self) -> u64 {
        self.connections.evicted()
    }

    fn fragment(&mut self, ip: &Ip<'_>, upper: &Upper<'_>) -> Tracked {
        let datagram = upper.fragment.and_then(|_| Datagram::of(ip));
        if upper.fragment_offset() != 0 {
            let first = datagram.and_then(|datagram| self.datagrams.find(&datagram, self.now_ns));
            let conntrack = first.unwrap_or(Conntrack::None);
            return Tracked { conntrack, pending: None };
        }
        let bytes = UpperBytes::new(ip, upper);
        let tracked = self.track(ip, &bytes);
        if let (Some(datagram), true) = (datagram, bytes.is_fragment) {
            self.datagrams.note(datagram, tracked.conntrack, self.now_ns);
        }
        tracked
    }

    fn track(&mut self, ip: &Ip<'_>, upper: &UpperBytes<'_>) -> Tracked {
        if self.verify_checksums && !upper.is_intact() {
            return Tracked::INVALID;
        }
        let is_icmp = match ip {
            Ip::V4(_) => upper.protocol == protocol::ICMP,
            Ip::V6(_) => upper.protocol == protocol::ICMPV6,
        };
        if is_icmp {
            match message(ip, upper) {
                Message::Exchange => {}
                Message::Untracked => return Tracked::of(Conntrack::Untracked),
                Message::About(quoted) => return self.related(ip, quoted),
                Message::Invalid => return Tracked::INVALID,
            }
        } else if matches!(upper.protocol, protocol::ICMP | protocol::ICMPV6) {
            // The other version's ICMP.
            return Tracked::INVALID;
        }
        match Tuple::of(upper.src, upper.dst, upper.protocol, upper.bytes) {
            Some(tuple) => self.part(tuple, upper),
            None => Tracked::INVALID,
        }
    }

    /// A packet that is part of the connection which its tuple names, or begins it.
    fn part(&mut self, tuple: Tuple, upper: &UpperBytes<'_>) -> Tracked {
        let now_ns = self.now_ns;
        let Some((slot, direction)) = self.connections.find(&tuple, now_ns) else {
            return self.begin(tuple, upper);
        };
        let Some(connection) = self.connections.get_mut(slot) else { return Tracked::INVALID };
        let info = connection.info(direction);
        let verdict = connection.advance(upper, direction, now_ns);
        match verdict {
            Verdict::Invalid | Verdict::InvalidShortened(_) => Tracked::INVALID,
            Verdict::Reopen => {
                self.connections.remove(slot);
                self.begin(tuple, upper)
            }
            Verdict::Unchanged | Verdict::Refreshed(_) | Verdict::Killed => {
                if direction == Direction::Reply {
                    connection.status.set(Status::SEEN_REPLY);
                }
                let tracked = Tracked::of(connection.conntrack(info));
                if verdict == Verdict::Killed {
                    self.connections.remove(slot);
                }
                tracked
            }
        }
    }

    fn begin(&mut self, tuple: Tuple, upper: &UpperBytes<'_>) -> Tracked {
        let Some(mut connection) = Connection::begin(tuple, upper, self.now_ns) else {
            return Tracked::INVALID;
        };
        match connection.advance(upper, Direction::Original, self.now_ns) {
            Verdict::Unchanged | Verdict::Refreshed(_) => Tracked {
                conntrack: connection.conntrack(connection.info(Direction::Original)),
                pending: Some(Pending(Box::new(connection))),
            },
            Verdict::Invalid | Verdict::InvalidShortened(_) | Verdict::Killed | Verdict::Reopen => {
                Tracked::INVALID
            }
        }
    }

    /// An ICMP error belongs to the connection of the packet that it quotes, if it goes to that
    /// packet's sender (`nf_conntrack_proto_icmp.c: nf_conntrack_inet_error`).
    fn related(&mut self, ip: &Ip<'_>, quoted: &[u8]) -> Tracked {
        let found = quoted_answer(ip, quoted)
            .filter(|answer| answer.dst == ip.dst())
            .and_then(|answer| self.connections.find(&answer, self.now_ns));
        match found.and_then(|(slot, direction)| Some((self.connections.get(slot)?, direction))) {
            Some((connection, direction)) => {
                Tracked::of(connection.conntrack(RELATED[direction as usize]))
            }
            None => Tracked::INVALID,
        }
    }
}

impl Tracked {
    const INVALID: Self = Self::of(Conntrack::None);

    const fn of(conntrack: Conntrack) -> Self {
        Self { conntrack, pending: None }
    }

    /// The state as `-m conntrack --ctstate` sees it.
    pub fn states(&self) -> CtStates {
        states(self.conntrack)
    }
}

/// The state as `-m conntrack --ctstate` sees it: exactly one bit.
pub fn states(conntrack: Conntrack) -> CtStates {
    match conntrack {
        Conntrack::None => CtStates::INVALID,
        Conntrack::Untracked => CtStates::UNTRACKED,
        Conntrack::Tracked { info, .. } => match info % 3 {
            0 => CtStates::ESTABLISHED,
            1 => CtStates::RELATED,
            _ => CtStates::NEW,
        },
    }
}

impl Direction {
    fn opposite(self) -> Self {
        match self {
            Self::Original => Self::Reply,
            Self::Reply => Self::Original,
        }
    }
}
