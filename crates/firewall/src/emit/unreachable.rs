//! Removes what no path reaches.
//!
//! A rule without conditions ends its chain, and whatever stands behind it is dead code; the
//! kernel's verifier refuses a program that contains any.

use netloom_abi::{Function, Reloc};
use netloom_isa::{Callee, Insn, Pc};

/// A program's instructions with all that refers to their positions.
pub(super) struct Layout {
    pub(super) insns: Vec<Insn>,
    pub(super) functions: Vec<Function>,
    pub(super) relocs: Vec<Reloc>,
}

/// The program without its unreachable instructions and functions.
pub(super) fn remove(program: Layout) -> Layout {
    let Layout { insns, functions, relocs } = program;
    let (slots, slot_count) = positions(&insns, |_| true);
    let mut index_of = vec![usize::MAX; slot_count as usize];
    for (index, slot) in slots.iter().enumerate() {
        index_of[*slot as usize] = index;
    }
    let target =
        |index: usize, off: i32| index_of[slots[index].wrapping_add_signed(off + 1) as usize];
    let reached = reach(&insns, target);
    let (new_slots, _) = positions(&insns, |index| reached[index]);
    let moved = |pc: Pc| {
        let index = index_of[pc.0 as usize];
        reached[index].then(|| Pc(new_slots[index]))
    };
    let aimed =
        insns.iter().enumerate().filter(|(index, _)| reached[*index]).map(|(index, insn)| {
            let distance = |off: i32| {
                new_slots[target(index, off)].cast_signed() - new_slots[index].cast_signed() - 1
            };
            aim(*insn, distance)
        });
    Layout {
        insns: aimed.collect(),
        functions: functions
            .into_iter()
            .filter_map(|function| Some(Function { pc: moved(function.pc)?, ..function }))
            .collect(),
        relocs: relocs
            .into_iter()
            .filter_map(|reloc| Some(Reloc { pc: moved(reloc.pc)?, ..reloc }))
            .collect(),
    }
}

/// The slot of each instruction if only those that `kept` names take room, and the end.
fn positions(insns: &[Insn], kept: impl Fn(usize) -> bool) -> (Vec<u32>, u32) {
    let mut next = 0;
    let slots = insns.iter().enumerate().map(|(index, insn)| {
        let slot = next;
        next += if kept(index) { insn.slots() } else { 0 };
        slot
    });
    (slots.collect(), next)
}

/// Which instructions a path from the first one reaches, calls included.
fn reach(insns: &[Insn], target: impl Fn(usize, i32) -> usize) -> Vec<bool> {
    let mut reached = vec![false; insns.len()];
    let mut todo = vec![0];
    while let Some(index) = todo.pop() {
        if std::mem::replace(&mut reached[index], true) {
            continue;
        }
        let insn = insns[index];
        todo.extend(distance(insn).map(|off| target(index, off)));
        if !matches!(insn, Insn::Exit | Insn::Jump { .. }) {
            todo.push(index + 1);
        }
    }
    reached
}

/// How far the instruction leads away, if it does.
fn distance(insn: Insn) -> Option<i32> {
    if let Insn::Jump { off, .. } | Insn::Call(Callee::Local(off)) = insn {
        Some(off)
    } else if let Insn::JumpIf { off, .. } = insn {
        Some(off.into())
    } else {
        None
    }
}

/// The instruction with its distance, if it has one, replaced. Distances only shrink.
fn aim(insn: Insn, distance: impl Fn(i32) -> i32) -> Insn {
    if let Insn::Jump { off, .. } = insn {
        let off = distance(off);
        Insn::Jump { off, wide: i16::try_from(off).is_err() }
    } else if let Insn::Call(Callee::Local(off)) = insn {
        Insn::Call(Callee::Local(distance(off)))
    } else if let Insn::JumpIf { width, cond, dst, src, off } = insn {
        let off = i16::try_from(distance(off.into())).expect("distances only shrink");
        Insn::JumpIf { width, cond, dst, src, off }
    } else {
        insn
    }
}
