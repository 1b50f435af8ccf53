//! Bloom filters: sets that may claim to hold more than they do (`kernel/bpf/bloom_filter.c`).

use std::sync::atomic::Ordering;

use netloom_abi::MapSpec;

use crate::flags::{create, update};
use crate::operations::Operations;
use crate::share::Supply;
use crate::words::Words;
use crate::{CreateError, Geometry, MapError};

/// Hash functions of a filter that names no number (`BLOOM_FILTER…`: 5).
const FUNCTIONS: u64 = 5;

/// A set of values of one size.
#[derive(Debug)]
pub struct Bloom {
    bits: Words,
    functions: u64,
    value_bytes: usize,
    seed: u64,
}

impl Bloom {
    pub(crate) fn new(
        spec: &MapSpec,
        geometry: Geometry,
        supply: &mut Supply,
    ) -> Result<Self, CreateError> {
        let functions = if spec.map_extra == 0 { FUNCTIONS } else { spec.map_extra };
        // n * k / ln 2 bits, with 7/5 for 1 / ln 2, are best for n values and k functions.
        let bits = u64::from(spec.max_entries) * functions / 5 * 7;
        let words = bits.next_power_of_two().clamp(64, 1 << 32) / 64;
        let seed = if spec.flags & create::ZERO_SEED == 0 { geometry.hash_seed } else { 0 };
        let value_bytes = spec.value_size as usize;
        Ok(Self { bits: supply.words(words)?, functions, value_bytes, seed })
    }

    /// Adds a value, which has the map's size.
    ///
    /// # Errors
    /// `Invalid` for flags, `ValueSize`.
    pub fn push(&self, value: &[u8], flags: u64) -> Result<(), MapError> {
        if flags != update::ANY {
            return Err(MapError::Invalid);
        }
        for (word, bit) in self.places(value)? {
            if let Some(word) = self.bits.word(word) {
                word.fetch_or(bit, Ordering::Relaxed);
            }
        }
        Ok(())
    }

    /// Whether the value may have been added.
    ///
    /// # Errors
    /// `NotFound` if it surely was not, `ValueSize`.
    pub fn peek(&self, value: &[u8]) -> Result<(), MapError> {
        let all = self.places(value)?.all(|(word, bit)| {
            self.bits.word(word).is_some_and(|word| word.load(Ordering::Relaxed) & bit != 0)
        });
        if all { Ok(()) } else { Err(MapError::NotFound) }
    }

    /// Word and bit that each hash function gives.
    fn places(&self, value: &[u8]) -> Result<impl Iterator<Item = (usize, u64)>, MapError> {
        if value.len() != self.value_bytes {
            return Err(MapError::ValueSize);
        }
        let mut first = self.seed ^ 0x9e37_79b9_7f4a_7c15;
        for chunk in value.chunks(8) {
            let word = chunk.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte));
            first = mix(first ^ word);
        }
        // Two independent hashes make all the others (Kirsch and Mitzenmacher).
        let step = mix(first) | 1;
        let mask = self.bits.all().len() as u64 * 64 - 1;
        Ok((0..self.functions).map(move |function| {
            let bit = first.wrapping_add(function.wrapping_mul(step)) & mask;
            (usize::try_from(bit / 64).unwrap_or(usize::MAX), 1 << (bit % 64))
        }))
    }
}

/// A permutation of words in which each bit of the argument moves about half of the result's.
fn mix(word: u64) -> u64 {
    let word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ word >> 31
}

impl Operations for Bloom {
    fn lookup(&self, value: &[u8], _flags: u64) -> Result<Vec<u8>, MapError> {
        self.peek(value).map(|()| value.to_vec())
    }

    fn update(&self, _key: &[u8], value: &[u8], flags: u64) -> Result<(), MapError> {
        self.push(value, flags)
    }

    fn delete(&self, _key: &[u8]) -> Result<(), MapError> {
        Err(MapError::NotImplemented)
    }

    fn key_after(&self, _key: Option<&[u8]>) -> Result<Vec<u8>, MapError> {
        Err(MapError::NotImplemented)
    }
}
