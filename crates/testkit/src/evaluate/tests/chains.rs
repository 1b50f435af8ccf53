//! Order, jumps, returns, policies and their counters.

use netloom_firewall::model::{
    AddrMask, HeaderMatch, Limit, LogOptions, Match, Policy, Ports, Rule, Ruleset, TableName,
    Target,
};

use super::super::{Decision, Evaluator, PrepareErrorKind, RuleId, Verdict};
use super::{Family, Hook, always, chain, filter, input, is, not, rule, tcp, v4};

const ACCEPT: Option<Policy> = Some(Policy::Accept);

fn jump(name: &str) -> Rule {
    always(Target::Jump(name.to_owned()))
}

fn goto(name: &str) -> Rule {
    always(Target::Goto(name.to_owned()))
}

/// The chains with the packets of each rule, `name:n,n…`, and `/n` for the policy.
fn counted(ruleset: &Ruleset) -> (Verdict, String) {
    let (outcome, evaluator) = input(ruleset, &v4(6, &tcp(&[])));
    let mut lines = Vec::new();
    for chain in &ruleset.tables[0].chains {
        let counts = &evaluator.counts()[&(TableName::Filter, chain.name.clone())];
        let rules: Vec<_> = counts.rules.iter().map(|rule| rule.packets.to_string()).collect();
        let policy = counts.policy.map(|policy| format!("/{}", policy.packets));
        lines.push(format!("{}:{}{}", chain.name, rules.join(","), policy.unwrap_or_default()));
    }
    (outcome.verdict, lines.join(" "))
}

fn check(chains: Vec<super::Chain>, verdict: Verdict, expected: &str) {
    let found = counted(&filter(Family::V4, chains));
    assert_eq!(found, (verdict, expected.to_owned()));
}

#[test]
fn rule_without_target_counts_and_goes_on() {
    let rules = vec![always(Target::None), always(Target::Drop), always(Target::Accept)];
    check(vec![chain("INPUT", ACCEPT, rules)], Verdict::Drop, "INPUT:1,1,0/0");
}

#[test]
fn end_of_user_chain_returns_behind_the_jump() {
    let chains = vec![
        chain("INPUT", Some(Policy::Drop), vec![jump("a"), always(Target::None)]),
        chain("a", None, vec![jump("b"), always(Target::None)]),
        chain("b", None, vec![always(Target::Return), always(Target::Accept)]),
    ];
    check(chains, Verdict::Drop, "INPUT:1,1/1 a:1,1 b:1,0");
}

#[test]
fn return_in_a_built_in_chain_is_the_policy() {
    let rules = vec![always(Target::Return), always(Target::Drop)];
    check(vec![chain("INPUT", ACCEPT, rules)], Verdict::Accept, "INPUT:1,0/1");
}

#[test]
fn goto_forgets_where_it_came_from() {
    let chains = vec![
        chain("INPUT", ACCEPT, vec![jump("a"), always(Target::Drop)]),
        chain("a", None, vec![goto("b"), always(Target::Accept)]),
        chain("b", None, vec![always(Target::None)]),
    ];
    check(chains, Verdict::Drop, "INPUT:1,1/0 a:1,0 b:1");
}

#[test]
fn goto_from_a_built_in_chain_ends_in_the_policy() {
    let chains = vec![
        chain("INPUT", ACCEPT, vec![goto("a"), always(Target::Drop)]),
        chain("a", None, vec![always(Target::None)]),
    ];
    check(chains, Verdict::Accept, "INPUT:1,0/1 a:1");
}

#[test]
fn logs_report_and_go_on() {
    let log = always(Target::Log(LogOptions { prefix: "x".into(), ..LogOptions::default() }));
    let chains = vec![chain("INPUT", ACCEPT, vec![log.clone(), log])];
    let (outcome, _) = input(&filter(Family::V4, chains), &v4(6, &[]));
    let indices: Vec<usize> = outcome.events.iter().map(|event| event.rule.index).collect();
    assert_eq!(indices, [0, 1]);
    assert_eq!(outcome.decision, Decision::Policy);
}

#[test]
fn hotdrop_drops_without_counting() {
    let header = HeaderMatch { protocol: Some(is(6)), ..HeaderMatch::default() };
    let tcp = Match::Tcp { ports: Ports::default(), flags: None, option: None };
    let rules = vec![
        rule(header.clone(), vec![], Target::None),
        rule(header, vec![tcp], Target::Accept),
        always(Target::Accept),
    ];
    let ruleset = filter(Family::V4, vec![chain("INPUT", ACCEPT, rules)]);
    let (outcome, evaluator) = input(&ruleset, &v4(6, &[0; 19]));
    let id = RuleId { table: TableName::Filter, chain: "INPUT".into(), index: 1 };
    assert_eq!((outcome.verdict, outcome.decision), (Verdict::Drop, Decision::Hotdrop(id)));
    let counts = &evaluator.counts()[&(TableName::Filter, "INPUT".to_owned())];
    let packets: Vec<u64> = counts.rules.iter().map(|rule| rule.packets).collect();
    assert_eq!((packets, counts.policy.map(|it| it.packets)), (vec![1, 0, 0], Some(0)));
}

#[test]
fn bytes_are_those_of_the_network_layer() {
    let ruleset = filter(Family::V4, vec![chain("INPUT", ACCEPT, vec![always(Target::None)])]);
    let mut evaluator = Evaluator::new(&ruleset).unwrap();
    let packet = v4(17, &[0; 13]);
    evaluator.walk(TableName::Filter, Hook::Input, &packet);
    evaluator.walk(TableName::Filter, Hook::Input, &packet);
    let counts = &evaluator.counts()[&(TableName::Filter, "INPUT".to_owned())];
    assert_eq!((counts.rules[0].packets, counts.rules[0].bytes), (2, 66));
    assert_eq!(counts.policy.unwrap().bytes, 66);
}

#[test]
fn limit_behind_a_failing_match_pays_nothing() {
    let limit = Match::Limit(Limit { period: 36_000_000, burst: 1 });
    let ttl = Match::HopLimit(netloom_firewall::model::Compare::Equal, 1);
    let rules = vec![
        rule(HeaderMatch::default(), vec![ttl, limit.clone()], Target::Drop),
        rule(HeaderMatch::default(), vec![limit], Target::None),
    ];
    let ruleset = filter(Family::V4, vec![chain("INPUT", ACCEPT, rules)]);
    let mut evaluator = Evaluator::new(&ruleset).unwrap();
    let other = v4(6, &[]);
    let wanted = super::patched(&other, 8, &[1]);
    let verdicts = [&other, &other, &wanted, &wanted]
        .map(|packet| evaluator.walk(TableName::Filter, Hook::Input, packet).matched.len());
    assert_eq!(verdicts, [1, 0, 1, 0]);
}

#[test]
fn absent_chains_and_the_other_family_are_accepted() {
    let ruleset = filter(Family::V6, vec![chain("INPUT", Some(Policy::Drop), vec![])]);
    let (outcome, mut evaluator) = input(&ruleset, &v4(6, &[]));
    assert_eq!((outcome.verdict, outcome.decision), (Verdict::Accept, Decision::NoChain));
    let outcome = evaluator.walk(TableName::Filter, Hook::PreRouting, &super::v6(6, &[]));
    assert_eq!(outcome.decision, Decision::NoChain);
}

#[test]
fn loops_are_refused_where_a_hook_reaches_them() {
    let looping = |first| {
        vec![
            chain("INPUT", ACCEPT, vec![first]),
            chain("a", None, vec![jump("b")]),
            chain("b", None, vec![always(Target::Accept), goto("a")]),
        ]
    };
    let reached = Evaluator::new(&filter(Family::V4, looping(jump("a")))).unwrap_err();
    assert_eq!(reached.kind, PrepareErrorKind::Loop("a".into()));
    assert!(Evaluator::new(&filter(Family::V4, looping(always(Target::None)))).is_ok());
    let diamond = vec![
        chain("INPUT", ACCEPT, vec![jump("a"), jump("b"), jump("b")]),
        chain("a", None, vec![jump("b")]),
        chain("b", None, vec![]),
    ];
    assert!(Evaluator::new(&filter(Family::V4, diamond)).is_ok());
}

#[test]
fn what_cannot_be_followed_is_refused_by_name() {
    let refuse = |rule| {
        let ruleset = filter(Family::V4, vec![chain("INPUT", ACCEPT, vec![rule])]);
        Evaluator::new(&ruleset).unwrap_err().kind
    };
    let (name, reason) = ("recent".to_owned(), "not compiled".to_owned());
    let unsupported =
        Match::Unsupported { name: name.clone(), reason: reason.clone(), arguments: vec![] };
    let kind = PrepareErrorKind::Unsupported { name, reason };
    assert_eq!(refuse(rule(HeaderMatch::default(), vec![unsupported], Target::None)), kind);
    assert_eq!(refuse(jump("x")), PrepareErrorKind::NoSuchChain("x".into()));
    let udp = || vec![Match::Udp(Ports::default())];
    let negated = HeaderMatch { protocol: Some(not(17)), ..HeaderMatch::default() };
    assert_eq!(refuse(rule(negated, udp(), Target::None)), PrepareErrorKind::WrongProtocol);
    let all = HeaderMatch { protocol: Some(not(0)), ..HeaderMatch::default() };
    assert_eq!(refuse(rule(all, vec![], Target::None)), PrepareErrorKind::NegatedAllProtocols);
}

#[test]
fn inverted_empty_network_matches_nothing() {
    let everything = AddrMask { addr: [0; 4].into(), mask: [0; 4].into() };
    let header = HeaderMatch { source: Some(not(everything)), ..HeaderMatch::default() };
    let rules = vec![rule(header, vec![], Target::Drop)];
    check(vec![chain("INPUT", ACCEPT, rules)], Verdict::Accept, "INPUT:0/1");
}
