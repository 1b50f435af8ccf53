//! Lines that begin in the first column.

use netloom_abi::{MapKind, MapSpec, ProgramType};
use netloom_isa::Reg;

use super::VectorReason;
use super::source::Table;
use super::table::register;
use crate::engine::Kind;

/// What such a line begins or says.
pub(super) enum Line {
    Vector(String),
    Section(Section),
    Rows(Table),
    Property(Property),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    Each,
    Code,
    Functions,
    Whole,
}

pub(super) enum Property {
    Type(ProgramType),
    Context(Reg),
    Scratch(Vec<Reg>),
    Map(MapSpec),
    Only(Kind, String),
    Refused(String),
    Fault(String),
}

const SECTIONS: [(&str, Section); 4] = [
    ("each", Section::Each),
    ("code", Section::Code),
    ("functions", Section::Functions),
    ("whole", Section::Whole),
];

/// Map kinds by their names here.
const MAPS: [(&str, MapKind); 3] =
    [("array", MapKind::Array), ("hash", MapKind::Hash), ("programs", MapKind::ProgArray)];

/// The first word of a line.
pub(super) fn word(text: &str) -> &str {
    text.split([' ', '\t', ':']).next().unwrap_or(text)
}

/// Reads `text`, which is line `line`.
pub(super) fn heading(line: usize, text: &str) -> Result<Line, VectorReason> {
    let word = word(text);
    let rest = text[word.len()..].trim();
    if let Some((_, section)) = SECTIONS.iter().find(|(name, _)| *name == word) {
        return if rest.is_empty() {
            Ok(Line::Section(*section))
        } else {
            Err(wrong("nothing behind the section's name"))
        };
    }
    match word {
        "vector" if !rest.is_empty() => Ok(Line::Vector(rest.to_owned())),
        "vector" => Err(wrong("a name")),
        "rows" => Table::new(line, rest).map(Line::Rows),
        _ => property(word, rest).map(Line::Property),
    }
}

fn property(word: &str, rest: &str) -> Result<Property, VectorReason> {
    match word {
        "type" => match rest {
            "xdp" => Ok(Property::Type(ProgramType::Xdp)),
            "tc" => Ok(Property::Type(ProgramType::SchedCls)),
            _ => Err(wrong("xdp or tc")),
        },
        "context" => register(rest).map(Property::Context).ok_or(wrong("a register")),
        "scratch" => {
            let registers: Option<Vec<Reg>> = rest.split_whitespace().map(register).collect();
            let some = registers.filter(|registers| !registers.is_empty());
            some.map(Property::Scratch).ok_or(wrong("registers"))
        }
        "map" => map(rest).map(Property::Map).ok_or(wrong("a kind and three numbers")),
        "only" => match rest.split_once(": ") {
            Some(("ours", reason)) => Ok(Property::Only(Kind::Ours, reason.to_owned())),
            Some(("kernel", reason)) => Ok(Property::Only(Kind::Kernel, reason.to_owned())),
            _ => Err(wrong("`ours: ` or `kernel: ` and a reason")),
        },
        "refused" => message(rest).map(Property::Refused),
        "fault" => message(rest).map(Property::Fault),
        _ => Err(VectorReason::Word { word: word.to_owned() }),
    }
}

fn wrong(expected: &'static str) -> VectorReason {
    VectorReason::Property { expected }
}

/// What stands behind the colon.
fn message(rest: &str) -> Result<String, VectorReason> {
    let part = rest.strip_prefix(':').map(str::trim).filter(|part| !part.is_empty());
    part.map(str::to_owned).ok_or(wrong("a colon and a part of the message"))
}

/// `KIND KEY-BYTES VALUE-BYTES ENTRIES`.
fn map(text: &str) -> Option<MapSpec> {
    let mut words = text.split_whitespace();
    let kind = words.next()?;
    let (name, kind) = *MAPS.iter().find(|(name, _)| *name == kind)?;
    let mut number = || words.next()?.parse().ok();
    let (key_size, value_size, max_entries) = (number()?, number()?, number()?);
    let spec = MapSpec::new(name, kind, key_size, value_size, max_entries);
    words.next().is_none().then_some(spec)
}
