//! Object files: any bytes are refused for a reason, or read into parts whose positions all lie within
//! each other.

#![no_main]

use libfuzzer_sys::fuzz_target;
use netloom_isa::{Insn, decode_for, numbered};
use netloom_object::{CodeSection, ObjectFile, Target, read, section_role};

fuzz_target!(|bytes: &[u8]| match read(bytes) {
    Ok(object) => {
        for code in &object.code {
            check_section(&object, code);
        }
        for map in &object.maps {
            assert!(!map.name.is_empty() && map.section.contains("maps"), "{map:?}");
        }
    }
    Err(error) => assert!(!error.to_string().is_empty()),
});

fn check_section(object: &ObjectFile<'_>, code: &CodeSection<'_>) {
    assert_eq!(code.slots() as usize * 8, code.bytes.len());
    assert!(!code.bytes.is_empty());
    if let Some(role) = section_role(code.name) {
        assert!(role.target.is_none_or(|target| code.name.ends_with(target)), "{role:?}");
    }
    for symbol in &code.symbols {
        assert!(symbol.pc.0 + symbol.slots <= code.slots() && !symbol.name.is_empty());
        assert!(code.name_at(symbol.pc).is_some(), "{symbol:?}");
    }
    assert!(code.symbols.is_sorted_by_key(|symbol| symbol.pc));
    // A section may hold what is no instruction; then only places are known of its relocations.
    let insns = decode_for(object.order, code.bytes).unwrap_or_default();
    for relocation in &code.relocations {
        assert!(relocation.pc.0 < code.slots());
        assert_eq!(code.target_at(relocation.pc), Some(&relocation.target));
        match relocation.target {
            Target::Map(at) => assert!(at < object.maps.len()),
            Target::Code { section, pc } => assert!(pc.0 <= object.code[section].slots()),
            Target::Data { section, .. } => assert!(section.starts_with('.'), "{section}"),
            Target::Extern { name, .. } => assert!(!name.is_empty()),
        }
        if let Some((_, insn)) = numbered(&insns).find(|(pc, _)| *pc == relocation.pc) {
            assert!(matches!(insn, Insn::LoadImm64 { .. } | Insn::Call(_)), "{insn:?}");
        }
    }
}
