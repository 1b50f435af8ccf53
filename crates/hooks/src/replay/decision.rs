//! What became of a packet, and why.

use netloom_firewall::Point;
use netloom_firewall::model::{CtStates, Family, TableName};
use netloom_packet::wire::Malformed;

use super::path::View;

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The tables decided.
    Judged(Decision),
    /// No table saw it.
    Skipped(Skipped),
}

/// What the tables decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Let through or not.
    pub verdict: Verdict,
    /// Who decided: of an accepted packet, in the filter table if that has a chain on the way,
    /// else in the last table.
    pub decider: Decider,
    /// The packet's way.
    pub view: View,
    /// Whose tables they were.
    pub family: Family,
    /// The connection state, where a rule asks for states.
    pub states: Option<CtStates>,
    /// The capture has not the whole packet; what it cut off was taken to be zero.
    pub is_cut: bool,
}

/// The fate of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It goes on.
    Accept,
    /// It is discarded.
    Drop,
}

/// Who decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Decider {
    /// A rule, by its counter slot: see [`super::Replay::meaning`].
    Rule(Point, u32),
    /// The policy of a built-in chain.
    Policy(Point),
    /// A match that found the packet malformed.
    Malformed(Point),
    /// Routing: no hop was left.
    HopLimit,
    /// Nobody: no table has a chain on the way.
    Nobody,
}

/// Why no table saw a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skipped {
    /// The link layer is unknown, broken or of another kind of traffic.
    NoNetworkLayer,
    /// Something else than IP.
    NotIp {
        /// What it is.
        ethertype: u16,
    },
    /// The IP header is broken; the kernel discards such packets before all tables.
    Malformed(Malformed),
    /// There is no ruleset for this version of IP.
    NoRuleset(Family),
    /// The capturing host was not meant; its kernel discards such packets before all tables.
    ToOtherHost,
}

/// What one built-in chain did with a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visit<'a> {
    /// The chain.
    pub point: Point,
    /// What came of it.
    pub verdict: Verdict,
    /// Who decided.
    pub decider: Decider,
    /// Counter slots of the rules that applied, in order; the policy's last.
    pub met: &'a [u32],
}

/// The last packet's way.
#[derive(Debug, Default)]
pub(super) struct Trace {
    pub(super) visits: Vec<(Point, Verdict, Decider, usize)>,
    pub(super) met: Vec<u32>,
    pub(super) moved: Vec<(u32, u64)>,
}

impl Trace {
    pub(super) fn clear(&mut self) {
        self.visits.clear();
        self.met.clear();
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Visit<'_>> {
        let ends = self.visits.iter().skip(1).map(|visit| visit.3).chain([self.met.len()]);
        self.visits.iter().zip(ends).map(|(&(point, verdict, decider, start), end)| Visit {
            point,
            verdict,
            decider,
            met: self.met.get(start..end).unwrap_or_default(),
        })
    }
}

impl Decider {
    /// Where it was decided, if in a table.
    pub fn point(self) -> Option<Point> {
        match self {
            Self::Rule(point, _) | Self::Policy(point) | Self::Malformed(point) => Some(point),
            Self::HopLimit | Self::Nobody => None,
        }
    }

    pub(super) fn is_of_filter(self) -> bool {
        self.point().is_some_and(|point| point.table == TableName::Filter)
    }
}
