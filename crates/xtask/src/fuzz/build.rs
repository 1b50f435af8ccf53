//! The targets as programs that count their coverage.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cargo;
use crate::error::Error;

/// What `cargo fuzz` passes to the compiler but for the sanitizer: counters at every edge, a table
/// of their places, and calls at comparisons, by which libFuzzer learns what is compared with what
/// (clang's documentation, `SanitizerCoverage`). They are flags of LLVM's pass, which is in every
/// stable compiler.
const COVERAGE: [&str; 6] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "--cfg=fuzzing",
];

/// Targets that have been built.
pub(super) struct Built {
    /// Below the target folder of cargo: programs, and what runs learn.
    pub(super) folder: PathBuf,
    programs: PathBuf,
}

/// Builds `targets` in the workspace `fuzz`.
///
/// # Errors
/// [`Error::Start`], [`Error::Cargo`]; the compiler has said why.
pub(super) fn build(root: &Path, targets: &[String]) -> Result<Built, Error> {
    let host = host()?;
    let cargo_folder = env::var_os("CARGO_TARGET_DIR").map_or(root.join("target"), PathBuf::from);
    // Relative to the folder in which this program was started, as cargo takes it.
    let folder = cargo_folder.join("fuzz");
    let folder = std::path::absolute(&folder)
        .map_err(|source| Error::Read { path: folder.clone(), source })?;
    let mut command = cargo::command(&root.join("fuzz"));
    command
        .args(["build", "--release", "--target", &host, "--target-dir"])
        .arg(&folder)
        .args(targets.iter().flat_map(|target| ["--bin", target]))
        // Naming the target keeps the flags away from build scripts, which have no libFuzzer.
        .env("CARGO_ENCODED_RUSTFLAGS", COVERAGE.join("\x1f"));
    let name = "cargo build of the fuzz targets".to_owned();
    let status =
        command.status().map_err(|source| Error::Start { program: name.clone(), source })?;
    if !status.success() {
        return Err(Error::Cargo { command: name });
    }
    let programs = folder.join(&host).join("release");
    Ok(Built { folder, programs })
}

impl Built {
    pub(super) fn program(&self, target: &str) -> PathBuf {
        self.programs.join(target)
    }

    /// Runs `target` once, on one input.
    ///
    /// # Errors
    /// [`Error::FuzzFailed`] when it fails on it.
    pub(super) fn replay(&self, target: &str, input: &Path) -> Result<(), Error> {
        let program = self.program(target);
        let status = Command::new(&program)
            .arg(input)
            .status()
            .map_err(|source| Error::Start { program: program.display().to_string(), source })?;
        if status.success() { Ok(()) } else { Err(Error::FuzzFailed { failed: 1 }) }
    }
}

/// The triple of this machine, as the compiler calls it.
fn host() -> Result<String, Error> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc)
        .arg("-vV")
        .output()
        .map_err(|source| Error::Start { program: "rustc -vV".to_owned(), source })?;
    let text = String::from_utf8_lossy(&output.stdout);
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or(Error::NoHost)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compiler_names_its_host() {
        assert!(host().unwrap().contains("linux"));
    }
}
