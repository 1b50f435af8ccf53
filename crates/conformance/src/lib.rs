//! Does an engine run eBPF as it should?
//!
//! Purpose: tests as text files, the engines that run them, and the verdict. There are two kinds of
//! files: those of the public suite bpf_conformance ([`DataFile`]), each a program with its result,
//! and our own vectors.
//! Engines are our interpreter, the running kernel, and any program that speaks the public suite's
//! plugin protocol; [`plugin`] is the other side of that protocol.
//!
//! Invariant: what is expected stands in the files and is never computed by an engine under test.

#![forbid(unsafe_code)]

mod data_file;
mod dialect;
pub mod engine;
pub mod hex;
pub mod plugin;
mod vector;
pub mod vectors;
mod verdict;

pub use data_file::{DataError, DataFile, Expected};
pub use engine::{Engine, Reply};
pub use vector::{Group, Observed, Trial, Vector, VectorError, VectorReason};
pub use verdict::Verdict;
