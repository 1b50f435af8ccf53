//! Writes a relocatable object, as libbpf and bpftool load it.
//!
//! A function is what a call or an address leads to, what begins a section, and what is global. An
//! instruction that refers to a function in another section, or takes one's address, gets a
//! relocation; a call within its section needs none. libbpf wants functions that others call in
//! `.text`, and calls from programs in sections of their own.

use std::collections::{BTreeMap, BTreeSet};

use netloom_isa::{Callee, Imm64, Insn, Pc, encode, numbered};
use object::elf::{R_BPF_64_32, R_BPF_64_64, RelocationType};
use object::write::{
    Error as ElfError, Object, Relocation, SectionId, Symbol, SymbolId, SymbolSection,
};
use object::{
    Architecture, BinaryFormat, Endianness, RelocationFlags, SectionKind, SymbolFlags, SymbolKind,
    SymbolScope,
};

/// Programs to write into an object. Positions count slots over all sections, one after the other.
#[derive(Clone, Copy, Debug)]
pub struct NewObject<'a> {
    /// The instructions of all sections.
    pub insns: &'a [Insn],
    /// Name and first slot of each section, in order; the first begins at slot 0.
    pub sections: &'a [(String, Pc)],
    /// Names of positions; those of functions are kept.
    pub labels: &'a [(String, Pc)],
    /// Labels that are functions which other objects, and attachments, may name.
    pub globals: &'a [String],
    /// The text of the section `license`; without it there is no such section.
    pub license: Option<&'a str>,
}

/// Writes an object for little-endian machines.
///
/// # Errors
/// When the format cannot hold it: a name or a section is too large.
pub fn write(new: &NewObject<'_>) -> Result<Vec<u8>, ElfError> {
    Writer::new(new).write()
}

struct Writer<'a> {
    new: &'a NewObject<'a>,
    /// Number of slots of all sections.
    end: Pc,
    /// The first slot of each function.
    starts: BTreeSet<Pc>,
    elf: Object<'static>,
    sections: Vec<SectionId>,
    functions: BTreeMap<Pc, SymbolId>,
}

impl<'a> Writer<'a> {
    fn new(new: &'a NewObject<'a>) -> Self {
        let end = Pc(new.insns.iter().map(Insn::slots).sum());
        let named = new.labels.iter().filter(|(name, _)| new.globals.contains(name));
        let targets = numbered(new.insns).filter_map(|(pc, insn)| function_of(insn, pc));
        let starts = new.sections.iter().chain(named).map(|(_, pc)| *pc).chain(targets);
        let first = new.sections.first().map_or(end, |(_, start)| *start);
        let starts = starts.filter(|pc| (first..end).contains(pc)).collect();
        let elf = Object::new(BinaryFormat::Elf, Architecture::Bpf, Endianness::Little);
        Self { new, end, starts, elf, sections: Vec::new(), functions: BTreeMap::new() }
    }

    fn write(mut self) -> Result<Vec<u8>, ElfError> {
        for (name, _) in self.new.sections {
            let name = name.as_bytes().to_vec();
            self.sections.push(self.elf.add_section(Vec::new(), name, SectionKind::Text));
        }
        for pc in self.starts.clone() {
            self.add_function(pc);
        }
        for at in 0..self.sections.len() {
            self.fill(at)?;
        }
        if let Some(license) = self.new.license {
            let section = self.elf.add_section(Vec::new(), b"license".to_vec(), SectionKind::Data);
            let text = [license.as_bytes(), b"\0"].concat();
            self.elf.append_section_data(section, &text, 1);
        }
        self.elf.write()
    }

    /// The section of a slot: its place in the list, and its first slot.
    fn section_of(&self, pc: Pc) -> (usize, Pc) {
        let after = self.new.sections.partition_point(|(_, start)| *start <= pc);
        let at = after.saturating_sub(1);
        (at, self.new.sections[at].1)
    }

    fn section_end(&self, at: usize) -> Pc {
        self.new.sections.get(at + 1).map_or(self.end, |(_, start)| *start)
    }

    fn add_function(&mut self, pc: Pc) {
        let (at, start) = self.section_of(pc);
        let section = &self.new.sections[at].0;
        let next = self.starts.range(Pc(pc.0 + 1)..).next().copied();
        let end = next.map_or(self.end, |next| next).min(self.section_end(at));
        let label = self.new.labels.iter().rfind(|(_, place)| *place == pc);
        let name = match label {
            Some((name, _)) => name.clone(),
            None if pc == start && section != ".text" => identifier(section),
            None => format!("sub_{pc}"),
        };
        let is_global = pc == start || self.new.globals.contains(&name);
        let symbol = self.elf.add_symbol(Symbol {
            name: name.into_bytes(),
            value: bytes(start, pc),
            size: bytes(pc, end),
            kind: SymbolKind::Text,
            scope: if is_global { SymbolScope::Dynamic } else { SymbolScope::Compilation },
            weak: false,
            section: SymbolSection::Section(self.sections[at]),
            flags: SymbolFlags::None,
        });
        self.functions.insert(pc, symbol);
    }

    /// Writes a section's instructions and its relocations.
    fn fill(&mut self, at: usize) -> Result<(), ElfError> {
        let (start, end) = (self.new.sections[at].1, self.section_end(at));
        let mut insns = Vec::new();
        for (pc, insn) in numbered(self.new.insns).filter(|(pc, _)| (start..end).contains(pc)) {
            match self.reference(at, pc, insn) {
                None => insns.push(*insn),
                Some((kind, symbol, open)) => {
                    let (offset, flags) = (bytes(start, pc), RelocationFlags::Elf { r_type: kind });
                    let relocation = Relocation { offset, symbol, addend: 0, flags };
                    self.elf.add_relocation(self.sections[at], relocation)?;
                    insns.push(open);
                }
            }
        }
        self.elf.append_section_data(self.sections[at], &encode(&insns), 8);
        Ok(())
    }

    /// The relocation of an instruction: type, symbol, and the instruction without its distance.
    fn reference(
        &self,
        at: usize,
        pc: Pc,
        insn: &Insn,
    ) -> Option<(RelocationType, SymbolId, Insn)> {
        let target = function_of(insn, pc)?;
        let symbol = *self.functions.get(&target)?;
        if let Insn::LoadImm64 { dst, .. } = *insn {
            let open = Insn::LoadImm64 { dst, value: Imm64::Value(0) };
            return Some((R_BPF_64_64, symbol, open));
        }
        if self.section_of(target).0 == at {
            return None;
        }
        Some((R_BPF_64_32, symbol, Insn::Call(Callee::Local(-1))))
    }
}

/// Number of bytes between two slots.
fn bytes(from: Pc, to: Pc) -> u64 {
    u64::from(to.0.saturating_sub(from.0)) * 8
}

/// The function that an instruction calls or whose address it takes.
fn function_of(insn: &Insn, pc: Pc) -> Option<Pc> {
    let is_jump = matches!(insn, Insn::Jump { .. } | Insn::JumpIf { .. } | Insn::MayGoto { .. });
    insn.target(pc).filter(|_| !is_jump)
}

/// A section's name as that of a function.
fn identifier(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}
