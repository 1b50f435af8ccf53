//! A compiled firewall over captured packets: the same programs as in the kernel, run by the
//! interpreter.
//!
//! Each packet takes the way of a received, a forwarded or a sent packet through the tables that
//! the rulesets have, in the kernel's order, with the packet's own time as the clock. Connection
//! states come from a [`crate::conntrack::Table`], which learns from the packets that were let
//! through.
//!
//! Differences from a live kernel: fragments are judged one by one, not put together first; a
//! packet that the capture cut short reads as zeros behind the cut ([`Decision::is_cut`]); header
//! checksums are not verified.
//!
//! Reading order: [`Replay::packet`], then `path` (the ways), `packet` (frames made ready), `walk`
//! (which rules a packet met).

mod decision;
mod error;
mod options;
mod packet;
mod path;
#[cfg(test)]
mod tests;
mod walk;

use std::collections::{HashMap, HashSet};

use netloom_firewall::model::{Counters, Family, Match, Ruleset};
use netloom_firewall::record::{Record, Reporter, Reporters};
use netloom_firewall::{COUNTERS_MAP, Hook, LOG_MAP, Planned, Point, Role, RuleId, Slots, compile};
use netloom_maps::{Map, RingBuf, Values};
use netloom_vm::{Clock, Conntrack, Context, Cpu, Device, Machine, NetfilterInput};

use crate::conntrack::{self, Pending, Table};
use decision::Trace;
use packet::Packet;
use path::{Stop, path};
use walk::Walk;

pub use decision::{Decider, Decision, Outcome, Skipped, Verdict, Visit};
pub use error::ReplayError;
pub use options::{Frame, Options};
pub use path::View;
pub use walk::Meaning;

/// A firewall over captured packets.
#[derive(Debug)]
pub struct Replay<'a> {
    machine: Machine,
    cpu: Cpu,
    options: Options,
    slots: Slots,
    ways: Vec<Way>,
    walks: Vec<Walk>,
    meanings: HashMap<u32, Meaning<'a>>,
    reporters: Reporters<'a>,
    connections: Option<Table>,
    packet: Packet,
    now_ns: u64,
    /// Packets counted in each slot before the current visit.
    counted: Vec<u64>,
    trace: Trace,
    records: Vec<(Reporter<'a>, Record)>,
}

/// The way of one family's packets.
#[derive(Debug)]
struct Way {
    family: Family,
    view: View,
    stations: Vec<Station>,
}

/// A stop on the way at which there is something to do.
#[derive(Clone, Copy, Debug)]
enum Station {
    Table(Hooked),
    Track,
    Route,
}

/// A built-in chain, ready to run.
#[derive(Clone, Copy, Debug)]
struct Hooked {
    point: Point,
    program: u32,
    /// Index of its walk.
    walk: usize,
}

/// What is known of a packet on its way.
struct Progress {
    conntrack: Conntrack,
    pending: Option<Pending>,
}

impl<'a> Replay<'a> {
    /// Compiles the rulesets, at most one of each family, and makes them ready to run.
    ///
    /// # Errors
    /// [`ReplayError`] when they do not compile, or two are of one family.
    pub fn new(planned: &[Planned<'a>], options: Options) -> Result<Self, ReplayError> {
        let rulesets: Vec<&'a Ruleset> = planned.iter().map(|planned| planned.ruleset).collect();
        let families: HashSet<Family> = rulesets.iter().map(|ruleset| ruleset.family).collect();
        if families.len() < rulesets.len() {
            return Err(ReplayError::SameFamily);
        }
        let slots = Slots::assign(&rulesets, &Slots::default(), &HashSet::new());
        let mut compiled = compile(planned, &slots).map_err(ReplayError::Compile)?;
        let (mut tables, mut walks, mut chains) = (HashMap::new(), Vec::new(), Vec::new());
        for (role, program) in compiled.programs.into_iter().zip(compiled.object.programs) {
            // The pre-filter drops nothing that the chains would not drop.
            let Role::Chain(family, point) = role else { continue };
            let ruleset = rulesets.iter().find(|ruleset| ruleset.family == family);
            let Some(table) = ruleset.and_then(|ruleset| ruleset.table(point.table)) else {
                continue;
            };
            let hooked = Hooked { point, program: index_of(&chains), walk: walks.len() };
            tables.insert((family, point), hooked);
            walks.push(Walk::of(family, table, point, &slots));
            chains.push(program);
        }
        compiled.object.programs = chains;
        let machine = Machine::new(&compiled.object, netloom_vm::Options::default())
            .map_err(ReplayError::Machine)?;
        let ways = families.iter().flat_map(|family| ways(*family, &tables)).collect();
        let bound = usize::try_from(slots.bound()).unwrap_or(usize::MAX);
        let connections = planned.iter().any(asks_for_states);
        Ok(Self {
            machine,
            cpu: Cpu::new(0),
            connections: connections.then(|| Table::new(options.connections)),
            options,
            ways,
            walks,
            meanings: walk::meanings(&rulesets, &slots),
            reporters: Reporters::of(&rulesets, &slots),
            slots,
            packet: Packet::default(),
            now_ns: 0,
            counted: vec![0; bound],
            trace: Trace::default(),
            records: Vec::new(),
        })
    }

    /// Sends a frame through the tables.
    ///
    /// # Errors
    /// [`ReplayError::Fault`] and [`ReplayError::Verdict`], which a compiled ruleset never gives.
    pub fn packet(&mut self, frame: &Frame<'_>) -> Result<Outcome, ReplayError> {
        self.trace.clear();
        self.records.clear();
        self.now_ns = self.now_ns.max(frame.timestamp_ns);
        self.cpu.set_clock(Clock::Fixed(self.now_ns));
        if let Err(reason) = self.packet.load(frame, &self.options) {
            return Ok(Outcome::Skipped(reason));
        }
        let family = self.packet.family;
        let fits = |way: &Way| way.family == family && way.view == self.packet.view;
        let Some(way) = self.ways.iter().position(fits) else {
            return Ok(Outcome::Skipped(Skipped::NoRuleset(family)));
        };
        let mut progress = Progress { conntrack: Conntrack::None, pending: None };
        let mut decider = Decider::Nobody;
        let mut verdict = Verdict::Accept;
        for at in 0..self.ways[way].stations.len() {
            let decided = match self.ways[way].stations[at] {
                Station::Table(hooked) => Some(self.table(frame, hooked, &progress)?),
                Station::Track => {
                    self.track(&mut progress);
                    None
                }
                Station::Route if self.packet.lower_hop_limit() => None,
                Station::Route => Some((Verdict::Drop, Decider::HopLimit)),
            };
            let Some((table_verdict, table_decider)) = decided else { continue };
            if table_verdict == Verdict::Drop || !decider.is_of_filter() {
                decider = table_decider;
            }
            verdict = table_verdict;
            if verdict == Verdict::Drop {
                break;
            }
        }
        if let (Verdict::Accept, Some(table), Some(pending)) =
            (verdict, &mut self.connections, progress.pending)
        {
            table.confirm(pending);
        }
        Ok(Outcome::Judged(Decision {
            verdict,
            decider,
            view: self.packet.view,
            family,
            states: self.connections.is_some().then(|| conntrack::states(progress.conntrack)),
            is_cut: self.packet.is_cut,
        }))
    }

    /// What the built-in chains did with the last packet, in order.
    pub fn trace(&self) -> impl Iterator<Item = Visit<'_>> {
        self.trace.iter()
    }

    /// What LOG and NFLOG rules reported of the last packet, in order.
    pub fn records(&self) -> &[(Reporter<'a>, Record)] {
        &self.records
    }

    /// What a counter slot counts.
    pub fn meaning(&self, slot: u32) -> Option<Meaning<'a>> {
        self.meanings.get(&slot).copied()
    }

    /// The counter slots of the rules.
    pub fn slots(&self) -> &Slots {
        &self.slots
    }

    /// Packets and bytes that a rule applied to.
    ///
    /// # Panics
    /// For a rule that is not in the rulesets.
    pub fn rule_counters(&self, family: Family, id: RuleId<'_>) -> Counters {
        self.counters(self.slots.rule(family, id))
    }

    /// Packets and bytes that the policy of a built-in chain decided.
    ///
    /// # Panics
    /// For a family without ruleset.
    pub fn policy_counters(&self, family: Family, point: Point) -> Counters {
        self.counters(self.slots.policy(family, point))
    }

    /// The connection table, if a rule asks for states.
    pub fn connections(&self) -> Option<&Table> {
        self.connections.as_ref()
    }

    fn counters(&self, slot: u32) -> Counters {
        let Some(values) = self.counter_values() else { return Counters::default() };
        let address = values.address(slot);
        let load = |offset: u64| values.load::<8>(address + offset).unwrap_or(0);
        Counters { packets: load(0), bytes: load(8) }
    }

    /// The machine has one CPU, so a slot of the map is a slot of its values.
    fn counter_values(&self) -> Option<&Values> {
        self.machine.map(COUNTERS_MAP)?.values()
    }

    fn track(&mut self, progress: &mut Progress) {
        if let Some(table) = &mut self.connections {
            let tracked = table.classify(self.packet.network(), self.now_ns);
            (progress.conntrack, progress.pending) = (tracked.conntrack, tracked.pending);
        }
    }

    /// Runs a built-in chain.
    fn table(
        &mut self,
        frame: &Frame<'_>,
        Hooked { point, program, walk }: Hooked,
        progress: &Progress,
    ) -> Result<(Verdict, Decider), ReplayError> {
        let (in_device, out_device) = self.devices(frame, point.hook);
        let (bytes, link_bytes) = self.packet.at(point.hook);
        let input = NetfilterInput {
            frame: bytes,
            link_bytes,
            family: match self.packet.family {
                Family::V4 => netloom_vm::Family::Ipv4,
                Family::V6 => netloom_vm::Family::Ipv6,
            },
            hook: vm_hook(point.hook),
            in_device: in_device.as_ref(),
            out_device: out_device.as_ref(),
            mark: 0,
            packet_type: self.packet.packet_type,
            conntrack: progress.conntrack,
            route: self.packet.route(point.hook, &self.options),
        };
        let result = self.machine.run(&mut self.cpu, program, Context::Netfilter(&input));
        let verdict = match result.map_err(ReplayError::Fault)? {
            0 => Verdict::Drop,
            1 => Verdict::Accept,
            verdict => return Err(ReplayError::Verdict { point, verdict }),
        };
        self.collect_records();
        let decider = self.note_visit(walk, verdict);
        Ok((verdict, decider))
    }

    /// The devices that a hook shows.
    fn devices(&self, frame: &Frame<'_>, hook: Hook) -> (Option<Device>, Option<Device>) {
        let named = |usual: Device| Some(frame.device.copied().unwrap_or(usual));
        let (input, output) = match self.packet.view {
            View::Input => (named(self.options.in_device), None),
            View::Forward => (named(self.options.in_device), Some(self.options.out_device)),
            View::Output => (None, named(self.options.out_device)),
        };
        match hook {
            Hook::PreRouting | Hook::Input => (input, None),
            Hook::Forward | Hook::Output | Hook::PostRouting => (input, output),
        }
    }

    fn collect_records(&mut self) {
        if self.reporters.is_empty() {
            return;
        }
        let Some(ring) = self.machine.map(LOG_MAP).and_then(Map::ring) else {
            return;
        };
        let records = std::iter::from_fn(|| RingBuf::take(ring));
        self.records.extend(records.filter_map(|bytes| self.reporters.read(&bytes)));
    }

    /// Finds out which counters moved, and so which rules applied.
    fn note_visit(&mut self, walk: usize, verdict: Verdict) -> Decider {
        let walk = &self.walks[walk];
        let trace = &mut self.trace;
        trace.moved.clear();
        if let Some(values) = self.machine.map(COUNTERS_MAP).and_then(Map::values) {
            for &slot in walk.slots() {
                let packets = values.load::<8>(values.address(slot)).unwrap_or(0);
                let Some(before) = self.counted.get_mut(slot as usize) else { continue };
                if packets != *before {
                    trace.moved.push((slot, packets - *before));
                    *before = packets;
                }
            }
        }
        let start = trace.met.len();
        let decider = walk.follow(&mut trace.moved, &mut trace.met);
        trace.visits.push((walk.point(), verdict, decider, start));
        decider
    }
}

/// The ways of a family's packets through those tables that there are.
fn ways(family: Family, tables: &HashMap<(Family, Point), Hooked>) -> Vec<Way> {
    let station = |stop: &Stop| match stop {
        Stop::Table(point) => tables.get(&(family, *point)).copied().map(Station::Table),
        Stop::Track => Some(Station::Track),
        Stop::Route => Some(Station::Route),
    };
    let way = |view| {
        let stations = path(view).iter().filter_map(station).collect();
        Way { family, view, stations }
    };
    [View::Input, View::Forward, View::Output].map(way).into()
}

/// The index that the next program gets.
fn index_of(programs: &[netloom_abi::Program]) -> u32 {
    u32::try_from(programs.len()).expect("each family has a program for each built-in chain")
}

fn asks_for_states(planned: &Planned<'_>) -> bool {
    planned.ruleset.tables.iter().any(|table| {
        table.chains.iter().any(|chain| {
            chain.rules.iter().enumerate().any(|(index, rule)| {
                let id = RuleId { table: table.name, chain: &chain.name, index };
                let asks = |kind: &Match| matches!(kind, Match::State(_) | Match::CtState(_));
                rule.matches.iter().any(|item| asks(&item.kind)) && !planned.skip.contains(&id)
            })
        })
    })
}

/// The interpreter's name for the hook.
pub fn vm_hook(hook: Hook) -> netloom_vm::Hook {
    match hook {
        Hook::PreRouting => netloom_vm::Hook::PreRouting,
        Hook::Input => netloom_vm::Hook::LocalIn,
        Hook::Forward => netloom_vm::Hook::Forward,
        Hook::Output => netloom_vm::Hook::LocalOut,
        Hook::PostRouting => netloom_vm::Hook::PostRouting,
    }
}
