//! The other side of bpf_conformance's plugin protocol.

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;

use netloom_conformance::plugin::PluginError;
use netloom_conformance::{hex, plugin};

use crate::failure::{ErrorReport, Failure};
use crate::output::{Outcome, Output};

/// Runs the program on standard input; `memory` is at most one argument.
pub(super) fn run(memory: &[OsString], is_elf: bool, output: &Output) -> Result<Outcome, Failure> {
    let memory = match memory {
        [] => String::new(),
        [memory] => memory.to_string_lossy().into_owned(),
        [_, other, ..] => {
            let message = format!("`{}` is not an option of a plugin", other.display());
            return Err(ErrorReport::usage(message).into());
        }
    };
    let memory = bytes("memory", &memory)?;
    let program = crate::input::read_text(Path::new("-"))?;
    let program = bytes("program", &String::from_utf8_lossy(&program))?;
    let failed = |error: PluginError| ErrorReport::new("program-failed", error.to_string());
    let program = if is_elf { plugin::elf_program(&program).map_err(failed)? } else { program };
    let result = plugin::run(&program, &memory).map_err(failed)?;
    let mut out = output.text();
    writeln!(out, "{result:x}")?;
    out.flush()?;
    Ok(Outcome::Done)
}

fn bytes(what: &str, text: &str) -> Result<Vec<u8>, Failure> {
    hex::parse(text).map_err(|error| {
        let report =
            ErrorReport::new("not-hexadecimal", format!("cannot read the {what}: {error}"));
        report.with_help("bytes are two hexadecimal digits each, spaces are of no account").into()
    })
}
