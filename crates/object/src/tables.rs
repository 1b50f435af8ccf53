//! ELF's own tables, with errors that name what they are about.

use netloom_isa::ByteOrder;
use object::elf::{
    EM_BPF, ET_REL, FileHeader64, Rel64, Rela64, SHT_SYMTAB, SectionHeader64, Sym64,
};
use object::read::elf::{
    FileHeader as _, Rel as _, Rela as _, SectionHeader as _, SectionTable, Sym as _, SymbolTable,
};
use object::{Endianness, SectionIndex, SymbolIndex};

use crate::ReadError;

type Header = FileHeader64<Endianness>;
type Section = SectionHeader64<Endianness>;
type Symbol = Sym64<Endianness>;

/// Class, as the byte after ELF's magic number says it: 64 bits.
const ELFCLASS64: u8 = 2;

/// The tables of a relocatable object for eBPF.
pub(crate) struct Tables<'d> {
    bytes: &'d [u8],
    pub(crate) endian: Endianness,
    pub(crate) order: ByteOrder,
    pub(crate) sections: SectionTable<'d, Header>,
    pub(crate) symbols: SymbolTable<'d, Header>,
}

/// One relocation as ELF has it.
pub(crate) struct Entry {
    pub(crate) offset: u64,
    pub(crate) kind: u32,
    pub(crate) symbol: SymbolIndex,
}

impl<'d> Tables<'d> {
    pub(crate) fn read(bytes: &'d [u8]) -> Result<Self, ReadError> {
        match bytes {
            [0x7f, b'E', b'L', b'F', class, ..] if *class != ELFCLASS64 => {
                return Err(ReadError::Class { class: *class });
            }
            [0x7f, b'E', b'L', b'F', ..] => {}
            _ => return Err(ReadError::NotElf),
        }
        let malformed = |what| move |source| ReadError::Malformed { what, source };
        let header = Header::parse(bytes).map_err(malformed("header"))?;
        let endian = header.endian().map_err(malformed("header"))?;
        let machine = header.e_machine(endian);
        if machine != EM_BPF {
            return Err(ReadError::Machine { machine: machine.0 });
        }
        let kind = header.e_type(endian);
        if kind != ET_REL {
            return Err(ReadError::Kind { kind: kind.0 });
        }
        let sections = header.sections(endian, bytes).map_err(malformed("section table"))?;
        let symbols = sections.symbols(endian, bytes, SHT_SYMTAB);
        let symbols = symbols.map_err(malformed("symbol table"))?;
        let order = match endian {
            Endianness::Little => ByteOrder::Little,
            Endianness::Big => ByteOrder::Big,
        };
        Ok(Self { bytes, endian, order, sections, symbols })
    }

    pub(crate) fn section_name(&self, index: SectionIndex) -> Result<&'d str, ReadError> {
        let unreadable = |source| ReadError::SectionName { index: index.0, source };
        let section = self.sections.section(index).map_err(unreadable)?;
        let name = self.sections.section_name(self.endian, section).map_err(unreadable)?;
        str::from_utf8(name)
            .map_err(|source| ReadError::Text { section: format!("#{}", index.0), source })
    }

    pub(crate) fn section_bytes(&self, section: &Section) -> Result<&'d [u8], ReadError> {
        let data = section.data(self.endian, self.bytes);
        data.map_err(|source| ReadError::Malformed { what: "section", source })
    }

    /// The section in which a symbol is defined, if it is in one.
    pub(crate) fn symbol_section(
        &self,
        index: SymbolIndex,
        symbol: &Symbol,
    ) -> Result<Option<SectionIndex>, ReadError> {
        let section = self.symbols.symbol_section(self.endian, symbol, index);
        section.map_err(|source| ReadError::SymbolEntry { index: index.0, source })
    }

    pub(crate) fn symbol_name(
        &self,
        index: SymbolIndex,
        symbol: &Symbol,
    ) -> Result<&'d str, ReadError> {
        let name = symbol.name(self.endian, self.symbols.strings());
        let name = name.map_err(|source| ReadError::SymbolEntry { index: index.0, source })?;
        str::from_utf8(name).map_err(|source| ReadError::SymbolName { index: index.0, source })
    }

    /// The relocations in a section and the section they are for, if it is one of relocations.
    pub(crate) fn relocations(
        &self,
        section: &'d Section,
    ) -> Result<Option<(Vec<Entry>, SectionIndex)>, ReadError> {
        let malformed = |source| ReadError::Malformed { what: "relocation table", source };
        let patched = section.info_link(self.endian);
        if let Some((rows, _)) = section.rel(self.endian, self.bytes).map_err(malformed)? {
            let rows = rows.iter().map(|row: &Rel64<Endianness>| Entry {
                offset: row.r_offset(self.endian),
                kind: row.r_type(self.endian).0,
                symbol: SymbolIndex(usize::try_from(row.r_sym(self.endian)).unwrap_or(usize::MAX)),
            });
            return Ok(Some((rows.collect(), patched)));
        }
        if let Some((rows, _)) = section.rela(self.endian, self.bytes).map_err(malformed)? {
            let rows = rows.iter().map(|row: &Rela64<Endianness>| Entry {
                offset: row.r_offset(self.endian),
                kind: row.r_type(self.endian, false).0,
                symbol: SymbolIndex(
                    usize::try_from(row.r_sym(self.endian, false)).unwrap_or(usize::MAX),
                ),
            });
            return Ok(Some((rows.collect(), patched)));
        }
        Ok(None)
    }
}
