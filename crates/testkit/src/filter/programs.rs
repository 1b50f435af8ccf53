//! The programs that both compilers make of a filter.

use std::{error, fmt};

use netloom_cbpf::expression::{ExpressionError, Options, compile};
use netloom_cbpf::{Insn, ParseError, parse};
use netloom_packet::link::LinkType;

use super::names::Files;
use super::tcpdump::{Compile, Form, Tcpdump, TcpdumpError};

/// A filter as two programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Programs {
    /// By our compiler.
    pub ours: Vec<Insn>,
    /// By libpcap's, with its optimizer.
    pub libpcap: Vec<Insn>,
}

/// Why there are no programs.
#[derive(Debug)]
pub enum ProgramsError {
    /// tcpdump gives none.
    Tcpdump(TcpdumpError),
    /// tcpdump's is not understood.
    Parse(ParseError),
    /// Our compiler gives none.
    Expression {
        /// The filter.
        text: String,
        /// Why.
        error: ExpressionError,
    },
}

impl Programs {
    /// The programs of a filter; `tcpdump` knows the link type.
    ///
    /// # Errors
    /// [`ProgramsError`].
    pub fn of(text: &str, tcpdump: &Tcpdump, options: &Options<'_>) -> Result<Self, ProgramsError> {
        let libpcap = tcpdump.program(text, Compile::Optimized, Form::Decimal);
        let libpcap = libpcap.map_err(ProgramsError::Tcpdump)?;
        let (_, libpcap) = parse(libpcap.as_bytes()).map_err(ProgramsError::Parse)?;
        let refused = |error| ProgramsError::Expression { text: text.to_owned(), error };
        Ok(Self { ours: compile(text, options).map_err(refused)?, libpcap })
    }
}

/// What our compiler needs to know to agree with tcpdump reading a file, which has no netmask.
pub fn options(link: LinkType, names: &Files) -> Options<'_> {
    Options { names, netmask: Some(0), ..Options::new(link) }
}

impl fmt::Display for ProgramsError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcpdump(error) => error.fmt(out),
            Self::Parse(error) => write!(out, "program of tcpdump: {error}"),
            Self::Expression { text, error } => write!(out, "filter `{text}`: {error}"),
        }
    }
}

impl error::Error for ProgramsError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Tcpdump(error) => Some(error),
            Self::Parse(error) => Some(error),
            Self::Expression { error, .. } => Some(error),
        }
    }
}
