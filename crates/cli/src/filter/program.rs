//! Where a filter comes from.

use std::path::Path;

use netloom_cbpf::{Form, Program, parse};

use crate::failure::{ErrorReport, Failure};
use crate::input;
use crate::source::Source;

/// The filter in a file.
///
/// # Errors
/// When the file cannot be read, or holds no valid program.
pub(super) fn read(path: &Path) -> Result<Program, Failure> {
    let (name, bytes) = (input::name(path), input::read_text(path)?);
    let (_, insns) = parse(&bytes).map_err(|error| {
        let help = "`tcpdump -d`, `-dd` and `-ddd` print programs that are understood";
        match String::from_utf8(bytes.clone()) {
            Ok(text) if Form::of(&bytes) != Some(Form::Bytes) => {
                let report = ErrorReport::new("filter-not-read", error.reason.to_string());
                report.with_mark(Source { name: name.clone(), text }.mark(error.place))
            }
            Ok(_) | Err(_) => ErrorReport::new("filter-not-read", format!("{name}:{error}")),
        }
        .with_help(help)
    })?;
    let program = Program::new(insns).map_err(|error| {
        let report = ErrorReport::new("filter-refused", format!("{name}: {error}"));
        report.with_help("no kernel takes this program either")
    })?;
    Ok(program)
}
