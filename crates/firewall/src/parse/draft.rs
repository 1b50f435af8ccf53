//! From the words of a line to a draft: which options stand there, and whose they are.
//!
//! Values are read later, with two exceptions: the protocol, whose match is loaded by the first
//! option that nothing else knows (`-p tcp --dport 22`), and the target name, which decides what
//! options follow.

mod effect;
mod reader;

pub(crate) use reader::read;

use super::item::{Item, Value};
use crate::diagnostic::Diagnostic;
use crate::model::{Counters, Family, Negatable, Span};

/// A line as written.
#[derive(Debug, Default)]
pub(crate) struct Draft<'a> {
    pub(crate) command: Option<Command<'a>>,
    pub(crate) source: Option<Negatable<Value<'a>>>,
    pub(crate) destination: Option<Negatable<Value<'a>>>,
    pub(crate) in_interface: Option<Negatable<Value<'a>>>,
    pub(crate) out_interface: Option<Negatable<Value<'a>>>,
    pub(crate) protocol: Option<Negatable<ProtocolDraft<'a>>>,
    /// Whether `!` stands before `-f`, and where `-f` stands.
    pub(crate) fragment: Option<Negatable<Span>>,
    pub(crate) counters: Option<Counters>,
    /// `-4` or `-6`: the line is for this family only.
    pub(crate) only_family: Option<Family>,
    pub(crate) matches: Vec<Item<'a>>,
    pub(crate) target: Option<TargetDraft<'a>>,
    pub(crate) warnings: Vec<Diagnostic>,
}

/// `-p`: the number, and the name as written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ProtocolDraft<'a> {
    pub(crate) number: u8,
    pub(crate) written: Value<'a>,
}

/// `-j` or `-g`.
#[derive(Debug)]
pub(crate) struct TargetDraft<'a> {
    pub(crate) goto: bool,
    pub(crate) name: Value<'a>,
    pub(crate) item: Item<'a>,
}

/// What a line does to its table; the first value is the chain.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Command<'a> {
    /// `-A chain`.
    Append(Value<'a>),
    /// `-I chain [number]`.
    Insert(Value<'a>, Option<Value<'a>>),
    /// `-R chain number`.
    Replace(Value<'a>, Value<'a>),
    /// `-D chain [number]`.
    Delete(Value<'a>, Option<Value<'a>>),
    /// `-F [chain]`.
    Flush(Option<Value<'a>>),
    /// `-Z [chain]`, which changes nothing in a file.
    Zero(Option<Value<'a>>),
    /// `-N chain`.
    NewChain(Value<'a>),
    /// `-X [chain]`.
    DeleteChain(Option<Value<'a>>),
    /// `-E old new`.
    RenameChain(Value<'a>, Value<'a>),
    /// `-P chain policy`.
    Policy(Value<'a>, Value<'a>),
}

/// What the words of a line mean depends on these.
#[derive(Clone, Copy)]
pub(crate) struct Surroundings<'c> {
    pub(crate) family: Family,
    /// Whether the table has a chain of this name by now.
    pub(crate) is_chain: &'c dyn Fn(&str) -> bool,
}
