//! Repeated measurements of one thing.

use serde::{Serialize, Serializer};

/// Values in the order they were measured.
#[derive(Clone, Debug, Default)]
pub(crate) struct Samples(Vec<f64>);

/// What is shown of them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
struct Shown {
    median: f64,
    min: f64,
    max: f64,
    samples: usize,
}

impl Samples {
    /// Appends a value, which is no NaN.
    pub(crate) fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    /// The middle one; `None` without values.
    pub(crate) fn median(&self) -> Option<f64> {
        let sorted = self.sorted();
        let middle = sorted.len() / 2;
        let upper = *sorted.get(middle)?;
        Some(if sorted.len().is_multiple_of(2) {
            f64::midpoint(sorted[middle - 1], upper)
        } else {
            upper
        })
    }

    /// The smallest one; `None` without values.
    pub(crate) fn min(&self) -> Option<f64> {
        self.sorted().first().copied()
    }

    /// Half the distance between the first and the third quarter, as a part of the median.
    pub(crate) fn spread(&self) -> Option<f64> {
        let sorted = self.sorted();
        let quarter = sorted.len() / 4;
        let (low, high) = (sorted.get(quarter)?, sorted.get(sorted.len() - 1 - quarter)?);
        Some((high - low) / 2.0 / self.median()?)
    }

    fn sorted(&self) -> Vec<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted
    }
}

impl Serialize for Samples {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let sorted = self.sorted();
        let shown = match (self.median(), sorted.first(), sorted.last()) {
            (Some(median), Some(&min), Some(&max)) => {
                Some(Shown { median, min, max, samples: sorted.len() })
            }
            _ => None,
        };
        shown.serialize(serializer)
    }
}

/// The geometric mean; `None` without values.
#[expect(clippy::cast_precision_loss, reason = "there are few values")]
pub(crate) fn geometric_mean(values: &[f64]) -> Option<f64> {
    let logarithms: f64 = values.iter().map(|value| value.ln()).sum();
    (!values.is_empty()).then(|| (logarithms / values.len() as f64).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(values: &[f64]) -> Samples {
        Samples(values.to_vec())
    }

    #[test]
    fn the_median_does_not_care_for_order_or_outliers() {
        assert_eq!(samples(&[]).median(), None);
        assert_eq!(samples(&[3.0]).median(), Some(3.0));
        assert_eq!(samples(&[900.0, 1.0, 2.0]).median(), Some(2.0));
        assert_eq!(samples(&[4.0, 1.0, 2.0, 900.0]).median(), Some(3.0));
    }

    #[test]
    fn the_spread_leaves_out_the_outer_quarters() {
        assert_eq!(samples(&[]).spread(), None);
        assert_eq!(samples(&[5.0]).spread(), Some(0.0));
        assert_eq!(samples(&[1.0, 9.0, 10.0, 11.0, 99.0]).spread(), Some(0.1));
    }

    #[test]
    fn documents_show_median_and_extremes() {
        let text = serde_json::to_string(&samples(&[2.0, 1.0, 4.0])).unwrap();
        assert_eq!(text, r#"{"median":2.0,"min":1.0,"max":4.0,"samples":3}"#);
    }
}
