//! Printed C, compiled for the host and for the kernel, against the interpreter.

use std::fmt::Write;
use std::process::Command;

use netloom_abi::ProgramType;
use netloom_cbpf::{Ancillary, Insn, Packet, Program, TranslateError, c_function, parse, run};
use netloom_packet::capture::Reader;
use netloom_sys::bpf::RunInput;
use netloom_testkit::random::Random;

use crate::random::{self, Choice};
use crate::text::EXPRESSIONS;
use crate::{tool, translation};

/// Reads numbers of a function, of the packet's length and of its bytes, then those, and prints what
/// the function returns. A packet ends where memory ends.
const MAIN: &str = r#"
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

int main(void)
{
    uint32_t head[3];
    uint8_t *page = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED || mprotect(page + 4096, 4096, PROT_NONE))
        return 1;
    while (fread(head, sizeof head, 1, stdin) == 1) {
        uint8_t *packet = page + 4096 - head[2];
        if (fread(packet, 1, head[2], stdin) != head[2])
            return 2;
        printf("%u\n", FUNCTIONS[head[0]](packet, head[1], page + 4096));
    }
    return 0;
}
"#;

/// A valid program in C; none if it loads from headers.
fn printed(program: &Program, name: &str) -> Option<String> {
    match c_function(program, name) {
        Ok(text) => Some(text),
        Err(TranslateError::Header { .. }) => None,
        Err(error) => panic!("{error}: {program:?}"),
    }
}

#[test]
fn functions_return_the_same_on_the_host() {
    if !tool::has("clang") {
        return;
    }
    let mut random = Random::new(11);
    let mut source = String::new();
    let mut programs = Vec::new();
    while programs.len() < 300 {
        let ancillary = [Ancillary::AluXorX];
        let choice = Choice { packet_bytes: 60, ancillary: &ancillary, far: true };
        let program = random::program(&mut random, choice, 24);
        let Some(text) = printed(&program, &format!("f{}", programs.len())) else { continue };
        source.push_str(&text);
        programs.push(program);
    }
    source.push_str(
        "static uint32_t (*const FUNCTIONS[])(const uint8_t *, uint32_t, const uint8_t *) = {",
    );
    for number in 0..programs.len() {
        write!(source, "f{number}, ").expect("a string takes any text");
    }
    source.push_str("};\n");
    let (input, expected) = questions(&programs, &mut random);
    let folder = tool::Folder::new("c-host");
    for compiler in ["clang", "cc"] {
        let host = folder.file(compiler);
        // A value that is stored and never loaded is as it is in the program.
        let flags = ["-Wno-unused-but-set-variable", "-Wno-type-limits"];
        let source = format!("{MAIN_HEAD}{source}{MAIN}");
        tool::compile(compiler, &source, &host, &flags);
        let answers = tool::run(&mut Command::new(&host), &input);
        let answers = String::from_utf8(answers).expect("text");
        for ((expected, question), answer) in expected.iter().zip(answers.lines()) {
            assert_eq!(expected, answer, "{compiler}: {question}");
        }
        assert_eq!(answers.lines().count(), expected.len());
    }
}

/// Must stand before all headers of the system.
const MAIN_HEAD: &str = "#define _GNU_SOURCE\n";

/// Packets for each program as the host's program reads them, and what to answer.
fn questions(programs: &[Program], random: &mut Random) -> (Vec<u8>, Vec<(String, String)>) {
    let (mut input, mut expected) = (Vec::new(), Vec::new());
    for (number, program) in programs.iter().enumerate() {
        for _ in 0..20 {
            let bytes = random.below(80);
            let bytes = random::packet(random, bytes);
            let mut packet = Packet::new(&bytes);
            // A capture may have cut the packet off.
            packet.length += u32::from(random.byte() % 4);
            let head =
                [u32::try_from(number).expect("small"), packet.length, Packet::new(&bytes).length];
            input.extend(head.iter().flat_map(|number| number.to_ne_bytes()));
            input.extend(&bytes);
            let question = format!("{program:?} on {packet:?}");
            expected.push((run(program, &packet).to_string(), question));
        }
    }
    (input, expected)
}

/// What makes an XDP program of a filter.
const XDP: &str = "
struct xdp_md { uint32_t data, data_end; };

int xdp(struct xdp_md *ctx)
{
    const uint8_t *packet = (const uint8_t *)(long)ctx->data;
    const uint8_t *end = (const uint8_t *)(long)ctx->data_end;
    return filter(packet, end - packet, end);
}
";

#[test]
fn functions_pass_the_verifier_and_return_the_same_in_the_kernel() {
    if !tool::has("clang") || !tool::has("tcpdump") || !translation::may_load() {
        return;
    }
    let folder = tool::Folder::new("c-kernel");
    let packets = sample();
    let mut matches = 0;
    for expression in EXPRESSIONS {
        let output =
            Command::new("tcpdump").args(["-y", "EN10MB", "-ddd", "--", expression]).output();
        let (_, insns) = parse(&output.expect("tcpdump starts").stdout).expect("a program");
        if insns.iter().any(loads_metadata) {
            continue;
        }
        let program = Program::new(insns).expect("tcpdump's programs are valid");
        let source = c_function(&program, "filter").expect("only packet bytes are loaded");
        let object = folder.file("filter.o");
        let flags = ["-target", "bpf", "-mcpu=v3", "-ffreestanding", "-c"];
        tool::compile("clang", &format!("{source}{XDP}"), &object, &flags);
        let bytes = std::fs::read(&object).expect("the object");
        let object = netloom_object::read(&bytes).expect("an object");
        let [section] = &object.code[..] else { panic!("{} sections of code", object.code.len()) };
        let insns = netloom_isa::decode(section.bytes).expect("instructions");
        let loaded = translation::load(ProgramType::Xdp, &insns);
        for packet in &packets {
            let input = RunInput { data: packet, ..RunInput::default() };
            let result = loaded.test_run(&input).expect("a frame").result;
            assert_eq!(run(&program, &Packet::new(packet)), result, "{expression} on {packet:?}");
            matches += u32::from(result > 0);
        }
    }
    assert!(matches > 100, "only {matches} match");
}

fn loads_metadata(insn: &Insn) -> bool {
    matches!(insn, Insn::LoadAbs { k, .. } if Ancillary::at(*k).is_some())
}

/// The packets of the example capture, which is of Ethernet.
fn sample() -> Vec<Vec<u8>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/sample.pcap");
    let reader = Reader::new(std::fs::File::open(path).expect("the example")).expect("a capture");
    reader.map(|record| record.expect("a whole capture").data).collect()
}

#[test]
fn a_function_is_readable() {
    let insns = b"(000) ldh [12]
(001) jeq #0x800 jt 2 jf 10
(002) ldb [23]
(003) jeq #0x6 jt 4 jf 10
(004) ldxb 4*([14]&0xf)
(005) ldh [x + 14]
(006) jeq #0x50 jt 9 jf 7
(007) ldh [x + 16]
(008) jeq #0x50 jt 9 jf 10
(009) ret #262144
(010) ret #0";
    let program = Program::new(parse(insns).expect("a listing").1).expect("valid");
    let text = c_function(&program, "port_80").expect("packet loads only");
    let (_, function) = text.split_once("*/\n").expect("a comment comes first");
    assert_eq!(function.replace('\t', "    "), FUNCTION);
}

const FUNCTION: &str = "\
static inline uint32_t port_80(const uint8_t *packet, uint32_t length, const uint8_t *end)
{
    uint32_t a, x;
    const uint8_t *p;

    (void)length;
    if (packet + 14 > end)
        return 0;
    a = packet[12] << 8 | packet[13];
    if (a != 0x800)
        return 0;
    if (packet + 24 > end)
        return 0;
    a = packet[23];
    if (a != 6)
        return 0;
    x = (packet[14] & 0xf) << 2;
    p = packet + x;
    if (p + 16 > end)
        return 0;
    a = p[14] << 8 | p[15];
    if (a == 80)
        return 262144;
    if (p + 18 > end)
        return 0;
    a = p[16] << 8 | p[17];
    if (a != 80)
        return 0;
    return 262144;
}
";
