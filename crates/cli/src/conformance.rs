//! `netloom conformance`: do engines run eBPF as they should?

mod files;
mod plugin;
mod report;

use std::ffi::OsString;

use clap::{Args, ValueEnum};
use netloom_conformance::Engine;
use netloom_conformance::engine::{Command, Interpreter, Kernel};

use crate::failure::{ErrorReport, Failure};
use crate::output::{Outcome, Output};

#[derive(Args, Debug)]
#[command(after_help = "Example: netloom conformance bpf_conformance/tests --engine all

A link of the name netloom-plugin to this command is a plugin for bpf_conformance's own runner.")]
pub(crate) struct Arguments {
    /// Test files: vectors of ours (`.vectors`), tests of bpf_conformance (`.data`), and folders of
    /// them; without any, the vectors that are part of this command
    #[arg(value_name = "PATH")]
    paths: Vec<OsString>,
    /// What runs the tests; with `none`, only the plugin commands do
    #[arg(long, value_name = "ENGINE", value_enum, default_value = "interpreter")]
    engine: EngineName,
    /// Run the tests by this plugin of bpf_conformance, words apart by spaces; may be repeated
    #[arg(long, value_name = "COMMAND")]
    plugin_command: Vec<String>,
    /// Print the tests that passed as well
    #[arg(short, long)]
    verbose: bool,
    /// Be a plugin: run the hexadecimal program on standard input with PATH as its memory
    #[arg(long, conflicts_with_all = ["engine", "plugin_command", "verbose"])]
    plugin: bool,
    /// As a plugin: the program is an ELF object
    #[arg(long, requires = "plugin")]
    elf: bool,
}

/// Names of engines; `none` leaves those of `--plugin-command`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum EngineName {
    Interpreter,
    Kernel,
    All,
    None,
}

/// Runs all tests on all engines asked for; refuses when one fails.
pub(crate) fn run(arguments: &Arguments, output: &Output) -> Result<Outcome, Failure> {
    if arguments.plugin {
        return plugin::run(&arguments.paths, arguments.elf, output);
    }
    let mut engines = engines(arguments)?;
    let tests = files::read(&arguments.paths)?;
    report::run(&tests, &mut engines, arguments.verbose, output)
}

fn engines(arguments: &Arguments) -> Result<Vec<Box<dyn Engine>>, Failure> {
    let wanted = |name| [name, EngineName::All].contains(&arguments.engine);
    let mut engines: Vec<Box<dyn Engine>> = Vec::new();
    if wanted(EngineName::Interpreter) {
        engines.push(Box::new(Interpreter));
    }
    if wanted(EngineName::Kernel) {
        engines.push(Box::new(Kernel::default()));
    }
    for command in &arguments.plugin_command {
        let mut words = command.split_whitespace().map(str::to_owned);
        let program = words.next();
        let program = program.ok_or_else(|| ErrorReport::usage("plugin command is empty"))?;
        engines.push(Box::new(Command::new(program, words.collect())));
    }
    if engines.is_empty() {
        return Err(ErrorReport::usage("no engine is to run the tests").into());
    }
    Ok(engines)
}
