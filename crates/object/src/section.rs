//! What the name of a section says about the programs in it.
//!
//! Source: libbpf, whose names are the convention that all loaders follow.

use AttachType as At;
use ProgramType::{
    CgroupDevice, CgroupSkb, CgroupSock, CgroupSockAddr, CgroupSockopt, CgroupSysctl, Ext,
    FlowDissector, Kprobe, LircMode2, Lsm, LwtIn, LwtOut, LwtSeg6Local, LwtXmit, Netfilter,
    PerfEvent, RawTracepoint, RawTracepointWritable, SchedAct, SchedCls, SkLookup, SkMsg,
    SkReuseport, SkSkb, SockOps, SocketFilter, StructOps, Syscall, Tracepoint, Tracing, Xdp,
};

use netloom_abi::{AttachType, ProgramType};

/// What a section's name says about its programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SectionRole<'a> {
    /// What runs them.
    pub kind: ProgramType,
    /// Where they are attached.
    pub attach: AttachType,
    /// Whether they may sleep.
    pub is_sleepable: bool,
    /// Whether they accept frames in several parts.
    pub takes_frags: bool,
    /// Whether they are loaded without being asked for: not if the name begins with `?`.
    pub is_autoloaded: bool,
    /// What follows the role in the name, such as the function to attach to.
    pub target: Option<&'a str>,
}

struct Row {
    name: &'static str,
    /// Whether `/` and a target may follow.
    has_target: bool,
    kind: ProgramType,
    attach: AttachType,
    is_sleepable: bool,
    takes_frags: bool,
}

impl Row {
    const fn sleepable(self) -> Self {
        Self { is_sleepable: true, ..self }
    }

    const fn frags(self) -> Self {
        Self { takes_frags: true, ..self }
    }
}

const fn exact(name: &'static str, kind: ProgramType, attach: AttachType) -> Row {
    Row { name, has_target: false, kind, attach, is_sleepable: false, takes_frags: false }
}

const fn open(name: &'static str, kind: ProgramType, attach: AttachType) -> Row {
    Row { has_target: true, ..exact(name, kind, attach) }
}

#[rustfmt::skip]
static ROWS: &[Row] = &[
    //    name                          program type             attach type
    exact("socket",                     SocketFilter,            At::NONE),
    exact("sk_reuseport/migrate",       SkReuseport,             At::SkReuseportSelectOrMigrate),
    exact("sk_reuseport",               SkReuseport,             At::SkReuseportSelect),
    open("kprobe",                      Kprobe,                  At::NONE),
    open("uprobe",                      Kprobe,                  At::NONE),
    open("uprobe.s",                    Kprobe,                  At::NONE).sleepable(),
    open("kretprobe",                   Kprobe,                  At::NONE),
    open("uretprobe",                   Kprobe,                  At::NONE),
    open("uretprobe.s",                 Kprobe,                  At::NONE).sleepable(),
    open("kprobe.multi",                Kprobe,                  At::TraceKprobeMulti),
    open("kretprobe.multi",             Kprobe,                  At::TraceKprobeMulti),
    open("kprobe.session",              Kprobe,                  At::TraceKprobeSession),
    open("uprobe.multi",                Kprobe,                  At::TraceUprobeMulti),
    open("uretprobe.multi",             Kprobe,                  At::TraceUprobeMulti),
    open("uprobe.multi.s",              Kprobe,                  At::TraceUprobeMulti).sleepable(),
    open("uretprobe.multi.s",           Kprobe,                  At::TraceUprobeMulti).sleepable(),
    open("ksyscall",                    Kprobe,                  At::NONE),
    open("kretsyscall",                 Kprobe,                  At::NONE),
    open("usdt",                        Kprobe,                  At::NONE),
    open("usdt.s",                      Kprobe,                  At::NONE).sleepable(),
    exact("tc/ingress",                 SchedCls,                At::TcxIngress),
    exact("tc/egress",                  SchedCls,                At::TcxEgress),
    exact("tcx/ingress",                SchedCls,                At::TcxIngress),
    exact("tcx/egress",                 SchedCls,                At::TcxEgress),
    exact("tc",                         SchedCls,                At::NONE),
    exact("classifier",                 SchedCls,                At::NONE),
    exact("action",                     SchedAct,                At::NONE),
    exact("netkit/primary",             SchedCls,                At::NetkitPrimary),
    exact("netkit/peer",                SchedCls,                At::NetkitPeer),
    open("tracepoint",                  Tracepoint,              At::NONE),
    open("tp",                          Tracepoint,              At::NONE),
    open("raw_tracepoint",              RawTracepoint,           At::NONE),
    open("raw_tp",                      RawTracepoint,           At::NONE),
    open("raw_tracepoint.w",            RawTracepointWritable,   At::NONE),
    open("raw_tp.w",                    RawTracepointWritable,   At::NONE),
    open("tp_btf",                      Tracing,                 At::TraceRawTp),
    open("fentry",                      Tracing,                 At::TraceFentry),
    open("fmod_ret",                    Tracing,                 At::ModifyReturn),
    open("fexit",                       Tracing,                 At::TraceFexit),
    open("fentry.s",                    Tracing,                 At::TraceFentry).sleepable(),
    open("fmod_ret.s",                  Tracing,                 At::ModifyReturn).sleepable(),
    open("fexit.s",                     Tracing,                 At::TraceFexit).sleepable(),
    open("freplace",                    Ext,                     At::NONE),
    open("lsm",                         Lsm,                     At::LsmMac),
    open("lsm.s",                       Lsm,                     At::LsmMac).sleepable(),
    open("lsm_cgroup",                  Lsm,                     At::LsmCgroup),
    open("iter",                        Tracing,                 At::TraceIter),
    open("iter.s",                      Tracing,                 At::TraceIter).sleepable(),
    exact("syscall",                    Syscall,                 At::NONE).sleepable(),
    exact("xdp.frags/devmap",           Xdp,                     At::XdpDevmap).frags(),
    exact("xdp/devmap",                 Xdp,                     At::XdpDevmap),
    exact("xdp.frags/cpumap",           Xdp,                     At::XdpCpumap).frags(),
    exact("xdp/cpumap",                 Xdp,                     At::XdpCpumap),
    exact("xdp.frags",                  Xdp,                     At::Xdp).frags(),
    exact("xdp",                        Xdp,                     At::Xdp),
    exact("perf_event",                 PerfEvent,               At::NONE),
    exact("lwt_in",                     LwtIn,                   At::NONE),
    exact("lwt_out",                    LwtOut,                  At::NONE),
    exact("lwt_xmit",                   LwtXmit,                 At::NONE),
    exact("lwt_seg6local",              LwtSeg6Local,            At::NONE),
    exact("sockops",                    SockOps,                 At::CgroupSockOps),
    exact("sk_skb/stream_parser",       SkSkb,                   At::SkSkbStreamParser),
    exact("sk_skb/stream_verdict",      SkSkb,                   At::SkSkbStreamVerdict),
    exact("sk_skb/verdict",             SkSkb,                   At::SkSkbVerdict),
    exact("sk_skb",                     SkSkb,                   At::NONE),
    exact("sk_msg",                     SkMsg,                   At::SkMsgVerdict),
    exact("lirc_mode2",                 LircMode2,               At::LircMode2),
    exact("flow_dissector",             FlowDissector,           At::FlowDissector),
    exact("cgroup_skb/ingress",         CgroupSkb,               At::CgroupInetIngress),
    exact("cgroup_skb/egress",          CgroupSkb,               At::CgroupInetEgress),
    exact("cgroup/skb",                 CgroupSkb,               At::NONE),
    exact("cgroup/sock_create",         CgroupSock,              At::CgroupInetSockCreate),
    exact("cgroup/sock_release",        CgroupSock,              At::CgroupInetSockRelease),
    exact("cgroup/sock",                CgroupSock,              At::CgroupInetSockCreate),
    exact("cgroup/post_bind4",          CgroupSock,              At::CgroupInet4PostBind),
    exact("cgroup/post_bind6",          CgroupSock,              At::CgroupInet6PostBind),
    exact("cgroup/bind4",               CgroupSockAddr,          At::CgroupInet4Bind),
    exact("cgroup/bind6",               CgroupSockAddr,          At::CgroupInet6Bind),
    exact("cgroup/connect4",            CgroupSockAddr,          At::CgroupInet4Connect),
    exact("cgroup/connect6",            CgroupSockAddr,          At::CgroupInet6Connect),
    exact("cgroup/connect_unix",        CgroupSockAddr,          At::CgroupUnixConnect),
    exact("cgroup/sendmsg4",            CgroupSockAddr,          At::CgroupUdp4Sendmsg),
    exact("cgroup/sendmsg6",            CgroupSockAddr,          At::CgroupUdp6Sendmsg),
    exact("cgroup/sendmsg_unix",        CgroupSockAddr,          At::CgroupUnixSendmsg),
    exact("cgroup/recvmsg4",            CgroupSockAddr,          At::CgroupUdp4Recvmsg),
    exact("cgroup/recvmsg6",            CgroupSockAddr,          At::CgroupUdp6Recvmsg),
    exact("cgroup/recvmsg_unix",        CgroupSockAddr,          At::CgroupUnixRecvmsg),
    exact("cgroup/getpeername4",        CgroupSockAddr,          At::CgroupInet4Getpeername),
    exact("cgroup/getpeername6",        CgroupSockAddr,          At::CgroupInet6Getpeername),
    exact("cgroup/getpeername_unix",    CgroupSockAddr,          At::CgroupUnixGetpeername),
    exact("cgroup/getsockname4",        CgroupSockAddr,          At::CgroupInet4Getsockname),
    exact("cgroup/getsockname6",        CgroupSockAddr,          At::CgroupInet6Getsockname),
    exact("cgroup/getsockname_unix",    CgroupSockAddr,          At::CgroupUnixGetsockname),
    exact("cgroup/sysctl",              CgroupSysctl,            At::CgroupSysctl),
    exact("cgroup/getsockopt",          CgroupSockopt,           At::CgroupGetsockopt),
    exact("cgroup/setsockopt",          CgroupSockopt,           At::CgroupSetsockopt),
    exact("cgroup/dev",                 CgroupDevice,            At::CgroupDevice),
    open("struct_ops",                  StructOps,               At::NONE),
    open("struct_ops.s",                StructOps,               At::NONE).sleepable(),
    exact("sk_lookup",                  SkLookup,                At::SkLookup),
    exact("netfilter",                  Netfilter,               At::Netfilter),
];

/// What a section of this name holds, if programs.
pub fn section_role(name: &str) -> Option<SectionRole<'_>> {
    let (is_autoloaded, name) = match name.strip_prefix('?') {
        Some(name) => (false, name),
        None => (true, name),
    };
    ROWS.iter().find_map(|row| {
        let target = match name.strip_prefix(row.name)? {
            "" => None,
            rest if row.has_target => Some(rest.strip_prefix('/')?),
            _ => return None,
        };
        let Row { kind, attach, is_sleepable, takes_frags, .. } = *row;
        Some(SectionRole { kind, attach, is_sleepable, takes_frags, is_autoloaded, target })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, kind: ProgramType, attach: AttachType, target: Option<&str>) {
        let role = section_role(name).expect(name);
        assert_eq!((role.kind, role.attach, role.target), (kind, attach, target), "{name}");
    }

    #[test]
    fn names_say_type_attachment_and_target() {
        check("xdp", Xdp, At::Xdp, None);
        check("xdp.frags/devmap", Xdp, At::XdpDevmap, None);
        check("tc", SchedCls, At::NONE, None);
        check("tcx/egress", SchedCls, At::TcxEgress, None);
        check("fentry/tcp_sendmsg", Tracing, At::TraceFentry, Some("tcp_sendmsg"));
        check("kprobe.multi/tcp_*", Kprobe, At::TraceKprobeMulti, Some("tcp_*"));
        check("tp/sched/sched_switch", Tracepoint, At::NONE, Some("sched/sched_switch"));
        check("cgroup/connect4", CgroupSockAddr, At::CgroupInet4Connect, None);
        check("?netfilter", Netfilter, At::Netfilter, None);
    }

    #[test]
    fn a_question_mark_and_letters_behind_a_dot_are_flags() {
        let role = section_role("?lsm.s/file_open").expect("known");
        assert!(!role.is_autoloaded && role.is_sleepable);
        assert!(section_role("xdp.frags").is_some_and(|role| role.takes_frags));
        assert!(section_role("xdp").is_some_and(|role| role.is_autoloaded && !role.takes_frags));
    }

    #[test]
    fn other_names_are_no_programs() {
        for name in [".text", "license", "xdpx", "xdp/other", "kprobex", "kprobe_x", "", "?", "tp_"]
        {
            assert_eq!(section_role(name), None, "{name}");
        }
    }

    #[test]
    fn no_row_hides_a_later_one() {
        for (index, row) in ROWS.iter().enumerate() {
            let role = section_role(row.name).expect("its own row");
            assert_eq!((role.kind, role.attach), (row.kind, row.attach), "{}", row.name);
            assert!(ROWS[..index].iter().all(|other| other.name != row.name), "{}", row.name);
        }
    }
}
