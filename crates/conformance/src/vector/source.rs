//! A vector as it is written.

use netloom_abi::{MapSpec, ProgramType};
use netloom_isa::Reg;

use super::Difference;

/// A vector as it is written.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub(super) name: String,
    pub(super) line: usize,
    pub(super) kind: ProgramType,
    pub(super) body: Body,
    pub(super) variants: Vec<Variant>,
    pub(super) context: Option<Reg>,
    pub(super) scratch: Vec<Reg>,
    pub(super) maps: Vec<MapSpec>,
    pub(super) difference: Difference,
    pub(super) table: Table,
}

/// Lines of assembler text, and the number of the first one.
#[derive(Clone, Debug, Default)]
pub(super) struct Block {
    pub(super) line: usize,
    pub(super) text: String,
}

#[derive(Clone, Debug)]
pub(super) enum Body {
    Code {
        code: Block,
        functions: Block,
    },
    /// The program, then those of its program array.
    Whole(Vec<Block>),
}

/// A statement that stands for `@`.
#[derive(Clone, Debug)]
pub(super) struct Variant {
    pub(super) line: usize,
    pub(super) name: String,
    pub(super) statement: String,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    pub(super) line: usize,
    pub(super) inputs: Vec<Column>,
    pub(super) results: Vec<Column>,
    pub(super) rows: Vec<Row>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) place: Place,
    /// The variants it is about; all if there is no name.
    pub(super) variant: Option<String>,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// `r0` to `r9`.
    Register(Reg),
    Memory,
    Packet,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Row {
    pub(super) line: usize,
    pub(super) inputs: Vec<Value>,
    pub(super) results: Vec<Value>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Number(u64),
    Bytes(Vec<u8>),
}

impl Source {
    pub(super) fn new(line: usize, name: String) -> Self {
        Self {
            name,
            line,
            kind: ProgramType::SocketFilter,
            body: Body::Whole(Vec::new()),
            variants: Vec::new(),
            context: None,
            scratch: Vec::new(),
            maps: Vec::new(),
            difference: Difference::default(),
            table: Table::default(),
        }
    }
}

impl Block {
    /// A block whose first line will be the one after `line`.
    pub(super) fn after(line: usize) -> Self {
        Self { line: line + 1, text: String::new() }
    }

    /// Appends a line, after empty ones in place of remarks.
    pub(super) fn push(&mut self, line: usize, text: &str) {
        let next = self.line + self.text.lines().count();
        self.text.extend(std::iter::repeat_n('\n', line.saturating_sub(next)));
        self.text.push_str(text);
        self.text.push('\n');
    }
}
