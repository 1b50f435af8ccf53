//! From a match as written to the typed match.
//!
//! Each compiled extension has one function that reads its option values; the rest, and options
//! that are not compiled, become [`Match::Unsupported`] with all their arguments.

mod icmp;
mod network;
mod packet;
mod ports;
mod state;

use super::item::Item;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Family, Match, MatchItem, Negatable};

pub(crate) use network::{ADDR_TYPES, PACKET_TYPES};
pub(crate) use packet::{bad_number, cut};
pub(crate) use ports::FLAGS;
pub(crate) use state::{DEFAULT_BURST, TICKS_PER_SECOND};

/// What the meaning of a match depends on, besides its own options.
pub(crate) struct Context<'f> {
    pub(crate) family: Family,
    /// The protocol of `-p`, 0 included.
    pub(crate) protocol: Option<Negatable<u8>>,
    /// Where warnings go.
    pub(crate) findings: &'f mut Vec<Diagnostic>,
}

/// Why an item has no typed form.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// It is wrong.
    Invalid(Diagnostic),
    /// It is right, but not compiled; says what.
    NotCompiled(String),
}

impl From<Diagnostic> for Refusal {
    fn from(diagnostic: Diagnostic) -> Self {
        Self::Invalid(diagnostic)
    }
}

/// The typed form of `item`.
pub(crate) fn typed(item: &Item<'_>, context: &mut Context<'_>) -> Result<MatchItem, Diagnostic> {
    let span = item.span;
    item.check_mandatory()?;
    check_protocol(item, context)?;
    match compile(item, context) {
        Ok(kind) => Ok(MatchItem { span, kind }),
        Err(Refusal::Invalid(diagnostic)) => Err(diagnostic),
        Err(Refusal::NotCompiled(reason)) => {
            let name = item.name.to_owned();
            let kind = Match::Unsupported { name, reason, arguments: item.all_arguments() };
            Ok(MatchItem { span, kind })
        }
    }
}

/// Refuses an extension whose protocol `-p` does not name.
pub(crate) fn check_protocol(item: &Item<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let Some(needed) = item.extension.and_then(|extension| extension.protocol) else {
        return Ok(());
    };
    match context.protocol {
        Some(Negatable { negated: false, value }) if value == needed => Ok(()),
        _ => {
            let name = crate::protocol::saved_name(needed).unwrap_or_default();
            Err(item.refuse(Code::NeedsProtocol, format!("`{}` needs `-p {name}`", item.name)))
        }
    }
}

fn compile(item: &Item<'_>, context: &mut Context<'_>) -> Result<Match, Refusal> {
    if item.extension.is_none() {
        return Err(Refusal::NotCompiled(format!("match `{}` is not known", item.name)));
    }
    match item.name {
        "tcp" => ports::tcp(item),
        "udp" => ports::datagram(item, context).map(Match::Udp),
        "udplite" => ports::datagram(item, context).map(Match::UdpLite),
        "sctp" => ports::sctp(item),
        "multiport" => ports::multiport(item, context),
        "icmp" => icmp::icmp(item),
        "icmp6" => icmp::icmp6(item),
        "iprange" => network::iprange(item, context),
        "addrtype" => network::addrtype(item, context.family),
        "mac" => network::mac(item),
        "pkttype" => network::pkttype(item),
        "mark" => packet::mark(item),
        "comment" => packet::comment(item, context),
        "ttl" => packet::hop_limit(item, ["ttl-eq", "ttl-lt", "ttl-gt"]),
        "hl" => packet::hop_limit(item, ["hl-eq", "hl-lt", "hl-gt"]),
        "length" => packet::length(item, context),
        "dscp" => packet::dscp(item),
        "tos" => packet::tos(item),
        "state" => state::state(item),
        "conntrack" => state::conntrack(item),
        "limit" => state::limit(item),
        name => Err(Refusal::NotCompiled(format!("match `{name}` is not compiled"))),
    }
}

/// That an option of a compiled extension is not compiled.
fn option_not_compiled(item: &Item<'_>, option: &str) -> Refusal {
    Refusal::NotCompiled(format!("option `--{option}` of match `{}` is not compiled", item.name))
}
