//! Fills a program's relocations from one machine's layout.

use std::fmt;

use netloom_isa::{Callee, Insn, Operand, Pc, Size};

use crate::{FieldPart, Program, Reloc, RelocKind};

/// Where a field is in its structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldAt {
    /// Bits from the structure's start.
    pub bit_offset: u32,
    /// Bits.
    pub bit_size: u32,
}

/// One machine's structures and functions.
pub trait Layout {
    /// The id by which a program calls the kernel function `name`.
    fn kfunc(&self, name: &str) -> Option<u32>;
    /// The id of the structure `name`.
    fn structure(&self, name: &str) -> Option<u32>;
    /// The place of a field; `path` may have several parts joined by dots.
    fn field(&self, structure: &str, path: &str) -> Option<FieldAt>;
}

/// Why a program does not fit a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkError {
    /// The machine does not have what the relocation names.
    Missing {
        /// The instruction.
        pc: Pc,
        /// `function NAME`, `structure NAME` or `field NAME.PATH`.
        what: String,
    },
    /// The field is there, but not in the shape the instruction reads.
    Shape {
        /// The instruction.
        pc: Pc,
        /// `NAME.PATH`.
        field: String,
        /// Where it is.
        at: FieldAt,
    },
    /// The relocation stands at an instruction that can not take it.
    Misplaced {
        /// The instruction.
        pc: Pc,
    },
}

/// The program's instructions with all relocations filled in.
///
/// # Errors
/// When the machine lacks something the program names.
pub fn link(program: &Program, layout: &dyn Layout) -> Result<Vec<Insn>, LinkError> {
    let mut insns = program.insns.clone();
    let mut index_of = std::collections::HashMap::new();
    let mut pc = 0;
    for (index, insn) in insns.iter().enumerate() {
        index_of.insert(Pc(pc), index);
        pc += insn.slots();
    }
    for reloc in &program.relocs {
        let insn = index_of
            .get(&reloc.pc)
            .and_then(|&index| insns.get_mut(index))
            .ok_or(LinkError::Misplaced { pc: reloc.pc })?;
        *insn = fill(*insn, reloc, layout)?;
    }
    Ok(insns)
}

fn fill(insn: Insn, reloc: &Reloc, layout: &dyn Layout) -> Result<Insn, LinkError> {
    let pc = reloc.pc;
    let missing = |what: String| LinkError::Missing { pc, what };
    match (&reloc.kind, insn) {
        (RelocKind::Kfunc(name), Insn::Call(Callee::Kfunc(_, module))) => {
            let id = layout.kfunc(name).ok_or_else(|| missing(format!("function {name}")))?;
            Ok(Insn::Call(Callee::Kfunc(id, module)))
        }
        (RelocKind::StructId(name), Insn::Alu { width, op, dst, src: Operand::Imm(_) }) => {
            let id = layout.structure(name).ok_or_else(|| missing(format!("structure {name}")))?;
            Ok(Insn::Alu { width, op, dst, src: Operand::Imm(id.cast_signed()) })
        }
        (RelocKind::Field { structure, path, part }, insn) => {
            let field = format!("{structure}.{path}");
            let at =
                layout.field(structure, path).ok_or_else(|| missing(format!("field {field}")))?;
            if !matches!(insn, Insn::Load { .. } | Insn::Alu { .. }) {
                return Err(LinkError::Misplaced { pc });
            }
            fill_field(insn, *part, at).ok_or(LinkError::Shape { pc, field, at })
        }
        _ => Err(LinkError::Misplaced { pc }),
    }
}

/// The instruction with the field's fact, or `None` where it does not fit.
fn fill_field(insn: Insn, part: FieldPart, at: FieldAt) -> Option<Insn> {
    match (part, insn) {
        (FieldPart::Offset, Insn::Load { size, signed, dst, base, .. }) => {
            let whole = at.bit_offset.is_multiple_of(8) && at.bit_size == size.bytes() * 8;
            let off = i16::try_from(at.bit_offset / 8).ok()?;
            whole.then_some(Insn::Load { size, signed, dst, base, off })
        }
        (FieldPart::Start, Insn::Load { size, signed, dst, base, off }) => {
            let off = i16::try_from(at.bit_offset / 8).ok()?.checked_add(off)?;
            Some(Insn::Load { size, signed, dst, base, off })
        }
        (FieldPart::Start, Insn::Alu { width, op, dst, src: Operand::Imm(_) }) => {
            let imm = i32::try_from(at.bit_offset / 8).ok()?;
            Some(Insn::Alu { width, op, dst, src: Operand::Imm(imm) })
        }
        (FieldPart::BitByte, Insn::Load { size: Size::B, signed, dst, base, .. }) => {
            let inside = at.bit_offset % 8 + at.bit_size <= 8;
            let off = i16::try_from(at.bit_offset / 8).ok()?;
            inside.then_some(Insn::Load { size: Size::B, signed, dst, base, off })
        }
        (FieldPart::BitShift, Insn::Alu { width, op, dst, src: Operand::Imm(_) }) => {
            let shift = i32::try_from(at.bit_offset % 8).ok()?;
            Some(Insn::Alu { width, op, dst, src: Operand::Imm(shift) })
        }
        _ => None,
    }
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { pc, what } => write!(f, "instruction {pc} needs {what}, not found"),
            Self::Shape { pc, field, at } => write!(
                f,
                "instruction {pc} can not read {field}: {} bits at bit {}",
                at.bit_size, at.bit_offset
            ),
            Self::Misplaced { pc } => write!(f, "relocation at {pc} does not fit its instruction"),
        }
    }
}

impl std::error::Error for LinkError {}
