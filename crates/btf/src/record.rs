//! Single types, decoded on request.
//!
//! A [`Type`] borrows from its [`Btf`]; lists (members, parameters, …) decode as they are walked.
//! Indexing here rests on the invariant of [`Btf`]: a record is as long as its layout says.

use crate::format::{HEAD_WORDS, Info, Kind, TypeId};
use crate::parse::Btf;

/// A type. Names are empty for anonymous types.
#[derive(Clone, Copy, Debug)]
pub enum Type<'a> {
    /// `void`, id 0.
    Void,
    /// An integer.
    Int(Int<'a>),
    /// A pointer.
    Ptr {
        /// What it points at; `void` is id 0.
        target: TypeId,
    },
    /// An array of one dimension.
    Array {
        /// Type of an element.
        element: TypeId,
        /// Type of the index; of no use.
        index: TypeId,
        /// Number of elements; 0 also for a flexible array.
        len: u32,
    },
    /// A struct.
    Struct(Composite<'a>),
    /// A union.
    Union(Composite<'a>),
    /// An enum, of 32-bit values (`ENUM`) or wider ones (`ENUM64`).
    Enum(Enum<'a>),
    /// A declaration of a struct or union that is defined elsewhere.
    Fwd {
        /// Its tag.
        name: &'a str,
        /// Whether it is a union.
        union: bool,
    },
    /// A typedef.
    Typedef {
        /// The new name.
        name: &'a str,
        /// What it stands for.
        target: TypeId,
    },
    /// `volatile`.
    Volatile {
        /// The qualified type.
        target: TypeId,
    },
    /// `const`.
    Const {
        /// The qualified type.
        target: TypeId,
    },
    /// `restrict`.
    Restrict {
        /// The qualified type.
        target: TypeId,
    },
    /// A function that exists; in the kernel's BTF its id names a kfunc.
    Func {
        /// Its name.
        name: &'a str,
        /// Its `FUNC_PROTO`.
        proto: TypeId,
        /// Who can call it.
        linkage: Linkage,
    },
    /// What a function takes and returns.
    FuncProto(FuncProto<'a>),
    /// A variable.
    Var {
        /// Its name.
        name: &'a str,
        /// Its type.
        target: TypeId,
        /// Who can see it.
        linkage: Linkage,
    },
    /// An ELF section and the variables in it.
    Datasec(Datasec<'a>),
    /// A floating-point number.
    Float {
        /// Its name.
        name: &'a str,
        /// Its size.
        size_bytes: u32,
    },
    /// A tag on a declaration, such as `bpf_kfunc` or `arg:nonnull`.
    DeclTag {
        /// The tag's text.
        value: &'a str,
        /// The struct, union, variable, typedef or function it is on.
        target: TypeId,
        /// The member or parameter it is on, counted from 0; `None` for the whole.
        component: Option<u32>,
        /// Whether `value` is a compiler attribute rather than a BTF tag (kind flag, Linux 6.15).
        attribute: bool,
    },
    /// A tag on a pointed-at type, such as `rcu`.
    TypeTag {
        /// The tag's text.
        value: &'a str,
        /// The tagged type.
        target: TypeId,
        /// As in [`Type::DeclTag`].
        attribute: bool,
    },
}

/// An integer type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Int<'a> {
    /// Its name, such as `long unsigned int`.
    pub name: &'a str,
    /// Storage size.
    pub size_bytes: u32,
    /// How its bits are meant.
    pub encoding: IntEncoding,
    /// First used bit in the storage; 0 but for bit fields of old compilers.
    pub bit_offset: u8,
    /// Number of used bits.
    pub bits: u8,
}

/// How the bits of an integer are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntEncoding {
    /// Unsigned, the default.
    Unsigned,
    /// Two's complement.
    Signed,
    /// A character.
    Char,
    /// A truth value.
    Bool,
    /// A combination the kernel refuses; the four bits as they stand.
    Other(u8),
}

/// Where a function or variable is visible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linkage {
    /// In its own object; the kernel verifies such a function with each of its callers.
    Static,
    /// Everywhere; the kernel verifies such a function once, from its prototype alone.
    Global,
    /// Defined elsewhere; in a program's BTF, a kfunc or an extern.
    Extern,
    /// A number without a meaning.
    Other(u32),
}

/// A struct or union.
#[derive(Clone, Copy, Debug)]
pub struct Composite<'a> {
    /// Its tag.
    pub name: &'a str,
    /// Its size.
    pub size_bytes: u32,
    record: Record<'a>,
}

/// A member of a struct or union.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// Its name; empty for an anonymous struct or union, whose members count as the parent's.
    pub name: &'a str,
    /// Its type.
    pub type_id: TypeId,
    /// Distance from the start of its struct, in bits.
    pub bit_offset: u32,
    /// Width of a bit field in bits, 0 if it is none.
    pub bit_size: u8,
}

/// An enum.
#[derive(Clone, Copy, Debug)]
pub struct Enum<'a> {
    /// Its tag.
    pub name: &'a str,
    /// Storage size of a value.
    pub size_bytes: u32,
    /// Whether values are signed; compilers before 2022 never say so.
    pub signed: bool,
    record: Record<'a>,
}

/// A value of an enum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Enumerator<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its value, wide enough for signed and unsigned 64 bits.
    pub value: i128,
}

/// What a function takes and returns.
#[derive(Clone, Copy, Debug)]
pub struct FuncProto<'a> {
    /// The result's type, `void` (id 0) for none.
    pub result: TypeId,
    record: Record<'a>,
}

/// A parameter of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Param<'a> {
    /// Its name, often empty.
    pub name: &'a str,
    /// Its type; `void` (id 0) with an empty name in last place stands for `...`.
    pub type_id: TypeId,
}

/// An ELF section.
#[derive(Clone, Copy, Debug)]
pub struct Datasec<'a> {
    /// Its name, such as `.maps`.
    pub name: &'a str,
    /// Its size; 0 before linking.
    pub size_bytes: u32,
    record: Record<'a>,
}

/// A variable in a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SectionEntry {
    /// The `VAR` (or, for an extern, `FUNC`).
    pub type_id: TypeId,
    /// Distance from the section's start.
    pub offset_bytes: u32,
    /// Its size.
    pub size_bytes: u32,
}

impl<'a> Composite<'a> {
    /// The members in order.
    pub fn fields(&self) -> impl ExactSizeIterator<Item = Field<'a>> + use<'a> {
        let (btf, packed) = (self.record.btf, self.record.info().flag());
        self.record.entries().as_chunks().0.iter().map(move |&[name, type_id, place]| {
            // The kind flag says that the top byte of the place is a bit field's width.
            let [width, high, middle, low] = place.to_be_bytes();
            let (bit_offset, bit_size) = match packed {
                true => (u32::from_be_bytes([0, high, middle, low]), width),
                false => (place, 0),
            };
            Field { name: btf.string(name), type_id: TypeId(type_id), bit_offset, bit_size }
        })
    }

    pub(crate) fn has_bit_sizes(&self) -> bool {
        self.record.info().flag()
    }
}

impl<'a> Field<'a> {
    /// A member that is no bit field, `offset_bytes` from the start of its struct.
    ///
    /// An offset of 512 MiB and more saturates, and [`crate::Builder`] refuses it.
    #[must_use]
    pub const fn at_byte(name: &'a str, type_id: TypeId, offset_bytes: u32) -> Field<'a> {
        Field { name, type_id, bit_offset: offset_bytes.saturating_mul(8), bit_size: 0 }
    }
}

impl<'a> Enum<'a> {
    /// The values in order.
    pub fn enumerators(&self) -> impl ExactSizeIterator<Item = Enumerator<'a>> + use<'a> {
        let (btf, signed) = (self.record.btf, self.signed);
        let width = self.record.kind().layout().entry.words;
        self.record.entries().chunks_exact(width).map(move |entry| {
            let value = match (entry, signed) {
                (&[_, low], false) => i128::from(low),
                (&[_, low], true) => i128::from(low.cast_signed()),
                (&[_, low, high], _) => {
                    let value = u64::from(high) << 32 | u64::from(low);
                    if signed { i128::from(value.cast_signed()) } else { i128::from(value) }
                }
                // The layouts of the two enum kinds have entries of two and three words.
                _ => 0,
            };
            Enumerator { name: btf.string(entry[0]), value }
        })
    }
}

impl<'a> FuncProto<'a> {
    /// The parameters in order.
    pub fn params(&self) -> impl ExactSizeIterator<Item = Param<'a>> + use<'a> {
        let btf = self.record.btf;
        self.record
            .entries()
            .as_chunks()
            .0
            .iter()
            .map(move |&[name, type_id]| Param { name: btf.string(name), type_id: TypeId(type_id) })
    }
}

impl<'a> Datasec<'a> {
    /// The variables in order.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = SectionEntry> + use<'a> {
        self.record.entries().as_chunks().0.iter().map(|&[type_id, offset_bytes, size_bytes]| {
            SectionEntry { type_id: TypeId(type_id), offset_bytes, size_bytes }
        })
    }
}

impl IntEncoding {
    pub(crate) fn from_bits(bits: u8) -> IntEncoding {
        match bits {
            0 => IntEncoding::Unsigned,
            1 => IntEncoding::Signed,
            2 => IntEncoding::Char,
            4 => IntEncoding::Bool,
            other => IntEncoding::Other(other),
        }
    }

    pub(crate) fn bits(self) -> u8 {
        match self {
            IntEncoding::Unsigned => 0,
            IntEncoding::Signed => 1,
            IntEncoding::Char => 2,
            IntEncoding::Bool => 4,
            IntEncoding::Other(bits) => bits,
        }
    }
}

impl Linkage {
    pub(crate) fn from_number(number: u32) -> Linkage {
        match number {
            0 => Linkage::Static,
            1 => Linkage::Global,
            2 => Linkage::Extern,
            other => Linkage::Other(other),
        }
    }

    pub(crate) fn number(self) -> u32 {
        match self {
            Linkage::Static => 0,
            Linkage::Global => 1,
            Linkage::Extern => 2,
            Linkage::Other(number) => number,
        }
    }
}

/// The words of one type, as long as its layout says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record<'a> {
    btf: &'a Btf,
    words: &'a [u32],
}

impl<'a> Record<'a> {
    /// `words` must be a record of `btf` that was proven by the parser.
    pub(crate) fn new(btf: &'a Btf, words: &'a [u32]) -> Record<'a> {
        Record { btf, words }
    }

    pub(crate) fn name(self) -> &'a str {
        self.btf.string(self.words[0])
    }

    pub(crate) fn kind(self) -> Kind {
        Kind::from_number(self.info().kind_number()).expect("the parser knew every kind")
    }

    fn info(self) -> Info {
        Info(self.words[1])
    }

    fn third(self) -> u32 {
        self.words[2]
    }

    fn target(self) -> TypeId {
        TypeId(self.third())
    }

    fn trailer(self, at: usize) -> u32 {
        self.words[HEAD_WORDS + at]
    }

    fn entries(self) -> &'a [u32] {
        &self.words[HEAD_WORDS + self.kind().layout().trailer.words..]
    }

    pub(crate) fn decode(self) -> Type<'a> {
        let (name, size_bytes, target, record) = (self.name(), self.third(), self.target(), self);
        match self.kind() {
            Kind::Void => Type::Void,
            Kind::Int => Type::Int(self.int()),
            Kind::Ptr => Type::Ptr { target },
            Kind::Array => Type::Array {
                element: TypeId(self.trailer(0)),
                index: TypeId(self.trailer(1)),
                len: self.trailer(2),
            },
            Kind::Struct => Type::Struct(Composite { name, size_bytes, record }),
            Kind::Union => Type::Union(Composite { name, size_bytes, record }),
            Kind::Enum | Kind::Enum64 => {
                Type::Enum(Enum { name, size_bytes, signed: self.info().flag(), record })
            }
            Kind::Fwd => Type::Fwd { name, union: self.info().flag() },
            Kind::Typedef => Type::Typedef { name, target },
            Kind::Volatile => Type::Volatile { target },
            Kind::Const => Type::Const { target },
            Kind::Restrict => Type::Restrict { target },
            Kind::Func => Type::Func {
                name,
                proto: target,
                linkage: Linkage::from_number(self.info().vlen()),
            },
            Kind::FuncProto => Type::FuncProto(FuncProto { result: target, record }),
            Kind::Var => Type::Var { name, target, linkage: Linkage::from_number(self.trailer(0)) },
            Kind::Datasec => Type::Datasec(Datasec { name, size_bytes, record }),
            Kind::Float => Type::Float { name, size_bytes },
            Kind::DeclTag => Type::DeclTag {
                value: name,
                target,
                // All ones (-1) says that the tag is on the whole declaration.
                component: Some(self.trailer(0)).filter(|&component| component != u32::MAX),
                attribute: self.info().flag(),
            },
            Kind::TypeTag => Type::TypeTag { value: name, target, attribute: self.info().flag() },
        }
    }

    /// ```text
    /// trailer:  27..24 encoding   23..16 first bit   7..0 bits
    /// ```
    fn int(self) -> Int<'a> {
        let [encoding, bit_offset, _, bits] = self.trailer(0).to_be_bytes();
        Int {
            name: self.name(),
            size_bytes: self.third(),
            encoding: IntEncoding::from_bits(encoding & 0x0f),
            bit_offset,
            bits,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Enumerator, Type};
    use crate::format::{Kind, TypeId};
    use crate::parse::Btf;
    use crate::parse::tests::{blob, info};

    #[track_caller]
    fn check(kind: Kind, signed: bool, words: &[u32], value: i128) {
        let record = [&[0, info(kind, 1, signed), 8, 1], words].concat();
        let btf = Btf::parse(&blob(&record, "\0one\0")).unwrap();
        let Some(Type::Enum(found)) = btf.get(TypeId(1)) else { panic!("no enum") };
        assert_eq!((found.signed, found.size_bytes), (signed, 8));
        assert_eq!(found.enumerators().collect::<Vec<_>>(), [Enumerator { name: "one", value }]);
    }

    #[test]
    fn enum_values_keep_sign_and_width() {
        check(Kind::Enum, false, &[u32::MAX], u32::MAX.into());
        check(Kind::Enum, true, &[u32::MAX], -1);
        check(Kind::Enum64, false, &[1, u32::MAX], (u64::MAX << 32 | 1).into());
        check(Kind::Enum64, true, &[1, u32::MAX], (i64::MIN >> 31 | 1).into());
    }
}
