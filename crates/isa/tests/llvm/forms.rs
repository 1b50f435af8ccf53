//! Every instruction form against LLVM's assembler and disassembler.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use arbtest::arbitrary::Unstructured;
use netloom_isa::{Callee, DecodeError, Imm64, Insn, decode, encode};

use crate::tools::{COMPLETE, FORMS, assemble, data, program, skip};
use crate::{random, slots};

/// Opcodes of which LLVM reads more than there is, with what it does: it looks at no source beyond
/// those of a 64-bit constant or a call, at no `imm` of `callx`, and takes every unknown atomic
/// operation for an addition.
const LENIENT: [u8; 5] = [0x18, 0x85, 0x8d, 0xc3, 0xdb];

/// Opcodes in all: 53 of arithmetic, 51 of jumps and calls, 26 of memory and constants.
const OPCODES: usize = 130;

#[test]
fn every_slot_reads_as_llvm_reads_it() {
    if program("llvm-mc", COMPLETE).is_none() {
        return skip("llvm-mc");
    }
    let records = slots::records();
    let lines = assemble("slots", &data(records.iter().map(Vec::as_slice))).expect("data");
    let (mut slot, mut known) = (0, BTreeSet::new());
    for record in &records {
        let theirs = lines.get(&slot).map_or("<unknown>", |line| line.text.as_str());
        slot += record.len() / 8;
        match decode(record).as_deref() {
            // The only reader of the old form of `callx` is an old LLVM, and programs do not
            // contain what the verifier makes of per-CPU addresses.
            Ok([Insn::Call(Callee::RegImm(_)) | Insn::AddrPercpu { .. }]) => {}
            Ok(insns) => {
                assert_eq!(insns[0].text(FORMS[2].0).to_string(), theirs, "{record:02x?}");
                known.insert(record[0]);
            }
            // LLVM looks at no reserved field.
            Err(DecodeError::Reserved { .. } | DecodeError::SecondSlot { .. }) => {}
            Err(error) => {
                let lenient = LENIENT.contains(&record[0]);
                assert!(theirs == "<unknown>" || lenient, "{record:02x?}: {error}, but {theirs}");
            }
        }
    }
    println!("ran {} slots with {} opcodes", records.len(), known.len());
    assert_eq!(known.len(), OPCODES, "opcodes");
}

/// Whether LLVM's assembler has a spelling for the instruction, and it is ours.
fn llvm_spells(insn: &Insn) -> bool {
    match insn {
        Insn::LoadImm64 { value, .. } => matches!(value, Imm64::Value(_)),
        Insn::Call(callee) => matches!(callee, Callee::Helper(_) | Callee::Reg(_)),
        Insn::LoadPacket { index, imm, .. } => index.is_none() || *imm == 0,
        // LLVM refuses longer distances, though it has an encoding for them.
        Insn::Jump { off, .. } => i16::try_from(*off).is_ok(),
        Insn::AddrPercpu { .. } => false,
        Insn::Alu { .. }
        | Insn::Neg { .. }
        | Insn::MovSx { .. }
        | Insn::Endian { .. }
        | Insn::AddrSpaceCast { .. }
        | Insn::Load { .. }
        | Insn::Store { .. }
        | Insn::Atomic { .. }
        | Insn::LoadAcquire { .. }
        | Insn::StoreRelease { .. }
        | Insn::JumpIf { .. }
        | Insn::JumpReg { .. }
        | Insn::MayGoto { .. }
        | Insn::Exit => true,
    }
}

#[test]
fn llvm_assembles_our_pseudo_c_to_our_bytes() {
    if program("llvm-mc", COMPLETE).is_none() {
        return skip("llvm-mc");
    }
    let decoded = slots::records().into_iter().filter_map(|record| decode(&record).ok());
    let mut insns: Vec<Insn> = decoded.flatten().collect();
    let seed: Vec<u8> =
        (0..100_000u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let mut u = Unstructured::new(&seed);
    while !u.is_empty() {
        insns.push(random::insn(&mut u).expect("bytes are left"));
    }
    insns.retain(llvm_spells);
    let mut source = String::new();
    for insn in &insns {
        writeln!(source, "{insn}").expect("a string grows");
    }
    let lines = assemble("pseudo", &source).expect("LLVM assembles our text");
    assert_eq!(lines.len(), insns.len());
    for (insn, line) in insns.iter().zip(lines.values()) {
        assert_eq!(encode(&[*insn]), line.bytes, "{insn} is {}", line.text);
        assert_eq!(insn.text(FORMS[2].0).to_string(), line.text);
    }
    println!("ran {} instructions", insns.len());
}
