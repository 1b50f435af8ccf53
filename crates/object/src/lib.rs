//! ELF files of eBPF programs: sections, functions, maps, relocations.
//!
//! [`read`] takes a relocatable object, as clang, rustc or `netloom asm` write it, apart into what a
//! program is made of, and changes nothing: constants that stand for maps and calls of functions
//! elsewhere are as the compiler left them, with a [`Relocation`] beside them.
//!
//! Invariant: whatever the bytes are, reading ends with an object whose positions all lie within its
//! sections, or with an error that names the place. Sources: the ELF specification (gABI),
//! `llvm/lib/Target/BPF` for relocation types, libbpf for the meaning of section names.
//!
//! [`write()`] makes such an object of assembled instructions.
//!
//! Reading order: `file` (the parts of an object), `tables` (ELF's own tables), `symbol`,
//! `relocation`, `section` (what its name says of programs), `error`, `write`.

#![forbid(unsafe_code)]

mod error;
mod file;
mod relocation;
mod section;
mod symbol;
mod tables;
mod write;

pub use error::{ReadError, RelocationFault};
pub use file::{CodeSection, MapSymbol, ObjectFile, read};
pub use object::write::Error as WriteError;
pub use relocation::{Relocation, Target};
pub use section::{SectionRole, section_role};
pub use symbol::{Symbol, SymbolKind};
pub use write::{NewObject, write};
