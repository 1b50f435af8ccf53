//! A path that Markdown names exists.
//!
//! Three places name paths. A link must lead somewhere. A code span that is one word is taken for
//! a path when it has a folder and an ending. In commands, that is in longer spans and in fenced
//! blocks, users' own files stand beside ours: there only what begins with one of our folders is
//! taken for a path.

use std::path::Path;

use super::{File, Finding};

/// Endings of sources that we cite from other projects, the kernel's foremost.
const FOREIGN_ENDINGS: [&str; 5] = ["c", "h", "S", "cpp", "go"];

/// Marks of a pattern or placeholder.
const PLACEHOLDERS: [&str; 11] = ["*", "<", ">", "{", "}", "$", "|", "…", "...", "NAME", "NNNN"];

pub(super) fn check(file: &File, root: &Path) -> Vec<Finding> {
    if !file.path.ends_with(".md") {
        return Vec::new();
    }
    let folder = root.join(file.path.rsplit_once('/').map_or("", |(folder, _)| folder));
    let places = [root, &folder];
    let mut findings = Vec::new();
    let mut is_fenced = false;
    for (index, line) in file.text.lines().enumerate() {
        let is_fence = line.trim_start().starts_with("```") || line.trim_start().starts_with("~~~");
        is_fenced ^= is_fence;
        let missing = match (is_fence, is_fenced) {
            (true, _) => Vec::new(),
            (false, true) => missing_in_command(line, &places),
            (false, false) => missing_in_prose(line, root, &folder),
        };
        let message = |path: &str| format!("the path `{path}` does not exist");
        findings
            .extend(missing.into_iter().map(|path| Finding::new(file, index + 1, message(path))));
    }
    findings
}

fn missing_in_prose<'a>(line: &'a str, root: &Path, folder: &Path) -> Vec<&'a str> {
    let places = [root, folder];
    let mut missing: Vec<&str> = links(line)
        .filter(|target| {
            // GitHub reads a leading slash as the repository's folder.
            let below_root = target.strip_prefix('/');
            !below_root.map_or_else(|| folder.join(target), |path| root.join(path)).exists()
        })
        .collect();
    let pieces: Vec<&str> = line.split('`').collect();
    // Each odd piece is a code span; the last is one only if something follows it.
    for span in pieces[..pieces.len() - 1].iter().skip(1).step_by(2) {
        if span.trim().contains(' ') {
            missing.extend(missing_in_command(span, &places));
        } else {
            let is_ours = |path: &&str| !is_foreign(path) || begins_here(path, &places);
            missing.extend(as_path(span).filter(is_ours).filter(|path| !exists(path, &places)));
        }
    }
    missing
}

fn missing_in_command<'a>(line: &'a str, places: &[&Path]) -> Vec<&'a str> {
    let words = line.split([' ', '\t', '=']).filter_map(as_path);
    words.filter(|path| begins_here(path, places) && !exists(path, places)).collect()
}

/// The local targets of links: `](target)` and `[name]: target`, without title and anchor.
fn links(line: &str) -> impl Iterator<Item = &str> {
    let inline = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let reference = line.strip_prefix('[').and_then(|rest| rest.split_once("]: "));
    inline
        .chain(reference.map(|(_, target)| target))
        .filter_map(|target| target.split_whitespace().next())
        .filter(|target| !target.contains(':'))
        .filter_map(|target| target.split('#').next())
        .filter(|target| !target.is_empty())
}

/// The path that `word` is, without quotation marks and line number; `None` when it is none.
fn as_path(word: &str) -> Option<&str> {
    let path = word.trim_matches(['"', '\'', '(', ')', '[', ']', ',', ';']).trim_end_matches('.');
    if path.contains("://") || path.starts_with(['/', '~', '-']) {
        return None;
    }
    let path = path.split(':').next().unwrap_or(path);
    let is_pattern = PLACEHOLDERS.iter().any(|mark| path.contains(mark));
    let (_, last) = path.rsplit_once('/')?;
    (!is_pattern && (last.is_empty() || ending(path).is_some())).then_some(path)
}

/// What follows the last dot of a file's name, if it looks like the ending of a name.
fn ending(path: &str) -> Option<&str> {
    let (stem, ending) = path.rsplit('/').next()?.rsplit_once('.')?;
    let is_ending = ending.len() <= 8
        && ending.chars().all(|c| c.is_ascii_alphanumeric())
        && ending.contains(|c: char| c.is_ascii_alphabetic());
    (!stem.is_empty() && is_ending).then_some(ending)
}

fn is_foreign(path: &str) -> bool {
    ending(path).is_some_and(|ending| FOREIGN_ENDINGS.contains(&ending))
}

/// Whether the path's first folder is one of ours; what cargo builds is not there to be checked.
fn begins_here(path: &str, places: &[&Path]) -> bool {
    let first = path.trim_start_matches("./").split('/').next().unwrap_or(path);
    first != "target" && places.iter().any(|place| place.join(first).is_dir())
}

fn exists(path: &str, places: &[&Path]) -> bool {
    path.starts_with("target/") || places.iter().any(|place| place.join(path).exists())
}
