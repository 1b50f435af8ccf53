//! Why bytes are not an object.

use std::fmt;
use std::str::Utf8Error;

use object::read::Error as ElfError;

/// Why bytes are not an object of eBPF programs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant's sentence names its fields")]
pub enum ReadError {
    /// The bytes do not begin as ELF does.
    NotElf,
    /// Not of 64 bits.
    Class { class: u8 },
    /// For another machine than eBPF (247).
    Machine { machine: u16 },
    /// Not relocatable (1): a program that is linked already, or a core file.
    Kind { kind: u16 },
    /// A part of the file that ELF readers need contradicts the file.
    Malformed { what: &'static str, source: ElfError },
    /// A section has no readable name.
    SectionName { index: usize, source: ElfError },
    /// A section's name or text is not UTF-8.
    Text { section: String, source: Utf8Error },
    /// A section of code is not a whole number of slots, or too long.
    CodeSize { section: String, bytes: usize },
    /// A row of the symbol table contradicts the file.
    SymbolEntry { index: usize, source: ElfError },
    /// A symbol's name is not UTF-8.
    SymbolName { index: usize, source: Utf8Error },
    /// A symbol is not on whole slots within its section; position and size in bytes.
    Symbol { name: String, section: String, value: u64, size: u64 },
    /// A relocation that cannot be understood; position in bytes.
    Relocation { section: String, offset: u64, fault: RelocationFault },
}

/// What is wrong with a relocation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant's sentence names its fields")]
pub enum RelocationFault {
    /// It is not at a slot of the section.
    Position,
    /// Code has no relocations of this type.
    Kind { kind: u32 },
    /// The instruction is not one that this type is for.
    Instruction { kind: u32 },
    /// The symbol table has no such row.
    NoSymbol { index: usize, source: ElfError },
    /// The symbol's name cannot be read.
    SymbolName { index: usize },
    /// The symbol is neither undefined nor in a section.
    Symbol { name: String },
    /// The symbol is undefined and has no name either.
    NoName { index: usize },
    /// The symbol is in a section that holds neither code nor maps nor variables.
    Section { section: String },
    /// The target is outside of its section, between two slots, or not a map's beginning; or the
    /// instruction calls data.
    Target { name: String },
    /// The instruction has two relocations.
    Twice,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotElf => f.write_str("file is not ELF"),
            Self::Class { class } => write!(f, "object has ELF class {class}, not 2 (64 bits)"),
            Self::Machine { machine } => {
                write!(f, "object is for machine {machine}, not 247 (eBPF)")
            }
            Self::Kind { kind } => write!(f, "object has ELF type {kind}, not 1 (relocatable)"),
            Self::Malformed { what, source } => write!(f, "{what} of the object: {source}"),
            Self::SectionName { index, source } => write!(f, "name of section {index}: {source}"),
            Self::Text { section, source } => write!(f, "text of section {section}: {source}"),
            Self::CodeSize { section, bytes } => {
                write!(f, "section {section} has {bytes} bytes, which are not whole slots")
            }
            Self::SymbolEntry { index, source } => write!(f, "symbol {index}: {source}"),
            Self::SymbolName { index, source } => write!(f, "name of symbol {index}: {source}"),
            Self::Symbol { name, section, value, size } => {
                write!(
                    f,
                    "symbol {name} at {value:#x} of {size} bytes is not on slots of {section}"
                )
            }
            Self::Relocation { section, offset, fault } => {
                write!(f, "relocation at {offset:#x} of {section}: {fault}")
            }
        }
    }
}

impl std::error::Error for ReadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Malformed { source, .. }
            | Self::SectionName { source, .. }
            | Self::SymbolEntry { source, .. } => Some(source),
            Self::Text { source, .. } | Self::SymbolName { source, .. } => Some(source),
            Self::Relocation { fault, .. } => Some(fault),
            Self::NotElf
            | Self::Class { .. }
            | Self::Machine { .. }
            | Self::Kind { .. }
            | Self::CodeSize { .. }
            | Self::Symbol { .. } => None,
        }
    }
}

impl fmt::Display for RelocationFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Position => f.write_str("position is not a slot of the section"),
            Self::Kind { kind } => write!(f, "code has no relocations of type {kind}"),
            Self::Instruction { kind } => {
                write!(f, "instruction is not one that type {kind} is for")
            }
            Self::NoSymbol { index, source } => write!(f, "symbol {index}: {source}"),
            Self::SymbolName { index } => write!(f, "name of symbol {index} cannot be read"),
            Self::Symbol { name } => write!(f, "symbol {name} is in no section"),
            Self::NoName { index } => write!(f, "symbol {index} has neither section nor name"),
            Self::Section { section } => {
                write!(f, "section {section} holds neither code nor maps nor variables")
            }
            Self::Target { name } => write!(f, "nothing begins where {name} leads"),
            Self::Twice => f.write_str("instruction is relocated twice"),
        }
    }
}

impl std::error::Error for RelocationFault {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NoSymbol { source, .. } => Some(source),
            Self::Position
            | Self::Kind { .. }
            | Self::Instruction { .. }
            | Self::SymbolName { .. }
            | Self::Symbol { .. }
            | Self::NoName { .. }
            | Self::Section { .. }
            | Self::Target { .. }
            | Self::Twice => None,
        }
    }
}
