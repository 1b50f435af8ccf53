//! Our side of the public suite's plugin protocol.
//!
//! A plugin is a program that gets a test's program on standard input and its memory as an argument,
//! both as [`hex`](crate::hex) text, and prints `r0`. The program starts with `r1` the memory's
//! address and `r2` its length; without memory both are 0. It may call the suite's helpers.

use std::fmt;

use netloom_abi::{AttachType, Object, Program, ProgramType};
use netloom_isa::{DecodeError, Insn, decode};
use netloom_object::ReadError;
use netloom_vm::{Context, Cpu, Fault, Machine, MachineError, Options};

use crate::dialect::HELPERS;

/// Why there is no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PluginError {
    /// The bytes are not an ELF object.
    Elf(ReadError),
    /// The ELF object is not one section of code that is complete by itself.
    ElfCode {
        /// Sections of code.
        sections: usize,
        /// Instructions in the first one that refer to something else.
        relocations: usize,
    },
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

/// The program of an ELF object, as bpf_conformance makes them: its one section of code.
///
/// # Errors
/// [`PluginError::Elf`], [`PluginError::ElfCode`].
pub fn elf_program(bytes: &[u8]) -> Result<Vec<u8>, PluginError> {
    let object = netloom_object::read(bytes).map_err(PluginError::Elf)?;
    let relocations = object.code.first().map_or(0, |code| code.relocations.len());
    match object.code.as_slice() {
        [code] if relocations == 0 => Ok(code.bytes.to_vec()),
        code => Err(PluginError::ElfCode { sections: code.len(), relocations }),
    }
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
            Self::Elf(source) => write!(f, "cannot read the object: {source}"),
            Self::ElfCode { sections, relocations } => write!(
                f,
                "cannot run an object with {sections} sections of code and {relocations} relocations"
            ),
            Self::Decode(source) => write!(f, "cannot decode the program: {source}"),
            Self::Machine(source) => write!(f, "cannot make the program runnable: {source}"),
            Self::Fault(source) => source.fmt(f),
        }
    }
}

impl std::error::Error for PluginError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Elf(source) => Some(source),
            Self::ElfCode { .. } => None,
            Self::Decode(source) => Some(source),
            Self::Machine(source) => Some(source),
            Self::Fault(source) => Some(source),
        }
    }
}

#[cfg(test)]
mod tests {
    use netloom_isa::{Assembly, Pc, assemble, encode};
    use netloom_object::{NewObject, write};

    use super::{PluginError, elf_program, run};

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

    /// An object with these sections, each from a slot on.
    fn object(text: &str, sections: &[(&str, u32)]) -> Vec<u8> {
        let Assembly { insns, .. } = assemble(text).expect("sound");
        let sections: Vec<_> =
            sections.iter().map(|(name, pc)| ((*name).to_owned(), Pc(*pc))).collect();
        let (insns, sections) = (&insns, &sections);
        let new = NewObject { insns, sections, labels: &[], globals: &[], license: None };
        write(&new).expect("small")
    }

    #[test]
    fn the_one_section_of_an_object_is_a_program() {
        let text = "mov %r0, 7\nexit\nmov %r0, 8\nexit";
        let one = elf_program(&object(text, &[(".text", 0)])).expect("one section");
        assert_eq!(run(&one, &[]), Ok(7));
        let two = elf_program(&object(text, &[("xdp", 0), ("tc", 2)]));
        assert_eq!(two, Err(PluginError::ElfCode { sections: 2, relocations: 0 }));
        assert!(matches!(elf_program(&one), Err(PluginError::Elf(_))), "bare instructions");
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
