//! Instructions after which the next one follows, as types.
//!
//! [`Step::step`] of such a type is the code of one instruction form, whatever its registers. Handlers
//! are generic over one, two or three of them, which is how instructions are fused.

use std::marker::PhantomData;

use crate::alu::{Operation, Unary, extend, low};
use crate::engine::{Engine, Registers, access};
use crate::fault::Access;
use crate::op::{At, End, Op, go};

/// An instruction form.
pub(crate) trait Step {
    /// Executes the instruction, or gives up without having changed anything.
    fn step(engine: &mut Engine<'_>, op: &Op) -> bool;

    /// Executes the instruction where [`Step::step`] gave up, and goes on behind it. Only asked of
    /// steps that may give up.
    fn far<'r>(engine: &mut Engine<'r>, _ops: &'r [Op], at: At, _op: &'r Op) -> End {
        engine.pause(at)
    }
}

/// The second operand.
pub(crate) trait Source {
    fn get(registers: &Registers, op: &Op) -> u64;
}

/// A register.
pub(crate) struct X;
/// A constant.
pub(crate) struct K;

impl Source for X {
    #[inline(always)]
    fn get(registers: &Registers, op: &Op) -> u64 {
        registers.get(op.src)
    }
}

impl Source for K {
    #[inline(always)]
    fn get(_: &Registers, op: &Op) -> u64 {
        extend(op.k)
    }
}

/// Arithmetic of 64 bits.
pub(crate) struct Alu64<O, S>(PhantomData<(O, S)>);
/// Arithmetic of 32 bits.
pub(crate) struct Alu32<O, S>(PhantomData<(O, S)>);
/// Arithmetic of one operand, from `src` to `dst`.
pub(crate) struct One<U>(PhantomData<U>);
/// A load of `N` bytes.
pub(crate) struct Load<const N: usize>;
/// A store of `N` bytes.
pub(crate) struct Store<const N: usize, S>(PhantomData<S>);

impl<O: Operation, S: Source> Step for Alu64<O, S> {
    #[inline(always)]
    fn step(engine: &mut Engine<'_>, op: &Op) -> bool {
        let registers = &mut engine.registers;
        registers.set(op.dst, O::w64(registers.get(op.dst), S::get(registers, op)));
        true
    }
}

impl<O: Operation, S: Source> Step for Alu32<O, S> {
    #[inline(always)]
    fn step(engine: &mut Engine<'_>, op: &Op) -> bool {
        let registers = &mut engine.registers;
        let result = O::w32(low(registers.get(op.dst)), low(S::get(registers, op)));
        registers.set(op.dst, u64::from(result));
        true
    }
}

impl<U: Unary> Step for One<U> {
    #[inline(always)]
    fn step(engine: &mut Engine<'_>, op: &Op) -> bool {
        engine.registers.set(op.dst, U::of(engine.registers.get(op.src)));
        true
    }
}

impl<const N: usize> Step for Load<N> {
    #[inline(always)]
    fn step(engine: &mut Engine<'_>, op: &Op) -> bool {
        let value = engine.memory.load_near::<N>(place(&engine.registers, op.src, op));
        value.map(|value| engine.registers.set(op.dst, value)).is_some()
    }

    fn far<'r>(engine: &mut Engine<'r>, ops: &'r [Op], at: At, op: &'r Op) -> End {
        match engine.memory.load_map::<N>(place(&engine.registers, op.src, op)) {
            Some(value) => {
                engine.registers.set(op.dst, value);
                go(engine, ops, at.next())
            }
            None => load_anywhere::<N>(engine, ops, at, op),
        }
    }
}

impl<const N: usize, S: Source> Step for Store<N, S> {
    #[inline(always)]
    fn step(engine: &mut Engine<'_>, op: &Op) -> bool {
        let address = place(&engine.registers, op.dst, op);
        engine.memory.store_near::<N>(address, S::get(&engine.registers, op)).is_some()
    }

    fn far<'r>(engine: &mut Engine<'r>, ops: &'r [Op], at: At, op: &'r Op) -> End {
        let address = place(&engine.registers, op.dst, op);
        match engine.memory.store_map::<N>(address, S::get(&engine.registers, op)) {
            Some(()) => go(engine, ops, at.next()),
            None => store_anywhere::<N, S>(engine, ops, at, op),
        }
    }
}

/// A load from neither a near region nor a map.
#[inline(never)]
fn load_anywhere<'r, const N: usize>(
    engine: &mut Engine<'r>,
    ops: &'r [Op],
    at: At,
    op: &'r Op,
) -> End {
    let address = place(&engine.registers, op.src, op);
    match engine.memory.load::<N>(address) {
        Ok(value) => {
            engine.registers.set(op.dst, value);
            go(engine, ops, at.next())
        }
        Err(denied) => engine.stop(at, access(Access::Load, address, N, denied)),
    }
}

/// A store to neither a near region nor a map.
#[inline(never)]
fn store_anywhere<'r, const N: usize, S: Source>(
    engine: &mut Engine<'r>,
    ops: &'r [Op],
    at: At,
    op: &'r Op,
) -> End {
    let address = place(&engine.registers, op.dst, op);
    match engine.memory.store::<N>(address, S::get(&engine.registers, op)) {
        Ok(()) => go(engine, ops, at.next()),
        Err(denied) => engine.stop(at, access(Access::Store, address, N, denied)),
    }
}

/// The address that an access with this base names.
#[inline(always)]
fn place(registers: &Registers, base: netloom_isa::Reg, op: &Op) -> u64 {
    registers.get(base).wrapping_add(extend(op.off.into()))
}
