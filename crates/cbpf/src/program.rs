//! A valid program.

use std::ops::Deref;

use crate::check::{CheckError, check};
use crate::insn::Insn;

/// Instructions that [`check`] accepts: every jump and memory word exists, the last instruction
/// returns, and as all jumps lead forward, every run ends.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Program(Vec<Insn>);

impl Program {
    /// The program with these instructions.
    ///
    /// # Errors
    /// When they are not valid.
    pub fn new(insns: Vec<Insn>) -> Result<Self, CheckError> {
        check(&insns)?;
        Ok(Self(insns))
    }

    /// Its instructions.
    pub fn insns(&self) -> &[Insn] {
        &self.0
    }
}

impl Deref for Program {
    type Target = [Insn];

    fn deref(&self) -> &[Insn] {
        &self.0
    }
}
