//! What programs see of their context: fields, and who may do what with them.

mod rows;

use crate::{AttachType, ProgramType, ProgramTypes};

/// A structure that programs get a pointer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContextStruct {
    /// Name without `struct`.
    pub name: &'static str,
    /// Its size.
    pub bytes: u32,
    /// Its fields, by offset.
    pub fields: &'static [Field],
}

/// A field of a context structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// Where it begins.
    pub offset: u32,
    /// Its size; several units if it is an array.
    pub bytes: u32,
    /// Bytes of one element, which is what one access reads or writes.
    pub unit: u32,
    /// What a read gives.
    pub kind: FieldKind,
    /// Which parts of an element can be read, each aligned to its size.
    pub narrow: Narrow,
    /// Whether the same parts can be written.
    pub is_narrow_writable: bool,
    /// Whether 8 bytes of 4-byte elements can be accessed at once, aligned.
    pub is_wide: bool,
    /// Who may read it.
    pub readers: Accessors,
    /// Who may write it.
    pub writers: Accessors,
}

/// Which parts of an element can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Narrow {
    /// None.
    Never,
    /// Those that begin where the field does.
    AtStart,
    /// Those of 2 bytes and more.
    Halves,
    /// All.
    Anywhere,
}

/// Who may access a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accessors {
    /// The program types.
    pub programs: ProgramTypes,
    /// The attach types; all if there is none.
    pub attach: &'static [AttachType],
}

/// What reading a field gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FieldKind {
    /// A number.
    Scalar,
    /// The address of the packet's first byte, or of an option's value.
    Packet,
    /// The address behind its last byte.
    PacketEnd,
    /// The address of the metadata before the packet.
    PacketMeta,
    /// A `struct bpf_sock *`.
    Socket,
    /// A `struct bpf_sock *`, or null.
    SocketOrNull,
    /// A `struct bpf_sock *` of a socket of any kind, or null.
    SockCommonOrNull,
    /// A `struct bpf_flow_keys *`.
    FlowKeys,
    /// A pointer to this structure of the kernel.
    Kernel(&'static str),
}

impl ContextStruct {
    /// The structure of this name.
    pub fn named(name: &str) -> Option<Self> {
        let found = rows::STRUCTURES.iter().find(|(known, ..)| *known == name);
        found.map(|&(name, bytes, fields)| Self { name, bytes, fields })
    }

    /// All structures.
    pub fn all() -> impl Iterator<Item = Self> {
        rows::STRUCTURES.iter().map(|&(name, bytes, fields)| Self { name, bytes, fields })
    }

    /// The field that has the byte at this offset, if one has; of a union's, the last one.
    pub fn field_at(&self, offset: u32) -> Option<&'static Field> {
        let fields = self.fields.iter();
        fields.rev().find(|field| offset.wrapping_sub(field.offset) < field.bytes)
    }

    /// The field of this name.
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

impl Accessors {
    const NOBODY: Self = Self { programs: ProgramTypes::of(&[]), attach: &[] };

    /// Whether a program of this type, to be attached so, is among them.
    pub fn include(&self, kind: ProgramType, attach: AttachType) -> bool {
        let somewhere = self.attach.is_empty() || self.attach.contains(&attach);
        self.programs.contains(kind) && somewhere
    }
}

impl Field {
    const fn new(name: &'static str, offset: u32, bytes: u32, unit: u32, kind: FieldKind) -> Self {
        let (readers, writers) = (Accessors::NOBODY, Accessors::NOBODY);
        Self {
            name,
            offset,
            bytes,
            unit,
            kind,
            narrow: Narrow::Never,
            is_narrow_writable: false,
            is_wide: false,
            readers,
            writers,
        }
    }

    /// Whether `bytes` bytes at `offset` of the structure are an access that the field allows to those
    /// who may read it.
    pub fn allows_read(&self, offset: u32, bytes: u32) -> bool {
        self.holds(offset, bytes) && (self.is_whole(bytes) || self.is_part(offset, bytes))
    }

    /// Whether `bytes` bytes at `offset` of the structure are an access that the field allows to those
    /// who may write it.
    pub fn allows_write(&self, offset: u32, bytes: u32) -> bool {
        let part = self.is_narrow_writable && self.is_part(offset, bytes);
        self.holds(offset, bytes) && (self.is_whole(bytes) || part)
    }

    /// Whether an access is aligned and lies in the field.
    fn holds(&self, offset: u32, bytes: u32) -> bool {
        let aligned = bytes.is_power_of_two() && offset.is_multiple_of(bytes);
        let end = offset.checked_sub(self.offset).and_then(|at| at.checked_add(bytes));
        aligned && end.is_some_and(|end| end <= self.bytes)
    }

    fn is_whole(&self, bytes: u32) -> bool {
        bytes == self.unit || self.is_wide && bytes == 2 * self.unit
    }

    fn is_part(&self, offset: u32, bytes: u32) -> bool {
        let allowed = match self.narrow {
            Narrow::Never => false,
            Narrow::AtStart => offset == self.offset,
            Narrow::Halves => bytes >= 2,
            Narrow::Anywhere => true,
        };
        allowed && bytes < self.unit
    }

    const fn narrow(self, narrow: Narrow) -> Self {
        Self { narrow, ..self }
    }

    const fn narrow_writes(self) -> Self {
        Self { is_narrow_writable: true, ..self }
    }

    const fn wide(self) -> Self {
        Self { is_wide: true, ..self }
    }

    const fn read_at(self, programs: ProgramTypes, attach: &'static [AttachType]) -> Self {
        Self { readers: Accessors { programs, attach }, ..self }
    }

    const fn write_at(self, programs: ProgramTypes, attach: &'static [AttachType]) -> Self {
        Self { writers: Accessors { programs, attach }, ..self }
    }

    const fn both_at(self, programs: ProgramTypes, attach: &'static [AttachType]) -> Self {
        self.read_at(programs, attach).write_at(programs, attach)
    }

    const fn read(self, programs: ProgramTypes) -> Self {
        self.read_at(programs, &[])
    }

    const fn write(self, programs: ProgramTypes) -> Self {
        self.write_at(programs, &[])
    }

    const fn both(self, programs: ProgramTypes) -> Self {
        self.both_at(programs, &[])
    }
}
