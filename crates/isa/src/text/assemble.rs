//! Source text to instructions: statements in order, then labels.
//!
//! A statement may carry what listings put in front of it: its slot number (`4:`), which is checked,
//! and its opcode in parentheses (`(b7)`), which is checked too.

use super::cursor::Cursor;
use super::directive::{Directive, directive};
use super::error::ERRORS_MAX;
use super::label::{Labels, Number};
use super::lex::{Kind, Lexer, Token};
use super::statement::{Reference, statement};
use super::{ParseError, ParseReason, Place};
use crate::builder::aim;
use crate::{Callee, Imm64, Insn, Pc, encode, row};

/// A program and where its parts stand in the source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assembly {
    /// The instructions of all sections, one section after the other.
    pub insns: Vec<Insn>,
    /// The place of each instruction.
    pub places: Vec<Place>,
    /// The labels in source order, but those that are numbers.
    pub labels: Vec<(String, Pc)>,
    /// Name and first slot of each section that has instructions; `.text` if the source names none.
    pub sections: Vec<(String, Pc)>,
    /// The symbols that other objects may refer to (`.globl`), in source order.
    pub globals: Vec<String>,
    /// The text in the section `license`.
    pub license: Option<String>,
}

/// Parses a program in pseudo-C, mnemonics, or both.
///
/// # Errors
/// What is wrong, at most 50 places in the order of the source.
pub fn assemble(source: &str) -> Result<Assembly, Vec<ParseError>> {
    assemble_with(source, |_| None)
}

/// As [`assemble`]; a `call` of a name that is not a label asks `helper` for its number.
///
/// # Errors
/// What is wrong, at most 50 places in the order of the source.
pub fn assemble_with(
    source: &str,
    helper: impl Fn(&str) -> Option<u32>,
) -> Result<Assembly, Vec<ParseError>> {
    let mut assembler = Assembler::default();
    let (mut lexer, mut tokens) = (Lexer::new(source), Vec::new());
    let mut errors = Vec::new();
    while let Some(end) = lexer.statement(&mut tokens, &mut errors) {
        match assembler.line(&tokens, end) {
            Ok(Read::Instruction) => {}
            // What stands there need not even be made of tokens.
            Ok(Read::Aside) => errors.clear(),
            Err(error) if errors.is_empty() => errors.push(error),
            // The rest follows from the character that is out of place.
            Err(_) => {}
        }
        errors.truncate(1);
        assembler.errors.append(&mut errors);
        // The labels of what is not read are unknown, so names are not looked up either.
        if assembler.errors.len() >= ERRORS_MAX {
            return Err(in_order(assembler.errors));
        }
    }
    assembler.finish(helper)
}

#[derive(Default)]
struct Assembler<'s> {
    statements: Vec<Statement<'s>>,
    labels: Labels<'s>,
    /// Name and first slot of each section that has instructions.
    sections: Vec<(&'s str, Pc)>,
    globals: Vec<&'s str>,
    license: Option<&'s str>,
    place: Section<'s>,
    pc: Pc,
    errors: Vec<ParseError>,
}

/// The section that the next statement goes to.
#[derive(Clone, Copy)]
struct Section<'s> {
    name: &'s str,
    is_code: bool,
}

/// What a statement was.
enum Read {
    /// An instruction, a label or nothing.
    Instruction,
    /// A directive, or data.
    Aside,
}

struct Statement<'s> {
    insn: Insn,
    label: Option<Reference<'s>>,
    place: Place,
    pc: Pc,
    /// Which section it is in.
    section: usize,
}

impl Default for Section<'_> {
    fn default() -> Self {
        Self { name: ".text", is_code: true }
    }
}

impl<'s> Assembler<'s> {
    fn line(&mut self, tokens: &[Token<'s>], end: Place) -> Result<Read, ParseError> {
        let mut cursor = Cursor::new(tokens, end);
        while cursor.peek_second() == Kind::Symbol(":") {
            self.prefix(&mut cursor)?;
        }
        if let Kind::Word(name) = cursor.peek()
            && name.starts_with('.')
        {
            let place = cursor.place();
            cursor.advance();
            let directive = directive(&mut cursor, (name, place));
            return self.directive(directive, (name, place)).map(|()| Read::Aside);
        }
        if !self.place.is_code {
            return Ok(Read::Aside);
        }
        let opcode = opcode(&mut cursor);
        if cursor.peek() == Kind::End {
            return Ok(Read::Instruction);
        }
        let place = cursor.place();
        let wide_constant = opcode == Some(row::IMM64);
        let (insn, label) = statement(&mut cursor, wide_constant)?;
        let actual = encode::first_slot(&insn).opcode;
        if let Some(written) = opcode.filter(|written| *written != actual) {
            let reason = ParseReason::OtherOpcode { written, actual };
            return Err(ParseError { place, reason });
        }
        let section = self.section(place)?;
        if insn == Insn::Exit {
            self.labels.exit.get_or_insert(self.pc);
        }
        self.statements.push(Statement { insn, label, place, pc: self.pc, section });
        self.pc.0 = self.pc.0.saturating_add(insn.slots());
        Ok(Read::Instruction)
    }

    /// The number of the present section, which begins here if it has not begun.
    fn section(&mut self, place: Place) -> Result<usize, ParseError> {
        let name = self.place.name;
        match self.sections.iter().position(|(known, _)| *known == name) {
            Some(at) if at + 1 == self.sections.len() => Ok(at),
            Some(_) => {
                let reason = ParseReason::SectionAgain { name: name.to_owned() };
                Err(ParseError { place, reason })
            }
            None => {
                self.sections.push((name, self.pc));
                Ok(self.sections.len() - 1)
            }
        }
    }

    fn directive(
        &mut self,
        directive: Result<Directive<'s>, ParseError>,
        (name, place): (&'s str, Place),
    ) -> Result<(), ParseError> {
        let is_code = self.place.is_code;
        match directive {
            Ok(Directive::Section { name, is_code }) => self.place = Section { name, is_code },
            Ok(Directive::Global(name)) => self.globals.push(name),
            Ok(Directive::Data { .. }) if is_code => {
                let reason = ParseReason::Data { name: name.to_owned() };
                return Err(ParseError { place, reason });
            }
            Ok(Directive::Data { text: Some(text) }) if self.place.name == "license" => {
                self.license.get_or_insert(text.split('\\').next().unwrap_or_default());
            }
            Ok(Directive::Data { .. } | Directive::Nothing) => {}
            // What is unknown about data matters no more than what is known.
            Err(error) if is_code => return Err(error),
            Err(_about_data) => {}
        }
        Ok(())
    }

    /// A label or a slot number, and the colon.
    fn prefix(&mut self, cursor: &mut Cursor<'s, '_>) -> Result<(), ParseError> {
        let place = cursor.place();
        if let Kind::Number(_) = cursor.peek() {
            let number = cursor.integer("a slot number or a numeric label")?;
            if self.place.is_code {
                let name = self.place.name;
                let start = self.sections.iter().find(|(known, _)| *known == name);
                let start = start.map_or(self.pc, |(_, start)| *start);
                self.labels.number(Number { number, start, pc: self.pc, section: name, place });
            }
        } else {
            let name = cursor.word("a label")?;
            if self.place.is_code {
                self.labels.define(name, (self.pc, self.place.name), place)?;
            }
        }
        cursor.expect(":")
    }

    fn finish(mut self, helper: impl Fn(&str) -> Option<u32>) -> Result<Assembly, Vec<ParseError>> {
        let mut assembly = Assembly::default();
        for statement in std::mem::take(&mut self.statements) {
            match self.resolve(&statement, &helper) {
                Ok(insn) => assembly.insns.push(insn),
                Err(error) => self.errors.push(error),
            }
            assembly.places.push(statement.place);
        }
        self.errors.extend(self.labels.misplaced());
        if !self.errors.is_empty() {
            return Err(in_order(self.errors));
        }
        assembly.labels = self.labels.named();
        assembly.sections =
            self.sections.iter().map(|(name, pc)| ((*name).to_owned(), *pc)).collect();
        assembly.globals = self.globals.iter().map(|name| (*name).to_owned()).collect();
        assembly.license = self.license.map(str::to_owned);
        Ok(assembly)
    }

    /// The instruction with its label's distance.
    fn resolve(
        &mut self,
        statement: &Statement<'s>,
        helper: impl Fn(&str) -> Option<u32>,
    ) -> Result<Insn, ParseError> {
        let Some(Reference { name, place }) = statement.label else { return Ok(statement.insn) };
        let refused = |reason| Err(ParseError { place, reason });
        let Some((target, section)) = self.labels.find(name, statement.pc) else {
            return match (statement.insn, helper(name)) {
                (Insn::Call(_), Some(id)) => Ok(Insn::Call(Callee::Helper(id))),
                _ => refused(ParseReason::UnknownName { name: name.to_owned() }),
            };
        };
        let own = self.sections.get(statement.section).map(|(name, _)| *name);
        let reaches_all = matches!(
            statement.insn,
            Insn::Call(_) | Insn::LoadImm64 { value: Imm64::Function(_), .. }
        );
        if section.is_some() && section != own && !reaches_all {
            return refused(ParseReason::OtherSection { name: name.to_owned() });
        }
        aim(statement.insn, statement.pc, target)
            .or_else(|distance| refused(ParseReason::TooFar { name: name.to_owned(), distance }))
    }
}

fn in_order(mut errors: Vec<ParseError>) -> Vec<ParseError> {
    errors.sort_by_key(|error| error.place);
    errors.truncate(ERRORS_MAX);
    errors
}

/// Two hexadecimal digits in parentheses.
fn opcode(cursor: &mut Cursor<'_, '_>) -> Option<u8> {
    let mut ahead = cursor.fork();
    if !ahead.eat("(") {
        return None;
    }
    let (Kind::Word(digits) | Kind::Number(digits)) = ahead.peek() else { return None };
    let opcode = u8::from_str_radix(digits, 16).ok()?;
    ahead.advance();
    if !ahead.eat(")") {
        return None;
    }
    *cursor = ahead;
    Some(opcode)
}
