//! What Linux promises to eBPF programs, and the inert program that relies on it.
//!
//! An [`Object`] is the same on every machine: maps are named by index, kernel functions and
//! structure fields by name ([`Reloc`]). Knowledge of one machine enters with [`link`], which asks a
//! [`Layout`] (the running kernel's BTF, or the user-space machine's own) and gives plain
//! instructions.

#![forbid(unsafe_code)]

mod context;
mod enumeration;
mod helper;
mod link;
mod map;
mod program;
mod program_type;

pub use context::{Accessors, ContextStruct, Field, FieldKind, Narrow};
pub use helper::{ArgType, DynptrKind, DynptrUse, Helper, MemAccess, Prototype, RetType};
pub use link::{FieldAt, Layout, LinkError, link};
pub use map::{MapKind, MapSpec, ValueFields};
pub use program::{Arg, FieldPart, Function, Linkage, Object, Program, Reloc, RelocKind, xdp};
pub use program_type::{AttachType, ProgramType, ProgramTypes};
