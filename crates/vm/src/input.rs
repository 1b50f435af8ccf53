//! From a caller's [`Context`] to registers and regions.

use crate::address::Region;
use crate::context::{self, NetfilterInput, XdpInput};
use crate::memory::Bytes;
use crate::objects::Objects;

/// What a run starts from.
pub(crate) struct Input<'a> {
    pub(crate) r1: u64,
    pub(crate) r2: u64,
    pub(crate) context: Context<'a>,
    pub(crate) packet: Bytes<'a>,
    /// Offset in the packet of what `skb->data` points to.
    pub(crate) packet_data: u64,
    /// Address of the socket buffer, if there is one.
    pub(crate) skb: Option<u64>,
    pub(crate) objects: Option<&'a Objects>,
}

/// The context region.
pub(crate) enum Context<'a> {
    /// No context, or one that is a kernel object.
    None,
    /// Plain memory.
    Bytes(&'a mut [u8]),
    /// 4-byte fields, each of which loads as a whole and may be an address.
    Fields([u64; 6]),
}

/// Builds the regions of a context; kernel objects into `objects`.
pub(crate) fn prepare<'a>(context: context::Context<'a>, objects: &'a mut Objects) -> Input<'a> {
    match context {
        context::Context::Memory(bytes) => memory_input(bytes),
        context::Context::Xdp(input) => xdp_input(input),
        context::Context::Netfilter(input) => netfilter_input(input, objects),
    }
}

fn memory_input(bytes: &mut [u8]) -> Input<'_> {
    Input {
        r1: if bytes.is_empty() { 0 } else { Region::Context.at(0) },
        r2: bytes.len() as u64,
        context: Context::Bytes(bytes),
        packet: Bytes::Shared(&[]),
        packet_data: 0,
        skb: None,
        objects: None,
    }
}

/// `struct xdp_md` (`uapi/linux/bpf.h`): the first three fields are addresses when loaded.
fn xdp_input(input: XdpInput<'_>) -> Input<'_> {
    let data = Region::Packet.at(0);
    let fields = [
        data,
        Region::Packet.at(input.frame.len() as u64),
        data,
        input.ingress_ifindex.into(),
        input.rx_queue_index.into(),
        input.egress_ifindex.into(),
    ];
    Input {
        r1: Region::Context.at(0),
        r2: 0,
        context: Context::Fields(fields),
        packet: Bytes::Exclusive(input.frame),
        packet_data: 0,
        skb: None,
        objects: None,
    }
}

fn netfilter_input<'a>(input: &NetfilterInput<'a>, objects: &'a mut Objects) -> Input<'a> {
    let built = objects.build(input);
    Input {
        r1: built.context,
        r2: 0,
        context: Context::None,
        packet: Bytes::Shared(input.frame),
        packet_data: input.link_bytes.into(),
        skb: Some(built.skb),
        objects: Some(objects),
    }
}
