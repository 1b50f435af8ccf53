//! Swapping two paths.

use std::path::Path;

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

/// Swaps what two paths of one file system lead to, in one step (`RENAME_EXCHANGE`).
///
/// # Errors
/// `ENOENT` when one is absent, `EINVAL` where the file system can not.
pub fn exchange_paths(one: &Path, other: &Path) -> Result<(), Errno> {
    renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_paths_lead_to_the_other_file() {
        let dir = std::env::temp_dir().join(format!("netloom-exchange-{}", std::process::id()));
        std::fs::create_dir(&dir).unwrap();
        let (one, other) = (dir.join("one"), dir.join("other"));
        std::fs::write(&one, "1").unwrap();
        assert_eq!(exchange_paths(&one, &other), Err(Errno::NOENT));
        std::fs::write(&other, "2").unwrap();
        exchange_paths(&one, &other).unwrap();
        assert_eq!(std::fs::read_to_string(&one).unwrap(), "2");
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
