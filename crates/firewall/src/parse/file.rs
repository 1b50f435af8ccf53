//! The lines of a file: tables, chains, rules, `COMMIT`.

use super::draft::{self, Surroundings};
use super::item::Value;
use super::limits;
use super::rule::Source;
use super::table::TableBuilder;
use super::targets::ChainKind;
use super::word::{self, is_blank, span};
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::model::{Counters, Family, Ruleset, Table, TableName};

/// Reads all lines; findings of both severities come in the order of the file.
pub(crate) fn read(text: &[u8], family: Family) -> (Ruleset, Vec<Diagnostic>) {
    let mut file = File {
        family,
        tables: Vec::new(),
        open: None,
        findings: Vec::new(),
        carriage_return_seen: false,
        rules_of_closed: 0,
        errors: 0,
        findings_counted: 0,
    };
    let mut lines = text.split(|byte| *byte == b'\n').peekable();
    let mut number = 0;
    while let Some(line) = lines.next() {
        if lines.peek().is_none() && line.is_empty() {
            break;
        }
        number += 1;
        if !file.is_within_limits(number) {
            break;
        }
        if let Err(error) = file.line(line, number) {
            file.findings.push(error);
        }
    }
    file.end();
    (Ruleset { family, tables: file.tables }, file.findings)
}

struct File {
    family: Family,
    tables: Vec<Table>,
    open: Option<TableBuilder>,
    findings: Vec<Diagnostic>,
    carriage_return_seen: bool,
    /// Rules of the tables before the open one.
    rules_of_closed: usize,
    /// Errors among the first `findings_counted` findings.
    errors: usize,
    findings_counted: usize,
}

impl File {
    /// Whether line `number` may be read; if not, says why.
    fn is_within_limits(&mut self, number: u32) -> bool {
        let at = span(number, 0, 0);
        let new = self.findings[self.findings_counted..].iter();
        self.errors += new.filter(|found| found.code.severity() == Severity::Error).count();
        self.findings_counted = self.findings.len();
        if self.errors >= limits::ERRORS_MAX {
            let detail = self.errors.to_string();
            self.findings.push(Diagnostic::new(Code::TooManyErrors, at, detail));
            return false;
        }
        let lines = usize::try_from(number).unwrap_or(usize::MAX);
        if lines > limits::LINES_MAX {
            let detail = format!("more than {} lines", limits::LINES_MAX);
            self.findings.push(Diagnostic::new(Code::FileTooLong, at, detail));
            return false;
        }
        true
    }

    fn line(&mut self, bytes: &[u8], number: u32) -> Result<(), Diagnostic> {
        if bytes.len() > limits::LINE_BYTES_MAX {
            let at = span(number, 0, bytes.len());
            return Err(Diagnostic::new(Code::LineTooLong, at, format!("{} bytes", bytes.len())));
        }
        let line = self.text(bytes, number)?;
        match line.as_bytes().first() {
            None | Some(b'#') => Ok(()),
            Some(b'*') if self.open.is_none() => self.open_table(line, number),
            Some(b':') => self.chain(line, number),
            _ if line.trim_end_matches(is_blank) == "COMMIT" && self.open.is_some() => {
                self.commit();
                Ok(())
            }
            _ => self.rule(line, number),
        }
    }

    /// The line as text. A carriage return at the end is reported once and dropped.
    fn text<'l>(&mut self, bytes: &'l [u8], number: u32) -> Result<&'l str, Diagnostic> {
        let line = std::str::from_utf8(bytes).map_err(|error| {
            let at = error.valid_up_to();
            Diagnostic::new(Code::NotText, span(number, at, at + 1), format!("byte {}", at + 1))
        })?;
        if let Some(at) = line.find('\0') {
            return Err(Diagnostic::new(Code::NotText, span(number, at, at + 1), "byte 0"));
        }
        let Some(line) = line.strip_suffix('\r') else { return Ok(line) };
        if !self.carriage_return_seen {
            self.carriage_return_seen = true;
            let at = span(number, line.len(), line.len() + 1);
            self.findings.push(Diagnostic::new(Code::CarriageReturn, at, ""));
        }
        Ok(line)
    }

    /// `*table`.
    fn open_table(&mut self, line: &str, number: u32) -> Result<(), Diagnostic> {
        let name = first_word(line, 1, number);
        let known = TableName::ALL.into_iter().find(|table| table.as_str() == name.text);
        let Some(table) = known else {
            return Err(name.refuse(Code::UnknownTable, format!("`{}`", name.text)));
        };
        let at = span(number, 0, line.trim_end_matches(is_blank).len());
        let mut builder = TableBuilder::new(table, self.family, at);
        if let Some(earlier) = self.tables.iter().position(|earlier| earlier.name == table) {
            let earlier = self.tables.remove(earlier);
            let detail = format!("`{}`, also in line {}", table.as_str(), earlier.span.line);
            self.findings.push(Diagnostic::new(Code::SecondSection, at, detail));
            builder.keep_policies(earlier);
        }
        self.open = Some(builder);
        Ok(())
    }

    /// `:NAME POLICY [packets:bytes]`.
    fn chain(&mut self, line: &str, number: u32) -> Result<(), Diagnostic> {
        let Some(table) = &mut self.open else {
            return Err(Diagnostic::new(Code::OutsideTable, span(number, 0, line.len()), ""));
        };
        let name = first_word(line, 1, number);
        let name_end = usize::try_from(name.span.end).unwrap_or(line.len());
        let policy = first_word(line, name_end, number);
        let policy_end = usize::try_from(policy.span.end).unwrap_or(line.len());
        let counters = first_word(line, policy_end, number);
        if name.text.is_empty() || policy.text.is_empty() {
            return Err(Diagnostic::new(Code::BadChainLine, span(number, 0, line.len()), ""));
        }
        // `iptables-restore` without -c does not look at these, so a misfit is not an error.
        let counters = parse_counters(counters.text).map_or(Counters::default(), |found| found.0);
        table.declare(name, policy, counters)
    }

    fn rule(&mut self, line: &str, number: u32) -> Result<(), Diagnostic> {
        let whole = span(number, 0, line.len());
        let Some(table) = &mut self.open else {
            return Err(Diagnostic::new(Code::OutsideTable, whole, ""));
        };
        let (counters, start) = match line.starts_with('[') {
            true => leading_counters(line, number)?,
            false => (None, 0),
        };
        let words = word::split(line, start, number)?;
        let Some(first) = words.first() else {
            return Err(Diagnostic::new(Code::MissingCommand, whole, ""));
        };
        let text = line.get(offset(first.span.start)..).unwrap_or_default();
        let text = text.trim_end_matches(is_blank);
        let at = span(number, offset(first.span.start), offset(first.span.start) + text.len());
        let is_chain = |name: &str| table.chain_kind(name) != ChainKind::None;
        let surroundings = Surroundings { family: self.family, is_chain: &is_chain };
        let mut draft = draft::read(&words, surroundings)?;
        self.findings.append(&mut draft.warnings);
        if draft.only_family.is_some_and(|only| only != self.family) {
            self.findings.push(Diagnostic::new(Code::OtherFamily, at, ""));
            return Ok(());
        }
        let rules_max = limits::RULES_MAX.saturating_sub(self.rules_of_closed);
        if table.rules_added() >= rules_max {
            let detail = format!("more than {} rules", limits::RULES_MAX);
            return Err(Diagnostic::new(Code::FileTooLong, at, detail));
        }
        table.execute(&draft, &Source { text, span: at, counters }, &mut self.findings)
    }

    fn commit(&mut self) {
        if let Some(table) = self.open.take() {
            self.rules_of_closed += table.rules_added();
            let table = table.finish(&mut self.findings);
            self.tables.push(table);
        }
    }

    fn end(&mut self) {
        if let Some(table) = &self.open {
            let detail = format!("`{}`", table.name().as_str());
            self.findings.push(Diagnostic::new(Code::MissingCommit, table.span(), detail));
            self.commit();
        }
        self.findings.sort_by_key(|found| (found.span.line, found.span.start));
    }
}

fn offset(at: u32) -> usize {
    usize::try_from(at).unwrap_or(usize::MAX)
}

/// The first word at or behind `from`, empty at the end of the line.
fn first_word(line: &str, from: usize, number: u32) -> Value<'_> {
    let rest = &line[from..];
    let start = from + (rest.len() - rest.trim_start_matches(is_blank).len());
    let rest = &line[start..];
    let end = start + rest.find(is_blank).unwrap_or(rest.len());
    Value { text: &line[start..end], span: span(number, start, end) }
}

/// `[packets:bytes]` and what follows it.
fn parse_counters(text: &str) -> Option<(Counters, &str)> {
    let (inner, rest) = text.strip_prefix('[')?.split_once(']')?;
    let (packets, bytes) = inner.split_once(':')?;
    Some((Counters { packets: packets.parse().ok()?, bytes: bytes.parse().ok()? }, rest))
}

/// The counters before a rule and where the rule starts. What stands between the brackets may be
/// anything as long as both are there, since `iptables-restore` without -c does not read it.
fn leading_counters(line: &str, number: u32) -> Result<(Option<Counters>, usize), Diagnostic> {
    match line.find(']') {
        Some(end) if line[..end].contains(':') => {
            Ok((parse_counters(line).map(|found| found.0), end + 1))
        }
        _ => {
            let end = line.find(is_blank).unwrap_or(line.len());
            Err(Diagnostic::new(Code::BadCounters, span(number, 0, end), ""))
        }
    }
}
