//! Keeps connection tracking on in a network namespace.
//!
//! The kernel tracks connections only while something asks for it, and a BPF program does not count.
//! The holder is an nf_tables table with one chain that hangs at no hook, so no packet ever meets it,
//! whose one rule reads the connection's state: that alone turns tracking on for IPv4 and IPv6.
//!
//! Source: `linux/netfilter/nf_tables.h`.

use rustix::io::Errno;
use rustix::net::netlink::NETFILTER;

use super::error::NetlinkError;
use super::message::{ACK, APPEND, CREATE, Writer};
use super::socket::Request;

/// `NFNL_SUBSYS_NFTABLES`, the upper byte of a message's type.
pub(super) const SUBSYS_NFTABLES: u16 = 10;
/// `NFPROTO_INET`.
const FAMILY_INET: u8 = 1;
/// `NFNL_MSG_BATCH_BEGIN` and `NFNL_MSG_BATCH_END`.
const BATCH_BEGIN: u16 = 0x10;
const BATCH_END: u16 = 0x11;
/// `enum nf_tables_msg_types`.
const NEW_TABLE: u16 = 0;
const DEL_TABLE: u16 = 2;
const NEW_CHAIN: u16 = 3;
const NEW_RULE: u16 = 6;
/// `NFTA_TABLE_NAME`.
const TABLE_NAME: u16 = 1;
/// `NFTA_CHAIN_TABLE`, `NFTA_CHAIN_NAME`.
const CHAIN_TABLE: u16 = 1;
const CHAIN_NAME: u16 = 3;
/// `NFTA_RULE_TABLE`, `NFTA_RULE_CHAIN`, `NFTA_RULE_EXPRESSIONS`.
const RULE_TABLE: u16 = 1;
const RULE_CHAIN: u16 = 2;
const RULE_EXPRESSIONS: u16 = 4;
/// `NFTA_LIST_ELEM`, `NFTA_EXPR_NAME`, `NFTA_EXPR_DATA`.
const LIST_ELEMENT: u16 = 1;
const EXPRESSION_NAME: u16 = 1;
const EXPRESSION_DATA: u16 = 2;
/// `NFT_REG_1`.
const REGISTER: u32 = 1;
/// `NFTA_CT_DREG`, `NFTA_CT_KEY`, `NFT_CT_STATE`.
const CT_TO: u16 = 1;
const CT_KEY: u16 = 2;
const KEY_STATE: u32 = 0;
/// `NFTA_BITWISE_*`: source, destination, length, mask, exclusive or.
const BITWISE_FROM: u16 = 1;
const BITWISE_TO: u16 = 2;
const BITWISE_LEN: u16 = 3;
const BITWISE_MASK: u16 = 4;
const BITWISE_XOR: u16 = 5;
/// `NFTA_CMP_*`: source, operation, data; `NFT_CMP_NEQ`.
const COMPARE_FROM: u16 = 1;
const COMPARE_OP: u16 = 2;
const COMPARE_DATA: u16 = 3;
const UNEQUAL: u32 = 1;
/// `NFTA_DATA_VALUE`.
const DATA_VALUE: u16 = 1;
/// `NF_CT_STATE_BIT(IP_CT_ESTABLISHED)`, in the byte order of the machine.
const STATE_ESTABLISHED: [u8; 4] = 2u32.to_ne_bytes();

/// The holder's only chain.
const CHAIN: &str = "hold";

/// What [`release_conntrack`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HolderRemoval {
    /// The holder was there and is gone.
    Removed,
    /// There was none.
    Absent,
}

/// Turns connection tracking on, in the calling thread's network namespace, by the table `inet NAME`.
///
/// One transaction; what stood in a table of that name is replaced, without a gap in the tracking.
///
/// # Errors
/// [`NetlinkError::Unsupported`] when the kernel has no nf_tables, `EPERM` without `CAP_NET_ADMIN`.
pub fn hold_conntrack(table: &str) -> Result<(), NetlinkError> {
    let request = request("hold connection tracking with table", table);
    let mut batch = Batch::begin();
    batch.command(NEW_TABLE, CREATE, |w| w.text(TABLE_NAME, table));
    batch.command(DEL_TABLE, 0, |w| w.text(TABLE_NAME, table));
    batch.command(NEW_TABLE, CREATE, |w| w.text(TABLE_NAME, table));
    batch.command(NEW_CHAIN, CREATE, |w| {
        w.text(CHAIN_TABLE, table);
        w.text(CHAIN_NAME, CHAIN);
    });
    batch.command(NEW_RULE, CREATE | APPEND, |w| {
        w.text(RULE_TABLE, table);
        w.text(RULE_CHAIN, CHAIN);
        let expressions = w.nest(RULE_EXPRESSIONS);
        state_is_established(w);
        w.end(expressions);
    });
    batch.run(&request)
}

/// Removes the holder; connection tracking goes off unless others want it.
///
/// # Errors
/// [`NetlinkError::Unsupported`] when the kernel has no nf_tables, `EPERM` without `CAP_NET_ADMIN`.
pub fn release_conntrack(table: &str) -> Result<HolderRemoval, NetlinkError> {
    let request = request("remove table", table);
    let mut batch = Batch::begin();
    batch.command(DEL_TABLE, 0, |w| w.text(TABLE_NAME, table));
    match batch.run(&request) {
        Ok(()) => Ok(HolderRemoval::Removed),
        Err(error) if error.errno() == Some(Errno::NOENT) => Ok(HolderRemoval::Absent),
        Err(error) => Err(error),
    }
}

/// `ct state established`. The first expression alone would hold, but `nft` could not print the rule,
/// and a saved and restored ruleset would lose it.
fn state_is_established(w: &mut Writer) {
    expression(w, "ct", |w| {
        w.be32(CT_TO, REGISTER);
        w.be32(CT_KEY, KEY_STATE);
    });
    expression(w, "bitwise", |w| {
        w.be32(BITWISE_FROM, REGISTER);
        w.be32(BITWISE_TO, REGISTER);
        w.be32(BITWISE_LEN, 4);
        value(w, BITWISE_MASK, STATE_ESTABLISHED);
        value(w, BITWISE_XOR, [0; 4]);
    });
    expression(w, "cmp", |w| {
        w.be32(COMPARE_FROM, REGISTER);
        w.be32(COMPARE_OP, UNEQUAL);
        value(w, COMPARE_DATA, [0; 4]);
    });
}

fn expression(w: &mut Writer, name: &str, fill: impl FnOnce(&mut Writer)) {
    let element = w.nest(LIST_ELEMENT);
    w.text(EXPRESSION_NAME, name);
    let data = w.nest(EXPRESSION_DATA);
    fill(w);
    w.end(data);
    w.end(element);
}

fn value(w: &mut Writer, kind: u16, bytes: [u8; 4]) {
    let data = w.nest(kind);
    w.attribute(DATA_VALUE, &bytes);
    w.end(data);
}

fn request<'a>(operation: &'static str, table: &'a str) -> Request<'a> {
    Request { protocol: Some(NETFILTER), operation, object: table, subsystem: "nf_tables" }
}

/// `struct nfgenmsg`: family, version 0, resource in network order.
pub(super) fn family_header(family: u8, resource: u16) -> [u8; 4] {
    let [high, low] = resource.to_be_bytes();
    [family, 0, high, low]
}

/// Commands that take effect all or not at all.
struct Batch {
    writer: Writer,
    sequence: u32,
}

impl Batch {
    fn begin() -> Self {
        let mut writer = Writer::default();
        writer.message(BATCH_BEGIN, 0, 0, &family_header(0, SUBSYS_NFTABLES));
        Self { writer, sequence: 0 }
    }

    fn command(&mut self, kind: u16, flags: u16, fill: impl FnOnce(&mut Writer)) {
        self.sequence += 1;
        let kind = SUBSYS_NFTABLES << 8 | kind;
        let family = family_header(FAMILY_INET, 0);
        self.writer.message(kind, flags | ACK, self.sequence, &family);
        fill(&mut self.writer);
    }

    fn run(mut self, request: &Request<'_>) -> Result<(), NetlinkError> {
        let commands = 1..=self.sequence;
        let end = self.sequence + 1;
        self.writer.message(BATCH_END, 0, end, &family_header(0, SUBSYS_NFTABLES));
        request.transact(self.writer.finish(), commands)
    }
}

#[cfg(test)]
mod tests;
