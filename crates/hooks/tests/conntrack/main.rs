//! The connection table against the kernel's, packet by packet.
//!
//! The conversations are random, but the same each time. What Linux 6.18 said of them stands in
//! `recorded.txt`, a line each; where the test may, it asks the running kernel again.

mod listing;
mod live;
mod router;
mod traffic;

use std::collections::HashMap;
use std::fmt;

use netloom_firewall::model::CtStates;
use netloom_hooks::conntrack::{Limits, Table};

use traffic::{Conversation, Kind, Step, Topic};

/// States and the letters that stand for them.
const LETTERS: [(CtStates, char); 5] = [
    (CtStates::NEW, 'N'),
    (CtStates::ESTABLISHED, 'E'),
    (CtStates::RELATED, 'R'),
    (CtStates::INVALID, 'I'),
    (CtStates::UNTRACKED, 'U'),
];
/// Stands for a packet that the router dropped, whose state nobody saw.
const DROPPED: char = '-';

/// A conversation and the states of its packets.
struct Recorded {
    number: u16,
    kind: Kind,
    states: String,
}

#[test]
fn states_are_those_that_the_kernel_gave() {
    let recorded: HashMap<String, &str> = include_str!("recorded.txt")
        .lines()
        .map(|line| line.rsplit_once(' ').expect("a name and states"))
        .map(|(name, states)| (name.to_owned(), states))
        .collect();
    for verifies_checksums in [false, true] {
        for (number, kind) in conversations(100, verifies_checksums) {
            let steps = Conversation::random(1, number, kind);
            let (states, _) = ours(&steps, verifies_checksums);
            let name = Recorded { number, kind, states: String::new() }.to_string();
            let theirs = recorded[name.trim_end()];
            assert_eq!(states, theirs, "{name}\n{}", story(&steps));
        }
    }
    for (_, letter) in LETTERS {
        let count = recorded.values().flat_map(|states| states.chars()).filter(|c| *c == letter);
        assert!(count.count() >= 100, "few packets were {letter}");
    }
}

/// The first conversations, in both families.
fn conversations(count: u16, verifies_checksums: bool) -> impl Iterator<Item = (u16, Kind)> {
    let topics = [Topic::Tcp, Topic::Tcp, Topic::Sctp, Topic::Icmp, Topic::Datagrams];
    (0..count).flat_map(move |number| {
        let topic = topics[usize::from(number) % topics.len()];
        [false, true].map(|is_v6| (number, Kind { topic, is_v6, verifies_checksums }))
    })
}

/// The states that the table gives to the packets of a conversation.
fn ours(steps: &[Step], verify_checksums: bool) -> (String, Table) {
    let mut table = Table::new(Limits { verify_checksums, ..Limits::default() });
    let mut letters = String::new();
    for step in steps {
        let tracked = table.classify(&step.packet, 0);
        letters.push(if step.is_dropped { DROPPED } else { letter(tracked.states()) });
        if let (false, Some(pending)) = (step.is_dropped, tracked.pending) {
            table.confirm(pending);
        }
    }
    (letters, table)
}

fn letter(state: CtStates) -> char {
    let row = LETTERS.iter().find(|(known, _)| *known == state);
    row.unwrap_or_else(|| panic!("{state:?} is not one state")).1
}

fn story(steps: &[Step]) -> String {
    let lines: Vec<String> = steps.iter().map(Step::to_string).collect();
    lines.join("\n")
}

impl fmt::Display for Recorded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Kind { topic, is_v6, verifies_checksums } = self.kind;
        let family = if is_v6 { "v6" } else { "v4" };
        let verifies = if verifies_checksums { "verified" } else { "unverified" };
        write!(f, "{} {topic:?} {family} {verifies} {}", self.number, self.states)
    }
}

/// A number from the environment, to look further than the usual test does.
fn variable(name: &str, usual: u16) -> u16 {
    std::env::var(name).map_or(usual, |text| text.parse().expect(name))
}
