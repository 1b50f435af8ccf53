//! Objects that clang writes, whole and damaged.

#![expect(clippy::print_stdout, reason = "skips are told on standard output")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use arbtest::arbtest;
use netloom_isa::{ByteOrder, Pc, decode_for};
use netloom_object::{ObjectFile, ReadError, RelocationFault, Target, read};

/// The object that clang makes of `tests/objects/program.c`; none where there is no clang.
fn compile(target: &str) -> Option<Vec<u8>> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("netloom-object-{}-{number}.o", std::process::id());
    let object: PathBuf = std::env::temp_dir().join(name);
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/objects/program.c");
    let clang = Command::new("clang")
        .args([&format!("--target={target}"), "-O2", "-mcpu=v3", "-c", "-o"])
        .args([&object, &source])
        .output();
    let Ok(clang) = clang else {
        println!("skipped: clang is not installed");
        return None;
    };
    assert!(clang.status.success(), "{}", String::from_utf8_lossy(&clang.stderr));
    let bytes = std::fs::read(&object).expect("clang wrote it");
    std::fs::remove_file(&object).expect("a temporary file");
    Some(bytes)
}

/// What each instruction of a section refers to, in words.
fn references(object: &ObjectFile<'_>, section: &str) -> BTreeSet<String> {
    let code = object.code.iter().find(|code| code.name == section).expect("it is there");
    let word = |target: &Target<'_>| match *target {
        Target::Map(at) => format!("map {}", object.maps[at].name),
        Target::Code { section, pc } => {
            let code = &object.code[section];
            format!("{} {}", code.name, code.name_at(pc).unwrap_or("?"))
        }
        Target::Data { section, name, offset } => format!("{section} {name}+{offset}"),
        Target::Extern { name, is_weak: false } => format!("extern {name}"),
        Target::Extern { name, is_weak: true } => format!("weak {name}"),
    };
    code.relocations.iter().map(|relocation| word(&relocation.target)).collect()
}

fn set<const N: usize>(words: [&str; N]) -> BTreeSet<String> {
    words.map(str::to_owned).into()
}

#[test]
fn parts_of_an_object_have_their_names() {
    for (target, order) in [("bpfel", ByteOrder::Little), ("bpfeb", ByteOrder::Big)] {
        let Some(bytes) = compile(target) else { return };
        let object = read(&bytes).expect("clang's objects are good");
        assert_eq!(object.order, order);
        assert_eq!(object.license, Some("Dual MIT/GPL"));
        let maps: Vec<_> = object.maps.iter().map(|map| (map.name, map.section)).collect();
        assert_eq!(maps, [("counters", ".maps"), ("blocked", ".maps")]);
        let functions = |section: &str| -> Vec<(&str, bool)> {
            let code = object.code.iter().find(|code| code.name == section).expect("it is there");
            code.functions().map(|function| (function.name, function.is_global)).collect()
        };
        assert_eq!(functions(".text"), [("shared", true), ("hidden", false), ("each", false)]);
        assert_eq!(functions("xdp"), [("first", true), ("second", true)]);
        let expected = set([
            "map counters",
            "map blocked",
            ".text shared",
            ".text hidden",
            ".text each",
            ".bss +0",
            "extern bpf_now",
            "weak maybe",
        ]);
        assert_eq!(references(&object, "xdp"), expected);
        let expected = set([".rodata limit+0", ".data total+0", ".bss +0"]);
        assert_eq!(references(&object, ".text"), expected);
        for code in &object.code {
            let slots: u32 = code.functions().map(|function| function.slots).sum();
            assert_eq!(slots, code.slots(), "functions fill {}", code.name);
            assert!(decode_for(object.order, code.bytes).is_ok());
        }
    }
}

#[test]
fn relocations_are_those_that_llvm_lists() {
    let Some(bytes) = compile("bpfel") else { return };
    let name = format!("netloom-object-{}-list.o", std::process::id());
    let path = std::env::temp_dir().join(name);
    std::fs::write(&path, &bytes).expect("a temporary file");
    let output = Command::new("llvm-readelf").arg("-r").arg(&path).output();
    std::fs::remove_file(&path).expect("a temporary file");
    let Ok(output) = output else { return println!("skipped: llvm-readelf is not installed") };
    let text = String::from_utf8(output.stdout).expect("text");
    let object = read(&bytes).expect("clang's objects are good");
    for code in &object.code {
        let title = format!("'.rel{}'", code.name);
        let table = text.lines().skip_while(|line| !line.contains(&title)).skip(2);
        let theirs: Vec<Pc> = table
            .take_while(|line| !line.is_empty())
            .map(|line| u32::from_str_radix(&line[..16], 16).expect("hexadecimal"))
            .map(|offset| Pc(offset / 8))
            .collect();
        let ours: Vec<Pc> = code.relocations.iter().map(|relocation| relocation.pc).collect();
        assert!(!ours.is_empty());
        assert_eq!(ours, theirs, "{}", code.name);
    }
}

#[test]
fn no_damaged_object_panics_or_leads_outside() {
    let Some(good) = compile("bpfel") else { return };
    arbtest(|u| {
        let mut bytes = good.clone();
        for _ in 0..u.int_in_range(1..=8)? {
            let at = u.choose_index(bytes.len())?;
            // Half of the damage goes to the header.
            let at = if u.arbitrary()? { at } else { at % 64 };
            let any = u.arbitrary()?;
            bytes[at] = *u.choose(&[0, 1, 7, 8, 0x7f, 0xff, any])?;
        }
        if u.ratio(1, 8)? {
            bytes.truncate(u.choose_index(bytes.len())?);
        }
        match read(&bytes) {
            Ok(object) => check_positions(&object),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
        Ok(())
    })
    .budget_ms(3_000);
}

#[test]
fn what_a_relocation_refers_to_has_a_name_and_a_known_section() {
    let Some(good) = compile("bpfel") else { return };
    let fault = |name: &[u8], other: &[u8]| {
        let at = good.windows(name.len()).position(|bytes| bytes == name).expect("it is there");
        match read(&patched(&good, at, other)) {
            Err(ReadError::Relocation { fault, .. }) => fault,
            other => panic!("{other:?}"),
        }
    };
    let section = ".bsx".to_owned();
    assert_eq!(fault(b"\0.bss\0", b"\0.bsx"), RelocationFault::Section { section });
    assert!(matches!(fault(b"\0bpf_now\0", b"\0\0"), RelocationFault::NoName { .. }));
}

fn check_positions(object: &ObjectFile<'_>) {
    for code in &object.code {
        for symbol in &code.symbols {
            assert!(!symbol.name.is_empty());
            assert!(symbol.pc.0 + symbol.slots <= code.slots());
        }
        for relocation in &code.relocations {
            assert!(relocation.pc.0 < code.slots());
            assert!(code.target_at(relocation.pc).is_some());
            match relocation.target {
                Target::Map(at) => assert!(at < object.maps.len()),
                Target::Code { section, pc } => assert!(pc.0 < object.code[section].slots()),
                Target::Data { .. } | Target::Extern { .. } => {}
            }
        }
    }
}

#[test]
fn random_bytes_never_panic() {
    arbtest(|u| {
        let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
        bytes.extend_from_slice(u.bytes(u.len())?);
        assert!(read(&bytes).is_err());
        Ok(())
    })
    .budget_ms(1_000);
}

/// Writes `bytes` over the object at `at`.
fn patched(object: &[u8], at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut object = object.to_vec();
    object[at..at + bytes.len()].copy_from_slice(bytes);
    object
}

#[test]
fn files_of_other_kinds_are_named() {
    assert_eq!(read(b"\xb7\0\0\0\0\0\0\0").err(), Some(ReadError::NotElf));
    assert_eq!(read(b"").err(), Some(ReadError::NotElf));
    assert_eq!(read(b"\x7fELF\x01").err(), Some(ReadError::Class { class: 1 }));
    assert!(matches!(read(b"\x7fELF\x02"), Err(ReadError::Malformed { what: "header", .. })));
    let Some(good) = compile("bpfel") else { return };
    let error = |at, bytes: &[u8]| read(&patched(&good, at, bytes)).err();
    assert_eq!(error(18, &[62, 0]), Some(ReadError::Machine { machine: 62 }));
    assert_eq!(error(16, &[2, 0]), Some(ReadError::Kind { kind: 2 }));
    let outside = error(40, &[0xff; 8]);
    assert!(matches!(outside, Some(ReadError::Malformed { what: "section table", .. })));
}
