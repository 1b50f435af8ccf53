//! A vector's verdict.

use super::{Group, Observed, Trial, Vector};
use crate::Verdict;
use crate::engine::{Engine, Kind, Output, Reply};

/// Differences that a verdict tells in full.
const TOLD_MAX: usize = 3;

impl Vector {
    /// Runs all rows with all variants.
    pub fn run(&self, engine: &mut dyn Engine) -> Verdict {
        if let Some((kind, reason)) = &self.difference.only
            && *kind != engine.kind()
        {
            return Verdict::Skipped(reason.clone());
        }
        if self.difference.fault.is_some() && engine.kind() != Kind::Ours {
            return Verdict::Skipped("the program is one to be stopped".into());
        }
        let mut wrong = Vec::new();
        for group in &self.groups {
            match self.check(group, engine) {
                Ok(found) => wrong.extend(found),
                Err(verdict) => return verdict,
            }
        }
        match wrong.len() {
            0 => Verdict::Passed,
            all => {
                let mut told = wrong[..all.min(TOLD_MAX)].join("; ");
                if all > TOLD_MAX {
                    told.push_str(&format!("; and {} more", all - TOLD_MAX));
                }
                Verdict::Failed(told)
            }
        }
    }

    /// Whether an engine of this kind is asked to run the programs to their end.
    pub fn is_run_by(&self, kind: Kind) -> bool {
        let is_left_out = self.difference.only.as_ref().is_some_and(|(only, _)| *only != kind);
        let is_refused = kind == Kind::Kernel && self.difference.refused.is_some();
        !is_left_out && !is_refused && self.difference.fault.is_none()
    }

    /// What is wrong with a program's runs; an error ends the whole vector.
    fn check(&self, group: &Group, engine: &mut dyn Engine) -> Result<Vec<String>, Verdict> {
        let inputs: Vec<_> = group.trials.iter().map(|trial| trial.input.clone()).collect();
        let told = |text: String| match group.statement.as_str() {
            "" => text,
            statement => format!("`{statement}`: {text}"),
        };
        let is_refusable = engine.kind() == Kind::Kernel && self.difference.refused.is_some();
        let replies = match engine.run_object(&group.object, &inputs) {
            Reply::Unable(reason) => return Err(Verdict::Skipped(reason)),
            Reply::Refused(message) | Reply::Fault(message) => {
                let expected = self.difference.refused.as_ref().filter(|_| is_refusable);
                let is_right = expected.is_some_and(|part| message.contains(part));
                return Ok(if is_right {
                    vec![]
                } else {
                    vec![told(format!("refused: {message}"))]
                });
            }
            Reply::Result(_) if is_refusable => return Ok(vec![told("not refused".into())]),
            Reply::Result(replies) => replies,
        };
        let pairs = group.trials.iter().zip(&replies);
        let found = pairs.filter_map(|(trial, reply)| {
            let what = self.compare(trial, reply)?;
            Some(told(format!("line {}: {what}", trial.line)))
        });
        Ok(found.collect())
    }

    /// How a run differs from what is expected.
    fn compare(&self, trial: &Trial, reply: &Reply<Output>) -> Option<String> {
        match (reply, &self.difference.fault) {
            (Reply::Result(output), None) => trial.expected.difference(output),
            (Reply::Result(_), Some(_)) => Some("not stopped".into()),
            (Reply::Fault(message), Some(part)) if message.contains(part) => None,
            (Reply::Fault(message) | Reply::Refused(message) | Reply::Unable(message), _) => {
                Some(message.clone())
            }
        }
    }
}

impl Observed {
    /// The first thing in which a run's output is not as expected.
    pub fn difference(&self, output: &Output) -> Option<String> {
        for (number, (expected, actual)) in self.registers.iter().zip(output.registers).enumerate()
        {
            if let Some(expected) = expected.filter(|expected| *expected != actual) {
                return Some(format!("r{number} is {actual:#x}, expected {expected:#x}"));
            }
        }
        if let Some(expected) = self.result.filter(|expected| *expected != output.result) {
            return Some(format!("result is {:#x}, expected {expected:#x}", output.result));
        }
        let bytes =
            [("memory", &self.memory, &output.memory), ("packet", &self.packet, &output.packet)];
        bytes.into_iter().find_map(|(name, expected, actual)| {
            let expected = expected.as_ref().filter(|expected| *expected != actual)?;
            Some(format!("{name} is {}, expected {}", digits(actual), digits(expected)))
        })
    }
}

fn digits(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
