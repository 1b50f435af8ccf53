//! Labels lead to the right slots, at any distance they can.

use netloom_isa::{
    BuildError, Builder, Callee, Cond, Imm64, Insn, Label, Operand, Pc, Reg, Width, assemble,
    numbered,
};

/// The program that a function builds; what it returns does not matter.
fn built<T>(build: impl FnOnce(&mut Builder) -> T) -> Result<Vec<Insn>, BuildError> {
    let mut builder = Builder::new();
    build(&mut builder);
    builder.finish()
}

#[test]
fn labels_lead_forwards_and_backwards_over_wide_constants() {
    let insns = built(|b| {
        let (start, end, function) = (b.label(), b.label(), b.label());
        b.place(start);
        b.constant(Reg::R1, 1 << 40);
        b.jump_if(Cond::Eq, Reg::R1, 0, end);
        b.jump_if32(Cond::Slt, Reg::R1, Reg::R2, start);
        b.function(Reg::R2, function);
        b.call(function);
        b.jump(start);
        b.place(end);
        b.exit();
        b.place(function);
        b.exit();
    });
    let expected = "r1 = 0x10000000000 ll
        if r1 == 0 goto +5
        if w1 s< w2 goto -4
        r2 = subprog[+4]
        call pc+2
        goto -8
        exit
        exit";
    assert_eq!(insns, Ok(assemble(expected).expect("parses").insns));
}

#[test]
fn constants_take_one_slot_where_they_fit() {
    let cases: [(u64, Width, i32); 5] = [
        (0, Width::W64, 0),
        (u64::MAX, Width::W64, -1),
        (0x7fff_ffff, Width::W64, i32::MAX),
        (0x8000_0000, Width::W32, i32::MIN),
        (0xffff_ffff, Width::W32, -1),
    ];
    for (value, expected_width, expected) in cases {
        let insns = built(|b| b.constant(Reg::R1, value)).expect("builds");
        let [Insn::Alu { width, src, .. }] = insns[..] else { panic!("{value:#x}: {insns:?}") };
        assert_eq!((width, src), (expected_width, Operand::Imm(expected)), "{value:#x}");
    }
    for value in [0x1_0000_0000, 0xffff_ffff_7fff_ffff] {
        let insn = Insn::LoadImm64 { dst: Reg::R1, value: Imm64::Value(value) };
        assert_eq!(built(|b| b.constant(Reg::R1, value)), Ok(vec![insn]));
    }
}

/// A jump of this kind over this many slots.
fn over(slots: u32, jump: impl FnOnce(&mut Builder, Label) -> Pc) -> Result<Insn, BuildError> {
    let insns = built(|b| {
        let end = b.label();
        jump(b, end);
        for _ in 0..slots {
            b.mov(Reg::R0, 0);
        }
        b.place(end);
        b.exit();
    });
    insns.map(|insns| insns[0])
}

#[test]
fn plain_jumps_and_calls_reach_further_than_branches() {
    let jump = |slots| over(slots, |b, end| b.jump(end));
    assert_eq!(jump(32_767), Ok(Insn::Jump { off: 32_767, wide: false }));
    assert_eq!(jump(32_768), Ok(Insn::Jump { off: 32_768, wide: true }));
    let call = over(32_768, |b, end| b.call(end));
    assert_eq!(call, Ok(Insn::Call(Callee::Local(32_768))));
    let branch = |slots| over(slots, |b, end| b.jump_if(Cond::Eq, Reg::R0, 0, end));
    assert!(matches!(branch(32_767), Ok(Insn::JumpIf { off: 32_767, .. })));
    assert_eq!(branch(32_768), Err(BuildError::TooFar { pc: Pc(0), distance: 32_768 }));
}

#[test]
fn a_label_without_place_is_refused() {
    let insns = built(|b| {
        let nowhere = b.label();
        b.map(Reg::R1, 0);
        b.jump(nowhere);
    });
    assert_eq!(insns, Err(BuildError::Unplaced { pc: Pc(2) }));
}

#[test]
fn positions_count_slots() {
    let insns = assemble("r1 = 1 ll; r0 = 0; exit").expect("parses").insns;
    let positions: Vec<u32> = numbered(&insns).map(|(pc, _)| pc.0).collect();
    assert_eq!(positions, [0, 2, 3]);
}
