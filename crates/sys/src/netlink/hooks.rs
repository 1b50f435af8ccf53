//! Everything that is registered at a netfilter hook.
//!
//! Source: `linux/netfilter/nfnetlink_hook.h`. Kernels may lack it (`CONFIG_NETFILTER_NETLINK_HOOK`);
//! [`super::base_chains`] and [`crate::legacy_tables`] then tell most of the same.

use rustix::net::netlink::NETFILTER;

use super::conntrack::family_header;
use super::error::NetlinkError;
use super::message::{DUMP, Writer, attribute, be32, text};
use super::socket::Request;

/// `NFNL_SUBSYS_HOOK` with `NFNL_MSG_HOOK_GET`.
const HOOK_GET: u16 = 12 << 8;
/// `enum nfnl_hook_attributes`.
const HOOK_NUMBER: u16 = 1;
const PRIORITY: u16 = 2;
const FUNCTION: u16 = 4;
const MODULE: u16 = 5;
const CHAIN: u16 = 6;
/// `enum nfnl_hook_chain_info_attributes`.
const CHAIN_DESCRIPTION: u16 = 1;
const CHAIN_TYPE: u16 = 2;
/// `enum nfnl_hook_chain_desc_attributes`.
const DESCRIPTION_TABLE: u16 = 1;
const DESCRIPTION_NAME: u16 = 3;
/// `NFNL_HOOK_TYPE_NFTABLES`, `NFNL_HOOK_TYPE_BPF`, and the program id in a BPF description.
const TYPE_NFTABLES: u32 = 1;
const TYPE_BPF: u32 = 2;
const BPF_ID: u16 = 1;
/// Bytes of `struct nfgenmsg`.
const FAMILY_BYTES: usize = 4;

/// One function at a hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookEntry {
    /// Lower goes first.
    pub priority: i32,
    /// The kernel function, where known.
    pub function: Option<String>,
    /// The kernel module, where it is one.
    pub module: Option<String>,
    /// Whose it is.
    pub owner: HookOwner,
}

/// Who registered a function at a hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HookOwner {
    /// A base chain of nf_tables.
    Chain {
        /// Its table.
        table: String,
        /// Its name.
        name: String,
    },
    /// A BPF program.
    Program {
        /// Its number.
        id: u32,
    },
    /// The kernel itself, or iptables.
    Kernel,
}

/// What hangs at hook `hook` (`NF_INET_*`) of `family` (`NFPROTO_*`), in the order it runs.
///
/// # Errors
/// [`NetlinkError::Unsupported`] when the kernel can not tell.
pub fn hooks(family: u8, hook: u32) -> Result<Vec<HookEntry>, NetlinkError> {
    let object = format!("{hook} of family {family}");
    let request = Request {
        protocol: Some(NETFILTER),
        operation: "list netfilter hook",
        object: &object,
        subsystem: "nfnetlink_hook",
    };
    let mut writer = Writer::default();
    writer.message(HOOK_GET, DUMP, 1, &family_header(family, 0));
    writer.be32(HOOK_NUMBER, hook);
    let mut all = Vec::new();
    request.dump_if_there(writer.finish(), |message| {
        if message.kind == HOOK_GET {
            let malformed = NetlinkError::Malformed { operation: request.operation };
            let body = message.payload.get(FAMILY_BYTES..).unwrap_or(&[]);
            all.push(read(body).ok_or(malformed)?);
        }
        Ok(())
    })?;
    Ok(all)
}

fn read(body: &[u8]) -> Option<HookEntry> {
    Some(HookEntry {
        priority: be32(attribute(body, PRIORITY)?)?.cast_signed(),
        function: attribute(body, FUNCTION).map(text),
        module: attribute(body, MODULE).map(text),
        owner: attribute(body, CHAIN).and_then(owner).unwrap_or(HookOwner::Kernel),
    })
}

fn owner(chain: &[u8]) -> Option<HookOwner> {
    let description = attribute(chain, CHAIN_DESCRIPTION)?;
    match be32(attribute(chain, CHAIN_TYPE)?)? {
        TYPE_NFTABLES => Some(HookOwner::Chain {
            table: text(attribute(description, DESCRIPTION_TABLE)?),
            name: text(attribute(description, DESCRIPTION_NAME)?),
        }),
        TYPE_BPF => Some(HookOwner::Program { id: be32(attribute(description, BPF_ID)?)? }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::message::{HEADER_BYTES, Writer};
    use super::*;

    /// The attributes that `fill` writes, without headers.
    fn body(fill: impl FnOnce(&mut Writer)) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.message(HOOK_GET, 0, 1, &[]);
        fill(&mut writer);
        writer.finish().unwrap().split_off(HEADER_BYTES)
    }

    fn chain(writer: &mut Writer, kind: u32, describe: impl FnOnce(&mut Writer)) {
        let chain = writer.nest(CHAIN);
        let description = writer.nest(CHAIN_DESCRIPTION);
        describe(writer);
        writer.end(description);
        writer.be32(CHAIN_TYPE, kind);
        writer.end(chain);
    }

    #[test]
    fn each_owner_is_recognised() {
        let kernel = body(|w| {
            w.be32(PRIORITY, (-200i32).cast_unsigned());
            w.text(FUNCTION, "ipv4_conntrack_in");
            w.text(MODULE, "nf_conntrack");
        });
        assert_eq!(
            read(&kernel),
            Some(HookEntry {
                priority: -200,
                function: Some("ipv4_conntrack_in".into()),
                module: Some("nf_conntrack".into()),
                owner: HookOwner::Kernel,
            })
        );
        let table = body(|w| {
            w.be32(PRIORITY, 0);
            chain(w, TYPE_NFTABLES, |w| {
                w.text(DESCRIPTION_TABLE, "filter");
                w.text(DESCRIPTION_NAME, "INPUT");
            });
        });
        let owner = HookOwner::Chain { table: "filter".into(), name: "INPUT".into() };
        assert_eq!(read(&table).unwrap().owner, owner);
        let program = body(|w| {
            w.be32(PRIORITY, 0);
            chain(w, TYPE_BPF, |w| w.be32(BPF_ID, 42));
        });
        assert_eq!(read(&program).unwrap().owner, HookOwner::Program { id: 42 });
    }

    #[test]
    fn an_entry_without_priority_is_malformed() {
        assert_eq!(read(&body(|w| w.text(FUNCTION, "f"))), None);
    }

    #[test]
    fn this_kernel_lists_hooks_or_says_that_it_can_not() {
        match hooks(2, 1) {
            Ok(all) => assert!(all.is_sorted_by_key(|entry| entry.priority)),
            Err(NetlinkError::Unsupported { subsystem, .. }) => {
                assert_eq!(subsystem, "nfnetlink_hook");
                println!("ran 0, skipped 1: this kernel has no nfnetlink_hook");
            }
            Err(error) if error.errno() == Some(rustix::io::Errno::PERM) => {
                println!("ran 0, skipped 1: needs CAP_NET_ADMIN");
            }
            Err(error) => panic!("{error}"),
        }
    }
}
