//! iptables-save text to the rule model.
//!
//! Reads what `iptables-restore` and `ip6tables-restore` 1.8.9 read, and refuses what they or the
//! kernel refuse; the exceptions are listed in the tests that compare with the real tools.
//! Invariant: every word of an accepted rule is in the model, typed or as it is written.
//!
//! Reading order: `file` (lines), `word` (words), `draft` (whose option is what), `matches` and
//! `targets` (values), `rule`, `table` (commands), `graph` (calls between chains).

mod address;
mod draft;
mod extension;
mod family;
mod file;
mod graph;
mod header;
mod item;
mod limits;
mod matches;
mod number;
mod option;
mod rule;
mod table;
mod targets;
mod word;

pub(crate) use graph::{builtin_chains, callee};
pub(crate) use matches::{ADDR_TYPES, DEFAULT_BURST, FLAGS, PACKET_TYPES, TICKS_PER_SECOND};
pub(crate) use targets::{DEFAULT_LOG_LEVEL, reject_names};

use crate::diagnostic::{Diagnostic, Severity};
use crate::model::{Family, Ruleset};

/// How to read a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ParseOptions {
    /// The address family; `None` takes it from the file.
    pub family: Option<Family>,
}

/// An accepted file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// What the file says.
    pub ruleset: Ruleset,
    /// What in it is doubtful, in file order.
    pub warnings: Vec<Diagnostic>,
}

/// Reads a whole file.
///
/// Without `options.family` the family is that of the comment which `iptables-save` writes, else
/// that of the first address or name which only one family has, else IPv4.
///
/// # Errors
///
/// All errors of the file with the warnings among them, in file order; at least one is an error.
pub fn parse(text: &[u8], options: ParseOptions) -> Result<Parsed, Vec<Diagnostic>> {
    let family = options.family.unwrap_or_else(|| family::detect(&String::from_utf8_lossy(text)));
    let (ruleset, findings) = file::read(text, family);
    if findings.iter().any(|found| found.code.severity() == Severity::Error) {
        Err(findings)
    } else {
        Ok(Parsed { ruleset, warnings: findings })
    }
}
