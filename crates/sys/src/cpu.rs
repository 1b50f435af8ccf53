//! The processors of this machine.

use rustix::io::Errno;

/// Where the kernel lists the processors that may ever come online.
const POSSIBLE: &str = "/sys/devices/system/cpu/possible";

/// The number of processors that may ever come online: the slots of a per-CPU value.
///
/// # Errors
/// When the list can not be read, or `EINVAL` when it makes no sense.
pub fn possible() -> Result<usize, Errno> {
    let text = std::fs::read_to_string(POSSIBLE)
        .map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
    count(text.trim()).ok_or(Errno::INVAL)
}

/// How many numbers a list such as `0-3,8` holds.
fn count(list: &str) -> Option<usize> {
    let mut total = 0usize;
    for part in list.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
        total = total.checked_add(last.checked_sub(first)?.checked_add(1)?)?;
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_ranges_are_counted() {
        assert_eq!(count("0"), Some(1));
        assert_eq!(count("0-3"), Some(4));
        assert_eq!(count("0-3,8,10-11"), Some(7));
    }

    #[test]
    fn broken_lists_have_no_count() {
        for list in ["", "3-1", "a", "0-", "0-18446744073709551615"] {
            assert_eq!(count(list), None, "{list}");
        }
    }

    #[test]
    fn this_machine_has_processors() {
        assert!(possible().unwrap() > 0);
    }
}
