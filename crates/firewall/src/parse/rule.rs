//! From the draft of a line to the rules it stands for.

use super::draft::Draft;
use super::extension::{ANY_HOOK, FWD, Hooks, IN, OUT, POST, PRE};
use super::item::Item;
use super::matches::{self, Context};
use super::targets::{self, ChainKind};
use super::{header, item::Value};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Counters, Family, Negatable, Rule, Span, TableName};

/// Where a rule stands.
pub(crate) struct Place<'p> {
    pub(crate) family: Family,
    pub(crate) table: TableName,
    pub(crate) chain: &'p str,
    pub(crate) chain_kind: &'p dyn Fn(&str) -> ChainKind,
}

/// The line that a rule comes from.
pub(crate) struct Source<'s> {
    pub(crate) text: &'s str,
    pub(crate) span: Span,
    /// `[packets:bytes]` before the rule.
    pub(crate) counters: Option<Counters>,
}

/// A match or target that only some hooks may lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HookNeed {
    pub(crate) hooks: Hooks,
    pub(crate) span: Span,
}

/// The rules of a line with what they need of the hooks.
pub(crate) struct Built {
    pub(crate) rules: Vec<Rule>,
    pub(crate) needs: Vec<HookNeed>,
}

/// Builds the rules; all that is wrong with them goes to `findings`, and then there are none.
pub(crate) fn build(
    draft: &Draft<'_>,
    source: &Source<'_>,
    place: &Place<'_>,
    findings: &mut Vec<Diagnostic>,
) -> Option<Built> {
    let mut errors = Vec::new();
    errors.extend(check_devices(draft, place.chain));
    let headers = header::headers(draft, place.family, findings)
        .map_err(|error| errors.push(error))
        .unwrap_or_default();
    let protocol = draft
        .protocol
        .map(|written| Negatable { negated: written.negated, value: written.value.number });
    let mut context = Context { family: place.family, protocol, findings };
    let mut typed = Vec::with_capacity(draft.matches.len());
    for item in &draft.matches {
        errors.extend(targets::check_table(item, place.table).err());
        match matches::typed(item, &mut context) {
            Ok(item) => typed.push(item),
            Err(error) => errors.push(error),
        }
    }
    if let Some(target) = &draft.target {
        errors.extend(targets::check_table(&target.item, place.table).err());
        if target.name.text == "DROP" && place.table == TableName::Nat {
            let detail = "`DROP` works in filter: nat sees only the first packet of a connection";
            errors.push(target.item.refuse(Code::WrongTable, detail));
        }
    }
    let target = targets::typed(draft, source.span, place.chain_kind, &mut context)
        .map_err(|error| errors.push(error))
        .ok();
    let (Some(target), true) = (target, errors.is_empty()) else {
        findings.extend(errors);
        return None;
    };
    let rule = |header| Rule {
        span: source.span,
        text: source.text.to_owned(),
        counters: draft.counters.or(source.counters),
        header,
        matches: typed.clone(),
        target: target.clone(),
    };
    let items = draft.matches.iter().chain(draft.target.iter().map(|target| &target.item));
    let needs = items.filter_map(need).collect();
    Some(Built { rules: headers.into_iter().map(rule).collect(), needs })
}

/// Refuses `-i` and `-o` in built-in chains where the device is never known.
fn check_devices(draft: &Draft<'_>, chain: &str) -> Option<Diagnostic> {
    let refuse = |value: Value<'_>, code| Some(value.refuse(code, format!("`{chain}`")));
    match (draft.in_interface, draft.out_interface, chain) {
        (Some(written), _, "OUTPUT" | "POSTROUTING") => refuse(written.value, Code::InOutput),
        (_, Some(written), "INPUT" | "PREROUTING") => refuse(written.value, Code::OutInput),
        _ => None,
    }
}

/// What `item` needs of the hooks, if anything; what depends on its options is from the
/// `checkentry` functions of the kernel.
fn need(item: &Item<'_>) -> Option<HookNeed> {
    let by_name = item.extension.map_or(ANY_HOOK, |extension| extension.hooks);
    let direction = item.get("dir").map(|given| given.value.text);
    let by_option = match (item.name, direction) {
        ("addrtype", _) if item.has("limit-iface-in") => PRE | IN | FWD,
        ("addrtype", _) if item.has("limit-iface-out") => FWD | OUT | POST,
        ("devgroup", _) => {
            let source = if item.has("src-group") { PRE | IN | FWD } else { ANY_HOOK };
            let destination = if item.has("dst-group") { FWD | OUT | POST } else { ANY_HOOK };
            source & destination
        }
        ("policy", Some("in")) => PRE | IN | FWD,
        ("policy", Some("out")) => FWD | OUT | POST,
        _ => ANY_HOOK,
    };
    let hooks = by_name & by_option;
    (hooks != ANY_HOOK).then_some(HookNeed { hooks, span: item.span })
}
