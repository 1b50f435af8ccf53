//! The rules of the house that no compiler knows.
//!
//! Every file below the workspace's folder is looked at, committed or not, except in `.git` and in
//! folders that cargo marked as its caches. A rule is a function from all files to findings, and
//! holds no state. The rules, in the order of the modules: length, names, banner comments and paths
//! of one machine; layers; paths in Markdown; functions with equal bodies.

mod duplicate;
mod layer;
mod markdown;
mod source;
mod token;

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use crate::error::Error;

/// Above this size a file is data, whose text no rule is about.
const TEXT_BYTES_MAX: u64 = 4 << 20;

/// A file of the repository.
#[derive(Debug)]
struct File {
    /// From the repository's folder, with `/` between folders.
    path: String,
    /// Empty when it is not UTF-8 or longer than [`TEXT_BYTES_MAX`].
    text: String,
}

/// A place that breaks a rule, printed as `path:line: message`.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    path: String,
    /// Counted from 1.
    line: usize,
    message: String,
}

impl Finding {
    fn new(file: &File, line: usize, message: impl Into<String>) -> Self {
        Self { path: file.path.clone(), line, message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.message)
    }
}

/// Prints every place below `root` that breaks a rule.
///
/// # Errors
/// [`Error::Untidy`] when there is one; [`Error::Read`] when a file cannot be read.
pub(crate) fn run(root: &Path) -> Result<(), Error> {
    let findings = check(root)?;
    for finding in &findings {
        println!("{finding}");
    }
    match findings.len() {
        0 => Ok(()),
        findings => Err(Error::Untidy { findings }),
    }
}

fn check(root: &Path) -> Result<Vec<Finding>, Error> {
    let mut files = Vec::new();
    collect(root, "", &mut files)?;
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let mut findings = Vec::new();
    for file in &files {
        findings.extend(source::check(file));
        findings.extend(layer::check(file));
        findings.extend(markdown::check(file, root));
    }
    findings.extend(duplicate::check(&files));
    findings.sort();
    Ok(findings)
}

/// Adds the files of `folder`, a path below `root` that is empty or ends in `/`.
fn collect(root: &Path, folder: &str, files: &mut Vec<File>) -> Result<(), Error> {
    let at = root.join(folder);
    let failed = |source| Error::Read { path: at.clone(), source };
    for entry in fs::read_dir(&at).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let path = format!("{folder}{name}");
        let kind = entry.file_type().map_err(failed)?;
        if name == ".git" {
            continue;
        }
        if kind.is_dir() && !entry.path().join("CACHEDIR.TAG").exists() {
            collect(root, &(path + "/"), files)?;
        } else if kind.is_file() {
            let text =
                read(&entry.path()).map_err(|source| Error::Read { path: entry.path(), source })?;
            files.push(File { path, text });
        }
    }
    Ok(())
}

fn read(path: &Path) -> io::Result<String> {
    if fs::metadata(path)?.len() > TEXT_BYTES_MAX {
        return Ok(String::new());
    }
    Ok(String::from_utf8(fs::read(path)?).unwrap_or_default())
}

#[cfg(test)]
mod tests;
