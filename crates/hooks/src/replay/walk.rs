//! Which rules a packet met, from what the counters say.
//!
//! The programs count; they do not tell in which order. The order follows from the rules: a packet
//! that was counted by a rule went where its target leads.

use std::collections::HashMap;

use netloom_firewall::model::{Family, Ruleset, Table, Target};
use netloom_firewall::{Point, RuleId, Slots};

use super::{Decider, Verdict};

/// One table's chains, ready to be followed.
#[derive(Debug)]
pub(super) struct Walk {
    chains: Vec<Vec<Line>>,
    points: HashMap<Point, Entry>,
}

/// A built-in chain.
#[derive(Debug)]
struct Entry {
    chain: usize,
    policy: u32,
    /// Counter slots that a packet may move here, the policy's last.
    slots: Vec<u32>,
}

#[derive(Clone, Copy, Debug)]
struct Line {
    slot: u32,
    way: Way,
}

/// Where a rule's target leads.
#[derive(Clone, Copy, Debug)]
enum Way {
    On,
    Stop,
    Back,
    Into(usize),
    Away(usize),
}

/// How a chain was left.
enum Left {
    /// At its end, or by RETURN.
    Back,
    /// By a target that decides.
    Stopped(u32),
}

impl Walk {
    /// The chains of `table` in `ruleset`.
    pub(super) fn of(ruleset: &Ruleset, table: &Table, slots: &Slots) -> Self {
        let family = ruleset.family;
        let names: HashMap<&str, usize> =
            table.chains.iter().enumerate().map(|(at, chain)| (&*chain.name, at)).collect();
        let way = |target: &Target| match target {
            Target::Accept | Target::Drop | Target::Reject(_) => Way::Stop,
            Target::Return => Way::Back,
            Target::Jump(name) => names.get(&**name).map_or(Way::On, |chain| Way::Into(*chain)),
            Target::Goto(name) => names.get(&**name).map_or(Way::On, |chain| Way::Away(*chain)),
            Target::None | Target::Log(_) | Target::Nflog(_) | Target::Unsupported { .. } => {
                Way::On
            }
        };
        let mut walk = Self { chains: Vec::new(), points: HashMap::new() };
        for chain in &table.chains {
            let lines = chain.rules.iter().enumerate().map(|(index, rule)| {
                let id = RuleId { table: table.name, chain: &chain.name, index };
                Line { slot: slots.rule(family, id), way: way(&rule.target.kind) }
            });
            walk.chains.push(lines.collect());
        }
        let built_in = |point: &Point| point.table == table.name;
        for point in Point::ALL.into_iter().filter(built_in) {
            let Some(&chain) = names.get(point.hook.chain()) else { continue };
            let policy = slots.policy(family, point);
            let mut slots = walk.reached(chain);
            slots.push(policy);
            walk.points.insert(point, Entry { chain, policy, slots });
        }
        walk
    }

    /// Counter slots that a packet may move at `point`.
    pub(super) fn slots(&self, point: Point) -> &[u32] {
        self.points.get(&point).map(|entry| &*entry.slots).unwrap_or_default()
    }

    /// Appends to `met` the slots that were moved at `point` in the order of the packet's way, and
    /// says who decided. `moved` holds how often each was moved; it is empty afterwards unless the
    /// way can not be told.
    pub(super) fn follow(
        &self,
        point: Point,
        verdict: Verdict,
        moved: &mut HashMap<u32, u64>,
        met: &mut Vec<u32>,
    ) -> Decider {
        let Some(entry) = self.points.get(&point) else { return Decider::Malformed(point) };
        let left = self.chain(entry.chain, moved, met);
        // A chain met twice may leave a way of several; what is left over was met all the same.
        let mut rest: Vec<u32> = moved.drain().map(|(slot, _)| slot).collect();
        rest.sort_unstable();
        let is_policy = rest.contains(&entry.policy);
        met.extend(rest);
        match left {
            Left::Stopped(slot) => Decider::Rule(point, slot),
            Left::Back if is_policy => Decider::Policy(point),
            Left::Back => {
                debug_assert_eq!(verdict, Verdict::Drop, "only a malformed packet ends uncounted");
                Decider::Malformed(point)
            }
        }
    }

    fn chain(&self, chain: usize, moved: &mut HashMap<u32, u64>, met: &mut Vec<u32>) -> Left {
        for line in &self.chains[chain] {
            if moved.is_empty() {
                break;
            }
            let Some(times) = moved.get_mut(&line.slot) else { continue };
            *times -= 1;
            if *times == 0 {
                moved.remove(&line.slot);
            }
            met.push(line.slot);
            match line.way {
                Way::On => {}
                Way::Stop => return Left::Stopped(line.slot),
                Way::Back => return Left::Back,
                Way::Away(next) => return self.chain(next, moved, met),
                Way::Into(next) => {
                    if let stopped @ Left::Stopped(_) = self.chain(next, moved, met) {
                        return stopped;
                    }
                }
            }
        }
        Left::Back
    }

    /// The slots of the chain's rules and of all rules it leads to.
    fn reached(&self, chain: usize) -> Vec<u32> {
        let mut seen = vec![false; self.chains.len()];
        let mut todo = vec![chain];
        let mut slots = Vec::new();
        while let Some(chain) = todo.pop() {
            if std::mem::replace(&mut seen[chain], true) {
                continue;
            }
            for line in &self.chains[chain] {
                slots.push(line.slot);
                if let Way::Into(next) | Way::Away(next) = line.way {
                    todo.push(next);
                }
            }
        }
        slots
    }
}

/// What a counter slot counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning<'a> {
    /// Packets that a rule applied to.
    Rule(Family, RuleId<'a>),
    /// Packets that a built-in chain's policy decided.
    Policy(Family, Point),
}

/// What each slot counts.
pub(super) fn meanings<'a>(rulesets: &[&'a Ruleset], slots: &Slots) -> HashMap<u32, Meaning<'a>> {
    let mut meanings = HashMap::new();
    for ruleset in rulesets {
        let family = ruleset.family;
        for point in Point::ALL {
            meanings.insert(slots.policy(family, point), Meaning::Policy(family, point));
        }
        for table in &ruleset.tables {
            for chain in &table.chains {
                for index in 0..chain.rules.len() {
                    let id = RuleId { table: table.name, chain: &chain.name, index };
                    meanings.insert(slots.rule(family, id), Meaning::Rule(family, id));
                }
            }
        }
    }
    meanings
}
