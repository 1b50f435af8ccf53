//! Sets of values of one field: unions of inclusive ranges.

/// A set of numbers from 0 to a field's largest value.
///
/// Invariant: ranges ascend, do not touch, and each is `low <= high`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Set(Vec<(u128, u128)>);

impl Set {
    /// The range from `low` to `high`; empty where that is reversed.
    pub(super) fn range(low: u128, high: u128) -> Self {
        if low <= high { Self(vec![(low, high)]) } else { Self(Vec::new()) }
    }

    /// All values that one of `ranges` holds.
    pub(super) fn union(ranges: impl IntoIterator<Item = (u128, u128)>) -> Self {
        let mut ranges: Vec<_> = ranges.into_iter().filter(|(low, high)| low <= high).collect();
        ranges.sort_unstable();
        let mut joined: Vec<(u128, u128)> = Vec::with_capacity(ranges.len());
        for (low, high) in ranges {
            match joined.last_mut() {
                Some(last) if low <= last.1.saturating_add(1) => last.1 = last.1.max(high),
                _ => joined.push((low, high)),
            }
        }
        Self(joined)
    }

    /// The values of a byte that fulfil `condition`.
    pub(super) fn of_bytes(condition: impl Fn(u8) -> bool) -> Self {
        let fitting = (0..=u8::MAX).filter(|byte| condition(*byte));
        Self::union(fitting.map(|byte| (u128::from(byte), u128::from(byte))))
    }

    /// The values up to `max` that are not in the set.
    pub(super) fn complement(&self, max: u128) -> Self {
        let mut gaps = Vec::with_capacity(self.0.len() + 1);
        let mut next = Some(0);
        for (low, high) in &self.0 {
            if let Some(start) = next
                && start < *low
            {
                gaps.push((start, low - 1));
            }
            next = high.checked_add(1);
        }
        gaps.extend(next.filter(|start| *start <= max).map(|start| (start, max)));
        Self(gaps)
    }

    /// The values in both sets.
    pub(super) fn intersection(&self, other: &Self) -> Self {
        let mut both = Vec::new();
        let (mut at, mut other_at) = (0, 0);
        while let (Some(one), Some(two)) = (self.0.get(at), other.0.get(other_at)) {
            let (low, high) = (one.0.max(two.0), one.1.min(two.1));
            if low <= high {
                both.push((low, high));
            }
            if one.1 < two.1 { at += 1 } else { other_at += 1 }
        }
        Self(both)
    }

    /// Whether every value is in `other` too.
    pub(super) fn is_subset(&self, other: &Self) -> bool {
        self.0.iter().all(|(low, high)| {
            let at = other.0.partition_point(|range| range.1 < *low);
            other.0.get(at).is_some_and(|range| range.0 <= *low && *high <= range.1)
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of a set that has only one.
    pub(super) fn single(&self) -> Option<u128> {
        match self.0[..] {
            [(low, high)] if low == high => Some(low),
            _ => None,
        }
    }

    /// The smallest and the largest value.
    pub(super) fn bounds(&self) -> Option<(u128, u128)> {
        Some((self.0.first()?.0, self.0.last()?.1))
    }

    /// All values, if there are at most `count_max`.
    pub(super) fn few(&self, count_max: u128) -> Option<Vec<u128>> {
        let mut values = Vec::new();
        let mut left = count_max;
        for (low, high) in &self.0 {
            left = left.checked_sub((high - low).checked_add(1)?)?;
            values.extend(*low..=*high);
        }
        Some(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The set as bits of the values 0 to 7.
    fn bits(set: &Set) -> u8 {
        (0..8).filter(|bit| Set::range(*bit, *bit).is_subset(set)).map(|bit| 1 << bit).sum()
    }

    fn from_bits(bits: u8) -> Set {
        Set::union((0..8).filter(|bit| bits >> bit & 1 != 0).map(|bit| (bit, bit)))
    }

    #[test]
    fn operations_are_those_of_bit_sets_of_eight_values() {
        for a in 0..=u8::MAX {
            let set = from_bits(a);
            assert_eq!(bits(&set), a);
            assert_eq!(bits(&set.complement(7)), !a);
            assert_eq!(set.is_empty(), a == 0);
            assert_eq!(set.single().is_some(), a.count_ones() == 1);
            assert_eq!(set.few(3).is_some(), a.count_ones() <= 3);
            let bounds = (a.trailing_zeros().into(), (7 - a.leading_zeros().min(7)).into());
            assert_eq!(set.bounds(), (a != 0).then_some(bounds));
            for b in 0..=u8::MAX {
                let other = from_bits(b);
                assert_eq!(bits(&set.intersection(&other)), a & b);
                assert_eq!(set.is_subset(&other), a & !b == 0);
            }
        }
    }

    #[test]
    fn the_largest_value_has_no_successor() {
        let all = Set::range(0, u128::MAX);
        assert!(all.complement(u128::MAX).is_empty());
        assert_eq!(Set::range(0, u128::MAX - 1).complement(u128::MAX).single(), Some(u128::MAX));
        assert_eq!(all.few(10), None);
        assert!(Set::range(5, 4).is_empty());
    }
}
