//! Chores: ci, test, fuzz, tidy, bench.
//!
//! `cargo xtask COMMAND` is the one way to build evidence about this repository, on a developer's
//! machine and in CI alike. The crate uses the standard library only, so that it is built in a
//! moment on a fresh clone.

#![forbid(unsafe_code)]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line's chores report to its terminal"
)]

mod cargo;
mod ci;
mod error;
mod fuzz;
mod test;
mod tidy;

#[cfg(test)]
mod fixture;

use std::env;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use error::Error;

const USAGE: &str = "\
Usage: cargo xtask COMMAND

  ci              fmt, tidy, clippy, test and doc; stops at the first that fails
  test [ARG...]   install what the tests need (as root), run them, list what was skipped;
                  ARGs replace --workspace in `cargo test --workspace`; without, fuzz a little
  fuzz [TARGET...] [--seconds N] [--jobs N]
                  run the fuzz targets for a while each, all of them unless some are named
  fuzz TARGET --input FILE
                  run a target once, on an input that it failed on
  tidy            check the rules of the house that no compiler knows
  bench NAME ...  measure the figure NAME in the release profile";

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            if let Some(help) = error.help() {
                eprintln!("help: {help}");
            }
            ExitCode::from(error.exit_code())
        }
    }
}

fn run(args: &[String]) -> Result<(), Error> {
    let (command, rest) = args.split_first().ok_or(Error::NoCommand)?;
    match (command.as_str(), rest) {
        ("ci", []) => ci::run(&workspace()?),
        ("test", _) => test::run(&workspace()?, rest),
        ("fuzz", _) => fuzz::run(&workspace()?, rest),
        ("tidy", []) => tidy::run(&workspace()?),
        ("bench", [_, ..]) => cargo::bench(&workspace()?, rest),
        ("bench", []) => Err(Error::NoBenchName),
        ("help" | "--help" | "-h", []) => {
            println!("{USAGE}");
            Ok(())
        }
        ("ci" | "tidy" | "help" | "--help" | "-h", [argument, ..]) => {
            Err(Error::Unexpected { command: command.clone(), argument: argument.clone() })
        }
        _ => Err(Error::UnknownCommand(command.clone())),
    }
}

/// The workspace's folder: the nearest one upward that holds both `Cargo.toml` and `crates`.
fn workspace() -> Result<PathBuf, Error> {
    let here =
        env::current_dir().map_err(|source| Error::Read { path: PathBuf::from("."), source })?;
    let is_root =
        |folder: &&Path| folder.join("Cargo.toml").is_file() && folder.join("crates").is_dir();
    here.ancestors().find(is_root).map(Path::to_path_buf).ok_or(Error::NoWorkspace(here.clone()))
}
