//! The programs of our compiler.

use netloom_cbpf::Program;
use netloom_cbpf::expression::{Reason, compile};
use netloom_testkit::filter::LINKS;
use netloom_testkit::filter::expressions::{Expression, Mark, accepted, refused};
use netloom_testkit::filter::judge::{Engine, judge};
use netloom_testkit::filter::length::{geometric_mean, lengths, worst};
use netloom_testkit::filter::names::Files;
use netloom_testkit::filter::programs::options;

use crate::{Capture, engines, is_skipped, parallel, report};

fn check(
    capture: &Capture,
    expression: &Expression,
    names: &Files,
    engines: &[Engine],
) -> Result<(), String> {
    let Expression { text, mark } = *expression;
    let insns = match (compile(text, &options(capture.link, names)), mark) {
        (Err(error), Some(Mark::Never)) if error.reason == Reason::RejectsAll => return Ok(()),
        (Err(error), _) => return Err(format!("{text}: {error}")),
        (Ok(_), Some(Mark::Never)) => return Err(format!("{text}: is not seen to match nothing")),
        (Ok(insns), _) => insns,
    };
    let program = match Program::new(insns.clone()) {
        // The same constant offset as in libpcap's program.
        Err(_) if mark == Some(Mark::Ancillary) => return Ok(()),
        program => program.map_err(|error| format!("{text}: {error}"))?,
    };
    let matched = capture.tcpdump.matches(text, crate::compile(expression));
    let matched = matched.map_err(|error| format!("{text}: {error}"))?;
    let counts = !matches!(mark, Some(Mark::Wraps | Mark::Shifts));
    judge(&program, &capture.records, counts.then_some(&matched), engines)
        .map_err(|error| report(expression, &insns, &capture.records, &error))
}

#[test]
fn our_programs_agree_with_tcpdump_in_every_engine() {
    if is_skipped() {
        return;
    }
    let (engines, names) = (engines(), Files::read());
    for link in LINKS {
        let capture = Capture::of(link);
        let calm = capture.without_authentication();
        let failures = parallel::failures(&accepted(link), |expression| {
            let loops = expression.mark == Some(Mark::Loops);
            check(if loops { &calm } else { &capture }, expression, &names, engines)
        });
        assert!(failures.is_empty(), "{link}: {}", failures.join("\n"));
    }
}

#[test]
fn what_tcpdump_refuses_our_compiler_refuses() {
    let names = Files::read();
    for link in LINKS {
        let options = options(link, &names);
        for text in refused(link) {
            if let Ok(insns) = compile(text, &options) {
                panic!("{link}: {text} becomes {} instructions", insns.len());
            }
        }
    }
}

#[test]
fn our_programs_are_not_longer_than_those_of_libpcap() {
    if is_skipped() {
        return;
    }
    let all: Vec<_> = LINKS.iter().flat_map(|link| lengths(*link).unwrap()).collect();
    for one in worst(&all, 10) {
        println!("{:.2}  {} to {}  {}: {}", one.ratio(), one.ours, one.libpcap, one.link, one.text);
    }
    let mean = geometric_mean(&all).unwrap();
    println!("geometric mean {mean:.3} of {} filters", all.len());
    assert!(mean <= 1.0, "{mean}");
}
