//! A match or target as written: its name and its options with their arguments.

use super::extension::{Extension, ExtensionOption};
use super::word::Word;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::Span;

/// A match or target as written.
#[derive(Debug)]
pub(crate) struct Item<'a> {
    /// The canonical name for a known extension, else as written.
    pub(crate) name: &'a str,
    /// `None` for an extension that is not in the tables.
    pub(crate) extension: Option<&'static Extension>,
    /// From the name's option to the last argument.
    pub(crate) span: Span,
    /// The options of a known extension.
    pub(crate) options: Vec<Given<'a>>,
    /// All arguments of an unknown extension.
    pub(crate) arguments: Vec<String>,
}

/// One option with its arguments.
#[derive(Debug)]
pub(crate) struct Given<'a> {
    pub(crate) option: &'static ExtensionOption,
    pub(crate) negated: bool,
    /// The first argument; empty for an option that takes none.
    pub(crate) value: Value<'a>,
    /// The second argument of the few options that take two.
    pub(crate) second: Option<Value<'a>>,
    /// From `!` or the option to its last argument.
    pub(crate) span: Span,
}

/// An argument with its position.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Value<'a> {
    pub(crate) text: &'a str,
    pub(crate) span: Span,
}

impl<'a> Value<'a> {
    /// The whole of `word`.
    pub(crate) fn new(word: &'a Word<'_>) -> Self {
        Self { text: &word.text, span: word.span }
    }

    /// An error at this argument.
    pub(crate) fn refuse(&self, code: Code, detail: impl Into<String>) -> Diagnostic {
        Diagnostic::new(code, self.span, detail)
    }
}

impl<'a> Item<'a> {
    /// An item without options so far.
    pub(crate) fn new(name: &'a str, extension: Option<&'static Extension>, span: Span) -> Self {
        let name = extension.map_or(name, |row| row.name);
        Self { name, extension, span, options: Vec::new(), arguments: Vec::new() }
    }

    /// Adds an option; one that may stand only once, and cannot be inverted, is refused otherwise.
    pub(crate) fn add(&mut self, given: Given<'a>) -> Result<(), Diagnostic> {
        let name = given.option.name();
        if given.negated && !given.option.invertible {
            return Err(Diagnostic::new(Code::BadNegation, given.span, format!("`--{name}`")));
        }
        if !given.option.repeatable && self.get(name).is_some() {
            return Err(Diagnostic::new(Code::RepeatedOption, given.span, format!("`--{name}`")));
        }
        self.extend_span(given.span);
        self.options.push(given);
        Ok(())
    }

    /// Lets the item reach to the end of `span`.
    pub(crate) fn extend_span(&mut self, span: Span) {
        self.span.end = self.span.end.max(span.end);
    }

    /// The option `name`, if it is given.
    pub(crate) fn get(&self, name: &str) -> Option<&Given<'a>> {
        self.options.iter().find(|given| given.option.name() == name)
    }

    /// Whether the option `name` is given.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// An error about the whole item.
    pub(crate) fn refuse(&self, code: Code, detail: impl Into<String>) -> Diagnostic {
        Diagnostic::new(code, self.span, detail)
    }

    /// Refuses an item in which a mandatory option is missing.
    pub(crate) fn check_mandatory(&self) -> Result<(), Diagnostic> {
        let rows = self.extension.map_or(&[][..], |extension| extension.options);
        match rows.iter().find(|row| row.mandatory && !self.has(row.name())) {
            Some(row) => {
                let detail = format!("`{}` needs `--{}`", self.name, row.name());
                Err(self.refuse(Code::MissingOption, detail))
            }
            None => match self.extension.map_or(&[][..], |extension| extension.one_of) {
                [] => Ok(()),
                names => self.exactly_one(names).map(|_given| ()),
            },
        }
    }

    /// Refuses an item in which none or more than one of `names` is given, and returns the one.
    pub(crate) fn exactly_one(&self, names: &[&str]) -> Result<&Given<'a>, Diagnostic> {
        let mut given = self.options.iter().filter(|given| names.contains(&given.option.name()));
        let Some(first) = given.next() else {
            let detail = format!("`{}` needs one of `--{}`", self.name, names.join("`, `--"));
            return Err(self.refuse(Code::MissingOption, detail));
        };
        match given.next() {
            Some(second) => Err(Diagnostic::new(
                Code::ConflictingOptions,
                second.span,
                format!("`--{}` and `--{}`", first.option.name(), second.option.name()),
            )),
            None => Ok(first),
        }
    }

    /// All arguments in order, options under their saved names, `!` included.
    pub(crate) fn all_arguments(&self) -> Vec<String> {
        let mut all = self.arguments.clone();
        for given in &self.options {
            if given.negated {
                all.push("!".to_owned());
            }
            all.push(format!("--{}", given.option.name()));
            if given.option.arguments > 0 {
                all.push(given.value.text.to_owned());
            }
            all.extend(given.second.map(|second| second.text.to_owned()));
        }
        all
    }
}
