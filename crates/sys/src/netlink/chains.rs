//! The base chains of nf_tables, among them those of iptables-nft.
//!
//! Source: `linux/netfilter/nf_tables.h`.

use rustix::net::netlink::NETFILTER;

use super::conntrack::{SUBSYS_NFTABLES, family_header};
use super::error::NetlinkError;
use super::message::{DUMP, Writer, attribute, be32, text};
use super::socket::Request;

/// `NFT_MSG_NEWCHAIN`, `NFT_MSG_GETCHAIN`.
const NEW_CHAIN: u16 = SUBSYS_NFTABLES << 8 | 3;
const GET_CHAIN: u16 = SUBSYS_NFTABLES << 8 | 4;
/// `NFTA_CHAIN_TABLE`, `NFTA_CHAIN_NAME`, `NFTA_CHAIN_HOOK`.
const TABLE: u16 = 1;
const NAME: u16 = 3;
const HOOK: u16 = 4;
/// `NFTA_HOOK_HOOKNUM`, `NFTA_HOOK_PRIORITY`.
const HOOK_NUMBER: u16 = 1;
const HOOK_PRIORITY: u16 = 2;
/// Bytes of `struct nfgenmsg`; its first is the family.
const FAMILY_BYTES: usize = 4;

/// A chain that hangs at a hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseChain {
    /// `NFPROTO_*`: 1 inet, 2 IPv4, 10 IPv6, and others.
    pub family: u8,
    /// Its table.
    pub table: String,
    /// Its name.
    pub name: String,
    /// Hook number, in the family's own numbering.
    pub hook: u32,
    /// Lower goes first.
    pub priority: i32,
}

/// All base chains of the calling thread's network namespace.
///
/// # Errors
/// [`NetlinkError::Unsupported`] when the kernel has no nf_tables.
pub fn base_chains() -> Result<Vec<BaseChain>, NetlinkError> {
    let request = Request {
        protocol: Some(NETFILTER),
        operation: "list nf_tables",
        object: "chains",
        subsystem: "nf_tables",
    };
    let mut writer = Writer::default();
    writer.message(GET_CHAIN, DUMP, 1, &family_header(0, 0));
    let mut all = Vec::new();
    request.dump_if_there(writer.finish(), |message| {
        if message.kind == NEW_CHAIN {
            all.extend(read(message.payload));
        }
        Ok(())
    })?;
    Ok(all)
}

/// `None` for a chain without a hook.
fn read(payload: &[u8]) -> Option<BaseChain> {
    let (&[family, ..], body) = payload.split_first_chunk::<FAMILY_BYTES>()?;
    let hook = attribute(body, HOOK)?;
    Some(BaseChain {
        family,
        table: text(attribute(body, TABLE)?),
        name: text(attribute(body, NAME)?),
        hook: be32(attribute(hook, HOOK_NUMBER)?)?,
        priority: be32(attribute(hook, HOOK_PRIORITY)?)?.cast_signed(),
    })
}
