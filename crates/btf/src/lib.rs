//! BTF type information: read, look up, write.
//!
//! BTF is the kernel's description of its own C types (`/sys/kernel/btf/vmlinux`) and of the types
//! of a BPF program. This crate reads it to find struct offsets and kfunc ids, and writes the small
//! blobs that `BPF_BTF_LOAD` takes. It does no I/O: bytes in, types out.
//!
//! Reading order: `format` states the format as one table, `parse` proves a blob sound
//! against it once, `record` decodes single types, `lookup` answers questions, `builder` writes.
//!
//! Invariant: a [`Btf`] exists only if every record is whole and every name offset and type id in it
//! points inside the blob or its base, so reading one cannot fail and cannot leave it. What is *not*
//! proven is that types make sense: chains may loop, and look-ups bound their walk.
//!
//! Sources: Linux `Documentation/bpf/btf.rst`, `include/uapi/linux/btf.h`.
//!
//! ```
//! use netloom_btf::{Btf, Builder, Field, IntEncoding};
//!
//! let mut builder = Builder::new();
//! let int = builder.int("int", 4, IntEncoding::Signed);
//! let fields = [Field::at_byte("length", int, 0), Field::at_byte("mark", int, 4)];
//! let packet = builder.structure("packet", 8, &fields);
//! let blob = builder.finish()?;
//!
//! let btf = Btf::parse(&blob)?;
//! assert_eq!(btf.struct_member(packet, "mark")?.byte_offset(), Some(4));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

mod builder;
mod format;
mod func_info;
mod lookup;
mod name_index;
mod parse;
mod record;

pub use builder::{BuildError, Builder};
pub use format::{Kind, TypeId};
pub use func_info::FuncInfo;
pub use lookup::{LookupError, Member};
pub use parse::{Btf, ParseError, Section};
pub use record::{
    Composite, Datasec, Enum, Enumerator, Field, FuncProto, Int, IntEncoding, Linkage, Param,
    SectionEntry, Type,
};
