//! Disassembly of compiled objects equals `llvm-objdump`'s.
//!
//! Each C source is compiled for every cpu by the installed clang and, for instructions that clang
//! does not know, by a newer LLVM from the former's intermediate code.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use netloom_isa::{decode, encode};

use crate::tools::{COMPLETE, FORMS, Folder, disassemble, program, run, skip};

const SOURCES: [&str; 6] = ["arithmetic", "memory", "branches", "calls", "atomics", "flow"];

/// Instruction sets, and whether their atomic operations return the old value.
const CPUS: [(&str, bool); 4] = [("v1", false), ("v2", false), ("v3", true), ("v4", true)];

#[test]
fn disassembly_of_objects_equals_llvm_objdump() {
    let Some((version, clang)) = program("clang", 14) else { return skip("clang") };
    let Some((_, objdump)) = program("llvm-objdump", version) else { return skip("llvm-objdump") };
    let folder = Folder::new("objdump");
    let mut compared = 0;
    for name in SOURCES {
        for (cpu, fetch) in CPUS {
            let object = folder.file(&format!("{name}-{cpu}.o"));
            // What this clang does not know is left to the next test.
            if compile(&clang, name, cpu, fetch, "-c", &object).is_ok() {
                compared += check_object(&objdump, &object);
            }
        }
    }
    assert!(compared > 3_000, "only {compared} instructions were compared");
    println!("ran {compared} instructions");
}

#[test]
fn disassembly_of_the_newest_objects_equals_llvm_objdump() {
    let Some((_, clang)) = program("clang", 14) else { return skip("clang") };
    let Some((_, llc)) = program("llc", COMPLETE) else { return skip("llc") };
    let Some((_, objdump)) = program("llvm-objdump", COMPLETE) else { return skip("llvm-objdump") };
    let folder = Folder::new("newest");
    let mut compared = 0;
    for name in SOURCES {
        let code = folder.file(&format!("{name}.bc"));
        compile(&clang, name, "v3", true, "-emit-llvm", &code).expect("clang compiles it");
        for cpu in ["-mcpu=v1", "-mcpu=v2", "-mcpu=v3", "-mcpu=v4"] {
            let object = folder.file("newest.o");
            let flags = ["-march=bpfel", "-filetype=obj", cpu, "-o"].map(OsStr::new);
            if run(&llc, flags.into_iter().chain([object.as_os_str(), code.as_os_str()])).is_ok() {
                compared += check_object(&objdump, &object);
            } else {
                assert_ne!(cpu, "-mcpu=v4", "{name} needs nothing that v4 lacks");
            }
        }
    }
    assert!(compared > 3_000, "only {compared} instructions were compared");
    println!("ran {compared} instructions");
}

pub(crate) fn compile(
    clang: &Path,
    name: &str,
    cpu: &str,
    fetch: bool,
    kind: &str,
    output: &Path,
) -> Result<String, String> {
    let source = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/objects/{name}.c"));
    let cpu = format!("-mcpu={cpu}");
    let fetch = if fetch { "-DWITH_FETCH=1" } else { "-DWITH_FETCH=0" };
    let flags = ["--target=bpfel", "-O2", "-c", kind, &cpu, fetch, "-o"].map(OsStr::new);
    run(clang, flags.into_iter().chain([output.as_os_str(), source.as_os_str()]))
}

/// Compares every instruction in each form; returns how many there were.
fn check_object(objdump: &Path, object: &Path) -> usize {
    let mut compared = 0;
    for (syntax, flags) in FORMS {
        for (_, line) in disassemble(objdump, object, &flags) {
            let theirs = line.text;
            let insns = decode(&line.bytes).unwrap_or_else(|error| panic!("{theirs}: {error}"));
            assert_eq!(encode(&insns), line.bytes, "{theirs}");
            // Without `alu32` LLVM takes a 32-bit fetch-and-add for one without result, and other
            // 32-bit atomic operations for nothing.
            let narrow = line.bytes[0] == 0xc3 && syntax == FORMS[0].0;
            if theirs == "<unknown>" || narrow {
                continue;
            }
            assert_eq!(insns[0].text(syntax).to_string(), theirs, "{object:?} {flags:?}");
            compared += 1;
        }
    }
    compared
}
