//! Random expressions: those of the lists joined at random, and random arithmetic.

use netloom_cbpf::expression::{Options, compile};
use netloom_cbpf::{CheckError, Packet, Program, parse, run};
use netloom_packet::capture::Record;
use netloom_packet::link::LinkType;
use netloom_testkit::filter::LINKS;
use netloom_testkit::filter::capture::capture;
use netloom_testkit::filter::expressions::accepted;
use netloom_testkit::filter::names::Files;
use netloom_testkit::filter::tcpdump::{Compile, Form, Tcpdump, TcpdumpError};
use netloom_testkit::random::Random;

use crate::{difference, is_skipped, listing};

/// Expressions for each link type.
const EXPRESSIONS: usize = 100;
/// Where random numbers start.
const SEED: u64 = 1;

/// Makes expressions for a link type.
struct Generator {
    random: Random,
    listed: Vec<&'static str>,
}

impl Generator {
    fn new(link: LinkType, seed: u64) -> Self {
        let listed = accepted(link).into_iter().filter(|expression| expression.mark.is_none());
        let listed = listed.map(|expression| expression.text).filter(|text| text.len() < 60);
        Self { random: Random::new(seed), listed: listed.collect() }
    }

    fn expression(&mut self, depth: usize) -> String {
        if depth == 0 || self.random.one_in(4) {
            return match self.random.below(3) {
                0 => self.relation(),
                _ => self.random.copied(&self.listed).to_owned(),
            };
        }
        match self.random.below(5) {
            0 => format!("not ({})", self.expression(depth - 1)),
            1 | 2 => format!("({}) or {}", self.expression(depth - 1), self.expression(depth - 1)),
            _ => format!("({}) and ({})", self.expression(depth - 1), self.expression(depth - 1)),
        }
    }

    fn relation(&mut self) -> String {
        let comparison = self.random.pick(&["=", "!=", "<", ">", "<=", ">="]);
        let left = self.arithmetic(2);
        let right = if self.random.one_in(3) { self.arithmetic(2) } else { self.number() };
        format!("{left} {comparison} {right}")
    }

    fn arithmetic(&mut self, depth: usize) -> String {
        match self.random.below(if depth == 0 { 3 } else { 8 }) {
            0 => self.number(),
            1..=3 => {
                let protocols = ["ip", "ip6", "tcp", "udp", "icmp", "ether", "arp", "icmp6"];
                let protocol = self.random.copied(&protocols);
                let size = self.random.pick(&["", ":1", ":2", ":4"]);
                let index = if depth > 0 && self.random.one_in(5) {
                    format!("{} & 0x1f", self.arithmetic(depth - 1))
                } else {
                    self.random.below(44).to_string()
                };
                format!("{protocol}[{index}{size}]")
            }
            4 => "len".to_owned(),
            5 => format!("-{}", self.arithmetic(depth - 1)),
            _ => {
                let op = self.random.pick(&["+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>"]);
                let (left, right) = (self.arithmetic(depth - 1), self.arithmetic(depth - 1));
                if self.random.one_in(2) {
                    format!("({left} {op} {right})")
                } else {
                    format!("{left} {op} {right}")
                }
            }
        }
    }

    fn number(&mut self) -> String {
        let numbers = [0, 1, 2, 3, 4, 5, 6, 7, 8, 15, 16, 17, 31, 0x40, 0x45, 0x60, 80, 0xff];
        let large = [0x800, 0x0a00_0001, 0xffff, 0xffff_0000, u32::MAX];
        let number = if self.random.one_in(6) {
            self.random.copied(&large)
        } else {
            self.random.copied(&numbers)
        };
        if self.random.one_in(2) { number.to_string() } else { format!("{number:#x}") }
    }
}

/// What came of one expression.
enum Outcome {
    /// Both refuse it.
    Refused,
    /// Both programs say the same.
    Equal,
    /// libpcap's optimised program reads an unset word or contradicts its plain one, so it says
    /// nothing about ours.
    Miscompiled,
}

/// tcpdump's program for `text`, valid or not; none where it refuses.
fn their_program(
    tcpdump: &Tcpdump,
    text: &str,
    compile: Compile,
) -> Option<Result<Program, CheckError>> {
    match tcpdump.program(text, compile, Form::Decimal) {
        Ok(decimal) => Some(Program::new(parse(decimal.as_bytes()).unwrap().1)),
        Err(TcpdumpError::Refused { .. }) => None,
        Err(error) => panic!("{error}"),
    }
}

fn check(
    text: &str,
    options: &Options<'_>,
    tcpdump: &Tcpdump,
    records: &[Record],
) -> Result<Outcome, String> {
    let theirs = their_program(tcpdump, text, Compile::Optimized);
    let (ours, theirs) = match (compile(text, options), theirs) {
        (Ok(ours), Some(theirs)) => (Program::new(ours).unwrap(), theirs),
        (Err(_), None) => return Ok(Outcome::Refused),
        (Ok(ours), None) => return Err(format!("only tcpdump refuses\n{}", listing(&ours))),
        (Err(error), Some(_)) => return Err(error.to_string()),
    };
    let theirs = match theirs {
        Ok(theirs) => theirs,
        Err(CheckError::Uninitialised { .. }) => return Ok(Outcome::Miscompiled),
        Err(error) => return Err(error.to_string()),
    };
    let Some(difference) = difference(&ours, &theirs, records) else { return Ok(Outcome::Equal) };
    // With all loads inside the frame, optimisation may not change what a program says.
    let padded = difference.padded();
    let plain = their_program(tcpdump, text, Compile::Plain).unwrap().unwrap();
    let says = |program| run(program, &Packet::new(&padded));
    match says(&theirs) == says(&plain) {
        true => Err(difference.to_string()),
        false => Ok(Outcome::Miscompiled),
    }
}

#[test]
fn random_expressions_agree_with_libpcap() {
    if is_skipped() {
        return;
    }
    let names = Files::read();
    let (mut failures, mut equal, mut refused, mut miscompiled) = (Vec::new(), 0, 0, 0);
    for link in LINKS {
        let records = capture(link, SEED, 300);
        let tcpdump = Tcpdump::new(link, &records).unwrap();
        let options = Options { names: &names, netmask: Some(0), ..Options::new(link) };
        let mut generator = Generator::new(link, SEED);
        for _ in 0..EXPRESSIONS {
            let text = generator.expression(3);
            match check(&text, &options, &tcpdump, &records) {
                Ok(Outcome::Refused) => refused += 1,
                Ok(Outcome::Equal) => equal += 1,
                Ok(Outcome::Miscompiled) => miscompiled += 1,
                Err(failure) => failures.push(format!("{link}: {text}: {failure}")),
            }
        }
    }
    println!("{equal} agree, {refused} refused by both, {miscompiled} that libpcap miscompiles");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(miscompiled * 50 < equal && refused < equal);
}
