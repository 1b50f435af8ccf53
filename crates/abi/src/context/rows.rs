//! The context structures and their fields, one row each.
//!
//! Offsets and sizes: `linux/bpf.h`. Who may read and write what, and what a read gives: as the
//! verifier of Linux 6.18 has it (`is_valid_access` of each program type).

use AttachType as At;
use FieldKind::{
    FlowKeys, Kernel, Packet, PacketEnd, PacketMeta, Scalar, SockCommonOrNull, Socket, SocketOrNull,
};
use Narrow::{Anywhere, AtStart, Halves};
use ProgramType::{
    CgroupDevice, CgroupSkb, CgroupSock, CgroupSockAddr, CgroupSockopt, CgroupSysctl,
    FlowDissector, LwtIn, LwtOut, LwtSeg6Local, LwtXmit, Netfilter, PerfEvent, SchedAct, SchedCls,
    SkLookup, SkMsg, SkReuseport, SkSkb, SockOps, SocketFilter, Xdp,
};

use super::{Field, FieldKind, Narrow};
use crate::{AttachType, ProgramType, ProgramTypes};

/// Name, size in bytes, fields.
#[rustfmt::skip]
pub(super) static STRUCTURES: &[(&str, u32, &[Field])] = &[
    ("__sk_buff", 192, SK_BUFF),
    ("xdp_md", 24, XDP_MD),
    ("bpf_perf_event_data", 184, BPF_PERF_EVENT_DATA),
    ("bpf_sock", 80, BPF_SOCK),
    ("bpf_sock_ops", 224, BPF_SOCK_OPS),
    ("bpf_cgroup_dev_ctx", 12, BPF_CGROUP_DEV_CTX),
    ("sk_msg_md", 80, SK_MSG_MD),
    ("bpf_sock_addr", 72, BPF_SOCK_ADDR),
    ("sk_reuseport_md", 56, SK_REUSEPORT_MD),
    ("bpf_sysctl", 8, BPF_SYSCTL),
    ("bpf_sockopt", 40, BPF_SOCKOPT),
    ("bpf_sk_lookup", 72, BPF_SK_LOOKUP),
    ("bpf_nf_ctx", 16, BPF_NF_CTX),
];

/// The program types with a `struct __sk_buff`, but for the flow dissector, which sees little of it.
const SKB: ProgramTypes = only(&[
    SocketFilter,
    SchedCls,
    SchedAct,
    CgroupSkb,
    LwtIn,
    LwtOut,
    LwtXmit,
    SkSkb,
    LwtSeg6Local,
]);
/// Those of them that have direct packet access.
const DIRECT: ProgramTypes = only(&[
    SchedCls,
    SchedAct,
    CgroupSkb,
    LwtIn,
    LwtOut,
    LwtXmit,
    SkSkb,
    LwtSeg6Local,
    FlowDissector,
]);
const TC: ProgramTypes = only(&[SchedCls, SchedAct]);
const XDP: ProgramTypes = only(&[Xdp]);

const fn only(types: &[ProgramType]) -> ProgramTypes {
    ProgramTypes::of(types)
}

const fn field(name: &'static str, offset: u32, bytes: u32, unit: u32, kind: FieldKind) -> Field {
    Field::new(name, offset, bytes, unit, kind)
}

/// A socket buffer.
#[rustfmt::skip]
static SK_BUFF: &[Field] = &[
    //    name                      offset bytes unit kind
    field("len",                      0,   4, 4, Scalar).narrow(Anywhere).read(SKB),
    field("pkt_type",                 4,   4, 4, Scalar).narrow(Anywhere).read(SKB),
    field("mark",                     8,   4, 4, Scalar).narrow(Anywhere).read(SKB.without(&[SkSkb])).write(SKB.without(&[SocketFilter, SkSkb])),
    field("queue_mapping",           12,   4, 4, Scalar).narrow(Anywhere).read(SKB).write(TC),
    field("protocol",                16,   4, 4, Scalar).narrow(Anywhere).read(SKB),
    field("vlan_present",            20,   4, 4, Scalar).narrow(Anywhere).read(SKB),
    field("vlan_tci",                24,   4, 4, Scalar).narrow(Anywhere).read(SKB),
    field("vlan_proto",              28,   4, 4, Scalar).narrow(Anywhere).read(SKB),
    field("priority",                32,   4, 4, Scalar).narrow(Anywhere).read(SKB).write(SKB.without(&[SocketFilter])),
    field("ingress_ifindex",         36,   4, 4, Scalar).narrow(Anywhere).read(SKB),
    field("ifindex",                 40,   4, 4, Scalar).narrow(Anywhere).read(SKB),
    field("tc_index",                44,   4, 4, Scalar).narrow(Anywhere).read(SKB).write(only(&[SchedCls, SchedAct, SkSkb])),
    field("cb",                      48,  20, 4, Scalar).narrow(Anywhere).wide().narrow_writes().read(SKB).write(SKB.without(&[SkSkb])),
    field("hash",                    68,   4, 4, Scalar).narrow(Anywhere).read(SKB),
    field("tc_classid",              72,   4, 4, Scalar).narrow(Anywhere).both(TC),
    field("data",                    76,   4, 4, Packet).read(DIRECT),
    field("data_end",                80,   4, 4, PacketEnd).read(DIRECT),
    field("napi_id",                 84,   4, 4, Scalar).narrow(Anywhere).read(SKB),
    field("family",                  88,   4, 4, Scalar).narrow(Anywhere).read(only(&[CgroupSkb, SkSkb])),
    field("remote_ip4",              92,   4, 4, Scalar).read(only(&[CgroupSkb, SkSkb])),
    field("local_ip4",               96,   4, 4, Scalar).read(only(&[CgroupSkb, SkSkb])),
    field("remote_ip6",             100,  16, 4, Scalar).read(only(&[CgroupSkb, SkSkb])),
    field("local_ip6",              116,  16, 4, Scalar).read(only(&[CgroupSkb, SkSkb])),
    field("remote_port",            132,   4, 4, Scalar).narrow(Anywhere).read(only(&[CgroupSkb, SkSkb])),
    field("local_port",             136,   4, 4, Scalar).narrow(Anywhere).read(only(&[CgroupSkb, SkSkb])),
    field("data_meta",              140,   4, 4, PacketMeta).read(TC),
    field("flow_keys",              144,   8, 8, FlowKeys).read(only(&[FlowDissector])),
    field("tstamp",                 152,   8, 8, Scalar).both(only(&[SchedCls, SchedAct, CgroupSkb])),
    field("wire_len",               160,   4, 4, Scalar).narrow(Anywhere).read(TC),
    field("gso_segs",               164,   4, 4, Scalar).narrow(Anywhere).read(SKB),
    field("sk",                     168,   8, 8, SockCommonOrNull).read(SKB),
    field("gso_size",               176,   4, 4, Scalar).narrow(Anywhere).read(SKB),
    field("tstamp_type",            180,   1, 1, Scalar).read(TC),
    field("hwtstamp",               184,   8, 8, Scalar).read(only(&[SchedCls, SchedAct, CgroupSkb])),
];

/// A frame at a driver.
#[rustfmt::skip]
static XDP_MD: &[Field] = &[
    //    name                      offset bytes unit kind
    field("data",                     0,   4, 4, Packet).read(XDP),
    field("data_end",                 4,   4, 4, PacketEnd).read(XDP),
    field("data_meta",                8,   4, 4, PacketMeta).read(XDP),
    field("ingress_ifindex",         12,   4, 4, Scalar).read(XDP),
    field("rx_queue_index",          16,   4, 4, Scalar).read(XDP),
    field("egress_ifindex",          20,   4, 4, Scalar).read_at(XDP, &[At::XdpDevmap]),
];

/// A sample; registers come before.
#[rustfmt::skip]
static BPF_PERF_EVENT_DATA: &[Field] = &[
    //    name                      offset bytes unit kind
    field("sample_period",          168,   8, 8, Scalar).narrow(Anywhere).read(only(&[PerfEvent])),
    field("addr",                   176,   8, 8, Scalar).narrow(Anywhere).read(only(&[PerfEvent])),
];

/// A socket.
#[rustfmt::skip]
static BPF_SOCK: &[Field] = &[
    //    name                      offset bytes unit kind
    field("bound_dev_if",             0,   4, 4, Scalar).both_at(only(&[CgroupSock]), &[At::CgroupInetSockCreate, At::CgroupInetSockRelease]),
    field("family",                   4,   4, 4, Scalar).narrow(AtStart).read(only(&[CgroupSock])),
    field("type",                     8,   4, 4, Scalar).narrow(AtStart).read(only(&[CgroupSock])),
    field("protocol",                12,   4, 4, Scalar).narrow(AtStart).read(only(&[CgroupSock])),
    field("mark",                    16,   4, 4, Scalar).both_at(only(&[CgroupSock]), &[At::CgroupInetSockCreate, At::CgroupInetSockRelease]),
    field("priority",                20,   4, 4, Scalar).both_at(only(&[CgroupSock]), &[At::CgroupInetSockCreate, At::CgroupInetSockRelease]),
    field("src_ip4",                 24,   4, 4, Scalar).narrow(Anywhere).read_at(only(&[CgroupSock]), &[At::CgroupInet4PostBind]),
    field("src_ip6",                 28,  16, 4, Scalar).narrow(Anywhere).read_at(only(&[CgroupSock]), &[At::CgroupInet6PostBind]),
    field("src_port",                44,   4, 4, Scalar).narrow(AtStart).read_at(only(&[CgroupSock]), &[At::CgroupInet4PostBind, At::CgroupInet6PostBind]),
    field("dst_port",                48,   2, 2, Scalar).narrow(Anywhere).read(only(&[CgroupSock])),
    field("dst_ip4",                 52,   4, 4, Scalar).narrow(Anywhere).read(only(&[CgroupSock])),
    field("dst_ip6",                 56,  16, 4, Scalar).narrow(Anywhere).read(only(&[CgroupSock])),
    field("state",                   72,   4, 4, Scalar).narrow(AtStart).read(only(&[CgroupSock])),
    field("rx_queue_mapping",        76,   4, 4, Scalar).narrow(AtStart).read(only(&[CgroupSock])),
];

/// A TCP connection at an event.
#[rustfmt::skip]
static BPF_SOCK_OPS: &[Field] = &[
    //    name                      offset bytes unit kind
    field("op",                       0,   4, 4, Scalar).read(only(&[SockOps])),
    field("args",                     4,  16, 4, Scalar).read(only(&[SockOps])),
    field("reply",                    4,   4, 4, Scalar).both(only(&[SockOps])),
    field("family",                  20,   4, 4, Scalar).read(only(&[SockOps])),
    field("remote_ip4",              24,   4, 4, Scalar).read(only(&[SockOps])),
    field("local_ip4",               28,   4, 4, Scalar).read(only(&[SockOps])),
    field("remote_ip6",              32,  16, 4, Scalar).read(only(&[SockOps])),
    field("local_ip6",               48,  16, 4, Scalar).read(only(&[SockOps])),
    field("remote_port",             64,   4, 4, Scalar).read(only(&[SockOps])),
    field("local_port",              68,   4, 4, Scalar).read(only(&[SockOps])),
    field("is_fullsock",             72,   4, 4, Scalar).read(only(&[SockOps])),
    field("snd_cwnd",                76,   4, 4, Scalar).read(only(&[SockOps])),
    field("srtt_us",                 80,   4, 4, Scalar).read(only(&[SockOps])),
    field("bpf_sock_ops_cb_flags",   84,   4, 4, Scalar).read(only(&[SockOps])),
    field("state",                   88,   4, 4, Scalar).read(only(&[SockOps])),
    field("rtt_min",                 92,   4, 4, Scalar).read(only(&[SockOps])),
    field("snd_ssthresh",            96,   4, 4, Scalar).read(only(&[SockOps])),
    field("rcv_nxt",                100,   4, 4, Scalar).read(only(&[SockOps])),
    field("snd_nxt",                104,   4, 4, Scalar).read(only(&[SockOps])),
    field("snd_una",                108,   4, 4, Scalar).read(only(&[SockOps])),
    field("mss_cache",              112,   4, 4, Scalar).read(only(&[SockOps])),
    field("ecn_flags",              116,   4, 4, Scalar).read(only(&[SockOps])),
    field("rate_delivered",         120,   4, 4, Scalar).read(only(&[SockOps])),
    field("rate_interval_us",       124,   4, 4, Scalar).read(only(&[SockOps])),
    field("packets_out",            128,   4, 4, Scalar).read(only(&[SockOps])),
    field("retrans_out",            132,   4, 4, Scalar).read(only(&[SockOps])),
    field("total_retrans",          136,   4, 4, Scalar).read(only(&[SockOps])),
    field("segs_in",                140,   4, 4, Scalar).read(only(&[SockOps])),
    field("data_segs_in",           144,   4, 4, Scalar).read(only(&[SockOps])),
    field("segs_out",               148,   4, 4, Scalar).read(only(&[SockOps])),
    field("data_segs_out",          152,   4, 4, Scalar).read(only(&[SockOps])),
    field("lost_out",               156,   4, 4, Scalar).read(only(&[SockOps])),
    field("sacked_out",             160,   4, 4, Scalar).read(only(&[SockOps])),
    field("sk_txhash",              164,   4, 4, Scalar).both(only(&[SockOps])),
    field("bytes_received",         168,   8, 8, Scalar).read(only(&[SockOps])),
    field("bytes_acked",            176,   8, 8, Scalar).read(only(&[SockOps])),
    field("sk",                     184,   8, 8, SocketOrNull).read(only(&[SockOps])),
    field("skb_data",               192,   8, 8, Packet).read(only(&[SockOps])),
    field("skb_data_end",           200,   8, 8, PacketEnd).read(only(&[SockOps])),
    field("skb_len",                208,   4, 4, Scalar).read(only(&[SockOps])),
    field("skb_tcp_flags",          212,   4, 4, Scalar).narrow(AtStart).read(only(&[SockOps])),
    field("skb_hwtstamp",           216,   8, 8, Scalar).read(only(&[SockOps])),
];

/// Access to a device file.
#[rustfmt::skip]
static BPF_CGROUP_DEV_CTX: &[Field] = &[
    //    name                      offset bytes unit kind
    field("access_type",              0,   4, 4, Scalar).narrow(Anywhere).read(only(&[CgroupDevice])),
    field("major",                    4,   4, 4, Scalar).read(only(&[CgroupDevice])),
    field("minor",                    8,   4, 4, Scalar).read(only(&[CgroupDevice])),
];

/// Data on its way through a socket.
#[rustfmt::skip]
static SK_MSG_MD: &[Field] = &[
    //    name                      offset bytes unit kind
    field("data",                     0,   8, 8, Packet).read(only(&[SkMsg])),
    field("data_end",                 8,   8, 8, PacketEnd).read(only(&[SkMsg])),
    field("family",                  16,   4, 4, Scalar).read(only(&[SkMsg])),
    field("remote_ip4",              20,   4, 4, Scalar).read(only(&[SkMsg])),
    field("local_ip4",               24,   4, 4, Scalar).read(only(&[SkMsg])),
    field("remote_ip6",              28,  16, 4, Scalar).read(only(&[SkMsg])),
    field("local_ip6",               44,  16, 4, Scalar).read(only(&[SkMsg])),
    field("remote_port",             60,   4, 4, Scalar).read(only(&[SkMsg])),
    field("local_port",              64,   4, 4, Scalar).read(only(&[SkMsg])),
    field("size",                    68,   4, 4, Scalar).read(only(&[SkMsg])),
    field("sk",                      72,   8, 8, Socket).read(only(&[SkMsg])),
];

/// An address given to or asked of a socket.
#[rustfmt::skip]
static BPF_SOCK_ADDR: &[Field] = &[
    //    name                      offset bytes unit kind
    field("user_family",              0,   4, 4, Scalar).read(only(&[CgroupSockAddr])),
    field("user_ip4",                 4,   4, 4, Scalar).narrow(Anywhere).both_at(only(&[CgroupSockAddr]), &[At::CgroupInet4Bind, At::CgroupInet4Connect, At::CgroupUdp4Sendmsg, At::CgroupUdp4Recvmsg, At::CgroupInet4Getpeername, At::CgroupInet4Getsockname]),
    field("user_ip6",                 8,  16, 4, Scalar).narrow(Anywhere).wide().both_at(only(&[CgroupSockAddr]), &[At::CgroupInet6Bind, At::CgroupInet6Connect, At::CgroupUdp6Sendmsg, At::CgroupUdp6Recvmsg, At::CgroupInet6Getpeername, At::CgroupInet6Getsockname]),
    field("user_port",               24,   4, 4, Scalar).narrow(Anywhere).both(only(&[CgroupSockAddr])),
    field("family",                  28,   4, 4, Scalar).read(only(&[CgroupSockAddr])),
    field("type",                    32,   4, 4, Scalar).read(only(&[CgroupSockAddr])),
    field("protocol",                36,   4, 4, Scalar).read(only(&[CgroupSockAddr])),
    field("msg_src_ip4",             40,   4, 4, Scalar).narrow(Anywhere).both_at(only(&[CgroupSockAddr]), &[At::CgroupUdp4Sendmsg]),
    field("msg_src_ip6",             44,  16, 4, Scalar).narrow(Anywhere).wide().both_at(only(&[CgroupSockAddr]), &[At::CgroupUdp6Sendmsg]),
    field("sk",                      64,   8, 8, Socket).read(only(&[CgroupSockAddr])),
];

/// A packet for one of several sockets.
#[rustfmt::skip]
static SK_REUSEPORT_MD: &[Field] = &[
    //    name                      offset bytes unit kind
    field("data",                     0,   8, 8, Packet).read(only(&[SkReuseport])),
    field("data_end",                 8,   8, 8, PacketEnd).read(only(&[SkReuseport])),
    field("len",                     16,   4, 4, Scalar).narrow(Anywhere).read(only(&[SkReuseport])),
    field("eth_protocol",            20,   4, 4, Scalar).narrow(Halves).read(only(&[SkReuseport])),
    field("ip_protocol",             24,   4, 4, Scalar).narrow(Anywhere).read(only(&[SkReuseport])),
    field("bind_inany",              28,   4, 4, Scalar).narrow(Anywhere).read(only(&[SkReuseport])),
    field("hash",                    32,   4, 4, Scalar).read(only(&[SkReuseport])),
    field("sk",                      40,   8, 8, Socket).read(only(&[SkReuseport])),
    field("migrating_sk",            48,   8, 8, SockCommonOrNull).read(only(&[SkReuseport])),
];

/// Access to a sysctl.
#[rustfmt::skip]
static BPF_SYSCTL: &[Field] = &[
    //    name                      offset bytes unit kind
    field("write",                    0,   4, 4, Scalar).narrow(Anywhere).read(only(&[CgroupSysctl])),
    field("file_pos",                 4,   4, 4, Scalar).narrow(Anywhere).both(only(&[CgroupSysctl])),
];

/// Access to a socket option.
#[rustfmt::skip]
static BPF_SOCKOPT: &[Field] = &[
    //    name                      offset bytes unit kind
    field("sk",                       0,   8, 8, Socket).read(only(&[CgroupSockopt])),
    field("optval",                   8,   8, 8, Packet).read(only(&[CgroupSockopt])),
    field("optval_end",              16,   8, 8, PacketEnd).read(only(&[CgroupSockopt])),
    field("level",                   24,   4, 4, Scalar).read(only(&[CgroupSockopt])).write_at(only(&[CgroupSockopt]), &[At::CgroupSetsockopt]),
    field("optname",                 28,   4, 4, Scalar).read(only(&[CgroupSockopt])).write_at(only(&[CgroupSockopt]), &[At::CgroupSetsockopt]),
    field("optlen",                  32,   4, 4, Scalar).both(only(&[CgroupSockopt])),
    field("retval",                  36,   4, 4, Scalar).both_at(only(&[CgroupSockopt]), &[At::CgroupGetsockopt]),
];

/// A packet that looks for its socket.
#[rustfmt::skip]
static BPF_SK_LOOKUP: &[Field] = &[
    //    name                      offset bytes unit kind
    field("sk",                       0,   8, 8, SocketOrNull).read(only(&[SkLookup])),
    field("family",                   8,   4, 4, Scalar).narrow(Anywhere).read(only(&[SkLookup])),
    field("protocol",                12,   4, 4, Scalar).narrow(Anywhere).read(only(&[SkLookup])),
    field("remote_ip4",              16,   4, 4, Scalar).narrow(Anywhere).read(only(&[SkLookup])),
    field("remote_ip6",              20,  16, 4, Scalar).narrow(Anywhere).read(only(&[SkLookup])),
    field("remote_port",             36,   2, 2, Scalar).narrow(Anywhere).read(only(&[SkLookup])),
    field("local_ip4",               40,   4, 4, Scalar).narrow(Anywhere).read(only(&[SkLookup])),
    field("local_ip6",               44,  16, 4, Scalar).narrow(Anywhere).read(only(&[SkLookup])),
    field("local_port",              60,   4, 4, Scalar).narrow(Anywhere).read(only(&[SkLookup])),
    field("ingress_ifindex",         64,   4, 4, Scalar).narrow(Anywhere).read(only(&[SkLookup])),
];

/// A packet at a netfilter hook.
#[rustfmt::skip]
static BPF_NF_CTX: &[Field] = &[
    //    name                      offset bytes unit kind
    field("state",                    0,   8, 8, Kernel("nf_hook_state")).read(only(&[Netfilter])),
    field("skb",                      8,   8, 8, Kernel("sk_buff")).read(only(&[Netfilter])),
];
