//! Findings by example; `brute_force` compares them with all that packets can do.

mod brute_force;

use super::check;
use crate::diagnostic::Code;
use crate::parse::{ParseOptions, parse};

/// Findings of filter rules: chain, rule number from 1, code, line of the cause.
#[track_caller]
fn expect(rules: &str, expected: &[(&str, usize, Code, u32)]) {
    let text = format!("*filter\n:a - [0:0]\n:b - [0:0]\n{rules}\nCOMMIT\n");
    let parsed = parse(text.as_bytes(), ParseOptions::default()).expect("valid rules");
    let found: Vec<_> = check(&parsed.ruleset)
        .into_iter()
        .filter(|finding| finding.diagnostic.code != Code::UnreachedChain)
        .map(|finding| {
            let cause = finding.cause.map_or(0, |cause| cause.line - 3);
            let rule = finding.rule.map_or(0, |at| at + 1);
            (finding.chain, rule, finding.diagnostic.code, cause)
        })
        .collect();
    let found: Vec<_> = found.iter().map(|row| (row.0.as_str(), row.1, row.2, row.3)).collect();
    assert_eq!(found, expected, "{rules}");
}

#[test]
fn a_wider_rule_shadows() {
    let shadowed = &[("INPUT", 2, Code::ShadowedRule, 1)];
    for (wide, narrow) in [
        ("-s 10.0.0.0/8", "-s 10.1.2.3/32 -i eth0"),
        ("-p tcp", "-p tcp -m tcp --dport 22"),
        ("-p tcp -m tcp --dport 20:30", "-p tcp -m tcp --dport 22"),
        ("-p tcp -m multiport --dports 22,80", "-p tcp -m tcp --dport 80"),
        ("-p tcp -m multiport --ports 22,80", "-p tcp -m tcp --sport 80"),
        ("! -s 10.0.0.0/8", "-s 192.168.0.0/16"),
        ("! -s 10.1.0.0/16", "! -s 10.0.0.0/8"),
        ("-m iprange --src-range 10.0.0.1-10.0.0.9", "-s 10.0.0.2"),
        ("-s 10.0.0.0/8", "-m iprange --src-range 10.0.0.1-10.0.0.9"),
        ("-i eth+", "-i eth0"),
        ("! -i lo", "-i eth0"),
        ("-m state --state NEW,ESTABLISHED", "-m conntrack --ctstate NEW"),
        ("-m tos --tos 0x28/0xfc", "-m dscp --dscp 10"),
        ("-m mark --mark 1/1", "-m mark --mark 3"),
        ("-p icmp -m icmp --icmp-type 8", "-p icmp -m icmp --icmp-type 8/0"),
        ("-p tcp -m tcp --syn", "-p tcp -m tcp --tcp-flags ALL SYN"),
        ("-m comment --comment x -s 10.0.0.0/8", "-s 10.0.0.0/9"),
    ] {
        expect(&format!("-A INPUT {wide} -j ACCEPT\n-A INPUT {narrow} -j DROP"), shadowed);
    }
}

#[test]
fn what_may_still_differ_shadows_nothing() {
    for (first, second) in [
        ("-m limit --limit 1/sec -j ACCEPT", "-s 10.0.0.1 -j DROP"),
        ("-s 10.0.0.0/8 -j LOG", "-s 10.0.0.1 -j DROP"),
        ("-s 10.0.0.0/8 -j a", "-s 10.0.0.1 -j DROP"),
        ("-p tcp -m tcp --dport 22 -j ACCEPT", "-p tcp -m multiport --dports 22 -j DROP"),
        ("-p tcp -m tcp -j ACCEPT", "-p tcp -j DROP"),
        ("-m length --length 0:65535 -j ACCEPT", "-j DROP"),
        ("-m recent --rcheck -j ACCEPT", "-m recent --rcheck -j DROP"),
        ("-i eth0 -j ACCEPT", "-i eth+ -j DROP"),
        ("-m conntrack --ctstate DNAT -j ACCEPT", "-m state --state NEW -j DROP"),
    ] {
        expect(&format!("-A INPUT {first}\n-A INPUT {second}"), &[]);
    }
}

#[test]
fn a_packet_change_between_two_rules_ends_the_comparison() {
    expect(
        "-A INPUT -m mark --mark 1 -j ACCEPT\n-A INPUT -j MARK --set-mark 1\n-A INPUT -m mark --mark 1 -j DROP",
        &[],
    );
    expect(
        "-A a -j MARK --set-mark 1\n-A INPUT -m mark --mark 1 -j ACCEPT\n-A INPUT -j a\n-A INPUT -m mark --mark 1 -j DROP",
        &[],
    );
}

#[test]
fn a_chain_that_never_returns_ends_its_caller() {
    let rules = "-A a -m limit --limit 1/sec -j LOG\n-A a -j DROP\n-A INPUT -s 10.0.0.0/8 -j a\n\
                 -A INPUT -s 10.0.0.1 -j ACCEPT";
    expect(rules, &[("INPUT", 2, Code::ShadowedRule, 3)]);
    let rules = "-A a -s 10.0.0.1 -j RETURN\n-A a -j DROP\n-A INPUT -s 10.0.0.0/8 -j a\n\
                 -A INPUT -s 10.0.0.1 -j ACCEPT";
    expect(rules, &[]);
    let rules = "-A b -j DROP\n-A a -g b\n-A INPUT -j a\n-A INPUT -j ACCEPT";
    expect(rules, &[("INPUT", 2, Code::BehindEnd, 3)]);
}

#[test]
fn rules_behind_an_unconditional_end_are_each_reported() {
    expect(
        "-A INPUT -j ACCEPT\n-A INPUT -s 10.0.0.1 -j DROP\n-A INPUT -j LOG",
        &[("INPUT", 2, Code::BehindEnd, 1), ("INPUT", 3, Code::BehindEnd, 1)],
    );
}

#[test]
fn duplicates_are_found_comments_aside() {
    expect(
        "-A INPUT -s 10.0.0.1 -j ACCEPT\n-A INPUT -s 10.0.0.1 -m comment --comment x -j ACCEPT\n\
         -A INPUT -s 10.0.0.2 -j LOG\n-A INPUT -s 10.0.0.2 -j LOG\n\
         -A INPUT -m limit --limit 1/sec -j ACCEPT\n-A INPUT -m limit --limit 1/sec -j ACCEPT",
        &[("INPUT", 2, Code::DuplicateRule, 1), ("INPUT", 4, Code::DuplicateRule, 3)],
    );
}

#[test]
fn contradictions_are_found() {
    for conditions in [
        "-p udp -m udp --dport 80:22",
        "-p tcp -m tcp ! --dport 0:65535",
        "-p tcp -m tcp --dport 22 -m tcp --dport 23",
        "-p tcp -m tcp --tcp-flags SYN ACK",
        "-p tcp -f -m tcp --dport 22",
        "-m ttl --ttl-lt 0",
        "-m ttl --ttl-gt 255",
        "-m mark --mark 2/1",
        "-m mark --mark 1/3 -m mark --mark 2/2",
        "-m state --state NEW -m conntrack --ctstate ESTABLISHED",
        "-s 10.0.0.1 -m iprange --src-range 10.0.0.2-10.0.0.9",
        "! -i +",
        "! -s 0.0.0.0/0",
        "-m length --length 20:10",
        "-p tcp -m tcp --dport 22 -m multiport --dports 80,443",
        "-m addrtype --src-type LOCAL -m addrtype --src-type UNICAST",
    ] {
        expect(&format!("-A INPUT {conditions} -j DROP"), &[("INPUT", 1, Code::NeverMatches, 0)]);
    }
}

#[test]
fn chains_that_no_packet_gets_into_are_reported() {
    let text = "*filter\n:called - [0:0]\n:unused - [0:0]\n:behind - [0:0]\n\
                -A INPUT -j called\n-A unused -j behind\n-A called -j DROP\nCOMMIT\n";
    let parsed = parse(text.as_bytes(), ParseOptions::default()).expect("valid rules");
    let chains: Vec<_> = check(&parsed.ruleset)
        .into_iter()
        .filter(|finding| finding.diagnostic.code == Code::UnreachedChain)
        .map(|finding| finding.diagnostic.to_string())
        .collect();
    assert_eq!(
        chains,
        [
            "line 3, column 2: no packet gets into this chain: `unused`: no rule calls it",
            "line 4, column 2: no packet gets into this chain: `behind`: what calls it is never \
             reached itself",
        ]
    );
}
