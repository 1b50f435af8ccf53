//! A run in progress, and the loop around it.
//!
//! Handlers go from one to the next by themselves. They return here when they have used up what they
//! were granted, when they leave the window of slots they were given, and when the run ends or goes on
//! in another program. Instructions are not counted one by one ([`At`]).

use netloom_abi::ProgramType;
use netloom_isa::Reg;

use crate::cpu::{Buffers, Limits, Outside};
use crate::fault::{Access, Denied, Fault, FaultKind};
use crate::helper::Run;
use crate::lower::Code;
use crate::machine::Machine;
use crate::memory::Memory;
use crate::op::{At, End, Op, SPAN, go};

mod callback;
mod rare;

pub(crate) use callback::Callback;
pub(crate) use rare::Next;

/// Registers that a call keeps.
const PRESERVED: [Reg; 4] = [Reg::R6, Reg::R7, Reg::R8, Reg::R9];

/// A run in progress.
pub(crate) struct Engine<'r> {
    pub(crate) registers: Registers,
    pub(crate) memory: Memory<'r>,
    pub(crate) machine: &'r Machine,
    pub(crate) buffers: &'r mut Buffers,
    pub(crate) outside: &'r mut Outside,
    /// The running program, and its code.
    pub(crate) program: u32,
    pub(crate) code: &'r Code,
    /// Where handlers returned.
    pub(crate) at: At,
    /// Where the run goes on in another program.
    pub(crate) resume: usize,
    /// What is wrong with the instruction there.
    pub(crate) fault: Option<FaultKind>,
    /// Type of the program that was started.
    pub(crate) kind: ProgramType,
    /// Address of the socket buffer, if the context has one.
    pub(crate) skb: Option<u64>,
    /// Offset in the packet region of the byte that `skb->data` points to.
    pub(crate) packet_data: u64,
    pub(crate) limits: Limits,
    /// Turns left for `may_goto` in the running function.
    pub(crate) turns: u32,
    pub(crate) tail_calls: u32,
    /// Instructions executed.
    pub(crate) executed: u64,
    /// Most stack frames that were live at once.
    pub(crate) frames_used: usize,
}

/// `r0` to `r10`.
#[derive(Default)]
pub(crate) struct Registers([u64; 11]);

/// A function that waits for one it called.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Frame {
    program: u32,
    /// Turns left for `may_goto`.
    turns: u32,
    /// The slot behind the call.
    resume: usize,
    /// `r6` to `r9`.
    preserved: [u64; 4],
    /// The called function is the callback of a helper, the last of the run's callbacks.
    is_callback: bool,
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

    #[inline(always)]
    fn arguments(&self) -> [u64; 5] {
        [self.0[1], self.0[2], self.0[3], self.0[4], self.0[5]]
    }
}

impl<'r> Engine<'r> {
    /// Runs the program from its first instruction to its end.
    pub(crate) fn execute(&mut self) -> Result<u64, Fault> {
        loop {
            let pc = self.at.pc;
            let slots = self.code.ops.len();
            if pc >= slots {
                return Err(self.report(FaultKind::FellOff));
            }
            let left = self.limits.insns_max.saturating_sub(self.executed);
            if left == 0 {
                return Err(self.report(FaultKind::Budget { insns_max: self.limits.insns_max }));
            }
            let granted = usize::try_from(left).unwrap_or(SPAN).min(SPAN);
            let window = self.code.ops.get(..slots.min(pc + SPAN)).unwrap_or_default();
            let end = go(self, window, At { pc, limit: pc + granted });
            self.executed += self.at.used(granted);
            match end {
                End::Pause => {}
                End::Moved => self.at.pc = self.resume,
                End::Result => return Ok(self.registers.get(Reg::R0)),
                End::Fault => {
                    // The faulting instruction counts.
                    self.executed += 1;
                    let kind = self.fault.take().unwrap_or(FaultKind::FellOff);
                    return Err(self.report(kind));
                }
            }
        }
    }

    fn report(&self, kind: FaultKind) -> Fault {
        self.machine.fault(self.program, Some(self.at.pc), kind)
    }

    /// Returns to the loop; the instruction at `at` is still to be executed.
    #[cold]
    pub(crate) fn pause(&mut self, at: At) -> End {
        self.at = at;
        End::Pause
    }

    /// Ends the run by a fault of the instruction at `at`.
    #[cold]
    pub(crate) fn stop(&mut self, at: At, kind: FaultKind) -> End {
        self.at = at;
        self.fault = Some(kind);
        End::Fault
    }

    /// Ends the run behind the instruction at `at`, with the result in `r0`.
    fn finish(&mut self, at: At) -> End {
        self.at = at.next();
        End::Result
    }

    /// Goes on at a slot of another program, behind the instruction at `at`.
    fn go_on_in(&mut self, at: At, program: u32, pc: usize) -> End {
        let Some(code) = self.machine.code(program) else {
            return self.stop(at, FaultKind::NoProgram);
        };
        (self.program, self.code) = (program, code);
        (self.at, self.resume) = (at.next(), pc);
        End::Moved
    }

    /// Calls a helper or kernel function; says whether it returned.
    // Not inlined: what it keeps on the stack would keep its callers' last calls from being jumps.
    #[inline(never)]
    pub(crate) fn call(&mut self, run: Option<Run>) -> bool {
        let result = match run {
            Some(run) => run(self, self.registers.arguments()),
            None => Err(FaultKind::Unavailable("function")),
        };
        match result {
            Ok(value) => {
                self.registers.set(Reg::R0, value);
                true
            }
            Err(kind) => {
                self.fault = Some(kind);
                false
            }
        }
    }

    /// Ends the run by the fault that a call left.
    #[cold]
    pub(crate) fn call_failed(&mut self, at: At) -> End {
        self.at = at;
        End::Fault
    }

    /// Gives the function at `to` a frame and goes there.
    #[inline(always)]
    pub(crate) fn enter(&mut self, ops: &'r [Op], at: At, to: At, is_callback: bool) -> End {
        if at.is_spent() {
            return self.pause(at);
        }
        let depth = self.memory.depth();
        let Some(frame) = self.buffers.frames.get_mut(depth) else {
            return self.stop(at, FaultKind::CallDepth);
        };
        *frame = Frame {
            program: self.program,
            turns: self.turns,
            resume: at.pc.wrapping_add(1),
            preserved: PRESERVED.map(|register| self.registers.get(register)),
            is_callback,
        };
        if !self.memory.push_frame() {
            return self.stop(at, FaultKind::CallDepth);
        }
        self.frames_used = self.frames_used.max(depth + 2);
        self.turns = self.limits.turns_max;
        self.registers.set(Reg::R10, self.memory.frame_pointer());
        go(self, ops, to)
    }

    /// Goes back to the caller of the running function; if there is none, ends the run.
    #[inline(always)]
    pub(crate) fn leave(&mut self, ops: &'r [Op], at: At) -> End {
        if at.is_spent() {
            return self.pause(at);
        }
        let waiting = self.memory.depth().wrapping_sub(1);
        let Some(frame) = self.buffers.frames.get(waiting) else { return self.finish(at) };
        if frame.is_callback { self.end_turn(ops, at) } else { self.leave_to(ops, at, *frame) }
    }

    /// Goes back to the function that waits in `frame`.
    #[inline(always)]
    fn leave_to(&mut self, ops: &'r [Op], at: At, frame: Frame) -> End {
        for (register, value) in PRESERVED.into_iter().zip(frame.preserved) {
            self.registers.set(register, value);
        }
        self.turns = frame.turns;
        self.memory.pop_frame();
        self.registers.set(Reg::R10, self.memory.frame_pointer());
        if frame.program != self.program {
            return self.go_on_in(at, frame.program, frame.resume);
        }
        go(self, ops, at.to(frame.resume))
    }

    /// Where the packet of a socket buffer begins in the packet region, if that is one.
    pub(crate) fn packet_of(&self, skb: u64) -> Option<u64> {
        (self.skb == Some(skb)).then_some(self.packet_data)
    }
}

pub(crate) fn access(access: Access, address: u64, bytes: usize, denied: Denied) -> FaultKind {
    FaultKind::Access { access, address, bytes: bytes as u64, denied }
}
