//! The nodes of a trie, as words: two children, bits and kind, data.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::{LENGTH_BYTES, Prefix, bit_of};
use crate::CreateError;
use crate::share::Supply;
use crate::words::Words;

/// No node.
pub(super) const NONE: u32 = u32::MAX;
/// Set in the second word of a node that has no value.
const INNER: u64 = 1 << 63;
/// Words of a node before its data.
const HEAD_WORDS: usize = 2;

/// A fixed number of nodes.
#[derive(Debug)]
pub(super) struct Nodes {
    words: Words,
    data_bytes: usize,
    /// Words of a node.
    stride: usize,
    root: AtomicU32,
}

/// A link between nodes: from one to a child, or to the root.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) parent: u32,
    pub(super) right: bool,
}

impl Place {
    pub(super) const ROOT: Self = Self { parent: NONE, right: false };
}

impl Nodes {
    pub(super) fn new(
        supply: &mut Supply,
        nodes: u32,
        data_bytes: usize,
    ) -> Result<Self, CreateError> {
        let stride = HEAD_WORDS + data_bytes.div_ceil(8);
        let words = supply.words(u64::from(nodes) * stride as u64)?;
        Ok(Self { words, data_bytes, stride, root: AtomicU32::new(NONE) })
    }

    pub(super) fn root(&self) -> u32 {
        self.root.load(Ordering::Acquire)
    }

    pub(super) fn child(&self, node: u32, right: bool) -> u32 {
        let both = self.load(node, 0).to_ne_bytes();
        let [a, b, c, d, e, f, g, h] = both;
        u32::from_ne_bytes(if right { [e, f, g, h] } else { [a, b, c, d] })
    }

    pub(super) fn at(&self, place: Place) -> u32 {
        if place.parent == NONE { self.root() } else { self.child(place.parent, place.right) }
    }

    pub(super) fn set(&self, place: Place, node: u32) {
        if place.parent == NONE {
            self.root.store(node, Ordering::Release);
        } else {
            let other = self.child(place.parent, !place.right);
            let children = if place.right { [other, node] } else { [node, other] };
            self.set_children(place.parent, children);
        }
    }

    /// Left and right.
    pub(super) fn children(&self, node: u32) -> [u32; 2] {
        [self.child(node, false), self.child(node, true)]
    }

    pub(super) fn set_children(&self, node: u32, [left, right]: [u32; 2]) {
        let ([a, b, c, d], [e, f, g, h]) = (left.to_ne_bytes(), right.to_ne_bytes());
        self.store(node, 0, u64::from_ne_bytes([a, b, c, d, e, f, g, h]));
    }

    /// Length of the node's prefix.
    pub(super) fn bits(&self, node: u32) -> u32 {
        u32::try_from(self.load(node, 1) & !INNER).unwrap_or(0)
    }

    /// Whether the node has no value.
    pub(super) fn is_inner(&self, node: u32) -> bool {
        self.load(node, 1) & INNER != 0
    }

    /// Makes a node that no link leads to.
    pub(super) fn fill(&self, node: u32, key: Prefix<'_>, inner: bool, children: [u32; 2]) {
        self.set_children(node, children);
        self.store(node, 1, u64::from(key.bits) | if inner { INNER } else { 0 });
        self.words.write(self.data_at(node), key.data);
    }

    /// The node's prefix, in the form of keys.
    pub(super) fn key(&self, node: u32) -> Vec<u8> {
        let mut key = vec![0; LENGTH_BYTES + self.data_bytes];
        let (length, data) = key.split_at_mut(LENGTH_BYTES);
        length.copy_from_slice(&self.bits(node).to_ne_bytes());
        self.words.read(self.data_at(node), data);
        key
    }

    /// The node's data.
    pub(super) fn data(&self, node: u32) -> Vec<u8> {
        self.key(node).split_off(LENGTH_BYTES)
    }

    pub(super) fn data_bit(&self, node: u32, bit: u32) -> bool {
        bit_of(&self.data(node), bit)
    }

    /// Bits that the node's prefix and `key` have in common from the first on.
    pub(super) fn common_bits(&self, node: u32, key: Prefix<'_>) -> u32 {
        let limit = self.bits(node).min(key.bits);
        let mut bits = 0;
        for (index, chunk) in key.data.chunks(8).enumerate() {
            if bits >= limit {
                break;
            }
            let mut wanted = [0; 8];
            wanted.iter_mut().zip(chunk).for_each(|(to, from)| *to = *from);
            let held = self.load(node, HEAD_WORDS + index).to_le_bytes();
            let same = (u64::from_be_bytes(held) ^ u64::from_be_bytes(wanted)).leading_zeros();
            bits += same;
            if same < 64 {
                break;
            }
        }
        bits.min(limit)
    }

    fn data_at(&self, node: u32) -> usize {
        (node as usize * self.stride + HEAD_WORDS) * 8
    }

    fn word(&self, node: u32, word: usize) -> Option<&AtomicU64> {
        self.words.word((node as usize).checked_mul(self.stride)?.checked_add(word)?)
    }

    fn load(&self, node: u32, word: usize) -> u64 {
        self.word(node, word).map_or(0, |word| word.load(Ordering::Acquire))
    }

    fn store(&self, node: u32, at: usize, value: u64) {
        if let Some(word) = self.word(node, at) {
            word.store(value, Ordering::Release);
        }
    }
}
