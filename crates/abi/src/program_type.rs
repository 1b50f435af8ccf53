//! Program types, sets of them, and attach types.

use crate::enumeration::enumeration;

#[rustfmt::skip]
enumeration! {
    /// Program types (`enum bpf_prog_type` in `linux/bpf.h`): what runs a program, with what context.
    ProgramType
    /// `struct __sk_buff *` to the number of bytes to keep.
    SocketFilter            1 "socket_filter";
    /// `struct pt_regs *` at a kernel or user function.
    Kprobe                  2 "kprobe";
    /// `struct __sk_buff *` to `TC_ACT_*`, at a queueing discipline or TCX.
    SchedCls                3 "sched_cls";
    /// `struct __sk_buff *` to `TC_ACT_*`, as an action of a classifier.
    SchedAct                4 "sched_act";
    /// The fields of a tracepoint.
    Tracepoint              5 "tracepoint";
    /// `struct xdp_md *` to `XDP_*`.
    Xdp                     6 "xdp";
    /// `struct bpf_perf_event_data *` at a sample.
    PerfEvent               7 "perf_event";
    /// `struct __sk_buff *` of a cgroup's sockets, to 0 (drop) or 1.
    CgroupSkb               8 "cgroup_skb";
    /// `struct bpf_sock *` when a socket is made, bound or released.
    CgroupSock              9 "cgroup_sock";
    /// `struct __sk_buff *` before a route's input, to `BPF_OK` and others.
    LwtIn                  10 "lwt_in";
    /// `struct __sk_buff *` before a route's output.
    LwtOut                 11 "lwt_out";
    /// `struct __sk_buff *` before a route's transmission.
    LwtXmit                12 "lwt_xmit";
    /// `struct bpf_sock_ops *` at events of a TCP connection.
    SockOps                13 "sock_ops";
    /// `struct __sk_buff *` of a socket map's stream.
    SkSkb                  14 "sk_skb";
    /// `struct bpf_cgroup_dev_ctx *` at access to a device file.
    CgroupDevice           15 "cgroup_device";
    /// `struct sk_msg_md *` at `sendmsg` on a socket map's socket.
    SkMsg                  16 "sk_msg";
    /// The raw arguments of a tracepoint.
    RawTracepoint          17 "raw_tracepoint";
    /// `struct bpf_sock_addr *` at `bind`, `connect`, `sendmsg` and others.
    CgroupSockAddr         18 "cgroup_sock_addr";
    /// `struct __sk_buff *` at an SRv6 local segment.
    LwtSeg6Local           19 "lwt_seg6local";
    /// A raw infrared sample.
    LircMode2              20 "lirc_mode2";
    /// `struct sk_reuseport_md *`, to choose among sockets of a port.
    SkReuseport            21 "sk_reuseport";
    /// `struct __sk_buff *` whose flow keys are wanted.
    FlowDissector          22 "flow_dissector";
    /// `struct bpf_sysctl *` at access to a sysctl.
    CgroupSysctl           23 "cgroup_sysctl";
    /// The raw arguments of a tracepoint, some writable.
    RawTracepointWritable  24 "raw_tracepoint_writable";
    /// `struct bpf_sockopt *` at `getsockopt` or `setsockopt`.
    CgroupSockopt          25 "cgroup_sockopt";
    /// The typed arguments of a kernel function, tracepoint or iterator.
    Tracing                26 "tracing";
    /// The typed arguments of an operation of a kernel structure.
    StructOps              27 "struct_ops";
    /// What the replaced function of another program gets.
    Ext                    28 "ext";
    /// The typed arguments of a security hook.
    Lsm                    29 "lsm";
    /// `struct bpf_sk_lookup *`, to choose the socket of an arriving packet.
    SkLookup               30 "sk_lookup";
    /// `void *` of the caller's choice, started by `BPF_PROG_TEST_RUN`.
    Syscall                31 "syscall";
    /// `struct bpf_nf_ctx *` to `NF_DROP` or `NF_ACCEPT`.
    Netfilter              32 "netfilter";
}

#[rustfmt::skip]
enumeration! {
    /// Attach types (`enum bpf_attach_type` in `linux/bpf.h`): where a program will be attached.
    #[expect(missing_docs, reason = "the names are the kernel's")]
    AttachType
    CgroupInetIngress             0 "cgroup_inet_ingress";
    CgroupInetEgress              1 "cgroup_inet_egress";
    CgroupInetSockCreate          2 "cgroup_inet_sock_create";
    CgroupSockOps                 3 "cgroup_sock_ops";
    SkSkbStreamParser             4 "sk_skb_stream_parser";
    SkSkbStreamVerdict            5 "sk_skb_stream_verdict";
    CgroupDevice                  6 "cgroup_device";
    SkMsgVerdict                  7 "sk_msg_verdict";
    CgroupInet4Bind               8 "cgroup_inet4_bind";
    CgroupInet6Bind               9 "cgroup_inet6_bind";
    CgroupInet4Connect           10 "cgroup_inet4_connect";
    CgroupInet6Connect           11 "cgroup_inet6_connect";
    CgroupInet4PostBind          12 "cgroup_inet4_post_bind";
    CgroupInet6PostBind          13 "cgroup_inet6_post_bind";
    CgroupUdp4Sendmsg            14 "cgroup_udp4_sendmsg";
    CgroupUdp6Sendmsg            15 "cgroup_udp6_sendmsg";
    LircMode2                    16 "lirc_mode2";
    FlowDissector                17 "flow_dissector";
    CgroupSysctl                 18 "cgroup_sysctl";
    CgroupUdp4Recvmsg            19 "cgroup_udp4_recvmsg";
    CgroupUdp6Recvmsg            20 "cgroup_udp6_recvmsg";
    CgroupGetsockopt             21 "cgroup_getsockopt";
    CgroupSetsockopt             22 "cgroup_setsockopt";
    TraceRawTp                   23 "trace_raw_tp";
    TraceFentry                  24 "trace_fentry";
    TraceFexit                   25 "trace_fexit";
    ModifyReturn                 26 "modify_return";
    LsmMac                       27 "lsm_mac";
    TraceIter                    28 "trace_iter";
    CgroupInet4Getpeername       29 "cgroup_inet4_getpeername";
    CgroupInet6Getpeername       30 "cgroup_inet6_getpeername";
    CgroupInet4Getsockname       31 "cgroup_inet4_getsockname";
    CgroupInet6Getsockname       32 "cgroup_inet6_getsockname";
    XdpDevmap                    33 "xdp_devmap";
    CgroupInetSockRelease        34 "cgroup_inet_sock_release";
    XdpCpumap                    35 "xdp_cpumap";
    SkLookup                     36 "sk_lookup";
    Xdp                          37 "xdp";
    SkSkbVerdict                 38 "sk_skb_verdict";
    SkReuseportSelect            39 "sk_reuseport_select";
    SkReuseportSelectOrMigrate   40 "sk_reuseport_select_or_migrate";
    PerfEvent                    41 "perf_event";
    TraceKprobeMulti             42 "trace_kprobe_multi";
    LsmCgroup                    43 "lsm_cgroup";
    StructOps                    44 "struct_ops";
    Netfilter                    45 "netfilter";
    TcxIngress                   46 "tcx_ingress";
    TcxEgress                    47 "tcx_egress";
    TraceUprobeMulti             48 "trace_uprobe_multi";
    CgroupUnixConnect            49 "cgroup_unix_connect";
    CgroupUnixSendmsg            50 "cgroup_unix_sendmsg";
    CgroupUnixRecvmsg            51 "cgroup_unix_recvmsg";
    CgroupUnixGetpeername        52 "cgroup_unix_getpeername";
    CgroupUnixGetsockname        53 "cgroup_unix_getsockname";
    NetkitPrimary                54 "netkit_primary";
    NetkitPeer                   55 "netkit_peer";
    TraceKprobeSession           56 "trace_kprobe_session";
    TraceUprobeSession           57 "trace_uprobe_session";
}

impl ProgramType {
    /// The structure that `r1` points to at entry, as C programs name it (`linux/bpf_types.h`);
    /// `None` where it is no structure, or depends on what the program is attached to.
    pub const fn context(self) -> Option<&'static str> {
        match self {
            Self::SocketFilter
            | Self::SchedCls
            | Self::SchedAct
            | Self::CgroupSkb
            | Self::LwtIn
            | Self::LwtOut
            | Self::LwtXmit
            | Self::LwtSeg6Local
            | Self::SkSkb
            | Self::FlowDissector => Some("__sk_buff"),
            Self::Xdp => Some("xdp_md"),
            Self::CgroupSock => Some("bpf_sock"),
            Self::CgroupSockAddr => Some("bpf_sock_addr"),
            Self::CgroupSockopt => Some("bpf_sockopt"),
            Self::CgroupSysctl => Some("bpf_sysctl"),
            Self::CgroupDevice => Some("bpf_cgroup_dev_ctx"),
            Self::SockOps => Some("bpf_sock_ops"),
            Self::SkMsg => Some("sk_msg_md"),
            Self::SkReuseport => Some("sk_reuseport_md"),
            Self::SkLookup => Some("bpf_sk_lookup"),
            Self::Netfilter => Some("bpf_nf_ctx"),
            Self::Kprobe => Some("pt_regs"),
            Self::PerfEvent => Some("bpf_perf_event_data"),
            Self::RawTracepoint | Self::RawTracepointWritable => Some("bpf_raw_tracepoint_args"),
            Self::Tracepoint
            | Self::LircMode2
            | Self::Tracing
            | Self::StructOps
            | Self::Ext
            | Self::Lsm
            | Self::Syscall => None,
        }
    }
}

impl AttachType {
    /// The program type has no attach type, or only one: the number is 0.
    pub const NONE: Self = Self::CgroupInetIngress;
}

/// A set of program types.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ProgramTypes(u64);

impl ProgramTypes {
    /// All program types.
    pub const ALL: Self = Self::of(&ProgramType::ALL);

    /// These program types.
    pub const fn of(types: &[ProgramType]) -> Self {
        let mut bits = 0;
        let mut rest = types;
        while let [first, more @ ..] = rest {
            bits |= 1 << first.number();
            rest = more;
        }
        Self(bits)
    }

    /// The set without these program types.
    #[must_use]
    pub const fn without(self, types: &[ProgramType]) -> Self {
        Self(self.0 & !Self::of(types).0)
    }

    /// Whether the set has this program type.
    pub const fn contains(self, kind: ProgramType) -> bool {
        self.0 >> kind.number() & 1 == 1
    }

    /// The program types of the set, in the order of their numbers.
    pub fn iter(self) -> impl Iterator<Item = ProgramType> {
        ProgramType::ALL.into_iter().filter(move |kind| self.contains(*kind))
    }
}

impl std::fmt::Debug for ProgramTypes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
