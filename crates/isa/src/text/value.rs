//! 64-bit constants as text: a number, or what it stands for, as bpftool writes it.
//!
//! ```text
//! 0x10 ll               a number                     map[fd:3][0]+8   a map's value area
//! map[fd:3]             a map by file descriptor     map[idx:3]       a map by index
//! subprog[+4]           a function of the program    btf[id:7][fd:3]  a kernel variable
//! ```

use std::fmt;

use super::ParseError;
use super::cursor::Cursor;
use super::lex::Kind;
use super::statement::Reference;
use crate::{Imm64, decode, encode, row};

/// The constant as its two `imm` fields hold it.
pub(super) fn raw(value: Imm64) -> u64 {
    let (low, high) = match value {
        Imm64::Value(value) => return value,
        Imm64::MapFd(fd) => (fd.cast_unsigned(), 0),
        Imm64::MapFdValue(fd, off) => (fd.cast_unsigned(), off),
        Imm64::BtfId(id, fd) => (id, fd.cast_unsigned()),
        Imm64::Function(off) => (off.cast_unsigned(), 0),
        Imm64::MapIndex(index) => (index, 0),
        Imm64::MapIndexValue(index, off) => (index, off),
    };
    u64::from(high) << 32 | u64::from(low)
}

/// The constant with this source number in the instruction's `src` field.
pub(super) fn from_source(number: i128, raw_value: u64) -> Option<Imm64> {
    let source = row::source(i16::try_from(number).ok()?)?;
    let [low, high] = [raw_value, raw_value >> 32].map(encode::low);
    Some(decode::imm64(source, low, high)).filter(|value| raw(*value) == raw_value)
}

/// Prints a constant; the label, if any, stands for a function's distance.
pub(super) struct Print<'a> {
    pub(super) value: Imm64,
    pub(super) label: Option<&'a str>,
}

impl fmt::Display for Print<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.value {
            Imm64::Value(value) => write!(f, "{value:#x} ll"),
            Imm64::MapFd(fd) => write!(f, "map[fd:{fd}]"),
            Imm64::MapFdValue(fd, off) => write!(f, "map[fd:{fd}][0]+{off}"),
            Imm64::MapIndex(index) => write!(f, "map[idx:{index}]"),
            Imm64::MapIndexValue(index, off) => write!(f, "map[idx:{index}][0]+{off}"),
            Imm64::BtfId(id, 0) => write!(f, "btf[id:{id}]"),
            Imm64::BtfId(id, fd) => write!(f, "btf[id:{id}][fd:{fd}]"),
            Imm64::Function(off) => match self.label {
                Some(label) => write!(f, "subprog[{label}]"),
                None => write!(f, "subprog[{off:+}]"),
            },
        }
    }
}

/// A constant that is written as what it stands for; `word` has been read.
///
/// The label, if any, gives a function's distance.
pub(super) fn named<'s>(
    cursor: &mut Cursor<'s, '_>,
    word: &'s str,
) -> Result<(Imm64, Option<Reference<'s>>), ParseError> {
    cursor.expect("[")?;
    let (value, label) = match word {
        "map" => return map(cursor).map(|value| (value, None)),
        "subprog" => {
            let (off, label) = cursor.target()?;
            (Imm64::Function(off), label)
        }
        _ => {
            cursor.expect_word("id")?;
            cursor.expect(":")?;
            let id = cursor.integer("a BTF id")?;
            let mut module = 0;
            if cursor.eat("]") {
                if !cursor.eat("[") {
                    return Ok((Imm64::BtfId(id, 0), None));
                }
                cursor.expect_word("fd")?;
                cursor.expect(":")?;
                module = cursor.integer("a file descriptor")?;
            }
            (Imm64::BtfId(id, module), None)
        }
    };
    cursor.expect("]")?;
    Ok((value, label))
}

/// `fd:3]` or `idx:3]`, then perhaps `[0]+8` or `+8`.
fn map(cursor: &mut Cursor<'_, '_>) -> Result<Imm64, ParseError> {
    if cursor.eat_word("fd") {
        cursor.expect(":")?;
        let fd = cursor.integer("a file descriptor")?;
        let off = value_offset(cursor)?;
        return Ok(off.map_or(Imm64::MapFd(fd), |off| Imm64::MapFdValue(fd, off)));
    }
    cursor.expect_word("idx")?;
    cursor.expect(":")?;
    let index = cursor.integer("a map index")?;
    let off = value_offset(cursor)?;
    Ok(off.map_or(Imm64::MapIndex(index), |off| Imm64::MapIndexValue(index, off)))
}

/// `]`, `][0]+8` or `]+8`.
fn value_offset(cursor: &mut Cursor<'_, '_>) -> Result<Option<u32>, ParseError> {
    cursor.expect("]")?;
    if cursor.eat("[") {
        if cursor.peek() != Kind::Number("0") {
            return cursor.expected("0, a map's only value area");
        }
        cursor.advance();
        cursor.expect("]")?;
    } else if cursor.peek() != Kind::Symbol("+") {
        return Ok(None);
    }
    cursor.expect("+")?;
    cursor.integer("an offset of 32 bits").map(Some)
}
