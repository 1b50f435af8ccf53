//! Instructions → operations.
//!
//! Never fails: what has no meaning here (a jump out of the program, a write to `r10`, an unknown
//! helper) becomes a trap that faults if it is reached, as a program may well never reach it.

use netloom_abi::Helper;
use netloom_isa::{
    AluOp, AtomicOp, Callee, Cond, EndianOp, Imm64, Insn, Operand, Pc, Reg, Size, Width,
};

use crate::address::Region;
use crate::embed::{self, Embedded};
use crate::fault::FaultKind;
use crate::op::{Op, Rare, rows};
use crate::{helper, kfunc};

/// A program's operations. The first ones correspond to its instructions, one to one.
#[derive(Debug)]
pub(crate) struct Code {
    pub(crate) ops: Vec<Op>,
    /// The slot to report, per operation.
    pub(crate) slots: Vec<Pc>,
    /// What traps report.
    pub(crate) faults: Vec<FaultKind>,
}

/// The operations of `insns`, in an object of `maps` maps, with the embedding program's helpers.
pub(crate) fn lower(insns: &[Insn], maps: usize, helpers: &[Embedded]) -> Code {
    let mut slot = 0u32;
    let mut slots = Vec::with_capacity(insns.len() + 1);
    for insn in insns {
        slots.push(Pc(slot));
        slot += insn.slots();
    }
    slots.push(Pc(slot));
    let mut lowering =
        Lowering { starts: slots.clone(), slots, maps, helpers, faults: vec![], traps: vec![] };
    let mut ops = Vec::with_capacity(insns.len() + 1);
    for (index, insn) in insns.iter().enumerate() {
        let op = lowering.op(index, *insn);
        ops.push(op);
    }
    ops.push(lowering.trap(FaultKind::FellOff));
    ops.append(&mut lowering.traps);
    Code { ops, slots: lowering.slots, faults: lowering.faults }
}

impl Code {
    /// The fault of a trap.
    pub(crate) fn fault(&self, fault: u32) -> FaultKind {
        self.faults.get(fault as usize).cloned().unwrap_or(FaultKind::FellOff)
    }
}

struct Lowering<'h> {
    /// First slot of each instruction, and the slot behind the last.
    starts: Vec<Pc>,
    slots: Vec<Pc>,
    maps: usize,
    helpers: &'h [Embedded],
    faults: Vec<FaultKind>,
    /// Operations behind the program: targets of jumps that lead nowhere.
    traps: Vec<Op>,
}

impl Lowering<'_> {
    fn op(&mut self, index: usize, insn: Insn) -> Op {
        if written(&insn) == Some(Reg::R10) {
            return self.trap(FaultKind::FrameWrite);
        }
        match insn {
            Insn::Alu { width, op, dst, src } => alu(width, op, dst, src),
            Insn::Neg { width: Width::W64, dst } => {
                unary(dst, dst, |dst, src| Op::Neg64 { dst, src })
            }
            Insn::Neg { width: Width::W32, dst } => {
                unary(dst, dst, |dst, src| Op::Neg32 { dst, src })
            }
            Insn::MovSx { width, from, dst, src } => self.sign_extend(width, from, dst, src),
            Insn::Endian { op, size, dst } => self.endian(op, size, dst),
            Insn::LoadImm64 { dst, value } => self.constant(index, dst, value),
            Insn::Load { size, signed, dst, base, off } => load(size, signed, dst, base, off),
            Insn::Store { size, base, off, src } => store(size, base, off, src),
            Insn::Atomic { op, width, base, off, src } => {
                Op::Rare(Rare::Atomic { op, width, base, off, src })
            }
            Insn::LoadAcquire { size, dst, base, off } => {
                Op::Rare(Rare::LoadAcquire { size, dst, base, off })
            }
            Insn::StoreRelease { size, base, off, src } => {
                Op::Rare(Rare::StoreRelease { size, base, off, src })
            }
            Insn::LoadPacket { size: Size::Dw, .. } => self.trap(FaultKind::Invalid),
            Insn::LoadPacket { size, index, imm } => {
                Op::Rare(Rare::LoadPacket { size, index, imm })
            }
            Insn::Jump { off, .. } => Op::Jump { to: self.target(index, off) },
            Insn::JumpIf { width, cond, dst, src, off } => {
                jump_if(width, cond, dst, src, self.target(index, off.into()))
            }
            Insn::MayGoto { off } => Op::Rare(Rare::MayGoto { to: self.target(index, off.into()) }),
            Insn::Call(callee) => self.call(index, callee),
            Insn::Exit => Op::Exit,
            Insn::AddrSpaceCast { .. } => self.trap(FaultKind::Unavailable("address space cast")),
            Insn::AddrPercpu { .. } => self.trap(FaultKind::Unavailable("address per cpu")),
            Insn::JumpReg { .. } => self.trap(FaultKind::Unavailable("jump to a register")),
        }
    }

    /// An operation that reports `fault`.
    fn trap(&mut self, fault: FaultKind) -> Op {
        self.faults.push(fault);
        // A program has fewer than 2^32 slots, and at most two traps for each.
        Op::Trap { fault: u32::try_from(self.faults.len() - 1).unwrap_or(u32::MAX) }
    }

    /// The operation `off` slots behind the end of instruction `index`.
    fn target(&mut self, index: usize, off: i32) -> u32 {
        let here = self.starts.get(index).copied().unwrap_or_default();
        let next = self.starts.get(index + 1).copied().unwrap_or_default();
        let target = i64::from(next.0) + i64::from(off);
        let found = u32::try_from(target)
            .ok()
            .and_then(|target| self.starts.binary_search(&Pc(target)).ok())
            .filter(|&found| found + 1 < self.starts.len())
            .and_then(|found| u32::try_from(found).ok());
        found.unwrap_or_else(|| {
            let place = self.slots.len();
            let trap = self.trap(FaultKind::JumpOutside { target });
            self.traps.push(trap);
            self.slots.push(here);
            u32::try_from(place).unwrap_or(u32::MAX)
        })
    }

    fn sign_extend(&mut self, width: Width, from: Size, dst: Reg, src: Reg) -> Op {
        match (width, from) {
            (Width::W64, Size::B) => Op::Sign8 { dst, src },
            (Width::W64, Size::H) => Op::Sign16 { dst, src },
            (Width::W64, Size::W) => Op::Sign32 { dst, src },
            (Width::W32, Size::B) => Op::Sign8W32 { dst, src },
            (Width::W32, Size::H) => Op::Sign16W32 { dst, src },
            (Width::W32, Size::W) | (_, Size::Dw) => self.trap(FaultKind::Invalid),
        }
    }

    fn endian(&mut self, op: EndianOp, size: Size, dst: Reg) -> Op {
        let src = dst;
        match (op, size) {
            (_, Size::B) => self.trap(FaultKind::Invalid),
            (EndianOp::ToLe, Size::H) => Op::Low16 { dst, src },
            (EndianOp::ToLe, Size::W) => Op::Low32 { dst, src },
            (EndianOp::ToLe, Size::Dw) => Op::Low64 { dst, src },
            (EndianOp::ToBe | EndianOp::Swap, Size::H) => Op::Swap16 { dst, src },
            (EndianOp::ToBe | EndianOp::Swap, Size::W) => Op::Swap32 { dst, src },
            (EndianOp::ToBe | EndianOp::Swap, Size::Dw) => Op::Swap64 { dst, src },
        }
    }

    fn constant(&mut self, index: usize, dst: Reg, value: Imm64) -> Op {
        let map = |map: u32| u16::try_from(map).ok().filter(|&map| usize::from(map) < self.maps);
        let value = match value {
            Imm64::Value(value) => Some(value),
            Imm64::MapIndex(number) => map(number).map(|map| Region::MapHandle.at(map.into())),
            Imm64::MapIndexValue(number, off) => {
                map(number).map(|map| Region::Map(map).at(off.into()))
            }
            // Counted from the constant's second slot, where a jump counts from the next instruction.
            Imm64::Function(off) => {
                Some(Region::Function.at(self.target(index, off.wrapping_sub(1)).into()))
            }
            Imm64::MapFd(_) | Imm64::MapFdValue(..) => {
                return self.trap(FaultKind::Unavailable("map by file descriptor"));
            }
            Imm64::BtfId(..) => return self.trap(FaultKind::Unavailable("kernel variable")),
        };
        match value {
            Some(value) => Op::Const { dst, value },
            None => self.trap(FaultKind::NoMap),
        }
    }

    fn call(&mut self, index: usize, callee: Callee) -> Op {
        match callee {
            Callee::Local(off) => Op::Call { to: self.target(index, off) },
            Callee::Reg(target) | Callee::RegImm(target) => Op::Rare(Rare::CallReg { target }),
            Callee::Helper(id) => self.call_helper(id),
            Callee::Kfunc(id, module) => match kfunc::row(id) {
                Some(row) if module == 0 => Op::Kfunc { row },
                _ => self.trap(FaultKind::UnknownKfunc { id }),
            },
        }
    }

    fn call_helper(&mut self, id: u32) -> Op {
        if let Some(row) = embed::row(self.helpers, id.into()) {
            return Op::Rare(Rare::Embedded { row });
        }
        match Helper::new(id) {
            Some(Helper::TailCall) => Op::Rare(Rare::TailCall),
            helper => match helper.and_then(helper::row) {
                Some(row) => Op::Helper { row },
                None => self.trap(FaultKind::UnknownHelper { id }),
            },
        }
    }
}

/// The register that the instruction names as its destination.
fn written(insn: &Insn) -> Option<Reg> {
    match *insn {
        Insn::Alu { dst, .. }
        | Insn::Neg { dst, .. }
        | Insn::MovSx { dst, .. }
        | Insn::Endian { dst, .. }
        | Insn::AddrSpaceCast { dst, .. }
        | Insn::AddrPercpu { dst, .. }
        | Insn::LoadImm64 { dst, .. }
        | Insn::Load { dst, .. }
        | Insn::LoadAcquire { dst, .. } => Some(dst),
        Insn::Atomic { op, src, .. } => fetched(op, src),
        Insn::Store { .. }
        | Insn::StoreRelease { .. }
        | Insn::LoadPacket { .. }
        | Insn::Jump { .. }
        | Insn::JumpIf { .. }
        | Insn::JumpReg { .. }
        | Insn::MayGoto { .. }
        | Insn::Call(_)
        | Insn::Exit => None,
    }
}

/// The register that receives the old value of an atomic operation.
fn fetched(op: AtomicOp, src: Reg) -> Option<Reg> {
    match op {
        AtomicOp::Add { fetch }
        | AtomicOp::Or { fetch }
        | AtomicOp::And { fetch }
        | AtomicOp::Xor { fetch } => fetch.then_some(src),
        AtomicOp::Xchg => Some(src),
        AtomicOp::Cmpxchg => Some(Reg::R0),
    }
}

fn unary(dst: Reg, src: Reg, op: fn(Reg, Reg) -> Op) -> Op {
    op(dst, src)
}

macro_rules! uniform {
    (
        []
        alu { $($a:ident $af:ident $a64:ident $ak64:ident $a32:ident $ak32:ident)* }
        jump { $($j:ident $jf:ident $j64:ident $jk64:ident $j32:ident $jk32:ident)* }
        unary { $($u:ident $uf:ident)* }
        memory { $($size:ident $bytes:literal $load:ident $store:ident $storek:ident)* }
    ) => {
        fn alu(width: Width, op: AluOp, dst: Reg, src: Operand) -> Op {
            match (op, width, src) {
                $(
                    (AluOp::$a, Width::W64, Operand::Reg(src)) => Op::$a64 { dst, src },
                    (AluOp::$a, Width::W64, Operand::Imm(k)) => Op::$ak64 { dst, k },
                    (AluOp::$a, Width::W32, Operand::Reg(src)) => Op::$a32 { dst, src },
                    (AluOp::$a, Width::W32, Operand::Imm(k)) => Op::$ak32 { dst, k },
                )*
            }
        }

        fn jump_if(width: Width, cond: Cond, dst: Reg, src: Operand, to: u32) -> Op {
            match (cond, width, src) {
                $(
                    (Cond::$j, Width::W64, Operand::Reg(src)) => {
                        Op::$j64 { dst, src, to }
                    }
                    (Cond::$j, Width::W64, Operand::Imm(k)) => Op::$jk64 { dst, k, to },
                    (Cond::$j, Width::W32, Operand::Reg(src)) => {
                        Op::$j32 { dst, src, to }
                    }
                    (Cond::$j, Width::W32, Operand::Imm(k)) => Op::$jk32 { dst, k, to },
                )*
            }
        }

        fn load(size: Size, signed: bool, dst: Reg, base: Reg, off: i16) -> Op {
            if signed {
                return Op::Rare(Rare::LoadSigned { size, dst, base, off });
            }
            match size {
                $(Size::$size => Op::$load { dst, base, off },)*
            }
        }

        fn store(size: Size, base: Reg, off: i16, src: Operand) -> Op {
            match (size, src) {
                $(
                    (Size::$size, Operand::Reg(src)) => Op::$store { base, src, off },
                    (Size::$size, Operand::Imm(k)) => Op::$storek { base, off, k },
                )*
            }
        }
    };
}
rows!(uniform []);
