//! iptables text to rules to an eBPF program; pure.
//!
//! The pipeline, in reading order: [`parse`] turns iptables-save text into the typed rule
//! [`model`], `print` turns it back, `check` looks for what a ruleset can never do, `plan` decides
//! where each rule runs, and `lower` and `emit` make eBPF programs of it.

#![forbid(unsafe_code)]

pub mod model;
