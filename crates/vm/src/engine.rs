//! The interpreter loop.
//!
//! Instructions are counted per stretch between jumps, not one by one: `spent` holds those before
//! `start`, where the current stretch begins, and `pc - start` those since.

use netloom_abi::ProgramType;

use crate::address::{FRAME_BYTES, FRAMES_MAX, Region};
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

/// `r0` to `r10`. The array is longer so that a masked number needs no bounds check.
#[derive(Default)]
pub(crate) struct Registers([u64; 16]);

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
    pub(crate) fn get(&self, register: u8) -> u64 {
        self.0[usize::from(register & 15)]
    }

    #[inline(always)]
    pub(crate) fn set(&mut self, register: u8, value: u64) {
        self.0[usize::from(register & 15)] = value;
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
    /// The next operation.
    pc: usize,
    /// Where the current stretch began.
    start: usize,
    spent: u64,
    insns_max: u64,
    program: u32,
    code: &'r Code,
}

impl Place<'_> {
    /// Counts the stretch that ends here, and says whether the budget is exceeded.
    #[inline(always)]
    fn settle(&mut self) -> bool {
        self.spent += self.pc.wrapping_sub(self.start) as u64;
        self.start = self.pc;
        self.spent > self.insns_max
    }

    /// Goes on at `to`, unless the budget is exceeded; says whether it is.
    #[inline(always)]
    fn jump(&mut self, to: u32) -> bool {
        let exceeded = self.settle();
        if !exceeded {
            self.pc = to as usize;
            self.start = self.pc;
        }
        exceeded
    }
}

impl<'r> Engine<'r> {
    /// Runs a program from its first instruction.
    pub(crate) fn execute(&mut self, program: u32) -> Result<u64, Fault> {
        let Some(code) = self.machine.code(program) else {
            return Err(self.machine.fault(program, None, FaultKind::NoProgram));
        };
        let mut ops = code.ops.as_slice();
        let insns_max = self.limits.insns_max;
        let mut at = Place { pc: 0, start: 0, spent: 0, insns_max, program, code };
        let kind = loop {
            let Some(op) = ops.get(at.pc) else { break FaultKind::FellOff };
            at.pc += 1;
            rows!(step [self op at {
                Op::Const { dst, value } => self.registers.set(dst, value),
                Op::Jump { to } => if at.jump(to) { break budget(&self.limits) },
                Op::Helper { row } => if let Err(kind) = self.call(helper::run(row)) { break kind },
                Op::Kfunc { row } => if let Err(kind) = self.call(kfunc::run(row)) { break kind },
                Op::Call { to } => if let Err(kind) = self.enter(&mut at, to) { break kind },
                Op::Exit => match self.leave(&mut at) {
                    Ok(Some(result)) => return Ok(result),
                    Ok(None) => ops = at.code.ops.as_slice(),
                    Err(kind) => break kind,
                },
                Op::Trap { fault } => break at.code.fault(fault),
                Op::Rare(rare) => match self.rare(rare, ops.len()) {
                    Ok(Next::Continue) => {}
                    Ok(Next::Jump(to)) => if at.jump(to) { break budget(&self.limits) },
                    Ok(Next::Call(to)) => if let Err(kind) = self.enter(&mut at, to) { break kind },
                    Ok(Next::Program(to)) => match self.replace(&mut at, to) {
                        Ok(()) => ops = at.code.ops.as_slice(),
                        Err(kind) => break kind,
                    },
                    Ok(Next::Return) => match self.leave(&mut at) {
                        Ok(Some(result)) => return Ok(result),
                        Ok(None) => ops = at.code.ops.as_slice(),
                        Err(kind) => break kind,
                    },
                    Err(kind) => break kind,
                },
            }]);
        };
        at.settle();
        self.executed = at.spent;
        // A fall off the end has passed the last operation; all others stand behind theirs.
        Err(self.machine.fault(at.program, Some(at.pc.saturating_sub(1)), kind))
    }

    fn call(&mut self, run: Option<Run>) -> Result<(), FaultKind> {
        let run = run.ok_or(FaultKind::Unavailable("function"))?;
        let result = run(self, self.registers.arguments())?;
        self.registers.set(0, result);
        Ok(())
    }

    /// Gives the function at `to` a frame and goes there.
    #[inline(always)]
    fn enter(&mut self, at: &mut Place<'r>, to: u32) -> Result<(), FaultKind> {
        let live = self.memory.frames_live;
        if live >= FRAMES_MAX {
            return Err(FaultKind::CallDepth);
        }
        let preserved = [6, 7, 8, 9].map(|register| self.registers.get(register));
        let (program, resume, turns) = (at.program, at.pc, self.turns);
        self.buffers.frames.push(Frame { program, resume, preserved, turns });
        self.memory.frames_live = live + 1;
        self.frames_used = self.frames_used.max(live + 1);
        self.turns = self.limits.turns_max;
        self.registers.set(10, frame_end(live));
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
            return Ok(Some(self.registers.get(0)));
        };
        for (register, value) in (6..).zip(caller.preserved) {
            self.registers.set(register, value);
        }
        let depth = self.buffers.frames.len();
        self.turns = caller.turns;
        self.memory.frames_live = depth + 1;
        self.registers.set(10, frame_end(depth));
        if caller.program != at.program {
            at.program = caller.program;
            at.code = self.machine.code(caller.program).ok_or(FaultKind::NoProgram)?;
        }
        (at.pc, at.start) = (caller.resume, caller.resume);
        Ok(None)
    }

    /// Goes to the beginning of another program, in the running function's frame.
    #[inline(always)]
    fn replace(&mut self, at: &mut Place<'r>, program: u32) -> Result<(), FaultKind> {
        let code = self.machine.code(program).ok_or(FaultKind::NoProgram)?;
        if at.jump(0) {
            return Err(budget(&self.limits));
        }
        (at.program, at.code) = (program, code);
        Ok(())
    }

    /// Where the packet of a socket buffer begins in the packet region, if that is one.
    pub(crate) fn packet_of(&self, skb: u64) -> Option<u64> {
        (self.skb == Some(skb)).then_some(self.packet_data)
    }
}

/// The frame pointer of the function at call depth `depth`.
pub(crate) fn frame_end(depth: usize) -> u64 {
    let depth = u16::try_from(depth).unwrap_or(u16::MAX >> 1);
    Region::Stack(depth).at(FRAME_BYTES as u64)
}

fn access(access: Access, address: u64, bytes: u64, denied: Denied) -> FaultKind {
    FaultKind::Access { access, address, bytes, denied }
}

#[cold]
fn budget(limits: &Limits) -> FaultKind {
    FaultKind::Budget { insns_max: limits.insns_max }
}
