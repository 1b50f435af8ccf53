//! Parses one statement: jumps, calls and stores here, the rest in `assignment` and `mnemonic`.

use super::cursor::{Access, Cursor};
use super::lex::Kind;
use super::words::{CONDS, LOCKED};
use super::{ParseError, ParseReason, Place, assignment, mnemonic, value};
use crate::{Callee, Insn, Reg, Size, Width};

/// A name that stands for a distance or, after `call`, for a helper.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reference<'s> {
    pub(super) name: &'s str,
    pub(super) place: Place,
}

/// An instruction whose distance is that to the label, if there is one.
pub(super) type Statement<'s> = (Insn, Option<Reference<'s>>);

type Result<T> = std::result::Result<T, ParseError>;

/// Parses a statement without its labels. `wide_constant` says that its opcode, which the kernel's
/// log prints in front, is that of a 64-bit constant.
pub(super) fn statement<'s>(
    cursor: &mut Cursor<'s, '_>,
    wide_constant: bool,
) -> Result<Statement<'s>> {
    let parsed = match cursor.peek() {
        Kind::Symbol("*") => {
            cursor.advance();
            plain(store(cursor))
        }
        _ if cursor.at_register() => assignment::statement(cursor, wide_constant),
        Kind::Word(word) => {
            let place = cursor.place();
            cursor.advance();
            keyword(cursor, word, place)
        }
        Kind::Number(_) | Kind::Text(_) | Kind::Symbol(_) | Kind::End => {
            cursor.expected("an instruction")
        }
    }?;
    cursor.finish()?;
    Ok(parsed)
}

pub(super) fn plain<'s>(insn: Result<Insn>) -> Result<Statement<'s>> {
    insn.map(|insn| (insn, None))
}

fn keyword<'s>(cursor: &mut Cursor<'s, '_>, word: &'s str, place: Place) -> Result<Statement<'s>> {
    match word {
        "if" => jump_if(cursor),
        "goto" | "ja" => {
            let (off, label) = cursor.near_target()?;
            Ok((Insn::Jump { off: off.into(), wide: false }, label))
        }
        "gotol" | "ja32" => {
            let (off, label) = cursor.target()?;
            Ok((Insn::Jump { off, wide: true }, label))
        }
        "may_goto" => {
            let (off, label) = cursor.near_target()?;
            Ok((Insn::MayGoto { off }, label))
        }
        "gotox" | "jax" => plain(cursor.wide_register().map(|dst| Insn::JumpReg { dst })),
        "call" => call(cursor),
        "callx" => plain(cursor.wide_register().map(|reg| Insn::Call(Callee::Reg(reg)))),
        "callx_imm" => plain(call_imm(cursor)),
        "exit" => Ok((Insn::Exit, None)),
        "lock" if cursor.eat("*") => plain(locked(cursor)),
        "store_release" => plain(store_release(cursor)),
        "ld_pseudo" => plain(pseudo_source(cursor)),
        _ => mnemonic::statement(cursor, word, place),
    }
}

/// `if r1 s> 5 goto +3`, after `if`.
fn jump_if<'s>(cursor: &mut Cursor<'s, '_>) -> Result<Statement<'s>> {
    let (width, dst) = cursor.register()?;
    let cond = cursor.operator(&CONDS, "a comparison")?;
    let src = cursor.operand(width)?;
    cursor.expect_word("goto")?;
    let (off, label) = cursor.near_target()?;
    Ok((Insn::JumpIf { width, cond, dst, src, off }, label))
}

/// What follows `call`: a helper, a function of the program, a kernel function or a register.
fn call<'s>(cursor: &mut Cursor<'s, '_>) -> Result<Statement<'s>> {
    let helper = |imm: i32| Insn::Call(Callee::Helper(imm.cast_unsigned()));
    if cursor.at_register() {
        return plain(cursor.wide_register().map(|reg| Insn::Call(Callee::Reg(reg))));
    }
    let (Kind::Word(word), place) = (cursor.peek(), cursor.place()) else {
        return plain(cursor.imm().map(helper));
    };
    match (word, cursor.peek_second()) {
        ("pc", _) => {
            let (off, label) = cursor.target()?;
            Ok((Insn::Call(Callee::Local(off)), label))
        }
        ("local", Kind::Symbol(_) | Kind::Word(_) | Kind::Number(_)) => {
            cursor.advance();
            let (off, label) = if matches!(cursor.peek(), Kind::Number(_)) {
                (cursor.imm()?, None)
            } else {
                cursor.target()?
            };
            Ok((Insn::Call(Callee::Local(off)), label))
        }
        ("helper", Kind::Number(_)) => {
            cursor.advance();
            plain(cursor.imm().map(helper))
        }
        ("runtime", Kind::Number(_)) => {
            cursor.advance();
            plain(kernel_function(cursor))
        }
        ("kernel", Kind::Symbol("-")) => {
            cursor.advance();
            cursor.advance();
            cursor.expect_word("function")?;
            cursor.expect("#")?;
            plain(kernel_function(cursor))
        }
        _ => {
            cursor.advance();
            if cursor.eat("#") {
                return plain(cursor.imm().map(helper));
            }
            Ok((Insn::Call(Callee::Local(0)), Some(Reference { name: word, place })))
        }
    }
}

/// The register of a call in its old encoding, which cannot be `r0`.
fn call_imm(cursor: &mut Cursor<'_, '_>) -> Result<Insn> {
    let mut ahead = cursor.fork();
    let insn = Insn::Call(Callee::RegImm(ahead.wide_register()?));
    if !insn.is_canonical() {
        return cursor.expected("a register from r1 to r10");
    }
    *cursor = ahead;
    Ok(insn)
}

/// A kernel function's number, then perhaps `module` and an index.
fn kernel_function(cursor: &mut Cursor<'_, '_>) -> Result<Insn> {
    let id = cursor.imm()?.cast_unsigned();
    let module =
        if cursor.eat_word("module") { cursor.integer("a module index of 16 bits")? } else { 0 };
    Ok(Insn::Call(Callee::Kfunc(id, module)))
}

/// `*(u32 *)(r1 + 4) = r2`, after the first `*`.
fn store(cursor: &mut Cursor<'_, '_>) -> Result<Insn> {
    let Access { size, base, off, .. } = cursor.unsigned_access()?;
    cursor.expect("=")?;
    let src = if cursor.at_register() {
        cursor.accessed_register(size)?.into()
    } else {
        cursor.imm()?.into()
    };
    Ok(Insn::Store { size, base, off, src })
}

/// `lock *(u64 *)(r1 + 0) += r2`, after the first `*`.
fn locked(cursor: &mut Cursor<'_, '_>) -> Result<Insn> {
    let (size, width, base, off) = atomic_access(cursor)?;
    let op = cursor.operator(&LOCKED, "+=, |=, &= or ^=")?;
    let src = cursor.accessed_register(size)?;
    Ok(Insn::Atomic { op, width, base, off, src })
}

fn store_release(cursor: &mut Cursor<'_, '_>) -> Result<Insn> {
    cursor.expect("(")?;
    let Access { size, base, off, .. } = cursor.unsigned_access()?;
    cursor.expect(",")?;
    let src = cursor.accessed_register(size)?;
    cursor.expect(")")?;
    Ok(Insn::StoreRelease { size, base, off, src })
}

/// LLVM's `ld_pseudo r1, 1, 3`: a 64-bit constant by the number of its source.
fn pseudo_source(cursor: &mut Cursor<'_, '_>) -> Result<Insn> {
    let dst = cursor.wide_register()?;
    cursor.expect(",")?;
    let place = cursor.place();
    let source = cursor.number()?;
    cursor.expect(",")?;
    let imm = cursor.imm64()?;
    match value::from_source(source, imm) {
        Some(value) => Ok(Insn::LoadImm64 { dst, value }),
        None => {
            let what = "a source from 0 to 6 for this constant";
            Err(ParseError { place, reason: ParseReason::Range { what, value: source } })
        }
    }
}

/// `(u64 *)(r1 + 0)` of an atomic operation.
pub(super) fn atomic_access(cursor: &mut Cursor<'_, '_>) -> Result<(Size, Width, Reg, i16)> {
    let place = cursor.place();
    let Access { size, base, off, .. } = cursor.unsigned_access()?;
    match size {
        Size::W => Ok((size, Width::W32, base, off)),
        Size::Dw => Ok((size, Width::W64, base, off)),
        Size::B | Size::H => Err(ParseError { place, reason: ParseReason::AtomicType }),
    }
}
