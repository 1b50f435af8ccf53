//! How `ip6_tables` finds the protocol behind extension headers.

use netloom_firewall::model::HeaderMatch;

use super::super::header::{Answer, Transport, compare};
use super::{is, not, v6};

/// What `-p tcp` says about a packet whose fixed header is followed by `rest`.
fn check(next: u8, rest: &[u8], answer: Answer, offset: usize, fragment: u16) {
    let header = HeaderMatch { protocol: Some(is(6)), ..HeaderMatch::default() };
    let found = compare(&header, &v6(next, rest));
    assert_eq!(found, (answer, Transport { offset, fragment }), "header {next}, then {rest:?}");
}

#[test]
fn headers_are_passed_by_their_length() {
    let options = [6, 0, 1, 4, 0, 0, 0, 0];
    check(6, &[], Answer::Holds, 40, 0);
    check(0, &options, Answer::Holds, 48, 0);
    check(60, &options, Answer::Holds, 48, 0);
    check(43, &options, Answer::Holds, 48, 0);
    check(60, &[6, 2, 0, 0], Answer::Holds, 64, 0);
    check(51, &[6, 0], Answer::Holds, 48, 0);
    check(51, &[6, 3], Answer::Holds, 60, 0);
    check(0, &[60, 0, 0, 0, 0, 0, 0, 0, 6, 0], Answer::Holds, 56, 0);
}

#[test]
fn search_ends_at_everything_else() {
    for number in [50, 59, 135, 17, 58] {
        check(number, &[], Answer::Fails, 40, 0);
    }
}

#[test]
fn broken_chains_drop_the_packet() {
    check(0, &[], Answer::Hotdrop, 0, 0);
    check(0, &[6], Answer::Hotdrop, 0, 0);
    check(43, &[6, 0, 0], Answer::Hotdrop, 0, 0);
    check(44, &[6, 0, 0], Answer::Hotdrop, 0, 0);
    check(60, &[60, 0, 0, 0, 0, 0, 0, 0, 6], Answer::Hotdrop, 0, 0);
}

#[test]
fn fragments_know_their_protocol_unless_it_is_an_extension() {
    check(44, &[6, 0, 0, 1, 0, 0, 0, 7], Answer::Holds, 48, 0);
    check(44, &[6, 0, 0, 7], Answer::Holds, 48, 0);
    check(44, &[6, 0, 0, 8], Answer::Holds, 0, 8);
    check(44, &[6, 0, 0xff, 0xff], Answer::Holds, 0, 0xfff8);
    check(44, &[17, 0, 0, 8], Answer::Fails, 0, 8);
    check(44, &[59, 0, 0, 8], Answer::Fails, 0, 8);
    check(44, &[60, 0, 0, 8], Answer::Hotdrop, 0, 0);
    check(44, &[44, 0, 0, 8], Answer::Hotdrop, 0, 0);
}

#[test]
fn only_a_rule_with_a_protocol_looks() {
    let broken = v6(0, &[]);
    assert_eq!(compare(&HeaderMatch::default(), &broken).0, Answer::Holds);
    let negated = HeaderMatch { protocol: Some(not(6)), ..HeaderMatch::default() };
    assert_eq!(compare(&negated, &broken).0, Answer::Hotdrop);
}
