//! Questions to a [`Btf`]: types by name, members by path, sizes.
//!
//! Invariant: each walk is bounded by [`DEPTH_MAX`] or visits a type once, so loops and fans in a
//! hostile blob cost at most time linear in its size.

#[cfg(test)]
mod tests;

use std::collections::{HashSet, VecDeque};
use std::fmt;

use crate::format::{Kind, TypeId};
use crate::parse::Btf;
use crate::record::{Composite, Field, Int, Type};

/// Longest chain of typedefs, qualifiers and arrays that is followed (`MAX_RESOLVE_DEPTH` of the
/// kernel's `kernel/bpf/btf.c`).
const DEPTH_MAX: usize = 32;

/// Integers as wide as a pointer on every Linux target, by their names in C compilers.
const POINTER_WIDE: [&str; 4] = ["long unsigned int", "unsigned long", "long int", "long"];

/// Where a member lies in the struct that was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its type, with typedefs and qualifiers as declared.
    pub type_id: TypeId,
    /// Distance from the start of the outermost struct, in bits.
    pub bit_offset: u32,
    /// Width of a bit field in bits, 0 if it is none.
    pub bit_size: u8,
}

impl Member {
    /// Distance from the start of the outermost struct in bytes; `None` for a bit field.
    #[must_use]
    pub fn byte_offset(&self) -> Option<u32> {
        (self.bit_size == 0 && self.bit_offset.is_multiple_of(8)).then_some(self.bit_offset / 8)
    }
}

/// Why a question has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are what the message names")]
pub enum LookupError {
    /// No type has this id.
    NoType { id: TypeId },
    /// A member was asked of something that is neither struct nor union.
    NotComposite { id: TypeId, kind: Kind },
    /// The struct or union, its anonymous parts included, has no such member.
    NoMember { id: TypeId, field: String },
    /// Types of this kind have no size.
    NoSize { id: TypeId, kind: Kind },
    /// The chain of types from here loops or is longer than the kernel allows.
    TooDeep { id: TypeId },
    /// The size or offset does not fit its type.
    TooLarge { id: TypeId },
}

impl Btf {
    /// The type with this id; `None` if there is none.
    #[must_use]
    pub fn get(&self, id: TypeId) -> Option<Type<'_>> {
        match id {
            TypeId::VOID => Some(Type::Void),
            id => Some(self.record(id)?.decode()),
        }
    }

    /// What the type is, without decoding the rest; `None` if there is none.
    #[must_use]
    pub fn kind(&self, id: TypeId) -> Option<Kind> {
        match id {
            TypeId::VOID => Some(Kind::Void),
            id => Some(self.record(id)?.kind()),
        }
    }

    /// The name of a type, or the text of a tag; empty if it has none.
    #[must_use]
    pub fn name(&self, id: TypeId) -> &str {
        self.record(id).map_or("", |record| record.name())
    }

    /// The lowest id of this name and kind, as the kernel searches it; the base goes first.
    ///
    /// Anonymous types are not found.
    #[must_use]
    pub fn find(&self, name: &str, kind: Kind) -> Option<TypeId> {
        self.find_all(name, kind).next()
    }

    /// All ids of this name and kind by rising id: the kernel's BTF holds some structs twice.
    pub fn find_all<'a>(&'a self, name: &'a str, kind: Kind) -> impl Iterator<Item = TypeId> + 'a {
        let mut lineage: Vec<&Btf> =
            std::iter::successors(Some(self), |btf| btf.base().map(AsRef::as_ref)).collect();
        lineage.reverse();
        lineage.into_iter().flat_map(move |btf| {
            btf.own_candidates(name)
                .filter(move |&id| btf.kind(id) == Some(kind) && btf.name(id) == name)
        })
    }

    /// The id of the function of this name (`FUNC`); in the kernel's BTF, what a kfunc call carries.
    #[must_use]
    pub fn func(&self, name: &str) -> Option<TypeId> {
        self.find(name, Kind::Func)
    }

    /// The type behind typedefs, `const`, `volatile`, `restrict` and type tags.
    ///
    /// # Errors
    /// [`LookupError::NoType`], [`LookupError::TooDeep`].
    pub fn resolve(&self, id: TypeId) -> Result<TypeId, LookupError> {
        let mut at = id;
        for _ in 0..=DEPTH_MAX {
            match modified(self.existing(at)?) {
                Some(target) => at = target,
                None => return Ok(at),
            }
        }
        Err(LookupError::TooDeep { id })
    }

    /// The size of a type in bytes, as `sizeof` gives it.
    ///
    /// BTF does not hold the size of a pointer; it is taken to be that of `long`, or 8 where the blob
    /// has no such type, as on every BPF target.
    ///
    /// # Errors
    /// [`LookupError::NoSize`] for `void`, functions, tags and forward declarations, else as
    /// [`Btf::resolve`], and [`LookupError::TooLarge`] for an array of 2⁶⁴ bytes or more.
    pub fn size_of(&self, id: TypeId) -> Result<u64, LookupError> {
        let (mut at, mut elements) = (id, 1u64);
        for _ in 0..=DEPTH_MAX {
            at = match extent(self.existing(at)?) {
                Extent::Bytes(size) => return scale(id, elements, size),
                Extent::Pointer => return scale(id, elements, self.pointer_bytes()),
                Extent::Elements { len, of } => {
                    elements = scale(id, elements, len)?;
                    of
                }
                Extent::As(target) => target,
                Extent::None => return Err(LookupError::NoSize { id: at, kind: self.kind_of(at) }),
            };
        }
        Err(LookupError::TooDeep { id })
    }

    /// The member `field` of a struct or union, also inside its anonymous structs and unions.
    ///
    /// `composite` may be a typedef or qualified. A direct member wins over a nested one.
    ///
    /// # Errors
    /// [`LookupError::NotComposite`], [`LookupError::NoMember`], else as [`Btf::resolve`], and
    /// [`LookupError::TooLarge`] for an offset of 2³² bits or more.
    pub fn struct_member(&self, composite: TypeId, field: &str) -> Result<Member, LookupError> {
        let outer = self.resolve(composite)?;
        let mut seen = HashSet::from([outer]);
        let mut waiting = VecDeque::from([(outer, 0u32)]);
        while let Some((id, start)) = waiting.pop_front() {
            let (Type::Struct(parent) | Type::Union(parent)) = self.existing(id)? else {
                return Err(LookupError::NotComposite { id, kind: self.kind_of(id) });
            };
            for found in parent.fields() {
                let offset = start.checked_add(found.bit_offset);
                let too_large = LookupError::TooLarge { id: composite };
                if !found.name.is_empty() && found.name == field {
                    return self.place(parent, found, offset.ok_or(too_large)?);
                }
                if found.name.is_empty() {
                    let inner = self.resolve(found.type_id)?;
                    let composite = matches!(self.kind_of(inner), Kind::Struct | Kind::Union);
                    // A type that was searched once without success has nothing to offer at
                    // another offset; this is what bounds the walk.
                    if composite && seen.insert(inner) {
                        waiting.push_back((inner, offset.ok_or(too_large)?));
                    }
                }
            }
        }
        Err(LookupError::NoMember { id: composite, field: field.to_owned() })
    }

    /// The member at a dotted path such as `__sk_common.skc_family`, offsets added up.
    ///
    /// Paths go through structs held by value, not through pointers or arrays.
    ///
    /// # Errors
    /// As [`Btf::struct_member`], for the first step that fails.
    pub fn member_path(&self, composite: TypeId, path: &str) -> Result<Member, LookupError> {
        let mut at = Member { type_id: composite, bit_offset: 0, bit_size: 0 };
        for field in path.split('.') {
            let step = self.struct_member(at.type_id, field)?;
            let bit_offset = at.bit_offset.checked_add(step.bit_offset);
            let bit_offset = bit_offset.ok_or(LookupError::TooLarge { id: composite })?;
            at = Member { bit_offset, ..step };
        }
        Ok(at)
    }

    fn existing(&self, id: TypeId) -> Result<Type<'_>, LookupError> {
        self.get(id).ok_or(LookupError::NoType { id })
    }

    /// The kind of a type that is known to exist.
    fn kind_of(&self, id: TypeId) -> Kind {
        self.kind(id).unwrap_or(Kind::Void)
    }

    fn pointer_bytes(&self) -> u64 {
        POINTER_WIDE
            .iter()
            .filter_map(|name| self.get(self.find(name, Kind::Int)?))
            .find_map(|found| match extent(found) {
                Extent::Bytes(size) => Some(size),
                Extent::Pointer | Extent::Elements { .. } | Extent::As(_) | Extent::None => None,
            })
            .unwrap_or(8)
    }

    /// A member as the caller sees it, bit fields in either encoding.
    fn place(
        &self,
        parent: Composite<'_>,
        field: Field<'_>,
        bit_offset: u32,
    ) -> Result<Member, LookupError> {
        let Field { type_id, bit_size, .. } = field;
        let member = Member { type_id, bit_offset, bit_size };
        if parent.has_bit_sizes() {
            return Ok(member);
        }
        // Compilers from before 2019 put the width into an integer type made for the bit field.
        if let Type::Int(int) = self.existing(self.resolve(type_id)?)?
            && u32::from(int.bits) < int.size_bytes.saturating_mul(8)
        {
            let bit_offset = bit_offset.checked_add(int.bit_offset.into());
            let bit_offset = bit_offset.ok_or(LookupError::TooLarge { id: type_id })?;
            return Ok(Member { bit_offset, bit_size: int.bits, ..member });
        }
        Ok(member)
    }
}

/// How a type comes by its size.
enum Extent {
    Bytes(u64),
    Pointer,
    Elements { len: u64, of: TypeId },
    As(TypeId),
    None,
}

fn extent(found: Type<'_>) -> Extent {
    match found {
        Type::Int(Int { size_bytes, .. }) | Type::Float { size_bytes, .. } => {
            Extent::Bytes(size_bytes.into())
        }
        Type::Struct(composite) | Type::Union(composite) => {
            Extent::Bytes(composite.size_bytes.into())
        }
        Type::Enum(enumeration) => Extent::Bytes(enumeration.size_bytes.into()),
        Type::Datasec(section) => Extent::Bytes(section.size_bytes.into()),
        Type::Ptr { .. } => Extent::Pointer,
        Type::Array { element, len, .. } => Extent::Elements { len: len.into(), of: element },
        Type::Var { target, .. } => Extent::As(target),
        Type::Typedef { .. }
        | Type::Volatile { .. }
        | Type::Const { .. }
        | Type::Restrict { .. }
        | Type::TypeTag { .. } => modified(found).map_or(Extent::None, Extent::As),
        Type::Void
        | Type::Fwd { .. }
        | Type::Func { .. }
        | Type::FuncProto(_)
        | Type::DeclTag { .. } => Extent::None,
    }
}

/// The type that a typedef, qualifier or type tag stands on; `None` for all others.
fn modified(found: Type<'_>) -> Option<TypeId> {
    match found {
        Type::Typedef { target, .. }
        | Type::Volatile { target }
        | Type::Const { target }
        | Type::Restrict { target }
        | Type::TypeTag { target, .. } => Some(target),
        Type::Void
        | Type::Int(_)
        | Type::Ptr { .. }
        | Type::Array { .. }
        | Type::Struct(_)
        | Type::Union(_)
        | Type::Enum(_)
        | Type::Fwd { .. }
        | Type::Func { .. }
        | Type::FuncProto(_)
        | Type::Var { .. }
        | Type::Datasec(_)
        | Type::Float { .. }
        | Type::DeclTag { .. } => None,
    }
}

fn scale(id: TypeId, elements: u64, size: u64) -> Result<u64, LookupError> {
    elements.checked_mul(size).ok_or(LookupError::TooLarge { id })
}

impl fmt::Display for LookupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LookupError::NoType { id } => write!(f, "btf has no type {id}"),
            LookupError::NotComposite { id, kind } => {
                write!(f, "btf type {id} is {kind}, which has no members")
            }
            LookupError::NoMember { id, field } => {
                write!(f, "btf type {id} has no member \"{field}\"")
            }
            LookupError::NoSize { id, kind } => {
                write!(f, "btf type {id} is {kind}, which has no size")
            }
            LookupError::TooDeep { id } => {
                write!(f, "btf type {id} loops or is nested deeper than {DEPTH_MAX}")
            }
            LookupError::TooLarge { id } => {
                write!(f, "size or offset in btf type {id} is out of range")
            }
        }
    }
}

impl std::error::Error for LookupError {}
