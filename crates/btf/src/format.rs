//! The BTF wire format as facts: numbers, limits, and one row per kind.
//!
//! A blob is a header and two sections. The type section is a sequence of records, each a whole
//! number of 32-bit words; a type's id is its place in that sequence, counted from 1.
//!
//! ```text
//! record:  name offset | info | size or type id | trailer words | vlen x entry words
//! info:    31 kind flag   28..24 kind   15..0 vlen
//! ```
//!
//! Source: `include/uapi/linux/btf.h`, `Documentation/bpf/btf.rst`.

use std::fmt;

/// First two bytes of a blob, in the writer's byte order (`BTF_MAGIC`).
pub(crate) const MAGIC: u16 = 0xeb9f;
/// The only version there is (`BTF_VERSION`).
pub(crate) const VERSION: u8 = 1;
/// Header length in bytes of version 1; longer headers are legal, their rest is not used.
pub(crate) const HEADER_BYTES: u32 = 24;
/// Highest type id (`BTF_MAX_TYPE`).
pub(crate) const TYPE_ID_MAX: u32 = 0x000f_ffff;
/// Highest offset into the string section of one blob (`BTF_MAX_NAME_OFFSET`).
pub(crate) const NAME_OFFSET_MAX: u32 = 0x00ff_ffff;
/// Most members, parameters or enumerators of one type (`BTF_MAX_VLEN`).
pub(crate) const VLEN_MAX: u32 = 0xffff;
/// Longest name the kernel takes, in bytes without the final NUL (`KSYM_NAME_LEN` - 1).
pub(crate) const NAME_BYTES_MAX: usize = 511;

/// Words that every record starts with.
pub(crate) const HEAD_WORDS: usize = 3;

/// The id of a type: its place in the blob counted from 1, after those of the base blob.
///
/// Ids mean something only for the blob (or kernel) they come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TypeId(pub u32);

impl TypeId {
    /// The type `void`, which has no record.
    pub const VOID: TypeId = TypeId(0);
}

impl fmt::Display for TypeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}]", self.0)
    }
}

/// What a type is; the discriminant is the number on the wire (`BTF_KIND_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[expect(missing_docs, reason = "each name is the kernel's own, described at record::Type")]
pub enum Kind {
    /// Only [`TypeId::VOID`] is of this kind; no record carries it.
    Void = 0,
    Int = 1,
    Ptr = 2,
    Array = 3,
    Struct = 4,
    Union = 5,
    Enum = 6,
    Fwd = 7,
    Typedef = 8,
    Volatile = 9,
    Const = 10,
    Restrict = 11,
    Func = 12,
    FuncProto = 13,
    Var = 14,
    Datasec = 15,
    Float = 16,
    DeclTag = 17,
    TypeTag = 18,
    Enum64 = 19,
}

impl Kind {
    /// The kind with this number, if a record may carry it.
    #[must_use]
    pub fn from_number(number: u32) -> Option<Kind> {
        let layout = LAYOUTS.get(usize::try_from(number).ok()?)?;
        (layout.kind != Kind::Void).then_some(layout.kind)
    }

    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u32 {
        self as u32
    }

    /// The kernel's name of the kind, such as `FUNC_PROTO`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.layout().name
    }

    pub(crate) fn layout(self) -> &'static Layout {
        // One row per kind in the order of their numbers; a test holds it to that.
        &LAYOUTS[self as usize]
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What the third word of a record holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Third {
    Unused,
    Size,
    Type,
}

/// Fixed words after the head; the first `types` of them are type ids.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trailer {
    pub(crate) words: usize,
    pub(crate) types: usize,
}

/// The words of one of the `vlen` entries, and where in them a name or a type id stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) words: usize,
    pub(crate) name_at: Option<usize>,
    pub(crate) type_at: Option<usize>,
}

/// How the record of one kind is laid out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    pub(crate) kind: Kind,
    pub(crate) name: &'static str,
    pub(crate) third: Third,
    pub(crate) trailer: Trailer,
    pub(crate) entry: Entry,
}

const fn row(kind: Kind, name: &'static str, third: Third, trailer: Trailer) -> Layout {
    list(kind, name, third, trailer, NO_ENTRY)
}

const fn list(kind: Kind, name: &'static str, third: Third, trailer: Trailer, e: Entry) -> Layout {
    Layout { kind, name, third, trailer, entry: e }
}

const NONE: Trailer = Trailer { words: 0, types: 0 };
const WORD: Trailer = Trailer { words: 1, types: 0 };
const ARRAY: Trailer = Trailer { words: 3, types: 2 };

const NO_ENTRY: Entry = Entry { words: 0, name_at: None, type_at: None };
const MEMBER: Entry = Entry { words: 3, name_at: Some(0), type_at: Some(1) };
const PARAM: Entry = Entry { words: 2, name_at: Some(0), type_at: Some(1) };
const VALUE32: Entry = Entry { words: 2, name_at: Some(0), type_at: None };
const VALUE64: Entry = Entry { words: 3, name_at: Some(0), type_at: None };
const PLACED: Entry = Entry { words: 3, name_at: None, type_at: Some(0) };

const LAYOUTS: [Layout; 20] = [
    row(Kind::Void, "VOID", Third::Unused, NONE),
    row(Kind::Int, "INT", Third::Size, WORD),
    row(Kind::Ptr, "PTR", Third::Type, NONE),
    row(Kind::Array, "ARRAY", Third::Unused, ARRAY),
    list(Kind::Struct, "STRUCT", Third::Size, NONE, MEMBER),
    list(Kind::Union, "UNION", Third::Size, NONE, MEMBER),
    list(Kind::Enum, "ENUM", Third::Size, NONE, VALUE32),
    row(Kind::Fwd, "FWD", Third::Unused, NONE),
    row(Kind::Typedef, "TYPEDEF", Third::Type, NONE),
    row(Kind::Volatile, "VOLATILE", Third::Type, NONE),
    row(Kind::Const, "CONST", Third::Type, NONE),
    row(Kind::Restrict, "RESTRICT", Third::Type, NONE),
    row(Kind::Func, "FUNC", Third::Type, NONE),
    list(Kind::FuncProto, "FUNC_PROTO", Third::Type, NONE, PARAM),
    row(Kind::Var, "VAR", Third::Type, WORD),
    list(Kind::Datasec, "DATASEC", Third::Size, NONE, PLACED),
    row(Kind::Float, "FLOAT", Third::Size, NONE),
    row(Kind::DeclTag, "DECL_TAG", Third::Type, WORD),
    row(Kind::TypeTag, "TYPE_TAG", Third::Type, NONE),
    list(Kind::Enum64, "ENUM64", Third::Size, NONE, VALUE64),
];

/// The `info` word of a record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Info(pub(crate) u32);

impl Info {
    pub(crate) const fn new(kind: Kind, vlen: u32, flag: bool) -> Info {
        Info((flag as u32) << 31 | kind.number() << 24 | (vlen & VLEN_MAX))
    }

    pub(crate) const fn kind_number(self) -> u32 {
        self.0 >> 24 & 0x1f
    }

    pub(crate) const fn vlen(self) -> u32 {
        self.0 & VLEN_MAX
    }

    pub(crate) const fn flag(self) -> bool {
        self.0 >> 31 == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_stands_at_the_number_of_its_kind() {
        for (number, layout) in LAYOUTS.iter().enumerate() {
            assert_eq!(layout.kind as usize, number, "{}", layout.name);
        }
    }

    #[test]
    fn numbers_outside_the_table_are_no_kind() {
        assert_eq!(Kind::from_number(0), None);
        assert_eq!(Kind::from_number(19), Some(Kind::Enum64));
        assert_eq!(Kind::from_number(20), None);
    }
}
