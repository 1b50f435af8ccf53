//! The programs that tcpdump makes.

use std::fmt::Display;
use std::sync::atomic::{AtomicUsize, Ordering};

use netloom_cbpf::{Program, parse};
use netloom_testkit::filter::LINKS;
use netloom_testkit::filter::expressions::{Expression, Mark, accepted};
use netloom_testkit::filter::judge::{Engine, judge, loads};
use netloom_testkit::filter::tcpdump::{Compile, Form};

use crate::{Capture, compile, engines, is_skipped, parallel, report};

/// Checks the programs that tcpdump makes with its optimizer and without; whether the filter
/// matches some frames but not all.
fn check(capture: &Capture, expression: &Expression, engines: &[Engine]) -> Result<bool, String> {
    let optimized = compile(expression);
    let tells = check_program(capture, expression, optimized, engines)?;
    if optimized == Compile::Optimized {
        // On frames that are cut short its verdict may differ: it reads what nothing depends on.
        check_program(capture, expression, Compile::Plain, &Engine::UNPRIVILEGED)?;
    }
    Ok(tells)
}

fn check_program(
    capture: &Capture,
    expression: &Expression,
    compile: Compile,
    engines: &[Engine],
) -> Result<bool, String> {
    let Expression { text, mark } = *expression;
    let failed = |error: &dyn Display| format!("{text}: {error}");
    let matched = capture.tcpdump.matches(text, compile).map_err(|error| failed(&error))?;
    let decimal = capture.tcpdump.program(text, compile, Form::Decimal);
    let decimal = decimal.map_err(|error| failed(&error))?;
    let (_, insns) = parse(decimal.as_bytes()).map_err(|error| failed(&error))?;
    let counts = !matches!(mark, Some(Mark::Wraps | Mark::Shifts));
    match (Program::new(insns.clone()), mark) {
        (Ok(_), Some(Mark::Loops)) => return Err(failed(&"is taken, though it jumps backward")),
        (Ok(program), _) => judge(&program, &capture.records, counts.then_some(&matched), engines)
            .map_err(|error| report(expression, &insns, &capture.records, &error))?,
        (Err(_), Some(Mark::Loops | Mark::Ancillary)) => {
            if loads(&insns) {
                return Err(failed(&"is refused by us but not by the kernel"));
            }
        }
        (Err(error), _) => return Err(failed(&error)),
    }
    Ok(matched.contains(&true) && matched.contains(&false))
}

#[test]
fn programs_of_tcpdump_agree_with_it_in_every_engine() {
    if is_skipped() {
        return;
    }
    let engines = engines();
    for link in LINKS {
        let capture = Capture::of(link);
        let calm = capture.without_authentication();
        let list = accepted(link);
        let telling = AtomicUsize::new(0);
        let failures = parallel::failures(&list, |expression| {
            let loops = expression.mark == Some(Mark::Loops);
            let tells = check(if loops { &calm } else { &capture }, expression, engines)?;
            telling.fetch_add(tells.into(), Ordering::Relaxed);
            Ok(())
        });
        assert!(failures.is_empty(), "{link}: {}", failures.join("\n"));
        let telling = telling.into_inner();
        println!("{link}: {} filters, {telling} match some frames but not all", list.len());
        assert!(telling * 100 >= list.len() * 88, "{link}: frames and filters miss each other");
    }
}
