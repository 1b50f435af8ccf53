//! A foreign engine behind the plugin protocol.

use std::io::{self, Write};
use std::process::{self, Stdio};

use netloom_abi::Object;

use super::{Engine, Input, Kind, Output, Reply};
use crate::hex;

/// A program that speaks the plugin protocol, started anew for every test.
#[derive(Clone, Debug)]
pub struct Command {
    program: String,
    options: Vec<String>,
}

impl Command {
    /// The plugin `program`, which gets `options` behind a test's memory.
    pub fn new(program: impl Into<String>, options: Vec<String>) -> Self {
        Self { program: program.into(), options }
    }

    fn ask(&self, program: &[u8], memory: &[u8]) -> io::Result<process::Output> {
        let mut command = process::Command::new(&self.program);
        if !memory.is_empty() {
            command.arg(hex::print(memory));
        }
        let mut child = command
            .args(&self.options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        if let Some(mut input) = child.stdin.take() {
            // A plugin that ends before it has read everything says why on its other streams.
            drop(writeln!(input, "{}", hex::print(program)));
        }
        child.wait_with_output()
    }
}

impl Engine for Command {
    fn name(&self) -> &str {
        &self.program
    }

    fn kind(&self) -> Kind {
        Kind::Foreign
    }

    fn run_object(&mut self, _: &Object, _: &[Input]) -> Reply<Vec<Reply<Output>>> {
        Reply::Unable("a plugin has no maps".into())
    }

    fn run_bytes(&mut self, program: &[u8], memory: &[u8]) -> Reply<u64> {
        let output = match self.ask(program, memory) {
            Ok(output) => output,
            Err(error) => return Reply::Fault(format!("cannot run {}: {error}", self.program)),
        };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        let (result, message) = (text(&output.stdout), text(&output.stderr));
        if !output.status.success() {
            let said = if result.is_empty() { message } else { result };
            return Reply::Fault(format!("{said} ({})", output.status));
        }
        let digits = result.strip_prefix("0x").unwrap_or(&result);
        match u64::from_str_radix(digits, 16) {
            Ok(result) => Reply::Result(result),
            Err(_) => Reply::Fault(format!("reply is not a hexadecimal number: {result:?}")),
        }
    }
}
