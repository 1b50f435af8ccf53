//! `asm` and `disasm` undo each other, and the kernel takes what `asm` makes.

#![expect(clippy::print_stdout, reason = "skips are told on standard output")]

mod process;

use std::process::{Command, Output};

use process::{Ran, Scratch, netloom, netloom_with_input};

const PROGRAMS: [&str; 2] =
    ["crates/cli/tests/programs/drop_short.s", "crates/cli/tests/programs/classic.s"];

/// What the command prints, which must succeed.
fn printed(arguments: &[&str]) -> String {
    let Ran { code, stdout, stderr } = netloom(arguments);
    assert_eq!((code, stderr.as_str()), (0, ""), "{arguments:?}");
    stdout
}

#[test]
fn every_form_of_a_program_disassembles_to_the_same_text() {
    let scratch = Scratch::new("forms");
    for program in PROGRAMS {
        let hex = printed(&["asm", program]);
        let raw = scratch.path("program.bin");
        assert_eq!(printed(&["asm", program, "-o", &raw]), "");
        let piped = netloom_with_input(&["disasm", "-"], hex.as_bytes());
        let text = printed(&["disasm", &raw]);
        assert_eq!(piped.stdout, text);
        let protocol = hex.replace([' ', '\n'], "  ");
        assert_eq!(netloom_with_input(&["disasm", "-"], protocol.as_bytes()).stdout, text);
        for syntax in ["c", "classic"] {
            let text = printed(&["disasm", &raw, "--syntax", syntax]);
            assert_eq!(netloom_with_input(&["asm", "-"], text.as_bytes()).stdout, hex, "{text}");
        }
        let object = scratch.path("program.o");
        printed(&["asm", program, "-o", &object]);
        let of_object = printed(&["disasm", &object, "--syntax", "objdump"]);
        let lines = |text: &str| -> Vec<String> {
            text.lines().filter(|line| line.starts_with(' ')).map(str::to_owned).collect()
        };
        assert_eq!(lines(&of_object), lines(&printed(&["disasm", &raw, "--syntax", "objdump"])));
    }
}

#[test]
fn objects_keep_sections_functions_and_license() {
    let scratch = Scratch::new("object");
    let source = scratch.file("two.s", TWO_SECTIONS.as_bytes());
    let refused = netloom(&["asm", &source]);
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.contains("several sections: xdp, .text"), "{}", refused.stderr);
    let object = scratch.path("two.o");
    printed(&["asm", &source, "-o", &object, "--license", "Dual MIT/GPL"]);
    let json: serde_json::Value =
        serde_json::from_str(&printed(&["disasm", &object, "--json"])).expect("JSON");
    assert_eq!(json["license"], "Dual MIT/GPL");
    let functions = |at: usize| {
        let functions = json["sections"][at]["functions"].as_array().expect("functions");
        let name = |function: &serde_json::Value| function["name"].as_str().map(str::to_owned);
        functions.iter().filter_map(name).collect::<Vec<_>>()
    };
    assert_eq!(functions(0), ["drop_short"]);
    assert_eq!(functions(1), ["length", "sub_12"]);
    let call = &json["sections"][0]["instructions"][4];
    assert_eq!((&call["text"], &call["refers_to"]), (&"call length".into(), &"length".into()));
    let function = printed(&["disasm", &object, "--function", "length"]);
    assert_eq!(function.lines().count(), 4, "{function}");
    let missing = netloom(&["disasm", &object, "--section", "tc"]);
    assert!(missing.stderr.ends_with("help: it has xdp, .text\n"), "{}", missing.stderr);
    let again = scratch.path("again.o");
    let text = scratch.file("again.s", printed(&["disasm", &object]).as_bytes());
    printed(&["asm", &text, "-o", &again]);
    assert_eq!(printed(&["disasm", &again]), printed(&["disasm", &object]));
}

/// A program that calls a function elsewhere, which calls one without name.
const TWO_SECTIONS: &str = "
    .section xdp
drop_short:
    r2 = *(u32 *)(r1 + 0)
    r3 = *(u32 *)(r1 + 4)
    r1 = r2
    r2 = r3
    call length
    if r0 < 60 goto drop
    r0 = 2
    exit
drop:
    r0 = 1
    exit
    .text
length:
    call pc+1
    exit
    r0 = r2
    r0 -= r1
    exit
";

#[test]
fn the_kernel_loads_assembled_objects_by_bpftool() {
    let scratch = Scratch::new("load");
    let source = scratch.file("two.s", TWO_SECTIONS.as_bytes());
    let object = scratch.path("two.o");
    printed(&["asm", &source, "-o", &object, "--license", "GPL"]);
    let pin = format!("/sys/fs/bpf/netloom-asm-{}", std::process::id());
    let Some(loaded) = bpftool(&["prog", "load", &object, &pin]) else { return };
    if !loaded.status.success() {
        let why = String::from_utf8_lossy(&loaded.stderr);
        if why.contains("permi") || why.contains("not mounted") || why.contains("bpffs") {
            return println!("skipped: programs cannot be loaded here: {}", why.trim());
        }
        panic!("{why}");
    }
    let dump = bpftool(&["prog", "dump", "xlated", "pinned", &pin]).expect("it ran before");
    std::fs::remove_file(&pin).expect("a pin of our own");
    let text = String::from_utf8(dump.stdout).expect("text");
    assert!(text.contains("if r0 < 0x3c goto pc+2"), "{text}");
    assert_eq!(text.matches("(85) call pc+").count(), 2, "{text}");
}

/// What bpftool says; none where it is not installed.
fn bpftool(arguments: &[&str]) -> Option<Output> {
    let output = Command::new("bpftool").args(arguments).output();
    if output.is_err() {
        println!("skipped: bpftool is not installed");
    }
    output.ok()
}

#[test]
fn bytes_that_a_terminal_does_not_want_go_to_pipes() {
    let raw = Command::new(env!("CARGO_BIN_EXE_netloom"))
        .args(["asm", PROGRAMS[1], "--format", "raw"])
        .current_dir(process::root())
        .output()
        .expect("the command starts");
    assert!(raw.status.success());
    assert_eq!(raw.stdout.len() % 8, 0);
    assert_eq!(raw.stdout[..8], [0xb4, 0, 0, 0, 0, 0, 0, 0]);
}

#[test]
fn outputs_that_cannot_be_written_are_named() {
    let ran = netloom(&["asm", PROGRAMS[1], "-o", "/nowhere/x.bin"]);
    assert_eq!(ran.code, 1);
    assert_eq!(ran.stderr, "error: cannot write /nowhere/x.bin: no such file or directory\n");
    let empty = netloom_with_input(&["disasm", "-"], b"");
    assert_eq!(empty.stderr, "error: <stdin> has no instructions\n");
    let empty = netloom_with_input(&["asm", "-"], b"# nothing\n");
    assert_eq!(empty.stderr, "error: <stdin> has no instructions\n");
}
