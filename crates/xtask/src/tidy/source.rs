//! Rules about one file by itself: its length, its names, its lines.

use super::{File, Finding};

const LINES_MAX: usize = 600;

/// Languages in which a file is read from top to bottom.
const SOURCE_ENDINGS: [&str; 6] = [".rs", ".c", ".h", ".py", ".sh", ".ci/run"];

/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 9] =
    ["util", "utils", "helper", "helpers", "common", "types", "manager", "managers", "misc"];

/// Where `helper` is a term of the field: the kernel functions that a program calls.
const BPF_HELPERS: [&str; 2] = ["crates/abi/src/helper", "crates/vm/src/helper"];

/// Beginnings of paths that exist on one machine only. They are written in two parts so that this
/// file does not hold what it looks for.
const MACHINE_PATHS: [&str; 2] = [concat!("/wo", "rk/"), concat!("/tmp/", "target")];

pub(super) fn check(file: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    let is_source = SOURCE_ENDINGS.iter().any(|ending| file.path.ends_with(ending));
    if is_source {
        findings.extend(length(file));
        findings.extend(name(file));
    }
    for (index, line) in file.text.lines().enumerate() {
        let mut report = |message| findings.push(Finding::new(file, index + 1, message));
        if is_source && is_banner(line, file.path.ends_with(".rs") || file.path.ends_with(".c")) {
            report("a banner comment: give the part a module or a name".to_owned());
        }
        if let Some(name) = inline_module(line).filter(|_| file.path.ends_with(".rs")) {
            report(format!("`{name}` says nothing as the name of a module"));
        }
        if let Some(path) = MACHINE_PATHS.iter().find(|path| begins_a_path(line, path)) {
            report(format!("the path `{path}` exists on one machine only"));
        }
    }
    findings
}

fn length(file: &File) -> Option<Finding> {
    let is_exempt = file.text.lines().take(5).any(|line| line.contains("@generated"))
        || file.text.lines().any(|line| line.starts_with("//! Table:"));
    let lines = file.text.lines().count();
    (lines > LINES_MAX && !is_exempt)
        .then(|| Finding::new(file, LINES_MAX + 1, format!("{lines} lines, {LINES_MAX} allowed")))
}

/// An empty name among the file's folders, its stem included.
fn name(file: &File) -> Option<Finding> {
    let is_bpf = BPF_HELPERS.iter().any(|start| file.path.starts_with(start));
    let mut parts = file.path.split('/').map(|part| part.split('.').next().unwrap_or(part));
    let name = parts.find(|part| EMPTY_NAMES.contains(part) && !(is_bpf && *part == "helper"))?;
    Some(Finding::new(file, 1, format!("`{name}` says nothing as the name of a file or folder")))
}

/// The empty name of a module whose body starts on this line.
fn inline_module(line: &str) -> Option<&str> {
    let (visibility, rest) = line.split_once("mod ")?;
    let name = rest.strip_suffix('{')?.trim_end();
    let visibility = visibility.trim();
    ((visibility.is_empty() || visibility.starts_with("pub")) && EMPTY_NAMES.contains(&name))
        .then_some(name)
}

/// Whether a comment on its own line begins with a rule of four or more equal signs. Documentation
/// is exempt, because layouts of bits and packets are drawn there.
fn is_banner(line: &str, has_slashes: bool) -> bool {
    let line = line.trim_start();
    let rest = if !has_slashes {
        line.strip_prefix('#')
    } else if line.starts_with("//!") || (line.starts_with("///") && !line.starts_with("////")) {
        None
    } else {
        line.strip_prefix("//").or_else(|| line.strip_prefix("/*"))
    };
    let Some(rest) = rest.map(str::trim_start) else { return false };
    let Some(sign) = rest.chars().next().filter(|sign| "-=*#~_/+".contains(*sign)) else {
        return false;
    };
    // `/****` is the fourth sign's own form: its first stands before the rest.
    let needed =
        if line.starts_with("/**") || line.starts_with("//") && sign == '/' { 2 } else { 4 };
    rest.chars().take_while(|c| *c == sign).count() >= needed
}

/// Whether `path` stands in `line` as the beginning of a path, not as the middle of a longer one.
fn begins_a_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || "._-~})".contains(c))
    })
}
