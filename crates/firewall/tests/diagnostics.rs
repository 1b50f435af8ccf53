//! Every kind of finding that the parser makes, with its position.

use std::collections::BTreeSet;

use netloom_firewall::diagnostic::{Code, Severity};
use netloom_firewall::model::Family;
use netloom_firewall::parse::{ParseOptions, parse};

/// Rule line in an IPv4 filter table with the empty user chains U and V, kind, column from 1.
const RULES: &[(&str, Code, u32)] = &[
    ("-A INPUT -m comment --comment \"a", Code::UnclosedQuote, 31),
    ("[1] -A INPUT", Code::BadCounters, 1),
    (":X", Code::BadChainLine, 1),
    (":12345678901234567890123456789 - [0:0]", Code::ChainNameTooLong, 2),
    (":U - [0:0]", Code::DuplicateChain, 2),
    (":DROP - [0:0]", Code::DuplicateChain, 2),
    (":INPUT DENY [0:0]", Code::UnknownPolicy, 8),
    (":X DROP [0:0]", Code::UserChainPolicy, 4),
    ("-A X", Code::UndeclaredChain, 4),
    ("-A INPUT -g X", Code::UndeclaredChain, 13),
    ("-X INPUT", Code::ChainInUse, 1),
    ("-s 10.0.0.1", Code::MissingCommand, 1),
    ("-A U -A V", Code::SecondCommand, 6),
    ("-L", Code::UnsupportedCommand, 1),
    ("-I U 2 -j DROP", Code::BadRuleNumber, 6),
    ("-A U --foo", Code::UnknownOption, 6),
    ("-A U -q", Code::UnknownOption, 6),
    ("-A U --d 1.2.3.4", Code::AmbiguousOption, 6),
    ("-A U -s", Code::MissingArgument, 6),
    ("-A INPUT --fragments=1", Code::UnexpectedArgument, 10),
    ("-A U -j DROP now", Code::StrayWord, 14),
    ("-A U ! -j DROP", Code::BadNegation, 6),
    ("-A U -m limit ! --limit 1/s", Code::BadNegation, 15),
    ("-A U -j DROP -j DROP", Code::RepeatedOption, 14),
    ("-A U -p tcp --dport 1 --dport 2", Code::RepeatedOption, 23),
    ("-A U -p tcp --syn --tcp-flags SYN SYN", Code::ConflictingOptions, 19),
    ("-A U -m mark -j DROP", Code::MissingOption, 6),
    ("-A U -t filter", Code::OptionNotAllowed, 6),
    ("-A U -j FOO", Code::UnknownTarget, 9),
    ("-A U -g DROP", Code::GotoTarget, 9),
    ("-A U -j INPUT", Code::JumpToBuiltin, 9),
    ("-A U -j \"A B\"", Code::BadTargetName, 9),
    ("-A U -s 10.0.0.256", Code::BadAddress, 9),
    ("-A U -s example.org", Code::HostName, 9),
    ("-A U -s 10.0.0.0/33", Code::BadMask, 9),
    ("-A U ! -s 10.0.0.1,10.0.0.2", Code::NegatedList, 11),
    ("-A U\\n-R U 1 -s 10.0.0.1,10.0.0.2", Code::TooManyAddresses, 11),
    ("-A U -i 1234567890123456", Code::BadInterface, 9),
    ("-A U -p foo", Code::UnknownProtocol, 9),
    ("-A U ! -p all", Code::NeverProtocol, 6),
    ("-A U -m ttl --ttl-eq 256", Code::BadNumber, 22),
    ("-A U -p tcp --dport ssg", Code::BadPort, 21),
    ("-A U -p tcp --dport 2:1", Code::ReversedRange, 21),
    (
        "-A U -p tcp -m multiport --ports 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15:16",
        Code::TooManyPorts,
        34,
    ),
    ("-A U -m state --state OLD", Code::UnknownValue, 23),
    ("-A U -p icmp --icmp-type host-un", Code::AmbiguousValue, 26),
    ("-A U -j LOG --log-prefix \"\"", Code::EmptyValue, 26),
    ("-A U -m limit --limit fast", Code::BadRate, 23),
    ("-A U -m limit --limit 1/day", Code::RateOverflow, 6),
    ("-A U -m tcp --dport 1", Code::NeedsProtocol, 6),
    ("-A U -j MASQUERADE", Code::WrongTable, 6),
    ("-A OUTPUT -m mac --mac-source 0:0:0:0:0:1", Code::WrongHook, 11),
    ("-A U -m hl --hl-eq 1", Code::WrongFamily, 9),
    ("-A OUTPUT -i lo", Code::InOutput, 14),
    ("-A INPUT -o lo", Code::OutInput, 13),
    ("-A U -s ! 10.0.0.1", Code::OldNegation, 9),
    ("-A U -6 -j DROP", Code::OtherFamily, 1),
    ("-A U -j LOG --log-prefix 123456789012345678901234567890", Code::Truncated, 26),
    ("-A U -p udp --dport 2:1", Code::EmptyRange, 21),
    ("-A U -i a/b", Code::OddInterface, 9),
    ("-A U -j NFLOG --nflog-range 1", Code::OldOption, 15),
];

/// Whole file, kind, line, column.
const FILES: &[(&str, Code, u32, u32)] = &[
    ("-A INPUT -j DROP\n", Code::OutsideTable, 1, 1),
    ("*fliter\nCOMMIT\n", Code::UnknownTable, 1, 1 + 1),
    ("*filter\n", Code::MissingCommit, 1, 1),
    ("*filter\nCOMMIT\n*filter\nCOMMIT\n", Code::SecondSection, 3, 1),
    ("*filter\r\nCOMMIT\r\n", Code::CarriageReturn, 1, 8),
    ("*filter\n#\0\nCOMMIT\n", Code::NotText, 2, 2),
    ("*filter\n:U - [0:0]\n-A INPUT -j U\n-A U -j U\nCOMMIT\n", Code::ChainLoop, 4, 1 + 5),
];

#[track_caller]
fn check(text: &[u8], family: Family, code: Code, line: u32, column: u32) {
    let (errors, findings) = match parse(text, ParseOptions { family: Some(family) }) {
        Ok(parsed) => (false, parsed.warnings),
        Err(findings) => (true, findings),
    };
    let text = String::from_utf8_lossy(text);
    assert_eq!(errors, code.severity() == Severity::Error, "{text}");
    let found = findings.iter().find(|found| found.code == code);
    let Some(found) = found else { panic!("{code:?} is not in {findings:?}\n{text}") };
    assert_eq!((found.span.line, found.span.start + 1), (line, column), "{text}");
}

#[test]
fn every_wrong_rule_is_reported_where_it_is_wrong() {
    for (rule, code, column) in RULES {
        let rule = rule.replace("\\n", "\n");
        let last = 3 + u32::try_from(rule.lines().count()).expect("few lines");
        let text = format!("*filter\n:U - [0:0]\n:V - [0:0]\n{rule}\nCOMMIT\n");
        check(text.as_bytes(), Family::V4, *code, last, *column);
    }
}

#[test]
fn every_wrong_file_is_reported_where_it_is_wrong() {
    for (text, code, line, column) in FILES {
        check(text.as_bytes(), Family::V4, *code, *line, *column);
    }
    let v6 = "*filter\n-A INPUT -p ipv6-frag -j DROP\nCOMMIT\n";
    check(v6.as_bytes(), Family::V6, Code::ExtensionHeader, 2, 13);
}

#[test]
fn limits_are_reported() {
    let long = format!("*filter\n-A INPUT -s {}\nCOMMIT\n", "1.2.3.4,".repeat(2_000));
    check(long.as_bytes(), Family::V4, Code::LineTooLong, 2, 1);
    let word = format!("*filter\n-A INPUT -j {}\nCOMMIT\n", "x".repeat(1_024));
    check(word.as_bytes(), Family::V4, Code::WordTooLong, 2, 13);
    let words = format!("*filter\n-A INPUT{}\nCOMMIT\n", " -v".repeat(249));
    check(words.as_bytes(), Family::V4, Code::TooManyWords, 2, 754);
    let errors = "x\n".repeat(1_500);
    check(errors.as_bytes(), Family::V4, Code::TooManyErrors, 1_001, 1);
    let empty = "\n".repeat(4_000_001);
    check(empty.as_bytes(), Family::V4, Code::FileTooLong, 4_000_001, 1);
    let latin = b"*filter\n-A INPUT -m comment --comment \"\xfcber\"\nCOMMIT\n";
    check(latin, Family::V4, Code::NotText, 2, 32);
}

/// Kinds that other modules report.
const ELSEWHERE: [Code; 5] = [
    Code::ShadowedRule,
    Code::BehindEnd,
    Code::DuplicateRule,
    Code::NeverMatches,
    Code::UnreachedChain,
];

/// Kinds that the tests above make outside the tables.
const MADE: [Code; 6] = [
    Code::LineTooLong,
    Code::WordTooLong,
    Code::TooManyWords,
    Code::TooManyErrors,
    Code::FileTooLong,
    Code::ExtensionHeader,
];

#[test]
fn every_kind_of_finding_has_a_case() {
    let rules = RULES.iter().map(|row| row.1);
    let files = FILES.iter().map(|row| row.1);
    let tested: BTreeSet<_> = rules.chain(files).chain(MADE).chain(ELSEWHERE).collect();
    let all: BTreeSet<_> = Code::ALL.iter().copied().collect();
    let missing: Vec<_> = all.difference(&tested).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
