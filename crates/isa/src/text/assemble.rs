//! Source text to instructions: statements in order, then labels.
//!
//! A statement may carry what listings put in front of it: its slot number (`4:`), which is checked,
//! and its opcode in parentheses (`(b7)`), which is checked too.

use std::collections::HashMap;

use super::cursor::Cursor;
use super::error::ERRORS_MAX;
use super::lex::{Kind, Lexer, Token};
use super::statement::{Reference, statement};
use super::{ParseError, ParseReason, Place};
use crate::builder::aim;
use crate::{Callee, Insn, Pc, encode, row};

/// A program and where its parts stand in the source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assembly {
    /// The instructions.
    pub insns: Vec<Insn>,
    /// The place of each instruction.
    pub places: Vec<Place>,
    /// The labels in source order.
    pub labels: Vec<(String, Pc)>,
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
    while let Some(end) = lexer.statement(&mut tokens, &mut assembler.errors) {
        if let Err(error) = assembler.line(&tokens, end) {
            assembler.errors.push(error);
        }
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
    labels: Vec<(&'s str, Pc)>,
    /// Slot and line of each label.
    by_name: HashMap<&'s str, (Pc, u32)>,
    /// The first `exit`, where a jump to an undefined label `exit` leads (bpf_conformance).
    exit: Option<Pc>,
    pc: Pc,
    errors: Vec<ParseError>,
}

struct Statement<'s> {
    insn: Insn,
    label: Option<Reference<'s>>,
    place: Place,
    pc: Pc,
}

impl<'s> Assembler<'s> {
    fn line(&mut self, tokens: &[Token<'s>], end: Place) -> Result<(), ParseError> {
        let mut cursor = Cursor::new(tokens, end);
        while cursor.peek_second() == Kind::Symbol(":") {
            self.prefix(&mut cursor)?;
        }
        let opcode = opcode(&mut cursor);
        if cursor.peek() == Kind::End {
            return Ok(());
        }
        let place = cursor.place();
        let wide_constant = opcode == Some(row::IMM64);
        let (insn, label) = statement(&mut cursor, wide_constant)?;
        let actual = encode::first_slot(&insn).opcode;
        if let Some(written) = opcode.filter(|written| *written != actual) {
            let reason = ParseReason::OtherOpcode { written, actual };
            return Err(ParseError { place, reason });
        }
        if insn == Insn::Exit {
            self.exit.get_or_insert(self.pc);
        }
        self.statements.push(Statement { insn, label, place, pc: self.pc });
        self.pc.0 = self.pc.0.saturating_add(insn.slots());
        Ok(())
    }

    /// A label or a slot number, and the colon.
    fn prefix(&mut self, cursor: &mut Cursor<'s, '_>) -> Result<(), ParseError> {
        let place = cursor.place();
        if let Kind::Number(_) = cursor.peek() {
            let written = cursor.integer("a slot number")?;
            if written != self.pc.0 {
                let reason = ParseReason::OtherPc { written, actual: self.pc };
                return Err(ParseError { place, reason });
            }
        } else {
            let name = cursor.word("a label")?;
            if let Some((_, line)) = self.by_name.get(name) {
                let reason = ParseReason::DuplicateLabel { name: name.to_owned(), line: *line };
                return Err(ParseError { place, reason });
            }
            self.by_name.insert(name, (self.pc, place.line));
            self.labels.push((name, self.pc));
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
        if !self.errors.is_empty() {
            return Err(in_order(self.errors));
        }
        assembly.labels = self.labels.iter().map(|(name, pc)| ((*name).to_owned(), *pc)).collect();
        Ok(assembly)
    }

    /// The instruction with its label's distance.
    fn resolve(
        &self,
        statement: &Statement<'s>,
        helper: impl Fn(&str) -> Option<u32>,
    ) -> Result<Insn, ParseError> {
        let Some(Reference { name, place }) = statement.label else { return Ok(statement.insn) };
        let target = self.by_name.get(name).map(|(pc, _)| *pc);
        let Some(target) = target.or(self.exit.filter(|_| name == "exit")) else {
            return match (statement.insn, helper(name)) {
                (Insn::Call(_), Some(id)) => Ok(Insn::Call(Callee::Helper(id))),
                _ => {
                    let reason = ParseReason::UnknownName { name: name.to_owned() };
                    Err(ParseError { place, reason })
                }
            };
        };
        aim(statement.insn, statement.pc, target).map_err(|distance| {
            let reason = ParseReason::TooFar { name: name.to_owned(), distance };
            ParseError { place, reason }
        })
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
