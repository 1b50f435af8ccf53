//! Exit codes, streams, colours and documents, and what bad input leads to.

mod process;

use std::fmt::Write;
use std::io::Read;
use std::process::{Command, Stdio};
use std::time::Duration;

use process::{Scratch, command, netloom, netloom_with_input, netloom_within, root};

const RULES: &str = "examples/web-server.v4.rules";
const BROKEN: &str = "crates/cli/tests/rules/broken.rules";
const MIXED: &str = "crates/cli/tests/rules/mixed.rules";

#[test]
fn bad_input_is_refused_with_one_line_and_a_way_out() {
    let scratch = Scratch::new("bad-input");
    let binary = scratch.file("binary", &[0, 159, 146, 150, b'\n', 255]);
    let empty = scratch.file("empty", b"");
    let long = scratch.file("long", &[b'a'; 100_000]);
    let directory = scratch.path("");
    // Arguments, exit code, and what standard error must say.
    let table: &[(&[&str], i32, &str)] = &[
        (
            &["fw", "check", "no-such-file"],
            1,
            "cannot read no-such-file: no such file or directory",
        ),
        (&["fw", "check", &directory], 1, "is a directory"),
        (&["fw", "check", &binary], 1, "F0"),
        (&["fw", "check", &long], 1, "line is too long"),
        (&["fw", "check", &empty], 0, ""),
        (&["fw", "check", "a\x1b[31mb"], 1, "cannot read a\\u{1b}[31mb"),
        (&["fw", "check", RULES, "-4", "-6"], 2, "cannot be used with"),
        (&["fw", "check", "-", "-"], 2, "standard input is named twice"),
        (&["fw", "check"], 2, "<RULES>"),
        (&["fw", "check", "--no-such-option", RULES], 2, "--no-such-option"),
        (&["fw", "chekc"], 2, "help: a similar subcommand exists: 'check'"),
        (&["no-such-noun"], 2, "no-such-noun"),
    ];
    for (arguments, code, message) in table {
        let ran = netloom(arguments);
        assert_eq!(ran.code, *code, "{arguments:?}: {ran:?}");
        assert!(ran.stderr.contains(message), "{arguments:?}: {ran:?}");
        assert!(!ran.stderr.contains("Usage:"), "{arguments:?}: {ran:?}");
        assert!(!ran.stderr.contains("os error"), "{arguments:?}: {ran:?}");
        assert!(!ran.stderr.contains("panicked"), "{arguments:?}: {ran:?}");
    }
}

#[test]
fn errors_go_to_standard_error_and_results_to_standard_output() {
    let accepted = netloom(&["fw", "check", RULES]);
    assert_eq!((accepted.code, accepted.stderr.as_str()), (0, ""));
    let failed = netloom(&["fw", "check", "no-such-file"]);
    assert_eq!((failed.code, failed.stdout.as_str()), (1, ""));
}

#[test]
fn standard_input_is_a_ruleset_too() {
    let rules = std::fs::read(root().join(RULES)).expect("the example");
    let from_input = netloom_with_input(&["fw", "check", "-"], &rules);
    assert_eq!(from_input, netloom(&["fw", "check", RULES]));
}

#[test]
fn documents_are_json_on_one_line_unless_pretty() {
    for arguments in [&["fw", "check", "-j", BROKEN, MIXED, RULES][..], &["fw", "check", "-j", "x"]]
    {
        let plain = netloom(arguments);
        let text = if plain.stdout.is_empty() { &plain.stderr } else { &plain.stdout };
        assert_eq!(text.lines().count(), 1, "{arguments:?}");
        let document: serde_json::Value = serde_json::from_str(text).expect("JSON");
        assert_eq!(document["schema"], 1, "{arguments:?}");
        let pretty = netloom(&[arguments, &["--pretty"]].concat());
        let text = if pretty.stdout.is_empty() { &pretty.stderr } else { &pretty.stdout };
        assert!(text.lines().count() > 1, "{arguments:?}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(text).expect("JSON"), document);
    }
}

#[test]
fn a_document_says_what_the_text_says() {
    let ran = netloom(&["fw", "check", "--json", BROKEN, MIXED]);
    assert_eq!((ran.code, ran.stderr.as_str()), (1, ""));
    let document: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let broken = &document["files"][0];
    assert_eq!(broken["accepted"], false);
    let first = &broken["diagnostics"][0];
    assert_eq!(
        (&first["code"], &first["severity"], &first["line"], &first["column"]),
        (&"F044".into(), &"error".into(), &5.into(), &24.into())
    );
    assert_eq!(document["files"][1]["summary"]["unsupported"], 2);
}

#[test]
fn colours_are_for_terminals_without_no_color() {
    let on_terminal = |environment: &[(&str, &str)]| {
        let line = format!("{} fw check {MIXED} {BROKEN}", env!("CARGO_BIN_EXE_netloom"));
        let mut script = Command::new("script");
        script.args(["-qefc", &line, "/dev/null"]).current_dir(root()).env("TERM", "xterm");
        script.env_remove("NO_COLOR").envs(environment.iter().copied()).stdin(Stdio::null());
        String::from_utf8(script.output().expect("script(1) of bsdutils").stdout).expect("text")
    };
    let coloured = on_terminal(&[]);
    assert!(coloured.contains("\x1b[1m") && coloured.contains("REASON"), "{coloured:?}");
    for environment in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let plain = on_terminal(&[environment]);
        assert!(!plain.contains('\x1b') && plain.contains("REASON"), "{plain:?}");
    }
    let piped = netloom(&["fw", "check", MIXED, BROKEN]);
    assert!(!(piped.stdout + &piped.stderr).contains('\x1b'));
}

#[test]
fn a_closed_pipe_ends_the_command_in_silence() {
    let scratch = Scratch::new("closed-pipe");
    let rules = scratch.file("rules", many_rules(5_000).as_bytes());
    let mut child = command(&["fw", "check", &rules]).spawn().expect("the command starts");
    drop(child.stdout.take());
    let mut text = String::new();
    let mut stderr = child.stderr.take().expect("a pipe");
    stderr.read_to_string(&mut text).expect("text");
    assert_eq!(child.wait().expect("an end").code(), Some(0));
    assert_eq!(text, "");
}

#[test]
fn fifty_thousand_rules_get_a_clear_answer_in_time() {
    let scratch = Scratch::new("many-rules");
    let rules = scratch.file("rules", many_rules(50_000).as_bytes());
    let ran = netloom_within(Duration::from_secs(60), &["fw", "check", &rules]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stdout.ends_with("50000 rules: 50000 XDP + netfilter (ipv4)\n"));
    assert!(ran.stderr.contains("instructions, the kernel allows 1000000\nhelp: "));
}

fn many_rules(count: u32) -> String {
    let mut text = String::from("*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n");
    text.push_str(":OUTPUT ACCEPT [0:0]\n");
    for number in 0..count {
        let [_, a, b, c] = number.to_be_bytes();
        let written = writeln!(
            text,
            "-A INPUT -s 10.{a}.{b}.{c}/32 -p tcp -m tcp --dport {} -j DROP",
            number % 60_000 + 1
        );
        written.expect("memory takes every write");
    }
    text.push_str("COMMIT\n");
    text
}
