//! Connections by tuple, a bounded number of them.
//!
//! Invariant: each live slot is in the list of uses once, and both its tuples lead to it in the
//! index. An expired connection is as good as gone; it is removed when it is met.

use std::collections::HashMap;

use super::Direction;
use super::connection::Connection;
use super::tuple::Tuple;

/// The place of a connection.
pub(super) type Slot = u32;

/// All connections.
#[derive(Debug)]
pub(super) struct Store {
    slots: Vec<Option<Used>>,
    free: Vec<Slot>,
    index: HashMap<Tuple, (Slot, Direction)>,
    /// Least and most recently used.
    ends: Option<(Slot, Slot)>,
    max: usize,
    evicted: u64,
}

/// A connection in the list of uses.
#[derive(Debug)]
struct Used {
    connection: Connection,
    earlier: Option<Slot>,
    later: Option<Slot>,
}

impl Store {
    pub(super) fn new(max: u32) -> Self {
        let max = max.clamp(1, Slot::MAX - 1);
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            index: HashMap::new(),
            ends: None,
            max: usize::try_from(max).unwrap_or(usize::MAX),
            evicted: 0,
        }
    }

    /// Live connections, and expired ones that were not met since.
    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// All connections, expired ones too.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Connection> {
        self.slots.iter().flatten().map(|used| &used.connection)
    }

    /// Connections that were removed for lack of room.
    pub(super) fn evicted(&self) -> u64 {
        self.evicted
    }

    /// The connection that a tuple belongs to; it counts as used.
    pub(super) fn find(&mut self, tuple: &Tuple, now_ns: u64) -> Option<(Slot, Direction)> {
        let &(slot, direction) = self.index.get(tuple)?;
        if self.get(slot)?.is_expired(now_ns) {
            self.remove(slot);
            return None;
        }
        if self.ends.is_none_or(|(_, latest)| latest != slot) {
            self.unlink(slot);
            self.link(slot);
        }
        Some((slot, direction))
    }

    pub(super) fn get(&self, slot: Slot) -> Option<&Connection> {
        self.used(slot).map(|used| &used.connection)
    }

    pub(super) fn get_mut(&mut self, slot: Slot) -> Option<&mut Connection> {
        self.used_mut(slot).map(|used| &mut used.connection)
    }

    /// Adds a connection, in place of the least recently used where there is no room. Nothing
    /// happens where one of its tuples is taken by a live connection.
    pub(super) fn insert(&mut self, connection: Connection, now_ns: u64) {
        let tuples = connection.tuples;
        if tuples.iter().any(|tuple| self.find(tuple, now_ns).is_some()) {
            return;
        }
        while self.len() >= self.max {
            let Some((least, _)) = self.ends else { break };
            self.remove(least);
            self.evicted += 1;
        }
        let used = Used { connection, earlier: None, later: None };
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => {
                self.slots.push(None);
                Slot::try_from(self.slots.len() - 1).expect("slots end at the maximum")
            }
        };
        self.slots[slot as usize] = Some(used);
        self.link(slot);
        // Where both tuples are one, the kernel finds the reply direction first.
        self.index.insert(tuples[0], (slot, Direction::Original));
        self.index.insert(tuples[1], (slot, Direction::Reply));
    }

    /// Forgets a connection.
    pub(super) fn remove(&mut self, slot: Slot) {
        self.unlink(slot);
        let Some(used) = self.slots.get_mut(slot as usize).and_then(Option::take) else { return };
        for tuple in used.connection.tuples {
            self.index.remove(&tuple);
        }
        self.free.push(slot);
    }

    /// Appends a slot to the list as most recently used.
    fn link(&mut self, slot: Slot) {
        let latest = self.ends.map(|(_, latest)| latest);
        if let Some(used) = self.used_mut(slot) {
            (used.earlier, used.later) = (latest, None);
        }
        if let Some(used) = latest.and_then(|latest| self.used_mut(latest)) {
            used.later = Some(slot);
        }
        self.ends = Some((self.ends.map_or(slot, |(least, _)| least), slot));
    }

    fn unlink(&mut self, slot: Slot) {
        let Some(&Used { earlier, later, .. }) = self.used(slot) else { return };
        if let Some(used) = earlier.and_then(|earlier| self.used_mut(earlier)) {
            used.later = later;
        }
        if let Some(used) = later.and_then(|later| self.used_mut(later)) {
            used.earlier = earlier;
        }
        if let Some((least, latest)) = self.ends {
            let least = if least == slot { later } else { Some(least) };
            let latest = if latest == slot { earlier } else { Some(latest) };
            self.ends = least.zip(latest);
        }
    }

    fn used(&self, slot: Slot) -> Option<&Used> {
        self.slots.get(slot as usize).and_then(Option::as_ref)
    }

    fn used_mut(&mut self, slot: Slot) -> Option<&mut Used> {
        self.slots.get_mut(slot as usize).and_then(Option::as_mut)
    }
}

#[cfg(test)]
mod tests;
