//! Our own test files: one operation and all its edge operands in one table.
//!
//! ```text
//! # A remark is a line of its own.
//! vector addition
//! each                                  variants: a name, and what stands for `@` in the code
//!     wide   r1 += r2
//!     wide   r1 += $r2                  `$r2` is the row's r2 as a constant of 32 bits: rows where it
//!     low    w1 += w2                   is none are left out
//!     low    w1 += $w2                  `$w2` is the lower half of the row's r2
//! code
//!     @
//! rows  r1  r2  ->  r1.wide  r1.low     `r1.low`: what r1 is after variants of that name
//!       -1  1   ->  0        0
//! ```
//!
//! *Registers.* `code` starts with all registers set, and after it `r0` to `r9` are looked at: those
//! without a column must be as they were before. Registers that a call leaves without meaning are not
//! looked at, nor those after `scratch`. `context r6` has the program's context in `r6`. The runner
//! keeps its own things in the first 80 bytes of the stack; code takes its stack below.
//! Functions that the code calls stand in a section `functions`.
//!
//! *Memory.* Column `memory` is the value of map 1, 16 bytes; `packet` is the packet. Without a column
//! both are zeros, and as inputs they are also what is expected. Map 0 belongs to the runner; maps that
//! the vector wants, each with a line `map KIND KEY-BYTES VALUE-BYTES ENTRIES`, follow from 2 on.
//!
//! *Whole programs.* `whole` in place of `code` is a program with its own `exit`, of which `r0` (its
//! lower half), memory and packet are looked at. Further sections `whole` are the programs that a
//! program array (`map programs`) holds from index 0 on.
//!
//! *Kinds.* `type xdp` or `type tc`; else programs are socket filters.
//!
//! *Differences.* `refused: PART` says that kernels refuse to load the code, with what words; our
//! engines run it. `fault: PART` says that our engines stop it, and kernels are not asked. `only ours:
//! REASON` or `only kernel: REASON` leaves the other engines out.

mod compile;
mod parse;
mod run;
mod section;
mod source;
mod table;
#[cfg(test)]
mod tests;

use std::fmt;

use netloom_abi::Object;
use netloom_isa::Insn;

use crate::engine::{Input, Kind};

/// A test of ours, ready to be run.
#[derive(Clone, Debug)]
pub struct Vector {
    /// What it is about.
    pub name: String,
    /// Where it begins in its file, from 1.
    pub line: usize,
    /// Its programs, each with the rows that it is run on.
    pub groups: Vec<Group>,
    difference: Difference,
}

/// A program and its runs.
#[derive(Clone, Debug)]
pub struct Group {
    /// The program with the runner's part.
    pub object: Object,
    /// The instructions of the vector alone.
    pub tested: Vec<Insn>,
    /// The variant's statement; empty if there are no variants.
    pub statement: String,
    /// The rows.
    pub trials: Vec<Trial>,
}

/// A row as one program runs it.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The row's line, from 1.
    pub line: usize,
    /// What the program starts from.
    pub input: Input,
    /// What it is to leave.
    pub expected: Observed,
}

/// What is looked at after a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// `r0` to `r9`; `None` is not looked at.
    pub registers: [Option<u64>; 10],
    /// The lower half of the program's own result.
    pub result: Option<u32>,
    /// Map 1.
    pub memory: Option<Vec<u8>>,
    /// The packet, where programs can change it.
    pub packet: Option<Vec<u8>>,
}

/// Where engines may differ.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Difference {
    /// The engines that are asked, and why no others.
    only: Option<(Kind, String)>,
    /// What kernels say when they refuse the program.
    refused: Option<String>,
    /// What our engines say when they stop the program.
    fault: Option<String>,
}

/// Why a file is not vectors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VectorError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub reason: VectorReason,
}

/// What is wrong with a line of a vector file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant's sentence names its fields")]
pub enum VectorReason {
    /// A line before the first vector, or an indented line where no section has begun.
    Stray,
    /// No section or property begins with this word.
    Word { word: String },
    /// A property without what belongs to it, or with something else.
    Property { expected: &'static str },
    /// A vector without code or without rows.
    Incomplete { lacks: &'static str },
    /// A section or property that stands here already.
    Twice { word: String },
    /// A column that is none.
    Column { name: String },
    /// A row with more or fewer values than columns.
    Values { expected: usize, actual: usize },
    /// Not a value of its column.
    Value { text: String, column: &'static str },
    /// A column names a variant that does not exist.
    Variant { name: String },
    /// The code is not a program.
    Assembly { message: String },
}

impl Vector {
    /// The vectors of a file.
    ///
    /// # Errors
    /// [`VectorError`], the first one.
    pub fn parse(text: &str) -> Result<Vec<Self>, VectorError> {
        parse::parse(text)
    }
}

impl fmt::Display for VectorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.reason)
    }
}

impl fmt::Display for VectorReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stray => f.write_str("line belongs to no section of a vector"),
            Self::Word { word } => write!(f, "nothing begins with {word:?}"),
            Self::Property { expected } => write!(f, "expected {expected}"),
            Self::Incomplete { lacks } => write!(f, "vector has no {lacks}"),
            Self::Twice { word } => write!(f, "vector has a second {word:?}"),
            Self::Column { name } => write!(f, "no column is named {name:?}"),
            Self::Values { expected, actual } => {
                write!(f, "row has {actual} values for {expected} columns")
            }
            Self::Value { text, column } => write!(f, "{text:?} is not {column}"),
            Self::Variant { name } => write!(f, "no variant is named {name:?}"),
            Self::Assembly { message } => write!(f, "cannot assemble: {message}"),
        }
    }
}

impl std::error::Error for VectorError {}
