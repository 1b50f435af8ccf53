//! `netloom conformance` as a plugin, and with plugins.

mod process;

use std::process::Command;

use process::{Scratch, netloom, netloom_with_input};

/// `r0 = *(u16 *)(r1 + 1); exit`, as bpf_conformance's runner writes it.
const LOAD: &str = "69  10  01  00  00  00  00  00  95  00  00  00  00  00  00  00  \n";

#[test]
fn a_plugin_prints_r0_in_hexadecimal() {
    let ran = netloom_with_input(&["conformance", "--plugin", "01  02  03  "], LOAD.as_bytes());
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (0, "302\n", ""));
}

#[test]
fn a_plugin_tells_a_fault_on_standard_error() {
    let ran = netloom_with_input(&["conformance", "--plugin"], LOAD.as_bytes());
    assert_eq!((ran.code, ran.stdout.as_str()), (1, ""));
    assert!(ran.stderr.contains("load of 2 bytes at the null page"), "{ran:?}");
    for (memory, program) in [("0x", LOAD), ("", "9500"), ("", "95 zz"), ("1", LOAD)] {
        let ran = netloom_with_input(&["conformance", "--plugin", memory], program.as_bytes());
        assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{memory:?} {program:?}");
        assert!(ran.stderr.starts_with("error: cannot "), "{ran:?}");
    }
    let two = netloom_with_input(&["conformance", "--plugin", "00", "--jit"], LOAD.as_bytes());
    assert_eq!(two.code, 2, "{two:?}");
}

#[test]
fn a_plugin_command_runs_the_tests() {
    let scratch = Scratch::new("plugin");
    let plugin = scratch.path("netloom-plugin");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_netloom"), &plugin).expect("a link");
    let tests = "crates/cli/tests/conformance";
    let arguments = ["conformance", "--engine", "none", "--plugin-command"];
    let ran = netloom(&[&arguments[..], &[&plugin, tests]].concat());
    assert_eq!((ran.code, ran.stderr.as_str()), (1, ""));
    assert!(ran.stdout.contains("wrong.data"), "{ran:?}");
    assert!(ran.stdout.ends_with(": 3 passed, 1 failed, 4 skipped\n"), "{ran:?}");
}

#[test]
fn a_plugin_that_fails_or_is_not_there_is_told_apart() {
    let test = "crates/cli/tests/conformance/memory.data";
    let run = |plugin| {
        netloom(&["conformance", "--engine", "none", "--plugin-command", plugin, "--json", test])
    };
    let table = [
        ("false", 1, "failed", "exit status: 1"),
        ("echo 0x3020004", 1, "failed", "reply is not a hexadecimal number"),
        ("no-such-plugin", 1, "failed", "cannot run no-such-plugin"),
    ];
    for (plugin, code, status, reason) in table {
        let ran = run(plugin);
        let document: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
        let row = &document["tests"][0];
        assert_eq!((ran.code, row["status"].as_str()), (code, Some(status)), "{ran:?}");
        assert!(row["reason"].as_str().is_some_and(|text| text.contains(reason)), "{ran:?}");
    }
}

#[test]
fn the_kernel_runs_the_tests_that_it_accepts() {
    let Ok(id) = Command::new("id").arg("-u").output() else { panic!("id(1) of coreutils") };
    if id.stdout != b"0\n" {
        println!("skipped: needs root");
        return;
    }
    let ran = netloom(&["conformance", "--engine", "kernel", "crates/cli/tests/conformance"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (1, ""));
    for part in ["invalid shift 33", "expected 0x2, got 0x1", "helpers are not the kernel's"] {
        assert!(ran.stdout.contains(part), "{part}: {ran:?}");
    }
    assert!(ran.stdout.ends_with("kernel: 3 passed, 3 failed, 2 skipped\n"), "{ran:?}");
}
