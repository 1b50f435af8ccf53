//! The filters of `netloom_testkit`'s lists.

use netloom_cbpf::expression::{Options, Reason, compile};
use netloom_cbpf::{Insn, Program, parse};
use netloom_packet::link::LinkType;
use netloom_testkit::filter::LINKS;
use netloom_testkit::filter::capture::capture;
use netloom_testkit::filter::expressions::{Expression, Mark, accepted, refused};
use netloom_testkit::filter::judge::{Engine, judge};
use netloom_testkit::filter::names::Files;
use netloom_testkit::filter::tcpdump::{Compile, Form, Tcpdump};

use netloom_packet::capture::Record;

use crate::{difference, is_skipped};

/// The protocol number of authentication headers, on which libpcap's loops may not end.
const AUTHENTICATION: u8 = 51;

/// Translations are compared with the interpreter elsewhere.
const ENGINES: [Engine; 2] = [Engine::Interpreter, Engine::Socket];

/// A capture, and how expressions are compiled for it.
struct Bench<'n> {
    options: Options<'n>,
    records: Vec<Record>,
    tcpdump: Tcpdump,
}

impl<'n> Bench<'n> {
    fn new(link: LinkType, names: &'n Files, is_kept: impl Fn(&Record) -> bool) -> Self {
        let mut records = capture(link, 11, 600);
        records.retain(is_kept);
        let tcpdump = Tcpdump::new(link, &records).unwrap();
        // tcpdump takes the mask for zero when it reads files.
        let options = Options { names, netmask: Some(0), ..Options::new(link) };
        Self { options, records, tcpdump }
    }

    /// Checks one filter; the lengths of both programs, if libpcap's was optimised.
    fn check(&self, expression: &Expression) -> Result<Option<[usize; 2]>, String> {
        let Expression { text, mark } = *expression;
        let ours = match compile(text, &self.options) {
            Ok(insns) => insns,
            Err(error) if error.reason == Reason::RejectsAll && mark == Some(Mark::Never) => {
                return Ok(None);
            }
            Err(error) => return Err(format!("{text}: {error}")),
        };
        let program =
            Program::new(ours.clone()).map_err(|error| format!("{text}: {error} in {ours:?}"))?;
        if matches!(mark, Some(Mark::Loops | Mark::Ancillary | Mark::Never)) {
            let matched = self.tcpdump.matches(text, Compile::Optimized);
            let matched = matched.map_err(|error| format!("{text}: {error}"))?;
            let judged = judge(&program, &self.records, Some(&matched), &ENGINES);
            return judged.map(|()| None).map_err(|error| format!("{text}: {error}"));
        }
        judge(&program, &self.records, None, &ENGINES)
            .map_err(|error| format!("{text}: {error}"))?;
        let theirs = self.their_program(text)?;
        let lengths = [ours.len(), theirs.len()];
        let theirs = Program::new(theirs).map_err(|error| format!("{text}: {error}"))?;
        match difference(&program, &theirs, &self.records) {
            Some(difference) => Err(format!("{text}: {difference}")),
            None => Ok(Some(lengths)),
        }
    }

    fn their_program(&self, text: &str) -> Result<Vec<Insn>, String> {
        let decimal = self.tcpdump.program(text, Compile::Optimized, Form::Decimal);
        let decimal = decimal.map_err(|error| format!("{text}: {error}"))?;
        let parsed = parse(decimal.as_bytes()).map_err(|error| format!("{text}: {error}"))?;
        Ok(parsed.1)
    }
}

#[test]
fn programs_agree_with_libpcaps_and_are_shorter() {
    if is_skipped() {
        return;
    }
    let names = Files::read();
    let (mut failures, mut lengths) = (Vec::new(), Vec::new());
    for link in LINKS {
        let bench = Bench::new(link, &names, |_| true);
        let calm = Bench::new(link, &names, |record| !record.data.contains(&AUTHENTICATION));
        for expression in accepted(link) {
            let loops = expression.mark == Some(Mark::Loops);
            match if loops { &calm } else { &bench }.check(&expression) {
                Ok(compared) => lengths.extend(compared),
                Err(failure) => failures.push(format!("{link}: {failure}")),
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(lengths.len() >= 300);
    let logarithms = lengths.iter().map(|[ours, theirs]| (*ours as f64 / *theirs as f64).ln());
    let ratio = (logarithms.sum::<f64>() / lengths.len() as f64).exp();
    println!("{} programs, {ratio:.3} of libpcap's length in geometric mean", lengths.len());
    assert!(ratio < 1.0);
}

#[test]
fn what_libpcap_refuses_is_refused() {
    let names = Files::read();
    for link in LINKS {
        let options = Options { names: &names, netmask: Some(0), ..Options::new(link) };
        for text in refused(link) {
            if let Ok(insns) = compile(text, &options) {
                panic!("{link}: {text}: {insns:?}");
            }
        }
    }
}
