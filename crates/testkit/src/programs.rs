//! Random programs that kernels accept, to compare engines by.
//!
//! A program is a tree of statements over eight registers that always hold numbers, so that any tree
//! is worth a try: what is left out while a failure is made smaller still makes a program. Numbers come
//! from maps, the packet and the caller, so that no engine can know them beforehand.
//!
//! ```text
//! r0–r5, r7, r8  numbers            r6   the context            r9   the middle of map 1's value
//! stack          64 bytes of numbers below r10, then 8 bytes for a key
//! ```
//!
//! Reading order: here what programs are made of, then `write` (statements), `access` (memory),
//! `emit` (statements → instructions) and `shrink`.

mod access;
mod emit;
mod shrink;
mod write;

use netloom_abi::ProgramType;
use netloom_conformance::engine::Input;
use netloom_isa::{Cond, Insn, Operand, Reg, Width};

pub use shrink::shrink;

use crate::random::Random;

/// The registers that always hold numbers.
const NUMBERS: [Reg; 8] = [Reg::R0, Reg::R1, Reg::R2, Reg::R3, Reg::R4, Reg::R5, Reg::R7, Reg::R8];
/// Bytes of map 1's value; `r9` points to the middle.
const MEMORY_BYTES: u16 = 64;
/// Bytes of the stack that hold numbers.
const STACK_BYTES: i16 = 64;
/// Where on the stack a key is put together.
const KEY: i16 = -STACK_BYTES - 8;
/// Inputs of each program.
const INPUTS: usize = 4;
const ETHERNET_BYTES: usize = 14;
/// A local experimental EtherType (IEEE 802): kernels run nothing on an IP packet with a cut header.
const EXPERIMENT: [u8; 2] = [0x88, 0xb5];
/// Most functions besides the entry.
const FUNCTIONS_MAX: usize = 3;

/// A program with what it is run on.
#[derive(Clone, Debug)]
pub struct Program {
    kind: ProgramType,
    main: Vec<Statement>,
    /// Each calls only those before it.
    functions: Vec<Vec<Statement>>,
    /// What it is run on, one after the other.
    pub inputs: Vec<Input>,
}

/// A part of a program.
#[derive(Clone, Debug)]
enum Statement {
    /// Instructions that belong together.
    Straight(Vec<Insn>),
    If {
        branch: Branch,
        then: Vec<Statement>,
        otherwise: Vec<Statement>,
    },
    /// Counts a register from 0 up to a number of turns.
    Loop {
        counter: Reg,
        turns: i32,
        /// Whether a `may_goto` could end it as well.
        may_end: bool,
        body: Vec<Statement>,
    },
    Call {
        function: usize,
        /// What fills the registers that the call leaves without meaning.
        after: Vec<Insn>,
    },
}

/// The condition of a jump.
#[derive(Clone, Copy, Debug)]
struct Branch {
    width: Width,
    cond: Cond,
    dst: Reg,
    src: Operand,
    /// The jump around the other branch has 32 bits.
    is_far: bool,
}

impl Program {
    /// The program of a seed; the same every time.
    pub fn generate(seed: u64) -> Self {
        let random = &mut Random::new(seed);
        let kind = random.copied(&[ProgramType::Xdp, ProgramType::SchedCls]);
        let functions = random.below(FUNCTIONS_MAX + 1);
        let functions =
            (0..functions).map(|known| write::function(random, kind, known)).collect::<Vec<_>>();
        let main = write::main(random, kind, functions.len());
        let inputs = (0..INPUTS).map(|_| input(random)).collect();
        Self { kind, main, functions, inputs }
    }
}

fn input(random: &mut Random) -> Input {
    let length = ETHERNET_BYTES + random.below(80);
    let mut packet = random.bytes(length);
    packet[ETHERNET_BYTES - 2..ETHERNET_BYTES].copy_from_slice(&EXPERIMENT);
    Input {
        registers: std::array::from_fn(|_| write::number(random)),
        memory: random.bytes(MEMORY_BYTES.into()),
        packet,
    }
}
