//! Instructions → slots.
//!
//! Never fails: what has no meaning here (a jump out of the program, a write to `r10`, an unknown
//! helper) becomes a trap that faults if it is reached, as a program may well never reach it.
//!
//! Fusing changes handlers, not places: where two instructions are fused, the first one's handler
//! executes both, and the second one's stays for whoever jumps there.

use netloom_abi::Helper;
use netloom_isa::{AtomicOp, Callee, Imm64, Insn, Operand, Reg, Size};

use crate::address::Region;
use crate::embed::{self, Embedded};
use crate::fault::FaultKind;
use crate::op::{Handler, Op, Rare};
use crate::{handler, helper, kfunc, select};

/// A program's code.
#[derive(Debug)]
pub(crate) struct Code {
    /// One for each slot.
    pub(crate) ops: Vec<Op>,
    pub(crate) rare: Vec<Rare>,
    /// What traps report.
    faults: Vec<FaultKind>,
}

/// The code of `insns`, in an object of `maps` maps, with the embedding program's helpers.
pub(crate) fn lower(insns: &[Insn], maps: usize, helpers: &[Embedded]) -> Code {
    let mut starts = Vec::with_capacity(insns.len());
    for insn in insns {
        starts.push(true);
        starts.resize(starts.len() + insn.slots() as usize - 1, false);
    }
    let ops = Vec::with_capacity(starts.len());
    let code = Code { ops, rare: vec![], faults: vec![] };
    let mut lowering = Lowering { starts, maps, helpers, code };
    let mut before = None;
    for insn in insns {
        let slot = lowering.code.ops.len();
        let lowered = lowering.insn(*insn);
        lowering.code.ops.push(lowered.op());
        if let Lowered::Constant(_, upper) = lowered {
            lowering.code.ops.push(op(handler::inside, Reg::R0, Reg::R0, 0, upper));
        }
        let is_plain = matches!(lowered, Lowered::Plain(_));
        if let (Some(before), true) = (before, is_plain)
            && let Some(first) = lowering.code.ops.get_mut(slot - 1)
            && let Some(run) = select::pair(before, insn)
        {
            first.run = run;
        }
        before = is_plain.then_some(insn);
    }
    lowering.code
}

impl Code {
    /// The fault of a trap.
    pub(crate) fn fault(&self, row: i32) -> FaultKind {
        let fault = usize::try_from(row).ok().and_then(|row| self.faults.get(row));
        fault.cloned().unwrap_or(FaultKind::Invalid)
    }
}

/// An instruction with its handler.
#[derive(Clone, Copy)]
enum Lowered {
    /// It has a handler of its own, so that it may be fused.
    Plain(Op),
    /// It has the handler of many.
    Shared(Op),
    /// It has two slots; the second holds the upper half.
    Constant(Op, i32),
}

impl Lowered {
    fn op(self) -> Op {
        match self {
            Self::Plain(op) | Self::Shared(op) | Self::Constant(op, _) => op,
        }
    }
}

fn op(run: Handler, dst: Reg, src: Reg, off: i16, k: i32) -> Op {
    Op { run, dst, src, off, k }
}

/// An instruction with two operands.
fn binary(run: Handler, dst: Reg, src: Operand, off: i16) -> Lowered {
    Lowered::Plain(match src {
        Operand::Reg(src) => op(run, dst, src, off, 0),
        Operand::Imm(k) => op(run, dst, dst, off, k),
    })
}

struct Lowering<'h> {
    /// Whether an instruction begins there, per slot.
    starts: Vec<bool>,
    maps: usize,
    helpers: &'h [Embedded],
    code: Code,
}

impl Lowering<'_> {
    /// Lowers the instruction that begins behind the code made so far.
    fn insn(&mut self, insn: Insn) -> Lowered {
        if written(&insn) == Some(Reg::R10) {
            return self.trap(FaultKind::FrameWrite);
        }
        match insn {
            Insn::Alu { width, op, dst, src } => {
                binary(select::arithmetic(op, width, src), dst, src, 0)
            }
            Insn::Neg { width, dst } => self.unary(Some(select::negation(width)), dst, dst),
            Insn::MovSx { width, from, dst, src } => {
                self.unary(select::sign_extension(width, from), dst, src)
            }
            Insn::Endian { op, size, dst } => self.unary(select::byte_order(op, size), dst, dst),
            Insn::LoadImm64 { dst, value } => self.constant(dst, value),
            Insn::Load { size, signed: true, dst, base, off } => {
                self.rare(Rare::LoadSigned { size, dst, base, off })
            }
            Insn::Load { size, signed: false, dst, base, off } => {
                Lowered::Plain(op(select::load(size), dst, base, off, 0))
            }
            Insn::Store { size, base, off, src } => {
                binary(select::store(size, src), base, src, off)
            }
            Insn::Atomic { op, width, base, off, src } => {
                self.rare(Rare::Atomic { op, width, base, off, src })
            }
            Insn::LoadAcquire { size, dst, base, off } => {
                self.rare(Rare::LoadAcquire { size, dst, base, off })
            }
            Insn::StoreRelease { size, base, off, src } => {
                self.rare(Rare::StoreRelease { size, base, off, src })
            }
            Insn::LoadPacket { size: Size::Dw, .. } => self.trap(FaultKind::Invalid),
            Insn::LoadPacket { size, index, imm } => {
                self.rare(Rare::LoadPacket { size, index, imm })
            }
            Insn::Jump { off, .. } => self.jump(off),
            Insn::JumpIf { width, cond, dst, src, off } => match self.target(off.into()) {
                Ok(_) => binary(select::branch(cond, width, src), dst, src, off),
                Err(target) => self.rare(Rare::JumpOutside { width, cond, dst, src, target }),
            },
            Insn::JumpReg { dst } => self.rare(Rare::JumpReg { target: dst }),
            Insn::MayGoto { off } => {
                let target = self.target(off.into());
                let is_inside = target.is_ok();
                let (Ok(target) | Err(target)) = target;
                self.rare(Rare::MayGoto { target, is_inside })
            }
            Insn::Call(callee) => self.call(callee),
            Insn::Exit => Lowered::Shared(op(handler::exit, Reg::R0, Reg::R0, 0, 0)),
            Insn::AddrSpaceCast { .. } => {
                self.trap(FaultKind::Unavailable("address space cast, as there are no arenas,"))
            }
            Insn::AddrPercpu { .. } => self.trap(FaultKind::Unavailable("address per cpu")),
        }
    }

    /// An operation that reports `fault`.
    fn trap(&mut self, fault: FaultKind) -> Lowered {
        let row = row_number(self.code.faults.len());
        self.code.faults.push(fault);
        Lowered::Shared(op(handler::trap, Reg::R0, Reg::R0, 0, row))
    }

    fn rare(&mut self, rare: Rare) -> Lowered {
        let row = row_number(self.code.rare.len());
        self.code.rare.push(rare);
        Lowered::Shared(op(handler::rare, Reg::R0, Reg::R0, 0, row))
    }

    /// The slot `off` slots behind the next one; an error where no instruction begins.
    fn target(&self, off: i32) -> Result<i64, i64> {
        let next = i64::try_from(self.code.ops.len() + 1).unwrap_or(i64::MAX);
        let target = next.saturating_add(off.into());
        let start = usize::try_from(target).ok().and_then(|target| self.starts.get(target));
        if start == Some(&true) { Ok(target) } else { Err(target) }
    }

    fn unary(&mut self, run: Option<Handler>, dst: Reg, src: Reg) -> Lowered {
        match run {
            Some(run) => Lowered::Plain(op(run, dst, src, 0, 0)),
            None => self.trap(FaultKind::Invalid),
        }
    }

    fn jump(&mut self, off: i32) -> Lowered {
        match self.target(off) {
            Ok(_) => Lowered::Plain(op(handler::goto, Reg::R0, Reg::R0, 0, off)),
            Err(target) => self.trap(FaultKind::JumpOutside { target }),
        }
    }

    fn constant(&mut self, dst: Reg, value: Imm64) -> Lowered {
        let maps = self.maps;
        let map = |map: u32| u16::try_from(map).ok().filter(|&map| usize::from(map) < maps);
        let value = match value {
            Imm64::Value(value) => Some(value),
            Imm64::MapIndex(number) => map(number).map(|map| Region::MapHandle.at(map.into())),
            Imm64::MapIndexValue(number, off) => {
                map(number).map(|map| Region::Map(map).at(off.into()))
            }
            // Counted from the constant's second slot.
            Imm64::Function(off) => match self.target(off) {
                Ok(target) => Some(Region::Function.at(target.unsigned_abs())),
                Err(target) => return self.wide_trap(FaultKind::JumpOutside { target }),
            },
            Imm64::MapFd(_) | Imm64::MapFdValue(..) => {
                return self.wide_trap(FaultKind::Unavailable("map by file descriptor"));
            }
            Imm64::BtfId(..) => {
                return self.wide_trap(FaultKind::Unavailable("kernel variable"));
            }
        };
        let Some(value) = value else { return self.wide_trap(FaultKind::NoMap) };
        let [a, b, c, d, upper @ ..] = value.to_le_bytes();
        let lower = i32::from_le_bytes([a, b, c, d]);
        Lowered::Constant(op(handler::constant, dst, dst, 0, lower), i32::from_le_bytes(upper))
    }

    /// A trap of two slots.
    fn wide_trap(&mut self, fault: FaultKind) -> Lowered {
        Lowered::Constant(self.trap(fault).op(), 0)
    }

    fn call(&mut self, callee: Callee) -> Lowered {
        match callee {
            Callee::Local(off) => match self.target(off) {
                Ok(_) => Lowered::Shared(op(handler::call, Reg::R0, Reg::R0, 0, off)),
                Err(target) => self.trap(FaultKind::JumpOutside { target }),
            },
            Callee::Reg(target) | Callee::RegImm(target) => self.rare(Rare::CallReg { target }),
            Callee::Helper(id) => self.call_helper(id),
            Callee::Kfunc(id, module) => match kfunc::row(id) {
                Some(row) if module == 0 => {
                    Lowered::Shared(op(handler::call_kfunc, Reg::R0, Reg::R0, 0, row))
                }
                _ => self.trap(FaultKind::UnknownKfunc { id }),
            },
        }
    }

    fn call_helper(&mut self, id: u32) -> Lowered {
        if let Some(row) = embed::row(self.helpers, id.into()) {
            return self.rare(Rare::Embedded { row });
        }
        match Helper::new(id) {
            Some(Helper::TailCall) => self.rare(Rare::TailCall),
            Some(Helper::Loop) => self.rare(Rare::Loop),
            Some(Helper::ForEachMapElem) => self.rare(Rare::ForEach),
            helper => match helper.and_then(helper::row) {
                Some(row) => {
                    let run = match helper {
                        Some(Helper::MapLookupElem) => handler::call_lookup,
                        _ => handler::call_helper,
                    };
                    Lowered::Shared(op(run, Reg::R0, Reg::R0, 0, row))
                }
                None => self.trap(FaultKind::UnknownHelper { id }),
            },
        }
    }
}

/// A row of a table that has at most one for each slot, of which there are fewer than 2^31.
fn row_number(row: usize) -> i32 {
    i32::try_from(row).unwrap_or(i32::MAX)
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
