//! What stands between XDP and INPUT, and the pre-filter's guard against what comes later.
//!
//! The pre-filter may judge INPUT only where nothing in PREROUTING changes address or mark. That is
//! looked up here once: iptables tables and nftables chains at that hook are somebody else's. The
//! number of functions at the hook is then told to the pre-filter, which compares it for every
//! packet; when a function joins later, the pre-filter leaves INPUT to the exact program.

use netloom_firewall::model::Family;
use netloom_firewall::{Hook, expected_hooks_offset, hook_counter};
use netloom_kernel::{LoadOptions, load_object, run_xdp};
use netloom_sys::netlink::base_chains;
use netloom_sys::{LegacyFamily, legacy_tables};

use crate::error::ControlError;
use crate::firewall::Firewall;
use crate::points::protocol;

/// `NFPROTO_INET`: nftables chains of both families.
const INET: u8 = 1;
/// iptables tables with a PREROUTING chain.
const PREROUTING_TABLES: [&str; 3] = ["raw", "mangle", "nat"];
/// The shortest frame a test run takes.
const FRAME: [u8; 64] = [0; 64];

/// Families that something stands in the way of, and what.
pub(crate) type Limited = Vec<(Family, String)>;

/// The guard's value for the families, and those whose INPUT the pre-filter can not judge.
pub(crate) fn guard(
    firewall: &Firewall,
    families: &[Family],
) -> Result<([u8; 8], Limited), ControlError> {
    let mut value = [0; 8];
    let mut limited = Vec::new();
    for &family in families {
        match foreign(family) {
            Some(foreign) => limited.push((family, foreign)),
            None => {
                let count = count(firewall, family)?;
                let at = expected_hooks_offset(family) as usize;
                value[at..at + 4].copy_from_slice(&count.to_ne_bytes());
            }
        }
    }
    Ok((value, limited))
}

/// Somebody else's function at PREROUTING that may change packets, or what hides it.
fn foreign(family: Family) -> Option<String> {
    let legacy = match family {
        Family::V4 => LegacyFamily::Ipv4,
        Family::V6 => LegacyFamily::Ipv6,
    };
    let tables = match legacy_tables(legacy) {
        Ok(tables) => tables,
        Err(errno) => return Some(format!("iptables can not be listed: {errno}")),
    };
    if let Some(table) = tables.iter().find(|name| PREROUTING_TABLES.contains(&name.as_str())) {
        return Some(format!("table {table} of iptables"));
    }
    let chains = match base_chains() {
        Ok(chains) => chains,
        Err(error) => return Some(format!("nftables can not be listed: {error}")),
    };
    let families = [INET, protocol(family) as u8];
    let chain = chains
        .iter()
        .find(|chain| families.contains(&chain.family) && chain.hook == Hook::PreRouting as u32)?;
    Some(format!("chain {} of nftables table {}", chain.name, chain.table))
}

/// Number of functions at PREROUTING, as the pre-filter sees it.
fn count(firewall: &Firewall, family: Family) -> Result<u32, ControlError> {
    let options = LoadOptions { vmlinux: &firewall.vmlinux, reuse: &[] };
    let loaded = load_object(&hook_counter(family), &options).map_err(ControlError::Load)?;
    let program = loaded.programs.first().expect("a counter's object has one program");
    run_xdp(program, &FRAME, 1).map(|run| run.verdict).map_err(ControlError::Run)
}
