//! Which fields of the key a program must fill.

use crate::key::{self, Field};
use crate::lower::{Action, Lowered, Step, Test};

/// A set of key words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Demand(u64);

impl Demand {
    /// Adds what a rule reads.
    pub(super) fn add(&mut self, rule: &Lowered<'_>) {
        if rule.action == Action::Record {
            *self = Self(u64::MAX);
        }
        for step in &rule.steps {
            match step {
                Step::Need(field) => self.insert(field.offset()),
                Step::Limit(_) | Step::Test(Test::Never) => {}
                Step::Test(Test::Equal { words, .. }) => {
                    words.iter().for_each(|word| self.insert(word.offset));
                }
                Step::Test(Test::AnyRange { ranges, .. }) => {
                    ranges.iter().for_each(|range| self.insert(range.0));
                }
                Step::Test(Test::Wide { offset, .. }) => {
                    (0..4).for_each(|limb| self.insert(offset + limb * 4));
                }
            }
        }
    }

    /// Whether a record is sent, which shows every field.
    pub(super) fn is_everything(self) -> bool {
        self.0 == u64::MAX
    }

    /// Whether the first word of one of `fields` is read.
    pub(super) fn any(self, fields: &[Field]) -> bool {
        fields.iter().any(|field| self.word(field.offset()))
    }

    /// Whether one of the `count` words from `field` on is read.
    pub(super) fn words(self, field: Field, count: u8) -> bool {
        (0..count).any(|index| self.word(field.word(index)))
    }

    fn word(self, offset: i16) -> bool {
        self.0 >> (offset / 4) & 1 != 0
    }

    fn insert(&mut self, offset: i16) {
        self.0 |= 1 << (offset / 4);
    }
}

const _: () = assert!(key::WORDS <= 64, "a word of the key is a bit of the set");
