//! The kernel's iptables as an engine.

use std::{error, fmt};

use netloom_firewall::Hook;
use netloom_firewall::model::{AddrType, CtStates, Family, TableName};

use super::command::{CommandError, legacy_program, run};
use super::lab::{Lab, LabError, View};
use super::saved::{Malformed, parse_saved};
use crate::engine::{Engine, Fate, Stop};
use crate::evaluate::Counts;

/// `iptables-legacy` in a lab.
///
/// It keeps two tables for itself where the ruleset leaves them free: the security table, whose
/// chains come last and tell whether a packet came through, and the mangle table, whose rules tell
/// which connection state a packet has.
#[derive(Debug)]
pub struct Legacy {
    lab: Lab,
    tables: Vec<TableName>,
    tracks: bool,
    rejects: bool,
    watches: bool,
    unread: usize,
    /// The counters, where nothing was sent since they were read.
    latest: Option<Counts>,
}

/// What went wrong with a live engine.
#[derive(Debug)]
pub enum LegacyError {
    /// The lab.
    Lab(LabError),
    /// `iptables-legacy-restore` or `-save`.
    Command(CommandError),
    /// What `iptables-legacy-save` printed.
    Saved(Malformed),
    /// The ruleset is of the other address family than the lab.
    OtherFamily,
    /// A ruleset that both asks for connection states and has a mangle table hides the states of
    /// its packets.
    StatesHidden,
}

/// What a live kernel did with one packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// What became of it, where that can be seen.
    pub fate: Option<Fate>,
    /// The state that connection tracking gave it, if it reached that.
    pub state: Option<CtStates>,
    /// The counters after it.
    pub counts: Counts,
}

/// Frames that may wait at a time; the kernel's queue for them holds 1,000.
const UNREAD_MAX: usize = 200;

const STATES: [(&str, CtStates); 5] = [
    ("INVALID", CtStates::INVALID),
    ("ESTABLISHED", CtStates::ESTABLISHED),
    ("RELATED", CtStates::RELATED),
    ("NEW", CtStates::NEW),
    ("UNTRACKED", CtStates::UNTRACKED),
];

impl Legacy {
    /// An engine without rules in `lab`.
    pub fn new(lab: Lab) -> Self {
        Self {
            lab,
            tables: Vec::new(),
            tracks: false,
            rejects: false,
            watches: true,
            unread: 0,
            latest: None,
        }
    }

    /// An engine that leaves the mangle table to rulesets, also to those that ask for states;
    /// [`Self::watch`] then tells no states.
    pub fn unwatched(lab: Lab) -> Self {
        Self { watches: false, ..Self::new(lab) }
    }

    /// The lab.
    pub fn lab(&self) -> &Lab {
        &self.lab
    }

    /// The journey of a packet, or `None` where it is to be left out, see [`Lab::journey`]; with
    /// the ruleset that is loaded now.
    pub fn journey(&self, network: &[u8], ethernet: [u8; 14]) -> Option<Vec<Stop>> {
        let journey = self.lab.journey(network, ethernet)?;
        // Connection tracking puts fragments together before any table sees them.
        let reassembled = self.tracks && journey.iter().any(|stop| is_fragment(&stop.packet));
        // The answer of REJECT passes the host's own tables where it has a route.
        let own = |stop: &Stop| stop.packet.source_route.0.contains(AddrType::Local);
        let answered = self.rejects && (self.lab.view == View::Leaving || journey.iter().any(own));
        (!reassembled && !answered).then_some(journey)
    }

    /// Sends one packet and waits until the kernel has decided.
    ///
    /// # Errors
    /// [`LegacyError`].
    pub fn watch(&mut self, journey: &[Stop]) -> Result<Seen, LegacyError> {
        let before = self.latest.take().map_or_else(|| self.counts(), Ok)?;
        self.dispatch(journey)?;
        let after = self.counts()?;
        let packets = |counts: &Counts, table, chain: &str, rule: Option<usize>| {
            let chain = counts.get(&(table, chain.to_owned()))?;
            let counters = match rule {
                Some(index) => chain.rules.get(index).copied(),
                None => chain.policy,
            };
            counters.map(|counters| counters.packets)
        };
        let moved = |table, chain: &str, rule| {
            packets(&after, table, chain, rule) > packets(&before, table, chain, rule)
        };
        let last = journey
            .iter()
            .map(|stop| stop.hook)
            .find(|hook| matches!(hook, Hook::Input | Hook::Forward | Hook::Output));
        let witness = last.filter(|_| !self.tables.contains(&TableName::Security));
        let fate = witness.map(|hook| {
            let passed = moved(TableName::Security, hook.chain(), None);
            if passed { Fate::Accepted } else { Fate::Discarded }
        });
        let entry = self.entry().chain();
        let state = STATES.iter().enumerate().find(|(index, _)| {
            self.watches && self.tracks && moved(TableName::Mangle, entry, Some(*index))
        });
        let state = state.map(|(_, (_, state))| *state);
        self.latest = Some(after.clone());
        Ok(Seen { fate, state, counts: after })
    }

    fn entry(&self) -> Hook {
        match self.lab.view {
            View::Arriving => Hook::PreRouting,
            View::Leaving => Hook::Output,
        }
    }

    /// Puts the packet of the first stop on its way.
    fn dispatch(&mut self, journey: &[Stop]) -> Result<(), LegacyError> {
        self.lab.dispatch(journey).map_err(LegacyError::Lab)?;
        self.unread += 1;
        self.latest = None;
        if self.unread >= UNREAD_MAX { self.settle() } else { Ok(()) }
    }

    fn settle(&mut self) -> Result<(), LegacyError> {
        self.unread = 0;
        self.lab.settle().map_err(LegacyError::Lab)
    }

    fn restore(&self, text: &str) -> Result<(), LegacyError> {
        let program = legacy_program(self.lab.family, "restore");
        // The lock is one for the whole machine; other tests may hold it for a moment.
        let job = || run(&program, &["-w", "60"], text);
        self.lab.inside(job).map_err(LegacyError::Lab)?.map(drop).map_err(LegacyError::Command)
    }
}

impl Engine for Legacy {
    type Error = LegacyError;

    fn load(&mut self, family: Family, text: &str) -> Result<(), LegacyError> {
        if family != self.lab.family {
            return Err(LegacyError::OtherFamily);
        }
        let has = |name: TableName| text.lines().any(|line| line == format!("*{}", name.as_str()));
        self.tables = TableName::ALL.into_iter().filter(|name| has(*name)).collect();
        self.tracks = ["--state", "--ctstate"].iter().any(|option| text.contains(option));
        self.rejects = text.contains("-j REJECT");
        if self.watches && self.tracks && self.tables.contains(&TableName::Mangle) {
            return Err(LegacyError::StatesHidden);
        }
        self.latest = None;
        self.restore(&housekeeping(self.entry(), self.watches && self.tracks))?;
        self.restore(text)
    }

    fn run(&mut self, journey: &[Stop]) -> Result<Option<Fate>, LegacyError> {
        self.dispatch(journey).map(|()| None)
    }

    fn counts(&mut self) -> Result<Counts, LegacyError> {
        self.settle()?;
        let program = legacy_program(self.lab.family, "save");
        let saved = self.lab.inside(|| run(&program, &["-c"], "")).map_err(LegacyError::Lab)?;
        parse_saved(&saved.map_err(LegacyError::Command)?).map_err(LegacyError::Saved)
    }
}

/// Empties all tables, and fills those that the engine keeps for itself.
fn housekeeping(entry: Hook, tracks: bool) -> String {
    let mut text = String::new();
    for table in TableName::ALL {
        text.push_str(&format!("*{}\n", table.as_str()));
        for hook in crate::hook::table_hooks(table) {
            // Nothing may answer a packet that the tables let through to the host.
            let ends = table == TableName::Security && *hook == Hook::Input;
            let policy = if ends { "DROP" } else { "ACCEPT" };
            text.push_str(&format!(":{} {policy} [0:0]\n", hook.chain()));
        }
        if table == TableName::Mangle && tracks {
            for (name, _) in STATES {
                text.push_str(&format!("-A {} -m conntrack --ctstate {name}\n", entry.chain()));
            }
        }
        text.push_str("COMMIT\n");
    }
    text
}

fn is_fragment(packet: &crate::case::PacketCase) -> bool {
    let bytes = packet.network();
    match packet.family() {
        Family::V4 => u16::from_be_bytes([bytes[6], bytes[7]]) & 0x3fff != 0,
        // A fragment header may follow others; the number alone is a safe sign.
        Family::V6 => bytes[6..].contains(&44),
    }
}

impl fmt::Display for LegacyError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lab(error) => write!(out, "{error}"),
            Self::Command(error) => write!(out, "{error}"),
            Self::Saved(error) => write!(out, "{error}"),
            Self::OtherFamily => write!(out, "lab is for the other address family"),
            Self::StatesHidden => {
                write!(out, "cannot watch connection states beside a mangle table")
            }
        }
    }
}

impl error::Error for LegacyError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Lab(error) => Some(error),
            Self::Command(error) => Some(error),
            Self::Saved(error) => Some(error),
            Self::OtherFamily | Self::StatesHidden => None,
        }
    }
}
