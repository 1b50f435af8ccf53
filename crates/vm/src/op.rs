//! Decoded slots.
//!
//! A program is an array of [`Op`]s, one per slot, so that a position in it is a [`Pc`]: each holds the
//! function that executes the instruction, and the operands where the instruction has them. A handler
//! ends by calling the handler of the next slot ([`go`]). Optimisers turn that call into a jump, as
//! nothing is left to do after it; then a run goes from handler to handler without a loop around them.
//! Where they do not, calls nest, and [`SPAN`] bounds how deep.
//!
//! [`Pc`]: netloom_isa::Pc

use netloom_isa::{AtomicOp, Cond, Operand, Reg, Size, Width};

use crate::engine::Engine;

/// A slot.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Op {
    pub(crate) run: Handler,
    pub(crate) dst: Reg,
    pub(crate) src: Reg,
    pub(crate) off: i16,
    /// The constant, the distance of a `goto` or call, or an index into a table of [`Code`].
    ///
    /// [`Code`]: crate::lower::Code
    pub(crate) k: i32,
}

// Four ops are a cache line.
const _: () = assert!(size_of::<Op>() == 16);

/// Executes the instruction at a slot, then those that follow.
///
/// Its arguments are as many as are passed in registers.
pub(crate) type Handler = for<'r> fn(&mut Engine<'r>, &'r [Op], At, &'r Op) -> End;

/// Most instructions that are executed before control returns to the engine's loop, twice: in jumps,
/// and in the straight stretch after the last of them.
pub(crate) const SPAN: usize = 512;

/// A place in a run.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct At {
    /// The slot.
    pub(crate) pc: usize,
    /// The slot at which the granted instructions are used up if no jump is taken before. A jump moves
    /// it as far as itself, so that straight code needs no counting.
    pub(crate) limit: usize,
}

/// Why handlers returned to the engine's loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The instruction at the engine's place needs a new grant, or is not in the window.
    Pause,
    /// The run has its result.
    Result,
    /// The instruction at the engine's place is at fault.
    Fault,
    /// The run goes on at the engine's place, which may be in another program.
    Moved,
}

impl At {
    /// The next slot.
    #[inline(always)]
    pub(crate) fn next(self) -> Self {
        Self { pc: self.pc.wrapping_add(1), ..self }
    }

    /// Behind a constant of two slots, which is one instruction.
    #[inline(always)]
    pub(crate) fn next_wide(self) -> Self {
        Self { pc: self.pc.wrapping_add(2), limit: self.limit.wrapping_add(1) }
    }

    /// Whether an instruction here that goes elsewhere is beyond what is granted.
    #[inline(always)]
    pub(crate) fn is_spent(self) -> bool {
        self.pc >= self.limit
    }

    /// `distance` slots behind the next one.
    #[inline(always)]
    #[expect(clippy::cast_sign_loss, reason = "positions wrap: a bad one is outside any program")]
    pub(crate) fn jump(self, distance: i32) -> Self {
        let distance = distance as isize as usize;
        let pc = self.pc.wrapping_add(1).wrapping_add(distance);
        Self { pc, limit: self.limit.wrapping_add(distance) }
    }

    /// At a slot of this number.
    #[inline(always)]
    pub(crate) fn to(self, pc: usize) -> Self {
        let distance = pc.wrapping_sub(self.pc).wrapping_sub(1);
        Self { pc, limit: self.limit.wrapping_add(distance) }
    }

    /// Instructions executed before the one here, of `granted` ones. They may be more: a straight
    /// stretch is not interrupted.
    pub(crate) fn used(self, granted: usize) -> u64 {
        granted.wrapping_add(self.pc).wrapping_sub(self.limit) as u64
    }
}

/// Executes from `at` on.
#[inline(always)]
pub(crate) fn go<'r>(engine: &mut Engine<'r>, ops: &'r [Op], at: At) -> End {
    match ops.get(at.pc) {
        Some(op) => (op.run)(engine, ops, at, op),
        None => engine.pause(at),
    }
}

/// Operations off the hot path.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rare {
    LoadSigned {
        size: Size,
        dst: Reg,
        base: Reg,
        off: i16,
    },
    Atomic {
        op: AtomicOp,
        width: Width,
        base: Reg,
        off: i16,
        src: Reg,
    },
    LoadAcquire {
        size: Size,
        dst: Reg,
        base: Reg,
        off: i16,
    },
    StoreRelease {
        size: Size,
        base: Reg,
        off: i16,
        src: Reg,
    },
    LoadPacket {
        size: Size,
        index: Option<Reg>,
        imm: i32,
    },
    /// A conditional jump to where no instruction begins.
    JumpOutside {
        width: Width,
        cond: Cond,
        dst: Reg,
        src: Operand,
        target: i64,
    },
    MayGoto {
        target: i64,
        is_inside: bool,
    },
    JumpReg {
        target: Reg,
    },
    TailCall,
    CallReg {
        target: Reg,
    },
    Embedded {
        row: u32,
    },
    /// `bpf_loop`.
    Loop,
    /// `bpf_for_each_map_elem`.
    ForEach,
}
