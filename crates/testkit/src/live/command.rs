//! Commands of the operating system, run in the calling thread's network namespace.

use std::io::Write;
use std::process::{Command, Stdio};
use std::{error, fmt, io};

use netloom_firewall::model::Family;
use netloom_sys::{Capabilities, Capability};

/// The programs that a lab runs.
const PROGRAMS: [&str; 5] = [
    "ip",
    "iptables-legacy-restore",
    "iptables-legacy-save",
    "ip6tables-legacy-restore",
    "ip6tables-legacy-save",
];

/// A command that did not do its work.
#[derive(Debug)]
pub enum CommandError {
    /// It could not be started or fed.
    Start {
        /// The program.
        program: String,
        /// Why.
        error: io::Error,
    },
    /// It failed.
    Failed {
        /// The program.
        program: String,
        /// Its first line on standard error.
        message: String,
    },
}

/// Why no lab can be made here, as a sentence for a skipped test; `None` when one can.
pub fn missing() -> Option<String> {
    let wanted = [Capability::SysAdmin, Capability::NetAdmin, Capability::Bpf];
    let held = Capabilities::effective();
    if !held.is_some_and(|held| held.missing(&wanted).is_empty()) {
        return Some("needs CAP_SYS_ADMIN, CAP_NET_ADMIN and CAP_BPF".to_owned());
    }
    let absent = PROGRAMS.into_iter().find(|program| run(program, &["-V"], "").is_err());
    absent.map(|program| format!("needs the program {program}"))
}

/// The program that loads or saves tables of a family, `restore` or `save`.
pub(super) fn legacy_program(family: Family, action: &str) -> String {
    let prefix = match family {
        Family::V4 => "iptables",
        Family::V6 => "ip6tables",
    };
    format!("{prefix}-legacy-{action}")
}

/// Runs `program`, feeds it `input` and returns what it prints.
pub(crate) fn run(program: &str, arguments: &[&str], input: &str) -> Result<String, CommandError> {
    let start = |error| CommandError::Start { program: program.to_owned(), error };
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(start)?;
    let mut stdin = child.stdin.take().expect("standard input is a pipe");
    // A program that stops reading has a reason, which its exit tells better than a broken pipe.
    let fed = stdin.write_all(input.as_bytes());
    drop(stdin);
    let output = child.wait_with_output().map_err(start)?;
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr);
        let message = message.lines().next().unwrap_or("no message").to_owned();
        return Err(CommandError::Failed { program: program.to_owned(), message });
    }
    match fed {
        Err(error) if !input.is_empty() => Err(start(error)),
        Err(_) | Ok(()) => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start { program, error } => write!(out, "cannot run {program}: {error}"),
            Self::Failed { program, message } => write!(out, "{program} failed: {message}"),
        }
    }
}

impl error::Error for CommandError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Start { error, .. } => Some(error),
            Self::Failed { .. } => None,
        }
    }
}
