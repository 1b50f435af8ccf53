//! What instructions refer to.
//!
//! | type | instruction | refers to |
//! |---|---|---|
//! | `R_BPF_64_64` | `lddw` | map, data or function; `imm` holds a distance in bytes |
//! | `R_BPF_64_32` | `call` | function, helper or kernel function; `imm` holds a distance in slots, less one |

use netloom_isa::{Callee, Imm64, Insn, Pc, decode_for};
use object::SymbolIndex;
use object::elf::{R_BPF_64_32, R_BPF_64_64, STB_WEAK, STT_SECTION};
use object::read::elf::Sym as _;

use crate::file::{CodeIndices, CodeSection, ObjectFile, is_map_section};
use crate::tables::Tables;
use crate::{ReadError, RelocationFault};

/// An instruction that refers to something which has no number yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relocation<'d> {
    /// The instruction: `lddw` or `call`.
    pub pc: Pc,
    /// What it refers to.
    pub target: Target<'d>,
}

/// What an instruction refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target<'d> {
    /// A map, by its place in [`ObjectFile::maps`].
    Map(usize),
    /// A position in a section of code, by its place in [`ObjectFile::code`].
    Code {
        /// The section.
        section: usize,
        /// The slot in it.
        pc: Pc,
    },
    /// Global data.
    Data {
        /// The section: `.rodata`, `.data`, `.bss` or one that begins so.
        section: &'d str,
        /// The variable's name; empty where the compiler names only the section.
        name: &'d str,
        /// Where in the section, in bytes.
        offset: i64,
    },
    /// Something outside of the object: a helper, a kernel function or variable.
    Extern {
        /// Its name.
        name: &'d str,
        /// It may be missing.
        is_weak: bool,
    },
}

/// Adds the relocations of code to the object.
pub(crate) fn read<'d>(
    tables: &Tables<'d>,
    indices: &CodeIndices,
    object: &mut ObjectFile<'d>,
) -> Result<(), ReadError> {
    for (_, section) in tables.sections.enumerate() {
        let Some((entries, patched)) = tables.relocations(section)? else { continue };
        let Some(at) = indices.get(&patched).copied() else { continue };
        for entry in entries {
            let relocation = Reader { tables, indices, object }
                .relocation(&object.code[at], entry.kind, entry.offset, entry.symbol)
                .map_err(|fault| {
                    let section = object.code[at].name.to_owned();
                    ReadError::Relocation { section, offset: entry.offset, fault }
                })?;
            object.code[at].relocations.push(relocation);
        }
    }
    for code in &mut object.code {
        code.relocations.sort_by_key(|relocation| relocation.pc);
        let twice = code.relocations.windows(2).find(|pair| pair[0].pc == pair[1].pc);
        if let Some([Relocation { pc, .. }, _]) = twice {
            let (section, offset) = (code.name.to_owned(), u64::from(pc.0) * 8);
            return Err(ReadError::Relocation { section, offset, fault: RelocationFault::Twice });
        }
    }
    Ok(())
}

struct Reader<'a, 'd> {
    tables: &'a Tables<'d>,
    indices: &'a CodeIndices,
    object: &'a ObjectFile<'d>,
}

/// An instruction that can be relocated, with the distance that it holds.
enum Site {
    /// `lddw`, distance in bytes.
    Imm64(i64),
    /// `call`, distance in slots from the following one.
    Call(i64),
}

impl<'d> Reader<'_, 'd> {
    fn relocation(
        &self,
        code: &CodeSection<'d>,
        kind: u32,
        offset: u64,
        symbol: SymbolIndex,
    ) -> Result<Relocation<'d>, RelocationFault> {
        let slot = u32::try_from(offset / 8).ok().filter(|slot| *slot < code.slots());
        let pc =
            slot.filter(|_| offset.is_multiple_of(8)).map(Pc).ok_or(RelocationFault::Position)?;
        let site = match (kind, self.insn(code, pc)) {
            (kind, Some(Insn::LoadImm64 { value: Imm64::Value(value), .. }))
                if kind == R_BPF_64_64.0 =>
            {
                let [.., b4, b5, b6, b7] = value.to_be_bytes();
                Site::Imm64(i32::from_be_bytes([b4, b5, b6, b7]).into())
            }
            (kind, Some(Insn::Call(Callee::Local(off)))) if kind == R_BPF_64_32.0 => {
                Site::Call(off.into())
            }
            (kind, _) if kind == R_BPF_64_64.0 || kind == R_BPF_64_32.0 => {
                return Err(RelocationFault::Instruction { kind });
            }
            (kind, _) => return Err(RelocationFault::Kind { kind }),
        };
        Ok(Relocation { pc, target: self.target(symbol, &site)? })
    }

    /// The instruction at a slot of the section.
    fn insn(&self, code: &CodeSection<'d>, pc: Pc) -> Option<Insn> {
        let start = usize::try_from(pc.0).ok()?.checked_mul(8)?;
        // Of two slots if it needs them, else of one.
        [16, 8].into_iter().find_map(|length| {
            let bytes = code.bytes.get(start..start.checked_add(length)?)?;
            let insns = decode_for(self.object.order, bytes).ok()?;
            insns.first().copied()
        })
    }

    fn target(&self, index: SymbolIndex, site: &Site) -> Result<Target<'d>, RelocationFault> {
        let symbol = self.tables.symbols.symbol(index);
        let symbol =
            symbol.map_err(|source| RelocationFault::NoSymbol { index: index.0, source })?;
        let name = self.tables.symbol_name(index, symbol);
        let name = name.map_err(|_bytes| RelocationFault::SymbolName { index: index.0 })?;
        if symbol.is_undefined(self.tables.endian) {
            if name.is_empty() {
                return Err(RelocationFault::NoName { index: index.0 });
            }
            let is_weak = symbol.st_bind() == STB_WEAK;
            return Ok(Target::Extern { name, is_weak });
        }
        let section = self.tables.symbol_section(index, symbol).ok().flatten();
        let section = section.ok_or_else(|| RelocationFault::Symbol { name: name.to_owned() })?;
        let value = symbol.st_value(self.tables.endian);
        let out_of_range = || RelocationFault::Target { name: name.to_owned() };
        let value = i64::try_from(value).map_err(|_negative| out_of_range())?;
        if let Some(at) = self.indices.get(&section).copied() {
            let pc = code_target(value, site, self.object.code[at].slots());
            return Ok(Target::Code { section: at, pc: pc.ok_or_else(out_of_range)? });
        }
        let name = if symbol.st_type() == STT_SECTION { "" } else { name };
        let section = self.tables.section_name(section);
        let section =
            section.map_err(|_unreadable| RelocationFault::Symbol { name: name.to_owned() })?;
        if !is_map_section(section) && !is_data_section(section) {
            return Err(RelocationFault::Section { section: section.to_owned() });
        }
        self.data_target(section, name, value, site).ok_or_else(out_of_range)
    }

    fn data_target(
        &self,
        section: &'d str,
        name: &'d str,
        value: i64,
        site: &Site,
    ) -> Option<Target<'d>> {
        let Site::Imm64(distance) = site else { return None };
        let offset = value.checked_add(*distance)?;
        if !is_map_section(section) {
            return Some(Target::Data { section, name, offset });
        }
        let offset = u64::try_from(offset).ok()?;
        let is_it = |map: &crate::MapSymbol<'_>| {
            map.section == section && map.offset == offset && (name.is_empty() || map.name == name)
        };
        self.object.maps.iter().position(is_it).map(Target::Map)
    }
}

/// Whether a section of this name holds variables.
fn is_data_section(name: &str) -> bool {
    [".rodata", ".data", ".bss"].iter().any(|begin| name.starts_with(begin))
}

/// The slot that code at `value` bytes and the distance in the instruction lead to.
fn code_target(value: i64, site: &Site, slots: u32) -> Option<Pc> {
    let slot = match site {
        Site::Imm64(distance) => {
            let bytes = value.checked_add(*distance)?;
            (bytes % 8 == 0).then_some(bytes / 8)?
        }
        Site::Call(distance) => {
            (value % 8 == 0).then_some(value / 8)?.checked_add(*distance)?.checked_add(1)?
        }
    };
    u32::try_from(slot).ok().filter(|slot| *slot < slots).map(Pc)
}
