//! iptables-save text: any bytes are rules or refused for reasons with a place; what is printed from
//! rules reads back as the same rules and prints the same again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use netloom_firewall::check::check;
use netloom_firewall::diagnostic::Code;
use netloom_firewall::model::{Ruleset, TableName};
use netloom_firewall::parse::{ParseOptions, parse};
use netloom_firewall::print::{ListOptions, SaveOptions, file_counters, list, save};

fuzz_target!(|bytes: &[u8]| {
    let lines = bytes.split(|byte| *byte == b'\n').count();
    match parse(bytes, ParseOptions::default()) {
        Ok(parsed) => {
            for warning in &parsed.warnings {
                assert!(warning.span.line as usize <= lines, "{warning}");
            }
            check_rules(&parsed.ruleset);
        }
        Err(findings) => {
            assert!(!findings.is_empty(), "refused without a reason");
            for finding in findings {
                assert!(finding.span.line as usize <= lines, "{finding}");
                assert!(finding.span.start <= finding.span.end, "{finding}");
            }
        }
    }
});

fn check_rules(ruleset: &Ruleset) {
    let text = saved(ruleset);
    let options = ParseOptions { family: Some(ruleset.family) };
    let again = parse(text.as_bytes(), options)
        .unwrap_or_else(|findings| panic!("{}\n{text}", findings[0]))
        .ruleset;
    assert_eq!(again.rule_count(), ruleset.rule_count(), "{text}");
    assert_eq!(saved(&again), text);
    // Chains may stand in another order, and their lines differ.
    assert_eq!(vain(&again), vain(ruleset), "{text}");
    let counters = file_counters(ruleset);
    for table in &ruleset.tables {
        for verbose in [false, true] {
            let (exact, line_numbers) = (!verbose, verbose);
            let options = ListOptions { verbose, exact, line_numbers, counters: &counters };
            let listed = list(ruleset, table.name, &options).lines().count();
            let rules: usize = table.chains.iter().map(|chain| chain.rules.len()).sum();
            assert!(listed >= rules + table.chains.len(), "{listed} lines list {rules} rules");
        }
    }
}

/// What is said in vain, by place.
fn vain(ruleset: &Ruleset) -> Vec<(TableName, String, Option<usize>, Code)> {
    let findings = check(ruleset).into_iter();
    let mut all: Vec<_> = findings
        .map(|found| (found.table, found.chain, found.rule, found.diagnostic.code))
        .collect();
    all.sort();
    all
}

fn saved(ruleset: &Ruleset) -> String {
    let counters = file_counters(ruleset);
    save(ruleset, &SaveOptions { rule_counters: true, counters: &counters, comment: None })
}
