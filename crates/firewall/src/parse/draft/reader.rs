//! The walk over the words, as getopt_long and the option loop of iptables do it.

use super::{Draft, Surroundings};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::Span;
use crate::parse::extension::{Extension, ExtensionOption, find_match};
use crate::parse::item::{Given, Item, Value};
use crate::parse::option::{self, Found, NotFound};
use crate::parse::word::Word;
use crate::protocol;

/// Reads the words of a line; the first error ends it, as what follows would be guesswork.
pub(crate) fn read<'a>(
    words: &'a [Word<'a>],
    surroundings: Surroundings<'_>,
) -> Result<Draft<'a>, Diagnostic> {
    let mut reader = Reader {
        words,
        at: 0,
        surroundings,
        draft: Draft::default(),
        negation: None,
        protocol_loaded: false,
        unknown: None,
        loose: false,
    };
    reader.run()?;
    Ok(reader.draft)
}

/// The state of the walk.
pub(super) struct Reader<'a, 'c> {
    words: &'a [Word<'a>],
    at: usize,
    pub(super) surroundings: Surroundings<'c>,
    pub(super) draft: Draft<'a>,
    /// The `!` that belongs to the next option.
    negation: Option<Span>,
    /// Whether the match of `-p` was loaded by an option.
    protocol_loaded: bool,
    /// The place (see [`Reader::item`]) of the last extension that has no row in the tables; it
    /// takes what nothing else knows.
    pub(super) unknown: Option<usize>,
    /// Whether a word that is no option may belong to the unknown extension.
    pub(super) loose: bool,
}

/// An option while it is read.
pub(super) struct Occurrence<'a> {
    /// `--name` or `-x`, for messages.
    pub(super) shown: String,
    /// The value behind `=` or in the same word.
    attached: Option<Value<'a>>,
    pub(super) negated: bool,
    /// From `!` to the last argument read so far.
    pub(super) span: Span,
}

impl Occurrence<'_> {
    /// An error about this option.
    pub(super) fn refuse(&self, code: Code) -> Diagnostic {
        Diagnostic::new(code, self.span, format!("`{}`", self.shown))
    }
}

impl<'a> Reader<'a, '_> {
    fn run(&mut self) -> Result<(), Diagnostic> {
        while let Some(word) = self.words.get(self.at) {
            self.at += 1;
            self.word(word)?;
        }
        match self.negation {
            Some(span) => Err(Diagnostic::new(Code::BadNegation, span, "nothing follows it")),
            None => Ok(()),
        }
    }

    fn word(&mut self, word: &'a Word<'a>) -> Result<(), Diagnostic> {
        let text = &*word.text;
        let stray = |code, detail| Err(Diagnostic::new(code, word.span, detail));
        if text == "!" {
            match self.negation.replace(word.span) {
                Some(_) => stray(Code::BadNegation, "`!` stands twice".to_owned()),
                None => Ok(()),
            }
        } else if text == "--" {
            match self.words.get(self.at) {
                Some(rest) => stray(Code::StrayWord, format!("`{}` behind `--`", rest.text)),
                None => Ok(()),
            }
        } else if text.starts_with("--") {
            self.long(word)
        } else if text.len() > 1 && text.starts_with('-') {
            self.short(word)
        } else if self.loose && self.negation.is_none() {
            self.keep_unknown(word);
            Ok(())
        } else {
            stray(Code::StrayWord, format!("`{text}`"))
        }
    }

    /// A word that starts with `--`.
    fn long(&mut self, word: &'a Word<'a>) -> Result<(), Diagnostic> {
        let text = &word.text[2..];
        let (name, attached) = match text.split_once('=') {
            Some((name, value)) => (name, Some(Value { text: value, span: word.span })),
            None => (text, None),
        };
        let mut found = option::long(name, &self.loaded());
        if found.is_err() && self.load_protocol_match(word.span) {
            found = option::long(name, &self.loaded());
            if found.is_err() {
                // The option is not the protocol's, so nothing has asked for its match.
                self.draft.matches.pop();
                self.protocol_loaded = false;
            }
        }
        match found {
            Ok(Found::Core(core, wants_value)) => {
                let occurrence = self.occurrence(word, format!("--{name}"), attached);
                self.core(core, wants_value, occurrence)
            }
            Ok(Found::Extension(place, option)) => {
                self.loose = false;
                let occurrence = self.occurrence(word, format!("--{name}"), attached);
                let given = self.given(option, occurrence)?;
                self.item(place).map_or(Ok(()), |item| item.add(given))
            }
            Err(_) if self.unknown.is_some() => {
                if let Some(span) = self.negation.take() {
                    self.keep_unknown(&Word { text: "!".into(), span });
                }
                self.keep_unknown(word);
                self.loose = true;
                Ok(())
            }
            Err(NotFound::Unknown) => {
                Err(Diagnostic::new(Code::UnknownOption, word.span, format!("`--{name}`")))
            }
            Err(NotFound::Ambiguous(names)) => {
                let detail = format!("`--{name}` may be `--{}`", names.join("`, `--"));
                Err(Diagnostic::new(Code::AmbiguousOption, word.span, detail))
            }
        }
    }

    /// A word of one-letter options; a value may follow the last one directly.
    fn short(&mut self, word: &'a Word<'a>) -> Result<(), Diagnostic> {
        for (at, letter) in word.text.char_indices().skip(1) {
            let shown = format!("-{letter}");
            let Some(Found::Core(core, wants_value)) = option::short(letter) else {
                return Err(Diagnostic::new(Code::UnknownOption, word.span, format!("`{shown}`")));
            };
            let rest = &word.text[at + letter.len_utf8()..];
            let attached =
                (wants_value && !rest.is_empty()).then_some(Value { text: rest, span: word.span });
            let occurrence = self.occurrence(word, shown, attached);
            self.core(core, wants_value, occurrence)?;
            if wants_value {
                break;
            }
        }
        Ok(())
    }

    /// The option in `word`, with the pending `!`.
    fn occurrence(
        &mut self,
        word: &Word<'_>,
        shown: String,
        attached: Option<Value<'a>>,
    ) -> Occurrence<'a> {
        let negation = self.negation.take();
        let start = negation.map_or(word.span.start, |span| span.start);
        let span = Span { start, ..word.span };
        Occurrence { shown, attached, negated: negation.is_some(), span }
    }

    /// The value of an option; where `invertible`, an old-style `!` may stand before it.
    pub(super) fn value(
        &mut self,
        occurrence: &mut Occurrence<'a>,
        invertible: bool,
    ) -> Result<Value<'a>, Diagnostic> {
        if let Some(value) = occurrence.attached.take() {
            return Ok(value);
        }
        let mut value = self.next_value(occurrence)?;
        if value.text == "!" && invertible && !occurrence.negated && self.at < self.words.len() {
            let detail = format!("`{} !`", occurrence.shown);
            self.draft.warnings.push(value.refuse(Code::OldNegation, detail));
            occurrence.negated = true;
            value = self.next_value(occurrence)?;
        }
        Ok(value)
    }

    /// The next word, whatever it is.
    pub(super) fn next_value(
        &mut self,
        occurrence: &mut Occurrence<'a>,
    ) -> Result<Value<'a>, Diagnostic> {
        let Some(word) = self.words.get(self.at) else {
            return Err(occurrence.refuse(Code::MissingArgument));
        };
        self.at += 1;
        occurrence.span.end = word.span.end;
        Ok(Value::new(word))
    }

    /// The next word, if it can be the optional argument of a command.
    pub(super) fn optional_value(&mut self) -> Option<Value<'a>> {
        let word = self.words.get(self.at).filter(|word| !word.text.starts_with(['-', '!']))?;
        self.at += 1;
        Some(Value::new(word))
    }

    /// Refuses a value behind the `=` of an option that takes none.
    pub(super) fn no_value(&self, occurrence: &Occurrence<'a>) -> Result<Value<'a>, Diagnostic> {
        match occurrence.attached {
            Some(_) => Err(occurrence.refuse(Code::UnexpectedArgument)),
            None => Ok(Value { text: "", span: occurrence.span }),
        }
    }

    fn given(
        &mut self,
        option: &'static ExtensionOption,
        mut occurrence: Occurrence<'a>,
    ) -> Result<Given<'a>, Diagnostic> {
        let value = match option.arguments {
            0 => self.no_value(&occurrence)?,
            _ => self.value(&mut occurrence, option.invertible)?,
        };
        let second = match option.arguments {
            0 | 1 => None,
            _ => Some(self.next_value(&mut occurrence)?),
        };
        Ok(Given { option, negated: occurrence.negated, value, second, span: occurrence.span })
    }

    /// The match or target at `place`: matches by their order, the target behind them.
    fn item(&mut self, place: usize) -> Option<&mut Item<'a>> {
        let target = self.draft.target.as_mut().map(|target| &mut target.item);
        self.draft.matches.get_mut(place).or(target)
    }

    /// The place that stands for the target.
    pub(super) const TARGET: usize = usize::MAX;

    /// The extensions with options so far, with their places, in an order in which the last one
    /// wins a shared name.
    fn loaded(&self) -> Vec<(usize, &'static Extension)> {
        let matches = self.draft.matches.iter().enumerate();
        let target = self.draft.target.iter().map(|target| (Self::TARGET, &target.item));
        matches.chain(target).filter_map(|(place, item)| Some((place, item.extension?))).collect()
    }

    /// Loads the match of `-p`, once; returns whether it did.
    fn load_protocol_match(&mut self, span: Span) -> bool {
        let Some(protocol) = self.draft.protocol else { return false };
        if self.protocol_loaded {
            return false;
        }
        let written = protocol.value.written.text;
        let lower = written.to_ascii_lowercase();
        let numeric = written.starts_with(|c: char| c.is_ascii_digit());
        let saved = protocol::saved_name(protocol.value.number).unwrap_or_default();
        let name = if numeric { saved } else { &lower };
        let Some(extension) = find_match(name, self.surroundings.family) else { return false };
        self.protocol_loaded = true;
        self.draft.matches.push(Item::new(extension.name, Some(extension), span));
        true
    }

    /// Gives a word that nothing else knows to the extension that is not in the tables.
    fn keep_unknown(&mut self, word: &Word<'_>) {
        if let Some(item) = self.unknown.and_then(|place| self.item(place)) {
            item.arguments.push(word.text.clone().into_owned());
            item.extend_span(word.span);
        }
    }
}
