//! Processes, told apart even when the kernel uses a number again.
//!
//! A token is the process's number and when it began. It means the same in all processes of a PID
//! namespace, and nothing in others.

use std::fs;
use std::io::ErrorKind;

use rustix::io::Errno;

/// Bits of a token for the start time, in ticks of 10 ms since boot.
const START_BITS: u32 = 40;

/// The token of this process; never 0.
///
/// # Errors
/// When `/proc` can not be read.
pub fn token() -> Result<u64, Errno> {
    let text = fs::read_to_string("/proc/self/stat")
        .map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
    let stat = Stat::parse(&text).ok_or(Errno::INVAL)?;
    Ok(join(std::process::id(), stat.start))
}

/// Whether the process of a token still runs. What can not be found out counts as yes.
pub fn is_alive(token: u64) -> bool {
    let pid = token >> START_BITS;
    let text = match fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(text) => text,
        Err(error) => return error.kind() != ErrorKind::NotFound,
    };
    let Some(stat) = Stat::parse(&text) else { return true };
    let same = u32::try_from(pid).is_ok_and(|pid| join(pid, stat.start) == token);
    // A process whose first thread ended lives on in the others.
    let ended =
        stat.is_dead && fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count) <= 1;
    same && !ended
}

fn join(pid: u32, start: u64) -> u64 {
    u64::from(pid) << START_BITS | start & ((1 << START_BITS) - 1)
}

/// What `/proc/PID/stat` says (`proc_pid_stat(5)`).
struct Stat {
    /// A zombie, or on its way out.
    is_dead: bool,
    start: u64,
}

impl Stat {
    fn parse(text: &str) -> Option<Self> {
        // The second field is the program's name in parentheses, which may hold anything.
        let (_, fields) = text.rsplit_once(')')?;
        let mut fields = fields.split_ascii_whitespace();
        let is_dead = matches!(fields.next()?, "Z" | "X" | "x");
        // Field 22; the state was field 3.
        Some(Self { is_dead, start: fields.nth(18)?.parse().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::{Stat, is_alive, join, token};

    #[test]
    fn a_process_lives_until_it_ends_even_before_its_parent_waits_for_it() {
        assert!(is_alive(token().expect("/proc is readable")));
        let mut child = Command::new("sleep").arg("60").spawn().expect("sleep runs");
        let text = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).expect("it lives");
        let token = join(child.id(), Stat::parse(&text).expect("well formed").start);
        assert!(is_alive(token));
        assert!(!is_alive(token + 1), "another process had this number before");
        child.kill().expect("it lives");
        while is_alive(token) {
            std::thread::yield_now();
        }
        child.wait().expect("it is our child");
        assert!(!is_alive(token));
    }

    #[test]
    fn a_name_with_parentheses_and_spaces_is_skipped() {
        let text = "7 (a) Z (b) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 99 20";
        let stat = Stat::parse(text).expect("well formed");
        assert_eq!((stat.start, stat.is_dead), (99, false));
    }
}
