//! Invents statements.

use netloom_abi::ProgramType;
use netloom_isa::{AluOp, Cond, EndianOp, Imm64, Insn, Operand, Reg, Size, Width};

use super::{Branch, NUMBERS, Statement, access};
use crate::random::Random;

/// Statements of the entry function and of each other, those inside others included.
const MAIN_MAX: usize = 50;
const FUNCTION_MAX: usize = 8;
/// Statements inside statements.
const DEPTH_MAX: usize = 4;
/// Loops in loops, each with a counter of its own.
const COUNTERS: [Reg; 2] = [Reg::R7, Reg::R8];
const TURNS_MAX: usize = 5;
const LOOP_BODY_MAX: usize = 6;

const ALU: [AluOp; 14] = [
    AluOp::Add,
    AluOp::Sub,
    AluOp::Mul,
    AluOp::Div,
    AluOp::Sdiv,
    AluOp::Or,
    AluOp::And,
    AluOp::Lsh,
    AluOp::Rsh,
    AluOp::Mod,
    AluOp::Smod,
    AluOp::Xor,
    AluOp::Mov,
    AluOp::Arsh,
];
const CONDS: [Cond; 11] = [
    Cond::Eq,
    Cond::Ne,
    Cond::Gt,
    Cond::Ge,
    Cond::Lt,
    Cond::Le,
    Cond::Set,
    Cond::Sgt,
    Cond::Sge,
    Cond::Slt,
    Cond::Sle,
];
const WIDTHS: [Width; 2] = [Width::W32, Width::W64];
/// Numbers near which things change.
const EDGES: [u64; 18] = [
    0,
    1,
    2,
    7,
    31,
    32,
    63,
    64,
    0x7f,
    0xff,
    0x7fff,
    0xffff,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    1 << 32,
    1 << 63,
    u64::MAX >> 1,
];

/// Writes statements of one function.
pub(super) struct Writer<'r> {
    pub(super) random: &'r mut Random,
    pub(super) kind: ProgramType,
    /// Whether `r6` is the context.
    pub(super) has_context: bool,
    /// Functions that may be called.
    functions: usize,
    /// Registers that count loops around the next statement.
    counters: Vec<Reg>,
    left: usize,
}

/// The entry function.
pub(super) fn main(random: &mut Random, kind: ProgramType, functions: usize) -> Vec<Statement> {
    let left = 5 + random.below(MAIN_MAX - 5);
    Writer { random, kind, has_context: true, functions, counters: vec![], left }.block(left, 0)
}

/// Another function, which may call those before it.
pub(super) fn function(random: &mut Random, kind: ProgramType, known: usize) -> Vec<Statement> {
    let left = 1 + random.below(FUNCTION_MAX);
    let functions = known;
    Writer { random, kind, has_context: false, functions, counters: vec![], left }.block(left, 1)
}

/// A number that is often near an edge.
pub(super) fn number(random: &mut Random) -> u64 {
    match random.below(4) {
        0 => random.bits(),
        1 => random.copied(&EDGES),
        2 => random.copied(&EDGES).wrapping_neg(),
        _ => {
            let near = random.below(5) as u64;
            random.copied(&EDGES).wrapping_add(near).wrapping_sub(2)
        }
    }
}

impl Writer<'_> {
    /// At most `count` statements, as long as some are left.
    fn block(&mut self, count: usize, depth: usize) -> Vec<Statement> {
        let mut statements = Vec::new();
        while statements.len() < count && self.left > 0 {
            self.left -= 1;
            statements.push(self.statement(depth));
        }
        statements
    }

    fn statement(&mut self, depth: usize) -> Statement {
        let is_deep = depth >= DEPTH_MAX;
        match self.random.below(24) {
            0..=2 if !is_deep => {
                let branch = self.branch();
                let (then, otherwise) = (self.random.below(5), self.random.below(4));
                let then = self.block(then, depth + 1);
                Statement::If { branch, then, otherwise: self.block(otherwise, depth + 1) }
            }
            3 if !is_deep && self.counters.len() < COUNTERS.len() => self.counted(depth),
            4 if self.functions > 0 => {
                let function = self.random.below(self.functions);
                Statement::Call { function, after: self.refilled() }
            }
            5..=12 => Statement::Straight(access::access(self)),
            _ => Statement::Straight(vec![self.arithmetic()]),
        }
    }

    fn counted(&mut self, depth: usize) -> Statement {
        let counter = COUNTERS[self.counters.len()];
        let turns = 1 + self.random.below(TURNS_MAX);
        let count = 1 + self.random.below(LOOP_BODY_MAX);
        self.counters.push(counter);
        let body = self.block(count, depth + 2);
        self.counters.pop();
        let turns = i32::try_from(turns).expect("few turns");
        Statement::Loop { counter, turns, may_end: self.random.one_in(3), body }
    }

    /// Instructions that give `r1` to `r5` numbers again.
    pub(super) fn refilled(&mut self) -> Vec<Insn> {
        [Reg::R1, Reg::R2, Reg::R3, Reg::R4, Reg::R5].map(|dst| self.filled(dst)).into()
    }

    /// Gives a register a number, from one that a call keeps.
    pub(super) fn filled(&mut self, dst: Reg) -> Insn {
        let src = match self.random.below(4) {
            0 => Operand::Imm(self.constant()),
            1 => Operand::Reg(Reg::R0),
            2 => Operand::Reg(Reg::R7),
            _ => Operand::Reg(Reg::R8),
        };
        Insn::Alu { width: Width::W64, op: AluOp::Mov, dst, src }
    }

    /// A register that may be read.
    pub(super) fn read(&mut self) -> Reg {
        self.random.copied(&NUMBERS)
    }

    /// A register that may be written: one that counts no loop.
    pub(super) fn written(&mut self) -> Reg {
        loop {
            let reg = self.random.copied(&NUMBERS);
            if !self.counters.contains(&reg) {
                return reg;
            }
        }
    }

    /// A constant of 32 bits that is often near an edge.
    pub(super) fn constant(&mut self) -> i32 {
        let [b0, b1, b2, b3, ..] = number(self.random).to_le_bytes();
        i32::from_le_bytes([b0, b1, b2, b3])
    }

    fn operand(&mut self) -> Operand {
        if self.random.one_in(3) { self.constant().into() } else { self.read().into() }
    }

    fn width(&mut self) -> Width {
        self.random.copied(&WIDTHS)
    }

    fn branch(&mut self) -> Branch {
        Branch {
            width: self.width(),
            cond: self.random.copied(&CONDS),
            dst: self.read(),
            src: self.operand(),
            is_far: self.random.one_in(4),
        }
    }

    fn arithmetic(&mut self) -> Insn {
        let (width, dst) = (self.width(), self.written());
        match self.random.below(16) {
            0 => Insn::Neg { width, dst },
            1 => {
                let from = match width {
                    Width::W32 => self.random.copied(&[Size::B, Size::H]),
                    Width::W64 => self.random.copied(&[Size::B, Size::H, Size::W]),
                };
                Insn::MovSx { width, from, dst, src: self.read() }
            }
            2 => {
                let op = self.random.copied(&[EndianOp::ToLe, EndianOp::ToBe, EndianOp::Swap]);
                Insn::Endian { op, size: self.random.copied(&[Size::H, Size::W, Size::Dw]), dst }
            }
            3 => Insn::LoadImm64 { dst, value: Imm64::Value(number(self.random)) },
            _ => {
                let op = self.random.copied(&ALU);
                let src = acceptable(op, width, self.operand());
                Insn::Alu { width, op, dst, src }
            }
        }
    }
}

/// The operand, made one that kernels accept: no constant zero as a divisor, no constant shift by the
/// width or more.
fn acceptable(op: AluOp, width: Width, src: Operand) -> Operand {
    let Operand::Imm(imm) = src else { return src };
    match op {
        AluOp::Div | AluOp::Sdiv | AluOp::Mod | AluOp::Smod if imm == 0 => Operand::Imm(3),
        AluOp::Lsh | AluOp::Rsh | AluOp::Arsh => {
            Operand::Imm(imm & if width == Width::W32 { 31 } else { 63 })
        }
        AluOp::Div
        | AluOp::Sdiv
        | AluOp::Mod
        | AluOp::Smod
        | AluOp::Add
        | AluOp::Sub
        | AluOp::Mul
        | AluOp::Or
        | AluOp::And
        | AluOp::Xor
        | AluOp::Mov => src,
    }
}
