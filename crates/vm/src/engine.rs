//! The interpreter loop.
//!
//! Instructions are counted per stretch between jumps, not one by one ([`Place`]).

use std::slice;

use netloom_abi::ProgramType;
use netloom_isa::Reg;

use crate::address::FRAMES_MAX;
use crate::alu::{extend, low, unary, w32, w64};
use crate::cpu::{Buffers, Limits, Outside};
use crate::fault::{Access, Denied, Fault, FaultKind};
use crate::helper::{self, Run};
use crate::kfunc;
use crate::lower::Code;
use crate::machine::Machine;
use crate::memory::Memory;
use crate::op::{Op, rows};

mod rare;

use rare::Next;

/// Most tail calls of a run (`linux/bpf.h`: `MAX_TAIL_CALL_CNT`).
const TAIL_CALLS_MAX: u32 = 33;

/// Registers that a call keeps.
const PRESERVED: [Reg; 4] = [Reg::R6, Reg::R7, Reg::R8, Reg::R9];

/// A run in progress.
pub(crate) struct Engine<'r> {
    pub(crate) machine: &'r Machine,
    pub(crate) memory: Memory<'r>,
    pub(crate) buffers: &'r mut Buffers,
    pub(crate) outside: &'r mut Outside,
    /// Type of the program that was started.
    pub(crate) kind: ProgramType,
    /// Address of the socket buffer, if the context has one.
    pub(crate) skb: Option<u64>,
    /// Offset in the packet region of the byte that `skb->data` points to.
    pub(crate) packet_data: u64,
    pub(crate) registers: Registers,
    pub(crate) limits: Limits,
    /// Turns left for `may_goto` in the running function.
    pub(crate) turns: u32,
    pub(crate) tail_calls: u32,
    /// Instructions executed, set when the run ends.
    pub(crate) executed: u64,
    /// Most stack frames that were live at once.
    pub(crate) frames_used: usize,
}

/// `r0` to `r10`.
#[derive(Default)]
pub(crate) struct Registers([u64; 11]);

/// A function that waits for one it called.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    program: u32,
    resume: usize,
    /// `r6` to `r9`.
    preserved: [u64; 4],
    turns: u32,
}

impl Registers {
    #[inline(always)]
    pub(crate) fn get(&self, register: Reg) -> u64 {
        self.0[register as usize]
    }

    #[inline(always)]
    pub(crate) fn set(&mut self, register: Reg, value: u64) {
        self.0[register as usize] = value;
    }

    #[inline]
    fn arguments(&self) -> [u64; 5] {
        [self.0[1], self.0[2], self.0[3], self.0[4], self.0[5]]
    }
}

/// Executes one operation: `rows!(step [self op place to_fault])`.
///
/// Expands to the engine's one flat dispatch. `$at` is the loop's [`Place`]; the loop is left by
/// `break` with a fault's kind.
macro_rules! step {
    (
        [$this:ident $op:ident $at:ident { $($other:tt)* }]
        alu { $($a:ident $af:ident $a64:ident $ak64:ident $a32:ident $ak32:ident)* }
        jump { $($j:ident $jf:ident $j64:ident $jk64:ident $j32:ident $jk32:ident)* }
        unary { $($u:ident $uf:ident)* }
        memory { $($size:ident $bytes:literal $load:ident $store:ident $storek:ident)* }
    ) => {
        match *$op {
            $(
                Op::$a64 { dst, src } => {
                    let regs = &mut $this.registers;
                    regs.set(dst, w64::$af(regs.get(dst), regs.get(src)));
                }
                Op::$ak64 { dst, k } => {
                    let regs = &mut $this.registers;
                    regs.set(dst, w64::$af(regs.get(dst), extend(k)));
                }
                Op::$a32 { dst, src } => {
                    let regs = &mut $this.registers;
                    let result = w32::$af(low(regs.get(dst)), low(regs.get(src)));
                    regs.set(dst, u64::from(result));
                }
                Op::$ak32 { dst, k } => {
                    let regs = &mut $this.registers;
                    let result = w32::$af(low(regs.get(dst)), k.cast_unsigned());
                    regs.set(dst, u64::from(result));
                }
            )*
            $(
                Op::$j64 { dst, src, to } => {
                    if w64::$jf($this.registers.get(dst), $this.registers.get(src)) {
                        if $at.jump(to) { break budget(&$this.limits) }
                    }
                }
                Op::$jk64 { dst, k, to } => {
                    if w64::$jf($this.registers.get(dst), extend(k)) {
                        if $at.jump(to) { break budget(&$this.limits) }
                    }
                }
                Op::$j32 { dst, src, to } => {
                    if w32::$jf(low($this.registers.get(dst)), low($this.registers.get(src))) {
                        if $at.jump(to) { break budget(&$this.limits) }
                    }
                }
                Op::$jk32 { dst, k, to } => {
                    if w32::$jf(low($this.registers.get(dst)), k.cast_unsigned()) {
                        if $at.jump(to) { break budget(&$this.limits) }
                    }
                }
            )*
            $(
                Op::$u { dst, src } => {
                    let value = unary::$uf($this.registers.get(src));
                    $this.registers.set(dst, value);
                }
            )*
            $(
                Op::$load { dst, base, off } => {
                    let address = $this.registers.get(base).wrapping_add(extend(off.into()));
                    match $this.memory.load::<$bytes>(address) {
                        Ok(value) => $this.registers.set(dst, value),
                        Err(denied) => break access(Access::Load, address, $bytes, denied),
                    }
                }
                Op::$store { base, src, off } => {
                    let address = $this.registers.get(base).wrapping_add(extend(off.into()));
                    let value = $this.registers.get(src);
                    if let Err(denied) = $this.memory.store::<$bytes>(address, value) {
                        break access(Access::Store, address, $bytes, denied);
                    }
                }
                Op::$storek { base, off, k } => {
                    let address = $this.registers.get(base).wrapping_add(extend(off.into()));
                    if let Err(denied) = $this.memory.store::<$bytes>(address, extend(k)) {
                        break access(Access::Store, address, $bytes, denied);
                    }
                }
            )*
            $($other)*
        }
    };
}

/// Where the loop is.
struct Place<'r> {
    program: u32,
    code: &'r Code,
    /// The operations from the next one on.
    rest: slice::Iter<'r, Op>,
    /// How many were left when the current stretch began.
    left: usize,
    spent: u64,
    insns_max: u64,
}

impl<'r> Place<'r> {
    /// Counts the stretch that ends here, and says whether the budget is exceeded.
    #[inline(always)]
    fn settle(&mut self) -> bool {
        let left = self.rest.len();
        self.spent += self.left.wrapping_sub(left) as u64;
        self.left = left;
        self.spent > self.insns_max
    }

    /// Goes on at `to`, unless the budget is exceeded; says whether it is.
    #[inline(always)]
    fn jump(&mut self, to: u32) -> bool {
        let exceeded = self.settle();
        if !exceeded {
            self.go(to as usize);
        }
        exceeded
    }

    #[inline(always)]
    fn go(&mut self, to: usize) {
        self.rest = self.code.ops.get(to..).unwrap_or_default().iter();
        self.left = self.rest.len();
    }

    /// The position of the next operation.
    fn next(&self) -> usize {
        self.code.ops.len() - self.rest.len()
    }
}

impl<'r> Engine<'r> {
    /// Runs a program from its first instruction.
    pub(crate) fn execute(&mut self, program: u32) -> Result<u64, Fault> {
        let Some(code) = self.machine.code(program) else {
            return Err(self.machine.fault(program, None, FaultKind::NoProgram));
        };
        let insns_max = self.limits.insns_max;
        let mut at = Place { program, code, rest: [].iter(), left: 0, spent: 0, insns_max };
        at.go(0);
        let kind = loop {
            let Some(op) = at.rest.next() else { break FaultKind::FellOff };
            rows!(step [self op at {
                Op::Const { dst, value } => self.registers.set(dst, value),
                Op::Jump { to } => if at.jump(to) { break budget(&self.limits) },
                Op::Helper { row } => if let Err(kind) = self.call(helper::run(row)) { break kind },
                Op::Kfunc { row } => if let Err(kind) = self.call(kfunc::run(row)) { break kind },
                Op::Call { to } => if let Err(kind) = self.enter(&mut at, to) { break kind },
                Op::Exit => match self.leave(&mut at) {
                    Ok(Some(result)) => return Ok(result),
                    Ok(None) => {}
                    Err(kind) => break kind,
                },
                Op::Trap { fault } => break at.code.fault(fault),
                Op::Rare(rare) => match self.rare(rare, at.code.ops.len()) {
                    Ok(Next::Continue) => {}
                    Ok(Next::Jump(to)) => if at.jump(to) { break budget(&self.limits) },
                    Ok(Next::Call(to)) => if let Err(kind) = self.enter(&mut at, to) { break kind },
                    Ok(Next::Program(to)) => match self.replace(&mut at, to) {
                        Ok(()) => {}
                        Err(kind) => break kind,
                    },
                    Ok(Next::Return) => match self.leave(&mut at) {
                        Ok(Some(result)) => return Ok(result),
                        Ok(None) => {}
                        Err(kind) => break kind,
                    },
                    Ok(Next::End(result)) => {
                        at.settle();
                        self.executed = at.spent;
                        return Ok(result);
                    }
                    Err(kind) => break kind,
                },
            }]);
        };
        at.settle();
        self.executed = at.spent;
        // The faulting operation is the one before the next.
        Err(self.machine.fault(at.program, Some(at.next().saturating_sub(1)), kind))
    }

    fn call(&mut self, run: Option<Run>) -> Result<(), FaultKind> {
        let run = run.ok_or(FaultKind::Unavailable("function"))?;
        let result = run(self, self.registers.arguments())?;
        self.registers.set(Reg::R0, result);
        Ok(())
    }

    /// Gives the function at `to` a frame and goes there.
    #[inline(always)]
    fn enter(&mut self, at: &mut Place<'r>, to: u32) -> Result<(), FaultKind> {
        // The new frame's index is the number of functions that wait.
        let depth = self.memory.depth() + 1;
        if depth >= FRAMES_MAX {
            return Err(FaultKind::CallDepth);
        }
        let preserved = PRESERVED.map(|register| self.registers.get(register));
        let (program, resume, turns) = (at.program, at.next(), self.turns);
        self.buffers.frames.push(Frame { program, resume, preserved, turns });
        self.frames_used = self.frames_used.max(depth + 1);
        self.turns = self.limits.turns_max;
        self.set_depth(depth);
        if at.jump(to) { Err(budget(&self.limits)) } else { Ok(()) }
    }

    /// Goes back to the caller of the running function; if there is none, gives the result.
    #[inline(always)]
    fn leave(&mut self, at: &mut Place<'r>) -> Result<Option<u64>, FaultKind> {
        if at.settle() {
            return Err(budget(&self.limits));
        }
        let Some(caller) = self.buffers.frames.pop() else {
            self.executed = at.spent;
            return Ok(Some(self.registers.get(Reg::R0)));
        };
        for (register, value) in PRESERVED.into_iter().zip(caller.preserved) {
            self.registers.set(register, value);
        }
        self.turns = caller.turns;
        self.set_depth(self.buffers.frames.len());
        if caller.program != at.program {
            at.program = caller.program;
            at.code = self.machine.code(caller.program).ok_or(FaultKind::NoProgram)?;
        }
        at.go(caller.resume);
        Ok(None)
    }

    /// Makes the frame of index `depth` the running function's.
    fn set_depth(&mut self, depth: usize) {
        // Frames are few, so the index always fits.
        let frame_pointer = self.memory.set_depth(u16::try_from(depth).unwrap_or_default());
        self.registers.set(Reg::R10, frame_pointer);
    }

    /// Goes to the beginning of another program, in the running function's frame.
    #[inline(always)]
    fn replace(&mut self, at: &mut Place<'r>, program: u32) -> Result<(), FaultKind> {
        let code = self.machine.code(program).ok_or(FaultKind::NoProgram)?;
        if at.settle() {
            return Err(budget(&self.limits));
        }
        (at.program, at.code) = (program, code);
        at.go(0);
        Ok(())
    }

    /// Where the packet of a socket buffer begins in the packet region, if that is one.
    pub(crate) fn packet_of(&self, skb: u64) -> Option<u64> {
        (self.skb == Some(skb)).then_some(self.packet_data)
    }
}

fn access(access: Access, address: u64, bytes: u64, denied: Denied) -> FaultKind {
    FaultKind::Access { access, address, bytes, denied }
}

#[cold]
fn budget(limits: &Limits) -> FaultKind {
    FaultKind::Budget { insns_max: limits.insns_max }
}
