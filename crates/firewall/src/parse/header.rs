//! The conditions that the table walk itself compares: addresses, devices, protocol, fragments.

use super::address;
use super::draft::Draft;
use super::item::Value;
use super::limits;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{AddrMask, Family, HeaderMatch, Interface, Negatable};

/// Protocol numbers that the kernel skips when it looks for an IPv6 packet's protocol, so that
/// `-p` never sees them: `ip6t_ext_hdr` in `net/ipv6/netfilter/ip6_tables.c`, without 59 and 50.
pub(crate) fn is_extension_header(protocol: u8) -> bool {
    matches!(protocol, 43 | 44 | 51 | 60)
}

/// The header conditions of a line: one set per pair of a source and a destination address.
pub(crate) fn headers(
    draft: &Draft<'_>,
    family: Family,
    findings: &mut Vec<Diagnostic>,
) -> Result<Vec<HeaderMatch>, Diagnostic> {
    let sources = addresses(draft.source, family)?;
    let destinations = addresses(draft.destination, family)?;
    let rules = sources.len().saturating_mul(destinations.len());
    if rules > limits::EXPANSION_MAX {
        let at = draft.source.or(draft.destination).map(|written| written.value.span);
        let detail = format!("{rules}, the limit is {}", limits::EXPANSION_MAX);
        return Err(Diagnostic::new(Code::TooManyAddresses, at.unwrap_or_default(), detail));
    }
    let fragment = draft.fragment.map(|fragment| fragment.negated);
    if let (Family::V6, Some(written)) = (family, draft.fragment) {
        let detail = "`-f` is for IPv4; use `-m frag`";
        return Err(Diagnostic::new(Code::WrongFamily, written.value, detail));
    }
    let protocol = draft
        .protocol
        .map(|written| Negatable { negated: written.negated, value: written.value.number })
        .filter(|protocol| protocol.value != 0);
    let in_interface = draft.in_interface.map(|i| interface(i, findings)).transpose()?.flatten();
    let out_interface = draft.out_interface.map(|o| interface(o, findings)).transpose()?.flatten();
    let mut all = Vec::with_capacity(rules);
    for source in &sources {
        for destination in &destinations {
            all.push(HeaderMatch {
                source: *source,
                destination: *destination,
                in_interface: in_interface.clone(),
                out_interface: out_interface.clone(),
                protocol,
                fragment,
            });
        }
    }
    Ok(all)
}

/// The addresses of one option, one `None` where every address fulfils it.
fn addresses(
    written: Option<Negatable<Value<'_>>>,
    family: Family,
) -> Result<Vec<Option<Negatable<AddrMask>>>, Diagnostic> {
    let Some(Negatable { negated, value }) = written else { return Ok(vec![None]) };
    let list =
        address::list(value.text, family).map_err(|(code, detail)| value.refuse(code, detail))?;
    if negated && list.len() > 1 {
        return Err(value.refuse(Code::NegatedList, format!("`{}`", value.text)));
    }
    let condition = |one: AddrMask| {
        let all = one.prefix_len() == Some(0) && !negated;
        (!all).then_some(Negatable { negated, value: one })
    };
    Ok(list.into_iter().map(condition).collect())
}

/// A device name; `None` where every device fulfils it (`+`).
fn interface(
    written: Negatable<Value<'_>>,
    findings: &mut Vec<Diagnostic>,
) -> Result<Option<Negatable<Interface>>, Diagnostic> {
    let Negatable { negated, value } = written;
    let text = value.text;
    if text.is_empty() || text.len() > limits::INTERFACE_BYTES_MAX {
        return Err(value.refuse(Code::BadInterface, format!("`{text}`")));
    }
    if text.contains(['/', ' ']) {
        findings.push(value.refuse(Code::OddInterface, format!("`{text}`")));
    }
    let (name, prefix) = text.strip_suffix('+').map_or((text, false), |name| (name, true));
    if name.is_empty() && !negated {
        return Ok(None);
    }
    Ok(Some(Negatable { negated, value: Interface { name: name.to_owned(), prefix } }))
}
