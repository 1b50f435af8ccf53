//! The command tree, and what happens when the arguments do not fit it.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Parser, Subcommand};

use crate::failure::{ErrorReport, Failure};
use crate::output::{Outcome, Output, OutputOptions};

/// Network programmability on eBPF.
#[derive(Debug, Parser)]
#[command(
    name = "netloom",
    version,
    about = "Network programmability on eBPF",
    after_help = "Example: netloom fw check rules.v4",
    subcommand_required = true,
    arg_required_else_help = true,
    infer_subcommands = true,
    infer_long_args = true,
    disable_help_subcommand = true,
    max_term_width = 100
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) output: OutputOptions,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The nouns; each has its verbs in a module of its own.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Firewall: iptables rules as eBPF programs
    #[command(subcommand, arg_required_else_help = true, after_help = crate::fw::EXAMPLE)]
    Fw(crate::fw::Command),
    /// Assemble eBPF instructions: text to bytecode or an ELF object
    Asm(crate::asm::Arguments),
    /// Disassemble eBPF instructions: ELF objects, bytecode, hexadecimal text
    Disasm(crate::disasm::Arguments),
    /// Compile a packet filter, translate it to eBPF or C, run it over a capture
    Filter(crate::filter::Arguments),
    /// Test eBPF engines: the interpreter, the kernel, plugins of bpf_conformance
    Conformance(crate::conformance::Arguments),
}

impl Command {
    /// Runs the command.
    pub(crate) fn run(&self, output: &Output) -> Result<Outcome, Failure> {
        match self {
            Self::Fw(command) => command.run(output),
            Self::Asm(arguments) => crate::asm::run(arguments, output),
            Self::Disasm(arguments) => crate::disasm::run(arguments, output),
            Self::Filter(arguments) => crate::filter::run(arguments, output),
            Self::Conformance(arguments) => crate::conformance::run(arguments, output),
        }
    }
}

/// The arguments of this process.
///
/// # Errors
/// [`Refusal`] when they do not fit the tree, or ask for help or the version.
pub(crate) fn parse() -> Result<Arguments, Refusal> {
    Arguments::try_parse_from(expanded(std::env::args_os().collect())).map_err(Refusal)
}

/// The name under which the command is a plugin of bpf_conformance, which gives no other arguments
/// than the protocol's.
const PLUGIN_NAME: &str = "netloom-plugin";

/// The arguments with those that the command's name stands for.
fn expanded(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let name = arguments.first().and_then(|path| Path::new(path).file_name());
    if name.is_some_and(|name| name == PLUGIN_NAME) {
        arguments.splice(1..1, ["conformance".into(), "--plugin".into()]);
    }
    arguments
}

/// Arguments that lead to no command.
#[derive(Debug)]
pub(crate) struct Refusal(clap::Error);

impl Refusal {
    /// Prints the help that was asked for, or what is wrong, and tells the exit code.
    pub(crate) fn exit(self) -> ExitCode {
        let is_help = matches!(
            self.0.kind(),
            ErrorKind::DisplayHelp
                | ErrorKind::DisplayVersion
                | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
        );
        if is_help {
            // A reader that closes the pipe has seen enough of the help.
            drop(self.0.print());
            return ExitCode::from(if self.0.use_stderr() { 2 } else { 0 });
        }
        let output = Output::new(OutputOptions::of_raw_arguments(std::env::args_os().skip(1)));
        let report = self.report();
        output.error(&report);
        ExitCode::from(report.exit_code())
    }

    /// clap's text without the usage lines: its first paragraph says what is wrong, `tip:` lines
    /// say what may have been meant.
    fn report(&self) -> ErrorReport {
        let text = self.0.render().to_string();
        let (first, rest) = text.split_once("\n\n").unwrap_or((&text, ""));
        let first = first.strip_prefix("error: ").unwrap_or(first);
        let message: Vec<&str> = first.split_whitespace().collect();
        let tips: Vec<&str> =
            rest.lines().filter_map(|line| line.trim().strip_prefix("tip: ")).collect();
        let help = if tips.is_empty() { self.fallback_help() } else { tips.join("; ") };
        ErrorReport::usage(message.join(" ")).with_help(help)
    }

    fn fallback_help(&self) -> String {
        let usage = match self.0.get(ContextKind::Usage) {
            Some(ContextValue::StyledStr(usage)) => usage.to_string(),
            _ => String::new(),
        };
        let words = usage.strip_prefix("Usage: ").unwrap_or_default().split(' ');
        let command: Vec<&str> =
            words.take_while(|word| word.starts_with(|c: char| c.is_ascii_lowercase())).collect();
        let command = if command.is_empty() { "netloom".into() } else { command.join(" ") };
        format!("`{command} --help` shows the options")
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn definitions_hold_together() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_command_shows_an_example() {
        let mut todo = vec![Arguments::command()];
        while let Some(command) = todo.pop() {
            let example = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(example.starts_with("Example"), "{}", command.get_name());
            assert!(command.get_about().is_some(), "{}", command.get_name());
            todo.extend(command.get_subcommands().cloned());
        }
    }

    #[test]
    fn unambiguous_prefixes_are_accepted() {
        let parsed = Arguments::try_parse_from(["netloom", "fw", "ch", "rules", "--js"]);
        assert!(matches!(parsed, Ok(Arguments { command: Command::Fw(_), .. })), "{parsed:?}");
    }

    #[test]
    fn a_usage_error_is_one_line_and_a_help_line() {
        let error = Arguments::try_parse_from(["netloom", "fw", "check", "rules", "--chekc"]);
        let report = Refusal(error.expect_err("no such option")).report();
        assert_eq!(report.message, "unexpected argument '--chekc' found");
        assert_eq!(report.exit_code(), 2);
        let error = Arguments::try_parse_from(["netloom", "fw", "check"]);
        let report = Refusal(error.expect_err("no file")).report();
        assert!(!report.message.contains('\n'));
        assert_eq!(report.help.as_deref(), Some("`netloom fw check --help` shows the options"));
    }
}
