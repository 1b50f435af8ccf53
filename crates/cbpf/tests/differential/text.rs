//! Text against libpcap's own.

use std::process::Command;

use netloom_cbpf::{Ancillary, Form, Insn, Program, Raw, encode, parse, print};
use netloom_testkit::random::Random;

use crate::random::{self, Choice};
use crate::tool;

/// Prints each instruction on standard input as libpcap shows it, whose header need not be there.
const LIBPCAP_IMAGE: &str = r"
#include <stdio.h>
struct bpf_insn { unsigned short code; unsigned char jt, jf; unsigned k; };
extern char *bpf_image(const struct bpf_insn *, int);
int main(void) {
    struct bpf_insn insn;
    for (int n = 0; fread(&insn, sizeof insn, 1, stdin) == 1; n++)
        puts(bpf_image(&insn, n));
    return 0;
}
";

fn instructions(count: usize) -> Vec<Insn> {
    let mut random = Random::new(5);
    let choice = Choice { packet_bytes: 60, ancillary: &Ancillary::ALL, far: true };
    (0..count).map(|_| random::insn(&mut random, choice, 100)).collect()
}

#[test]
fn every_instruction_is_written_as_libpcap_writes_it() {
    if !tool::has("clang") {
        return;
    }
    let folder = tool::Folder::new("libpcap-image");
    let image = folder.file("image");
    tool::compile("clang", LIBPCAP_IMAGE, &image, &["-x", "none", "-l:libpcap.so.0.8"]);
    let mut insns = instructions(20_000);
    // libpcap has no text for this one.
    insns.retain(|insn| !matches!(insn, Insn::LoadXLen));
    let bytes: Vec<u8> = encode(&insns).into_iter().flat_map(Raw::to_bytes).collect();
    let theirs = String::from_utf8(tool::run(&mut Command::new(&image), &bytes)).expect("text");
    let ours = String::from_utf8(print(&insns, Form::Listing)).expect("text");
    assert_eq!(ours.lines().count(), insns.len());
    for (ours, theirs) in ours.lines().zip(theirs.lines()) {
        assert_eq!(ours, theirs);
    }
    assert_eq!(ours, theirs);
}

#[test]
fn what_is_printed_reads_back() {
    let insns = instructions(20_000);
    for form in [Form::Listing, Form::Initialisers, Form::Numbers, Form::Bytes] {
        assert!(parse(&print(&insns, form)) == Ok((form, insns.clone())), "{form:?}");
    }
}

/// Expressions that between them use most instructions that libpcap generates.
pub(crate) const EXPRESSIONS: [&str; 24] = [
    "",
    "ip",
    "ip6",
    "arp or rarp",
    "tcp port 80",
    "host 10.0.0.1 and not port 22",
    "net 192.168.0.0/16",
    "udp portrange 5000-6000",
    "ip6 host 2001:db8::1",
    "ether host 00:11:22:33:44:55",
    "ether multicast or broadcast",
    "vlan 5 and ip",
    "mpls 1000 and ip",
    "pppoes and tcp",
    "less 100 or greater 1000",
    "len - 14 > ip[2:2]",
    "ip[0] & 0xf != 5",
    "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0",
    "tcp[((tcp[12] & 0xf0) >> 2):4] = 0x47455420",
    "ip[6:2] & 0x1fff * 8 % 7 ^ 3 | 1 = 9",
    "-ip[1] / ip[8] < 12",
    "icmp[icmptype] = icmp-echo or icmp6",
    "sctp src port 9 or ah or esp",
    "ip proto 47 and dst net 224.0.0.0/4",
];

#[test]
fn tcpdumps_output_is_read_and_written_to_the_letter() {
    if !tool::has("tcpdump") {
        return;
    }
    for link in ["EN10MB", "RAW", "LINUX_SLL", "LINUX_SLL2"] {
        for expression in EXPRESSIONS {
            let mut programs = Vec::new();
            for (flag, form) in
                [("-d", Form::Listing), ("-dd", Form::Initialisers), ("-ddd", Form::Numbers)]
            {
                let mut tcpdump = Command::new("tcpdump");
                tcpdump.args(["-y", link, flag, "--", expression]);
                let output = tcpdump.output().expect("tcpdump starts");
                if !output.status.success() {
                    // Not every expression makes sense on every link.
                    assert_ne!(link, "EN10MB", "{}", String::from_utf8_lossy(&output.stderr));
                    continue;
                }
                let parsed = parse(&output.stdout).unwrap_or_else(|error| panic!("{error}"));
                assert_eq!(parsed.0, form, "{expression}");
                assert_same_lines(&parsed.1, &print(&parsed.1, form), &output.stdout);
                programs.push(Program::new(parsed.1).expect("tcpdump's programs are valid"));
            }
            assert!(programs.windows(2).all(|pair| pair[0] == pair[1]), "{expression}");
        }
    }
}

/// Compares two texts of a program. Instructions that take no constant may differ in it: libpcap
/// leaves there what its optimiser used the field for.
fn assert_same_lines(program: &[Insn], ours: &[u8], theirs: &[u8]) {
    let lines = |text: &'_ [u8]| -> Vec<String> {
        String::from_utf8_lossy(text).split_inclusive('\n').map(str::to_owned).collect()
    };
    let (ours, theirs) = (lines(ours), lines(theirs));
    assert_eq!(ours.len(), theirs.len());
    let heads = ours.len() - program.len();
    for (index, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
        let insn = index.checked_sub(heads).map(|pc| program[pc]);
        if ours != theirs {
            assert_eq!(insn, Some(Insn::Tax), "{ours} is {theirs} in libpcap");
        }
    }
}
