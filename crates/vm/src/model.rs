//! The kernel structures and functions that this machine has, and where their fields are.
//!
//! The machine's own layout: field sizes are Linux's, their places are not, so that a program which
//! does not relocate its accesses is caught. Sizes as in `linux/skbuff.h`, `linux/netfilter.h`,
//! `linux/netdevice.h`, `net/netfilter/nf_conntrack.h`, `net/route.h`, `net/ip6_fib.h`,
//! `uapi/linux/if_ether.h`, `uapi/linux/socket.h`.

use netloom_abi::{FieldAt, Layout};

use crate::kfunc;

/// A structure.
pub(crate) struct Structure {
    pub(crate) name: &'static str,
    pub(crate) bytes: usize,
    fields: &'static [Field],
}

/// A field: its path, first bit, bits.
type Field = (&'static str, u32, u32);

/// `byte` as a bit number.
const fn at(byte: u32) -> u32 {
    byte * 8
}

/// All structures, in the order of their ids.
pub(crate) const STRUCTURES: &[Structure] = &[
    Structure {
        name: "bpf_nf_ctx",
        bytes: 16,
        fields: &[("state", at(0), 64), ("skb", at(8), 64)],
    },
    Structure {
        name: "nf_hook_state",
        bytes: 40,
        fields: &[
            ("hook", at(0), 8),
            ("pf", at(1), 8),
            ("in", at(8), 64),
            ("out", at(16), 64),
            ("sk", at(24), 64),
            ("net", at(32), 64),
        ],
    },
    Structure {
        name: "net_device",
        bytes: 24,
        fields: &[("name", at(0), 128), ("ifindex", at(16), 32), ("type", at(20), 16)],
    },
    Structure {
        name: "sk_buff",
        bytes: 96,
        fields: &[
            ("dev", at(0), 64),
            ("sk", at(8), 64),
            ("_skb_refdst", at(16), 64),
            ("_nfct", at(24), 64),
            ("head", at(32), 64),
            ("data", at(40), 64),
            ("len", at(48), 32),
            ("data_len", at(52), 32),
            ("mark", at(56), 32),
            ("priority", at(60), 32),
            ("skb_iif", at(64), 32),
            ("protocol", at(68), 16),
            ("transport_header", at(70), 16),
            ("network_header", at(72), 16),
            ("mac_header", at(74), 16),
            ("pkt_type", at(76), 3),
        ],
    },
    Structure { name: "nf_conn", bytes: 16, fields: &[("status", at(8), 64)] },
    Structure { name: "dst_entry", bytes: 8, fields: &[] },
    Structure { name: "rtable", bytes: 16, fields: &[("dst", at(0), 64), ("rt_type", at(10), 16)] },
    Structure {
        name: "rt6_info",
        bytes: 16,
        fields: &[("dst", at(0), 64), ("rt6i_flags", at(12), 32)],
    },
    Structure { name: "net", bytes: 8, fields: &[] },
    Structure { name: "sock", bytes: 8, fields: &[] },
    // Bytes of any meaning: 126 of them behind a family number.
    Structure {
        name: "__kernel_sockaddr_storage",
        bytes: 132,
        fields: &[("ss_family", at(0), 16), ("__data", at(6), 126 * 8)],
    },
    Structure {
        name: "ethhdr",
        bytes: 14,
        fields: &[("h_dest", at(0), 48), ("h_source", at(6), 48), ("h_proto", at(12), 16)],
    },
];

/// The layout that programs are linked against to run on a [`crate::Machine`].
#[derive(Clone, Copy, Debug, Default)]
pub struct ModelLayout;

impl Layout for ModelLayout {
    fn kfunc(&self, name: &str) -> Option<u32> {
        kfunc::id(name)
    }

    fn structure(&self, name: &str) -> Option<u32> {
        let index = STRUCTURES.iter().position(|structure| structure.name == name)?;
        u32::try_from(index + 1).ok()
    }

    fn field(&self, structure: &str, path: &str) -> Option<FieldAt> {
        field(structure, path)
    }
}

/// Where a field is.
pub(crate) fn field(structure: &str, path: &str) -> Option<FieldAt> {
    let structure = STRUCTURES.iter().find(|known| known.name == structure)?;
    let (_, bit_offset, bit_size) = structure.fields.iter().find(|(name, ..)| *name == path)?;
    Some(FieldAt { bit_offset: *bit_offset, bit_size: *bit_size })
}

#[cfg(test)]
mod tests {
    use super::STRUCTURES;

    #[test]
    fn fields_are_aligned_inside_and_apart() {
        for structure in STRUCTURES {
            let mut end = 0;
            for &(path, first, bits) in structure.fields {
                let name = structure.name;
                assert!(first >= end, "{name}.{path} overlaps its predecessor");
                end = first + bits;
                assert!(end as usize <= structure.bytes * 8, "{name}.{path} ends outside");
                if [8, 16, 32, 64].contains(&bits) {
                    assert_eq!(first % bits, 0, "{name}.{path} is not aligned");
                } else {
                    assert!(first % 8 == 0, "{name}.{path} begins within a byte");
                }
            }
        }
    }

    #[test]
    fn names_are_unique() {
        for (index, structure) in STRUCTURES.iter().enumerate() {
            assert!(STRUCTURES[..index].iter().all(|other| other.name != structure.name));
        }
    }
}
