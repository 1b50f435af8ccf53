//! Builds a program with labels instead of distances.
//!
//! A [`Label`] may be used before it is placed. `finish` lays the slots out once: a plain jump that
//! does not fit 16 bits becomes `gotol`, a conditional one that does not fit is an error.

use std::fmt;

use crate::{AluOp, Callee, Cond, Imm64, Insn, Operand, Pc, Reg, Size, Width};

/// A place in the program under construction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Label(u32);

/// Why a program could not be laid out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BuildError {
    /// A label is used, but never placed.
    Unplaced {
        /// The instruction that uses it.
        pc: Pc,
    },
    /// A conditional jump is further than its 16 bits reach.
    TooFar {
        /// The jump.
        pc: Pc,
        /// Its distance in slots.
        distance: i64,
    },
}

/// An instruction sequence under construction.
#[derive(Clone, Debug, Default)]
pub struct Builder {
    insns: Vec<(Insn, Option<Label>)>,
    /// Slot of each label, once placed.
    placed: Vec<Option<u32>>,
    slots: u32,
}

impl Builder {
    /// An empty program.
    pub fn new() -> Self {
        Self::default()
    }

    /// The position of the next instruction.
    pub fn pc(&self) -> Pc {
        Pc(self.slots)
    }

    /// A label that is not placed yet.
    pub fn label(&mut self) -> Label {
        let label = Label(u32::try_from(self.placed.len()).expect("labels are fewer than slots"));
        self.placed.push(None);
        label
    }

    /// Puts `label` before the next instruction.
    ///
    /// # Panics
    /// When the label is placed already.
    pub fn place(&mut self, label: Label) {
        let place = &mut self.placed[label.0 as usize];
        assert!(place.is_none(), "a label has one place");
        *place = Some(self.slots);
    }

    /// Appends an instruction whose distance, if it has one, is that to `target`.
    pub fn push_to(&mut self, insn: Insn, target: Label) -> Pc {
        self.append(insn, Some(target))
    }

    /// Appends an instruction whose distances, if any, are final.
    pub fn push(&mut self, insn: Insn) -> Pc {
        self.append(insn, None)
    }

    /// `dst = src`.
    pub fn mov(&mut self, dst: Reg, src: impl Into<Operand>) -> Pc {
        self.alu(AluOp::Mov, dst, src)
    }

    /// 64-bit `dst op= src`.
    pub fn alu(&mut self, op: AluOp, dst: Reg, src: impl Into<Operand>) -> Pc {
        self.push(Insn::Alu { width: Width::W64, op, dst, src: src.into() })
    }

    /// 32-bit `dst op= src`, the upper half of `dst` becomes zero.
    pub fn alu32(&mut self, op: AluOp, dst: Reg, src: impl Into<Operand>) -> Pc {
        self.push(Insn::Alu { width: Width::W32, op, dst, src: src.into() })
    }

    /// `dst = value`, in one slot where it fits.
    pub fn constant(&mut self, dst: Reg, value: u64) -> Pc {
        match i32::try_from(value.cast_signed()) {
            Ok(imm) => self.mov(dst, imm),
            Err(_) => match u32::try_from(value) {
                Ok(low) => self.alu32(AluOp::Mov, dst, low.cast_signed()),
                Err(_) => self.push(Insn::LoadImm64 { dst, value: Imm64::Value(value) }),
            },
        }
    }

    /// `dst = &maps[index]`.
    pub fn map(&mut self, dst: Reg, index: u32) -> Pc {
        self.push(Insn::LoadImm64 { dst, value: Imm64::MapIndex(index) })
    }

    /// `dst = &maps[index].values + off`.
    pub fn map_value(&mut self, dst: Reg, index: u32, off: u32) -> Pc {
        self.push(Insn::LoadImm64 { dst, value: Imm64::MapIndexValue(index, off) })
    }

    /// `dst = *(size *)(base + off)`.
    pub fn load(&mut self, size: Size, dst: Reg, base: Reg, off: i16) -> Pc {
        self.push(Insn::Load { size, signed: false, dst, base, off })
    }

    /// `*(size *)(base + off) = src`.
    pub fn store(&mut self, size: Size, base: Reg, off: i16, src: impl Into<Operand>) -> Pc {
        self.push(Insn::Store { size, base, off, src: src.into() })
    }

    /// `goto target`.
    pub fn jump(&mut self, target: Label) -> Pc {
        self.append(Insn::Jump { off: 0, wide: false }, Some(target))
    }

    /// 64-bit `if dst cond src goto target`.
    pub fn jump_if(&mut self, cond: Cond, dst: Reg, src: impl Into<Operand>, target: Label) -> Pc {
        let insn = Insn::JumpIf { width: Width::W64, cond, dst, src: src.into(), off: 0 };
        self.append(insn, Some(target))
    }

    /// 32-bit `if dst cond src goto target`.
    pub fn jump_if32(
        &mut self,
        cond: Cond,
        dst: Reg,
        src: impl Into<Operand>,
        target: Label,
    ) -> Pc {
        let insn = Insn::JumpIf { width: Width::W32, cond, dst, src: src.into(), off: 0 };
        self.append(insn, Some(target))
    }

    /// `dst = &target`, a function of this program, for helpers that call back.
    pub fn function(&mut self, dst: Reg, target: Label) -> Pc {
        let insn = Insn::LoadImm64 { dst, value: Imm64::Function(0) };
        self.append(insn, Some(target))
    }

    /// Calls a helper by number.
    pub fn call_helper(&mut self, id: u32) -> Pc {
        self.push(Insn::Call(Callee::Helper(id)))
    }

    /// Calls the function that begins at `target`.
    pub fn call(&mut self, target: Label) -> Pc {
        self.append(Insn::Call(Callee::Local(0)), Some(target))
    }

    /// `exit`.
    pub fn exit(&mut self) -> Pc {
        self.push(Insn::Exit)
    }

    /// Resolves all labels.
    ///
    /// # Errors
    /// When a used label has no place, or a conditional jump does not reach.
    pub fn finish(self) -> Result<Vec<Insn>, BuildError> {
        let mut pc = Pc(0);
        let mut out = Vec::with_capacity(self.insns.len());
        for (insn, label) in self.insns {
            out.push(match label {
                None => insn,
                Some(label) => {
                    let placed = self.placed.get(label.0 as usize).copied().flatten();
                    let target = placed.ok_or(BuildError::Unplaced { pc })?;
                    aim(insn, pc, Pc(target))
                        .map_err(|distance| BuildError::TooFar { pc, distance })?
                }
            });
            pc.0 += insn.slots();
        }
        Ok(out)
    }

    fn append(&mut self, insn: Insn, label: Option<Label>) -> Pc {
        let pc = self.pc();
        self.slots += insn.slots();
        self.insns.push((insn, label));
        pc
    }
}

/// The instruction with its distance filled in; one that has no distance stays as it is. The error
/// is a distance that does not fit.
pub(crate) fn aim(insn: Insn, pc: Pc, target: Pc) -> Result<Insn, i64> {
    // A function's address is relative to the second slot of the constant, not to what follows.
    let distance = i64::from(target.0) - i64::from(pc.0) - 1;
    let far = i32::try_from(distance).or(Err(distance));
    let near = i16::try_from(distance).or(Err(distance));
    Ok(if let Insn::Jump { wide, .. } = insn {
        Insn::Jump { off: far?, wide: wide || near.is_err() }
    } else if let Insn::JumpIf { width, cond, dst, src, .. } = insn {
        Insn::JumpIf { width, cond, dst, src, off: near? }
    } else if let Insn::MayGoto { .. } = insn {
        Insn::MayGoto { off: near? }
    } else if let Insn::Call(Callee::Local(_)) = insn {
        Insn::Call(Callee::Local(far?))
    } else if let Insn::LoadImm64 { dst, value: Imm64::Function(_) } = insn {
        Insn::LoadImm64 { dst, value: Imm64::Function(far?) }
    } else {
        insn
    })
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unplaced { pc } => {
                write!(f, "instruction at {pc} uses a label that is never placed")
            }
            Self::TooFar { pc, distance } => {
                write!(f, "conditional jump at {pc} over {distance} slots does not fit 16 bits")
            }
        }
    }
}

impl std::error::Error for BuildError {}
