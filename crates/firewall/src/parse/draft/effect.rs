//! What each option of `iptables` itself adds to the draft.

use super::reader::{Occurrence, Reader};
use super::{Command, ProtocolDraft, TargetDraft};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Counters, Family, Negatable, Span};
use crate::parse::extension::{find_match, find_target, is_foreign};
use crate::parse::item::{Item, Value};
use crate::parse::option::{CommandOption, Core, HeaderOption};
use crate::parse::{header, limits, number};
use crate::protocol;

/// Names of targets that are built into the table walk.
const VERDICTS: [&str; 4] = ["ACCEPT", "DROP", "RETURN", "QUEUE"];

impl<'a> Reader<'a, '_> {
    pub(super) fn core(
        &mut self,
        core: Core,
        wants_value: bool,
        mut occurrence: Occurrence<'a>,
    ) -> Result<(), Diagnostic> {
        let invertible = matches!(core, Core::Header(_) | Core::Protocol | Core::Fragment);
        if occurrence.negated && !invertible {
            return Err(occurrence.refuse(Code::BadNegation));
        }
        let value = match wants_value {
            true => self.value(&mut occurrence, invertible)?,
            false => self.no_value(&occurrence)?,
        };
        self.loose = false;
        match core {
            Core::Command(command) => self.command(command, value, &mut occurrence),
            Core::Header(option) => self.header(option, value, &occurrence),
            Core::Protocol => self.protocol(value, &occurrence),
            Core::Fragment => {
                let fragment = Negatable { negated: occurrence.negated, value: occurrence.span };
                once(self.draft.fragment.replace(fragment).is_some(), &occurrence)
            }
            Core::Match => self.load_match(value, occurrence.span),
            Core::Jump | Core::Goto => self.load_target(core == Core::Goto, value, &occurrence),
            Core::Counters => self.counters(value, &mut occurrence),
            Core::Ipv4 => self.only(Family::V4),
            Core::Ipv6 => self.only(Family::V6),
            Core::Verbose => Ok(()),
            Core::NotInFile => Err(occurrence.refuse(Code::UnsupportedCommand)),
            Core::NotInLine => Err(occurrence.refuse(Code::OptionNotAllowed)),
        }
    }

    fn header(
        &mut self,
        option: HeaderOption,
        value: Value<'a>,
        occurrence: &Occurrence<'a>,
    ) -> Result<(), Diagnostic> {
        let draft = &mut self.draft;
        let place = match option {
            HeaderOption::Source => &mut draft.source,
            HeaderOption::Destination => &mut draft.destination,
            HeaderOption::InInterface => &mut draft.in_interface,
            HeaderOption::OutInterface => &mut draft.out_interface,
        };
        let written = Negatable { negated: occurrence.negated, value };
        once(place.replace(written).is_some(), occurrence)
    }

    fn protocol(
        &mut self,
        value: Value<'a>,
        occurrence: &Occurrence<'a>,
    ) -> Result<(), Diagnostic> {
        let lower = value.text.to_ascii_lowercase();
        let number = number::unsigned_u8(&lower).or_else(|| protocol::number(&lower));
        let Some(number) = number else {
            return Err(value.refuse(Code::UnknownProtocol, format!("`{}`", value.text)));
        };
        if occurrence.negated && number == 0 {
            return Err(occurrence.refuse(Code::NeverProtocol));
        }
        let never = self.surroundings.family == Family::V6 && header::is_extension_header(number);
        if never && !occurrence.negated {
            let detail = format!("`{}`", value.text);
            self.draft.warnings.push(value.refuse(Code::ExtensionHeader, detail));
        }
        let written = ProtocolDraft { number, written: value };
        let protocol = Negatable { negated: occurrence.negated, value: written };
        once(self.draft.protocol.replace(protocol).is_some(), occurrence)
    }

    fn load_match(&mut self, name: Value<'a>, span: Span) -> Result<(), Diagnostic> {
        check_name(name)?;
        let extension = find_match(name.text, self.surroundings.family);
        if extension.is_none() {
            self.refuse_foreign(name)?;
            self.unknown = Some(self.draft.matches.len());
        }
        self.draft.matches.push(Item::new(name.text, extension, span));
        Ok(())
    }

    fn load_target(
        &mut self,
        goto: bool,
        name: Value<'a>,
        occurrence: &Occurrence<'a>,
    ) -> Result<(), Diagnostic> {
        check_name(name)?;
        let known = VERDICTS.contains(&name.text);
        let extension = find_target(name.text, self.surroundings.family);
        if extension.is_none() && !known && !(self.surroundings.is_chain)(name.text) {
            self.refuse_foreign(name)?;
            self.unknown = Some(Self::TARGET);
        }
        let item = Item::new(name.text, extension, occurrence.span);
        let target = TargetDraft { goto, name, item };
        once(self.draft.target.replace(target).is_some(), occurrence)
    }

    /// Refuses a name that only the other family has.
    fn refuse_foreign(&self, name: Value<'a>) -> Result<(), Diagnostic> {
        match is_foreign(name.text, self.surroundings.family) {
            true => Err(name.refuse(Code::WrongFamily, format!("`{}`", name.text))),
            false => Ok(()),
        }
    }

    /// `-c packets bytes` or `-c packets,bytes`.
    fn counters(
        &mut self,
        value: Value<'a>,
        occurrence: &mut Occurrence<'a>,
    ) -> Result<(), Diagnostic> {
        let (packets, bytes) = match value.text.split_once(',') {
            Some((packets, bytes)) => (packets, bytes),
            None => (value.text, self.next_value(occurrence)?.text),
        };
        let (Ok(packets), Ok(bytes)) = (packets.parse(), bytes.parse()) else {
            return Err(occurrence.refuse(Code::BadCounters));
        };
        let counters = Counters { packets, bytes };
        once(self.draft.counters.replace(counters).is_some(), occurrence)
    }

    fn only(&mut self, family: Family) -> Result<(), Diagnostic> {
        self.draft.only_family = Some(family);
        Ok(())
    }

    fn command(
        &mut self,
        command: CommandOption,
        chain: Value<'a>,
        occurrence: &mut Occurrence<'a>,
    ) -> Result<(), Diagnostic> {
        if self.draft.command.is_some() {
            return Err(occurrence.refuse(Code::SecondCommand));
        }
        self.draft.command = Some(match command {
            CommandOption::Append => Command::Append(chain),
            CommandOption::Insert => Command::Insert(chain, self.optional_value()),
            CommandOption::Replace => Command::Replace(chain, self.next_value(occurrence)?),
            CommandOption::Delete => Command::Delete(chain, self.optional_value()),
            CommandOption::Flush => Command::Flush(self.optional_value()),
            CommandOption::Zero => Command::Zero(self.optional_value()),
            CommandOption::NewChain => Command::NewChain(chain),
            CommandOption::DeleteChain => Command::DeleteChain(self.optional_value()),
            CommandOption::RenameChain => Command::RenameChain(chain, self.next_value(occurrence)?),
            CommandOption::Policy => Command::Policy(chain, self.next_value(occurrence)?),
        });
        Ok(())
    }
}

/// Refuses an option that was there before.
fn once(was_there: bool, occurrence: &Occurrence<'_>) -> Result<(), Diagnostic> {
    if was_there { Err(occurrence.refuse(Code::RepeatedOption)) } else { Ok(()) }
}

/// Refuses what can be no name of a match, target or chain.
fn check_name(name: Value<'_>) -> Result<(), Diagnostic> {
    let fits = (1..=limits::NAME_BYTES_MAX).contains(&name.text.len());
    match fits && !name.text.contains(char::is_whitespace) {
        true => Ok(()),
        false => Err(name.refuse(Code::BadTargetName, format!("`{}`", name.text))),
    }
}
