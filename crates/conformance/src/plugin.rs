//! Our side of the public suite's plugin protocol.
//!
//! A plugin is a program that gets a test's program on standard input and its memory as an argument,
//! both as [`hex`](crate::hex) text, and prints `r0`. The program starts with `r1` the memory's
//! address and `r2` its length; without memory both are 0. It may call the suite's helpers.

use std::fmt;

use netloom_abi::{AttachType, Object, Program, ProgramType};
use netloom_isa::{DecodeError, Insn, decode};
use netloom_vm::{Context, Cpu, Fault, Machine, MachineError, Options};

use crate::dialect::HELPERS;

/// Why there is no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PluginError {
    /// The bytes are not instructions.
    Decode(DecodeError),
    /// The program can not be made runnable.
    Machine(MachineError),
    /// The program did what it may not.
    Fault(Fault),
}

/// Runs a program on our interpreter; gives its `r0`.
///
/// # Errors
/// [`PluginError`].
pub fn run(program: &[u8], memory: &[u8]) -> Result<u64, PluginError> {
    let insns = decode(program).map_err(PluginError::Decode)?;
    let object = Object { maps: vec![], programs: vec![bare(insns)] };
    let options = Options { helpers: HELPERS, ..Options::default() };
    let machine = Machine::new(&object, options).map_err(PluginError::Machine)?;
    let mut memory = memory.to_vec();
    let context = Context::Memory(&mut memory);
    machine.run(&mut Cpu::new(0), 0, context).map_err(PluginError::Fault)
}

/// A program of nothing but instructions.
pub(crate) fn bare(insns: Vec<Insn>) -> Program {
    Program {
        name: "conformance".into(),
        kind: ProgramType::SocketFilter,
        attach: AttachType::NONE,
        license: "GPL".into(),
        insns,
        functions: vec![],
        relocs: vec![],
    }
}

impl fmt::Display for PluginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decode(source) => write!(f, "cannot decode the program: {source}"),
            Self::Machine(source) => write!(f, "cannot make the program runnable: {source}"),
            Self::Fault(source) => source.fmt(f),
        }
    }
}

impl std::error::Error for PluginError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Decode(source) => Some(source),
            Self::Machine(source) => Some(source),
            Self::Fault(source) => Some(source),
        }
    }
}

#[cfg(test)]
mod tests {
    use netloom_isa::{Assembly, assemble, encode};

    use super::{PluginError, run};

    fn answer(text: &str, memory: &[u8]) -> Result<u64, PluginError> {
        let Assembly { insns, .. } = assemble(text).expect("sound");
        run(&encode(&insns), memory)
    }

    #[test]
    fn registers_start_with_memory_and_its_length() {
        let text = "ldxb %r0, [%r1+2]\nlsh %r0, 8\nadd %r0, %r2\nexit";
        assert_eq!(answer(text, &[1, 2, 3]), Ok(0x303));
        assert_eq!(answer("mov %r0, %r1\nor %r0, %r2\nexit", &[]), Ok(0));
    }

    #[test]
    fn helpers_have_the_numbers_of_the_suite() {
        let gather = "mov %r1, 0x101\nmov %r2, 2\nmov %r3, 3\nmov %r4, 4\nmov %r5, 5\ncall 0\nexit";
        assert_eq!(answer(gather, &[]), Ok(0x01_0203_0405));
        let frob = "mov %r6, %r1\nmov %r2, 2\ncall 1\nldxh %r0, [%r6]\nexit";
        assert_eq!(answer(frob, &[0, 42, 7]), Ok(0x002a));
        assert_eq!(answer("mov %r1, 99\ncall 3\nexit", &[]), Ok(9));
        assert_eq!(answer("mov %r1, 99\ncall 2\nexit", &[]), Ok(0));
        let compare = "mov %r2, %r1\nadd %r2, 3\ncall 4\nexit";
        assert_eq!(answer(compare, b"ab\0ac\0"), Ok(u64::MAX), "b comes before c");
        assert_eq!(answer(compare, b"ab\0ab\0"), Ok(0));
        assert!(matches!(answer(compare, b"ab\0ab"), Err(PluginError::Fault(_))), "no end");
    }

    #[test]
    fn unwind_ends_the_run_when_its_argument_is_zero() {
        let text =
            |argument| format!("mov %r1, {argument}\nmov %r2, 5\ncall %r2\nmov %r0, 2\nexit");
        assert_eq!(answer(&text(-1), &[]), Ok(2));
        assert_eq!(answer(&text(0), &[]), Ok(0));
    }

    #[test]
    fn errors_say_what_is_wrong() {
        let error = run(&[0xff; 8], &[]).expect_err("no such opcode");
        assert_eq!(error.to_string(), "cannot decode the program: slot 0 has unknown opcode 0xff");
        let error = answer("call 4000\nexit", &[]).expect_err("no such helper");
        assert!(error.to_string().contains("there is no helper 4000"), "{error}");
    }
}
