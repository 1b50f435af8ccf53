//! Writes small blobs for `BPF_BTF_LOAD`.
//!
//! Types get their ids in the order of the calls, from 1. An id may be used before its type exists
//! ([`Builder::next_id`] foretells it), so that a struct can hold a pointer to itself. Calls do not
//! fail; the first fault is kept and told by [`Builder::finish`].
//!
//! The checks are those by which the kernel would refuse the blob as badly formed; whether types make
//! sense together (members inside their struct, a FUNC that names a FUNC_PROTO) is left to it.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;

use crate::format::{
    HEADER_BYTES, Info, Kind, MAGIC, NAME_BYTES_MAX, NAME_OFFSET_MAX, TYPE_ID_MAX, TypeId, VERSION,
    VLEN_MAX,
};
use crate::record::{Field, IntEncoding, Linkage, Param};

/// A blob in the making.
#[derive(Debug, Default)]
pub struct Builder {
    words: Vec<u32>,
    /// Every name with its NUL; the empty name at offset 0 is added by [`Builder::finish`].
    strings: Vec<u8>,
    name_offsets: HashMap<String, u32>,
    types: u32,
    /// The highest id that a type refers to; 0 is `void`, which always exists.
    highest: u32,
    fault: Option<BuildError>,
}

/// Why a blob cannot be written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are what the message names")]
pub enum BuildError {
    /// The name is not what the kernel accepts in this place: letters, digits, `_` and `.`, no digit
    /// first, at most 511 bytes; tags may hold any printable ASCII.
    Name { id: TypeId, name: String },
    /// An integer that is not 1, 2, 4, 8 or 16 bytes wide.
    IntSize { id: TypeId, size_bytes: u32 },
    /// A member whose place does not fit: beside a bit field, offsets are below 2²⁴ bits.
    FieldOffset { id: TypeId, bit_offset: u32 },
    /// More than 65,535 members or parameters.
    TooManyEntries { id: TypeId, count: usize },
    /// A type refers to an id for which no type was added.
    UnknownType { target: TypeId },
    /// More types than ids.
    TooManyTypes,
    /// More string bytes than name offsets.
    TooManyStrings,
}

/// What the kernel demands of a name, by the kind that carries it (`btf_name_valid_identifier`).
#[derive(Clone, Copy)]
enum NameRule {
    Identifier,
    MaybeIdentifier,
    /// Tags, and integers (`unsigned int` has a space).
    Text,
}

/// The second word of a record and its third.
struct Head {
    info: Info,
    third: u32,
}

impl Builder {
    /// An empty blob.
    #[must_use]
    pub fn new() -> Builder {
        Builder::default()
    }

    /// The id that the next call will return.
    #[must_use]
    pub fn next_id(&self) -> TypeId {
        TypeId(self.types.saturating_add(1))
    }

    /// An integer that fills its storage.
    pub fn int(&mut self, name: &str, size_bytes: u32, encoding: IntEncoding) -> TypeId {
        let id = self.next_id();
        if !matches!(size_bytes, 1 | 2 | 4 | 8 | 16) {
            self.fail(BuildError::IntSize { id, size_bytes });
        }
        let head = Head { info: Info::new(Kind::Int, 0, false), third: size_bytes };
        let bits = u32::from(encoding.bits()) << 24 | size_bytes.saturating_mul(8) & 0xff;
        self.add(name, NameRule::Text, head, &[bits])
    }

    /// A pointer to `target`.
    pub fn ptr(&mut self, target: TypeId) -> TypeId {
        self.anonymous_reference(Kind::Ptr, target)
    }

    /// `const target`.
    pub fn constant(&mut self, target: TypeId) -> TypeId {
        self.anonymous_reference(Kind::Const, target)
    }

    /// `element[len]`; `index` is the type of the index, any integer.
    pub fn array(&mut self, element: TypeId, index: TypeId, len: u32) -> TypeId {
        let words = [self.reference(element), self.reference(index), len];
        let head = Head { info: Info::new(Kind::Array, 0, false), third: 0 };
        self.add("", NameRule::MaybeIdentifier, head, &words)
    }

    /// A struct, anonymous if `name` is empty.
    pub fn structure(&mut self, name: &str, size_bytes: u32, fields: &[Field<'_>]) -> TypeId {
        self.composite(Kind::Struct, name, size_bytes, fields)
    }

    /// A union, anonymous if `name` is empty.
    pub fn union(&mut self, name: &str, size_bytes: u32, fields: &[Field<'_>]) -> TypeId {
        self.composite(Kind::Union, name, size_bytes, fields)
    }

    /// A declaration of the struct (or union) `name` without its members.
    pub fn fwd(&mut self, name: &str, union: bool) -> TypeId {
        let head = Head { info: Info::new(Kind::Fwd, 0, union), third: 0 };
        self.add(name, NameRule::Identifier, head, &[])
    }

    /// `typedef target name`.
    pub fn typedef(&mut self, name: &str, target: TypeId) -> TypeId {
        let head = Head { info: Info::new(Kind::Typedef, 0, false), third: self.reference(target) };
        self.add(name, NameRule::Identifier, head, &[])
    }

    /// What a function takes and returns; for a function with a body, parameters need names.
    pub fn func_proto(&mut self, result: TypeId, params: &[Param<'_>]) -> TypeId {
        let vlen = self.vlen(params.len());
        let mut words = Vec::with_capacity(params.len() * 2);
        for param in params {
            words.push(self.string(param.name, NameRule::MaybeIdentifier));
            words.push(self.reference(param.type_id));
        }
        let info = Info::new(Kind::FuncProto, vlen, false);
        let head = Head { info, third: self.reference(result) };
        self.add("", NameRule::MaybeIdentifier, head, &words)
    }

    /// A function of the program; the kernel takes [`Linkage::Static`] and [`Linkage::Global`].
    pub fn func(&mut self, name: &str, proto: TypeId, linkage: Linkage) -> TypeId {
        let info = Info::new(Kind::Func, linkage.number(), false);
        let head = Head { info, third: self.reference(proto) };
        self.add(name, NameRule::Identifier, head, &[])
    }

    /// A tag on `target`, or on its member or parameter number `component`, such as `arg:nonnull`.
    pub fn decl_tag(&mut self, value: &str, target: TypeId, component: Option<u32>) -> TypeId {
        let head = Head { info: Info::new(Kind::DeclTag, 0, false), third: self.reference(target) };
        self.add(value, NameRule::Text, head, &[component.unwrap_or(u32::MAX)])
    }

    /// A tag on a pointed-at type, such as `rcu`.
    pub fn type_tag(&mut self, value: &str, target: TypeId) -> TypeId {
        let head = Head { info: Info::new(Kind::TypeTag, 0, false), third: self.reference(target) };
        self.add(value, NameRule::Text, head, &[])
    }

    /// The blob in native byte order, which is the one the kernel takes.
    ///
    /// # Errors
    /// The first fault of the calls before, or [`BuildError::UnknownType`].
    pub fn finish(self) -> Result<Vec<u8>, BuildError> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        if self.highest > self.types {
            return Err(BuildError::UnknownType { target: TypeId(self.highest) });
        }
        let len = |bytes: usize| u32::try_from(bytes).ok();
        let types_bytes = len(self.words.len() * 4).ok_or(BuildError::TooManyTypes)?;
        let strings_bytes = len(self.strings.len() + 1).ok_or(BuildError::TooManyStrings)?;

        let mut blob = Vec::new();
        blob.extend(MAGIC.to_ne_bytes());
        blob.extend([VERSION, 0]);
        for word in [HEADER_BYTES, 0, types_bytes, types_bytes, strings_bytes] {
            blob.extend(word.to_ne_bytes());
        }
        blob.extend(self.words.iter().flat_map(|word| word.to_ne_bytes()));
        blob.push(0);
        blob.extend(self.strings);
        Ok(blob)
    }

    fn anonymous_reference(&mut self, kind: Kind, target: TypeId) -> TypeId {
        let head = Head { info: Info::new(kind, 0, false), third: self.reference(target) };
        self.add("", NameRule::MaybeIdentifier, head, &[])
    }

    fn composite(&mut self, kind: Kind, name: &str, size: u32, fields: &[Field<'_>]) -> TypeId {
        let (id, vlen) = (self.next_id(), self.vlen(fields.len()));
        // One bit field turns the whole struct to the form with widths in the top byte.
        let packed = fields.iter().any(|field| field.bit_size != 0);
        let offset_max = if packed { 0x00ff_ffff } else { u32::MAX - 7 };
        let mut words = Vec::with_capacity(fields.len() * 3);
        for &Field { name, type_id, bit_offset, bit_size } in fields {
            if bit_offset > offset_max {
                self.fail(BuildError::FieldOffset { id, bit_offset });
            }
            words.push(self.string(name, NameRule::MaybeIdentifier));
            words.push(self.reference(type_id));
            words.push(u32::from(bit_size) << 24 | bit_offset);
        }
        let head = Head { info: Info::new(kind, vlen, packed), third: size };
        self.add(name, NameRule::MaybeIdentifier, head, &words)
    }

    /// Appends one record; all types come through here.
    fn add(&mut self, name: &str, rule: NameRule, head: Head, rest: &[u32]) -> TypeId {
        let id = self.next_id();
        let name = self.string(name, rule);
        if id.0 > TYPE_ID_MAX {
            self.fail(BuildError::TooManyTypes);
            return id;
        }
        self.words.extend([name, head.info.0, head.third]);
        self.words.extend(rest);
        self.types = id.0;
        id
    }

    fn vlen(&mut self, count: usize) -> u32 {
        match u32::try_from(count) {
            Ok(vlen) if vlen <= VLEN_MAX => vlen,
            _ => {
                self.fail(BuildError::TooManyEntries { id: self.next_id(), count });
                0
            }
        }
    }

    fn reference(&mut self, target: TypeId) -> u32 {
        self.highest = self.highest.max(target.0);
        target.0
    }

    /// The offset of a name, stored once however often it is used.
    fn string(&mut self, name: &str, rule: NameRule) -> u32 {
        if !name_is_valid(name, rule) {
            self.fail(BuildError::Name { id: self.next_id(), name: name.to_owned() });
            return 0;
        }
        if name.is_empty() {
            return 0;
        }
        if let Some(&offset) = self.name_offsets.get(name) {
            return offset;
        }
        match u32::try_from(self.strings.len() + 1) {
            Ok(offset) if self.strings.len() + name.len() < NAME_OFFSET_MAX as usize => {
                self.strings.extend(name.bytes().chain([0]));
                self.name_offsets.insert(name.to_owned(), offset);
                offset
            }
            _ => {
                self.fail(BuildError::TooManyStrings);
                0
            }
        }
    }

    fn fail(&mut self, fault: BuildError) {
        self.fault.get_or_insert(fault);
    }
}

fn name_is_valid(name: &str, rule: NameRule) -> bool {
    let identifier = name.len() <= NAME_BYTES_MAX
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'));
    match rule {
        NameRule::Identifier => identifier && !name.is_empty(),
        NameRule::MaybeIdentifier => identifier,
        NameRule::Text => {
            !name.is_empty()
                && name.len() <= NAME_BYTES_MAX
                && name.bytes().all(|byte| matches!(byte, b' '..=b'~'))
        }
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BuildError::Name { id, name } => {
                write!(f, "name {name:?} in btf type {id} is not valid there")
            }
            BuildError::IntSize { id, size_bytes } => {
                write!(f, "integer in btf type {id} cannot be {size_bytes} bytes wide")
            }
            BuildError::FieldOffset { id, bit_offset } => {
                write!(f, "member offset of {bit_offset} bits in btf type {id} is out of range")
            }
            BuildError::TooManyEntries { id, count } => {
                write!(f, "btf type {id} has {count} entries, the limit is {VLEN_MAX}")
            }
            BuildError::UnknownType { target } => {
                write!(f, "btf refers to type {target}, which was not added")
            }
            BuildError::TooManyTypes => write!(f, "btf has more than {TYPE_ID_MAX} types"),
            BuildError::TooManyStrings => {
                write!(f, "btf strings are over the limit of {NAME_OFFSET_MAX} bytes")
            }
        }
    }
}

impl std::error::Error for BuildError {}
