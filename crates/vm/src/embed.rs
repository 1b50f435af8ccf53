//! Helper functions that the embedding program brings.
//!
//! They are called by number as the kernel's are, and come before a kernel helper of the same number.
//! They reach the program's memory only through [`Call`], under the checks of any other access.

use netloom_isa::Reg;

use crate::engine::Engine;
use crate::fault::FaultKind;

/// A helper of the embedding program.
#[derive(Clone, Copy, Debug)]
pub struct Embedded {
    /// The number by which programs call it: in a `call`, or in the register of a `callx`.
    pub id: u32,
    /// What it does.
    pub run: fn(&mut Call<'_, '_>) -> Result<Outcome, FaultKind>,
}

/// How the run goes on after the helper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// In the program, with this `r0`.
    Return(u64),
    /// Not at all: the whole run ends with this result, whatever functions wait.
    End(u64),
}

/// A call in progress, as a helper sees it.
pub struct Call<'e, 'r> {
    engine: &'e mut Engine<'r>,
}

impl<'e, 'r> Call<'e, 'r> {
    pub(crate) fn new(engine: &'e mut Engine<'r>) -> Self {
        Self { engine }
    }

    /// `r1` to `r5`.
    pub fn arguments(&self) -> [u64; 5] {
        [Reg::R1, Reg::R2, Reg::R3, Reg::R4, Reg::R5].map(|reg| self.engine.registers.get(reg))
    }

    /// Copies bytes of the program's memory out.
    ///
    /// # Errors
    /// When they are not all within one object that the program may read.
    pub fn read(&self, address: u64, out: &mut [u8]) -> Result<(), FaultKind> {
        self.engine.callee_read(address, out)
    }

    /// Copies bytes into the program's memory.
    ///
    /// # Errors
    /// When they are not all within one object that the program may write.
    pub fn write(&mut self, address: u64, from: &[u8]) -> Result<(), FaultKind> {
        self.engine.callee_write(address, from)
    }
}

/// The row of the helper of this number.
pub(crate) fn row(helpers: &[Embedded], id: u64) -> Option<u32> {
    let row = helpers.iter().position(|helper| u64::from(helper.id) == id)?;
    u32::try_from(row).ok()
}
