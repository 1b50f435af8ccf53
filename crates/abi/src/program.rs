//! Programs before they meet a machine.

use netloom_isa::{Insn, Pc};

use crate::{AttachType, MapSpec, ProgramType};

/// Verdicts of XDP programs (`enum xdp_action`).
pub mod xdp {
    /// A fault; the packet is dropped and traced.
    pub const ABORTED: i32 = 0;
    /// Discard.
    pub const DROP: i32 = 1;
    /// On to the stack.
    pub const PASS: i32 = 2;
    /// Back out of the device it came from.
    pub const TX: i32 = 3;
    /// To where a redirect helper said.
    pub const REDIRECT: i32 = 4;
}

/// Programs with the maps they share.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Object {
    /// `Imm64::MapIndex(n)` names `maps[n]`.
    pub maps: Vec<MapSpec>,
    /// The programs.
    pub programs: Vec<Program>,
}

/// One program: entry function first, then the functions it calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// At most 15 bytes of `[A-Za-z0-9_.]`.
    pub name: String,
    /// What runs it.
    pub kind: ProgramType,
    /// Where it will be attached.
    pub attach: AttachType,
    /// Licence string; helpers marked GPL-only want a compatible one.
    pub license: String,
    /// The instructions.
    pub insns: Vec<Insn>,
    /// Functions in the order of their positions; the first begins at slot 0.
    pub functions: Vec<Function>,
    /// What must be filled in at load.
    pub relocs: Vec<Reloc>,
}

/// A function of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// A C identifier.
    pub name: String,
    /// Its first slot.
    pub pc: Pc,
    /// Verified at each call, or once.
    pub linkage: Linkage,
    /// Types of `r1`… at entry.
    pub args: Vec<Arg>,
}

/// How the kernel verifies a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Linkage {
    /// With the caller's state, at each call.
    Static,
    /// Once, knowing only the argument types. Memory arguments may be null.
    Global,
}

/// The type of a function's argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Arg {
    /// The program's context.
    Context,
    /// A number.
    Scalar,
    /// The address of this many bytes.
    Memory(u32),
}

/// A place in the program that depends on the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reloc {
    /// The instruction.
    pub pc: Pc,
    /// What goes there.
    pub kind: RelocKind,
}

/// What a relocation asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RelocKind {
    /// The id of a kernel function, in a `Callee::Kfunc`.
    Kfunc(String),
    /// The BTF id of a structure, in the immediate of a move.
    StructId(String),
    /// A fact about a structure's field, in a load or a constant.
    Field {
        /// Structure name.
        structure: String,
        /// Field path, parts joined by dots; anonymous members are transparent.
        path: String,
        /// Which fact.
        part: FieldPart,
    },
}

/// Facts about a structure's field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FieldPart {
    /// Its byte offset, in a load's offset. The load's width must be the field's.
    Offset,
    /// The byte offset at which it begins, whatever its type, added to a load's offset or in
    /// the immediate of a move.
    Start,
    /// The offset of the one byte that holds the whole bit field, in a load's offset.
    BitByte,
    /// The bit field's lowest bit in that byte, in the immediate of a shift.
    BitShift,
}
