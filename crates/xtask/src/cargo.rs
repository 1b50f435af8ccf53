//! Cargo as a child process.

use std::env;
use std::path::Path;
use std::process::Command;

use crate::error::Error;

/// The cargo that started this program, about to run in `root`.
pub(crate) fn command(root: &Path) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root);
    command
}

/// Runs cargo with `args` to its end; `variables` are added to its environment.
///
/// # Errors
/// [`Error::Start`] when cargo cannot be started, [`Error::Cargo`] when it ends with failure.
pub(crate) fn run(root: &Path, args: &[&str], variables: &[(&str, &str)]) -> Result<(), Error> {
    let name = format!("cargo {}", args.join(" "));
    let status = command(root)
        .args(args)
        .envs(variables.iter().copied())
        .status()
        .map_err(|source| Error::Start { program: name.clone(), source })?;
    if status.success() { Ok(()) } else { Err(Error::Cargo { command: name }) }
}

/// Measures the figure that `args` begins with; the rest is the figure's own.
///
/// # Errors
/// As [`run`].
pub(crate) fn bench(root: &Path, args: &[String]) -> Result<(), Error> {
    let mut all = vec!["run", "--release", "-p", "netloom-bench"];
    // Other interpreters are built only where they are measured.
    if args.first().is_some_and(|figure| figure == "interpreter") {
        all.extend(["--features", "peers"]);
    }
    all.push("--");
    all.extend(args.iter().map(String::as_str));
    run(root, &all, &[])
}
