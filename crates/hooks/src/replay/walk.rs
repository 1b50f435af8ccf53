//! Which rules a packet met, from what the counters say.
//!
//! The programs count; they do not tell in which order. The order follows from the rules: a packet
//! that was counted by a rule went where its target leads.

use std::collections::HashMap;

use netloom_firewall::model::{Chain, Family, Rule, Ruleset, Table, Target};
use netloom_firewall::{Point, RuleId, Slots};

use super::Decider;

/// The chains of a table as one hook sees them.
#[derive(Debug)]
pub(super) struct Walk {
    point: Point,
    /// All chains of the table.
    chains: Vec<Vec<Line>>,
    /// The built-in chain.
    entry: usize,
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
    /// The chains of `table` as they are met at `point`.
    pub(super) fn of(family: Family, table: &Table, point: Point, slots: &Slots) -> Self {
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
        let lines = |chain: &Chain| {
            let rules = chain.rules.iter().enumerate();
            let line = |(index, rule): (usize, &Rule)| {
                let id = RuleId { table: table.name, chain: &chain.name, index };
                Line { slot: slots.rule(family, id), way: way(&rule.target.kind) }
            };
            rules.map(line).collect()
        };
        let mut walk = Self {
            point,
            chains: table.chains.iter().map(lines).collect(),
            entry: names.get(point.hook.chain()).copied().unwrap_or_default(),
            policy: slots.policy(family, point),
            slots: Vec::new(),
        };
        walk.slots = walk.reached(walk.entry);
        walk.slots.push(walk.policy);
        walk
    }

    /// Where the chains are met.
    pub(super) fn point(&self) -> Point {
        self.point
    }

    /// Counter slots that a packet may move here.
    pub(super) fn slots(&self) -> &[u32] {
        &self.slots
    }

    /// Appends the slots that were moved to `met`, in the order of the packet's way, and says who
    /// decided. `moved` holds how often each was moved; it is empty afterwards.
    pub(super) fn follow(&self, moved: &mut Vec<(u32, u64)>, met: &mut Vec<u32>) -> Decider {
        let left = self.chain(self.entry, moved, met);
        let is_policy = moved.iter().any(|(slot, _)| *slot == self.policy);
        // A chain met twice may leave several ways; what is left over was met all the same.
        met.extend(moved.drain(..).map(|(slot, _)| slot));
        match left {
            Left::Stopped(slot) => Decider::Rule(self.point, slot),
            Left::Back if is_policy => Decider::Policy(self.point),
            Left::Back => Decider::Malformed(self.point),
        }
    }

    fn chain(&self, chain: usize, moved: &mut Vec<(u32, u64)>, met: &mut Vec<u32>) -> Left {
        for line in &self.chains[chain] {
            if moved.is_empty() {
                break;
            }
            // A packet applies to few rules, so that a list is quicker than a map.
            let Some(at) = moved.iter().position(|(slot, _)| *slot == line.slot) else { continue };
            moved[at].1 -= 1;
            if moved[at].1 == 0 {
                moved.remove(at);
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
