//! Our interpreter.

use super::{Engine, Reply};
use crate::plugin::{self, PluginError};

/// Our interpreter.
#[derive(Clone, Copy, Debug, Default)]
pub struct Interpreter;

impl Engine for Interpreter {
    fn name(&self) -> &str {
        "interpreter"
    }

    fn run_bytes(&mut self, program: &[u8], memory: &[u8]) -> Reply<u64> {
        match plugin::run(program, memory) {
            Ok(result) => Reply::Result(result),
            Err(error @ PluginError::Fault(_)) => Reply::Fault(error.to_string()),
            Err(error @ (PluginError::Decode(_) | PluginError::Machine(_))) => {
                Reply::Refused(error.to_string())
            }
        }
    }
}
