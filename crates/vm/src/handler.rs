//! What executes an instruction, or several that follow each other.

use std::marker::PhantomData;

use netloom_isa::Reg;

use crate::alu::{Condition, low};
use crate::engine::{Engine, Next, Registers};
use crate::fault::FaultKind;
use crate::helper;
use crate::kfunc;
use crate::op::{At, End, Op, go};
use crate::step::{Source, Step};

/// One instruction.
pub(crate) fn one<'r, S: Step>(engine: &mut Engine<'r>, ops: &'r [Op], at: At, op: &'r Op) -> End {
    if S::step(engine, op) { go(engine, ops, at.next()) } else { S::far(engine, ops, at, op) }
}

/// Two instructions.
pub(crate) fn two<'r, A: Step, B: Step>(
    engine: &mut Engine<'r>,
    ops: &'r [Op],
    at: At,
    op: &'r Op,
) -> End {
    if !A::step(engine, op) {
        return A::far(engine, ops, at, op);
    }
    let at = at.next();
    let Some(op) = ops.get(at.pc) else { return engine.pause(at) };
    if B::step(engine, op) { go(engine, ops, at.next()) } else { B::far(engine, ops, at, op) }
}

/// Whether a jump is taken.
pub(crate) trait Test {
    fn is_taken(registers: &Registers, op: &Op) -> bool;
}

/// A comparison of 64 bits.
pub(crate) struct If64<C, S>(PhantomData<(C, S)>);
/// A comparison of 32 bits.
pub(crate) struct If32<C, S>(PhantomData<(C, S)>);

impl<C: Condition, S: Source> Test for If64<C, S> {
    #[inline(always)]
    fn is_taken(registers: &Registers, op: &Op) -> bool {
        C::w64(registers.get(op.dst), S::get(registers, op))
    }
}

impl<C: Condition, S: Source> Test for If32<C, S> {
    #[inline(always)]
    fn is_taken(registers: &Registers, op: &Op) -> bool {
        C::w32(low(registers.get(op.dst)), low(S::get(registers, op)))
    }
}

/// A conditional jump.
#[inline(always)]
pub(crate) fn jump_if<'r, T: Test>(
    engine: &mut Engine<'r>,
    ops: &'r [Op],
    at: At,
    op: &'r Op,
) -> End {
    if T::is_taken(&engine.registers, op) {
        jump(engine, ops, at, op.off.into())
    } else {
        go(engine, ops, at.next())
    }
}

/// A conditional jump and the `goto` behind it.
pub(crate) fn jump_if_else<'r, T: Test>(
    engine: &mut Engine<'r>,
    ops: &'r [Op],
    at: At,
    op: &'r Op,
) -> End {
    if T::is_taken(&engine.registers, op) {
        return jump(engine, ops, at, op.off.into());
    }
    let at = at.next();
    let Some(op) = ops.get(at.pc) else { return engine.pause(at) };
    jump(engine, ops, at, op.k)
}

/// An instruction and a conditional jump.
pub(crate) fn one_jump_if<'r, A: Step, T: Test>(
    engine: &mut Engine<'r>,
    ops: &'r [Op],
    at: At,
    op: &'r Op,
) -> End {
    if !A::step(engine, op) {
        return A::far(engine, ops, at, op);
    }
    let at = at.next();
    let Some(op) = ops.get(at.pc) else { return engine.pause(at) };
    jump_if::<T>(engine, ops, at, op)
}

/// `goto`.
pub(crate) fn goto<'r>(engine: &mut Engine<'r>, ops: &'r [Op], at: At, op: &'r Op) -> End {
    jump(engine, ops, at, op.k)
}

/// Goes on `distance` slots behind the next one.
#[inline(always)]
fn jump<'r>(engine: &mut Engine<'r>, ops: &'r [Op], at: At, distance: i32) -> End {
    if at.is_spent() { engine.pause(at) } else { go(engine, ops, at.jump(distance)) }
}

/// An instruction and a `goto`.
pub(crate) fn one_jump<'r, A: Step>(
    engine: &mut Engine<'r>,
    ops: &'r [Op],
    at: At,
    op: &'r Op,
) -> End {
    if !A::step(engine, op) {
        return A::far(engine, ops, at, op);
    }
    let at = at.next();
    let Some(op) = ops.get(at.pc) else { return engine.pause(at) };
    jump(engine, ops, at, op.k)
}

/// A constant of 64 bits, the upper half of which is in the second slot.
pub(crate) fn constant<'r>(engine: &mut Engine<'r>, ops: &'r [Op], at: At, op: &'r Op) -> End {
    let Some(upper) = ops.get(at.pc.wrapping_add(1)) else { return engine.pause(at) };
    let value = u64::from(upper.k.cast_unsigned()) << 32 | u64::from(op.k.cast_unsigned());
    engine.registers.set(op.dst, value);
    go(engine, ops, at.next_wide())
}

/// A call of a function of the program.
pub(crate) fn call<'r>(engine: &mut Engine<'r>, ops: &'r [Op], at: At, op: &'r Op) -> End {
    engine.enter(ops, at, at.jump(op.k), false)
}

/// The end of a function.
pub(crate) fn exit<'r>(engine: &mut Engine<'r>, ops: &'r [Op], at: At, _: &'r Op) -> End {
    engine.leave(ops, at)
}

/// A call of a helper, by its row.
pub(crate) fn call_helper<'r>(engine: &mut Engine<'r>, ops: &'r [Op], at: At, op: &'r Op) -> End {
    if engine.call(helper::run(op.k)) { go(engine, ops, at.next()) } else { engine.call_failed(at) }
}

/// A call of `map_lookup_elem`, which does without the generic call where the key is near.
pub(crate) fn call_lookup<'r>(engine: &mut Engine<'r>, ops: &'r [Op], at: At, op: &'r Op) -> End {
    match helper::lookup_near(engine) {
        Some(value) => {
            engine.registers.set(Reg::R0, value);
            go(engine, ops, at.next())
        }
        None => call_helper(engine, ops, at, op),
    }
}

/// A call of a kernel function, by its row.
pub(crate) fn call_kfunc<'r>(engine: &mut Engine<'r>, ops: &'r [Op], at: At, op: &'r Op) -> End {
    if engine.call(kfunc::run(op.k)) { go(engine, ops, at.next()) } else { engine.call_failed(at) }
}

/// A rare operation, by its place in the program's table.
pub(crate) fn rare<'r>(engine: &mut Engine<'r>, ops: &'r [Op], at: At, op: &'r Op) -> End {
    if at.is_spent() {
        return engine.pause(at);
    }
    match engine.rare(at, op.k) {
        Next::Continue => go(engine, ops, at.next()),
        Next::Jump(pc) => go(engine, ops, at.to(pc)),
        Next::Call { pc, is_callback } => engine.enter(ops, at, at.to(pc), is_callback),
        Next::Return => engine.leave(ops, at),
        Next::End(end) => end,
    }
}

/// An instruction that can not be executed, by its place in the program's table of faults.
pub(crate) fn trap<'r>(engine: &mut Engine<'r>, _: &'r [Op], at: At, op: &'r Op) -> End {
    let kind = engine.code.fault(op.k);
    engine.stop(at, kind)
}

/// The second slot of a constant, where nothing leads but a jump to a register's content.
pub(crate) fn inside<'r>(engine: &mut Engine<'r>, _: &'r [Op], at: At, _: &'r Op) -> End {
    engine.stop(at, FaultKind::JumpOutside { target: i64::try_from(at.pc).unwrap_or(i64::MAX) })
}
