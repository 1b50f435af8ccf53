//! Helpers that call functions of the program.
//!
//! The helper is a frame that waits, like a caller, but for more than one return: each `exit` of the
//! callback comes to [`Engine::end_turn`], which begins the next turn or ends the helper. So callbacks
//! nest as calls do, within the same 8 frames and the same budget.

use netloom_abi::MapKind;
use netloom_isa::Reg;

use super::{Engine, Next};
use crate::address::Region;
use crate::fault::FaultKind;
use crate::helper::{errno, map_of_values, negative};
use crate::op::{At, End, Op, go};

/// Most turns of `bpf_loop` (`linux/bpf.h`: `BPF_MAX_LOOPS`).
const LOOPS_MAX: u64 = 8 << 20;

/// A helper that is calling a function.
#[derive(Debug)]
pub(crate) struct Callback {
    program: u32,
    /// The callback's first slot.
    pc: usize,
    /// What the program wants the callback to be given.
    context: u64,
    /// Turns begun.
    begun: u64,
    turns: Turns,
}

/// What is still to be done.
#[derive(Debug)]
enum Turns {
    /// Until this many are begun.
    Loop(u64),
    /// An array's entries.
    Indices { map: u16, entries: u32 },
    /// A hash map's keys. The next one is known before a turn begins, so that the callback may delete
    /// its own; where it deletes the next one, the walk starts over. There are never more turns than
    /// `left`, so that it ends.
    Keys { map: u16, next: Option<Vec<u8>>, left: u32 },
}

impl<'r> Engine<'r> {
    /// `long bpf_loop(u32 nr_loops, void *callback_fn, void *callback_ctx, u64 flags)`.
    pub(super) fn start_loop(&mut self) -> Result<Next, FaultKind> {
        let [loops, function, context, flags, _] = self.registers.arguments();
        let loops = loops & u64::from(u32::MAX);
        let pc = self.callback("loop", 2, function)?;
        if flags != 0 {
            return Ok(self.give(negative(errno::INVAL)));
        }
        if loops > LOOPS_MAX {
            // The verifier inlines the check, as a move of 32 bits.
            return Ok(self.give(negative(errno::TOO_BIG) & u64::from(u32::MAX)));
        }
        Ok(self.start(pc, context, Turns::Loop(loops)))
    }

    /// `long bpf_for_each_map_elem(struct bpf_map *map, void *callback_fn, void *callback_ctx,
    /// u64 flags)`.
    pub(super) fn start_for_each(&mut self) -> Result<Next, FaultKind> {
        let [handle, function, context, flags, _] = self.registers.arguments();
        let callee = "for_each_map_elem";
        let (index, map) = map_of_values(self.memory.maps, callee, handle)?;
        let pc = self.callback(callee, 2, function)?;
        if flags != 0 {
            return Ok(self.give(negative(errno::INVAL)));
        }
        let entries = map.spec().max_entries;
        let turns = if matches!(map.spec().kind, MapKind::Array | MapKind::PercpuArray) {
            Turns::Indices { map: index, entries }
        } else {
            Turns::Keys { map: index, next: map.next_key(None), left: entries }
        };
        Ok(self.start(pc, context, turns))
    }

    /// The slot of a function that a helper is to call.
    fn callback(&self, callee: &'static str, argument: u8, value: u64) -> Result<usize, FaultKind> {
        self.slot(value).ok_or(FaultKind::Argument { callee, argument, value })
    }

    fn give(&mut self, result: u64) -> Next {
        self.registers.set(Reg::R0, result);
        Next::Continue
    }

    fn start(&mut self, pc: usize, context: u64, turns: Turns) -> Next {
        let program = self.program;
        let mut callback = Callback { program, pc, context, begun: 0, turns };
        if !self.begin_turn(&mut callback, self.memory.depth() + 1) {
            return self.give(0);
        }
        self.buffers.callbacks.push(callback);
        Next::Call { pc, is_callback: true }
    }

    /// Puts the arguments of the next turn, at this call depth, into registers; says whether there is
    /// one.
    fn begin_turn(&mut self, callback: &mut Callback, depth: usize) -> bool {
        let arguments = match &mut callback.turns {
            Turns::Loop(loops) => {
                (callback.begun < *loops).then_some([callback.begun, callback.context, 0, 0])
            }
            Turns::Indices { map, entries } => u32::try_from(callback.begun)
                .ok()
                .filter(|index| index < entries)
                .and_then(|index| self.entry(*map, index.to_le_bytes().to_vec(), depth))
                .map(|[map, key, value]| [map, key, value, callback.context]),
            Turns::Keys { map, next, left } => self
                .next_entry(*map, next, left, depth)
                .map(|[map, key, value]| [map, key, value, callback.context]),
        };
        let Some(arguments) = arguments else { return false };
        callback.begun += 1;
        for (register, value) in [Reg::R1, Reg::R2, Reg::R3, Reg::R4].into_iter().zip(arguments) {
            self.registers.set(register, value);
        }
        true
    }

    /// As [`Self::entry`], of the next key that is still there.
    fn next_entry(
        &mut self,
        map: u16,
        next: &mut Option<Vec<u8>>,
        left: &mut u32,
        depth: usize,
    ) -> Option<[u64; 3]> {
        loop {
            *left = left.checked_sub(1)?;
            let key = next.take()?;
            *next = self.memory.maps.get(usize::from(map))?.next_key(Some(&key));
            if let Some(found) = self.entry(map, key, depth) {
                return Some(found);
            }
        }
    }

    /// Addresses of a map, of one of its keys and of the value there, if there is one.
    fn entry(&mut self, map: u16, key: Vec<u8>, depth: usize) -> Option<[u64; 3]> {
        let found = self.memory.maps.get(usize::from(map))?;
        let value = found.value_address(&key, self.outside.cpu).ok()?;
        let key = self.memory.set_key(depth, key);
        Some([Region::MapHandle.at(map.into()), key, Region::Map(map).at(value)])
    }

    /// Goes on behind the end of a callback: with the next turn, or in the helper's caller.
    #[inline(never)]
    pub(super) fn end_turn(&mut self, ops: &'r [Op], at: At) -> End {
        let depth = self.memory.depth();
        let frame = self.buffers.frames.get(depth.wrapping_sub(1)).copied().unwrap_or_default();
        let Some(mut callback) = self.buffers.callbacks.pop() else { return self.finish(at) };
        let goes_on = self.registers.get(Reg::R0) == 0 && self.begin_turn(&mut callback, depth);
        if !goes_on {
            self.registers.set(Reg::R0, callback.begun);
            return self.leave_to(ops, at, frame);
        }
        let (program, pc) = (callback.program, callback.pc);
        self.buffers.callbacks.push(callback);
        self.turns = self.limits.turns_max;
        if program == self.program {
            go(self, ops, at.to(pc))
        } else {
            self.go_on_in(at, program, pc)
        }
    }
}
