//! The parser and the printer against the real `iptables-legacy` 1.8.9.
//!
//! Every case is loaded by the real tool in a network namespace of its own, by which the kernel
//! has its say too. `cases.txt` says for each what must happen; where the two differ, it says why.
#![expect(clippy::print_stdout, reason = "skips and figures are told on standard output")]

mod alone;
mod tool;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use netloom_firewall::diagnostic::Diagnostic;
use netloom_firewall::model::{Family, Match, MatchItem, Ruleset, TableName, Target};
use netloom_firewall::parse::{ParseOptions, parse};
use netloom_firewall::print::{self, CounterLookup, ListOptions, SaveOptions};

/// What must happen to a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expectation {
    /// Both accept it and print the same.
    Same,
    /// Both accept it; ours prints what follows ` => `.
    Differs,
    /// Both refuse it.
    Refused,
    /// Only ours accepts it.
    Ours,
    /// Only the real tool accepts it.
    Theirs,
}

/// One case of `cases.txt`.
#[derive(Clone, Debug)]
struct Case {
    number: usize,
    family: Family,
    table: TableName,
    expectation: Expectation,
    /// The lines between the table's head and its `COMMIT`, or a whole file.
    lines: String,
    /// What ours prints, for [`Expectation::Differs`].
    printed: Option<String>,
}

/// Sections start with `[family table expectation] reason`; a case is one line, in which `\n`
/// separates lines and `\t` is a tabulator.
fn cases() -> Vec<Case> {
    let mut section = None;
    let mut cases = Vec::new();
    for (number, line) in include_str!("cases.txt").lines().enumerate() {
        if line.is_empty() || line.starts_with("# ") {
            continue;
        }
        if let Some((head, _reason)) =
            line.strip_prefix("[[").and_then(|head| head.split_once("]]"))
        {
            let words: Vec<_> = head.split(' ').collect();
            section = Some(section_of(&words, number + 1));
            continue;
        }
        let (family, table, expectation) = section.expect("a case stands in a section");
        let (lines, printed) = match line.split_once(" => ") {
            Some((lines, printed)) => (lines, Some(printed.to_owned())),
            None => (line, None),
        };
        let lines = lines.replace("\\n", "\n").replace("\\t", "\t");
        cases.push(Case { number: number + 1, family, table, expectation, lines, printed });
    }
    cases
}

fn section_of(words: &[&str], number: usize) -> (Family, TableName, Expectation) {
    let [family, table, expectation] = words else { panic!("line {number}: not a section") };
    let family = match *family {
        "v4" => Family::V4,
        "v6" => Family::V6,
        other => panic!("line {number}: family {other}"),
    };
    let table = TableName::ALL.into_iter().find(|name| name.as_str() == *table);
    let expectation = match *expectation {
        "same" => Expectation::Same,
        "differs" => Expectation::Differs,
        "refused" => Expectation::Refused,
        "ours" => Expectation::Ours,
        "theirs" => Expectation::Theirs,
        other => panic!("line {number}: expectation {other}"),
    };
    (family, table.unwrap_or_else(|| panic!("line {number}: table")), expectation)
}

impl Case {
    fn text(&self) -> String {
        match self.lines.strip_prefix("FILE ") {
            Some(file) => file.to_owned(),
            None => {
                format!(
                    "*{}\n:U - [0:0]\n:V - [0:0]\n{}\nCOMMIT\n",
                    self.table.as_str(),
                    self.lines
                )
            }
        }
    }

    /// What is wrong with the case, if anything.
    fn check(&self) -> Result<(), String> {
        let text = self.text();
        let options = ParseOptions { family: Some(self.family) };
        let ours = parse(text.as_bytes(), options)
            .map(|parsed| saved(&parsed.ruleset, &[self.table], false))
            .map_err(shown);
        let theirs = tool::save(&text, self.family, &[self.table], false)
            .map(|text| without_comments(&text));
        let fits = match (self.expectation, &ours, &theirs) {
            (Expectation::Same, Ok(ours), Ok(theirs)) => ours == theirs,
            (Expectation::Differs, Ok(ours), Ok(theirs)) => {
                let printed = self.printed.as_deref().unwrap_or_default();
                ours != theirs && ours.lines().any(|line| line == printed)
            }
            (Expectation::Refused, Err(_), Err(_))
            | (Expectation::Ours, Ok(_), Err(_))
            | (Expectation::Theirs, Err(_), Ok(_)) => true,
            _ => false,
        };
        if fits {
            return Ok(());
        }
        let side = |side: &Result<String, String>| match side {
            Ok(text) => format!("accepted, printed\n{text}"),
            Err(text) => format!("refused\n{text}"),
        };
        let (ours, theirs) = (side(&ours), side(&theirs));
        let Self { number, lines, expectation, .. } = self;
        Err(format!(
            "line {number}: {lines}\nexpected: {expectation:?}\nours: {ours}\nreal: {theirs}"
        ))
    }
}

fn shown(findings: Vec<Diagnostic>) -> String {
    let lines: Vec<_> = findings.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

fn saved(ruleset: &Ruleset, tables: &[TableName], counters: bool) -> String {
    let from_file = print::file_counters(ruleset);
    let lookup: CounterLookup<'_> = if counters { &from_file } else { &print::no_counters };
    let options = SaveOptions { rule_counters: counters, counters: lookup, comment: None };
    let of = |table: &TableName| {
        let tables = ruleset.table(*table).cloned().into_iter().collect();
        print::save(&Ruleset { family: ruleset.family, tables }, &options)
    };
    tables.iter().map(of).collect()
}

fn without_comments(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// Whether the real tools can be asked; says why not.
fn can_ask(test: &str) -> bool {
    match tool::missing() {
        Some(reason) => {
            println!("skipped: {test}: {reason}");
            false
        }
        None => true,
    }
}

#[test]
fn rules_are_accepted_refused_and_printed_as_the_real_tool_does() {
    if !can_ask("rules against iptables-legacy") {
        return;
    }
    let cases = cases();
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(failure) = case.check() {
                        failures.lock().expect("no thread panics").push((case.number, failure));
                    }
                }
            });
        }
    });
    let mut failures = failures.into_inner().expect("no thread panics");
    failures.sort();
    let texts: Vec<_> = failures.iter().map(|(_, text)| text.as_str()).collect();
    println!("ran {} cases", cases.len());
    assert!(texts.is_empty(), "{} of {}:\n{}", texts.len(), cases.len(), texts.join("\n"));
}

/// The real rulesets that lie beside the workspace on machines that have them.
fn rulesets() -> Vec<(PathBuf, String, Ruleset)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/rulesets");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!("skipped: {} is not there", folder.display());
        return Vec::new();
    };
    let mut files: Vec<_> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "save"))
        .collect();
    files.sort();
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).expect("a readable ruleset");
        let parsed = parse(text.as_bytes(), ParseOptions::default()).expect("a valid ruleset");
        (path, text, parsed.ruleset)
    };
    files.into_iter().map(read).collect()
}

/// What the rules of the rulesets need in the namespace before they can be loaded.
const SETUP: &str = "ipset create docker-ext-bridges-v4 hash:net";

#[test]
fn real_rulesets_are_printed_as_the_real_tool_does() {
    if !can_ask("rulesets against iptables-legacy") {
        return;
    }
    let (mut same, mut skipped) = (0, 0);
    for (path, text, ruleset) in rulesets() {
        let tables: Vec<_> = ruleset.tables.iter().map(|table| table.name).collect();
        match tool::save_after(SETUP, &text, ruleset.family, &tables, false) {
            Ok(theirs) => {
                let ours = saved(&ruleset, &tables, false);
                compare(&path, &ruleset, &ours, &without_comments(&theirs));
                same += 1;
            }
            Err(reason) => {
                println!("skipped: {}: {}", path.display(), reason.trim());
                skipped += 1;
            }
        }
    }
    println!("ran {same}, skipped {skipped}");
    assert_eq!(skipped, 0, "this kernel loads every ruleset");
}

/// Lines may differ only in what is not compiled, which ours prints as it was written.
fn compare(path: &Path, ruleset: &Ruleset, ours: &str, theirs: &str) {
    let unsupported = unsupported_lines(ruleset);
    assert_eq!(ours.lines().count(), theirs.lines().count(), "{}", path.display());
    let mut written = 0;
    for (ours, theirs) in ours.lines().zip(theirs.lines()).filter(|(ours, theirs)| ours != theirs) {
        assert!(unsupported.contains(ours), "{}:\n{ours}\n{theirs}", path.display());
        written += 1;
    }
    if written > 0 {
        println!("{}: {written} rules in the form of the file", path.display());
    }
}

/// The printed rules that have a match or target which is not compiled.
fn unsupported_lines(ruleset: &Ruleset) -> HashSet<String> {
    let chains = ruleset.tables.iter().flat_map(|table| &table.chains);
    let rules = chains.flat_map(|chain| chain.rules.iter().map(move |rule| (chain, rule)));
    rules
        .filter(|(_, rule)| {
            let matches = rule.matches.iter();
            let unsupported = |item: &MatchItem| matches!(item.kind, Match::Unsupported { .. });
            matches!(rule.target.kind, Target::Unsupported { .. })
                || matches.clone().any(unsupported)
        })
        .map(|(chain, rule)| print::rule(rule, &chain.name, ruleset.family))
        .collect()
}

#[test]
fn counters_are_printed_as_the_real_tool_does() {
    if !can_ask("counters against iptables-legacy") {
        return;
    }
    let text = include_str!("listing.v4");
    let ruleset = parsed(text, Family::V4);
    let tables = [TableName::Filter];
    let theirs = tool::save(text, Family::V4, &tables, true).expect("a ruleset that loads");
    assert_eq!(saved(&ruleset, &tables, true), without_comments(&theirs));
}

#[test]
fn listings_are_printed_as_the_real_tool_does() {
    if !can_ask("listings against iptables-legacy") {
        return;
    }
    for (text, family) in
        [(include_str!("listing.v4"), Family::V4), (include_str!("listing.v6"), Family::V6)]
    {
        let ruleset = parsed(text, family);
        let counters = print::file_counters(&ruleset);
        for bits in 0..8 {
            let options = ListOptions {
                verbose: bits & 1 != 0,
                exact: bits & 2 != 0,
                line_numbers: bits & 4 != 0,
                counters: &counters,
            };
            let flags = [(options.verbose, "-v"), (options.exact, "-x")];
            let mut flags: Vec<_> =
                flags.iter().filter(|(given, _)| *given).map(|(_, flag)| *flag).collect();
            if options.line_numbers {
                flags.push("--line-numbers");
            }
            let flags = flags.join(" ");
            for table in [TableName::Filter, TableName::Mangle] {
                let theirs = tool::list(text, family, table, &flags).expect("a ruleset that loads");
                assert_eq!(print::list(&ruleset, table, &options), theirs, "{flags}");
            }
        }
    }
}

fn parsed(text: &str, family: Family) -> Ruleset {
    let options = ParseOptions { family: Some(family) };
    parse(text.as_bytes(), options).map_err(shown).expect("a valid ruleset").ruleset
}
