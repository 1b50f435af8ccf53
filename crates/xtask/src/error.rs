//! Why a chore ended without its result.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// The failure of one chore.
#[derive(Debug)]
pub(crate) enum Error {
    NoCommand,
    UnknownCommand(String),
    Unexpected {
        command: String,
        argument: String,
    },
    NoBenchName,
    /// No folder from this one upward is a workspace.
    NoWorkspace(PathBuf),
    /// A program could not be started, or its output not be read.
    Start {
        program: String,
        source: io::Error,
    },
    /// A file or folder could not be read.
    Read {
        path: PathBuf,
        source: io::Error,
    },
    /// A file could not be made or removed.
    Write {
        path: PathBuf,
        source: io::Error,
    },
    /// A cargo command ran and ended with failure; it has said why.
    Cargo {
        command: String,
    },
    /// The tests ended with failures; they have been listed.
    TestsFailed,
    /// Everything that ran passed, but in CI nothing may skip itself.
    SkippedInCi {
        skipped: usize,
    },
    /// Tidy's findings have been printed.
    Untidy {
        findings: usize,
    },
    UnknownTarget {
        name: String,
        /// Those that there are.
        known: String,
    },
    /// An option that `fuzz` does not have, or that lacks its value.
    BadOption {
        option: String,
    },
    /// An input, but not one target to give it to.
    FuzzInput,
    /// A seed in hex is none.
    BadSeed {
        path: PathBuf,
    },
    /// The compiler does not say for which machine it compiles.
    NoHost,
    /// Fuzz targets found inputs that fail; they have been named.
    FuzzFailed {
        failed: usize,
    },
}

impl Error {
    /// The exit code: 1 for failure, 2 for wrong usage.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::NoCommand
            | Self::UnknownCommand(_)
            | Self::Unexpected { .. }
            | Self::NoBenchName
            | Self::UnknownTarget { .. }
            | Self::BadOption { .. }
            | Self::FuzzInput => 2,
            Self::NoWorkspace(_)
            | Self::Start { .. }
            | Self::Read { .. }
            | Self::Write { .. }
            | Self::Cargo { .. }
            | Self::TestsFailed
            | Self::SkippedInCi { .. }
            | Self::Untidy { .. }
            | Self::BadSeed { .. }
            | Self::NoHost
            | Self::FuzzFailed { .. } => 1,
        }
    }

    /// The usual fix, where there is one.
    pub(crate) fn help(&self) -> Option<&'static str> {
        match self {
            Self::NoCommand | Self::UnknownCommand(_) | Self::Unexpected { .. } => {
                Some("cargo xtask ci | test [ARG...] | fuzz [TARGET...] | tidy | bench NAME ...")
            }
            Self::BadOption { .. } | Self::FuzzInput => {
                Some("cargo xtask fuzz [TARGET...] [--seconds N] [--jobs N] | TARGET --input FILE")
            }
            Self::BadSeed { .. } => Some("two hex digits per byte; comments begin with #"),
            Self::NoBenchName => Some("cargo xtask bench NAME [ARG...]"),
            Self::SkippedInCi { .. } => {
                Some("give the machine what the list above names, or unset CI")
            }
            Self::NoWorkspace(_)
            | Self::Start { .. }
            | Self::Read { .. }
            | Self::Write { .. }
            | Self::Cargo { .. }
            | Self::TestsFailed
            | Self::Untidy { .. }
            | Self::UnknownTarget { .. }
            | Self::NoHost
            | Self::FuzzFailed { .. } => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCommand => write!(f, "no command given"),
            Self::UnknownCommand(command) => write!(f, "no command is called `{command}`"),
            Self::Unexpected { command, argument } => {
                write!(f, "{command} takes no argument, but was given `{argument}`")
            }
            Self::NoBenchName => write!(f, "bench needs the name of a figure"),
            Self::NoWorkspace(here) => {
                write!(f, "no workspace holds the folder {}", here.display())
            }
            Self::Start { program, source } => write!(f, "running {program}: {source}"),
            Self::Read { path, source } => write!(f, "reading {}: {source}", path.display()),
            Self::Write { path, source } => write!(f, "writing {}: {source}", path.display()),
            Self::Cargo { command } => write!(f, "{command} failed"),
            Self::TestsFailed => write!(f, "tests failed"),
            Self::SkippedInCi { skipped } => {
                write!(f, "tests that skipped themselves in CI: {skipped}")
            }
            Self::Untidy { findings } => write!(f, "faults found by tidy: {findings}"),
            Self::UnknownTarget { name, known } => {
                write!(f, "no fuzz target is called `{name}`; there are {known}")
            }
            Self::BadOption { option } => write!(f, "fuzz cannot take `{option}` as given"),
            Self::FuzzInput => write!(f, "an input is for exactly one fuzz target"),
            Self::BadSeed { path } => write!(f, "seed {} is not hex", path.display()),
            Self::NoHost => write!(f, "rustc -vV names no host"),
            Self::FuzzFailed { failed } => write!(f, "fuzz targets that failed: {failed}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Start { source, .. } | Self::Read { source, .. } | Self::Write { source, .. } => {
                Some(source)
            }
            Self::NoCommand
            | Self::UnknownCommand(_)
            | Self::Unexpected { .. }
            | Self::NoBenchName
            | Self::NoWorkspace(_)
            | Self::Cargo { .. }
            | Self::TestsFailed
            | Self::SkippedInCi { .. }
            | Self::Untidy { .. }
            | Self::UnknownTarget { .. }
            | Self::BadOption { .. }
            | Self::FuzzInput
            | Self::BadSeed { .. }
            | Self::NoHost
            | Self::FuzzFailed { .. } => None,
        }
    }
}
