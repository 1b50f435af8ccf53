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
}

impl Error {
    /// The exit code: 1 for failure, 2 for wrong usage.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::NoCommand
            | Self::UnknownCommand(_)
            | Self::Unexpected { .. }
            | Self::NoBenchName => 2,
            Self::NoWorkspace(_)
            | Self::Start { .. }
            | Self::Read { .. }
            | Self::Write { .. }
            | Self::Cargo { .. }
            | Self::TestsFailed
            | Self::SkippedInCi { .. }
            | Self::Untidy { .. } => 1,
        }
    }

    /// The usual fix, where there is one.
    pub(crate) fn help(&self) -> Option<&'static str> {
        match self {
            Self::NoCommand | Self::UnknownCommand(_) | Self::Unexpected { .. } => {
                Some("cargo xtask ci | test [ARG...] | tidy | bench NAME ...")
            }
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
            | Self::Untidy { .. } => None,
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
            | Self::Untidy { .. } => None,
        }
    }
}
