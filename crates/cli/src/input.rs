//! Files that the user names.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::failure::{ErrorReport, Failure, reason};
use crate::plain::plain;

/// The most bytes of a text file: far beyond any ruleset, and bounded for devices and pipes that
/// never end.
pub(crate) const TEXT_BYTES_MAX: u64 = 256 << 20;

/// The name for messages; `-` is standard input.
pub(crate) fn name(path: &Path) -> String {
    if is_stdin(path) { "<stdin>".into() } else { plain(&path.to_string_lossy()).into_owned() }
}

/// Whether the path stands for standard input.
pub(crate) fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Opens a file or standard input for reading.
///
/// # Errors
/// When the file cannot be opened, with the usual fix.
pub(crate) fn open(path: &Path) -> Result<Box<dyn Read>, Failure> {
    if is_stdin(path) {
        return Ok(Box::new(io::stdin().lock()));
    }
    let file = File::open(path).map_err(|error| not_read(path, &error))?;
    Ok(Box::new(file))
}

/// Reads all bytes of a text file.
///
/// # Errors
/// When the file cannot be read or has more than [`TEXT_BYTES_MAX`] bytes.
pub(crate) fn read_text(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let input = open(path)?;
    let read = input.take(TEXT_BYTES_MAX + 1).read_to_end(&mut bytes);
    let length = read.map_err(|error| not_read(path, &error))?;
    if length as u64 > TEXT_BYTES_MAX {
        let message = format!(
            "{} has more than {} MiB, the most that is read",
            name(path),
            TEXT_BYTES_MAX >> 20
        );
        let error = ErrorReport::new("file-too-large", message);
        return Err(error.with_help("is this a text file?").into());
    }
    Ok(bytes)
}

/// A file that cannot be opened or read.
pub(crate) fn not_read(path: &Path, error: &io::Error) -> Failure {
    let message = format!("cannot read {}: {}", name(path), reason(error));
    let report = ErrorReport::new("file-not-read", message);
    #[expect(clippy::wildcard_enum_match_arm, reason = "most kinds need no hint")]
    let help = match error.kind() {
        io::ErrorKind::NotFound => "check the path; `-` reads standard input",
        io::ErrorKind::PermissionDenied => "run as a user who may read it, or change its mode",
        io::ErrorKind::IsADirectory => "name a file in the directory",
        _ => return report.into(),
    };
    report.with_help(help).into()
}
