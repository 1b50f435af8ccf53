//! Assembler directives: which begin sections, which say nothing about instructions.
//!
//! Compilers write many. What is about symbols, debugging or unwinding is left aside, and so is
//! everything in sections without instructions but the license. Source: the GNU assembler's manual;
//! `clang -S` for what occurs.

use super::cursor::Cursor;
use super::lex::Kind;
use super::{ParseError, ParseReason, Place};

type Result<T> = std::result::Result<T, ParseError>;

/// What a directive asks for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Directive<'s> {
    /// Nothing that matters here.
    Nothing,
    /// What follows goes to another section.
    Section {
        /// Its name.
        name: &'s str,
        /// It holds instructions.
        is_code: bool,
    },
    /// Other objects may refer to the symbol.
    Global(&'s str),
    /// Data.
    Data {
        /// The text, if it is one.
        text: Option<&'s str>,
    },
}

/// Directives about symbols, files, lines and unwinding.
#[rustfmt::skip]
const IGNORED: [&str; 19] = [
    ".addrsig", ".addrsig_sym", ".cfi_endproc", ".cfi_sections", ".cfi_startproc", ".file", ".func",
    ".endfunc", ".hidden", ".ident", ".internal", ".loc", ".local", ".protected", ".size", ".type",
    ".weak", ".version", ".intel_syntax",
];

/// Directives that put data in place.
#[rustfmt::skip]
const DATA: [&str; 24] = [
    ".2byte", ".4byte", ".8byte", ".ascii", ".asciz", ".byte", ".double", ".dword", ".fill", ".float",
    ".half", ".hword", ".incbin", ".int", ".long", ".octa", ".quad", ".short", ".skip", ".sleb128",
    ".space", ".string", ".uleb128", ".word",
];

/// Sections without instructions whose names do not begin with a dot (libbpf).
const DATA_SECTIONS: [&str; 3] = ["license", "maps", "version"];

/// Reads the directive `name`, which has been read, to its end.
pub(super) fn directive<'s>(
    cursor: &mut Cursor<'s, '_>,
    (name, place): (&'s str, Place),
) -> Result<Directive<'s>> {
    match name {
        ".text" => return Ok(Directive::Section { name: ".text", is_code: true }),
        ".data" | ".bss" => return Ok(Directive::Section { name, is_code: false }),
        ".section" => return section(cursor),
        ".globl" | ".global" => return cursor.word("a symbol").map(Directive::Global),
        ".p2align" => align(cursor, 3)?,
        ".align" | ".balign" => align(cursor, 8)?,
        _ if IGNORED.contains(&name) => {}
        _ if DATA.contains(&name) => {
            let text = if let Kind::Text(text) = cursor.peek() { Some(text) } else { None };
            return Ok(Directive::Data { text });
        }
        _ => {
            let reason = ParseReason::Directive { name: name.to_owned() };
            return Err(ParseError { place, reason });
        }
    }
    Ok(Directive::Nothing)
}

/// `.section xdp,"ax",@progbits`, after the first word.
fn section<'s>(cursor: &mut Cursor<'s, '_>) -> Result<Directive<'s>> {
    let name = match cursor.peek() {
        Kind::Text(name) => {
            cursor.advance();
            name
        }
        Kind::Word(_) | Kind::Number(_) | Kind::Symbol(_) | Kind::End => {
            cursor.word("a section's name")?
        }
    };
    let flags = match (cursor.eat(","), cursor.peek()) {
        (true, Kind::Text(flags)) => Some(flags),
        _ => None,
    };
    let is_code = match flags {
        Some(flags) => flags.contains('x'),
        None => name == ".text" || !name.starts_with('.') && !DATA_SECTIONS.contains(&name),
    };
    Ok(Directive::Section { name, is_code })
}

/// Instructions are on 8 bytes anyway; a wider alignment would need instructions in between.
fn align(cursor: &mut Cursor<'_, '_>, most: i128) -> Result<()> {
    let place = cursor.place();
    let value = cursor.number()?;
    if (0..=most).contains(&value) {
        return Ok(());
    }
    let what = "an alignment of at most 8 bytes";
    Err(ParseError { place, reason: ParseReason::Range { what, value } })
}
