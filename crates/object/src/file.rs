//! The parts of an object.

use std::collections::HashMap;

use netloom_isa::{ByteOrder, Pc};
use object::SectionIndex;
use object::elf::{SHF_EXECINSTR, SHT_PROGBITS};

use crate::relocation::{self, Relocation};
use crate::symbol::{self, Symbol, SymbolKind};
use crate::tables::Tables;
use crate::{ReadError, Target};

/// An object, borrowed from the file's bytes.
#[derive(Clone, Debug)]
pub struct ObjectFile<'d> {
    /// Byte order of the machine that it is for.
    pub order: ByteOrder,
    /// The sections that hold instructions, in file order; none is empty.
    pub code: Vec<CodeSection<'d>>,
    /// The maps that it defines, in the order of their definitions.
    pub maps: Vec<MapSymbol<'d>>,
    /// The text of the section `license`.
    pub license: Option<&'d str>,
}

/// A section of instructions.
#[derive(Clone, Debug)]
pub struct CodeSection<'d> {
    /// Its name: `.text` for functions that others call, else what the program attaches to.
    pub name: &'d str,
    /// Its instructions, a multiple of 8 bytes.
    pub bytes: &'d [u8],
    /// Named positions in it, by position.
    pub symbols: Vec<Symbol<'d>>,
    /// The instructions that refer to something else, by position.
    pub relocations: Vec<Relocation<'d>>,
}

/// A map's definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MapSymbol<'d> {
    /// The map's name.
    pub name: &'d str,
    /// The section of its definition: `.maps`, or `maps` in the form without BTF.
    pub section: &'d str,
    /// Where in that section its definition begins, in bytes.
    pub offset: u64,
}

/// Reads an object.
///
/// # Errors
/// When the bytes are not a relocatable ELF object for eBPF, or contradict themselves.
pub fn read(bytes: &[u8]) -> Result<ObjectFile<'_>, ReadError> {
    let tables = Tables::read(bytes)?;
    let mut code = Vec::new();
    let mut indices = HashMap::new();
    let mut license = None;
    // The first row of every section table stands for no section.
    for (index, section) in tables.sections.enumerate().skip(1) {
        let name = tables.section_name(index)?;
        if name == "license" {
            license = Some(text(name, tables.section_bytes(section)?)?);
        }
        let is_code = section.sh_type.get(tables.endian) == SHT_PROGBITS
            && section.sh_flags.get(tables.endian).contains(SHF_EXECINSTR);
        let bytes = if is_code { tables.section_bytes(section)? } else { &[] };
        if bytes.is_empty() {
            continue;
        }
        if bytes.len() % 8 != 0 || u32::try_from(bytes.len() / 8).is_err() {
            return Err(ReadError::CodeSize { section: name.to_owned(), bytes: bytes.len() });
        }
        indices.insert(index, code.len());
        code.push(CodeSection { name, bytes, symbols: Vec::new(), relocations: Vec::new() });
    }
    let mut object = ObjectFile { order: tables.order, code, maps: Vec::new(), license };
    symbol::read(&tables, &indices, &mut object)?;
    relocation::read(&tables, &indices, &mut object)?;
    Ok(object)
}

/// A text that may end with a NUL.
fn text<'d>(section: &'d str, bytes: &'d [u8]) -> Result<&'d str, ReadError> {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let text = str::from_utf8(&bytes[..end]);
    text.map_err(|source| ReadError::Text { section: section.to_owned(), source })
}

/// Whether a section of this name holds definitions of maps.
pub(crate) fn is_map_section(name: &str) -> bool {
    name == ".maps" || name == "maps" || name.starts_with("maps/")
}

/// Position in [`ObjectFile::code`] of a section of code.
pub(crate) type CodeIndices = HashMap<SectionIndex, usize>;

impl<'d> CodeSection<'d> {
    /// Number of slots.
    pub fn slots(&self) -> u32 {
        // `read` has refused sections of more slots.
        u32::try_from(self.bytes.len() / 8).unwrap_or(u32::MAX)
    }

    /// The functions, by position.
    pub fn functions(&self) -> impl Iterator<Item = &Symbol<'d>> {
        self.symbols.iter().filter(|symbol| symbol.kind == SymbolKind::Function)
    }

    /// The name of this position; a function's rather than a label's.
    pub fn name_at(&self, pc: Pc) -> Option<&'d str> {
        let first = self.symbols.partition_point(|symbol| symbol.pc < pc);
        let here = self.symbols[first..].iter().take_while(|symbol| symbol.pc == pc);
        here.min_by_key(|symbol| symbol.kind).map(|symbol| symbol.name)
    }

    /// What the instruction at this position refers to.
    pub fn target_at(&self, pc: Pc) -> Option<&Target<'d>> {
        let found = self.relocations.binary_search_by_key(&pc, |relocation| relocation.pc);
        found.ok().map(|at| &self.relocations[at].target)
    }
}
