//! Insertion and removal.

use super::node::{NONE, Place};
use super::{Lpm, Prefix};
use crate::MapError;
use crate::flags::update;

/// Nodes that no link leads to.
#[derive(Debug)]
pub(super) struct Free {
    /// Those with a value of the same number; one more than entries.
    leaves: Vec<u32>,
    inner: Vec<u32>,
}

impl Free {
    pub(super) fn new(entries: u32) -> Self {
        let leaves = (0..=entries).rev().collect();
        Self { leaves, inner: (entries + 1..=entries * 2 + 1).rev().collect() }
    }

    /// A node for a new entry, if there may be one more.
    fn leaf(&mut self) -> Result<u32, MapError> {
        // The last one is for replacement.
        if self.leaves.len() <= 1 {
            return Err(MapError::NoSpace);
        }
        self.leaves.pop().ok_or(MapError::NoSpace)
    }

    fn give(&mut self, node: u32, inner: bool) {
        if inner { self.inner.push(node) } else { self.leaves.push(node) }
    }
}

impl Lpm {
    pub(super) fn insert(&self, key: &[u8], value: &[u8], flags: u64) -> Result<(), MapError> {
        if flags > update::EXIST {
            return Err(MapError::Invalid);
        }
        let key = self.prefix(key)?;
        let mut free = self.lock();
        let (place, node) = self.descend(key);
        let common = if node == NONE { 0 } else { self.nodes.common_bits(node, key) };
        let same = node != NONE && common == self.nodes.bits(node) && common == key.bits;
        if same && !self.nodes.is_inner(node) {
            if flags == update::NOEXIST {
                return Err(MapError::Exists);
            }
            let new = free.leaves.pop().ok_or(MapError::NoSpace)?;
            self.put(new, key, value, self.nodes.children(node));
            self.change(|| self.nodes.set(place, new));
            free.give(node, false);
            return Ok(());
        }
        if flags == update::EXIST {
            return Err(MapError::NotFound);
        }
        let new = free.leaf()?;
        if node == NONE {
            self.put(new, key, value, [NONE; 2]);
            self.change(|| self.nodes.set(place, new));
        } else if same {
            self.put(new, key, value, self.nodes.children(node));
            self.change(|| self.nodes.set(place, new));
            free.give(node, true);
        } else if common == key.bits {
            self.put(new, key, value, pair(node, self.nodes.data_bit(node, common)));
            self.change(|| self.nodes.set(place, new));
        } else {
            self.put(new, key, value, [NONE; 2]);
            let inner = free.inner.pop().ok_or(MapError::NoSpace)?;
            let children = if key.bit(common) { [node, new] } else { [new, node] };
            let joined = Prefix { bits: common, data: &self.nodes.data(node) };
            self.nodes.fill(inner, joined, true, children);
            self.change(|| self.nodes.set(place, inner));
        }
        Ok(())
    }

    pub(super) fn remove(&self, key: &[u8]) -> Result<(), MapError> {
        let key = self.prefix(key)?;
        let mut free = self.lock();
        let path = self.path(key).ok_or(MapError::NotFound)?;
        let place = |depth: usize| match depth.checked_sub(1).and_then(|above| path.get(above)) {
            Some(&parent) => {
                let right = Some(&self.nodes.child(parent, true)) == path.get(depth);
                Place { parent, right }
            }
            None => Place::ROOT,
        };
        let (Some(&node), depth) = (path.last(), path.len() - 1) else {
            return Err(MapError::NotFound);
        };
        match self.nodes.children(node) {
            [NONE, NONE] => {
                let here = place(depth);
                if here.parent != NONE && self.nodes.is_inner(here.parent) {
                    let sibling = self.nodes.child(here.parent, !here.right);
                    self.change(|| self.nodes.set(place(depth - 1), sibling));
                    free.give(here.parent, true);
                } else {
                    self.change(|| self.nodes.set(here, NONE));
                }
            }
            [only, NONE] | [NONE, only] => self.change(|| self.nodes.set(place(depth), only)),
            children => {
                let inner = free.inner.pop().ok_or(MapError::NoSpace)?;
                let joined = Prefix { bits: key.bits, data: &self.nodes.data(node) };
                self.nodes.fill(inner, joined, true, children);
                self.change(|| self.nodes.set(place(depth), inner));
            }
        }
        free.give(node, false);
        Ok(())
    }

    /// The link at which `key` belongs into the trie, and what it leads to.
    fn descend(&self, key: Prefix<'_>) -> (Place, u32) {
        let (mut place, mut node) = (Place::ROOT, self.nodes.root());
        while node != NONE {
            let bits = self.nodes.bits(node);
            if self.nodes.common_bits(node, key) != bits || bits == key.bits {
                break;
            }
            place = Place { parent: node, right: key.bit(bits) };
            node = self.nodes.at(place);
        }
        (place, node)
    }

    fn put(&self, node: u32, key: Prefix<'_>, value: &[u8], children: [u32; 2]) {
        self.nodes.fill(node, key, false, children);
        self.values.copy_in(node, value, false);
    }
}

/// The only child, on its side.
fn pair(node: u32, right: bool) -> [u32; 2] {
    if right { [NONE, node] } else { [node, NONE] }
}
