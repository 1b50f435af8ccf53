//! Operations off the hot path.

use netloom_isa::{AtomicOp, Operand, Reg, Size, Width};

use super::{Engine, access};
use crate::address::Region;
use crate::alu::{Sign8, Sign16, Sign32, Unary, extend, holds, low};
use crate::embed::{self, Call, Outcome};
use crate::fault::{Access, Denied, FaultKind};
use crate::helper::map_at;
use crate::op::{At, End, Rare};

/// Most tail calls of a run (`linux/bpf.h`: `MAX_TAIL_CALL_CNT`).
const TAIL_CALLS_MAX: u32 = 33;

/// Where a run goes on.
pub(crate) enum Next {
    /// Behind the operation.
    Continue,
    /// At a slot of the same function.
    Jump(usize),
    /// At a slot of the same program, in a new frame.
    Call {
        /// The slot.
        pc: usize,
        /// What is called is a helper's callback.
        is_callback: bool,
    },
    /// In the caller.
    Return,
    /// In the engine's loop.
    End(End),
}

/// Offsets of packet loads from here on count from the network header (`linux/filter.h`:
/// `SKF_NET_OFF`).
const NETWORK_OFFSET: i64 = -0x10_0000;
/// Offsets below that, from here on, count from the link-layer header (`SKF_LL_OFF`).
const LINK_OFFSET: i64 = -0x20_0000;

impl Engine<'_> {
    /// Executes the rare operation in a row of the program's table.
    #[inline(never)]
    pub(crate) fn rare(&mut self, at: At, row: i32) -> Next {
        let op = usize::try_from(row).ok().and_then(|row| self.code.rare.get(row));
        let next = match op {
            Some(op) => self.try_rare(at, *op),
            None => Err(FaultKind::Invalid),
        };
        next.unwrap_or_else(|kind| Next::End(self.stop(at, kind)))
    }

    fn try_rare(&mut self, at: At, op: Rare) -> Result<Next, FaultKind> {
        match op {
            Rare::LoadSigned { size, dst, base, off } => {
                let address = self.place(base, off);
                let value = match size {
                    Size::B => self.memory.load::<1>(address).map(Sign8::of),
                    Size::H => self.memory.load::<2>(address).map(Sign16::of),
                    Size::W => self.memory.load::<4>(address).map(Sign32::of),
                    Size::Dw => self.memory.load::<8>(address),
                };
                self.finish_load(dst, address, size, value)?;
            }
            Rare::LoadAcquire { size, dst, base, off } => {
                let address = self.place(base, off);
                let value = match size {
                    Size::B => self.memory.load_acquire::<1>(address),
                    Size::H => self.memory.load_acquire::<2>(address),
                    Size::W => self.memory.load_acquire::<4>(address),
                    Size::Dw => self.memory.load_acquire::<8>(address),
                };
                self.finish_load(dst, address, size, value)?;
            }
            Rare::StoreRelease { size, base, off, src } => {
                let (address, value) = (self.place(base, off), self.registers.get(src));
                let stored = match size {
                    Size::B => self.memory.store_release::<1>(address, value),
                    Size::H => self.memory.store_release::<2>(address, value),
                    Size::W => self.memory.store_release::<4>(address, value),
                    Size::Dw => self.memory.store_release::<8>(address, value),
                };
                let bytes = size.bytes() as usize;
                stored.map_err(|denied| access(Access::Store, address, bytes, denied))?;
            }
            Rare::Atomic { op, width, base, off, src } => self.atomic(op, width, base, off, src)?,
            Rare::LoadPacket { size, index, imm } => return Ok(self.load_packet(size, index, imm)),
            Rare::JumpOutside { width, cond, dst, src, target } => {
                let right = match src {
                    Operand::Reg(src) => self.registers.get(src),
                    Operand::Imm(imm) => extend(imm),
                };
                if holds(cond, width, self.registers.get(dst), right) {
                    return Err(FaultKind::JumpOutside { target });
                }
            }
            Rare::MayGoto { target, is_inside } => match self.turns.checked_sub(1) {
                Some(left) => self.turns = left,
                None if !is_inside => return Err(FaultKind::JumpOutside { target }),
                None => return Ok(Next::Jump(usize::try_from(target).unwrap_or(usize::MAX))),
            },
            Rare::JumpReg { target } => {
                let value = self.registers.get(target);
                let slot = self.slot(value).ok_or(FaultKind::NotCode { value })?;
                return Ok(Next::Jump(slot));
            }
            Rare::TailCall => return self.tail_call(at),
            Rare::Embedded { row } => return self.call_embedded(at, row),
            Rare::CallReg { target } => {
                let value = self.registers.get(target);
                if let Some(row) = embed::row(self.machine.helpers, value) {
                    return self.call_embedded(at, row);
                }
                let pc = self.slot(value).ok_or(FaultKind::NotAFunction { value })?;
                return Ok(Next::Call { pc, is_callback: false });
            }
            Rare::Loop => return self.start_loop(),
            Rare::ForEach => return self.start_for_each(),
        }
        Ok(Next::Continue)
    }

    /// The slot that an address of code names.
    pub(super) fn slot(&self, address: u64) -> Option<usize> {
        let (Region::Function, slot) = Region::of(address) else { return None };
        usize::try_from(slot).ok().filter(|&slot| slot < self.code.ops.len())
    }

    fn call_embedded(&mut self, at: At, row: u32) -> Result<Next, FaultKind> {
        let helper = self.machine.helpers.get(row as usize);
        let helper = helper.ok_or(FaultKind::Unavailable("function"))?;
        let outcome = (helper.run)(&mut Call::new(self))?;
        let (Outcome::Return(value) | Outcome::End(value)) = outcome;
        self.registers.set(Reg::R0, value);
        Ok(match outcome {
            Outcome::Return(_) => Next::Continue,
            Outcome::End(_) => Next::End(self.finish(at)),
        })
    }

    fn place(&self, base: Reg, off: i16) -> u64 {
        self.registers.get(base).wrapping_add(extend(off.into()))
    }

    fn finish_load(
        &mut self,
        dst: Reg,
        address: u64,
        size: Size,
        value: Result<u64, Denied>,
    ) -> Result<(), FaultKind> {
        let bytes = size.bytes() as usize;
        let value = value.map_err(|denied| access(Access::Load, address, bytes, denied))?;
        self.registers.set(dst, value);
        Ok(())
    }

    fn atomic(
        &mut self,
        op: AtomicOp,
        width: Width,
        base: Reg,
        off: i16,
        src: Reg,
    ) -> Result<(), FaultKind> {
        let address = self.place(base, off);
        let (operand, expected) = (self.registers.get(src), self.registers.get(Reg::R0));
        let expected = if width == Width::W32 { u64::from(low(expected)) } else { expected };
        let change = |old: u64| match op {
            AtomicOp::Add { .. } => old.wrapping_add(operand),
            AtomicOp::Or { .. } => old | operand,
            AtomicOp::And { .. } => old & operand,
            AtomicOp::Xor { .. } => old ^ operand,
            AtomicOp::Xchg => operand,
            AtomicOp::Cmpxchg if old == expected => operand,
            AtomicOp::Cmpxchg => old,
        };
        let (old, bytes) = match width {
            Width::W32 => (self.memory.modify::<4>(address, change), 4),
            Width::W64 => (self.memory.modify::<8>(address, change), 8),
        };
        let old = old.map_err(|denied| access(Access::Atomic, address, bytes, denied))?;
        match op {
            AtomicOp::Add { fetch }
            | AtomicOp::Or { fetch }
            | AtomicOp::And { fetch }
            | AtomicOp::Xor { fetch } => {
                if fetch {
                    self.registers.set(src, old);
                }
            }
            AtomicOp::Xchg => self.registers.set(src, old),
            AtomicOp::Cmpxchg => self.registers.set(Reg::R0, old),
        }
        Ok(())
    }

    /// Loads from the packet, big-endian. Outside it, the function returns 0, as in the kernel.
    fn load_packet(&mut self, size: Size, index: Option<Reg>, imm: i32) -> Next {
        let base = index.map_or(0, |reg| self.registers.get(reg));
        let offset = i64::from(low(base.wrapping_add(extend(imm))).cast_signed());
        let start = match offset {
            0.. => Some(offset),
            NETWORK_OFFSET.. => Some(offset - NETWORK_OFFSET + self.packet_data.cast_signed()),
            LINK_OFFSET.. => Some(offset - LINK_OFFSET),
            _ => None,
        };
        let bytes = size.bytes() as usize;
        let found = start
            .and_then(|start| usize::try_from(start).ok())
            .and_then(|start| self.memory.packet_load_bytes().get(start..)?.get(..bytes))
            .map(|found| found.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)));
        self.registers.set(Reg::R0, found.unwrap_or(0));
        if found.is_some() { Next::Continue } else { Next::Return }
    }

    /// Goes to the program at index `r3` of the program array `r2`; does nothing where there is none.
    fn tail_call(&mut self, at: At) -> Result<Next, FaultKind> {
        let (handle, index) = (self.registers.get(Reg::R2), self.registers.get(Reg::R3));
        let (_, map) = map_at(self.memory.maps, "tail_call", 2, handle)?;
        let wrong = FaultKind::Argument { callee: "tail_call", argument: 2, value: handle };
        let programs = map.programs().ok_or(wrong)?;
        if self.tail_calls >= TAIL_CALLS_MAX {
            return Ok(Next::Continue);
        }
        match programs.program(low(index)).filter(|&to| self.machine.is_kind(to, self.kind)) {
            Some(target) => {
                self.tail_calls += 1;
                self.turns = self.limits.turns_max;
                Ok(Next::End(self.go_on_in(at, target, 0)))
            }
            None => Ok(Next::Continue),
        }
    }
}
