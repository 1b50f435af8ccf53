//! Parses a mnemonic and its operands.

use super::cursor::Cursor;
use super::lex::Kind;
use super::statement::{Reference, Statement};
use super::words::{self, ACCESS, ALU, CONDS, ENDIAN, FETCHING, LOCKED, MOVSX};
use super::{ParseError, ParseReason, Place, value};
use crate::{EndianOp, Imm64, Insn, Operand, Size, Width};

type Result<T> = std::result::Result<T, ParseError>;

/// The instruction that begins with `word`, which has been read.
pub(super) fn statement<'s>(
    cursor: &mut Cursor<'s, '_>,
    word: &'s str,
    place: Place,
) -> Result<Statement<'s>> {
    if let Some((op, size)) = endian(word) {
        return Ok((Insn::Endian { op, size, dst: cursor.wide_register()? }, None));
    }
    if let Some((from, width)) = words::by_classic(&MOVSX, word) {
        let (dst, src) = two(cursor, Cursor::wide_register, Cursor::wide_register)?;
        return Ok((Insn::MovSx { width, from, dst, src }, None));
    }
    let (stem, width) = match word.strip_suffix("32") {
        Some(stem) => (stem, Width::W32),
        None => (word, Width::W64),
    };
    if let Some(op) = words::by_classic(&ALU, stem) {
        let (dst, src) = two(cursor, Cursor::wide_register, wide_operand)?;
        return Ok((Insn::Alu { width, op, dst, src }, None));
    }
    if let Some(cond) = words::by_classic(&CONDS, stem) {
        let (dst, src) = two(cursor, Cursor::wide_register, wide_operand)?;
        cursor.expect(",")?;
        let (off, label) = cursor.near_target()?;
        return Ok((Insn::JumpIf { width, cond, dst, src, off }, label));
    }
    if let Some(insn) = memory(cursor, word)? {
        return Ok((insn, None));
    }
    match (stem, word) {
        ("neg", _) => Ok((Insn::Neg { width, dst: cursor.wide_register()? }, None)),
        (_, "lddw") => wide_constant(cursor),
        (_, "lock") => locked(cursor).map(|insn| (insn, None)),
        (_, "addr_space_cast") => {
            let (dst, src) = two(cursor, Cursor::wide_register, Cursor::wide_register)?;
            cursor.expect(",")?;
            let space = |cursor: &mut Cursor<'_, '_>| cursor.integer("an address space");
            let (to, from) = two(cursor, space, space)?;
            Ok((Insn::AddrSpaceCast { dst, src, to, from }, None))
        }
        (_, "addr_percpu") => {
            let (dst, src) = two(cursor, Cursor::wide_register, Cursor::wide_register)?;
            Ok((Insn::AddrPercpu { dst, src }, None))
        }
        _ => Err(ParseError { place, reason: ParseReason::Mnemonic { word: word.to_owned() } }),
    }
}

/// `be16`, `swap64`, `bswap32`: the operation and how many bytes it orders.
pub(super) fn endian(word: &str) -> Option<(EndianOp, Size)> {
    let (name, bits) = word.split_at(word.find(|c: char| c.is_ascii_digit())?);
    let op = words::by_pseudo(&ENDIAN, name).or_else(|| words::by_classic(&ENDIAN, name))?;
    match bits {
        "16" => Some((op, Size::H)),
        "32" => Some((op, Size::W)),
        "64" => Some((op, Size::Dw)),
        _ => None,
    }
}

/// Loads and stores: a prefix and a size.
fn memory(cursor: &mut Cursor<'_, '_>, word: &str) -> Result<Option<Insn>> {
    let access = |prefix| words::by_classic(&ACCESS, word.strip_prefix(prefix)?);
    let unsigned = |prefix| access(prefix).filter(|(_, signed)| !signed).map(|(size, _)| size);
    let register = Cursor::wide_register;
    Ok(Some(if let Some((size, signed)) = access("ldx") {
        let (dst, (base, off)) = two(cursor, register, Cursor::bracketed)?;
        Insn::Load { size, signed, dst, base, off }
    } else if let Some(size) = unsigned("stx") {
        let ((base, off), src) = two(cursor, Cursor::bracketed, register)?;
        Insn::Store { size, base, off, src: src.into() }
    } else if let Some(size) = unsigned("st") {
        let ((base, off), imm) = two(cursor, Cursor::bracketed, Cursor::imm)?;
        Insn::Store { size, base, off, src: imm.into() }
    } else if let Some(size) = unsigned("ldacq") {
        let (dst, (base, off)) = two(cursor, register, Cursor::bracketed)?;
        Insn::LoadAcquire { size, dst, base, off }
    } else if let Some(size) = unsigned("strel") {
        let ((base, off), src) = two(cursor, Cursor::bracketed, register)?;
        Insn::StoreRelease { size, base, off, src }
    } else if let Some(size) = unsigned("ldabs") {
        Insn::LoadPacket { size, index: None, imm: cursor.imm()? }
    } else if let Some(size) = unsigned("ldind") {
        let (index, imm) = two(cursor, register, Cursor::imm)?;
        Insn::LoadPacket { size, index: Some(index), imm }
    } else {
        return Ok(None);
    }))
}

/// `lock fetch add32 [%r1+8], %r2`, after `lock`.
fn locked(cursor: &mut Cursor<'_, '_>) -> Result<Insn> {
    let fetch = cursor.eat_word("fetch");
    let place = cursor.place();
    let word = cursor.word("an atomic operation")?;
    let (stem, width) = match word.strip_suffix("32") {
        Some(stem) => (stem, Width::W32),
        None => (word, Width::W64),
    };
    let op = if fetch {
        FETCHING.iter().find(|row| row.classic.strip_prefix("fetch ") == Some(stem))
    } else {
        LOCKED.iter().chain(&FETCHING).find(|row| row.classic == stem)
    };
    let Some(op) = op.map(|row| row.value) else {
        return Err(ParseError { place, reason: ParseReason::Mnemonic { word: word.to_owned() } });
    };
    let ((base, off), src) = two(cursor, Cursor::bracketed, Cursor::wide_register)?;
    Ok(Insn::Atomic { op, width, base, off, src })
}

/// The operands of `lddw`.
fn wide_constant<'s>(cursor: &mut Cursor<'s, '_>) -> Result<Statement<'s>> {
    let dst = cursor.wide_register()?;
    cursor.expect(",")?;
    if let Kind::Word(word @ ("map" | "btf" | "subprog")) = cursor.peek() {
        cursor.advance();
        let (value, label) = value::named(cursor, word)?;
        return Ok((Insn::LoadImm64 { dst, value }, label));
    }
    if let Kind::Word(name) = cursor.peek() {
        let place = cursor.place();
        cursor.advance();
        let insn = Insn::LoadImm64 { dst, value: Imm64::Function(0) };
        return Ok((insn, Some(Reference { name, place })));
    }
    let value = Imm64::Value(cursor.imm64()?);
    Ok((Insn::LoadImm64 { dst, value }, None))
}

fn wide_operand(cursor: &mut Cursor<'_, '_>) -> Result<Operand> {
    cursor.operand(Width::W64)
}

/// Two operands with a comma between them.
fn two<'s, 't, A, B>(
    cursor: &mut Cursor<'s, 't>,
    first: impl Fn(&mut Cursor<'s, 't>) -> Result<A>,
    second: impl Fn(&mut Cursor<'s, 't>) -> Result<B>,
) -> Result<(A, B)> {
    let first = first(cursor)?;
    cursor.expect(",")?;
    Ok((first, second(cursor)?))
}
