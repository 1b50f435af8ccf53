//! Test files of the public suite.
//!
//! ```text
//! # a comment
//! -- asm                       mnemonics; or `-- raw`: slots as numbers of 64 bits
//! ldxb %r0, [%r1]
//! exit
//! -- mem                       bytes in hexadecimal, if the test has memory
//! 2a 00
//! -- result                    what r0 is to be; or `-- error`: what the refusal says
//! 0x2a
//! ```
//!
//! Sections `-- c` and `-- no register offset` are remarks. Source: the suite's
//! `src/bpf_test_parser.cc`; a file with any other section is one it does not run either.

use std::fmt;

use netloom_isa::{ParseError, assemble, encode};

use crate::Reply;

/// A test of the public suite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataFile {
    /// Its program.
    pub program: Vec<u8>,
    /// Its memory; empty if it has none.
    pub memory: Vec<u8>,
    /// What is right.
    pub expected: Expected,
}

/// What a test expects; at least one of the two is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// `r0`.
    pub result: Option<u64>,
    /// A part of the error message; empty for any message.
    pub error: Option<String>,
}

/// Why a file is not a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DataError {
    /// No section of this name is known.
    Section {
        /// The line, from 1.
        line: usize,
        /// The name.
        name: String,
    },
    /// Not a number.
    Number {
        /// The line, from 1.
        line: usize,
        /// What is there.
        found: String,
    },
    /// The assembler text is wrong; places are those in the file.
    Assembly(Vec<ParseError>),
    /// There is no program.
    NoProgram,
    /// Neither result nor error is expected.
    NoExpectation,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Section {
    Remark,
    Asm,
    Raw,
    Memory,
    Result,
    Error,
}

/// Sections by the word that their heading contains, in the order in which the suite looks for them.
const SECTIONS: [(&str, Section); 7] = [
    ("asm", Section::Asm),
    ("result", Section::Result),
    ("mem", Section::Memory),
    ("raw", Section::Raw),
    ("no register offset", Section::Remark),
    (" c", Section::Remark),
    ("error", Section::Error),
];

impl DataFile {
    /// Reads a file's text.
    ///
    /// # Errors
    /// [`DataError`].
    pub fn parse(text: &str) -> Result<Self, DataError> {
        let mut section = Section::Remark;
        let mut expected = Expected::default();
        let mut memory = Vec::new();
        let mut raw = Vec::new();
        // Lines of other sections stay as empty ones, so that the assembler counts as the file does.
        let mut assembly = String::new();
        for (index, text) in text.lines().enumerate() {
            let line = index + 1;
            let code = text.split('#').next().unwrap_or_default().trim();
            if text.contains("--") {
                section = heading(line, text)?;
                if section == Section::Error {
                    expected.error.get_or_insert_default();
                }
            } else if !text.trim().is_empty() {
                match section {
                    Section::Remark => {}
                    Section::Asm => assembly.push_str(&narrowed(code)),
                    Section::Raw => numbers(line, code, slot, &mut raw)?,
                    Section::Memory => numbers(line, code, byte, &mut memory)?,
                    Section::Result if code.is_empty() => {}
                    Section::Result => {
                        expected.result = Some(number(line, code, slot)?);
                    }
                    Section::Error => expected.error = Some(text.trim().to_owned()),
                }
            }
            assembly.push('\n');
        }
        if expected == Expected::default() {
            return Err(DataError::NoExpectation);
        }
        let program = if raw.is_empty() {
            encode(&assemble(&assembly).map_err(DataError::Assembly)?.insns)
        } else {
            raw.iter().flat_map(|slot: &u64| slot.to_le_bytes()).collect()
        };
        if program.is_empty() {
            Err(DataError::NoProgram)
        } else {
            Ok(Self { program, memory, expected })
        }
    }
}

impl Expected {
    /// Whether `reply` is right.
    pub fn accepts(&self, reply: &Reply<u64>) -> bool {
        match reply {
            Reply::Result(result) => self.result == Some(*result),
            Reply::Refused(message) | Reply::Fault(message) => {
                self.error.as_ref().is_some_and(|part| message.contains(part))
            }
            Reply::Unable(_) => false,
        }
    }
}

/// The statement with its constants cut to 32 bits, as the suite's assembler does to all but `lddw`.
fn narrowed(code: &str) -> String {
    if code.trim_start().starts_with("lddw") {
        return code.to_owned();
    }
    let narrow = |piece: &str| {
        let end = piece.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(piece.len());
        let (word, delimiter) = piece.split_at(end);
        match slot(word) {
            Some(value) if u32::try_from(value).is_err() => {
                format!("{:#x}{delimiter}", value & u64::from(u32::MAX))
            }
            Some(_) | None => piece.to_owned(),
        }
    };
    code.split_inclusive(|c: char| !c.is_ascii_alphanumeric()).map(narrow).collect()
}

fn heading(line: usize, text: &str) -> Result<Section, DataError> {
    let known = SECTIONS.iter().find(|(word, _)| text.contains(word));
    let name = || text.trim_start_matches('-').trim().to_owned();
    known.map(|(_, section)| *section).ok_or_else(|| DataError::Section { line, name: name() })
}

fn numbers<T>(
    line: usize,
    text: &str,
    parse: fn(&str) -> Option<T>,
    out: &mut Vec<T>,
) -> Result<(), DataError> {
    for word in text.split_whitespace() {
        out.push(number(line, word, parse)?);
    }
    Ok(())
}

fn number<T>(line: usize, text: &str, parse: fn(&str) -> Option<T>) -> Result<T, DataError> {
    parse(text).ok_or_else(|| DataError::Number { line, found: text.to_owned() })
}

/// A number of 64 bits in decimal, or in hexadecimal after `0x`; a negative one is its complement.
fn slot(text: &str) -> Option<u64> {
    let (text, is_negative) = text.strip_prefix('-').map_or((text, false), |text| (text, true));
    let value = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok()?,
        None => text.parse().ok()?,
    };
    Some(if is_negative { value.wrapping_neg() } else { value })
}

/// A byte in hexadecimal, with or without `0x`.
fn byte(text: &str) -> Option<u8> {
    u8::from_str_radix(text.strip_prefix("0x").unwrap_or(text), 16).ok()
}

impl fmt::Display for DataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Section { line, name } => write!(f, "line {line}: no section is named {name:?}"),
            Self::Number { line, found } => write!(f, "line {line}: {found:?} is not a number"),
            Self::Assembly(errors) => match errors.first() {
                Some(first) => write!(f, "cannot assemble: {first}"),
                None => f.write_str("cannot assemble"),
            },
            Self::NoProgram => f.write_str("file has no program"),
            Self::NoExpectation => f.write_str("file expects neither result nor error"),
        }
    }
}

impl std::error::Error for DataError {}

#[cfg(test)]
mod tests {
    use netloom_isa::Place;

    use super::{DataError, DataFile, Expected};
    use crate::Reply;

    #[test]
    fn a_file_has_program_memory_and_result() {
        let text = "# remark\r\n-- asm\r\nldxb %r0, [%r1] # first\r\n\r\nexit\r\n-- mem\r\n2a 0\r\nff\r\n\
                    -- c\nint f(void);\n-- no register offset\ncall instruction\n-- result\n0x2a\n";
        let file = DataFile::parse(text).expect("a test");
        assert_eq!(file.program, [0x71, 0x10, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(file.memory, [0x2a, 0, 0xff]);
        assert_eq!(file.expected, Expected { result: Some(42), error: None });
    }

    #[test]
    fn raw_slots_are_numbers() {
        let file = DataFile::parse("-- raw\n0x02000000b7\n149\n-- result\n-1\n").expect("a test");
        assert_eq!(file.program, [0xb7, 0, 0, 0, 2, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(file.expected.result, Some(u64::MAX));
    }

    #[test]
    fn constants_are_cut_to_their_field() {
        let cut = "-- asm\nmov32 %r1, 0x876543210\nmov %r2, 4294967297\nexit\n-- result\n0\n";
        let same = "-- asm\nmov32 %r1, 0x76543210\nmov %r2, 1\nexit\n-- result\n0\n";
        assert_eq!(DataFile::parse(cut), DataFile::parse(same));
        let wide = "-- asm\nlddw %r1, 0x876543210\nexit\n-- result\n0\n";
        let program = DataFile::parse(wide).expect("a test").program;
        assert_eq!(program[..16], [0x18, 1, 0, 0, 0x10, 0x32, 0x54, 0x76, 0, 0, 0, 0, 8, 0, 0, 0]);
    }

    #[test]
    fn an_expected_error_is_part_of_the_message() {
        let parse = |text| DataFile::parse(text).expect("a test").expected;
        let named = parse("-- asm\nexit\n-- error\nno such helper\n");
        assert!(named.accepts(&Reply::Refused("pc 3: no such helper: 7".into())));
        assert!(!named.accepts(&Reply::Fault("out of bounds".into())));
        assert!(!named.accepts(&Reply::Result(0)));
        let any = parse("-- asm\nexit\n-- result\n0x0\n-- error\n");
        assert!(any.accepts(&Reply::Fault("out of bounds".into())));
        assert!(any.accepts(&Reply::Result(0)) && !any.accepts(&Reply::Result(1)));
        assert!(!any.accepts(&Reply::Unable("not here".into())));
    }

    #[test]
    fn what_is_no_test_says_why() {
        let error = |text| DataFile::parse(text).expect_err("no test");
        let table = [
            ("-- map\n", DataError::Section { line: 1, name: "map".into() }),
            ("-- mem\n1g\n", DataError::Number { line: 2, found: "1g".into() }),
            ("\n-- result\nx\n", DataError::Number { line: 3, found: "x".into() }),
            ("-- asm\nexit\n", DataError::NoExpectation),
            ("-- result\n0\n", DataError::NoProgram),
        ];
        for (text, expected) in table {
            assert_eq!(error(text), expected, "{text:?}");
            assert!(!expected.to_string().is_empty());
        }
        let DataError::Assembly(errors) =
            error("-- mem\n00\n-- asm\nexit\nnonsense\n-- result\n0\n")
        else {
            panic!("an assembler error");
        };
        assert_eq!(errors[0].place, Place { line: 5, column: 1 });
    }
}
