//! The same cases without the real tool: what needs no root.

use arbtest::arbtest;
use netloom_firewall::model::{Family, Match, Ruleset, Span, Target};
use netloom_firewall::parse::{ParseOptions, parse};
use netloom_firewall::print::{self, SaveOptions};

use crate::{Expectation, cases, parsed, shown};

#[test]
fn cases_are_accepted_and_refused_as_expected() {
    for case in cases() {
        let accepted = parse(case.text().as_bytes(), ParseOptions { family: Some(case.family) });
        let expected = match case.expectation {
            Expectation::Same | Expectation::Differs | Expectation::Ours => true,
            Expectation::Refused | Expectation::Theirs => false,
        };
        assert_eq!(accepted.is_ok(), expected, "line {}: {}", case.number, case.lines);
    }
}

#[test]
fn what_is_printed_is_read_back_unchanged() {
    let mut compared = 0;
    for case in cases() {
        let options = ParseOptions { family: Some(case.family) };
        if let Ok(first) = parse(case.text().as_bytes(), options) {
            assert_fixed_point(&first.ruleset);
            compared += 1;
        }
    }
    for (_, _, ruleset) in crate::rulesets() {
        assert_fixed_point(&ruleset);
        compared += 1;
    }
    assert!(compared > 400, "{compared}");
}

fn assert_fixed_point(ruleset: &Ruleset) {
    let text = saved(ruleset);
    let again = parsed(&text, ruleset.family);
    assert_eq!(saved(&again), text);
    let rules = |ruleset: &Ruleset| {
        let chains = ruleset.tables.iter().flat_map(|table| table.chains.clone());
        let mut rules: Vec<_> = chains
            .flat_map(|chain| chain.rules.into_iter().map(move |rule| (chain.name.clone(), rule)))
            .map(|(chain, rule)| {
                let kinds: Vec<Match> = rule.matches.into_iter().map(|item| item.kind).collect();
                (chain, rule.header, kinds, rule.target.kind)
            })
            .collect();
        rules.sort_by(|one, other| one.0.cmp(&other.0));
        rules
    };
    assert_eq!(rules(&again), rules(ruleset), "{text}");
}

fn saved(ruleset: &Ruleset) -> String {
    let options =
        SaveOptions { rule_counters: false, counters: &print::no_counters, comment: None };
    print::save(ruleset, &options)
}

#[test]
fn arbitrary_bytes_never_panic() {
    arbtest(|u| {
        let family = *u.choose(&[None, Some(Family::V4), Some(Family::V6)])?;
        let bytes: Vec<u8> = u.arbitrary()?;
        drop(parse(&bytes, ParseOptions { family }));
        Ok(())
    })
    .budget_ms(1_000);
}

/// Pieces that rule lines are made of, right and wrong ones.
const PIECES: [&str; 48] = [
    "-A",
    "-I",
    "-D",
    "-R",
    "-N",
    "-X",
    "-E",
    "-P",
    "INPUT",
    "U",
    "W",
    "1",
    "0",
    "!",
    "-s",
    "-d",
    "10.0.0.0/8,::1",
    "1.2.3.4",
    "-i",
    "eth+",
    "-p",
    "tcp",
    "icmpv6",
    "-m",
    "tcp",
    "recent",
    "multiport",
    "--dport",
    "--dports",
    "22:80,1",
    "--sport=5",
    "-f",
    "-j",
    "-g",
    "LOG",
    "--log-prefix",
    "\"a \\\" b\"",
    "\"",
    "foo",
    "--bar",
    "ACCEPT",
    "--s",
    "-c",
    "--tcp-flags",
    "ALL",
    "=",
    "--",
    "\u{e4}",
];

#[test]
fn lines_of_random_pieces_never_panic_and_accepted_ones_are_read_back() {
    let mut accepted = 0;
    arbtest(|u| {
        let family = *u.choose(&[Family::V4, Family::V6])?;
        let mut lines = String::new();
        for _ in 0..u.int_in_range(1..=4)? {
            if !u.ratio(1, 4)? {
                lines.push_str("-A U ");
            }
            for _ in 0..u.int_in_range(0..=8)? {
                lines.push_str(u.choose(&PIECES)?);
                if !u.ratio(1, 16)? {
                    lines.push(' ');
                }
            }
            lines.push('\n');
        }
        let text = format!("*filter\n:U - [0:0]\n{lines}COMMIT\n");
        if let Ok(first) = parse(text.as_bytes(), ParseOptions { family: Some(family) }) {
            assert_fixed_point(&first.ruleset);
            accepted += 1;
        }
        Ok(())
    })
    .budget_ms(2_000);
    assert!(accepted > 10, "{accepted}");
}

#[test]
fn mutated_rulesets_never_panic() {
    let texts = [include_str!("listing.v4"), include_str!("listing.v6")];
    arbtest(|u| {
        let mut bytes = u.choose(&texts)?.as_bytes().to_vec();
        for _ in 0..u.int_in_range(1..=6)? {
            let at = u.choose_index(bytes.len())?;
            match u.int_in_range(0..=3)? {
                0 => bytes[at] = u.arbitrary()?,
                1 => bytes.insert(at, u.arbitrary()?),
                2 => bytes.truncate(at.max(1)),
                _ => {
                    let end = (at + u.int_in_range(1..=40)?).min(bytes.len());
                    let piece = bytes[at..end].to_vec();
                    let place = u.choose_index(bytes.len())?;
                    bytes.splice(place..place, piece);
                }
            }
        }
        if let Ok(first) = parse(&bytes, ParseOptions::default()) {
            assert_fixed_point(&first.ruleset);
        }
        Ok(())
    })
    .budget_ms(2_000);
}

#[test]
fn a_file_of_fifty_thousand_rules_is_read_whole() {
    let rule = |i: u32| {
        let [_, a, b, c] = i.to_be_bytes();
        format!("-A INPUT -s 10.{a}.{b}.{c}/32 -p tcp -m tcp --dport {} -j DROP\n", i & 0xffff)
    };
    let rules: String = (0..50_000).map(rule).collect();
    let text = format!("*filter\n:INPUT ACCEPT [0:0]\n{rules}COMMIT\n");
    let ruleset = parsed(&text, Family::V4);
    assert_eq!(ruleset.rule_count(), 50_000);
    assert!(saved(&ruleset).contains(&rules));
}

#[test]
fn spans_point_at_the_words() {
    let text = "*filter\n[1:2]  -A INPUT -p tcp --dport 22 ! -s 10.0.0.1 -m recent --set -j LOG --log-uid  \nCOMMIT\n";
    let ruleset = parsed(text, Family::V4);
    let line = text.lines().nth(1).expect("the rule's line");
    let rule = &ruleset.tables[0].chains[0].rules[0];
    let at = |span: Span| {
        assert_eq!(span.line, 2);
        &line
            [usize::try_from(span.start).expect("small")..usize::try_from(span.end).expect("small")]
    };
    assert_eq!(at(rule.span), rule.text);
    assert!(rule.text.starts_with("-A INPUT") && rule.text.ends_with("--log-uid"));
    let matches: Vec<_> = rule.matches.iter().map(|item| at(item.span)).collect();
    assert_eq!(matches, ["--dport 22", "-m recent --set"]);
    assert_eq!(at(rule.target.span), "-j LOG --log-uid");
    assert_eq!(rule.counters.map(|counters| (counters.packets, counters.bytes)), Some((1, 2)));
}

#[test]
fn unknown_extensions_keep_all_their_arguments() {
    let text = "*filter\n-A INPUT -m layer9 --mood good --not bad -p tcp ! --tone 1 2 -s 10.0.0.1 -m tcp --dport 22 -j ZAP --hard\nCOMMIT\n";
    let ruleset = parsed(text, Family::V4);
    let rule = &ruleset.tables[0].chains[0].rules[0];
    let Match::Unsupported { name, arguments, .. } = &rule.matches[0].kind else {
        panic!("{rule:?}")
    };
    assert_eq!(name, "layer9");
    assert_eq!(arguments, &["--mood", "good", "--not", "bad", "!", "--tone", "1", "2"]);
    assert!(matches!(rule.matches[1].kind, Match::Tcp { .. }));
    let Target::Unsupported { name, arguments, .. } = &rule.target.kind else { panic!("{rule:?}") };
    assert_eq!((name.as_str(), arguments.as_slice()), ("ZAP", &["--hard".to_owned()][..]));
}

#[test]
fn several_errors_of_a_file_are_reported_in_its_order() {
    let text = "*filter\n:INPUT DENY [0:0]\n-A INPUT -s 1.2.3 -p tcp -m tcp --dport ssg -j DROP\n\
                -A OUTPUT -i lo -p 300\n-A NOWHERE -j DROP\n-A INPUT -j ACEPT\n";
    let errors = parse(text.as_bytes(), ParseOptions::default()).expect_err("several errors");
    assert_eq!(
        shown(errors),
        "line 1, column 1: table has no `COMMIT`: `filter`\n\
         line 2, column 8: no such policy: `DENY`\n\
         line 3, column 41: not a port: `ssg`\n\
         line 4, column 20: no such protocol: `300`\n\
         line 5, column 4: no such chain in this table: `NOWHERE`\n\
         line 6, column 13: neither a chain of this table nor a known target: `ACEPT`"
    );
}
