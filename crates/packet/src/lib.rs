//! Headers as checked views over bytes; checksums; five-tuple; pcap and pcapng files.
//!
//! Purpose: every other crate that looks at packets (the reference evaluator of the firewall, the
//! test generators, the command line) reads and builds them through this one, so a fact about a
//! header stands in one place.
//!
//! Invariant: no bytes, however broken, make a function of this crate panic, loop without end or
//! allocate more than its input and the constants in [`capture`] allow. Only building functions
//! (`emit`) assert, and only against values that no header can hold.
//!
//! Reading order: [`wire`] holds one view and one builder per protocol, [`checksum`] the sums they
//! share; [`link`] finds the network layer in a captured frame; [`five_tuple`] and [`text`] read
//! whole packets; [`capture`] reads and writes the files.
//!
//! ```
//! use netloom_packet::checksum::PseudoHeader;
//! use netloom_packet::five_tuple::FiveTuple;
//! use netloom_packet::wire::{Ipv4Repr, TcpFlags, TcpRepr, protocol};
//!
//! let (src, dst) = ([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
//! let tcp = TcpRepr { src_port: 1234, dst_port: 80, flags: TcpFlags::SYN, ..TcpRepr::default() };
//! let segment = tcp.emit(&PseudoHeader::V4 { src, dst }, b"");
//! let packet = Ipv4Repr { src, dst, protocol: protocol::TCP, ..Ipv4Repr::default() }.emit(&segment);
//!
//! assert_eq!(FiveTuple::of(&packet).map(|tuple| tuple.dport), Some(80));
//! ```

#![forbid(unsafe_code)]

pub mod capture;
pub mod checksum;
pub mod five_tuple;
pub mod link;
pub mod text;
pub mod wire;
