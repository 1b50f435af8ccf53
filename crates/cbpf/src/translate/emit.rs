//! One instruction after the other.

use netloom_isa::{AluOp as Op, Builder, Cond as Test, Insn as Code, Label, Operand, Reg, Width};

use super::{Target, TranslateError};
use crate::ancillary::{Ancillary, Origin, origin};
use crate::fact::{Facts, facts, needed};
use crate::insn::{AluOp, Cond, Insn, Size, Slot, Source};
use crate::live::{Live, ends_at_zero, is_idle, live};
use crate::program::Program;

/// The accumulator and result; packet loads of socket filters write it as well.
pub(super) const A: Reg = Reg::R0;
/// The index register.
pub(super) const X: Reg = Reg::R7;
/// The context, where packet loads of socket filters expect it.
pub(super) const CONTEXT: Reg = Reg::R6;
/// Holds nothing between instructions.
pub(super) const SCRATCH: Reg = Reg::R1;

/// `bpf_get_prandom_u32` and `bpf_get_smp_processor_id` in `linux/bpf.h: enum bpf_func_id`.
const RANDOM_HELPER: u32 = 7;
const CPU_HELPER: u32 = 8;

/// A conditional jump reaches this far, less what one instruction may become.
const REACH_SLOTS: u32 = 32_000;

pub(super) struct Emitter<'a> {
    pub(super) out: Builder,
    pub(super) target: Target,
    program: &'a Program,
    live: Vec<Live>,
    /// What is known at each instruction; nothing at one that is left out.
    facts: Vec<Option<Facts>>,
    /// The place of each instruction.
    labels: Vec<Label>,
    /// The place that returns 0, and the first jump to it.
    failure: Label,
    first_failure: Option<u32>,
}

impl<'a> Emitter<'a> {
    pub(super) fn new(program: &'a Program, target: Target) -> Self {
        let mut out = Builder::new();
        let labels = program.iter().map(|_| out.label()).collect();
        let failure = out.label();
        Self {
            out,
            target,
            program,
            live: live(program),
            facts: facts(program, target.reach()),
            labels,
            failure,
            first_failure: None,
        }
    }

    pub(super) fn emit(mut self) -> Result<Vec<Code>, TranslateError> {
        self.begin();
        for (pc, insn) in self.program.iter().enumerate() {
            let Some(facts) = self.facts[pc] else { continue };
            self.out.place(self.labels[pc]);
            if is_idle(insn, self.live[pc + 1]) {
                continue;
            }
            self.insn(pc, insn, &facts)?;
            self.keep_failure_near();
        }
        if self.first_failure.is_some() {
            self.place_failure();
            self.ret(0);
        }
        Ok(self.out.finish().expect("labels of what is reached are placed, and jumps are short"))
    }

    /// Puts context, packet and the zeros that someone reads where they belong.
    fn begin(&mut self) {
        match self.target {
            Target::Socket => self.begin_socket(self.program),
            Target::Xdp | Target::Memory => self.begin_direct(self.program),
        }
        for (register, is_live) in [(A, self.live[0].a), (X, self.live[0].x)] {
            if is_live {
                self.out.alu32(Op::Mov, register, 0);
            }
        }
    }

    fn insn(&mut self, pc: usize, insn: &Insn, facts: &Facts) -> Result<(), TranslateError> {
        match *insn {
            Insn::LoadAbs { size, k } => match Ancillary::at(k) {
                Some(ancillary) => self.load_ancillary(pc, ancillary)?,
                None => self.load(pc, Load { size, k, dst: A }, facts)?,
            },
            Insn::LoadXMsh(k) => self.load(pc, Load { size: Size::B, k, dst: X }, facts)?,
            Insn::LoadInd { size, k } => match self.target {
                Target::Socket => self.load_indirect_by_kernel(size, k),
                Target::Xdp | Target::Memory => self.load_indirect(size, k, facts),
            },
            Insn::LoadImm(k) => self.constant(A, k),
            Insn::LoadXImm(k) => self.constant(X, k),
            Insn::LoadMem(slot) => self.load_slot(A, slot),
            Insn::LoadXMem(slot) => self.load_slot(X, slot),
            Insn::StoreA(slot) => self.store_slot(slot, A),
            Insn::StoreX(slot) => self.store_slot(slot, X),
            Insn::LoadLen => self.load_length(A),
            Insn::LoadXLen => self.load_length(X),
            Insn::Alu { op, src } => self.alu(op, src, self.keeps_a(pc)),
            Insn::Neg => {
                self.out.push(Code::Neg { width: Width::W32, dst: A });
            }
            Insn::Tax => {
                self.out.alu32(Op::Mov, X, A);
            }
            Insn::Txa => {
                self.out.alu32(Op::Mov, A, X);
            }
            Insn::Jump(distance) => self.jump(pc, distance as usize),
            Insn::JumpIf { cond, src, jt, jf } => {
                self.jump_if(pc, (cond, src), (jt.into(), jf.into()));
            }
            Insn::RetK(k) => self.ret_k(k),
            Insn::RetA => {
                self.out.exit();
            }
        }
        Ok(())
    }

    /// The place of the instruction so far behind another.
    fn place_of(&self, pc: usize, distance: usize) -> Label {
        self.labels[pc + 1 + distance]
    }

    /// Whether A is needed behind an instruction that is followed by the next.
    pub(super) fn keeps_a(&self, pc: usize) -> bool {
        self.live[pc + 1].a
    }

    fn constant(&mut self, register: Reg, k: u32) {
        self.out.alu32(Op::Mov, register, k.cast_signed());
    }

    fn load_slot(&mut self, register: Reg, slot: Slot) {
        self.out.load(netloom_isa::Size::W, register, Reg::R10, frame_offset(slot));
    }

    fn store_slot(&mut self, slot: Slot, register: Reg) {
        self.out.store(netloom_isa::Size::W, Reg::R10, frame_offset(slot), register);
    }

    fn alu(&mut self, op: AluOp, src: Source, is_read: bool) {
        if ends_at_zero(op, src) {
            self.fail_if32(Test::Eq, X, 0);
        }
        if !is_read {
            return;
        }
        let op = match op {
            AluOp::Add => Op::Add,
            AluOp::Sub => Op::Sub,
            AluOp::Mul => Op::Mul,
            AluOp::Div => Op::Div,
            AluOp::Mod => Op::Mod,
            AluOp::Or => Op::Or,
            AluOp::And => Op::And,
            AluOp::Xor => Op::Xor,
            AluOp::Lsh => Op::Lsh,
            AluOp::Rsh => Op::Rsh,
        };
        self.out.alu32(op, A, operand(src));
    }

    fn jump(&mut self, pc: usize, distance: usize) {
        if distance > 0 {
            let target = self.place_of(pc, distance);
            self.out.jump(target);
        }
    }

    fn jump_if(&mut self, pc: usize, (cond, src): (Cond, Source), (jt, jf): (usize, usize)) {
        if jt == jf {
            return self.jump(pc, jt);
        }
        let (on_true, on_false) = (self.place_of(pc, jt), self.place_of(pc, jf));
        let (test, opposite) = match cond {
            Cond::Eq => (Test::Eq, Some(Test::Ne)),
            Cond::Gt => (Test::Gt, Some(Test::Le)),
            Cond::Ge => (Test::Ge, Some(Test::Lt)),
            Cond::Set => (Test::Set, None),
        };
        match opposite {
            Some(opposite) if jt == 0 => {
                self.out.jump_if32(opposite, A, operand(src), on_false);
            }
            Some(_) | None => {
                self.out.jump_if32(test, A, operand(src), on_true);
                self.jump(pc, jf);
            }
        }
    }

    fn load_ancillary(&mut self, pc: usize, ancillary: Ancillary) -> Result<(), TranslateError> {
        match ancillary {
            Ancillary::AluXorX => {
                self.out.alu32(Op::Xor, A, X);
            }
            Ancillary::Random => {
                self.out.call_helper(RANDOM_HELPER);
            }
            Ancillary::Cpu => {
                self.out.call_helper(CPU_HELPER);
            }
            Ancillary::Protocol
            | Ancillary::PacketType
            | Ancillary::Ifindex
            | Ancillary::Nlattr
            | Ancillary::NlattrNest
            | Ancillary::Mark
            | Ancillary::Queue
            | Ancillary::HardwareType
            | Ancillary::RxHash
            | Ancillary::VlanTag
            | Ancillary::VlanTagPresent
            | Ancillary::PayOffset
            | Ancillary::VlanTpid => {
                let has_field = match self.target {
                    Target::Socket => self.load_field(ancillary),
                    Target::Xdp => self.load_xdp_field(ancillary),
                    Target::Memory => false,
                };
                if !has_field {
                    return Err(TranslateError::Ancillary { pc, ancillary, target: self.target });
                }
            }
        }
        Ok(())
    }

    fn ret_k(&mut self, k: u32) {
        if k == 0 && self.first_failure.is_some() {
            self.place_failure();
        }
        self.ret(k);
    }

    fn ret(&mut self, k: u32) {
        self.constant(A, k);
        self.out.exit();
    }

    /// Returns 0 from here.
    fn fail(&mut self) {
        let label = self.failure();
        self.out.jump(label);
    }

    pub(super) fn fail_if(&mut self, test: Test, register: Reg, operand: impl Into<Operand>) {
        let label = self.failure();
        self.out.jump_if(test, register, operand, label);
    }

    fn fail_if32(&mut self, test: Test, register: Reg, operand: impl Into<Operand>) {
        let label = self.failure();
        self.out.jump_if32(test, register, operand, label);
    }

    fn failure(&mut self) -> Label {
        self.first_failure.get_or_insert(self.out.pc().0);
        self.failure
    }

    /// Here begins code that returns 0; later failures need another place.
    fn place_failure(&mut self) {
        self.out.place(self.failure);
        self.failure = self.out.label();
        self.first_failure = None;
    }

    /// Returns 0 amid the program before the first jump there can not reach any further.
    fn keep_failure_near(&mut self) {
        if self.first_failure.is_some_and(|first| self.out.pc().0 - first > REACH_SLOTS) {
            let around = self.out.label();
            self.out.jump(around);
            self.place_failure();
            self.ret(0);
            self.out.place(around);
        }
    }
}

/// A load of packet bytes at a constant offset: into A, or a header length into X.
#[derive(Clone, Copy)]
pub(super) struct Load {
    pub(super) size: Size,
    pub(super) k: u32,
    pub(super) dst: Reg,
}

impl Emitter<'_> {
    fn load(&mut self, pc: usize, load: Load, facts: &Facts) -> Result<(), TranslateError> {
        let Load { size, k, .. } = load;
        let is_header = matches!(origin(k), Origin::Network(_) | Origin::Link(_));
        match (needed(k, size, self.target.reach()), self.target) {
            (Some(needed), Target::Xdp | Target::Memory) => self.load_direct(load, needed, facts),
            (Some(_), Target::Socket) => self.load_by_kernel(pc, load),
            (None, Target::Socket) if is_header => self.load_by_kernel(pc, load),
            (None, target) if is_header => return Err(TranslateError::Header { pc, k, target }),
            (None, _) => self.fail(),
        }
        Ok(())
    }

    /// Makes a header length of the byte in a register.
    pub(super) fn header_length(&mut self, register: Reg) {
        self.out.alu32(Op::And, register, 0xf);
        self.out.alu32(Op::Lsh, register, 2);
    }

    fn load_length(&mut self, dst: Reg) {
        match self.target {
            Target::Socket => self.load_skb_length(dst),
            Target::Xdp | Target::Memory => self.subtract_pointers(dst),
        }
    }
}

/// Whether an instruction loads from the packet, its length or its metadata.
pub(super) fn is_load(insn: &Insn) -> bool {
    matches!(
        insn,
        Insn::LoadAbs { .. }
            | Insn::LoadInd { .. }
            | Insn::LoadXMsh(_)
            | Insn::LoadLen
            | Insn::LoadXLen
    )
}

/// The metadata that an instruction loads.
pub(super) fn loaded_ancillary(insn: &Insn) -> Option<Ancillary> {
    if let Insn::LoadAbs { k, .. } = insn { Ancillary::at(*k) } else { None }
}

/// Where a memory word is in the frame: the first one highest.
fn frame_offset(slot: Slot) -> i16 {
    -4 * (i16::from(slot.number()) + 1)
}

fn operand(src: Source) -> Operand {
    match src {
        Source::K(k) => Operand::Imm(k.cast_signed()),
        Source::X => Operand::Reg(X),
    }
}
