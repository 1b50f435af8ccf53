//! The form of `iptables -L -n`.

use super::list_match::{condition, target};
use super::save::put;
use super::{CounterKey, CounterLookup, address, ordered_chains};
use crate::model::{
    AddrMask, Chain, Counters, Family, Interface, Negatable, Rule, Ruleset, Table, TableName,
    Target,
};
use crate::parse::callee;

/// Which columns [`list`] prints, and how.
#[derive(Clone, Copy)]
pub struct ListOptions<'a> {
    /// `-v`: counters and devices.
    pub verbose: bool,
    /// `-x`: counters in full, not in K, M, G and T.
    pub exact: bool,
    /// `--line-numbers`.
    pub line_numbers: bool,
    /// Counters of policies and rules.
    pub counters: CounterLookup<'a>,
}

/// All chains of `table`, as `iptables -t table -L -n` prints them; a table that the ruleset does
/// not have is listed as an empty one.
pub fn list(ruleset: &Ruleset, table: TableName, options: &ListOptions<'_>) -> String {
    let empty = Table { name: table, span: crate::model::Span::default(), chains: Vec::new() };
    let table = ruleset.table(table).unwrap_or(&empty);
    let mut out = String::new();
    for (at, (name, chain)) in ordered_chains(table).into_iter().enumerate() {
        if at > 0 {
            out.push('\n');
        }
        chain_head(&mut out, table, name, chain, options);
        columns(&mut out, options);
        for (index, rule) in chain.iter().flat_map(|chain| chain.rules.iter().enumerate()) {
            let key = CounterKey { table: table.name, chain: name, rule: Some(index) };
            let row = Row { family: ruleset.family, number: index + 1, key, options };
            row.print(&mut out, rule);
        }
    }
    out
}

fn chain_head(
    out: &mut String,
    table: &Table,
    name: &str,
    chain: Option<&Chain>,
    options: &ListOptions<'_>,
) {
    put(out, format_args!("Chain {name} ("));
    let policy = match chain {
        Some(chain) => chain.policy.map(|policy| policy.as_str()),
        None => Some("ACCEPT"),
    };
    match policy {
        Some(policy) => {
            put(out, format_args!("policy {policy}"));
            if options.verbose {
                let key = CounterKey { table: table.name, chain: name, rule: None };
                let Counters { packets, bytes } = (options.counters)(key);
                let (packets, bytes) = (number(packets, options), number(bytes, options));
                put(out, format_args!(" {packets} packets, {bytes} bytes"));
            }
        }
        None => put(out, format_args!("{} references", references(table, name))),
    }
    out.push_str(")\n");
}

/// Rules of `table` that call `chain`.
fn references(table: &Table, chain: &str) -> usize {
    let rules = table.chains.iter().flat_map(|chain| &chain.rules);
    rules.filter(|rule| callee(rule).is_some_and(|name| name == chain)).count()
}

fn columns(out: &mut String, options: &ListOptions<'_>) {
    if options.line_numbers {
        out.push_str("num  ");
    }
    if options.verbose {
        out.push_str(if options.exact { "    pkts      bytes " } else { " pkts bytes " });
    }
    out.push_str("target     prot opt ");
    if options.verbose {
        out.push_str("in     out     ");
    }
    out.push_str("source               destination         \n");
}

/// A rule's line but for the rule.
struct Row<'a> {
    family: Family,
    number: usize,
    key: CounterKey<'a>,
    options: &'a ListOptions<'a>,
}

impl Row<'_> {
    fn print(&self, out: &mut String, rule: &Rule) {
        if self.options.line_numbers {
            put(out, format_args!("{:<4} ", self.number));
        }
        if self.options.verbose {
            self.counters(out);
        }
        let header = &rule.header;
        put(out, format_args!("{:<9} ", target_name(&rule.target.kind)));
        let protocol = header.protocol.unwrap_or(Negatable { negated: false, value: 0 });
        put(out, format_args!("{}{:<4} ", mark(protocol.negated), protocol.value));
        out.push_str(match header.fragment {
            None => "-- ",
            Some(false) => "-f ",
            Some(true) => "!f ",
        });
        if self.options.verbose {
            let input = device(header.in_interface.as_ref());
            let output = device(header.out_interface.as_ref());
            put(out, format_args!(" {input:<6} {output:<6} "));
        }
        self.address(out, header.source);
        self.address(out, header.destination);
        if matches!(rule.target.kind, Target::Goto(_)) {
            out.push_str("[goto] ");
        }
        for item in &rule.matches {
            condition(out, &item.kind, self.family);
        }
        target(out, &rule.target.kind, self.family);
        out.push('\n');
    }

    fn counters(&self, out: &mut String) {
        for count in count_pair((self.options.counters)(self.key)) {
            if self.options.exact {
                put(out, format_args!("{count:>8} "));
            } else {
                put(out, format_args!("{:>5} ", abbreviated(count)));
            }
        }
    }

    fn address(&self, out: &mut String, addr: Option<Negatable<AddrMask>>) {
        let (negated, shown) = match addr {
            Some(Negatable { negated, value }) => (negated, address::listed(&value)),
            None => match self.family {
                Family::V4 => (false, "0.0.0.0/0".to_owned()),
                Family::V6 => (false, "::/0".to_owned()),
            },
        };
        put(out, format_args!("{}{shown:<19} ", mark(negated)));
    }
}

fn count_pair(counters: Counters) -> [u64; 2] {
    [counters.packets, counters.bytes]
}

/// The sign in front of a column.
fn mark(negated: bool) -> char {
    if negated { '!' } else { ' ' }
}

fn device(device: Option<&Negatable<Interface>>) -> String {
    match device {
        Some(Negatable { negated, value }) => {
            let not = if *negated { "!" } else { "" };
            let plus = if value.prefix { "+" } else { "" };
            format!("{not}{}{plus}", value.name)
        }
        None => "*".to_owned(),
    }
}

fn target_name(target: &Target) -> &str {
    match target {
        Target::None => "",
        Target::Accept => "ACCEPT",
        Target::Drop => "DROP",
        Target::Return => "RETURN",
        Target::Jump(chain) | Target::Goto(chain) => chain,
        Target::Log(_) => "LOG",
        Target::Nflog(_) => "NFLOG",
        Target::Reject(_) => "REJECT",
        Target::Unsupported { name, .. } => name,
    }
}

fn number(count: u64, options: &ListOptions<'_>) -> String {
    if options.exact { count.to_string() } else { abbreviated(count) }
}

/// At most five digits: thousands above 99,999, then millions, and so on; rounded, and wrapping
/// at 64 bits as iptables does.
fn abbreviated(count: u64) -> String {
    if count <= 99_999 {
        return count.to_string();
    }
    let mut rest = count;
    for suffix in ['K', 'M', 'G'] {
        rest = rest.wrapping_add(500) / 1000;
        if rest <= 9_999 {
            return format!("{rest}{suffix}");
        }
    }
    rest = rest.wrapping_add(500) / 1000;
    format!("{rest}T")
}
