//! pcap-filter(7) expressions → classic programs, as `tcpdump` understands them.
//!
//! The verdict of a program is that of libpcap's optimised program for the same expression, on every
//! packet, also one cut short: a load outside the packet refuses it, so the order of tests is part of
//! the meaning.
//!
//! Reading order, which is also the order of stages: `lex` and `grammar` make a tree (`token`,
//! `syntax`, with the tables `protocol`, `constant` and `names`); `lower` makes a decision graph of
//! it (`graph`, `value`); `order` brings the tests into libpcap's order; `fold` and `simplify` take
//! away what can not be seen; `emit` makes instructions.

mod constant;
mod dominator;
mod emit;
mod error;
mod fold;
mod grammar;
mod graph;
mod lex;
mod lower;
mod names;
mod order;
mod protocol;
mod simplify;
mod syntax;
mod token;
mod value;

#[cfg(test)]
mod tests;

use netloom_packet::link::LinkType;

use crate::Insn;
pub use error::{ExpressionError, Reason};
use graph::Target;
pub use names::{Names, NoNames, Ports};

/// Bytes of an expression's text at most.
const TEXT_MAX: usize = 1 << 20;
/// Levels of parentheses, brackets and negations at most; each takes stack.
const NESTING_MAX: usize = 200;
/// Arithmetic operators in one comparison at most.
const OPERATORS_MAX: usize = 200;
/// Tests of an expression at most; four times what could ever make a program that runs.
const TESTS_MAX: usize = 1 << 14;

/// How many bytes of an accepted packet `tcpdump` keeps (`MAXIMUM_SNAPLEN`).
pub const SNAPLEN: u32 = 262_144;

/// What an expression is compiled for.
#[derive(Clone, Copy)]
pub struct Options<'n> {
    /// What the packets begin with.
    pub link: LinkType,
    /// What the program returns for an accepted packet: bytes to keep of it.
    pub snaplen: u32,
    /// The mask of the network captured from, for `ip broadcast`.
    pub netmask: Option<u32>,
    /// Where names are looked up.
    pub names: &'n dyn Names,
}

impl Options<'static> {
    /// For packets of `link` with `tcpdump`'s length, and no names but the built-in ones.
    pub fn new(link: LinkType) -> Self {
        Self { link, snaplen: SNAPLEN, netmask: None, names: &NoNames }
    }
}

/// The program of an expression. The empty expression accepts all packets.
///
/// # Errors
///
/// If `text` is no expression, says something that packets of this link type can not have, or no
/// packet satisfies it.
pub fn compile(text: &str, options: &Options<'_>) -> Result<Vec<Insn>, ExpressionError> {
    let whole = |reason| ExpressionError::new(0..text.len(), reason);
    let Some(expression) = grammar::parse(text)? else {
        return Ok(vec![Insn::RetK(options.snaplen)]);
    };
    let lower::Lowered { mut graph, is_verbatim } = lower::lower(&expression, options)?;
    if !is_verbatim {
        order::order(&mut graph);
    }
    fold::fold(&mut graph, is_verbatim).map_err(whole)?;
    if graph.root == Target::Reject && !is_verbatim {
        return Err(whole(Reason::RejectsAll));
    }
    simplify::simplify(&mut graph);
    emit::emit(&graph, options.snaplen).map_err(whole)
}
