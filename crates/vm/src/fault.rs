//! Why a run ended without a result.

use std::fmt;

use netloom_abi::Helper;
use netloom_isa::{Insn, Pc, Syntax};

use crate::address::Region;

/// A program's fault, with the place where it happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The program's index in its object; after a tail call, not the one that was started.
    pub program: u32,
    /// The program's name; empty if there is no such program.
    pub name: String,
    /// Where.
    pub pc: Pc,
    /// The instruction there; `None` before the first one.
    pub insn: Option<Insn>,
    /// What happened.
    pub kind: FaultKind,
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// A memory access was refused.
    Access {
        /// What was tried.
        access: Access,
        /// The address as the program sees it.
        address: u64,
        /// Bytes.
        bytes: u64,
        /// Why not.
        denied: Denied,
    },
    /// A helper or kernel function was given what it can not take.
    Argument {
        /// Its name.
        callee: &'static str,
        /// 1 to 5, for `r1` to `r5`.
        argument: u8,
        /// The register's content.
        value: u64,
    },
    /// The run executed more instructions than it may.
    Budget {
        /// The limit.
        insns_max: u64,
    },
    /// Calls are nested deeper than 8 functions.
    CallDepth,
    /// A jump or call leads out of the program, or into the middle of an instruction.
    JumpOutside {
        /// The slot it leads to.
        target: i64,
    },
    /// Execution ran over the end of the program.
    FellOff,
    /// The instruction writes the frame pointer.
    FrameWrite,
    /// The instruction's operand size has no meaning.
    Invalid,
    /// This machine does not have the operation.
    Unavailable(&'static str),
    /// The instruction names a map that the object does not have.
    NoMap,
    /// There is no helper of this number here.
    UnknownHelper {
        /// The number.
        id: u32,
    },
    /// There is no kernel function of this number here.
    UnknownKfunc {
        /// The number.
        id: u32,
    },
    /// A register call's target is not a function.
    NotAFunction {
        /// The register's content.
        value: u64,
    },
    /// A register jump's target is no code.
    NotCode {
        /// The register's content.
        value: u64,
    },
    /// The object has no program of this index.
    NoProgram,
    /// The program's type does not run in the given context.
    WrongContext,
    /// The CPU's number is not below the machine's number of CPUs.
    NoCpu {
        /// The CPU's number.
        cpu: u32,
    },
}

/// Kinds of memory access.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// By a load.
    Load,
    /// By a store.
    Store,
    /// By an atomic operation.
    Atomic,
    /// By a called helper or kernel function that reads.
    CalleeRead,
    /// By a called helper or kernel function that writes.
    CalleeWrite,
}

/// Why a memory access was refused.
// As wide as a loaded value, so that a load's result travels in two registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u64)]
pub enum Denied {
    /// Nothing is in that region.
    Unmapped,
    /// The bytes are not all within one object of the region.
    OutOfBounds,
    /// The region can not be written.
    ReadOnly,
    /// An atomic operation's address is not a multiple of its size.
    Misaligned,
    /// Not one of the context's fields, as a whole.
    NotAField,
}

impl FaultKind {
    /// The region of a refused access.
    pub fn region(&self) -> Option<Region> {
        match self {
            Self::Access { address, .. } => Some(Region::of(*address).0),
            Self::Argument { .. }
            | Self::Budget { .. }
            | Self::CallDepth
            | Self::JumpOutside { .. }
            | Self::FellOff
            | Self::FrameWrite
            | Self::Invalid
            | Self::Unavailable(_)
            | Self::NoMap
            | Self::UnknownHelper { .. }
            | Self::UnknownKfunc { .. }
            | Self::NotAFunction { .. }
            | Self::NotCode { .. }
            | Self::NoProgram
            | Self::WrongContext
            | Self::NoCpu { .. } => None,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "program {} `{}` at pc {}: {}", self.program, self.name, self.pc, self.kind)?;
        match self.insn {
            Some(insn) => write!(f, ", `{}`", insn.text(Syntax::PseudoC)),
            None => Ok(()),
        }
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Access { access, address, bytes, denied } => {
                let (region, offset) = Region::of(*address);
                write!(f, "{access} of {bytes} bytes at {region} + {offset:#x} {denied}")
            }
            Self::Argument { callee, argument, value } => {
                write!(f, "{callee} can not take r{argument} = {value:#x}")
            }
            Self::Budget { insns_max } => write!(f, "more than {insns_max} instructions executed"),
            Self::CallDepth => f.write_str("calls are nested deeper than 8 functions"),
            Self::JumpOutside { target } => {
                write!(f, "jump to {target}, where no instruction begins")
            }
            Self::FellOff => f.write_str("execution ran over the end of the program"),
            Self::FrameWrite => f.write_str("the frame pointer is read-only"),
            Self::Invalid => f.write_str("the instruction's operand size has no meaning"),
            Self::Unavailable(what) => write!(f, "{what} is not available on this machine"),
            Self::NoMap => f.write_str("the object has no such map"),
            Self::UnknownHelper { id } => match Helper::new(*id) {
                Some(helper) => {
                    write!(f, "helper {} is not available in user space", helper.name())
                }
                None => write!(f, "there is no helper {id}"),
            },
            Self::UnknownKfunc { id } => write!(f, "kernel function {id} is not available"),
            Self::NotAFunction { value } => write!(f, "call of {value:#x}, which is no function"),
            Self::NotCode { value } => write!(f, "jump to {value:#x}, which is no code"),
            Self::NoProgram => f.write_str("the object has no such program"),
            Self::WrongContext => f.write_str("the program's type does not run in this context"),
            Self::NoCpu { cpu } => write!(f, "the machine has no cpu {cpu}"),
        }
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Load => "load",
            Self::Store => "store",
            Self::Atomic => "atomic operation",
            Self::CalleeRead => "callee's read",
            Self::CalleeWrite => "callee's write",
        })
    }
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unmapped => "where nothing is",
            Self::OutOfBounds => "is out of bounds",
            Self::ReadOnly => "of read-only memory",
            Self::Misaligned => "is not aligned",
            Self::NotAField => "is not a field of the context",
        })
    }
}

impl std::error::Error for Fault {}
