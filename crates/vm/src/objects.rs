//! Images of kernel structures, built from a [`NetfilterInput`].
//!
//! Every run writes every field of the first three objects and clears the others, so nothing of an
//! earlier packet is left.

use netloom_abi::FieldAt;

use crate::address::Region;
use crate::context::{Conntrack, Device, Family, NetfilterInput, Route};
use crate::model::{self, STRUCTURES};

/// The objects that exist in a netfilter context.
#[derive(Clone, Copy)]
enum Object {
    Context,
    State,
    Buffer,
    InDevice,
    OutDevice,
    Connection,
    RouteIpv4,
    RouteIpv6,
    Namespace,
}

/// Structure of each object, in the order of [`Object`].
const KINDS: [&str; 9] = [
    "bpf_nf_ctx",
    "nf_hook_state",
    "sk_buff",
    "net_device",
    "net_device",
    "nf_conn",
    "rtable",
    "rt6_info",
    "net",
];

/// `IP_CT_UNTRACKED` (`linux/netfilter/nf_conntrack_common.h`).
const UNTRACKED: u64 = 7;
/// Bits of `_nfct` and `_skb_refdst` that are not the address.
const FLAGS: u64 = 7;
/// What an unset header offset holds.
const UNSET: u64 = 0xffff;

/// The images; empty until the first netfilter run.
#[derive(Debug, Default)]
pub(crate) struct Objects {
    images: Vec<Vec<u8>>,
    places: Option<Places>,
}

/// Addresses of the objects that a run starts from.
pub(crate) struct Built {
    pub(crate) context: u64,
    pub(crate) skb: u64,
}

macro_rules! places {
    ($($field:ident $structure:literal $path:literal)*) => {
        /// Where the fields are, looked up once.
        #[derive(Clone, Copy, Debug)]
        struct Places {
            $($field: FieldAt,)*
        }

        impl Places {
            fn find() -> Option<Self> {
                Some(Self { $($field: model::field($structure, $path)?,)* })
            }
        }
    };
}

places! {
    context_state "bpf_nf_ctx" "state"
    context_skb "bpf_nf_ctx" "skb"
    hook "nf_hook_state" "hook"
    pf "nf_hook_state" "pf"
    state_in "nf_hook_state" "in"
    state_out "nf_hook_state" "out"
    state_net "nf_hook_state" "net"
    device_name "net_device" "name"
    device_ifindex "net_device" "ifindex"
    device_type "net_device" "type"
    dev "sk_buff" "dev"
    refdst "sk_buff" "_skb_refdst"
    nfct "sk_buff" "_nfct"
    head "sk_buff" "head"
    data "sk_buff" "data"
    len "sk_buff" "len"
    mark "sk_buff" "mark"
    skb_iif "sk_buff" "skb_iif"
    protocol "sk_buff" "protocol"
    transport_header "sk_buff" "transport_header"
    network_header "sk_buff" "network_header"
    mac_header "sk_buff" "mac_header"
    pkt_type "sk_buff" "pkt_type"
    status "nf_conn" "status"
    rt_type "rtable" "rt_type"
    rt6i_flags "rt6_info" "rt6i_flags"
}

impl Objects {
    /// The image of an object.
    pub(crate) fn bytes(&self, object: u16) -> Option<&[u8]> {
        self.images.get(usize::from(object)).map(Vec::as_slice)
    }

    /// Builds the objects of a packet.
    pub(crate) fn build(&mut self, input: &NetfilterInput<'_>) -> Built {
        if self.images.is_empty() {
            self.images = KINDS.iter().map(|kind| vec![0; size_of(kind)]).collect();
            self.places = Places::find();
        }
        if let Some(places) = self.places {
            self.build_state(input, &places);
            self.build_buffer(input, &places);
            self.build_rest(input, &places);
        }
        Built { context: address(Object::Context), skb: address(Object::Buffer) }
    }

    fn build_state(&mut self, input: &NetfilterInput<'_>, at: &Places) {
        self.put(Object::Context, at.context_state, address(Object::State));
        self.put(Object::Context, at.context_skb, address(Object::Buffer));
        self.put(Object::State, at.hook, u64::from(input.hook as u8));
        self.put(Object::State, at.pf, u64::from(input.family as u8));
        self.put(Object::State, at.state_in, pointer(Object::InDevice, input.in_device));
        self.put(Object::State, at.state_out, pointer(Object::OutDevice, input.out_device));
        self.put(Object::State, at.state_net, address(Object::Namespace));
    }

    fn build_buffer(&mut self, input: &NetfilterInput<'_>, at: &Places) {
        let link = u64::from(input.link_bytes);
        let length = (input.frame.len() as u64).saturating_sub(link);
        let device = match (input.in_device, input.out_device) {
            (Some(_), _) => address(Object::InDevice),
            (None, out) => pointer(Object::OutDevice, out),
        };
        let nfct = match input.conntrack {
            Conntrack::None => 0,
            Conntrack::Untracked => UNTRACKED,
            Conntrack::Tracked { info, .. } => {
                address(Object::Connection) | u64::from(info) & FLAGS
            }
        };
        let route = match input.route {
            Route::None => 0,
            Route::Ipv4 { .. } => address(Object::RouteIpv4),
            Route::Ipv6 { .. } => address(Object::RouteIpv6),
        };
        let ethertype: u16 = match input.family {
            Family::Ipv4 => 0x0800,
            Family::Ipv6 => 0x86dd,
        };
        let ifindex = input.in_device.map_or(0, |device| device.ifindex);
        let fields = [
            (at.dev, device),
            (at.refdst, route),
            (at.nfct, nfct),
            (at.head, Region::Packet.at(0)),
            (at.data, Region::Packet.at(link)),
            (at.len, length),
            (at.mark, u64::from(input.mark)),
            (at.skb_iif, u64::from(ifindex)),
            (at.protocol, u64::from(ethertype.to_be())),
            (at.transport_header, UNSET),
            (at.network_header, link),
            (at.mac_header, if link == 0 { UNSET } else { 0 }),
            (at.pkt_type, u64::from(input.packet_type as u8)),
        ];
        for (field, value) in fields {
            self.put(Object::Buffer, field, value);
        }
    }

    fn build_rest(&mut self, input: &NetfilterInput<'_>, at: &Places) {
        for image in self.images.iter_mut().skip(Object::InDevice as usize) {
            image.fill(0);
        }
        for (object, device) in
            [(Object::InDevice, input.in_device), (Object::OutDevice, input.out_device)]
        {
            if let Some(device) = device {
                self.put_bytes(object, at.device_name, device.name_bytes());
                self.put(object, at.device_ifindex, u64::from(device.ifindex));
                self.put(object, at.device_type, u64::from(device.hardware));
            }
        }
        if let Conntrack::Tracked { status, .. } = input.conntrack {
            self.put(Object::Connection, at.status, status);
        }
        match input.route {
            Route::None => {}
            Route::Ipv4 { rt_type } => self.put(Object::RouteIpv4, at.rt_type, rt_type.into()),
            Route::Ipv6 { flags } => self.put(Object::RouteIpv6, at.rt6i_flags, flags.into()),
        }
    }

    /// Writes a field of up to 64 bits that begins at a byte. A bit field has its byte for itself.
    fn put(&mut self, object: Object, field: FieldAt, value: u64) {
        let [a, b, c, d, ..] = value.to_le_bytes();
        match field.bit_size {
            0..=8 => self.put_bytes(object, field, &[a]),
            9..=16 => self.put_bytes(object, field, &[a, b]),
            17..=32 => self.put_bytes(object, field, &[a, b, c, d]),
            _ => self.put_bytes(object, field, &value.to_le_bytes()),
        }
    }

    #[inline]
    fn put_bytes<const N: usize>(&mut self, object: Object, field: FieldAt, value: &[u8; N]) {
        let start = (field.bit_offset / 8) as usize;
        let place = self
            .images
            .get_mut(object as usize)
            .and_then(|image| image.get_mut(start..)?.first_chunk_mut::<N>());
        debug_assert!(place.is_some(), "fields lie within their structures");
        if let Some(place) = place {
            *place = *value;
        }
    }
}

/// The address of an object's first byte.
fn address(object: Object) -> u64 {
    Region::Object(object as u16).at(0)
}

fn pointer(object: Object, device: Option<&Device>) -> u64 {
    device.map_or(0, |_| address(object))
}

fn size_of(name: &str) -> usize {
    STRUCTURES.iter().find(|known| known.name == name).map_or(0, |known| known.bytes)
}

#[cfg(test)]
mod tests {
    use super::{KINDS, Places, size_of};

    #[test]
    fn every_object_and_field_is_in_the_model() {
        assert!(Places::find().is_some());
        assert!(KINDS.iter().all(|kind| size_of(kind) > 0));
    }
}
