//! Programs of the operating system, run in the calling thread's network namespace.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::error::BenchError;

/// Runs `program`, feeds it `input` and returns what it prints.
pub(crate) fn run(
    program: &'static str,
    arguments: &[&str],
    input: &str,
) -> Result<String, BenchError> {
    let start = |error| BenchError::Start { program, error };
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(start)?;
    let mut stdin = child.stdin.take().expect("standard input is a pipe");
    // All programs here read their input to its end before they print, so neither side waits.
    let fed = stdin.write_all(input.as_bytes());
    drop(stdin);
    let output = child.wait_with_output().map_err(start)?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        let message = text.lines().next().unwrap_or("no message").to_owned();
        return Err(BenchError::Command { program, message });
    }
    fed.map_err(start)?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
