//! Which counter belongs to which rule.
//!
//! All programs of a firewall share one counter map. A rule keeps its slot as long as some later
//! ruleset contains the same rule, so its counters live on over an update without being copied.

use std::collections::{HashMap, HashSet};

use crate::model::{Family, Match, Rule, Ruleset, TableName};
use crate::{Point, print};

/// A rule's place in a ruleset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId<'a> {
    /// Its table.
    pub table: TableName,
    /// Its chain.
    pub chain: &'a str,
    /// Its position in the chain, from 0.
    pub index: usize,
}

/// What makes a rule or a policy the same in two rulesets: where it stands, what it says, and how
/// many equal ones stand before it. Stable text, fit to be stored.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Identity(String);

/// Counter slots and limit buckets of a pair of rulesets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Slots {
    by_identity: HashMap<Identity, u32>,
    rules: HashMap<(Family, TableName, String, usize), u32>,
    policies: HashMap<(Family, Point), u32>,
    buckets: HashMap<(Family, TableName, String, usize), u32>,
    bucket_count: u32,
    bound: u32,
}

impl Slots {
    /// Slots for `rulesets`: those of `kept` where a rule is the same, else the lowest that neither
    /// `kept` nor `reserved` uses.
    pub fn assign(rulesets: &[&Ruleset], kept: &Slots, reserved: &HashSet<u32>) -> Self {
        let mut slots = Self::default();
        let taken: HashSet<u32> =
            kept.by_identity.values().chain(reserved.iter()).copied().collect();
        let mut free = (0..).filter(|slot| !taken.contains(slot));
        let mut place = |identity: Identity, slots: &mut Self| {
            let known = kept.by_identity.get(&identity).copied();
            let slot = known.or_else(|| free.next()).expect("slot numbers do not run out");
            slots.bound = slots.bound.max(slot + 1);
            slots.by_identity.insert(identity, slot);
            slot
        };
        for ruleset in rulesets {
            let family = ruleset.family;
            for point in Point::ALL {
                let slot = place(Identity::policy(family, point), &mut slots);
                slots.policies.insert((family, point), slot);
            }
            for table in &ruleset.tables {
                for chain in &table.chains {
                    let mut seen: HashMap<String, usize> = HashMap::new();
                    for (index, rule) in chain.rules.iter().enumerate() {
                        let text = print::rule(rule, &chain.name, family);
                        let nth = seen.entry(text.clone()).or_default();
                        let identity = Identity::rule(family, table.name, &text, *nth);
                        *nth += 1;
                        let key = (family, table.name, chain.name.clone(), index);
                        let limits = limits(rule);
                        if limits > 0 {
                            slots.buckets.insert(key.clone(), slots.bucket_count);
                            slots.bucket_count += limits;
                        }
                        let slot = place(identity, &mut slots);
                        slots.rules.insert(key, slot);
                    }
                }
            }
        }
        slots
    }

    /// The rule's counter.
    ///
    /// # Panics
    /// For a rule that is not in the assigned rulesets.
    pub fn rule(&self, family: Family, id: RuleId<'_>) -> u32 {
        self.rules[&(family, id.table, id.chain.to_owned(), id.index)]
    }

    /// The policy's counter.
    ///
    /// # Panics
    /// For a family that is not among the assigned rulesets.
    pub fn policy(&self, family: Family, point: Point) -> u32 {
        self.policies[&(family, point)]
    }

    /// The index of a limited rule's bucket; a rule with several limits has several in a row.
    ///
    /// # Panics
    /// For a rule without a limit.
    pub fn bucket(&self, family: Family, id: RuleId<'_>) -> u32 {
        self.buckets[&(family, id.table, id.chain.to_owned(), id.index)]
    }

    /// Number of limit buckets.
    pub fn bucket_count(&self) -> u32 {
        self.bucket_count
    }

    /// One more than the highest slot.
    pub fn bound(&self) -> u32 {
        self.bound
    }

    /// All slots with what they count.
    pub fn iter(&self) -> impl Iterator<Item = (&Identity, u32)> {
        self.by_identity.iter().map(|(identity, slot)| (identity, *slot))
    }

    /// All slots.
    pub fn used(&self) -> impl Iterator<Item = u32> {
        self.by_identity.values().copied()
    }

    /// The slots alone, as stored by an earlier run.
    pub fn from_identities(stored: impl IntoIterator<Item = (Identity, u32)>) -> Self {
        Self { by_identity: stored.into_iter().collect(), ..Self::default() }
    }
}

impl Identity {
    /// The identity that [`Self::as_str`] gave.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The identity as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn policy(family: Family, point: Point) -> Self {
        Self(format!("{family:?} {} -P {}", point.table.as_str(), point.hook.chain()))
    }

    fn rule(family: Family, table: TableName, text: &str, nth: usize) -> Self {
        Self(format!("{family:?} {} {text} #{nth}", table.as_str()))
    }
}

/// Number of limit matches.
fn limits(rule: &Rule) -> u32 {
    rule.matches.iter().map(|item| u32::from(matches!(item.kind, Match::Limit(_)))).sum()
}
