//! Decode and encode are each other's inverse, and refuse what the kernel's verifier refuses.

mod random;
mod slots;

use arbtest::arbtest;
use netloom_isa::{
    AluOp, ByteOrder, Callee, DecodeError, EndianOp, Imm64, Insn, Operand, Pc, Reg, Size,
    SlotField, Width, decode, decode_for, encode, encode_for,
};

#[test]
fn canonical_instructions_survive_encoding() {
    arbtest(|u| {
        let mut insns = Vec::new();
        while !u.is_empty() && insns.len() < 64 {
            insns.push(random::insn(u)?);
        }
        for order in [ByteOrder::Little, ByteOrder::Big] {
            assert_eq!(decode_for(order, &encode_for(order, &insns)).as_ref(), Ok(&insns));
        }
        Ok(())
    })
    .budget_ms(2_000);
}

#[test]
fn accepted_slots_encode_to_the_same_bytes() {
    let offs = [0i16, 1, 2, 8, 16, 32, -1, 0x1234];
    let imms = [0i32, 1, 16, 32, 64, 0x40, 0x41, 0xa1, 0xe1, 0xf0, 0xf1, 0x100, 0x110, -7];
    let mut accepted = 0;
    for opcode in 0..=255u8 {
        for registers in 0..=255u8 {
            for off in offs {
                for imm in imms {
                    accepted += u32::from(round_trip(opcode, registers, off, imm));
                }
            }
        }
    }
    assert!(accepted > 90_000, "only {accepted} accepted");
}

#[test]
fn every_form_survives_both_byte_orders() {
    let exit = encode(&[Insn::Exit]);
    for record in slots::records() {
        match decode(&[exit.clone(), record.clone()].concat()) {
            Ok(insns) => {
                assert_eq!(encode(&insns)[8..], record);
                let big = encode_for(ByteOrder::Big, &insns);
                assert_eq!(decode_for(ByteOrder::Big, &big), Ok(insns));
            }
            Err(DecodeError::SecondSlot { pc }) => assert_eq!(pc, Pc(2)),
            Err(error) => assert_eq!(error.pc(), Pc(1), "{record:02x?}: {error}"),
        }
    }
}

fn round_trip(opcode: u8, registers: u8, off: i16, imm: i32) -> bool {
    let mut bytes = [0; 16];
    bytes[0] = opcode;
    bytes[1] = registers;
    bytes[2..4].copy_from_slice(&off.to_le_bytes());
    bytes[4..8].copy_from_slice(&imm.to_le_bytes());
    let bytes = if opcode == 0x18 { &bytes[..] } else { &bytes[..8] };
    match decode(bytes) {
        Ok(insns) => {
            assert_eq!(insns.len(), 1);
            assert!(insns[0].is_canonical());
            assert_eq!(encode(&insns), bytes);
            true
        }
        Err(error) => {
            assert_eq!(error.pc(), Pc(0));
            false
        }
    }
}

#[test]
fn random_bytes_never_panic() {
    arbtest(|u| {
        let bytes = u.bytes(u.len())?;
        if let Ok(insns) = decode(bytes) {
            assert_eq!(encode(&insns), bytes);
        }
        Ok(())
    })
    .budget_ms(2_000);
}

#[test]
fn jump_beyond_16_bits_becomes_wide() {
    let insn = Insn::Jump { off: 40_000, wide: false };
    assert!(!insn.is_canonical());
    assert_eq!(decode(&encode(&[insn])), Ok(vec![Insn::Jump { off: 40_000, wide: true }]));
}

#[test]
fn values_outside_the_instruction_set_are_refused_after_encoding() {
    let (dst, src, base) = (Reg::R1, Reg::R2, Reg::R2);
    for insn in [
        Insn::MovSx { width: Width::W32, from: Size::W, dst, src },
        Insn::MovSx { width: Width::W64, from: Size::Dw, dst, src },
        Insn::Load { size: Size::Dw, signed: true, dst, base, off: 0 },
        Insn::LoadPacket { size: Size::Dw, index: None, imm: 0 },
        Insn::LoadPacket { size: Size::Dw, index: Some(src), imm: 0 },
        Insn::Endian { op: EndianOp::ToBe, size: Size::B, dst },
        Insn::Call(Callee::RegImm(Reg::R0)),
    ] {
        assert!(!insn.is_canonical(), "{insn:?}");
        assert_eq!(
            decode(&encode(&[insn])),
            Err(DecodeError::UnknownOpcode { pc: Pc(0), opcode: 0 }),
            "{insn:?}"
        );
    }
}

/// Slots with their instruction; opcodes as the macros of `linux/filter.h` give them.
#[test]
fn known_slots_decode() {
    let (width, dst, src) = (Width::W64, Reg::R1, Operand::Reg(Reg::R2));
    check("0f 21 00 00 00000000", Insn::Alu { width, op: AluOp::Add, dst, src });
    check("3c 21 01 00 00000000", Insn::Alu { width: Width::W32, op: AluOp::Sdiv, dst, src });
    check("b7 01 00 00 ffffffff", Insn::Alu { width, op: AluOp::Mov, dst, src: (-1).into() });
    check("bf 21 20 00 00000000", Insn::MovSx { width, from: Size::W, dst, src: Reg::R2 });
    check("bf 21 01 00 00000100", Insn::AddrSpaceCast { dst, src: Reg::R2, to: 1, from: 0 });
    check("bf 21 00 00 00000000", Insn::Alu { width, op: AluOp::Mov, dst, src });
    check("bf 21 ff ff 00000000", Insn::AddrPercpu { dst, src: Reg::R2 });
    check("dc 01 00 00 10000000", Insn::Endian { op: EndianOp::ToBe, size: Size::H, dst });
    check(
        "18 61 00 00 02000000 00 00 00 00 04000000",
        Insn::LoadImm64 { dst, value: Imm64::MapIndexValue(2, 4) },
    );
    check(
        "91 21 fc ff 00000000",
        Insn::Load { size: Size::B, signed: true, dst, base: Reg::R2, off: -4 },
    );
    check("d3 21 08 00 00010000", Insn::LoadAcquire { size: Size::B, dst, base: Reg::R2, off: 8 });
    check(
        "db 21 08 00 10010000",
        Insn::StoreRelease { size: Size::Dw, base: dst, off: 8, src: Reg::R2 },
    );
    check("06 00 00 00 00000100", Insn::Jump { off: 65_536, wide: true });
    check("0d 01 00 00 00000000", Insn::JumpReg { dst });
    check("e5 00 05 00 00000000", Insn::MayGoto { off: 5 });
    check("85 20 01 00 07000000", Insn::Call(Callee::Kfunc(7, 1)));
    check("8d 01 00 00 00000000", Insn::Call(Callee::Reg(dst)));
    check("8d 00 00 00 01000000", Insn::Call(Callee::RegImm(dst)));
}

fn check(hex: &str, insn: Insn) {
    assert_eq!(decode(&unhex(hex)), Ok(vec![insn]), "{hex}");
    assert_eq!(encode(&[insn]), unhex(hex), "{insn:?}");
}

fn unhex(hex: &str) -> Vec<u8> {
    let digits: String = hex.split(' ').collect();
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hex"))
        .collect()
}

#[test]
fn reserved_fields_are_refused_with_their_name() {
    let reserved =
        |opcode, field, value| Err(DecodeError::Reserved { pc: Pc(0), opcode, field, value });
    let unknown = |opcode, field, value| {
        Err(DecodeError::UnknownOperation { pc: Pc(0), opcode, field, value })
    };
    for (hex, expected) in [
        ("07 21 00 00 05000000", reserved(0x07, SlotField::Src, 2)),
        ("0f 21 00 00 05000000", reserved(0x0f, SlotField::Imm, 5)),
        ("07 01 03 00 05000000", reserved(0x07, SlotField::Off, 3)),
        ("bf 21 05 00 00000000", unknown(0xbf, SlotField::Off, 5)),
        ("b7 01 08 00 00000000", unknown(0xb7, SlotField::Off, 8)),
        ("bc 21 20 00 00000000", unknown(0xbc, SlotField::Off, 32)),
        ("dc 01 00 00 08000000", unknown(0xdc, SlotField::Imm, 8)),
        ("db 21 00 00 02000000", unknown(0xdb, SlotField::Imm, 2)),
        ("d3 21 00 00 01000000", unknown(0xd3, SlotField::Imm, 1)),
        ("8d 03 00 00 01000000", reserved(0x8d, SlotField::Dst, 3)),
        ("8d 00 00 00 0b000000", unknown(0x8d, SlotField::Imm, 11)),
        ("95 01 00 00 00000000", reserved(0x95, SlotField::Dst, 1)),
        ("85 30 00 00 00000000", unknown(0x85, SlotField::Src, 3)),
        ("85 10 01 00 00000000", reserved(0x85, SlotField::Off, 1)),
        ("06 00 01 00 00000000", reserved(0x06, SlotField::Off, 1)),
        ("18 71 00 00 00000000 0000000000000000", unknown(0x18, SlotField::Src, 7)),
        (
            "0f b1 00 00 00000000",
            Err(DecodeError::Register { pc: Pc(0), field: SlotField::Src, number: 11 }),
        ),
        ("18 01 00 00 00000000", Err(DecodeError::HalfImm64 { pc: Pc(0) })),
        ("18 11 00 00 03000000 0000000001000000", Err(DecodeError::SecondSlot { pc: Pc(1) })),
        ("9500000000000000 9500", Err(DecodeError::Truncated { pc: Pc(1), bytes: 2 })),
        ("86 00 00 00 00000000", Err(DecodeError::UnknownOpcode { pc: Pc(0), opcode: 0x86 })),
        ("99 21 00 00 00000000", Err(DecodeError::UnknownOpcode { pc: Pc(0), opcode: 0x99 })),
        ("38 00 00 00 00000000", Err(DecodeError::UnknownOpcode { pc: Pc(0), opcode: 0x38 })),
    ] {
        assert_eq!(decode(&unhex(hex)), expected, "{hex}");
    }
}
