//! Matches with memory: `state`, `conntrack`, `limit`.

use super::{Refusal, option_not_compiled};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{CtStates, Limit, Match, Negatable};
use crate::parse::item::{Given, Item};
use crate::parse::matches::packet::bad_number;
use crate::parse::number;

/// The names of states in the order in which abbreviations are tried.
pub(crate) const STATES: [(&str, CtStates); 7] = [
    ("INVALID", CtStates::INVALID),
    ("NEW", CtStates::NEW),
    ("ESTABLISHED", CtStates::ESTABLISHED),
    ("RELATED", CtStates::RELATED),
    ("UNTRACKED", CtStates::UNTRACKED),
    ("SNAT", CtStates::SNAT),
    ("DNAT", CtStates::DNAT),
];

/// How many of [`STATES`] the match `state` knows.
const STATE_MATCH_STATES: usize = 5;

pub(super) fn state(item: &Item<'_>) -> Result<Match, Refusal> {
    let given = item.exactly_one(&["state"])?;
    Ok(Match::State(states(given, &STATES[..STATE_MATCH_STATES])?))
}

/// Only `--ctstate` is compiled.
pub(super) fn conntrack(item: &Item<'_>) -> Result<Match, Refusal> {
    if item.options.is_empty() {
        return Err(item.refuse(Code::MissingOption, "`conntrack` needs one").into());
    }
    let state = item.get("ctstate").map(|given| states(given, &STATES)).transpose()?;
    let other = item.options.iter().find(|given| given.option.name() != "ctstate");
    match (state, other) {
        (Some(state), None) => Ok(Match::CtState(state)),
        (_, Some(other)) => Err(option_not_compiled(item, other.option.name())),
        (None, None) => Err(option_not_compiled(item, "ctstate")),
    }
}

/// A list of names or their beginnings.
fn states(
    given: &Given<'_>,
    names: &[(&str, CtStates)],
) -> Result<Negatable<CtStates>, Diagnostic> {
    let mut set = CtStates::default();
    for name in given.value.text.split(',') {
        let fits = |row: &&(&str, CtStates)| {
            let start = row.0.get(..name.len());
            !name.is_empty() && start.is_some_and(|start| start.eq_ignore_ascii_case(name))
        };
        let Some((_, state)) = names.iter().find(fits) else {
            return Err(given.value.refuse(Code::UnknownValue, format!("state `{name}`")));
        };
        set.0 |= state.0;
    }
    Ok(Negatable { negated: given.negated, value: set })
}

/// Ticks of the rate scale per second: `XT_LIMIT_SCALE`.
pub(crate) const TICKS_PER_SECOND: u32 = 10_000;

/// Units of `--limit` with their seconds; they may be abbreviated.
const UNIT_NAMES: [(&str, u32); 4] =
    [("second", 1), ("minute", 60), ("hour", 3_600), ("day", 86_400)];

/// Three packets an hour: the rate without `--limit`.
const DEFAULT_PERIOD: u32 = 3_600 * TICKS_PER_SECOND / 3;

/// The burst without `--limit-burst`: `XT_LIMIT_BURST` of iptables.
pub(crate) const DEFAULT_BURST: u32 = 5;

/// The largest burst that iptables takes.
const BURST_MAX: u32 = 10_000;

pub(super) fn limit(item: &Item<'_>) -> Result<Match, Refusal> {
    let period = item.get("limit").map_or(Ok(DEFAULT_PERIOD), period)?;
    let burst = match item.get("limit-burst") {
        Some(given) => number::unsigned_u32(given.value.text)
            .filter(|burst| *burst <= BURST_MAX)
            .ok_or_else(|| bad_number(given.value, "1 to 10000"))?,
        None => DEFAULT_BURST,
    };
    if burst == 0 || overflows(period, burst) {
        return Err(item.refuse(Code::RateOverflow, "").into());
    }
    Ok(Match::Limit(Limit { period, burst }))
}

/// Ticks between two packets.
fn period(given: &Given<'_>) -> Result<u32, Diagnostic> {
    let text = given.value.text;
    let bad = || given.value.refuse(Code::BadRate, format!("`{text}`"));
    let (count, unit) = match text.split_once('/') {
        Some((count, unit)) => (count, Some(unit)),
        None => (text, None),
    };
    let fits = |row: &&(&str, u32), unit: &str| {
        let start = row.0.get(..unit.len());
        !unit.is_empty() && start.is_some_and(|start| start.eq_ignore_ascii_case(unit))
    };
    let seconds = match unit {
        Some(unit) => UNIT_NAMES.iter().find(|row| fits(row, unit)).ok_or_else(bad)?.1,
        None => 1,
    };
    let count: u32 = count.parse().map_err(|_malformed| bad())?;
    let period = (seconds * TICKS_PER_SECOND).checked_div(count).unwrap_or(0);
    if period == 0 { Err(bad()) } else { Ok(period) }
}

/// Whether the kernel's 32-bit credit counter wraps: `limit_mt_check` and `user2credits` in
/// `net/netfilter/xt_limit.c`, for the timer frequencies in use (up to 1,000 per second).
fn overflows(period: u32, burst: u32) -> bool {
    let credits = |user: u32| {
        let per_jiffy = 32_u32;
        let hz = 1_000_u32;
        match user > u32::MAX / (hz * per_jiffy) {
            true => (user / TICKS_PER_SECOND).wrapping_mul(hz * per_jiffy),
            false => user * hz * per_jiffy / TICKS_PER_SECOND,
        }
    };
    credits(period.wrapping_mul(burst)) < credits(period)
}
