//! From a target as written to the typed target.

use super::draft::{Draft, TargetDraft};
use super::item::{Given, Item};
use super::limits;
use super::matches::{Context, Refusal, bad_number, check_protocol, cut};
use super::number;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{
    Family, LogOptions, NflogOptions, RejectWith, Span, TableName, Target, TargetItem,
};
use crate::protocol::TCP;

/// What the chains of the table are, for a target that may be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChainKind {
    /// No chain of this name.
    None,
    /// A chain that the kernel calls.
    Builtin,
    /// A chain that rules call.
    User,
}

/// The typed target of a line whose extent is `line`; `chain_kind` looks a chain name up.
pub(crate) fn typed(
    draft: &Draft<'_>,
    line: Span,
    chain_kind: &dyn Fn(&str) -> ChainKind,
    context: &mut Context<'_>,
) -> Result<TargetItem, Diagnostic> {
    let Some(target) = &draft.target else {
        return Ok(TargetItem { span: line, kind: Target::None });
    };
    let item = &target.item;
    let span = item.span;
    if target.goto {
        let kind = goto(target, chain_kind)?;
        return Ok(TargetItem { span, kind });
    }
    item.check_mandatory()?;
    check_protocol(item, context)?;
    match compile(target, chain_kind, context) {
        Ok(kind) => Ok(TargetItem { span, kind }),
        Err(Refusal::Invalid(diagnostic)) => Err(diagnostic),
        Err(Refusal::NotCompiled(reason)) => {
            let name = item.name.to_owned();
            let kind = Target::Unsupported { name, reason, arguments: item.all_arguments() };
            Ok(TargetItem { span, kind })
        }
    }
}

fn goto(
    target: &TargetDraft<'_>,
    chain_kind: &dyn Fn(&str) -> ChainKind,
) -> Result<Target, Diagnostic> {
    let name = target.name;
    let known = target.item.extension.is_some() || is_verdict(name.text);
    match chain_kind(name.text) {
        ChainKind::User if !known => Ok(Target::Goto(name.text.to_owned())),
        ChainKind::None if !known => {
            Err(name.refuse(Code::UndeclaredChain, format!("`{}`", name.text)))
        }
        ChainKind::Builtin => Err(name.refuse(Code::JumpToBuiltin, format!("`{}`", name.text))),
        ChainKind::None | ChainKind::User => {
            Err(name.refuse(Code::GotoTarget, format!("`{}`", name.text)))
        }
    }
}

fn compile(
    target: &TargetDraft<'_>,
    chain_kind: &dyn Fn(&str) -> ChainKind,
    context: &mut Context<'_>,
) -> Result<Target, Refusal> {
    let item = &target.item;
    let name = target.name;
    match name.text {
        "ACCEPT" => return Ok(Target::Accept),
        "DROP" => return Ok(Target::Drop),
        "RETURN" => return Ok(Target::Return),
        "LOG" => return log(item, context).map(Target::Log),
        "NFLOG" => return nflog(item, context).map(Target::Nflog),
        "REJECT" => return reject(item, context).map(Target::Reject),
        _ => {}
    }
    if item.extension.is_some() || is_verdict(name.text) {
        return Err(Refusal::NotCompiled(format!("target `{}` is not compiled", name.text)));
    }
    match chain_kind(name.text) {
        ChainKind::User => Ok(Target::Jump(name.text.to_owned())),
        ChainKind::Builtin => {
            Err(name.refuse(Code::JumpToBuiltin, format!("`{}`", name.text)).into())
        }
        ChainKind::None if item.arguments.is_empty() => {
            Err(name.refuse(Code::UnknownTarget, format!("`{}`", name.text)).into())
        }
        ChainKind::None => {
            Err(Refusal::NotCompiled(format!("target `{}` is not known", name.text)))
        }
    }
}

fn is_verdict(name: &str) -> bool {
    matches!(name, "ACCEPT" | "DROP" | "RETURN" | "QUEUE")
}

/// Names of `--log-level` (syslog(3)).
const LOG_LEVELS: [(&str, u8); 9] = [
    ("alert", 1),
    ("crit", 2),
    ("debug", 7),
    ("emerg", 0),
    ("error", 3),
    ("info", 6),
    ("notice", 5),
    ("panic", 0),
    ("warning", 4),
];

/// The level without `--log-level`.
pub(crate) const DEFAULT_LOG_LEVEL: u8 = 4;

fn log(item: &Item<'_>, context: &mut Context<'_>) -> Result<LogOptions, Refusal> {
    let level = match item.get("log-level") {
        Some(given) => {
            let text = given.value.text;
            let named = LOG_LEVELS.iter().find(|row| row.0 == text).map(|row| row.1);
            named
                .or_else(|| number::unsigned_u8(text).filter(|level| *level < 8))
                .ok_or_else(|| given.value.refuse(Code::UnknownValue, format!("level `{text}`")))?
        }
        None => DEFAULT_LOG_LEVEL,
    };
    Ok(LogOptions {
        level,
        prefix: prefix(item.get("log-prefix"), limits::LOG_PREFIX_BYTES_MAX, context)?,
        tcp_sequence: item.has("log-tcp-sequence"),
        tcp_options: item.has("log-tcp-options"),
        ip_options: item.has("log-ip-options"),
        uid: item.has("log-uid"),
        mac_decode: item.has("log-macdecode"),
    })
}

fn prefix(
    given: Option<&Given<'_>>,
    bytes_max: usize,
    context: &mut Context<'_>,
) -> Result<String, Diagnostic> {
    match given {
        Some(given) if given.value.text.is_empty() => {
            Err(given.value.refuse(Code::EmptyValue, format!("`--{}`", given.option.name())))
        }
        Some(given) => Ok(cut(given.value, bytes_max, context.findings)),
        None => Ok(String::new()),
    }
}

fn nflog(item: &Item<'_>, context: &mut Context<'_>) -> Result<NflogOptions, Refusal> {
    let short = |name: &str| match item.get(name) {
        Some(given) => number::unsigned_u16(given.value.text)
            .map(Some)
            .ok_or_else(|| bad_number(given.value, "0 to 65535")),
        None => Ok(None),
    };
    let long = |name: &str| match item.get(name) {
        Some(given) => number::unsigned_u32(given.value.text)
            .map(Some)
            .ok_or_else(|| bad_number(given.value, "0 to 4294967295")),
        None => Ok(None),
    };
    if let Some(range) = item.get("nflog-range") {
        if item.has("nflog-size") {
            let detail = "`--nflog-range` and `--nflog-size`";
            return Err(Diagnostic::new(Code::ConflictingOptions, range.span, detail).into());
        }
        let detail = "`--nflog-range`; use `--nflog-size`";
        context.findings.push(Diagnostic::new(Code::OldOption, range.span, detail));
    }
    Ok(NflogOptions {
        group: short("nflog-group")?.unwrap_or(0),
        prefix: prefix(item.get("nflog-prefix"), limits::NFLOG_PREFIX_BYTES_MAX, context)?,
        range: long("nflog-range")?.filter(|range| *range != 0),
        size: long("nflog-size")?,
        threshold: short("nflog-threshold")?.filter(|threshold| *threshold != 0),
    })
}

/// The answers of REJECT in one family: saved name, alias, meaning.
pub(crate) type RejectNames = &'static [(&'static str, &'static str, RejectWith)];

/// The answers of `family`; the first that starts like the written value is taken.
pub(crate) fn reject_names(family: Family) -> RejectNames {
    match family {
        Family::V4 => &[
            ("icmp-net-unreachable", "net-unreach", RejectWith::IcmpNetUnreachable),
            ("icmp-host-unreachable", "host-unreach", RejectWith::IcmpHostUnreachable),
            ("icmp-proto-unreachable", "proto-unreach", RejectWith::IcmpProtoUnreachable),
            ("icmp-port-unreachable", "port-unreach", RejectWith::IcmpPortUnreachable),
            ("icmp-net-prohibited", "net-prohib", RejectWith::IcmpNetProhibited),
            ("icmp-host-prohibited", "host-prohib", RejectWith::IcmpHostProhibited),
            ("tcp-reset", "tcp-rst", RejectWith::TcpReset),
            ("icmp-admin-prohibited", "admin-prohib", RejectWith::IcmpAdminProhibited),
        ],
        Family::V6 => &[
            ("icmp6-no-route", "no-route", RejectWith::Icmp6NoRoute),
            ("icmp6-adm-prohibited", "adm-prohibited", RejectWith::Icmp6AdmProhibited),
            ("icmp6-addr-unreachable", "addr-unreach", RejectWith::Icmp6AddrUnreachable),
            ("icmp6-port-unreachable", "port-unreach", RejectWith::Icmp6PortUnreachable),
            ("tcp-reset", "tcp-reset", RejectWith::TcpReset),
            ("icmp6-policy-fail", "policy-fail", RejectWith::Icmp6PolicyFail),
            ("icmp6-reject-route", "reject-route", RejectWith::Icmp6RejectRoute),
        ],
    }
}

fn reject(item: &Item<'_>, context: &Context<'_>) -> Result<RejectWith, Refusal> {
    let Some(given) = item.get("reject-with") else {
        return Ok(match context.family {
            Family::V4 => RejectWith::IcmpPortUnreachable,
            Family::V6 => RejectWith::Icmp6PortUnreachable,
        });
    };
    let text = given.value.text;
    let starts =
        |name: &str| name.get(..text.len()).is_some_and(|start| start.eq_ignore_ascii_case(text));
    let row = reject_names(context.family).iter().find(|row| starts(row.0) || starts(row.1));
    let Some((_, _, with)) = row.filter(|_| !text.is_empty()) else {
        return Err(given.value.refuse(Code::UnknownValue, format!("answer `{text}`")).into());
    };
    let tcp = context.protocol.is_some_and(|protocol| !protocol.negated && protocol.value == TCP);
    if *with == RejectWith::TcpReset && !tcp {
        let detail = "`--reject-with tcp-reset` needs `-p tcp`";
        return Err(given.value.refuse(Code::NeedsProtocol, detail).into());
    }
    Ok(*with)
}

/// Refuses an extension that does not work in `table`.
pub(crate) fn check_table(item: &Item<'_>, table: TableName) -> Result<(), Diagnostic> {
    let tables = item.extension.map_or(&[][..], |extension| extension.tables);
    if tables.is_empty() || tables.contains(&table) {
        return Ok(());
    }
    let names: Vec<_> = tables.iter().map(|table| table.as_str()).collect();
    let detail = format!("`{}` works in {}", item.name, names.join(" and "));
    Err(item.refuse(Code::WrongTable, detail))
}
