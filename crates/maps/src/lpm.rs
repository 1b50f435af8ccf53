//! Longest-prefix match (`kernel/bpf/lpm_trie.c`).
//!
//! A key is a prefix length in bits (native-endian `u32`) and data whose first bit is the most
//! significant one of its first byte. Entries are nodes of a binary trie without chains; where two
//! entries part, an inner node without a value joins them, so inner nodes always have two children.
//!
//! Writers take a lock. Readers take none: they note a version before they walk and start over if it
//! changed meanwhile. A replaced entry gets another node, so its old value's address stays as it was.
//!
//! Reading order: this file, `node`, `change`.

mod change;
mod node;

use std::sync::atomic::{AtomicU64, Ordering, fence};
use std::sync::{Mutex, MutexGuard, PoisonError};

use netloom_abi::{MapSpec, ValueFields};

use crate::operations::Operations;
use crate::share::Supply;
use crate::{CreateError, MapError, Values};
use change::Free;
use node::{NONE, Nodes};

/// Bytes of the prefix length in a key.
const LENGTH_BYTES: usize = 4;
/// How often a reader starts over before it waits for the writers instead.
const RESTARTS_MAX: u32 = 16;

/// Prefix to value.
#[derive(Debug)]
pub(crate) struct Lpm {
    pub(crate) values: Values,
    nodes: Nodes,
    /// Longest prefix, in bits.
    bits: u32,
    /// Odd while a writer changes links.
    version: AtomicU64,
    writer: Mutex<Free>,
}

/// A prefix that is looked for.
#[derive(Clone, Copy)]
struct Prefix<'a> {
    bits: u32,
    data: &'a [u8],
}

impl Lpm {
    pub(crate) fn new(spec: &MapSpec, supply: &mut Supply) -> Result<Self, CreateError> {
        let entries = spec.max_entries;
        let error = CreateError::TooLarge { entries: entries.into() };
        // One spare for replacement, and an inner node less than entries.
        let nodes = entries.checked_mul(2).and_then(|nodes| nodes.checked_add(2)).ok_or(error)?;
        let data_bytes = spec.key_size as usize - LENGTH_BYTES;
        let values =
            Values::new(supply, u64::from(entries) + 1, spec.value_size, ValueFields::default())?;
        Ok(Self {
            values,
            nodes: Nodes::new(supply, nodes, data_bytes)?,
            bits: (spec.key_size - 4) * 8,
            version: AtomicU64::new(0),
            writer: Mutex::new(Free::new(entries)),
        })
    }

    /// The address of the value of the longest prefix that contains `key`.
    pub(crate) fn find(&self, key: &[u8]) -> Option<u64> {
        let prefix = self.prefix(key).ok()?;
        for _ in 0..RESTARTS_MAX {
            let before = self.version.load(Ordering::Acquire);
            if before.is_multiple_of(2) {
                let found = self.walk(prefix);
                fence(Ordering::Acquire);
                if self.version.load(Ordering::Relaxed) == before {
                    return found.map(|node| self.values.address(node));
                }
            }
            std::hint::spin_loop();
        }
        let _writer = self.lock();
        self.walk(prefix).map(|node| self.values.address(node))
    }

    fn walk(&self, key: Prefix<'_>) -> Option<u32> {
        let (mut found, mut node) = (None, self.nodes.root());
        // A path has at most one node per prefix length; a reader may meet a torn one.
        for _ in 0..=self.bits {
            if node == NONE {
                break;
            }
            let common = self.nodes.common_bits(node, key);
            let has_value = !self.nodes.is_inner(node);
            if common == self.bits && has_value {
                return Some(node);
            }
            if common < self.nodes.bits(node) {
                break;
            }
            if has_value {
                found = Some(node);
            }
            node = self.nodes.child(node, key.bit(self.nodes.bits(node)));
        }
        found
    }

    fn prefix<'a>(&self, key: &'a [u8]) -> Result<Prefix<'a>, MapError> {
        let (length, data) = key.split_first_chunk::<LENGTH_BYTES>().ok_or(MapError::KeySize)?;
        let bits = u32::from_ne_bytes(*length);
        if bits > self.bits { Err(MapError::Invalid) } else { Ok(Prefix { bits, data }) }
    }

    fn lock(&self) -> MutexGuard<'_, Free> {
        // A writer can not panic half-way: all its node numbers come from the trie itself.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes links while readers that see them know that they must start over.
    fn change(&self, change: impl FnOnce()) {
        self.version.fetch_add(1, Ordering::Relaxed);
        fence(Ordering::Release);
        change();
        self.version.fetch_add(1, Ordering::Release);
    }

    /// The next key in postorder, which gives longer prefixes before those that contain them.
    fn next_key(&self, key: Option<&[u8]>) -> Option<Vec<u8>> {
        let _writer = self.lock();
        let root = self.nodes.root();
        if root == NONE {
            return None;
        }
        let prefix = key.and_then(|key| self.prefix(key).ok());
        let Some(path) = prefix.and_then(|prefix| self.path(prefix)) else {
            return Some(self.nodes.key(self.first_below(root)));
        };
        for pair in path.windows(2).rev() {
            let &[parent, node] = pair else { continue };
            let right = self.nodes.child(parent, true);
            if self.nodes.child(parent, false) == node && right != NONE {
                return Some(self.nodes.key(self.first_below(right)));
            }
            if !self.nodes.is_inner(parent) {
                return Some(self.nodes.key(parent));
            }
        }
        None
    }

    /// The nodes from the root to the entry of `key`, if there is one.
    fn path(&self, key: Prefix<'_>) -> Option<Vec<u32>> {
        let (mut path, mut node) = (Vec::new(), self.nodes.root());
        while node != NONE {
            path.push(node);
            let bits = self.nodes.bits(node);
            if self.nodes.common_bits(node, key) != bits {
                return None;
            }
            if bits == key.bits {
                return (!self.nodes.is_inner(node)).then_some(path);
            }
            node = self.nodes.child(node, key.bit(bits));
        }
        None
    }

    /// The first entry in postorder below `node`, or `node` itself.
    fn first_below(&self, node: u32) -> u32 {
        let mut node = node;
        loop {
            let left = self.nodes.child(node, false);
            let next = if left == NONE { self.nodes.child(node, true) } else { left };
            if next == NONE {
                return node;
            }
            node = next;
        }
    }
}

impl Operations for Lpm {
    fn values(&self) -> Option<&Values> {
        Some(&self.values)
    }

    fn lookup(&self, key: &[u8], _flags: u64) -> Result<Vec<u8>, MapError> {
        let address = self.find(key).ok_or(MapError::NotFound)?;
        Ok(self.values.copy_out(self.values.slot(address), false))
    }

    fn update(&self, key: &[u8], value: &[u8], flags: u64) -> Result<(), MapError> {
        self.insert(key, value, flags)
    }

    fn delete(&self, key: &[u8]) -> Result<(), MapError> {
        self.remove(key)
    }

    fn key_after(&self, key: Option<&[u8]>) -> Result<Vec<u8>, MapError> {
        self.next_key(key).ok_or(MapError::NotFound)
    }
}

impl Prefix<'_> {
    /// The data's bit of this number.
    fn bit(&self, bit: u32) -> bool {
        bit_of(self.data, bit)
    }
}

fn bit_of(data: &[u8], bit: u32) -> bool {
    data.get((bit / 8) as usize).is_some_and(|byte| byte & (0x80 >> (bit % 8)) != 0)
}

#[cfg(test)]
mod tests;
