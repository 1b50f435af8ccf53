//! `netloom filter`: forms, translations, captures, and what bad input leads to.

mod process;

use std::fs::{self, File};

use netloom_cbpf::{Program, Target, parse, translate};
use netloom_packet::capture::{Reader, Record};
use process::{Ran, Scratch, netloom, netloom_with_input, root};

const PORT_80: &str = "crates/cli/tests/filters/port-80.ddd";
const ICMP: &str = "crates/cli/tests/filters/icmp.d";
const SAMPLE: &str = "examples/sample.pcap";

/// Runs `filter` with these arguments.
fn filter(arguments: &[&str]) -> Ran {
    netloom(&[&["filter"], arguments].concat())
}

fn program(path: &str) -> Program {
    let text = fs::read(root().join(path)).expect("the filter");
    Program::new(parse(&text).expect("a program").1).expect("valid")
}

fn records(path: &str) -> Vec<Record> {
    let file = File::open(root().join(path)).expect("a capture");
    Reader::new(file).expect("a capture").map(|record| record.expect("whole")).collect()
}

#[test]
fn every_form_reads_back() {
    let listing = filter(&["--read", PORT_80]).stdout;
    let scratch = Scratch::new("filter-forms");
    for form in ["d", "dd", "ddd", "raw"] {
        let path = scratch.path(form);
        let ran = filter(&["--read", PORT_80, "--form", form, "-o", &path]);
        assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (0, "", ""), "{form}");
        assert_eq!(filter(&["--read", &path]).stdout, listing, "{form}");
    }
    let numbers = fs::read(root().join(PORT_80)).expect("the filter");
    assert_eq!(netloom_with_input(&["filter", "--read", "-"], &numbers).stdout, listing);
    assert_eq!(filter(&["--read", PORT_80, "--form", "ddd"]).stdout.as_bytes(), numbers);
}

#[test]
fn assembler_text_is_the_translation() {
    for (hook, target) in
        [("socket", Target::Socket), ("xdp", Target::Xdp), ("memory", Target::Memory)]
    {
        let expected = translate(&program(PORT_80), target).expect("packet loads only");
        for language in ["asm", "ebpf"] {
            let ran = filter(&["--read", PORT_80, "--to", language, "--hook", hook]);
            let assembly = netloom_isa::assemble(&ran.stdout).expect("it is read back");
            assert_eq!(assembly.insns, expected, "{language} {hook}");
        }
    }
}

#[test]
fn an_expression_matches_what_tcpdumps_program_matches() {
    let read = filter(&["--read", PORT_80, "--pcap", SAMPLE]);
    for words in [&["tcp port 80"][..], &["tcp", "port", "80"]] {
        assert_eq!(filter(&[words, &["--pcap", SAMPLE]].concat()), read, "{words:?}");
    }
    let all = filter(&["", "--pcap", SAMPLE]);
    assert!(all.stdout.ends_with("126 of 126 packets match\n"), "{all:?}");
    let raw = filter(&["ip", "--link", "raw", "--snaplen", "7"]).stdout;
    assert!(raw.contains("ldb      [0]") && raw.contains("ret      #7"), "{raw}");
}

#[test]
fn rules_judge_only_packets_that_match() {
    let arguments = ["fw", "try", "examples/web-server.v4.rules", "--pcap", SAMPLE, "-v"];
    let of_filter = |filter: &str| netloom(&[&arguments[..], &["--filter", filter]].concat());
    let (whole, some) = (netloom(&arguments), of_filter("icmp"));
    let is_icmp = |line: &&str| line.contains(": icmp type ");
    let expected: Vec<&str> = whole.stdout.lines().filter(is_icmp).collect();
    let judged: Vec<&str> = some.stdout.lines().filter(is_icmp).collect();
    assert_eq!(judged.len(), expected.len());
    let number = |line: &&str| line.split(' ').next().map(str::to_owned);
    assert!(judged.iter().map(number).eq(expected.iter().map(number)), "{judged:?}");
    assert!(some.stdout.contains("\n10 packets: "), "{some:?}");
    let wrong = of_filter("icmp and");
    assert_eq!(wrong.code, 1);
    assert!(wrong.stderr.contains("<expression>:1:9"), "{wrong:?}");
}

#[test]
fn matching_packets_are_written_whole() {
    let scratch = Scratch::new("filter-write");
    let path = scratch.path("matches.pcapng");
    let ran = filter(&["--read", ICMP, "--pcap", SAMPLE, "-w", &path]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let program = program(ICMP);
    let is_match =
        |record: &Record| netloom_cbpf::run(&program, &netloom_cbpf::Packet::new(&record.data)) > 0;
    let expected: Vec<Record> = records(SAMPLE).into_iter().filter(is_match).collect();
    assert!(!expected.is_empty());
    assert_eq!(records(&path), expected);
    let last = format!("{} of 126 packets match", expected.len());
    assert_eq!(ran.stdout.lines().last(), Some(last.as_str()));
    assert_eq!(ran.stdout.lines().count(), expected.len() + 1);
}

#[test]
fn matches_before_a_cut_are_shown() {
    let scratch = Scratch::new("filter-cut");
    let sample = fs::read(root().join(SAMPLE)).expect("the example");
    let cut = scratch.file("cut", &sample[..1_000]);
    let ran = filter(&["--read", PORT_80, "--pcap", &cut]);
    assert_eq!(ran.code, 1);
    assert!(ran.stdout.ends_with(" of 12 packets match\n"), "{ran:?}");
    assert!(ran.stderr.contains("help: packets before the cut"), "{ran:?}");
}

#[test]
fn bad_input_is_refused_with_one_line_and_a_way_out() {
    let scratch = Scratch::new("filter-bad");
    let text = scratch.file("text", b"(000) ldh [12\n");
    let endless = scratch.file("endless", b"1\n40 0 0 12\n");
    let header = scratch.file("header", b"2\n48 0 0 4293918720\n22 0 0 0\n");
    let mark = scratch.file("mark", b"2\n32 0 0 4294963220\n22 0 0 0\n");
    let vain = scratch.path("vain");
    let table: &[(&[&str], i32, &str)] = &[
        (&[], 2, "<EXPR>"),
        (&["tcp port"], 1, "--> <expression>:1:9"),
        (&["tcp", "--link", "serial"], 2, "serial"),
        (&["tcp", "--snaplen", "0"], 2, "0"),
        (&["tcp", "--read", ICMP], 2, "cannot be used with"),
        (&["tcp and udp and ("], 1, "help: pcap-filter(7)"),
        (&["--read", "no-such-file"], 1, "cannot read no-such-file: no such file"),
        (&["--read", &text], 1, "expected ], found the end of the line\n --> "),
        (&["--read", &endless], 1, "instruction 0 is the last but does not return"),
        (&["--read", &header, "--to", "c"], 1, "instruction 0 loads from a header at -1048576"),
        (&["--read", &mark, "--to", "ebpf", "--hook", "xdp", "-o", &vain], 1, "loads `mark`"),
        (&["--read", ICMP, "--to", "c", "-o", "no-such-directory/x"], 1, "cannot write no-such-di"),
        (&["--read", ICMP, "--form", "ddd", "--to", "c"], 2, "`--form` is of classic BPF"),
        (&["--read", ICMP, "--hook", "xdp"], 2, "`--hook` says what an eBPF program runs on"),
        (&["--read", ICMP, "--to", "rust"], 2, "rust"),
        (&["--read", ICMP, "-w", "x"], 2, "--pcap"),
        (&["--read", ICMP, "--pcap", SAMPLE, "--to", "c"], 2, "cannot be used with"),
        (&["--read", ICMP, "--pcap", SAMPLE, "-w", SAMPLE], 2, "is read and cannot be written"),
        (&["--read", ICMP, "--pcap", ICMP], 1, "is not the magic of pcap or pcapng"),
        (&["--read", "-", "--pcap", "-"], 2, "standard input is named twice"),
    ];
    for (arguments, code, message) in table {
        let ran = filter(arguments);
        assert_eq!(ran.code, *code, "{arguments:?}: {ran:?}");
        assert!(ran.stderr.contains(message), "{arguments:?}: {ran:?}");
        assert!(!ran.stderr.contains("Usage:"), "{arguments:?}: {ran:?}");
        assert!(!ran.stderr.contains("panicked"), "{arguments:?}: {ran:?}");
    }
    assert!(!fs::exists(vain).expect("the folder is there"), "a refusal writes no file");
}
