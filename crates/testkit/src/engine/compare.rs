//! Two engines, one ruleset, the same packets.

use std::fmt::Write as _;
use std::{error, fmt};

use netloom_firewall::model::Family;

use super::{Difference, Engine, Fate, Stop, differences};

/// The first packet after which two engines disagree.
#[derive(Clone, Debug)]
pub struct Disagreement {
    /// Its index among the journeys; `None` when the packets one by one do not show what all
    /// together did.
    pub journey: Option<usize>,
    /// The packet as it sets out.
    pub start: Option<Stop>,
    /// What became of it in the first and the second engine.
    pub fates: [Option<Fate>; 2],
    /// The counters that differ.
    pub differences: Vec<Difference>,
}

/// One of the engines broke down.
#[derive(Debug)]
pub enum CompareError<A, B> {
    /// The first.
    First(A),
    /// The second.
    Second(B),
}

/// The result of comparing engines `A` and `B`.
pub type Compared<T, A, B> = Result<T, CompareError<<A as Engine>::Error, <B as Engine>::Error>>;

/// Loads `text` into both engines, sends all packets through both and compares what became of each
/// and, at the end, all counters. If they differ, it begins anew and looks at the counters after
/// every packet.
///
/// # Errors
/// When an engine refuses the ruleset or breaks down.
pub fn compare<A: Engine, B: Engine>(
    first: &mut A,
    second: &mut B,
    family: Family,
    text: &str,
    journeys: &[Vec<Stop>],
) -> Compared<Option<Disagreement>, A, B> {
    let mut pair = Pair { first, second };
    pair.load(family, text)?;
    let mut fates_agree = true;
    for journey in journeys {
        fates_agree &= agree(pair.run(journey)?);
    }
    let differences = pair.differences()?;
    if fates_agree && differences.is_empty() {
        return Ok(None);
    }
    pair.load(family, text)?;
    for (index, journey) in journeys.iter().enumerate() {
        let fates = pair.run(journey)?;
        let differences = pair.differences()?;
        if !agree(fates) || !differences.is_empty() {
            let start = journey.first().cloned();
            return Ok(Some(Disagreement { journey: Some(index), start, fates, differences }));
        }
    }
    Ok(Some(Disagreement { journey: None, start: None, fates: [None; 2], differences }))
}

struct Pair<'a, A, B> {
    first: &'a mut A,
    second: &'a mut B,
}

impl<A: Engine, B: Engine> Pair<'_, A, B> {
    fn load(&mut self, family: Family, text: &str) -> Compared<(), A, B> {
        self.first.load(family, text).map_err(CompareError::First)?;
        self.second.load(family, text).map_err(CompareError::Second)
    }

    fn run(&mut self, journey: &[Stop]) -> Compared<[Option<Fate>; 2], A, B> {
        let first = self.first.run(journey).map_err(CompareError::First)?;
        let second = self.second.run(journey).map_err(CompareError::Second)?;
        Ok([first, second])
    }

    fn differences(&mut self) -> Compared<Vec<Difference>, A, B> {
        let first = self.first.counts().map_err(CompareError::First)?;
        let second = self.second.counts().map_err(CompareError::Second)?;
        Ok(differences(&first, &second))
    }
}

fn agree(fates: [Option<Fate>; 2]) -> bool {
    match fates {
        [Some(first), Some(second)] => first == second,
        [_, None] | [None, _] => true,
    }
}

impl fmt::Display for Disagreement {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.journey, &self.start) {
            (Some(index), Some(start)) => {
                let bytes = start.packet.network().iter().fold(String::new(), |mut text, byte| {
                    write!(text, "{byte:02x}").expect("a string takes all text");
                    text
                });
                writeln!(out, "packet {index} at {}: {bytes}", start.hook.chain())?;
                writeln!(out, "  {:?}", start.packet)?;
            }
            _ => writeln!(out, "packets together, not one by one")?,
        }
        writeln!(out, "  fates {:?}", self.fates)?;
        self.differences.iter().try_for_each(|difference| writeln!(out, "  {difference}"))
    }
}

impl<A: fmt::Display, B: fmt::Display> fmt::Display for CompareError<A, B> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::First(error) => write!(out, "first engine: {error}"),
            Self::Second(error) => write!(out, "second engine: {error}"),
        }
    }
}

impl<A: error::Error + 'static, B: error::Error + 'static> error::Error for CompareError<A, B> {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::First(error) => Some(error),
            Self::Second(error) => Some(error),
        }
    }
}
