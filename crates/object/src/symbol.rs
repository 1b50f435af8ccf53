//! Named positions in code, and names of maps.

use netloom_isa::Pc;
use object::elf::{STB_LOCAL, STT_FILE, STT_FUNC, STT_SECTION};
use object::read::elf::Sym as _;

use crate::ReadError;
use crate::file::{CodeIndices, MapSymbol, ObjectFile, is_map_section};
use crate::tables::Tables;

/// A named position in a section of code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Symbol<'d> {
    /// Its name, never empty.
    pub name: &'d str,
    /// Its slot in the section; the number of slots for a label at the end.
    pub pc: Pc,
    /// How many slots it names, all within the section; 0 for most labels.
    pub slots: u32,
    /// What it is.
    pub kind: SymbolKind,
    /// Other objects may refer to it.
    pub is_global: bool,
}

/// What a symbol names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SymbolKind {
    /// A function.
    Function,
    /// A place, as assemblers leave it.
    Label,
}

/// Adds the symbols of code and maps to the object.
pub(crate) fn read<'d>(
    tables: &Tables<'d>,
    indices: &CodeIndices,
    object: &mut ObjectFile<'d>,
) -> Result<(), ReadError> {
    let endian = tables.endian;
    for (index, symbol) in tables.symbols.enumerate() {
        let Some(section) = tables.symbol_section(index, symbol)? else { continue };
        let kind = symbol.st_type();
        if kind == STT_SECTION || kind == STT_FILE {
            continue;
        }
        let (value, size) = (symbol.st_value(endian), symbol.st_size(endian));
        let name = tables.symbol_name(index, symbol)?;
        if name.is_empty() {
            continue;
        }
        if let Some(code) = indices.get(&section).and_then(|at| object.code.get_mut(*at)) {
            let Some((pc, slots)) = slots(value, size, code.slots()) else {
                let section = code.name.to_owned();
                return Err(ReadError::Symbol { name: name.to_owned(), section, value, size });
            };
            let is_global = symbol.st_bind() != STB_LOCAL;
            let kind = if kind == STT_FUNC { SymbolKind::Function } else { SymbolKind::Label };
            code.symbols.push(Symbol { name, pc, slots, kind, is_global });
            continue;
        }
        let section = tables.section_name(section)?;
        if is_map_section(section) {
            object.maps.push(MapSymbol { name, section, offset: value });
        }
    }
    for code in &mut object.code {
        code.symbols.sort_by_key(|symbol| (symbol.pc, symbol.kind));
    }
    object.maps.sort_by_key(|map| (map.section, map.offset));
    Ok(())
}

/// Start and number of slots, if both are whole and lie in a section of `all` slots.
fn slots(value: u64, size: u64, all: u32) -> Option<(Pc, u32)> {
    let end = value.checked_add(size)?;
    let is_inside = value.is_multiple_of(8) && size.is_multiple_of(8) && end <= u64::from(all) * 8;
    let (pc, slots) = (u32::try_from(value / 8).ok()?, u32::try_from(size / 8).ok()?);
    is_inside.then_some((Pc(pc), slots))
}
