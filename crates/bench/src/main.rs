//! The project's figures, each measured against its peers in one run.
//!
//! `cargo xtask bench NAME` runs one figure; results go to standard output as a table or as one JSON
//! document, progress to a terminal on standard error.
//!
//! Invariant: nothing outlives the process, however it ends. Network namespaces have no names, file
//! systems are mounted nowhere, so that all of it hangs on open files, which a kill closes too.
//!
//! Reading order: `firewall`, `filter` and `interpreter` are the figures; `wire` and `generator` make traffic
//! and read what it costs its receiver; `command`, `mount` and `machine` ask the operating system; `samples`,
//! `columns` and `progress` serve the eye.

#![forbid(unsafe_code)]

mod columns;
mod command;
mod error;
mod filter;
mod firewall;
mod frame;
mod generator;
mod interpreter;
mod machine;
mod mount;
mod progress;
mod samples;
mod wire;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench", about = "Measures one figure against its peers")]
struct Arguments {
    #[command(subcommand)]
    figure: Figure,
}

#[derive(Debug, Subcommand)]
enum Figure {
    /// Nanoseconds per packet of N rules: ours at XDP and netfilter, iptables-legacy, nft
    Firewall(firewall::Options),
    /// Capture filters: length of programs, nanoseconds per frame; our compiler and libpcap's
    Filter(filter::Options),
    /// Nanoseconds per instruction: our interpreter, rbpf's, solana-sbpf's
    Interpreter(interpreter::Options),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().figure {
        Figure::Firewall(options) => firewall::run(&options),
        Figure::Filter(options) => filter::run(&options),
        Figure::Interpreter(options) => interpreter::run(&options),
    };
    let text = match result {
        Ok(text) => text,
        Err(error) => {
            // When standard error is gone there is nobody left to tell.
            drop(writeln!(io::stderr(), "error: {error}\nhelp: {}", error.help()));
            return ExitCode::FAILURE;
        }
    };
    match io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
