//! Comparisons of numbers computed from the packet.

use super::{Parsed, Parser};
use crate::expression::OPERATORS_MAX;
use crate::expression::error::Reason;
use crate::expression::syntax::{Arithmetic, Comparison, Expression, Primitive};
use crate::expression::token::{Lexeme, Symbol, Word};
use crate::{AluOp, Cond};

impl<'t> Parser<'t, '_> {
    /// Whether a comparison of numbers comes next.
    pub(super) fn begins_arithmetic(&self) -> bool {
        if let Some((_, end)) = self.number_in_parentheses(self.at) {
            return self.is_operator(end);
        }
        match self.peek() {
            Some(Lexeme::Symbol(Symbol::Minus) | Lexeme::Word(Word::Len)) => true,
            Some(Lexeme::Word(Word::Protocol(_))) => {
                self.lexeme(self.at + 1) == Some(Lexeme::Symbol(Symbol::OpenBracket))
            }
            // Nothing but a number in parentheses has an operator behind it.
            Some(Lexeme::Symbol(Symbol::Open)) => {
                self.closing[self.at].is_some_and(|close| self.is_operator(close + 1))
            }
            _ => false,
        }
    }

    /// Whether token `at` joins or compares numbers.
    pub(super) fn is_operator(&self, at: usize) -> bool {
        let Some(Lexeme::Symbol(symbol)) = self.lexeme(at) else { return false };
        operator(symbol).is_some() || comparison(symbol).is_some()
    }

    /// Two numbers and how they compare.
    pub(super) fn relation(&mut self) -> Parsed<Expression<'t>> {
        let first = self.at;
        let mut operators = 0;
        let left = self.arithmetic(0, &mut operators)?;
        let comparison = match self.peek() {
            Some(Lexeme::Symbol(symbol)) => comparison(symbol),
            _ => None,
        };
        let Some(comparison) = comparison else {
            return Err(self.expected("an operator or a comparison such as `=`"));
        };
        self.at += 1;
        let right = self.arithmetic(0, &mut operators)?;
        let primitive = Primitive::Relation { left, comparison, right };
        Ok(Expression::Primitive { primitive, span: self.span_from(first) })
    }

    /// Operands joined by operators that bind at least as strongly as `least`.
    fn arithmetic(&mut self, least: u8, operators: &mut usize) -> Parsed<Arithmetic> {
        let first = self.at;
        let mut left = self.value(operators)?;
        loop {
            let Some(Lexeme::Symbol(symbol)) = self.peek() else { return Ok(left) };
            let Some((op, precedence)) = operator(symbol) else { return Ok(left) };
            if precedence.is_some_and(|precedence| precedence < least) {
                return Ok(left);
            }
            *operators += 1;
            if *operators > OPERATORS_MAX {
                return Err(self.refused(Reason::TooManyOperators { max: OPERATORS_MAX }));
            }
            self.at += 1;
            let right_least = precedence.map_or(0, |precedence| precedence + 1);
            let right = self.nested(|parser| parser.arithmetic(right_least, operators))?;
            let span = self.span_from(first);
            left = Arithmetic::Binary { op, left: Box::new(left), right: Box::new(right), span };
        }
    }

    fn value(&mut self, operators: &mut usize) -> Parsed<Arithmetic> {
        let first = self.at;
        match self.peek() {
            Some(Lexeme::Number(number)) => {
                self.at += 1;
                Ok(Arithmetic::Number(number))
            }
            Some(Lexeme::Word(Word::Len)) => {
                self.at += 1;
                Ok(Arithmetic::Length)
            }
            Some(Lexeme::Symbol(Symbol::Minus)) => {
                self.at += 1;
                let strongest = u8::MAX;
                let operand = self.nested(|parser| parser.arithmetic(strongest, operators))?;
                Ok(Arithmetic::Negate(Box::new(operand)))
            }
            Some(Lexeme::Symbol(Symbol::Open)) => {
                self.at += 1;
                let inner = self.nested(|parser| parser.arithmetic(0, operators))?;
                self.require(Symbol::Close, "an operator or `)`")?;
                Ok(inner)
            }
            Some(Lexeme::Word(Word::Protocol(protocol))) => {
                self.at += 1;
                self.require(Symbol::OpenBracket, "`[`")?;
                let index = Box::new(self.nested(|parser| parser.arithmetic(0, operators))?);
                let size = if self.take_symbol(Symbol::Colon) { self.number()? } else { 1 };
                self.require(Symbol::CloseBracket, "an operator or `]`")?;
                Ok(Arithmetic::Load { protocol, index, size, span: self.span_from(first) })
            }
            _ => Err(self.expected("a number")),
        }
    }
}

/// The operation of `symbol` and how strongly it binds. `%` and `^` have no place in this order:
/// both take everything to their right, and are taken by whatever stands before them.
fn operator(symbol: Symbol) -> Option<(AluOp, Option<u8>)> {
    Some(match symbol {
        Symbol::Or => (AluOp::Or, Some(0)),
        Symbol::And => (AluOp::And, Some(1)),
        Symbol::ShiftLeft => (AluOp::Lsh, Some(2)),
        Symbol::ShiftRight => (AluOp::Rsh, Some(2)),
        Symbol::Plus => (AluOp::Add, Some(3)),
        Symbol::Minus => (AluOp::Sub, Some(3)),
        Symbol::Star => (AluOp::Mul, Some(4)),
        Symbol::Slash => (AluOp::Div, Some(4)),
        Symbol::Percent => (AluOp::Mod, None),
        Symbol::Xor => (AluOp::Xor, None),
        Symbol::Colon
        | Symbol::OpenBracket
        | Symbol::CloseBracket
        | Symbol::Open
        | Symbol::Close
        | Symbol::Equal
        | Symbol::NotEqual
        | Symbol::Less
        | Symbol::LessEqual
        | Symbol::Greater
        | Symbol::GreaterEqual => return None,
    })
}

fn comparison(symbol: Symbol) -> Option<Comparison> {
    COMPARISONS.iter().find(|row| row.0 == symbol).map(|row| row.1)
}

const COMPARISONS: &[(Symbol, Comparison)] = &[
    (Symbol::Equal, Comparison { cond: Cond::Eq, is_negated: false }),
    (Symbol::NotEqual, Comparison { cond: Cond::Eq, is_negated: true }),
    (Symbol::Greater, Comparison { cond: Cond::Gt, is_negated: false }),
    (Symbol::LessEqual, Comparison { cond: Cond::Gt, is_negated: true }),
    (Symbol::GreaterEqual, Comparison { cond: Cond::Ge, is_negated: false }),
    (Symbol::Less, Comparison { cond: Cond::Ge, is_negated: true }),
];
