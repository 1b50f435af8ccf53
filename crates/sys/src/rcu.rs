//! Waiting until no program can still see what it saw before.

use rustix::io::Errno;
use rustix::thread::{MembarrierCommand, membarrier};

/// Waits until every BPF program that runs now has ended (an RCU grace period, some milliseconds).
///
/// `membarrier(MEMBARRIER_CMD_GLOBAL)` is `synchronize_rcu` in the kernel, and non-sleepable BPF
/// programs run inside RCU read-side sections.
///
/// # Errors
/// `ENOSYS` or `EINVAL` on a kernel without it, or with `nohz_full` processors.
pub fn wait_for_grace_period() -> Result<(), Errno> {
    membarrier(MembarrierCommand::Global)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grace_period_ends() {
        wait_for_grace_period().unwrap();
    }
}
