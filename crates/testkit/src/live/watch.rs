//! Comparing rulesets that ask for connection states, which only the kernel knows.

use netloom_firewall::model::{CtStates, Family};

use super::legacy::{Legacy, LegacyError};
use crate::engine::{CompareError, Disagreement, Engine, Reference, ReferenceError, differences};

/// An Ethernet header and the packet behind it.
pub type Frame = ([u8; 14], Vec<u8>);

/// How a watched comparison went.
#[derive(Clone, Debug)]
pub struct Watched {
    /// The state of each frame that was sent, if connection tracking saw it; the others were left
    /// out, see [`super::Lab::journey`].
    pub states: Vec<Option<CtStates>>,
    /// The first packet on which the engines disagree.
    pub disagreement: Option<Disagreement>,
}

/// Loads `text` into the reference and the kernel and sends the frames one by one. The kernel
/// tells after each what state its connection had; with that state the reference evaluates it, and
/// all counters must agree.
///
/// The kernel keeps its connections from one call to the next in the same lab.
///
/// # Errors
/// When an engine refuses the ruleset or breaks down.
pub fn compare_watched(
    reference: &mut Reference,
    legacy: &mut Legacy,
    family: Family,
    text: &str,
    frames: &[Frame],
) -> Result<Watched, CompareError<ReferenceError, LegacyError>> {
    reference.load(family, text).map_err(CompareError::First)?;
    legacy.load(family, text).map_err(CompareError::Second)?;
    let mut states = Vec::new();
    for (index, (ethernet, network)) in frames.iter().enumerate() {
        let Some(mut journey) = legacy.journey(network, *ethernet) else { continue };
        let seen = legacy.watch(&journey).map_err(CompareError::Second)?;
        states.push(seen.state);
        if let Some(state) = seen.state {
            journey.iter_mut().for_each(|stop| stop.packet.ct = state);
        }
        let fate = reference.run(&journey).map_err(CompareError::First)?;
        let wanted = reference.counts().map_err(CompareError::First)?;
        let differences = differences(&wanted, &seen.counts);
        let fates_differ = seen.fate.is_some_and(|seen| Some(seen) != fate);
        if fates_differ || !differences.is_empty() {
            let fates = [fate, seen.fate];
            let start = journey.first().cloned();
            let disagreement = Disagreement { journey: Some(index), start, fates, differences };
            return Ok(Watched { states, disagreement: Some(disagreement) });
        }
    }
    Ok(Watched { states, disagreement: None })
}
