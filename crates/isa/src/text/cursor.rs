//! Reads the tokens of one statement.

use super::lex::{Kind, Token};
use super::number::local_label;
use super::statement::Reference;
use super::words::{self, ACCESS, Word};
use super::{ParseError, ParseReason, Place};
use crate::{Operand, Reg, Size, Width};

/// A position among the tokens of one statement. The last token is an `End` and is never passed.
pub(super) struct Cursor<'s, 't> {
    tokens: &'t [Token<'s>],
    end: Place,
}

/// A memory operand with the type in its cast.
pub(super) struct Access {
    pub(super) size: Size,
    pub(super) signed: bool,
    pub(super) base: Reg,
    pub(super) off: i16,
}

type Result<T> = std::result::Result<T, ParseError>;

impl<'s, 't> Cursor<'s, 't> {
    /// `tokens` are a statement's without its `End`, which is at `end`.
    pub(super) fn new(tokens: &'t [Token<'s>], end: Place) -> Self {
        Self { tokens, end }
    }

    /// A second cursor at the same place.
    pub(super) fn fork(&self) -> Self {
        Self { ..*self }
    }

    pub(super) fn peek(&self) -> Kind<'s> {
        self.tokens.first().map_or(Kind::End, |token| token.kind)
    }

    /// The token after the next.
    pub(super) fn peek_second(&self) -> Kind<'s> {
        self.tokens.get(1).map_or(Kind::End, |token| token.kind)
    }

    pub(super) fn place(&self) -> Place {
        self.tokens.first().map_or(self.end, |token| token.place)
    }

    pub(super) fn advance(&mut self) {
        self.tokens = self.tokens.get(1..).unwrap_or_default();
    }

    pub(super) fn error<T>(&self, reason: ParseReason) -> Result<T> {
        Err(ParseError { place: self.place(), reason })
    }

    pub(super) fn expected<T>(&self, what: &'static str) -> Result<T> {
        let found = match self.peek() {
            Kind::Word(text) | Kind::Number(text) | Kind::Text(text) => text.to_owned(),
            Kind::Symbol(text) => text.to_owned(),
            Kind::End => "the end of the statement".to_owned(),
        };
        self.error(ParseReason::Expected { what, found })
    }

    pub(super) fn eat(&mut self, symbol: &str) -> bool {
        let eaten = matches!(self.peek(), Kind::Symbol(found) if found == symbol);
        if eaten {
            self.advance();
        }
        eaten
    }

    pub(super) fn expect(&mut self, symbol: &'static str) -> Result<()> {
        if self.eat(symbol) { Ok(()) } else { self.expected(symbol) }
    }

    pub(super) fn eat_word(&mut self, word: &str) -> bool {
        let eaten = matches!(self.peek(), Kind::Word(found) if found == word);
        if eaten {
            self.advance();
        }
        eaten
    }

    pub(super) fn expect_word(&mut self, word: &'static str) -> Result<()> {
        if self.eat_word(word) { Ok(()) } else { self.expected(word) }
    }

    pub(super) fn word(&mut self, what: &'static str) -> Result<&'s str> {
        let Kind::Word(word) = self.peek() else { return self.expected(what) };
        self.advance();
        Ok(word)
    }

    /// The statement must end here.
    pub(super) fn finish(&self) -> Result<()> {
        if self.peek() == Kind::End { Ok(()) } else { self.expected("the end of the statement") }
    }

    /// Whether a register is next.
    pub(super) fn at_register(&self) -> bool {
        match self.peek() {
            Kind::Word(word) => register_of(word).is_some(),
            Kind::Symbol(symbol) => symbol == "%",
            Kind::Number(_) | Kind::Text(_) | Kind::End => false,
        }
    }

    /// A register under its 64-bit or 32-bit name, with or without `%`.
    pub(super) fn register(&mut self) -> Result<(Width, Reg)> {
        self.eat("%");
        let Kind::Word(word) = self.peek() else { return self.expected("a register") };
        let Some(register) = register_of(word) else { return self.expected("a register") };
        self.advance();
        Ok(register)
    }

    /// A register under its 64-bit name.
    pub(super) fn wide_register(&mut self) -> Result<Reg> {
        let place = self.place();
        match self.register()? {
            (Width::W64, reg) => Ok(reg),
            (Width::W32, _) => Err(ParseError { place, reason: ParseReason::RegisterWidth }),
        }
    }

    /// A register under the name that the operation's width asks for.
    pub(super) fn register_of(&mut self, width: Width) -> Result<Reg> {
        let place = self.place();
        let (found, reg) = self.register()?;
        if found == width {
            Ok(reg)
        } else {
            Err(ParseError { place, reason: ParseReason::RegisterWidth })
        }
    }

    /// This very register again, under the name that the width asks for.
    pub(super) fn same_register(&mut self, width: Width, reg: Reg) -> Result<()> {
        let place = self.place();
        if self.register_of(width)? == reg {
            Ok(())
        } else {
            Err(ParseError { place, reason: ParseReason::OtherRegister { expected: reg } })
        }
    }

    pub(super) fn operand(&mut self, width: Width) -> Result<Operand> {
        if self.at_register() {
            self.register_of(width).map(Operand::Reg)
        } else {
            self.imm().map(Operand::Imm)
        }
    }

    /// An operator of this table.
    pub(super) fn operator<T: Copy>(
        &mut self,
        table: &'static [Word<T>],
        what: &'static str,
    ) -> Result<T> {
        // `s>` is the word `s` and the symbol `>`.
        let mut ahead = self.fork();
        let signed = ahead.eat_word("s");
        let Kind::Symbol(symbol) = ahead.peek() else { return self.expected(what) };
        let row = table.iter().find(|row| match row.pseudo.strip_prefix('s') {
            Some(rest) => signed && rest == symbol,
            None => !signed && row.pseudo == symbol,
        });
        let Some(row) = row else { return self.expected(what) };
        ahead.advance();
        *self = ahead;
        Ok(row.value)
    }

    /// A register that holds what a memory access of this size moves; up to 4 bytes, either name.
    pub(super) fn accessed_register(&mut self, size: Size) -> Result<Reg> {
        if size == Size::Dw { self.wide_register() } else { Ok(self.register()?.1) }
    }

    /// A distance of 32 bits, or the label that gives it.
    pub(super) fn target(&mut self) -> Result<(i32, Option<Reference<'s>>)> {
        self.distance("a distance of 32 bits")
    }

    /// A distance of 16 bits, or the label that gives it.
    pub(super) fn near_target(&mut self) -> Result<(i16, Option<Reference<'s>>)> {
        self.distance("a distance of 16 bits")
    }

    /// `+3`, `3` or `pc-3`, the signed ones perhaps followed by `<name>`, or a label.
    fn distance<T: TryFrom<i128> + Default>(
        &mut self,
        what: &'static str,
    ) -> Result<(T, Option<Reference<'s>>)> {
        if matches!(self.peek_second(), Kind::Symbol("+" | "-")) {
            self.eat_word("pc");
        }
        match self.peek() {
            Kind::Symbol("+" | "-") => {
                let distance = self.integer(what)?;
                if self.eat("<") {
                    while !self.eat(">") {
                        if self.peek() == Kind::End {
                            return self.expected(">");
                        }
                        self.advance();
                    }
                }
                Ok((distance, None))
            }
            Kind::Number(text) if local_label(text).is_none() => Ok((self.integer(what)?, None)),
            Kind::Word(name) | Kind::Number(name) => {
                let place = self.place();
                self.advance();
                Ok((T::default(), Some(Reference { name, place })))
            }
            Kind::Text(_) | Kind::Symbol(_) | Kind::End => self.expected("a label or a distance"),
        }
    }

    /// `r1 + 4`, `r1 -4` or `r1`.
    pub(super) fn address(&mut self) -> Result<(Reg, i16)> {
        let base = self.wide_register()?;
        let is_signed = self.eat("+") || self.peek() == Kind::Symbol("-");
        let off = if is_signed { self.integer("an offset of 16 bits")? } else { 0 };
        Ok((base, off))
    }

    /// `[%r1+4]`.
    pub(super) fn bracketed(&mut self) -> Result<(Reg, i16)> {
        self.expect("[")?;
        let address = self.address()?;
        self.expect("]")?;
        Ok(address)
    }

    /// The type in `(u32 *)`.
    pub(super) fn cast(&mut self) -> Result<(Size, bool)> {
        self.expect("(")?;
        let kind = match self.peek() {
            Kind::Word(word) => words::by_pseudo(&ACCESS, word),
            Kind::Number(_) | Kind::Text(_) | Kind::Symbol(_) | Kind::End => None,
        };
        let Some(kind) = kind else { return self.expected("a type from u8 to u64 or s8 to s32") };
        self.advance();
        self.expect("*")?;
        self.expect(")")?;
        Ok(kind)
    }

    /// `(u32 *)(r1 + 4)`.
    pub(super) fn access(&mut self) -> Result<Access> {
        let (size, signed) = self.cast()?;
        self.expect("(")?;
        let (base, off) = self.address()?;
        self.expect(")")?;
        Ok(Access { size, signed, base, off })
    }

    /// `(u32 *)(r1 + 4)` of an unsigned type.
    pub(super) fn unsigned_access(&mut self) -> Result<Access> {
        let place = self.place();
        let access = self.access()?;
        if access.signed {
            return Err(ParseError { place, reason: ParseReason::SignedType });
        }
        Ok(access)
    }
}

/// `r0` to `r10`, `w0` to `w10`.
fn register_of(word: &str) -> Option<(Width, Reg)> {
    let (width, digits) = match word.split_at_checked(1)? {
        ("r", digits) => (Width::W64, digits),
        ("w", digits) => (Width::W32, digits),
        _ => return None,
    };
    let number = digits.parse().ok()?;
    let canonical = digits.len() == 1 || number >= 10 && digits.len() == 2;
    Reg::new(number).filter(|_| canonical).map(|reg| (width, reg))
}
