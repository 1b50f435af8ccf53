//! Runs the built command in the workspace's root.

#![allow(dead_code, reason = "each test file uses its part")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// What a run of the command left.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ran {
    /// Exit code.
    pub(crate) code: i32,
    /// Standard output.
    pub(crate) stdout: String,
    /// Standard error.
    pub(crate) stderr: String,
}

/// The workspace's root, in which all commands run.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The command with these arguments, not yet started.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_netloom"));
    command.args(arguments).current_dir(root()).env_remove("NO_COLOR").env_remove("COLUMNS");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs the command to its end.
pub(crate) fn netloom(arguments: &[&str]) -> Ran {
    ran(command(arguments).output().expect("the command starts"))
}

/// Runs the command to its end with this standard input.
pub(crate) fn netloom_with_input(arguments: &[&str], input: &[u8]) -> Ran {
    let mut child = command(arguments).stdin(Stdio::piped()).spawn().expect("the command starts");
    // A command that refuses its arguments does not read.
    drop(child.stdin.take().expect("it was asked for").write_all(input));
    ran(child.wait_with_output().expect("the command ends"))
}

/// Runs the command, which must end in time.
pub(crate) fn netloom_within(limit: Duration, arguments: &[&str]) -> Ran {
    let begun = Instant::now();
    let mut child: Child = command(arguments).spawn().expect("the command starts");
    let (mut out, mut err) = (child.stdout.take(), child.stderr.take());
    let read = |from: Option<Box<dyn std::io::Read + Send>>| {
        std::thread::spawn(move || {
            let mut text = String::new();
            std::io::Read::read_to_string(&mut from.expect("a pipe"), &mut text).map(|_| text)
        })
    };
    let stdout = read(out.take().map(|pipe| Box::new(pipe) as _));
    let stderr = read(err.take().map(|pipe| Box::new(pipe) as _));
    let code = loop {
        if let Some(status) = child.try_wait().expect("the command can be waited for") {
            break status.code().expect("the command is not killed");
        }
        if begun.elapsed() > limit {
            child.kill().expect("the command can be ended");
            panic!("{arguments:?} takes more than {limit:?}");
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let text = |thread: std::thread::JoinHandle<std::io::Result<String>>| {
        thread.join().expect("the reader ends").expect("the output is text")
    };
    Ran { code, stdout: text(stdout), stderr: text(stderr) }
}

fn ran(output: Output) -> Ran {
    let text = |bytes| String::from_utf8(bytes).expect("the output is text");
    Ran {
        code: output.status.code().expect("the command is not killed by a signal"),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}

/// A fresh directory that goes away with the value.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// A directory of its own for the test of this name.
    pub(crate) fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("netloom-cli-{test}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a directory for temporary files");
        Self(path)
    }

    /// A file in it, as an argument.
    pub(crate) fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().expect("a temporary path is text").into()
    }

    /// Writes a file in it, and returns its path.
    pub(crate) fn file(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.path(name);
        std::fs::write(&path, bytes).expect("a temporary file can be written");
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}
