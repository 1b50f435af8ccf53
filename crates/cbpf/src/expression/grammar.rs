//! Tokens → tree, by recursive descent (pcap-filter(7)).
//!
//! A name or number without qualifiers takes those of the primitive before it; what a parenthesis
//! hands on are the qualifiers in force before it.

mod arithmetic;
mod identifier;
mod primitive;

use super::NESTING_MAX;
use super::error::{ExpressionError, Reason};
use super::lex;
use super::syntax::{Connective, Expression, Qualifiers};
use super::token::{Lexeme, Symbol, Token, Word};

type Parsed<T> = Result<T, ExpressionError>;

/// The tree of an expression; none where the text is empty.
pub(super) fn parse(text: &str) -> Parsed<Option<Expression<'_>>> {
    let tokens = lex::lex(text)?;
    if tokens.is_empty() {
        return Ok(None);
    }
    let closing = closing_parentheses(&tokens);
    let mut parser = Parser { text, tokens: &tokens, closing, at: 0, depth: 0 };
    let (expression, _) = parser.chain()?;
    match parser.peek() {
        None => Ok(Some(expression)),
        Some(_) => Err(parser.expected("`and`, `or` or the end")),
    }
}

/// For each opening parenthesis, where the one that closes it is.
fn closing_parentheses(tokens: &[Token<'_>]) -> Vec<Option<usize>> {
    let mut closing = vec![None; tokens.len()];
    let mut open = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        if token.lexeme == Lexeme::Symbol(Symbol::Open) {
            open.push(at);
        } else if token.lexeme == Lexeme::Symbol(Symbol::Close)
            && let Some(opening) = open.pop()
        {
            closing[opening] = Some(at);
        }
    }
    closing
}

struct Parser<'t, 'p> {
    text: &'t str,
    tokens: &'p [Token<'t>],
    closing: Vec<Option<usize>>,
    at: usize,
    depth: usize,
}

impl<'t> Parser<'t, '_> {
    /// Primitives joined by connectives, and the qualifiers of the last one. The first has to be
    /// complete.
    fn chain(&mut self) -> Parsed<(Expression<'t>, Option<Qualifiers>)> {
        let (first, mut qualifiers) = self.operand(None, false)?;
        let mut rest = Vec::new();
        while let Some(connective) = self.connective() {
            let (operand, its_qualifiers) = self.operand(qualifiers, true)?;
            qualifiers = its_qualifiers;
            rest.push((connective, operand));
        }
        let expression =
            if rest.is_empty() { first } else { Expression::Chain(Box::new(first), rest) };
        Ok((expression, qualifiers))
    }

    fn connective(&mut self) -> Option<Connective> {
        if self.take_word(Word::And) {
            Some(Connective::And)
        } else if self.take_word(Word::Or) {
            Some(Connective::Or)
        } else {
            None
        }
    }

    /// One operand of a connective and the qualifiers it hands on. With `is_elidable`, it may be a
    /// mere name or number with the qualifiers `inherited`.
    fn operand(
        &mut self,
        inherited: Option<Qualifiers>,
        is_elidable: bool,
    ) -> Parsed<(Expression<'t>, Option<Qualifiers>)> {
        if self.take_word(Word::Not) {
            return self.nested(|parser| {
                let (operand, qualifiers) = parser.operand(inherited, is_elidable)?;
                Ok((Expression::Not(Box::new(operand)), qualifiers))
            });
        }
        if self.begins_arithmetic() {
            return Ok((self.relation()?, None));
        }
        if self.begins_identifier() {
            let Some(qualifiers) = inherited.filter(|_| is_elidable) else {
                return Err(self.expected("a qualifier such as `host`, `net` or `port`"));
            };
            return Ok((self.identifier(qualifiers)?, inherited));
        }
        if self.take_symbol(Symbol::Open) {
            return self.nested(|parser| {
                let (inner, _) = parser.chain()?;
                parser.require(Symbol::Close, "`)`")?;
                Ok((inner, inherited))
            });
        }
        self.term()
    }

    /// Runs `parse` one level deeper.
    fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth == NESTING_MAX {
            return Err(self.refused(Reason::TooDeep { max: NESTING_MAX }));
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    fn peek(&self) -> Option<Lexeme<'t>> {
        self.lexeme(self.at)
    }

    fn lexeme(&self, at: usize) -> Option<Lexeme<'t>> {
        self.tokens.get(at).map(|token| token.lexeme)
    }

    fn take_word(&mut self, word: Word) -> bool {
        self.take(Lexeme::Word(word))
    }

    fn take_symbol(&mut self, symbol: Symbol) -> bool {
        self.take(Lexeme::Symbol(symbol))
    }

    fn take(&mut self, wanted: Lexeme<'static>) -> bool {
        let is_there = self.peek() == Some(wanted);
        self.at += usize::from(is_there);
        is_there
    }

    fn require(&mut self, symbol: Symbol, expected: &'static str) -> Parsed<()> {
        if self.take_symbol(symbol) { Ok(()) } else { Err(self.expected(expected)) }
    }

    fn number(&mut self) -> Parsed<u32> {
        let Some(Lexeme::Number(value)) = self.peek() else {
            return Err(self.expected("a number"));
        };
        self.at += 1;
        Ok(value)
    }

    /// The bytes from token `first` to the one before the next.
    fn span_from(&self, first: usize) -> std::ops::Range<usize> {
        let start = self.tokens.get(first).map_or(self.text.len(), |token| token.span.start);
        let end = self.tokens[..self.at].last().map_or(start, |token| token.span.end);
        start..end.max(start)
    }

    fn expected(&self, expected: &'static str) -> ExpressionError {
        self.refused(Reason::Unexpected { expected })
    }

    /// A fault at the next token.
    fn refused(&self, reason: Reason) -> ExpressionError {
        let span = self.tokens.get(self.at).map(|token| token.span.clone());
        ExpressionError::new(span.unwrap_or_else(|| lex::end_of(self.text)), reason)
    }
}
