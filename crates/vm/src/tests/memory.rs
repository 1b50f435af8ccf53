//! Loads, stores and atomics, in every kind of writable memory.

use netloom_abi::MapKind;
use netloom_isa::{AluOp, AtomicOp, Builder, Insn, Reg, Size, Width};

use super::{build, machine, spec};
use crate::{Context, Cpu, Denied, Fault, FaultKind};

/// Where `r6` points before the tested instructions: 16 zero bytes.
#[derive(Clone, Copy, Debug)]
enum Place {
    Stack,
    CallersStack,
    Context,
    MapValue,
}

const PLACES: [Place; 4] = [Place::Stack, Place::CallersStack, Place::Context, Place::MapValue];

fn run_at(place: Place, body: impl FnOnce(&mut Builder)) -> Result<u64, Fault> {
    let insns = build(|b| {
        match place {
            Place::Stack => {
                b.mov(Reg::R6, Reg::R10);
                b.alu(AluOp::Add, Reg::R6, -16);
            }
            Place::CallersStack => {
                let function = b.label();
                b.mov(Reg::R1, Reg::R10);
                b.alu(AluOp::Add, Reg::R1, -16);
                b.call(function);
                b.exit();
                b.place(function);
                b.mov(Reg::R6, Reg::R1);
            }
            Place::Context => {
                b.mov(Reg::R6, Reg::R1);
            }
            Place::MapValue => {
                b.map_value(Reg::R6, 0, 0);
            }
        }
        body(b);
        b.exit();
    });
    let machine = machine(insns, vec![spec("m", MapKind::Array, 16, 1)]);
    machine.run(&mut Cpu::new(0), 0, Context::Memory(&mut [0; 16]))
}

#[test]
fn loads_are_little_endian_and_extend_as_told() {
    let load = |size, signed, off: i16, place| {
        run_at(place, |b| {
            b.constant(Reg::R1, 0x8182_8384_8586_8788);
            b.store(Size::Dw, Reg::R6, 0, Reg::R1);
            b.push(Insn::Load { size, signed, dst: Reg::R0, base: Reg::R6, off });
        })
    };
    for place in PLACES {
        let cases = [
            (Size::B, false, 0, 0x88),
            (Size::B, false, 7, 0x81),
            (Size::B, true, 0, 0xffff_ffff_ffff_ff88),
            (Size::H, false, 1, 0x8687),
            (Size::H, true, 1, 0xffff_ffff_ffff_8687),
            (Size::W, false, 2, 0x8384_8586),
            (Size::W, true, 2, 0xffff_ffff_8384_8586),
            (Size::Dw, false, 0, 0x8182_8384_8586_8788),
            (Size::Dw, false, 5, 0x81_8283),
        ];
        for (size, signed, off, result) in cases {
            assert_eq!(load(size, signed, off, place), Ok(result), "{place:?} {size:?} {off}");
        }
    }
}

#[test]
fn stores_write_their_bytes_only() {
    for place in PLACES {
        for size in [Size::B, Size::H, Size::W, Size::Dw] {
            let result = run_at(place, |b| {
                b.store(Size::Dw, Reg::R6, 0, -1);
                b.store(Size::Dw, Reg::R6, 8, -1);
                b.constant(Reg::R1, 0x0102_0304_0506_0700);
                b.store(size, Reg::R6, 1, Reg::R1);
                b.load(Size::Dw, Reg::R0, Reg::R6, 0);
            });
            let mut expected = [0xff; 8];
            let bytes = size.bytes().min(7) as usize;
            let value = 0x0102_0304_0506_0700u64.to_le_bytes();
            expected[1..=bytes].copy_from_slice(&value[..bytes]);
            assert_eq!(result, Ok(u64::from_le_bytes(expected)), "{place:?} {size:?}");
        }
    }
}

#[test]
fn stored_constants_are_sign_extended() {
    for place in PLACES {
        let result = run_at(place, |b| {
            b.store(Size::Dw, Reg::R6, 0, -2);
            b.load(Size::Dw, Reg::R0, Reg::R6, 0);
        });
        assert_eq!(result, Ok(u64::MAX - 1), "{place:?}");
    }
}

const OLD: u64 = 0xf0f0_f0f0_0000_0005;
const NEW: u64 = 0x0ff0_0000_ffff_fff7;

/// Operation, `r0` before; 64-bit: memory, source, `r0` after; 32-bit: the same.
type AtomicRow = (AtomicOp, u64, [u64; 3], [u64; 3]);

const LOW: u64 = 0xffff_ffff;
const HIGH: u64 = OLD & !LOW;

const ATOMICS: &[AtomicRow] = &[
    (
        AtomicOp::Add { fetch: false },
        1,
        [OLD.wrapping_add(NEW), NEW, 1],
        [HIGH | 0xffff_fffc, NEW, 1],
    ),
    (AtomicOp::Add { fetch: true }, 1, [OLD.wrapping_add(NEW), OLD, 1], [HIGH | 0xffff_fffc, 5, 1]),
    (AtomicOp::Or { fetch: false }, 1, [OLD | NEW, NEW, 1], [HIGH | 0xffff_fff7, NEW, 1]),
    (AtomicOp::Or { fetch: true }, 1, [OLD | NEW, OLD, 1], [HIGH | 0xffff_fff7, 5, 1]),
    (AtomicOp::And { fetch: false }, 1, [OLD & NEW, NEW, 1], [HIGH | 5, NEW, 1]),
    (AtomicOp::And { fetch: true }, 1, [OLD & NEW, OLD, 1], [HIGH | 5, 5, 1]),
    (AtomicOp::Xor { fetch: false }, 1, [OLD ^ NEW, NEW, 1], [HIGH | 0xffff_fff2, NEW, 1]),
    (AtomicOp::Xor { fetch: true }, 1, [OLD ^ NEW, OLD, 1], [HIGH | 0xffff_fff2, 5, 1]),
    (AtomicOp::Xchg, 1, [NEW, OLD, 1], [HIGH | 0xffff_fff7, 5, 1]),
    (AtomicOp::Cmpxchg, OLD, [NEW, NEW, OLD], [HIGH | 0xffff_fff7, NEW, 5]),
    (AtomicOp::Cmpxchg, 6, [OLD, NEW, OLD], [OLD, NEW, 5]),
];

#[test]
fn atomics_change_memory_and_fetch_the_old_value() {
    for &(op, before, result64, result32) in ATOMICS {
        for place in PLACES {
            for (width, result) in [(Width::W64, result64), (Width::W32, result32)] {
                for (part, expected) in result.into_iter().enumerate() {
                    let got = run_at(place, |b| {
                        b.constant(Reg::R1, OLD);
                        b.store(Size::Dw, Reg::R6, 0, Reg::R1);
                        b.constant(Reg::R2, NEW);
                        b.constant(Reg::R0, before);
                        b.push(Insn::Atomic { op, width, base: Reg::R6, off: 0, src: Reg::R2 });
                        match part {
                            0 => {
                                b.load(Size::Dw, Reg::R0, Reg::R6, 0);
                            }
                            1 => {
                                b.mov(Reg::R0, Reg::R2);
                            }
                            _ => {}
                        }
                    });
                    assert_eq!(got, Ok(expected), "{op:?} {width:?} {place:?} part {part}");
                }
            }
        }
    }
}

#[test]
fn acquire_and_release_move_values_of_every_size() {
    for place in PLACES {
        for (size, expected) in
            [(Size::B, 0xf7), (Size::H, 0xfff7), (Size::W, 0xffff_fff7), (Size::Dw, NEW)]
        {
            let got = run_at(place, |b| {
                b.constant(Reg::R1, NEW);
                b.push(Insn::StoreRelease { size, base: Reg::R6, off: 8, src: Reg::R1 });
                b.push(Insn::LoadAcquire { size: Size::Dw, dst: Reg::R2, base: Reg::R6, off: 8 });
                b.push(Insn::LoadAcquire { size, dst: Reg::R0, base: Reg::R6, off: 8 });
                b.alu(AluOp::Xor, Reg::R2, Reg::R0);
                b.alu(AluOp::Or, Reg::R0, Reg::R2);
            });
            assert_eq!(got, Ok(expected), "{place:?} {size:?}");
        }
    }
}

#[test]
fn ordered_accesses_must_be_aligned() {
    let atomic = AtomicOp::Add { fetch: false };
    let cases = [
        Insn::Atomic { op: atomic, width: Width::W64, base: Reg::R6, off: 4, src: Reg::R0 },
        Insn::Atomic { op: atomic, width: Width::W32, base: Reg::R6, off: 2, src: Reg::R0 },
        Insn::LoadAcquire { size: Size::H, dst: Reg::R0, base: Reg::R6, off: 1 },
        Insn::StoreRelease { size: Size::Dw, base: Reg::R6, off: 1, src: Reg::R0 },
    ];
    for place in PLACES {
        for insn in cases {
            let fault = run_at(place, |b| {
                b.push(insn);
            })
            .expect_err("misaligned");
            assert!(
                matches!(fault.kind, FaultKind::Access { denied: Denied::Misaligned, .. }),
                "{place:?} {fault}"
            );
        }
    }
}

#[test]
fn a_map_that_programs_may_not_write_is_readable() {
    let read_only = netloom_abi::MapSpec {
        flags: 1 << 7,
        initial: vec![vec![42; 8]],
        ..spec("rodata", MapKind::Array, 8, 1)
    };
    let go = |store: bool| {
        let insns = build(|b| {
            b.map_value(Reg::R6, 0, 0);
            if store {
                b.store(Size::B, Reg::R6, 0, 1);
            }
            b.load(Size::B, Reg::R0, Reg::R6, 0);
            b.exit();
        });
        let machine = machine(insns, vec![read_only.clone()]);
        machine.run(&mut Cpu::new(0), 0, Context::Memory(&mut []))
    };
    assert_eq!(go(false), Ok(42));
    let fault = go(true).expect_err("read-only");
    assert!(matches!(fault.kind, FaultKind::Access { denied: Denied::ReadOnly, .. }), "{fault}");
}

#[test]
fn threads_that_share_a_machine_lose_no_atomic_addition() {
    let insns = build(|b| {
        let again = b.label();
        b.map_value(Reg::R6, 0, 0);
        b.mov(Reg::R7, 1000);
        b.mov(Reg::R1, 1);
        b.place(again);
        let op = AtomicOp::Add { fetch: false };
        b.push(Insn::Atomic { op, width: Width::W64, base: Reg::R6, off: 0, src: Reg::R1 });
        b.push(Insn::Atomic { op, width: Width::W32, base: Reg::R6, off: 12, src: Reg::R1 });
        b.alu(AluOp::Sub, Reg::R7, 1);
        b.jump_if(netloom_isa::Cond::Ne, Reg::R7, 0, again);
        b.mov(Reg::R0, 0);
        b.exit();
    });
    let machine = machine(insns, vec![spec("m", MapKind::Array, 16, 1)]);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| machine.run(&mut Cpu::new(0), 0, Context::Memory(&mut [])));
        }
    });
    let value = machine.maps()[0].lookup(&[0; 4]).expect("inside");
    assert_eq!(value, [4000u64.to_le_bytes(), (4000u64 << 32).to_le_bytes()].concat());
}
