//! Ports: `tcp`, `udp`, `udplite`, `sctp`, `multiport`.

use super::{Context, Refusal, option_not_compiled};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Match, MultiportSide, Negatable, NegatedRange, Ports, TcpFlags};
use crate::parse::item::{Given, Item, Value};
use crate::parse::{limits, number};
use crate::protocol::{DCCP, SCTP, TCP, UDP, UDPLITE};
use crate::service;

/// Every port.
const ALL: (u16, u16) = (0, u16::MAX);

/// `--syn`: of FIN, SYN, RST and ACK only SYN is set.
const SYN: TcpFlags = TcpFlags { mask: 0b1_0111, comp: 0b0_0010 };

/// Flag names in the order of `--tcp-flags`.
pub(crate) const FLAGS: [(&str, u8); 8] = [
    ("FIN", 0x01),
    ("SYN", 0x02),
    ("RST", 0x04),
    ("PSH", 0x08),
    ("ACK", 0x10),
    ("URG", 0x20),
    ("ALL", 0x3f),
    ("NONE", 0),
];

pub(super) fn tcp(item: &Item<'_>) -> Result<Match, Refusal> {
    let ports = conditional(ports(item, |value| service_range(value, TCP))?);
    if let (Some(_), Some(flags)) = (item.get("syn"), item.get("tcp-flags")) {
        let detail = "`--syn` and `--tcp-flags`";
        return Err(Diagnostic::new(Code::ConflictingOptions, flags.span, detail).into());
    }
    let syn = item.get("syn").map(|given| Negatable { negated: given.negated, value: SYN });
    let flags = match item.get("tcp-flags") {
        Some(given) => Some(tcp_flags(given)?),
        None => syn,
    };
    let option = item.get("tcp-option").map(tcp_option).transpose()?;
    let unconditional = Negatable { negated: false, value: TcpFlags { mask: 0, comp: 0 } };
    Ok(Match::Tcp { ports, flags: flags.filter(|flags| *flags != unconditional), option })
}

fn tcp_option(given: &Given<'_>) -> Result<Negatable<u8>, Diagnostic> {
    match number::unsigned_u8(given.value.text) {
        None | Some(0) => {
            let detail = format!("`{}`, valid are 1 to 255", given.value.text);
            Err(given.value.refuse(Code::BadNumber, detail))
        }
        Some(value) => Ok(Negatable { negated: given.negated, value }),
    }
}

fn tcp_flags(given: &Given<'_>) -> Result<Negatable<TcpFlags>, Diagnostic> {
    let set = |value: Value<'_>| {
        let names = value.text.split([',', ' ']).filter(|name| !name.is_empty());
        names.map(|name| flag(name, value)).try_fold(0, |all, one| Ok(all | one?))
    };
    let mask = set(given.value)?;
    let comp = given.second.map_or(Ok(0), set)?;
    Ok(Negatable { negated: given.negated, value: TcpFlags { mask, comp } })
}

fn flag(name: &str, value: Value<'_>) -> Result<u8, Diagnostic> {
    let row = FLAGS.iter().find(|row| row.0.eq_ignore_ascii_case(name));
    row.map(|row| row.1)
        .ok_or_else(|| value.refuse(Code::UnknownValue, format!("TCP flag `{name}`")))
}

/// `udp` and `udplite`: reversed ranges are accepted there, and names of any transport.
pub(super) fn datagram(item: &Item<'_>, context: &mut Context<'_>) -> Result<Ports, Refusal> {
    let ports = ports(item, decimal_range)?;
    for given in &item.options {
        let range = if given.option.name() == "sport" { ports.source } else { ports.destination };
        if range.is_some_and(|range| range.value.0 > range.value.1) {
            let detail = format!("`{}`", given.value.text);
            context.findings.push(given.value.refuse(Code::EmptyRange, detail));
        }
    }
    Ok(conditional(ports))
}

/// `sctp`; chunk types are not compiled.
pub(super) fn sctp(item: &Item<'_>) -> Result<Match, Refusal> {
    let ports = ports(item, |value| service_range(value, SCTP))?;
    match item.has("chunk-types") {
        true => Err(option_not_compiled(item, "chunk-types")),
        false => Ok(Match::Sctp(ports)),
    }
}

/// `--sport` and `--dport`.
fn ports(
    item: &Item<'_>,
    range: impl Fn(Value<'_>) -> Result<(u16, u16), Diagnostic>,
) -> Result<Ports, Diagnostic> {
    let side = |name: &str| -> Result<Option<NegatedRange>, Diagnostic> {
        let Some(given) = item.get(name) else { return Ok(None) };
        Ok(Some(Negatable { negated: given.negated, value: range(given.value)? }))
    };
    Ok(Ports { source: side("sport")?, destination: side("dport")? })
}

/// `ports` without conditions that every port fulfils. For tcp and udp, `iptables-save` leaves
/// them out; for sctp it does not.
fn conditional(ports: Ports) -> Ports {
    let all = Negatable { negated: false, value: ALL };
    let keep = |side: Option<NegatedRange>| side.filter(|range| *range != all);
    Ports { source: keep(ports.source), destination: keep(ports.destination) }
}

/// `PORT`, `LOW:HIGH`, `LOW:` or `:HIGH` with numbers or service names.
fn service_range(value: Value<'_>, protocol: u8) -> Result<(u16, u16), Diagnostic> {
    let Some((low, high)) = value.text.split_once(':') else {
        let port = service_port(value.text, value, protocol)?;
        return Ok((port, port));
    };
    let low = if low.is_empty() { 0 } else { service_port(low, value, protocol)? };
    let high = if high.is_empty() { u16::MAX } else { service_port(high, value, protocol)? };
    if low > high {
        return Err(value.refuse(Code::ReversedRange, format!("`{}`", value.text)));
    }
    Ok((low, high))
}

fn service_port(text: &str, value: Value<'_>, protocol: u8) -> Result<u16, Diagnostic> {
    number::unsigned_u16(text)
        .or_else(|| service::port(text, Some(protocol)))
        .ok_or_else(|| value.refuse(Code::BadPort, format!("`{text}`")))
}

/// `PORT`, `LOW:HIGH`, `LOW:` or `:HIGH`, also reversed.
fn decimal_range(value: Value<'_>) -> Result<(u16, u16), Diagnostic> {
    let Some((low, high)) = value.text.split_once(':') else {
        let port = decimal_port(value.text, value)?;
        return Ok((port, port));
    };
    let low = if low.is_empty() { 0 } else { decimal_port(low, value)? };
    let high = if high.is_empty() { u16::MAX } else { decimal_port(high, value)? };
    Ok((low, high))
}

/// A port as getaddrinfo reads it: decimal only, also with leading zeros.
fn decimal_port(text: &str, value: Value<'_>) -> Result<u16, Diagnostic> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.then(|| text.parse().ok()).flatten();
    number
        .or_else(|| service::port(text, None))
        .ok_or_else(|| value.refuse(Code::BadPort, format!("`{text}`")))
}

pub(super) fn multiport(item: &Item<'_>, context: &Context<'_>) -> Result<Match, Refusal> {
    let given = item.exactly_one(&["sports", "dports", "ports"])?;
    let protocol = match context.protocol {
        Some(Negatable { negated: false, value })
            if [TCP, UDP, UDPLITE, SCTP, DCCP].contains(&value) =>
        {
            value
        }
        _ => {
            let detail = "`multiport` needs `-p tcp`, `udp`, `udplite`, `sctp` or `dccp`";
            return Err(item.refuse(Code::NeedsProtocol, detail).into());
        }
    };
    let side = match given.option.name() {
        "sports" => MultiportSide::Source,
        "dports" => MultiportSide::Destination,
        _ => MultiportSide::Either,
    };
    let mut slots = 0;
    let mut ports = Vec::new();
    for text in given.value.text.split(',') {
        let (low, high) = match text.split_once(':') {
            Some((low, high)) => (low, Some(high)),
            None => (text, None),
        };
        let low = service_port(low, given.value, protocol)?;
        let high = high.map(|high| service_port(high, given.value, protocol)).transpose()?;
        slots += if high.is_some() { 2 } else { 1 };
        if high.is_some_and(|high| high <= low) {
            return Err(given.value.refuse(Code::ReversedRange, format!("`{text}`")).into());
        }
        ports.push((low, high.unwrap_or(low)));
    }
    if slots > limits::MULTIPORT_SLOTS_MAX {
        let detail = format!("{slots} slots");
        return Err(given.value.refuse(Code::TooManyPorts, detail).into());
    }
    Ok(Match::Multiport { side, ports: Negatable { negated: given.negated, value: ports } })
}
