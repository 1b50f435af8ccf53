//! Reference evaluator, packet generator and engines under test.
//!
//! [`evaluate`] says what iptables would do with a packet, by following the rules one by one;
//! [`generate`] invents rulesets and packets that meet each other; [`engine`] is what a thing
//! that runs rulesets looks like to a differential test, and [`live`] is the kernel's own
//! iptables in namespaces made for the purpose. [`compiled`] holds our own programs, in the
//! interpreter and in the kernel. [`filter`] does the same for capture filters, with tcpdump as the
//! reference. [`programs`] invents programs that kernels accept.

#![forbid(unsafe_code)]

pub mod case;
pub mod compiled;
pub mod engine;
pub mod evaluate;
pub mod filter;
pub mod generate;
pub mod hook;
pub mod live;
pub mod programs;
pub mod random;
pub mod reduce;
pub mod stage;
