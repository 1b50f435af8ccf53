//! The options of `iptables` itself, and how a written option finds its meaning.
//!
//! Look-up follows getopt_long: an exact name wins, the options of `iptables` before those of the
//! extensions loaded last; else a prefix counts if all options it fits are the same one.

use super::extension::{Extension, ExtensionOption};

/// An option of `iptables` itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Core {
    /// What the line does.
    Command(CommandOption),
    /// An address or a device.
    Header(HeaderOption),
    /// `-p`.
    Protocol,
    /// `-f`.
    Fragment,
    /// `-m`.
    Match,
    /// `-j`.
    Jump,
    /// `-g`.
    Goto,
    /// `-c`.
    Counters,
    /// `-4`.
    Ipv4,
    /// `-6`.
    Ipv6,
    /// `-v`, which only makes the tool talk.
    Verbose,
    /// A command that reads or prints: `-C`, `-L`, `-S`, `-h`, `-V`.
    NotInFile,
    /// An option that `iptables-restore` refuses in a line: `-t`, `-w`, `-n` and the like.
    NotInLine,
}

/// A command that changes a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CommandOption {
    /// `-A`.
    Append,
    /// `-D`.
    Delete,
    /// `-I`.
    Insert,
    /// `-R`.
    Replace,
    /// `-F`.
    Flush,
    /// `-Z`.
    Zero,
    /// `-N`.
    NewChain,
    /// `-X`.
    DeleteChain,
    /// `-E`.
    RenameChain,
    /// `-P`.
    Policy,
}

/// A condition that takes a value and may be inverted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeaderOption {
    /// `-s`.
    Source,
    /// `-d`.
    Destination,
    /// `-i`.
    InInterface,
    /// `-o`.
    OutInterface,
}

/// Meaning, short name, long names, number of arguments.
type Row = (Core, char, &'static [&'static str], u8);

/// Source: iptables(8). `\0` stands for no short name.
const CORE: &[Row] = &[
    (Core::Command(CommandOption::Append), 'A', &["append"], 1),
    (Core::Command(CommandOption::Delete), 'D', &["delete"], 1),
    (Core::Command(CommandOption::Insert), 'I', &["insert"], 1),
    (Core::Command(CommandOption::Replace), 'R', &["replace"], 1),
    (Core::Command(CommandOption::Flush), 'F', &["flush"], 0),
    (Core::Command(CommandOption::Zero), 'Z', &["zero"], 0),
    (Core::Command(CommandOption::NewChain), 'N', &["new-chain"], 1),
    (Core::Command(CommandOption::DeleteChain), 'X', &["delete-chain"], 0),
    (Core::Command(CommandOption::RenameChain), 'E', &["rename-chain"], 1),
    (Core::Command(CommandOption::Policy), 'P', &["policy"], 1),
    (Core::Header(HeaderOption::Source), 's', &["source", "src"], 1),
    (Core::Header(HeaderOption::Destination), 'd', &["destination", "dst"], 1),
    (Core::Protocol, 'p', &["protocol", "proto"], 1),
    (Core::Header(HeaderOption::InInterface), 'i', &["in-interface"], 1),
    (Core::Header(HeaderOption::OutInterface), 'o', &["out-interface"], 1),
    (Core::Fragment, 'f', &["fragments"], 0),
    (Core::Match, 'm', &["match"], 1),
    (Core::Jump, 'j', &["jump"], 1),
    (Core::Goto, 'g', &["goto"], 1),
    (Core::Counters, 'c', &["set-counters"], 1),
    (Core::Ipv4, '4', &["ipv4"], 0),
    (Core::Ipv6, '6', &["ipv6"], 0),
    (Core::Verbose, 'v', &["verbose"], 0),
    (Core::NotInFile, 'C', &["check"], 1),
    (Core::NotInFile, 'L', &["list"], 0),
    (Core::NotInFile, 'S', &["list-rules"], 0),
    (Core::NotInFile, 'h', &["help"], 0),
    (Core::NotInFile, 'V', &["version"], 0),
    (Core::NotInLine, 't', &["table"], 1),
    (Core::NotInLine, 'n', &["numeric"], 0),
    (Core::NotInLine, 'w', &["wait"], 0),
    (Core::NotInLine, 'W', &["wait-interval"], 1),
    (Core::NotInLine, 'x', &["exact"], 0),
    (Core::NotInLine, 'M', &["modprobe"], 1),
    (Core::NotInLine, '\0', &["line-numbers"], 0),
];

/// What a written option turned out to be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Found {
    /// An option of `iptables`, and whether it takes an argument.
    Core(Core, bool),
    /// An option of the extension at this place of the searched list.
    Extension(usize, &'static ExtensionOption),
}

/// Why a written option has no meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NotFound {
    /// Nothing fits.
    Unknown,
    /// The abbreviation fits these.
    Ambiguous(Vec<String>),
}

/// The meaning of the short option `letter`.
pub(crate) fn short(letter: char) -> Option<Found> {
    let row = CORE.iter().find(|row| row.1 == letter && letter != '\0')?;
    Some(Found::Core(row.0, row.3 != 0))
}

/// The meaning of the long option `name`; `loaded` are the extensions in the order of loading,
/// each with its place.
pub(crate) fn long(name: &str, loaded: &[(usize, &'static Extension)]) -> Result<Found, NotFound> {
    if let Some(row) = CORE.iter().find(|row| row.2.contains(&name)) {
        return Ok(Found::Core(row.0, row.3 != 0));
    }
    let of_extensions = || {
        loaded
            .iter()
            .rev()
            .flat_map(|(place, row)| row.options.iter().map(|option| (*place, option)))
    };
    if let Some((place, option)) = of_extensions().find(|(_, option)| option.is(name)) {
        return Ok(Found::Extension(place, option));
    }
    if name.is_empty() {
        return Err(NotFound::Unknown);
    }
    let core = CORE
        .iter()
        .filter(|row| row.2.iter().any(|own| own.starts_with(name)))
        .map(|row| (row.2[0], Found::Core(row.0, row.3 != 0)));
    let extensions = of_extensions()
        .filter(|(_, option)| option.starts_with(name))
        .map(|(place, option)| (option.name(), Found::Extension(place, option)));
    let mut candidates: Vec<_> = core.chain(extensions).collect();
    let Some((_, found)) = candidates.pop() else { return Err(NotFound::Unknown) };
    if candidates.is_empty() {
        return Ok(found);
    }
    let names = candidates.iter().map(|(own, _)| (*own).to_owned());
    Err(NotFound::Ambiguous(names.collect()))
}

#[cfg(test)]
mod tests {
    use super::super::extension::find_match;
    use super::*;
    use crate::model::Family;

    #[track_caller]
    fn check(name: &str, matches: &[&str], expected: &str) {
        let loaded: Vec<_> = matches
            .iter()
            .enumerate()
            .map(|(place, name)| (place, find_match(name, Family::V4).expect("a match")))
            .collect();
        let found = match long(name, &loaded) {
            Ok(Found::Core(core, _)) => format!("{core:?}"),
            Ok(Found::Extension(place, option)) => format!("{place}:{}", option.name()),
            Err(NotFound::Unknown) => "unknown".to_owned(),
            Err(NotFound::Ambiguous(_)) => "ambiguous".to_owned(),
        };
        assert_eq!(found, expected, "{name}");
    }

    #[test]
    fn long_names_may_be_abbreviated_while_they_are_unique() {
        check("source", &[], "Header(Source)");
        check("src", &[], "Header(Source)");
        check("sou", &[], "Header(Source)");
        check("proto", &[], "Protocol");
        check("p", &[], "ambiguous");
        check("d", &[], "ambiguous");
        check("", &["tcp"], "unknown");
        check("dp", &["tcp"], "0:dport");
        check("destination-po", &["tcp"], "0:dport");
        check("de", &["tcp"], "ambiguous");
        check("dport", &[], "unknown");
    }

    #[test]
    fn the_extension_loaded_last_owns_a_shared_name() {
        check("dport", &["tcp", "udp"], "1:dport");
        check("mark", &["connmark", "mark"], "1:mark");
    }
}
