//! The test files that the user names.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use netloom_conformance::{DataFile, Engine, Vector, Verdict, vectors};

use crate::failure::{ErrorReport, Failure};
use crate::input;

/// Folders in folders that are looked into.
const DEPTH_MAX: usize = 8;

/// The ending of the public suite's files.
const DATA: &str = "data";
/// The ending of ours.
const VECTORS: &str = "vectors";

/// One test.
pub(super) struct Test {
    /// Its file as reports name it.
    pub(super) file: String,
    /// Its name, if the file has several.
    pub(super) name: Option<String>,
    kind: Kind,
}

enum Kind {
    Data(DataFile),
    Vector(Vector),
    /// The file is no test, and why.
    None(String),
}

impl Test {
    pub(super) fn run(&self, engine: &mut dyn Engine) -> Verdict {
        match &self.kind {
            Kind::Data(test) => test.run(engine),
            Kind::Vector(test) => test.run(engine),
            Kind::None(reason) => Verdict::Skipped(reason.clone()),
        }
    }
}

/// Reads the files, and in folders all files whose ending is that of tests, in the order of names.
/// Without any file it takes the vectors that are part of the command.
pub(super) fn read(paths: &[OsString]) -> Result<Vec<Test>, Failure> {
    let mut tests = Vec::new();
    if paths.is_empty() {
        for (name, text) in vectors::FILES {
            vector_tests(name, text, &mut tests)?;
        }
        return Ok(tests);
    }
    let mut files = Vec::new();
    for path in paths {
        collect(Path::new(path), DEPTH_MAX, &mut files)?;
    }
    if files.is_empty() {
        let error = ErrorReport::new("no-tests", "there are no test files in these folders");
        return Err(error.with_help("test files end in `.data` or `.vectors`").into());
    }
    for path in &files {
        let text = input::read_text(path)?;
        let (file, text) = (input::name(path), String::from_utf8_lossy(&text));
        if path.extension() == Some(OsStr::new(VECTORS)) {
            vector_tests(&file, &text, &mut tests)?;
        } else {
            let parsed = DataFile::parse(&text);
            let kind = parsed.map_or_else(|error| Kind::None(error.to_string()), Kind::Data);
            tests.push(Test { file, name: None, kind });
        }
    }
    Ok(tests)
}

/// A file of the public suite that is no test is left out, as its own runner does; one of ours is an
/// error.
fn vector_tests(file: &str, text: &str, tests: &mut Vec<Test>) -> Result<(), Failure> {
    let vectors = Vector::parse(text).map_err(|error| {
        ErrorReport::new("vectors-refused", format!("cannot read {file}: {error}"))
    })?;
    tests.extend(vectors.into_iter().map(|vector| Test {
        file: file.to_owned(),
        name: Some(vector.name.clone()),
        kind: Kind::Vector(vector),
    }));
    Ok(())
}

fn collect(path: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    if !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let entries = fs::read_dir(path).map_err(|error| input::not_read(path, &error))?;
    let mut inside = Vec::new();
    for entry in entries {
        inside.push(entry.map_err(|error| input::not_read(path, &error))?.path());
    }
    inside.sort();
    for path in inside {
        let is_test = path.extension().is_some_and(|ending| ending == DATA || ending == VECTORS);
        if path.is_dir() && depth > 0 {
            collect(&path, depth - 1, files)?;
        } else if is_test {
            files.push(path);
        }
    }
    Ok(())
}
