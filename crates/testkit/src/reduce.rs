//! The part of a real ruleset that all engines can run.

use netloom_firewall::diagnostic::Diagnostic;
use netloom_firewall::model::{Family, Match, Rule, TableName, Target};
use netloom_firewall::parse::{ParseOptions, parse};

/// A ruleset without what cannot be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reduced {
    /// The address family that the file is for.
    pub family: Family,
    /// The lines that are left, counters included.
    pub text: String,
    /// Rules that are left.
    pub kept: usize,
    /// Lines of the rules that were taken out of the tables that are left, counted from 1.
    pub dropped: Vec<u32>,
}

/// Keeps of `text` the tables `tables`, without the rules that hold anything unsupported.
///
/// # Errors
/// When `text` does not parse.
pub fn reduce(text: &str, tables: &[TableName]) -> Result<Reduced, Vec<Diagnostic>> {
    let ruleset = parse(text.as_bytes(), ParseOptions::default())?.ruleset;
    let kept_tables = ruleset.tables.iter().filter(|table| tables.contains(&table.name));
    let rules: Vec<&Rule> =
        kept_tables.flat_map(|table| &table.chains).flat_map(|chain| &chain.rules).collect();
    let unsupported = rules.iter().filter(|rule| !is_supported(rule));
    let dropped: Vec<u32> = unsupported.map(|rule| rule.span.line).collect();

    let mut left = String::new();
    let mut inside = true;
    for (number, line) in (1..).zip(text.lines()) {
        if let Some(name) = line.strip_prefix('*') {
            inside = tables.iter().any(|table| table.as_str() == name.trim());
        }
        if inside && !dropped.contains(&number) {
            left.push_str(line);
            left.push('\n');
        }
    }
    let kept = rules.len() - dropped.len();
    Ok(Reduced { family: ruleset.family, text: left, kept, dropped })
}

fn is_supported(rule: &Rule) -> bool {
    !matches!(rule.target.kind, Target::Unsupported { .. })
        && !rule.matches.iter().any(|item| matches!(item.kind, Match::Unsupported { .. }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_tables_and_unsupported_rules_go() {
        let text = "*nat\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n*filter\n:INPUT ACCEPT [0:0]\n\
                    -A INPUT -m recent --set\n[1:2] -A INPUT -p tcp -j ACCEPT\nCOMMIT\n";
        let reduced = reduce(text, &[TableName::Filter]).unwrap();
        let left = "*filter\n:INPUT ACCEPT [0:0]\n[1:2] -A INPUT -p tcp -j ACCEPT\nCOMMIT\n";
        assert_eq!((reduced.text.as_str(), reduced.kept), (left, 1));
        assert_eq!(reduced.dropped, [6]);
    }
}
