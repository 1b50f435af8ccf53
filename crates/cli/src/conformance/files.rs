//! The test files that the user names.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use netloom_conformance::{DataError, DataFile};

use crate::failure::{ErrorReport, Failure};
use crate::input;

/// Folders in folders that are looked into.
const DEPTH_MAX: usize = 8;

/// A test file: its name for reports, and the test in it or why there is none.
pub(super) struct TestFile {
    pub(super) name: String,
    pub(super) test: Result<DataFile, DataError>,
}

/// Reads the files, and in folders all files whose ending is that of a test, in the order of names.
pub(super) fn read(paths: &[OsString]) -> Result<Vec<TestFile>, Failure> {
    let mut files = Vec::new();
    for path in paths {
        collect(Path::new(path), DEPTH_MAX, &mut files)?;
    }
    if files.is_empty() {
        let error = ErrorReport::new("no-tests", "there are no test files in these folders");
        return Err(error.with_help("test files end in `.data`").into());
    }
    files
        .iter()
        .map(|path| {
            let text = input::read_text(path)?;
            let test = DataFile::parse(&String::from_utf8_lossy(&text));
            Ok(TestFile { name: input::name(path), test })
        })
        .collect()
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
        if path.is_dir() && depth > 0 {
            collect(&path, depth - 1, files)?;
        } else if path.extension() == Some(OsStr::new("data")) {
            files.push(path);
        }
    }
    Ok(())
}
