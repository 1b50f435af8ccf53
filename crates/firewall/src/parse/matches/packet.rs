//! Fields of the packet and its buffer: `mark`, `ttl`, `hl`, `length`, `dscp`, `tos`; and
//! `comment`, which compares nothing.

use super::{Context, Refusal};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Compare, Match, Negatable};
use crate::parse::item::{Given, Item, Value};
use crate::parse::{limits, number};

/// `VALUE` or `VALUE/MASK`.
pub(super) fn mark(item: &Item<'_>) -> Result<Match, Refusal> {
    let given = item.exactly_one(&["mark"])?;
    let text = given.value.text;
    let (value, mask) = match text.split_once('/') {
        Some((value, mask)) => (value, Some(mask)),
        None => (text, None),
    };
    let mask = mask.map_or(Some(u32::MAX), number::unsigned_u32);
    let (Some(value), Some(mask)) = (number::unsigned_u32(value), mask) else {
        return Err(bad_number(given.value, "0 to 0xffffffff, or two with `/`").into());
    };
    Ok(Match::Mark(Negatable { negated: given.negated, value: (value, mask) }))
}

pub(super) fn comment(item: &Item<'_>, context: &mut Context<'_>) -> Result<Match, Refusal> {
    let given = item.exactly_one(&["comment"])?;
    Ok(Match::Comment(cut(given.value, limits::COMMENT_BYTES_MAX, context.findings)))
}

/// At most `bytes_max` of a text, with a warning if that cuts it.
pub(crate) fn cut(value: Value<'_>, bytes_max: usize, findings: &mut Vec<Diagnostic>) -> String {
    let text = value.text;
    if text.len() <= bytes_max {
        return text.to_owned();
    }
    let detail = format!("{} bytes, the limit is {bytes_max}", text.len());
    findings.push(value.refuse(Code::Truncated, detail));
    let mut end = bytes_max;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

/// `names` are the options for equal, less and greater.
pub(super) fn hop_limit(item: &Item<'_>, names: [&str; 3]) -> Result<Match, Refusal> {
    let given = item.exactly_one(&names)?;
    let Some(value) = number::unsigned_u8(given.value.text) else {
        return Err(bad_number(given.value, "0 to 255").into());
    };
    let name = given.option.name();
    let compare = match given.negated {
        true => Compare::NotEqual,
        false if name == names[0] => Compare::Equal,
        false if name == names[1] => Compare::Less,
        false => Compare::Greater,
    };
    Ok(Match::HopLimit(compare, value))
}

/// `LENGTH`, `LOW:HIGH`, `LOW:` or `:HIGH`.
pub(super) fn length(item: &Item<'_>, context: &mut Context<'_>) -> Result<Match, Refusal> {
    let given = item.exactly_one(&["length"])?;
    let text = given.value.text;
    let (low, high) = text.split_once(':').unwrap_or((text, text));
    let bound = |text: &str, open: u16| match text.is_empty() && given.value.text.contains(':') {
        true => Some(open),
        false => number::unsigned_u16(text),
    };
    let (Some(low), Some(high)) = (bound(low, 0), bound(high, u16::MAX)) else {
        return Err(bad_number(given.value, "0 to 65535, or a range with `:`").into());
    };
    if low > high {
        context.findings.push(given.value.refuse(Code::EmptyRange, format!("`{text}`")));
    }
    Ok(Match::Length(Negatable { negated: given.negated, value: (low, high) }))
}

pub(super) fn dscp(item: &Item<'_>) -> Result<Match, Refusal> {
    let given = item.exactly_one(&["dscp", "dscp-class"])?;
    let text = given.value.text;
    let value = if given.option.name() == "dscp" {
        let number = number::unsigned_u8(text).filter(|value| *value < 64);
        number.ok_or_else(|| bad_number(given.value, "0 to 63"))?
    } else {
        let row = DSCP_CLASSES.iter().find(|row| row.0.eq_ignore_ascii_case(text));
        row.map(|row| row.1).ok_or_else(|| unknown("DSCP class", given))?
    };
    Ok(Match::Dscp(Negatable { negated: given.negated, value }))
}

/// `VALUE`, `VALUE/MASK` or a name.
pub(super) fn tos(item: &Item<'_>) -> Result<Match, Refusal> {
    let given = item.exactly_one(&["tos"])?;
    let text = given.value.text;
    let named = TOS_NAMES.iter().find(|row| row.0.eq_ignore_ascii_case(text));
    let pair = match (named, text.split_once('/')) {
        (Some((_, value)), _) => Some((*value, TOS_NAME_MASK)),
        (None, Some((value, mask))) => number::unsigned_u8(value).zip(number::unsigned_u8(mask)),
        (None, None) => number::unsigned_u8(text).map(|value| (value, u8::MAX)),
    };
    let value = pair.ok_or_else(|| unknown("type of service", given))?;
    Ok(Match::Tos(Negatable { negated: given.negated, value }))
}

fn unknown(what: &str, given: &Given<'_>) -> Diagnostic {
    given.value.refuse(Code::UnknownValue, format!("{what} `{}`", given.value.text))
}

/// An error about a number; `range` says what is valid.
pub(crate) fn bad_number(value: Value<'_>, range: &str) -> Diagnostic {
    value.refuse(Code::BadNumber, format!("`{}`, valid is {range}", value.text))
}

/// Source: RFC 2474 (class selectors), RFC 2597 (AF), RFC 3246 (EF).
const DSCP_CLASSES: [(&str, u8); 22] = [
    ("CS0", 0),
    ("CS1", 8),
    ("CS2", 16),
    ("CS3", 24),
    ("CS4", 32),
    ("CS5", 40),
    ("CS6", 48),
    ("CS7", 56),
    ("BE", 0),
    ("AF11", 10),
    ("AF12", 12),
    ("AF13", 14),
    ("AF21", 18),
    ("AF22", 20),
    ("AF23", 22),
    ("AF31", 26),
    ("AF32", 28),
    ("AF33", 30),
    ("AF41", 34),
    ("AF42", 36),
    ("AF43", 38),
    ("EF", 46),
];

/// What a name of `--tos` compares: all but the two ECN bits.
const TOS_NAME_MASK: u8 = 0x3f;

/// Source: RFC 1349.
const TOS_NAMES: [(&str, u8); 5] = [
    ("Minimize-Delay", 0x10),
    ("Maximize-Throughput", 0x08),
    ("Maximize-Reliability", 0x04),
    ("Minimize-Cost", 0x02),
    ("Normal-Service", 0x00),
];
