//! The verifier's refusal, shaped.

use std::fmt;

use netloom_isa::Pc;
use netloom_sys::Errno;

/// A program that the kernel would not load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The program.
    pub program: String,
    /// The kernel's answer to the load without a log; the answer with one can be about the log.
    pub errno: Errno,
    /// The line of the log that says why; empty when the kernel said nothing.
    pub summary: String,
    /// The instruction the verifier was at.
    pub pc: Option<Pc>,
    /// All that the verifier said, or its end where it was too much.
    pub log: String,
}

impl Refusal {
    /// Reads a log.
    pub fn new(program: &str, errno: Errno, log: String) -> Self {
        let summary = summary(&log).to_owned();
        let pc = log.lines().rev().find_map(at_instruction);
        Self { program: program.to_owned(), errno, summary, pc, log }
    }

    /// Whether the end of the verifier's words is in the log.
    pub(crate) fn is_whole(&self) -> bool {
        self.log.lines().any(|line| line.starts_with("processed "))
    }
}

/// The last line that is neither a step, a state, nor a figure.
fn summary(log: &str) -> &str {
    log.lines().map(str::trim).rev().find(|line| is_reason(line)).unwrap_or_default()
}

/// Beginnings of lines that accompany a refusal and never are the reason.
const NOISE: [&str; 14] = [
    ";",
    "processed ",
    "verification time ",
    "stack depth ",
    "mark_precise:",
    "from ",
    "caller:",
    "callee:",
    "returning from callee",
    "to caller at",
    "max_states_per_insn",
    "Func#",
    "func#",
    "-- ",
];

fn is_reason(line: &str) -> bool {
    let state = |line: &str| {
        let mut chars = line.chars();
        chars.next() == Some('R') && chars.next().is_some_and(|c| c.is_ascii_digit())
    };
    !line.is_empty()
        && !NOISE.iter().any(|noise| line.starts_with(noise))
        && !state(line)
        && line.split_once(':').is_none_or(|(head, _)| head.parse::<u32>().is_err())
        && !line.starts_with("frame")
}

/// The slot of a line such as `12: (79) r0 = *(u64 *)(r1 +8)`.
fn at_instruction(line: &str) -> Option<Pc> {
    let (number, rest) = line.trim().split_once(':')?;
    rest.trim_start().starts_with('(').then(|| number.parse().ok().map(Pc)).flatten()
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the kernel refuses program {}", self.program)?;
        if let Some(pc) = self.pc {
            write!(f, " at instruction {pc}")?;
        }
        match self.summary.as_str() {
            "" => write!(f, ": {}", self.errno),
            summary => write!(f, ": {summary}"),
        }
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "\
func#0 @0
0: R1=ctx() R10=fp0
; verdict(ctx) @ rules.c:7
0: (79) r6 = *(u64 *)(r1 +8)          ; R1=ctx() R6_w=trusted_ptr_sk_buff()
12: (79) r0 = *(u64 *)(r1 +100)
invalid bpf_context access off=100 size=8
processed 2 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0
";

    #[test]
    fn the_reason_is_found_among_the_steps() {
        let refusal = Refusal::new("rules", Errno::ACCESS, LOG.to_owned());
        assert_eq!(refusal.summary, "invalid bpf_context access off=100 size=8");
        assert_eq!(refusal.pc, Some(Pc(12)));
        assert_eq!(
            refusal.to_string(),
            "the kernel refuses program rules at instruction 12: \
             invalid bpf_context access off=100 size=8"
        );
    }

    #[test]
    fn without_a_log_the_errno_speaks() {
        let refusal = Refusal::new("rules", Errno::INVAL, String::new());
        assert_eq!(
            refusal.to_string(),
            "the kernel refuses program rules: Invalid argument (os error 22)"
        );
    }

    #[test]
    fn states_after_a_branch_are_no_reason() {
        let log = "R1 !read_ok\nfrom 3 to 5: R0=1\nR0=1 R10=fp0\n5: (95) exit\n";
        assert_eq!(summary(log), "");
        assert_eq!(summary("math between ctx pointer and register\nR1_w=ctx()\n").len(), 37);
    }
}
