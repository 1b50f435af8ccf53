//! `Syntax::Kernel` is what the verifier prints, and `decode` refuses what the verifier refuses.
//!
//! Every slot is put into a program of its own. The verifier prints an instruction before it looks at
//! the operands, so most need not make sense.

use std::collections::BTreeSet;
use std::time::Instant;

use netloom_abi::Helper;
use netloom_isa::{
    Callee, DecodeError, Insn, Pc, Syntax, assemble, assemble_with, decode, encode, numbered,
};

use crate::slots;
use crate::verifier::{log, obstacle};

/// What the verifier says of a slot whose form is wrong, whatever the program around it.
const WRONG_FORM: [&str; 7] = [
    "uses reserved fields",
    "unknown opcode",
    "invalid may_goto imm",
    "invalid atomic opcode",
    "invalid atomic operand size",
    "unrecognized bpf_ld_imm64 insn",
    "invalid bpf_ld_imm64 insn",
];

/// What it says earlier, so that it does not come to look at the form.
const EARLIER: [&str; 8] = [
    "jump out of range",
    "unreachable insn",
    "last insn is not an exit or jmp",
    "call to invalid destination",
    "btf_id",
    "BTF",
    "without fd_array is invalid",
    "is not pointing to valid bpf_map",
];

/// Where the verifier shows the instruction under test.
const AT: Pc = Pc(10);

/// Opcodes that the verifier does not print: `gotox`, which Linux has from 6.19 on; `callx`, which it
/// has not.
const NOT_PRINTED: [u8; 2] = [0x0d, 0x8d];

/// `exit`, behind which nothing may follow.
const EXIT: u8 = 0x95;

/// Opcodes in all.
const OPCODES: usize = 130;

#[test]
fn the_verifier_reads_and_prints_every_slot_alike() {
    if let Some(reason) = obstacle() {
        return println!("skipped: {reason}");
    }
    let begun = Instant::now();
    // All registers hold something before, and jumps find something behind.
    let before: String = (0..AT.0).map(|number| format!("r{number} = 0\n")).collect();
    let before = encode(&assemble(&before).expect("sound").insns);
    let after = encode(&assemble(&("r0 = 0\n".repeat(9) + "exit")).expect("sound").insns);
    let mut found = Found::default();
    for record in slots::records().into_iter().filter(|record| is_worth_a_load(record)) {
        let after = if record[0] == EXIT { &[] } else { &after[..] };
        let program = [&before[..], &record, after].concat();
        found.check(&record, &log(&program));
    }
    println!("ran {} slots in {:?}, {} undecided", found.slots, begun.elapsed(), found.undecided);
    let missing: Vec<u8> = found.known.difference(&found.printed).copied().collect();
    assert!(missing.iter().all(|opcode| NOT_PRINTED.contains(opcode)), "not shown: {missing:02x?}");
    assert_eq!(found.known.len(), OPCODES);
    let never: Vec<u8> = found.known.difference(&found.refused).copied().collect();
    assert!(never.is_empty(), "no wrong form of these was refused: {never:02x?}");
}

/// Leaves out registers that select nothing, distances that lead out of the program, and all but a
/// few slots with an opcode that does not exist.
fn is_worth_a_load(record: &[u8]) -> bool {
    if matches!(decode(record), Err(DecodeError::UnknownOpcode { .. })) {
        return record[1..4] == [0; 3];
    }
    let selects = matches!(record[0], 0x18 | 0x85);
    let off = i16::from_le_bytes([record[2], record[3]]);
    let is_jump = matches!(record[0] & 7, 5 | 6);
    let is_near = (-1..=8).contains(&off) || !is_jump;
    is_near && (selects || matches!(record[1], 0 | 1 | 0x21))
}

/// What the verifier and `decode` agreed upon.
#[derive(Debug, Default)]
struct Found {
    slots: usize,
    undecided: usize,
    /// Opcodes of good slots, of printed ones, and of slots that both refuse.
    known: BTreeSet<u8>,
    printed: BTreeSet<u8>,
    refused: BTreeSet<u8>,
}

impl Found {
    fn check(&mut self, record: &[u8], log: &str) {
        self.slots += 1;
        let is_wrong = WRONG_FORM.iter().any(|words| log.contains(words));
        let Ok(insns) = decode(record) else {
            // The verifier does not look at the `off` of `exit`.
            let is_lax = record[0] == EXIT && record[2..4] != [0; 2];
            if is_wrong || is_lax {
                self.refused.insert(record[0]);
            } else {
                self.undecided += 1;
                let is_early = EARLIER.iter().any(|words| log.contains(words));
                assert!(is_early, "{record:02x?} is refused by us alone:\n{log}");
            }
            return;
        };
        let insn = insns[0];
        self.known.insert(record[0]);
        let is_foreign =
            matches!(insn, Insn::AddrPercpu { .. } | Insn::JumpReg { .. } | Insn::Call(_));
        assert!(!is_wrong || is_foreign, "{insn} is refused by the kernel alone:\n{log}");
        let Some((_, text)) = printed(log).into_iter().find(|(pc, _)| *pc == AT) else { return };
        self.printed.insert(record[0]);
        // Of an address the verifier shows what it stands for in the kernel.
        let is_address = record[0] == 0x18 && !matches!(record[1] >> 4, 0 | 4);
        // It knows the names of kernel functions.
        if !is_address && !matches!(insn, Insn::Call(Callee::Kfunc(..))) {
            assert_eq!(line(&insn), text);
        }
    }
}

/// The instructions in a log: position, and text with the opcode.
fn printed(log: &str) -> Vec<(Pc, String)> {
    let lines = log.lines().filter_map(|line| {
        let (number, text) = line.split_once(": (")?;
        let pc = Pc(number.parse().ok()?);
        // The state may stand behind it, and at a loop's head the state before it.
        let end = text.find(" ;").or_else(|| text.find(&format!(" {pc}: R")));
        Some((pc, format!("({}", text[..end.unwrap_or(text.len())].trim_end())))
    });
    lines.collect()
}

/// The instruction as the log has it.
fn line(insn: &Insn) -> String {
    let opcode = encode(&[*insn])[0];
    let text = insn.text(Syntax::Kernel).naming(|id| Helper::new(id).map(Helper::name));
    format!("({opcode:02x}) {text}")
}

/// Programs whose every instruction the verifier passes, in their order.
const PROGRAMS: &[&str] = &[
    "goto +2; r0 = 0; exit; goto -3",
    "gotol +2; r0 = 0; exit; gotol -3",
    "call bpf_ktime_get_ns; r1 = r0; call bpf_get_smp_processor_id; r0 = 0; exit",
    "r6 = 3; call f; r0 = r6; exit; f: r0 = 2; exit",
    "1: may_goto 2f; goto 1b; 2: r0 = 0; exit",
    "r6 = r1; r0 = *(u8 *)skb[14]; r7 = 2; r0 = *(u16 *)skb[r7 + -1]; r0 = 0; exit",
    "r0 = 0; *(u64 *)(r10 - 8) = r0; r2 = 7; r1 = 1; lock *(u64 *)(r10 - 8) += r2
     w2 = atomic_fetch_or((u32 *)(r10 - 8), w2); r0 = cmpxchg_64(r10 - 8, r0, r2); r0 = 0; exit",
];

#[test]
fn the_verifier_prints_whole_programs_alike() {
    if let Some(reason) = obstacle() {
        return println!("skipped: {reason}");
    }
    for source in PROGRAMS {
        let insns = assemble_with(source, |name| Helper::named(name).map(Helper::id));
        let insns = insns.expect("sound").insns;
        let shown = printed(&log(&encode(&insns)));
        let expected: Vec<(Pc, String)> =
            numbered(&insns).map(|(pc, insn)| (pc, line(insn))).collect();
        for row in &shown {
            assert!(expected.contains(row), "{source}: {row:?}");
        }
        let seen: BTreeSet<Pc> = shown.iter().map(|(pc, _)| *pc).collect();
        assert_eq!(seen.len(), expected.len(), "{source}: {shown:#?}");
    }
}
