//! `netloom fw try` with captures of all kinds.

mod process;
#[allow(dead_code, reason = "this file uses a part of it")]
#[path = "../examples/make_sample/traffic.rs"]
mod traffic;

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use netloom_packet::capture::{Interface, PcapngWriter, Reader, Record};
use netloom_packet::link::LinkType;
use netloom_packet::wire::TcpFlags;
use process::{Ran, Scratch, netloom, netloom_with_input, netloom_within, root};
use serde_json::Value;

const RULES: &str = "examples/web-server.v4.rules";
const RULES_V6: &str = "examples/web-server.v6.rules";
const SAMPLE: &str = "examples/sample.pcap";
const LOCAL: [&str; 4] = ["--local", "192.0.2.10", "--local", "2001:db8:0:1::a"];

/// Runs `fw try` with these arguments.
fn fw_try(arguments: &[&str]) -> Ran {
    netloom(&[&["fw", "try"], arguments].concat())
}

/// The last document that `fw try` prints with these arguments.
fn document(arguments: &[&str]) -> Value {
    let ran = fw_try(&[arguments, &["--json"]].concat());
    let last = ran.stdout.lines().last().unwrap_or_else(|| panic!("{ran:?}"));
    serde_json::from_str(last).expect("JSON")
}

#[test]
fn bad_captures_are_refused_with_their_place() {
    let scratch = Scratch::new("bad-captures");
    let sample = std::fs::read(root().join(SAMPLE)).expect("the example");
    let text = scratch.file("text", b"this is no capture");
    let gzip = scratch.file("gzip", b"\x1f\x8b\x08\x00 compressed");
    let empty = scratch.file("empty", b"");
    let head = scratch.file("head", &sample[..20]);
    let cut = scratch.file("cut", &sample[..1_000]);
    let mut long = sample[..24].to_vec();
    long.extend([[0; 4], [0; 4], [0xff; 4], [0xff; 4]].as_flattened());
    let long = scratch.file("long", &long);
    let table: &[(&[&str], i32, &str)] = &[
        (&[RULES, "--pcap", "no-such-file"], 1, "cannot read no-such-file: no such file"),
        (&[RULES, "--pcap", &text], 1, "74686973 is not the magic of pcap or pcapng"),
        (&[RULES, "--pcap", &gzip], 1, "help: the file is compressed"),
        (&[RULES, "--pcap", &empty], 1, "needs 4 bytes"),
        (&[RULES, "--pcap", &head], 1, "bytes, the file has"),
        (&[RULES, "--pcap", &cut], 1, "help: packets before the cut are judged"),
        (&[RULES, "--pcap", &long], 1, "4294967295 bytes, the most is"),
        (&[RULES, "--pcap", SAMPLE, "-w", "no-such-directory/x"], 1, "cannot write no-such-dir"),
        (&[RULES, "--pcap", SAMPLE, "-w", SAMPLE], 2, "is read and cannot be written too"),
        (&[RULES, RULES, "--pcap", SAMPLE], 2, "both files hold ipv4 rules"),
        (&["-", "--pcap", "-"], 2, "standard input is named twice"),
        (&[RULES], 2, "--pcap <FILE>"),
        (&[RULES, "--pcap", SAMPLE, "--local", "example.org"], 2, "example.org"),
        (&[RULES, "--pcap", SAMPLE, "--hook", "prerouting"], 2, "prerouting"),
        (&[RULES, "--pcap", SAMPLE, "--in-interface", "a-name-of-16-byte"], 2, "1 to 15 bytes"),
    ];
    for (arguments, code, message) in table {
        let ran = fw_try(arguments);
        assert_eq!(ran.code, *code, "{arguments:?}: {ran:?}");
        assert!(ran.stderr.contains(message), "{arguments:?}: {ran:?}");
        assert!(!ran.stderr.contains("Usage:"), "{arguments:?}: {ran:?}");
        assert!(!ran.stderr.contains("os error"), "{arguments:?}: {ran:?}");
        assert!(!ran.stderr.contains("panicked"), "{arguments:?}: {ran:?}");
    }
}

#[test]
fn packets_before_a_cut_are_judged() {
    let scratch = Scratch::new("cut-capture");
    let sample = std::fs::read(root().join(SAMPLE)).expect("the example");
    let cut = scratch.file("cut", &sample[..1_000]);
    let whole = fw_try(&[RULES, "--pcap", &cut, "--local", "192.0.2.10"]);
    assert_eq!(whole.code, 1);
    assert!(whole.stdout.starts_with("12 packets: 12 accepted, 0 dropped\n"), "{whole:?}");
    assert!(whole.stderr.starts_with("error: "), "{whole:?}");
    let document = document(&[RULES, "--pcap", &cut]);
    assert_eq!((&document["complete"], &document["packets"]["total"]), (&false.into(), &12.into()));
}

#[test]
fn written_packets_carry_their_verdicts_and_are_otherwise_the_same() {
    let scratch = Scratch::new("written");
    let out = scratch.path("out.pcapng");
    let arguments = [&[RULES, RULES_V6, "--pcap", SAMPLE, "-w", &out], &LOCAL[..]].concat();
    assert_eq!(fw_try(&arguments).code, 0);
    let read = |path: &str| -> Vec<Record> {
        let file = std::fs::File::open(root().join(path)).expect("the capture");
        let reader = Reader::new(file).expect("a capture");
        reader.map(|record| record.expect("a packet")).collect()
    };
    let (before, after) = (read(SAMPLE), read(&out));
    assert_eq!(before.len(), after.len());
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(after.comments.len(), 1);
        assert!(after.comments[0].starts_with("netloom: "));
        assert_eq!(before, &Record { comments: Vec::new(), ..after.clone() });
    }
    assert_eq!(after[0].comments, ["netloom: ACCEPT by filter INPUT rule 6 (line 14)"]);
    let last = after.last().expect("packets");
    assert_eq!(last.comments, ["netloom: DROP by filter banned rule 3 (line 21)"]);
    // Verdicts of another run are kept.
    let again = scratch.path("again.pcapng");
    let arguments = [&[RULES, "--pcap", &out, "-w", &again], &LOCAL[..]].concat();
    assert_eq!(fw_try(&arguments).code, 0);
    assert!(read(&again).iter().all(|record| record.comments.len() == 2));
}

#[test]
fn counters_and_verdicts_add_up() {
    let arguments = [&[RULES, RULES_V6, "--pcap", SAMPLE, "--verbose", "--json"], &LOCAL[..]];
    let ran = fw_try(&arguments.concat());
    let mut documents: Vec<Value> =
        ran.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let last = documents.pop().expect("a document");
    let packets: Vec<&Value> = documents.iter().map(|document| &document["packet"]).collect();
    assert_eq!(last["packets"]["total"], packets.len());
    let count = |verdict: &str| packets.iter().filter(|row| row["verdict"] == verdict).count();
    assert_eq!(last["packets"]["accepted"], count("accept"));
    assert_eq!(last["packets"]["dropped"], count("drop"));
    // Every rule with a verdict, and every policy, counts the packets that it decided.
    for ruleset in last["rulesets"].as_array().expect("rulesets") {
        for rule in ruleset["rules"].as_array().expect("rules") {
            let text = rule["text"].as_str().expect("text");
            if !text.ends_with("-j ACCEPT") && !text.ends_with("-j DROP") {
                continue;
            }
            let decided = packets.iter().filter(|row| {
                let by = &row["by"];
                by["family"] == ruleset["family"] && by["line"] == rule["line"]
            });
            assert_eq!(rule["packets"], decided.count(), "{text}");
        }
    }
}

#[test]
fn devices_are_those_of_the_capture_unless_named() {
    let scratch = Scratch::new("devices");
    let rules = scratch.file(
        "rules",
        b"*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT DROP [0:0]\n\
          -A INPUT -i eth0 -j ACCEPT\n-A INPUT -i wlan0 -j ACCEPT\n-A INPUT -i ppp0 -j ACCEPT\nCOMMIT\n",
    );
    let mut packets = traffic::Traffic::default();
    let client = (IpAddr::from(Ipv4Addr::new(10, 0, 0, 1)), 1);
    packets.tcp(client, (traffic::SERVER_V4.into(), 2), TcpFlags::SYN);
    let record = packets.into_records().remove(0);
    let mut writer = PcapngWriter::new(Vec::new()).expect("memory");
    for name in [Some("wlan0"), Some("any"), None, Some("a name that is too long")] {
        let interface =
            Interface { name: name.map(str::to_owned), ..Interface::new(LinkType::ETHERNET) };
        let interface = writer.add_interface(&interface).expect("memory");
        writer.write(&Record { interface, ..record.clone() }).expect("memory");
    }
    let capture = scratch.file("capture", &writer.finish().expect("memory"));
    let counts = |arguments: &[&str]| {
        let document = document(&[&[&rules, "--pcap", &capture], arguments].concat());
        let rules = &document["rulesets"][0]["rules"];
        [0, 1, 2].map(|rule: usize| rules[rule]["packets"].as_u64().expect("a number"))
    };
    assert_eq!(counts(&[]), [3, 1, 0]);
    assert_eq!(counts(&["--in-interface", "ppp0"]), [0, 0, 4]);
}

#[test]
fn a_refused_ruleset_names_its_rules_in_documents_too() {
    let rules = "crates/cli/tests/rules/mixed.rules";
    let ran = fw_try(&[rules, "--pcap", SAMPLE, "--json"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (1, ""));
    let document: Value = serde_json::from_str(&ran.stderr).expect("JSON");
    let error = &document["error"];
    assert_eq!((&document["schema"], &error["code"]), (&1.into(), &"rules-unsupported".into()));
    let lines: Vec<&Value> =
        error["rules"].as_array().expect("rules").iter().map(|rule| &rule["line"]).collect();
    assert_eq!(lines, [6, 14, 5]);
}

#[test]
fn a_capture_may_come_through_a_pipe() {
    let sample = std::fs::read(root().join(SAMPLE)).expect("the example");
    let piped = netloom_with_input(&["fw", "try", RULES, "--pcap", "-"], &sample);
    assert_eq!(piped.stdout, fw_try(&[RULES, "--pcap", SAMPLE]).stdout);
}

#[test]
fn a_long_capture_is_judged_in_time() {
    let scratch = Scratch::new("long-capture");
    let mut packets = traffic::Traffic::default();
    for number in 0..100_000_u32 {
        let [_, b, c, d] = number.to_be_bytes();
        let client = (IpAddr::from(Ipv4Addr::new(10, b, c, d)), 40_000);
        packets.udp(client, (traffic::SERVER_V4.into(), 443), b"x");
    }
    let capture = traffic::capture(&packets.into_records()).expect("a capture");
    let capture = scratch.file("capture", &capture);
    let arguments = ["fw", "try", RULES, "--pcap", &capture];
    let ran = netloom_within(Duration::from_secs(60), &arguments);
    assert!(ran.stdout.starts_with("100000 packets: 100000 accepted, 0 dropped\n"), "{ran:?}");
    let refused = fw_try(&["crates/cli/tests/rules/broken.rules", "--pcap", &capture]);
    assert_eq!(refused.code, 1);
}
