//! Filters as expressions, compiled for each link type that they meet.

use netloom_cbpf::Program;
use netloom_cbpf::expression::{ExpressionError, Options, compile};
use netloom_packet::link::LinkType;

use super::names::SystemNames;
use crate::failure::{ErrorReport, Failure};
use crate::report::Mark;

/// The name of an expression in messages.
const NAME: &str = "<expression>";

/// A filter that chooses packets of any link type.
#[derive(Debug)]
pub(crate) enum Filter {
    /// The same program for all.
    Program(Program),
    /// An expression, with the programs made of it so far.
    Expression {
        /// Its text.
        text: String,
        /// What the programs return for a match.
        snaplen: u32,
        /// Its programs.
        programs: Vec<(LinkType, Program)>,
    },
}

impl Filter {
    /// The filter of an expression; whether it is one shows when it is compiled.
    pub(crate) fn expression(text: String, snaplen: u32) -> Self {
        Self::Expression { text, snaplen, programs: Vec::new() }
    }

    /// The program for packets of a link type.
    ///
    /// # Errors
    /// When the text is no expression, or not one for these packets.
    pub(crate) fn program(&mut self, link: LinkType) -> Result<&Program, Failure> {
        let (text, snaplen, programs) = match self {
            Self::Program(program) => return Ok(program),
            Self::Expression { text, snaplen, programs } => (text, *snaplen, programs),
        };
        let known = programs.iter().position(|(other, _)| *other == link);
        let at = match known {
            Some(at) => at,
            None => {
                programs.push((link, compiled(text, link, snaplen)?));
                programs.len() - 1
            }
        };
        Ok(&programs[at].1)
    }
}

fn compiled(text: &str, link: LinkType, snaplen: u32) -> Result<Program, Failure> {
    let options = Options { snaplen, names: &SystemNames, ..Options::new(link) };
    let insns = compile(text, &options).map_err(|error| refused(text, &error))?;
    Program::new(insns).map_err(|error| {
        let message = format!("cannot run the filter: {error}");
        ErrorReport::new("filter-refused", message).with_help("split the expression").into()
    })
}

fn refused(text: &str, error: &ExpressionError) -> Failure {
    let report = ErrorReport::new("expression-refused", error.reason.to_string());
    let report = report.with_mark(mark(text, error));
    report.with_help("pcap-filter(7) describes expressions").into()
}

/// The place in the line where an expression goes wrong.
fn mark(text: &str, error: &ExpressionError) -> Option<Mark> {
    let (line, _) = error.line_column(text);
    let begin = text.get(..error.span.start)?.rfind('\n').map_or(0, |newline| newline + 1);
    let content = text.get(begin..)?.lines().next().unwrap_or_default();
    let column = |at: usize| u32::try_from(at.saturating_sub(begin).min(content.len()) + 1).ok();
    Some(Mark {
        file: NAME.to_owned(),
        line: u32::try_from(line).ok()?,
        column: column(error.span.start)?,
        end_column: column(error.span.end)?,
        text: content.as_bytes().to_vec(),
    })
}
