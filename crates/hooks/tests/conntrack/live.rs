//! The connection table against the running kernel's.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::time::Instant;

use crate::listing::{self, Facts};
use crate::router::Router;
use crate::traffic::Conversation;
use crate::{Recorded, conversations, ours, story, variable};

/// The oldest kernel of which the table is a model: SCTP changed in it.
const KERNEL: (u32, u32) = (6, 18);

fn missing() -> Option<String> {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").expect("a kernel");
    let mut numbers = release.split(['.', '-']).map(|number| number.parse().unwrap_or(0));
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if version < KERNEL {
        return Some(format!("kernel {} tracks SCTP otherwise", release.trim()));
    }
    netloom_testkit::live::missing()
}

/// With `BLESS=1`, what the kernel says is recorded; with `CONVERSATIONS` and `SEED`, other
/// conversations are held.
#[test]
fn states_and_lifetimes_are_those_that_the_kernel_gives() {
    if let Some(reason) = missing() {
        println!("ran 0, skipped 1: {reason}");
        return;
    }
    let seed = variable("SEED", 1);
    let (mut packets, mut differing, mut record) = (0, Vec::new(), String::new());
    for verifies_checksums in [false, true] {
        let router = Router::new(verifies_checksums);
        let begin = Instant::now();
        let mut known = HashMap::new();
        for (number, kind) in conversations(variable("CONVERSATIONS", 100), verifies_checksums) {
            let steps = Conversation::random(seed.into(), number, kind);
            let pass = |step| router.pass(step);
            let theirs: String = steps.iter().map(pass).collect();
            let (states, table) = ours(&steps, verifies_checksums);
            known.extend(table.iter().map(|known| listing::of_table(&known)));
            packets += steps.len();
            if let Some(at) = states.bytes().zip(theirs.bytes()).position(|(a, b)| a != b) {
                let story = story(&steps[..=at]);
                differing.push(format!("{number} {kind:?}:\n{states} ours\n{theirs}\n{story}"));
            }
            writeln!(record, "{}", Recorded { number, kind, states: theirs }).expect("a string");
        }
        if differing.is_empty() {
            differing.extend(compare_lists(&router, &known, begin));
        }
    }
    println!("ran {packets} packets");
    if std::env::var("BLESS").is_ok_and(|bless| bless == "1") {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/conntrack/recorded.txt");
        std::fs::write(path, record).expect("the record is written");
    }
    let first = differing.first().cloned().unwrap_or_default();
    assert!(differing.is_empty(), "{} differences; the first:\n{first}", differing.len());
}

/// Where the kernel's list of connections is another than the table's.
fn compare_lists(
    router: &Router,
    known: &HashMap<listing::Name, listing::Facts>,
    begin: Instant,
) -> Vec<String> {
    let mut kernels: HashMap<_, _> =
        router.connections().iter().map(|line| listing::of_kernel(line)).collect();
    // What time took from the kernel's connections since their last packet, and rounding.
    let slack = begin.elapsed().as_secs() + 2;
    let mut differing = Vec::new();
    for (name, ours) in known {
        let theirs = kernels.remove(name);
        let fits = theirs.is_some_and(|theirs| {
            let is_in_time =
                theirs.seconds <= ours.seconds && ours.seconds <= theirs.seconds + slack;
            is_in_time && Facts { seconds: ours.seconds, ..theirs } == *ours
        });
        let may_be_gone = theirs.is_none() && ours.seconds <= slack;
        if !fits && !may_be_gone {
            differing.push(format!("{name:?}: ours {ours:?}, the kernel's {theirs:?}"));
        }
    }
    // The kernel's own packets begin connections too.
    let hosts =
        |(name, _): &(listing::Name, listing::Facts)| known.keys().any(|own| own.0 == name.0);
    differing
        .extend(kernels.into_iter().filter(hosts).map(|extra| format!("only there: {extra:?}")));
    differing
}
