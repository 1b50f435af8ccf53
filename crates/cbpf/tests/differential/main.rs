//! Classic programs by every engine, with equal results.

#![expect(clippy::print_stdout, reason = "a test says why it compares nothing")]

mod c;
mod kernel;
mod random;
mod text;
mod tool;
mod translation;
