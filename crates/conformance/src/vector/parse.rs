//! Lines to vectors.

use super::compile::compile;
use super::section::{Line, Property, Section, heading, word};
use super::source::{Block, Body, Source, Variant};
use super::{Vector, VectorError, VectorReason};

/// The vectors of a file.
pub(super) fn parse(text: &str) -> Result<Vec<Vector>, VectorError> {
    let mut vectors = Vec::new();
    let mut draft: Option<Draft> = None;
    for (index, text) in text.lines().enumerate() {
        let line = index + 1;
        let at = |reason| VectorError { line, reason };
        if text.trim().is_empty() || text.trim_start().starts_with('#') {
            continue;
        }
        if text.starts_with(char::is_whitespace) {
            draft.as_mut().ok_or(at(VectorReason::Stray))?.content(line, text).map_err(at)?;
            continue;
        }
        let heading = heading(line, text).map_err(at)?;
        if let Line::Vector(name) = heading {
            if let Some(done) = draft.replace(Draft::new(line, name)) {
                vectors.push(done.finish()?);
            }
        } else {
            let draft = draft.as_mut().ok_or(at(VectorReason::Stray))?;
            draft.heading(line, text, heading).map_err(at)?;
        }
    }
    if let Some(done) = draft {
        vectors.push(done.finish()?);
    }
    Ok(vectors)
}

/// A vector that is being read.
struct Draft {
    source: Source,
    /// What indented lines belong to.
    open: Open,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    Nothing,
    Section(Section),
    Rows,
}

impl Draft {
    fn new(line: usize, name: String) -> Self {
        Self { source: Source::new(line, name), open: Open::Nothing }
    }

    fn heading(&mut self, line: usize, text: &str, heading: Line) -> Result<(), VectorReason> {
        let twice = Err(VectorReason::Twice { word: word(text).to_owned() });
        self.open = match heading {
            Line::Vector(_) => Open::Nothing,
            Line::Section(section) if self.begin(line, section) => Open::Section(section),
            Line::Section(_) => return twice,
            Line::Rows(_) if self.source.table.line != 0 => return twice,
            Line::Rows(table) => {
                self.source.table = table;
                Open::Rows
            }
            Line::Property(property) => {
                self.property(property);
                Open::Nothing
            }
        };
        Ok(())
    }

    /// Makes room for a section's lines; says whether the section may stand here.
    fn begin(&mut self, line: usize, section: Section) -> bool {
        let body = &mut self.source.body;
        match (section, body) {
            (Section::Each, _) => self.source.variants.is_empty(),
            (Section::Code, Body::Whole(blocks)) if blocks.is_empty() => {
                let functions = Block::default();
                self.source.body = Body::Code { code: Block::after(line), functions };
                true
            }
            (Section::Functions, Body::Code { functions, .. }) if functions.line == 0 => {
                *functions = Block::after(line);
                true
            }
            (Section::Whole, Body::Whole(blocks)) => {
                blocks.push(Block::after(line));
                true
            }
            (Section::Code | Section::Functions, _) | (Section::Whole, Body::Code { .. }) => false,
        }
    }

    fn property(&mut self, property: Property) {
        let source = &mut self.source;
        match property {
            Property::Type(kind) => source.kind = kind,
            Property::Context(register) => source.context = Some(register),
            Property::Scratch(registers) => source.scratch.extend(registers),
            Property::Map(map) => source.maps.push(map),
            Property::Only(kind, reason) => source.difference.only = Some((kind, reason)),
            Property::Refused(part) => source.difference.refused = Some(part),
            Property::Fault(part) => source.difference.fault = Some(part),
        }
    }

    fn content(&mut self, line: usize, text: &str) -> Result<(), VectorReason> {
        let section = match self.open {
            Open::Nothing => return Err(VectorReason::Stray),
            Open::Rows => return self.source.table.push(line, text),
            Open::Section(section) => section,
        };
        match (section, &mut self.source.body) {
            (Section::Each, _) => self.source.variants.push(variant(line, text)?),
            (Section::Code, Body::Code { code, .. }) => code.push(line, text),
            (Section::Functions, Body::Code { functions, .. }) => functions.push(line, text),
            (_, Body::Whole(blocks)) => {
                blocks.last_mut().ok_or(VectorReason::Stray)?.push(line, text);
            }
            (Section::Whole, Body::Code { .. }) => return Err(VectorReason::Stray),
        }
        Ok(())
    }

    fn finish(self) -> Result<Vector, VectorError> {
        let source = self.source;
        let error = |line, reason| Err(VectorError { line, reason });
        let has_code = match &source.body {
            Body::Code { code, .. } => !code.text.is_empty(),
            Body::Whole(blocks) => !blocks.is_empty(),
        };
        for (lacks, has) in [("code", has_code), ("rows", !source.table.rows.is_empty())] {
            if !has {
                return error(source.line, VectorReason::Incomplete { lacks });
            }
        }
        let named = source.table.results.iter().filter_map(|column| column.variant.as_ref());
        for name in named {
            if !source.variants.iter().any(|variant| variant.name == *name) {
                return error(source.table.line, VectorReason::Variant { name: name.clone() });
            }
        }
        compile(&source)
    }
}

fn variant(line: usize, text: &str) -> Result<Variant, VectorReason> {
    let parts = text.trim().split_once(char::is_whitespace);
    let expected = "a variant's name and a statement";
    let (name, statement) = parts.ok_or(VectorReason::Property { expected })?;
    Ok(Variant { line, name: name.to_owned(), statement: statement.trim().to_owned() })
}
