//! Parses pseudo-C statements that begin with a register.

use super::cursor::{Access, Cursor};
use super::lex::Kind;
use super::statement::{Reference, Statement, atomic_access, plain};
use super::words::{self, ALU, FETCHING, MOVSX};
use super::{ParseError, ParseReason, Place, mnemonic, value};
use crate::{AluOp, AtomicOp, Imm64, Insn, Reg, Size, Width};

type Result<T> = std::result::Result<T, ParseError>;

/// Parses a statement that begins with a register.
pub(super) fn statement<'s>(
    cursor: &mut Cursor<'s, '_>,
    wide_constant: bool,
) -> Result<Statement<'s>> {
    let place = cursor.place();
    let dst = cursor.register()?;
    let (width, reg) = dst;
    let op = cursor.operator(&ALU, "an assignment")?;
    if op != AluOp::Mov {
        let src = cursor.operand(width)?;
        return Ok((Insn::Alu { width, op, dst: reg, src }, None));
    }
    if !cursor.at_register()
        && let Kind::Word(word) = cursor.peek()
    {
        let word_place = cursor.place();
        cursor.advance();
        return function(cursor, Target { width, reg, place }, (word, word_place));
    }
    plain(expression(cursor, Target { width, reg, place }, wide_constant))
}

/// The left side of an assignment.
#[derive(Clone, Copy)]
struct Target {
    width: Width,
    reg: Reg,
    place: Place,
}

impl Target {
    /// The register, which must have been given its 64-bit name.
    fn wide(self) -> Result<Reg> {
        match self.width {
            Width::W64 => Ok(self.reg),
            Width::W32 => Err(ParseError { place: self.place, reason: ParseReason::RegisterWidth }),
        }
    }

    /// The register, which a memory access of this size may name either way.
    fn accessed(self, size: Size) -> Result<Reg> {
        if size == Size::Dw { self.wide() } else { Ok(self.reg) }
    }
}

/// A right side that begins with an operator, a number or a register.
fn expression(cursor: &mut Cursor<'_, '_>, dst: Target, wide_constant: bool) -> Result<Insn> {
    let Target { width, reg, .. } = dst;
    match (cursor.peek(), cursor.peek_second()) {
        (Kind::Symbol("-"), Kind::Word(_)) | (Kind::Symbol("-"), Kind::Symbol("%")) => {
            cursor.advance();
            cursor.same_register(width, reg)?;
            Ok(Insn::Neg { width, dst: reg })
        }
        (Kind::Symbol("("), Kind::Word(from)) => {
            let Some((size, _)) = words::by_pseudo(&MOVSX, from) else {
                return cursor.expected("a sign extension from s8, s16 or s32");
            };
            cursor.advance();
            cursor.advance();
            cursor.expect(")")?;
            let insn = Insn::MovSx { width, from: size, dst: reg, src: cursor.register_of(width)? };
            if insn.is_canonical() { Ok(insn) } else { cursor.error(ParseReason::SignExtension) }
        }
        (Kind::Symbol("*"), _) => {
            cursor.advance();
            load(cursor, dst)
        }
        (Kind::Symbol("&"), _) => {
            cursor.advance();
            cursor.expect("(")?;
            cursor.expect_word("void")?;
            cursor.expect_word("__percpu")?;
            cursor.expect("*")?;
            cursor.expect(")")?;
            cursor.expect("(")?;
            let src = cursor.wide_register()?;
            cursor.expect(")")?;
            Ok(Insn::AddrPercpu { dst: dst.wide()?, src })
        }
        (Kind::Symbol("+" | "-"), Kind::Number(_)) | (Kind::Number(_), _) => {
            constant(cursor, dst, wide_constant)
        }
        _ => {
            let source = cursor.place();
            let (from, src) = cursor.register()?;
            if width == Width::W32 && from == Width::W64 {
                return Err(ParseError { place: source, reason: ParseReason::RegisterWidth });
            }
            // `r1 = w2`, as the compiler writes a zero extension, is `w1 = w2`.
            Ok(Insn::Alu { width: from, op: AluOp::Mov, dst: reg, src: src.into() })
        }
    }
}

/// `5` or `5 ll`.
fn constant(cursor: &mut Cursor<'_, '_>, dst: Target, wide_constant: bool) -> Result<Insn> {
    let mut ahead = cursor.fork();
    ahead.imm64()?;
    if ahead.eat_word("ll") || wide_constant {
        let value = Imm64::Value(cursor.imm64()?);
        cursor.eat_word("ll");
        return Ok(Insn::LoadImm64 { dst: dst.wide()?, value });
    }
    let src = cursor.imm()?.into();
    Ok(Insn::Alu { width: dst.width, op: AluOp::Mov, dst: dst.reg, src })
}

/// `(u32 *)(r1 + 4)` or `(u32 *)skb[r1 + 4]`, after the first `*`.
fn load(cursor: &mut Cursor<'_, '_>, dst: Target) -> Result<Insn> {
    let mut ahead = cursor.fork();
    let (size, signed) = ahead.cast()?;
    if ahead.eat_word("skb") {
        *cursor = ahead;
        cursor.expect("[")?;
        let index = if cursor.at_register() { Some(cursor.wide_register()?) } else { None };
        let imm = if index.is_none() || cursor.eat("+") { cursor.imm()? } else { 0 };
        cursor.expect("]")?;
        if dst.wide()? != Reg::R0 {
            let reason = ParseReason::OtherRegister { expected: Reg::R0 };
            return Err(ParseError { place: dst.place, reason });
        }
        let insn = Insn::LoadPacket { size, index, imm };
        return if signed { cursor.error(ParseReason::SignedType) } else { Ok(insn) };
    }
    let Access { base, off, .. } = cursor.access()?;
    let reg = if signed { dst.wide()? } else { dst.accessed(size)? };
    Ok(Insn::Load { size, signed, dst: reg, base, off })
}

/// A right side that begins with a name that is not a register; `word` has been read.
fn function<'s>(
    cursor: &mut Cursor<'s, '_>,
    dst: Target,
    (word, place): (&'s str, Place),
) -> Result<Statement<'s>> {
    if let Some((op, size)) = mnemonic::endian(word) {
        cursor.same_register(Width::W64, dst.wide()?)?;
        return Ok((Insn::Endian { op, size, dst: dst.reg }, None));
    }
    match word {
        "map" | "btf" | "subprog" => {
            let (value, label) = value::named(cursor, word)?;
            Ok((Insn::LoadImm64 { dst: dst.wide()?, value }, label))
        }
        "load_acquire" => {
            cursor.expect("(")?;
            let Access { size, base, off, .. } = cursor.unsigned_access()?;
            cursor.expect(")")?;
            Ok((Insn::LoadAcquire { size, dst: dst.accessed(size)?, base, off }, None))
        }
        "addr_space_cast" => {
            cursor.expect("(")?;
            let src = cursor.wide_register()?;
            cursor.expect(",")?;
            let to = cursor.integer("an address space")?;
            cursor.expect(",")?;
            let from = cursor.integer("an address space")?;
            cursor.expect(")")?;
            Ok((Insn::AddrSpaceCast { dst: dst.wide()?, src, to, from }, None))
        }
        name if cursor.eat_word("ll") => {
            let insn = Insn::LoadImm64 { dst: dst.wide()?, value: Imm64::Function(0) };
            Ok((insn, Some(Reference { name, place })))
        }
        _ => plain(fetching(cursor, dst, (word, place))),
    }
}

/// An atomic operation with a result, in LLVM's or the kernel's spelling.
fn fetching(
    cursor: &mut Cursor<'_, '_>,
    dst: Target,
    (word, place): (&str, Place),
) -> Result<Insn> {
    let cast = word.strip_prefix("atomic64_").or_else(|| word.strip_prefix("atomic_"));
    let (name, bare) = match (cast, word.strip_suffix("32_32"), word.strip_suffix("_64")) {
        (Some(name), ..) => (name, None),
        (None, Some(name), _) => (name, Some(Width::W32)),
        (None, None, Some(name)) => (name, Some(Width::W64)),
        (None, None, None) => ("", None),
    };
    let Some(op) = words::by_pseudo(&FETCHING, name) else {
        let reason = ParseReason::Function { name: word.to_owned() };
        return Err(ParseError { place, reason });
    };
    cursor.expect("(")?;
    let (size, width, base, off) = match bare {
        Some(width) => {
            let (base, off) = cursor.address()?;
            (if width == Width::W32 { Size::W } else { Size::Dw }, width, base, off)
        }
        None => atomic_access(cursor)?,
    };
    let result = dst.accessed(size)?;
    cursor.expect(",")?;
    let place = cursor.place();
    let mut src = cursor.accessed_register(size)?;
    let expected = if op == AtomicOp::Cmpxchg { Reg::R0 } else { result };
    if src != expected || op == AtomicOp::Cmpxchg && result != Reg::R0 {
        return Err(ParseError { place, reason: ParseReason::OtherRegister { expected } });
    }
    if op == AtomicOp::Cmpxchg {
        cursor.expect(",")?;
        src = cursor.accessed_register(size)?;
    }
    cursor.expect(")")?;
    Ok(Insn::Atomic { op, width, base, off, src })
}
