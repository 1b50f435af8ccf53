//! Capture filters: expressions, captures that meet them, and everyone who can judge a frame.
//!
//! [`expressions`] is the list of filters, [`capture`] makes frames of every link type out of the
//! same few hosts, ports and addresses. [`tcpdump`] is the oracle: it compiles a filter, and it says
//! which frames of a capture match. [`judge`] runs a program in every engine and compares; those of
//! eBPF are in [`translated`]. [`programs`] asks both compilers, tcpdump's and ours with the
//! [`names`] of this machine, and [`length`] counts what they give.

pub mod capture;
pub mod expressions;
pub mod judge;
pub mod length;
pub mod names;
pub mod programs;
pub mod tcpdump;
pub mod translated;

use netloom_packet::link::LinkType;

/// The link types that filters are compared on.
pub const LINKS: [LinkType; 4] =
    [LinkType::ETHERNET, LinkType::RAW, LinkType::LINUX_SLL, LinkType::LINUX_SLL2];
