//! Tables of the legacy iptables back end, which has no other way to be listed without a change:
//! opening its socket interface would create the table.

use rustix::io::Errno;

/// An address family of legacy iptables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LegacyFamily {
    /// `iptables-legacy`.
    Ipv4,
    /// `ip6tables-legacy`.
    Ipv6,
}

/// The tables that exist in the calling thread's network namespace: `filter`, `nat`, `mangle`, …
///
/// # Errors
/// When the list is there but can not be read.
pub fn legacy_tables(family: LegacyFamily) -> Result<Vec<String>, Errno> {
    let path = match family {
        LegacyFamily::Ipv4 => "/proc/thread-self/net/ip_tables_names",
        LegacyFamily::Ipv6 => "/proc/thread-self/net/ip6_tables_names",
    };
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(text.lines().map(str::to_owned).collect()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(Errno::from_io_error(&error).unwrap_or(Errno::IO)),
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::{Capabilities, Capability, netns};

    #[test]
    fn a_table_is_listed_once_it_is_there() {
        let held = Capabilities::effective();
        if !held.is_some_and(|held| held.has(Capability::SysAdmin)) {
            return println!("ran 0, skipped 1: needs CAP_SYS_ADMIN");
        }
        netns::isolated(|| {
            assert_eq!(legacy_tables(LegacyFamily::Ipv4), Ok(Vec::new()));
            match Command::new("iptables-legacy").args(["-w", "-t", "raw", "-S"]).output() {
                Ok(output) if output.status.success() => {}
                other => return println!("ran 0, skipped 1: needs iptables-legacy: {other:?}"),
            }
            assert_eq!(legacy_tables(LegacyFamily::Ipv4), Ok(vec!["raw".to_owned()]));
            assert_eq!(legacy_tables(LegacyFamily::Ipv6), Ok(Vec::new()));
        })
        .unwrap();
    }
}
