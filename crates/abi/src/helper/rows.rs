//! One row per helper.

use ArgType::{
    AllocSize, Anything, ConstStr, Dynptr, Function, KptrDest, MapKey, MapPtr, MapValue,
    MapValueOrNull, PercpuVariable, RingbufRecord, Scalar, SockCommon, SpinLock, StackOrNull,
    Timer,
};
use MemAccess::{Fill, Read, Write};
use ProgramType::{
    CgroupDevice, CgroupSkb, CgroupSock, CgroupSockAddr, CgroupSockopt, CgroupSysctl, Ext,
    FlowDissector, Kprobe, LircMode2, Lsm, LwtIn, LwtOut, LwtSeg6Local, LwtXmit, Netfilter,
    PerfEvent, RawTracepoint, RawTracepointWritable, SchedAct, SchedCls, SkLookup, SkMsg,
    SkReuseport, SkSkb, SockOps, SocketFilter, StructOps, Syscall, Tracepoint, Tracing, Xdp,
};
use RetType::{
    DynptrMemoryOrNull, Integer, Kernel, KernelOrNull, KptrOrNull, RingbufRecordOrNull,
    SockCommonOrNull, SocketOrNull, TcpSockOrNull, Variable, VariableOrNull, Void,
};

use super::{ArgType, DynptrKind, DynptrUse, MemAccess, Prototype, RetType};
use crate::{ProgramType, ProgramTypes};

const CTX: ArgType = ArgType::Context { or_null: false };
const CTX0: ArgType = ArgType::Context { or_null: true };
const READ: ArgType = ArgType::Memory { access: Read, or_null: false };
const READ0: ArgType = ArgType::Memory { access: Read, or_null: true };
const WRITE: ArgType = ArgType::Memory { access: Write, or_null: false };
const WRITE0: ArgType = ArgType::Memory { access: Write, or_null: true };
const FILL: ArgType = ArgType::Memory { access: Fill, or_null: false };
const SIZE: ArgType = ArgType::Size { or_zero: false };
const SIZE0: ArgType = ArgType::Size { or_zero: true };
const SOCK: ArgType = ArgType::Sock { is_released: false };
const SOCK_RELEASE: ArgType = ArgType::Sock { is_released: true };

const fn kernel(structure: &'static str) -> ArgType {
    ArgType::Kernel { structure, or_null: false }
}

const fn kernel0(structure: &'static str) -> ArgType {
    ArgType::Kernel { structure, or_null: true }
}

const fn fixed(bytes: u32, access: MemAccess) -> ArgType {
    ArgType::FixedMemory { bytes, access }
}

/// All program types but `Ext`, which may what its target may, and `LircMode2`, which may little.
const EVERY: ProgramTypes = ProgramTypes::ALL.without(&[Ext, LircMode2]);
const EVERY_AND_LIRC: ProgramTypes = ProgramTypes::ALL.without(&[Ext]);
const TRACERS: ProgramTypes = only(&[
    Kprobe,
    Tracepoint,
    PerfEvent,
    RawTracepoint,
    RawTracepointWritable,
    Tracing,
    Lsm,
    Syscall,
]);

const fn only(types: &[ProgramType]) -> ProgramTypes {
    ProgramTypes::of(types)
}

const fn without(types: ProgramTypes, few: &[ProgramType]) -> ProgramTypes {
    types.without(few)
}

/// Makes the enumeration and its table. A row: variant, number, name, first kernel, result,
/// arguments, program types, and what else holds for it.
macro_rules! helpers {
    ($(
        $variant:ident $id:literal $name:literal ($major:literal, $minor:literal)
        $result:expr, [$($arg:expr),*], $programs:expr $(, $flag:ident)*;
    )*) => {
        /// Helper functions (`enum bpf_func_id`), in the order of their numbers.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u32)]
        #[expect(missing_docs, reason = "the names are the kernel's")]
        pub enum Helper {
            $($variant = $id,)*
        }

        impl Helper {
            /// All helpers, in the order of their numbers.
            pub const ALL: [Self; [$($id),*].len()] = [$(Self::$variant),*];
        }

        pub(super) static PROTOTYPES: [Prototype; Helper::ALL.len()] = [$(
            Prototype {
                $($flag: true,)*
                ..Prototype {
                    name: $name,
                    since: ($major, $minor),
                    args: &[$($arg),*],
                    result: $result,
                    is_gpl_only: false,
                    moves_packet: false,
                    programs: $programs,
                }
            },
        )*];
    };
}

#[rustfmt::skip]
helpers! {
    MapLookupElem                1 "map_lookup_elem"           (3, 19) RetType::MapValueOrNull,              [MapPtr, MapKey], EVERY_AND_LIRC;
    MapUpdateElem                2 "map_update_elem"           (3, 19) Integer,                     [MapPtr, MapKey, MapValue(Read), Anything], EVERY_AND_LIRC;
    MapDeleteElem                3 "map_delete_elem"           (3, 19) Integer,                     [MapPtr, MapKey], EVERY_AND_LIRC;
    ProbeRead                    4 "probe_read"                (4, 1)  Integer,                     [FILL, SIZE0, Anything], TRACERS, is_gpl_only;
    KtimeGetNs                   5 "ktime_get_ns"              (4, 1)  Integer,                     [], EVERY_AND_LIRC;
    TracePrintk                  6 "trace_printk"              (4, 1)  Integer,                     [READ, SIZE], EVERY_AND_LIRC, is_gpl_only;
    GetPrandomU32                7 "get_prandom_u32"           (4, 1)  Integer,                     [], EVERY_AND_LIRC;
    GetSmpProcessorId            8 "get_smp_processor_id"      (4, 1)  Integer,                     [], EVERY;
    SkbStoreBytes                9 "skb_store_bytes"           (4, 1)  Integer,                     [CTX, Anything, READ, SIZE, Anything], only(&[SchedCls, SchedAct, LwtXmit, SkSkb]), moves_packet;
    L3CsumReplace               10 "l3_csum_replace"           (4, 1)  Integer,                     [CTX, Anything, Anything, Anything, Anything], only(&[SchedCls, SchedAct, LwtXmit]), moves_packet;
    L4CsumReplace               11 "l4_csum_replace"           (4, 1)  Integer,                     [CTX, Anything, Anything, Anything, Anything], only(&[SchedCls, SchedAct, LwtXmit]), moves_packet;
    TailCall                    12 "tail_call"                 (4, 2)  Void,                        [CTX, MapPtr, Anything], EVERY_AND_LIRC, moves_packet;
    CloneRedirect               13 "clone_redirect"            (4, 2)  Integer,                     [CTX, Anything, Anything], only(&[SchedCls, SchedAct, LwtXmit]), moves_packet;
    GetCurrentPidTgid           14 "get_current_pid_tgid"      (4, 2)  Integer,                     [], EVERY;
    GetCurrentUidGid            15 "get_current_uid_gid"       (4, 2)  Integer,                     [], EVERY;
    GetCurrentComm              16 "get_current_comm"          (4, 2)  Integer,                     [FILL, SIZE], EVERY;
    GetCgroupClassid            17 "get_cgroup_classid"        (4, 3)  Integer,                     [CTX], EVERY;
    SkbVlanPush                 18 "skb_vlan_push"             (4, 3)  Integer,                     [CTX, Anything, Anything], only(&[SchedCls, SchedAct]), moves_packet;
    SkbVlanPop                  19 "skb_vlan_pop"              (4, 3)  Integer,                     [CTX], only(&[SchedCls, SchedAct]), moves_packet;
    SkbGetTunnelKey             20 "skb_get_tunnel_key"        (4, 3)  Integer,                     [CTX, FILL, SIZE, Anything], only(&[SchedCls, SchedAct, LwtXmit]);
    SkbSetTunnelKey             21 "skb_set_tunnel_key"        (4, 3)  Integer,                     [CTX, READ, SIZE, Anything], only(&[SchedCls, SchedAct, LwtXmit]);
    PerfEventRead               22 "perf_event_read"           (4, 3)  Integer,                     [MapPtr, Anything], EVERY, is_gpl_only;
    Redirect                    23 "redirect"                  (4, 4)  Integer,                     [Anything, Anything], only(&[SchedCls, SchedAct, Xdp, LwtXmit]);
    GetRouteRealm               24 "get_route_realm"           (4, 4)  Integer,                     [CTX], only(&[SchedCls, SchedAct, LwtIn, LwtOut, LwtXmit, LwtSeg6Local]);
    PerfEventOutput             25 "perf_event_output"         (4, 4)  Integer,                     [CTX, MapPtr, Anything, READ, SIZE0], without(EVERY, &[SkReuseport, FlowDissector, StructOps, Netfilter]), is_gpl_only;
    SkbLoadBytes                26 "skb_load_bytes"            (4, 5)  Integer,                     [CTX, Anything, FILL, SIZE], only(&[SocketFilter, SchedCls, SchedAct, CgroupSkb, LwtIn, LwtOut, LwtXmit, SkSkb, LwtSeg6Local, SkReuseport, FlowDissector]);
    GetStackid                  27 "get_stackid"               (4, 6)  Integer,                     [CTX, MapPtr, Anything], TRACERS, is_gpl_only;
    CsumDiff                    28 "csum_diff"                 (4, 6)  Integer,                     [READ0, SIZE0, READ0, SIZE0, Anything], only(&[SchedCls, SchedAct, Xdp, LwtIn, LwtOut, LwtXmit, LwtSeg6Local]);
    SkbGetTunnelOpt             29 "skb_get_tunnel_opt"        (4, 6)  Integer,                     [CTX, FILL, SIZE], only(&[SchedCls, SchedAct, LwtXmit]);
    SkbSetTunnelOpt             30 "skb_set_tunnel_opt"        (4, 6)  Integer,                     [CTX, READ, SIZE], only(&[SchedCls, SchedAct, LwtXmit]);
    SkbChangeProto              31 "skb_change_proto"          (4, 8)  Integer,                     [CTX, Anything, Anything], only(&[SchedCls, SchedAct]), moves_packet;
    SkbChangeType               32 "skb_change_type"           (4, 8)  Integer,                     [CTX, Anything], only(&[SchedCls, SchedAct]);
    SkbUnderCgroup              33 "skb_under_cgroup"          (4, 8)  Integer,                     [CTX, MapPtr, Anything], only(&[SchedCls, SchedAct, LwtIn, LwtOut, LwtXmit, LwtSeg6Local]);
    GetHashRecalc               34 "get_hash_recalc"           (4, 8)  Integer,                     [CTX], only(&[SchedCls, SchedAct, LwtIn, LwtOut, LwtXmit, LwtSeg6Local]);
    GetCurrentTask              35 "get_current_task"          (4, 8)  Integer,                     [], EVERY, is_gpl_only;
    ProbeWriteUser              36 "probe_write_user"          (4, 8)  Integer,                     [Anything, READ, SIZE], TRACERS, is_gpl_only;
    CurrentTaskUnderCgroup      37 "current_task_under_cgroup" (4, 9)  Integer,                     [MapPtr, Anything], EVERY;
    SkbChangeTail               38 "skb_change_tail"           (4, 9)  Integer,                     [CTX, Anything, Anything], only(&[SchedCls, SchedAct, LwtXmit, SkSkb]), moves_packet;
    SkbPullData                 39 "skb_pull_data"             (4, 9)  Integer,                     [CTX, Anything], only(&[SchedCls, SchedAct, LwtIn, LwtOut, LwtXmit, SkSkb, LwtSeg6Local]), moves_packet;
    CsumUpdate                  40 "csum_update"               (4, 9)  Integer,                     [CTX, Anything], only(&[SchedCls, SchedAct, LwtXmit]);
    SetHashInvalid              41 "set_hash_invalid"          (4, 9)  Integer,                     [CTX], only(&[SchedCls, SchedAct, LwtXmit]);
    GetNumaNodeId               42 "get_numa_node_id"          (4, 10) Integer,                     [], EVERY;
    SkbChangeHead               43 "skb_change_head"           (4, 10) Integer,                     [CTX, Anything, Anything], only(&[SchedCls, SchedAct, LwtXmit, SkSkb]), moves_packet;
    XdpAdjustHead               44 "xdp_adjust_head"           (4, 10) Integer,                     [CTX, Anything], only(&[Xdp]), moves_packet;
    ProbeReadStr                45 "probe_read_str"            (4, 11) Integer,                     [FILL, SIZE0, Anything], TRACERS, is_gpl_only;
    GetSocketCookie             46 "get_socket_cookie"         (4, 12) Integer,                     [CTX], only(&[SocketFilter, SchedCls, SchedAct, CgroupSkb, CgroupSock, SockOps, SkSkb, CgroupSockAddr, SkReuseport, Tracing, Lsm, Syscall]);
    GetSocketUid                47 "get_socket_uid"            (4, 12) Integer,                     [CTX], only(&[SocketFilter, SchedCls, SchedAct, CgroupSkb, SkSkb]);
    SetHash                     48 "set_hash"                  (4, 13) Integer,                     [CTX, Anything], only(&[SchedCls, SchedAct]);
    Setsockopt                  49 "setsockopt"                (4, 13) Integer,                     [CTX, Anything, Anything, READ, SIZE], only(&[SockOps, CgroupSockAddr, CgroupSockopt, StructOps]);
    SkbAdjustRoom               50 "skb_adjust_room"           (4, 13) Integer,                     [CTX, Anything, Anything, Anything], only(&[SchedCls, SchedAct, SkSkb]), moves_packet;
    RedirectMap                 51 "redirect_map"              (4, 14) Integer,                     [MapPtr, Anything, Anything], only(&[Xdp]);
    SkRedirectMap               52 "sk_redirect_map"           (4, 14) Integer,                     [CTX, MapPtr, Anything, Anything], only(&[SkSkb]);
    SockMapUpdate               53 "sock_map_update"           (4, 14) Integer,                     [CTX, MapPtr, MapKey, Anything], only(&[SockOps]);
    XdpAdjustMeta               54 "xdp_adjust_meta"           (4, 15) Integer,                     [CTX, Anything], only(&[Xdp]), moves_packet;
    PerfEventReadValue          55 "perf_event_read_value"     (4, 15) Integer,                     [MapPtr, Anything, FILL, SIZE], EVERY, is_gpl_only;
    PerfProgReadValue           56 "perf_prog_read_value"      (4, 15) Integer,                     [CTX, FILL, SIZE], only(&[PerfEvent]), is_gpl_only;
    Getsockopt                  57 "getsockopt"                (4, 15) Integer,                     [CTX, Anything, Anything, FILL, SIZE], only(&[SockOps, CgroupSockAddr, CgroupSockopt, StructOps]);
    OverrideReturn              58 "override_return"           (4, 16) Integer,                     [CTX, Anything], only(&[Kprobe]), is_gpl_only;
    SockOpsCbFlagsSet           59 "sock_ops_cb_flags_set"     (4, 16) Integer,                     [CTX, Anything], only(&[SockOps]);
    MsgRedirectMap              60 "msg_redirect_map"          (4, 17) Integer,                     [CTX, MapPtr, Anything, Anything], only(&[SkMsg]);
    MsgApplyBytes               61 "msg_apply_bytes"           (4, 17) Integer,                     [CTX, Anything], only(&[SkMsg]);
    MsgCorkBytes                62 "msg_cork_bytes"            (4, 17) Integer,                     [CTX, Anything], only(&[SkMsg]);
    MsgPullData                 63 "msg_pull_data"             (4, 17) Integer,                     [CTX, Anything, Anything, Anything], only(&[SkMsg]), moves_packet;
    Bind                        64 "bind"                      (4, 17) Integer,                     [CTX, READ, SIZE], only(&[CgroupSockAddr]);
    XdpAdjustTail               65 "xdp_adjust_tail"           (4, 18) Integer,                     [CTX, Anything], only(&[Xdp]), moves_packet;
    SkbGetXfrmState             66 "skb_get_xfrm_state"        (4, 18) Integer,                     [CTX, Anything, FILL, SIZE, Anything], only(&[SchedCls, SchedAct]);
    GetStack                    67 "get_stack"                 (4, 18) Integer,                     [CTX, FILL, SIZE0, Anything], TRACERS, is_gpl_only;
    SkbLoadBytesRelative        68 "skb_load_bytes_relative"   (4, 18) Integer,                     [CTX, Anything, FILL, SIZE, Anything], only(&[SocketFilter, SchedCls, SchedAct, CgroupSkb, SkReuseport]);
    FibLookup                   69 "fib_lookup"                (4, 18) Integer,                     [CTX, WRITE, SIZE, Anything], only(&[SchedCls, SchedAct, Xdp]), is_gpl_only;
    SockHashUpdate              70 "sock_hash_update"          (4, 18) Integer,                     [CTX, MapPtr, MapKey, Anything], only(&[SockOps]);
    MsgRedirectHash             71 "msg_redirect_hash"         (4, 18) Integer,                     [CTX, MapPtr, MapKey, Anything], only(&[SkMsg]);
    SkRedirectHash              72 "sk_redirect_hash"          (4, 18) Integer,                     [CTX, MapPtr, MapKey, Anything], only(&[SkSkb]);
    LwtPushEncap                73 "lwt_push_encap"            (4, 18) Integer,                     [CTX, Anything, READ], only(&[LwtIn, LwtXmit]), moves_packet;
    LwtSeg6StoreBytes           74 "lwt_seg6_store_bytes"      (4, 18) Integer,                     [CTX, Anything, READ], only(&[LwtSeg6Local]), moves_packet;
    LwtSeg6AdjustSrh            75 "lwt_seg6_adjust_srh"       (4, 18) Integer,                     [CTX, Anything, Anything], only(&[LwtSeg6Local]), moves_packet;
    LwtSeg6Action               76 "lwt_seg6_action"           (4, 18) Integer,                     [CTX, Anything, READ], only(&[LwtSeg6Local]), moves_packet;
    RcRepeat                    77 "rc_repeat"                 (4, 18) Integer,                     [CTX], only(&[LircMode2]), is_gpl_only;
    RcKeydown                   78 "rc_keydown"                (4, 18) Integer,                     [CTX, Anything, Anything, Anything], only(&[LircMode2]), is_gpl_only;
    SkbCgroupId                 79 "skb_cgroup_id"             (4, 18) Integer,                     [CTX], only(&[SchedCls, SchedAct, CgroupSkb]);
    GetCurrentCgroupId          80 "get_current_cgroup_id"     (4, 18) Integer,                     [], EVERY;
    GetLocalStorage             81 "get_local_storage"         (4, 19) RetType::MapValue,                    [MapPtr, Anything], only(&[CgroupSkb, CgroupSock, SockOps, CgroupDevice, CgroupSockAddr, CgroupSysctl, CgroupSockopt]);
    SkSelectReuseport           82 "sk_select_reuseport"       (4, 19) Integer,                     [CTX, MapPtr, MapKey, Anything], only(&[SkReuseport]);
    SkbAncestorCgroupId         83 "skb_ancestor_cgroup_id"    (4, 19) Integer,                     [CTX, Anything], only(&[SchedCls, SchedAct, CgroupSkb]);
    SkLookupTcp                 84 "sk_lookup_tcp"             (4, 20) SocketOrNull,                [CTX, READ, SIZE0, Anything, Anything], only(&[SchedCls, SchedAct, Xdp, CgroupSkb, SkSkb, CgroupSockAddr]);
    SkLookupUdp                 85 "sk_lookup_udp"             (4, 20) SocketOrNull,                [CTX, READ, SIZE0, Anything, Anything], only(&[SchedCls, SchedAct, Xdp, CgroupSkb, SkSkb, CgroupSockAddr]);
    SkRelease                   86 "sk_release"                (4, 20) Integer,                     [SOCK_RELEASE], only(&[SchedCls, SchedAct, Xdp, CgroupSkb, SkSkb, CgroupSockAddr, SkLookup]);
    MapPushElem                 87 "map_push_elem"             (4, 20) Integer,                     [MapPtr, MapValue(Read), Anything], EVERY_AND_LIRC;
    MapPopElem                  88 "map_pop_elem"              (4, 20) Integer,                     [MapPtr, MapValue(Fill)], EVERY_AND_LIRC;
    MapPeekElem                 89 "map_peek_elem"             (4, 20) Integer,                     [MapPtr, MapValue(Fill)], EVERY_AND_LIRC;
    MsgPushData                 90 "msg_push_data"             (4, 20) Integer,                     [CTX, Anything, Anything, Anything], only(&[SkMsg]), moves_packet;
    MsgPopData                  91 "msg_pop_data"              (5, 0)  Integer,                     [CTX, Anything, Anything, Anything], only(&[SkMsg]), moves_packet;
    RcPointerRel                92 "rc_pointer_rel"            (5, 0)  Integer,                     [CTX, Anything, Anything], only(&[LircMode2]), is_gpl_only;
    SpinLock                    93 "spin_lock"                 (5, 1)  Void,                        [SpinLock], EVERY;
    SpinUnlock                  94 "spin_unlock"               (5, 1)  Void,                        [SpinLock], EVERY;
    SkFullsock                  95 "sk_fullsock"               (5, 1)  SocketOrNull,                [SockCommon], only(&[SchedCls, SchedAct, CgroupSkb]);
    TcpSock                     96 "tcp_sock"                  (5, 1)  TcpSockOrNull,               [SockCommon], only(&[SchedCls, SchedAct, CgroupSkb, SockOps, CgroupSockopt]);
    SkbEcnSetCe                 97 "skb_ecn_set_ce"            (5, 1)  Integer,                     [CTX], only(&[SchedCls, SchedAct, CgroupSkb]);
    GetListenerSock             98 "get_listener_sock"         (5, 1)  SocketOrNull,                [SockCommon], only(&[SchedCls, SchedAct, CgroupSkb]);
    SkcLookupTcp                99 "skc_lookup_tcp"            (5, 2)  SockCommonOrNull,            [CTX, READ, SIZE0, Anything, Anything], only(&[SchedCls, SchedAct, Xdp, CgroupSkb, SkSkb, CgroupSockAddr]);
    TcpCheckSyncookie          100 "tcp_check_syncookie"       (5, 2)  Integer,                     [SOCK, READ, SIZE, READ, SIZE], only(&[SchedCls, SchedAct, Xdp]), is_gpl_only;
    SysctlGetName              101 "sysctl_get_name"           (5, 2)  Integer,                     [CTX, WRITE, SIZE, Anything], only(&[CgroupSysctl]);
    SysctlGetCurrentValue      102 "sysctl_get_current_value"  (5, 2)  Integer,                     [CTX, FILL, SIZE], only(&[CgroupSysctl]);
    SysctlGetNewValue          103 "sysctl_get_new_value"      (5, 2)  Integer,                     [CTX, FILL, SIZE], only(&[CgroupSysctl]);
    SysctlSetNewValue          104 "sysctl_set_new_value"      (5, 2)  Integer,                     [CTX, READ, SIZE], only(&[CgroupSysctl]);
    Strtol                     105 "strtol"                    (5, 2)  Integer,                     [READ, SIZE, Anything, fixed(8, Fill)], EVERY;
    Strtoul                    106 "strtoul"                   (5, 2)  Integer,                     [READ, SIZE, Anything, fixed(8, Fill)], EVERY;
    SkStorageGet               107 "sk_storage_get"            (5, 2)  RetType::MapValueOrNull,              [MapPtr, SOCK, MapValueOrNull, Anything], only(&[SchedCls, SchedAct, CgroupSkb, CgroupSock, SockOps, SkMsg, CgroupSockAddr, CgroupSockopt, Tracing, StructOps, Lsm, Syscall]);
    SkStorageDelete            108 "sk_storage_delete"         (5, 2)  Integer,                     [MapPtr, SOCK], only(&[SchedCls, SchedAct, CgroupSkb, SockOps, SkMsg, CgroupSockAddr, CgroupSockopt, Tracing, StructOps, Lsm, Syscall]);
    SendSignal                 109 "send_signal"               (5, 3)  Integer,                     [Anything], EVERY;
    TcpGenSyncookie            110 "tcp_gen_syncookie"         (5, 3)  Integer,                     [SOCK, READ, SIZE, READ, SIZE], only(&[SchedCls, SchedAct, Xdp]), is_gpl_only;
    SkbOutput                  111 "skb_output"                (5, 5)  Integer,                     [kernel("sk_buff"), MapPtr, Anything, READ, SIZE0], only(&[Tracing, Lsm, Syscall]), is_gpl_only;
    ProbeReadUser              112 "probe_read_user"           (5, 5)  Integer,                     [FILL, SIZE0, Anything], EVERY, is_gpl_only;
    ProbeReadKernel            113 "probe_read_kernel"         (5, 5)  Integer,                     [FILL, SIZE0, Anything], EVERY, is_gpl_only;
    ProbeReadUserStr           114 "probe_read_user_str"       (5, 5)  Integer,                     [FILL, SIZE0, Anything], EVERY, is_gpl_only;
    ProbeReadKernelStr         115 "probe_read_kernel_str"     (5, 5)  Integer,                     [FILL, SIZE0, Anything], EVERY, is_gpl_only;
    TcpSendAck                 116 "tcp_send_ack"              (5, 6)  Integer,                     [kernel("tcp_sock"), Anything], only(&[StructOps]);
    SendSignalThread           117 "send_signal_thread"        (5, 6)  Integer,                     [Anything], EVERY;
    Jiffies64                  118 "jiffies64"                 (5, 6)  Integer,                     [], EVERY;
    ReadBranchRecords          119 "read_branch_records"       (5, 6)  Integer,                     [CTX, WRITE0, SIZE0, Anything], only(&[PerfEvent]), is_gpl_only;
    GetNsCurrentPidTgid        120 "get_ns_current_pid_tgid"   (5, 7)  Integer,                     [Anything, Anything, FILL, SIZE], EVERY;
    XdpOutput                  121 "xdp_output"                (5, 7)  Integer,                     [kernel("xdp_buff"), MapPtr, Anything, READ, SIZE0], only(&[Tracing, Lsm, Syscall]), is_gpl_only;
    GetNetnsCookie             122 "get_netns_cookie"          (5, 7)  Integer,                     [CTX0], only(&[SocketFilter, SchedCls, SchedAct, CgroupSkb, CgroupSock, SockOps, SkMsg, CgroupSockAddr, CgroupSockopt]);
    GetCurrentAncestorCgroupId 123 "get_current_ancestor_cgroup_id" (5, 7)  Integer,                     [Anything], EVERY;
    SkAssign                   124 "sk_assign"                 (5, 7)  Integer,                     [CTX, SOCK, Anything], only(&[SchedCls, SchedAct, SkLookup]);
    KtimeGetBootNs             125 "ktime_get_boot_ns"         (5, 8)  Integer,                     [], EVERY_AND_LIRC;
    SeqPrintf                  126 "seq_printf"                (5, 8)  Integer,                     [kernel("seq_file"), READ, SIZE, READ0, SIZE0], only(&[Tracing]), is_gpl_only;
    SeqWrite                   127 "seq_write"                 (5, 8)  Integer,                     [kernel("seq_file"), READ, SIZE0], only(&[Tracing]), is_gpl_only;
    SkCgroupId                 128 "sk_cgroup_id"              (5, 8)  Integer,                     [SOCK], only(&[CgroupSkb]);
    SkAncestorCgroupId         129 "sk_ancestor_cgroup_id"     (5, 8)  Integer,                     [SOCK, Anything], only(&[CgroupSkb]);
    RingbufOutput              130 "ringbuf_output"            (5, 8)  Integer,                     [MapPtr, READ, SIZE0, Anything], EVERY;
    RingbufReserve             131 "ringbuf_reserve"           (5, 8)  RingbufRecordOrNull,         [MapPtr, AllocSize, Anything], EVERY;
    RingbufSubmit              132 "ringbuf_submit"            (5, 8)  Void,                        [RingbufRecord, Anything], EVERY;
    RingbufDiscard             133 "ringbuf_discard"           (5, 8)  Void,                        [RingbufRecord, Anything], EVERY;
    RingbufQuery               134 "ringbuf_query"             (5, 8)  Integer,                     [MapPtr, Anything], EVERY;
    CsumLevel                  135 "csum_level"                (5, 8)  Integer,                     [CTX, Anything], only(&[SchedCls, SchedAct, LwtXmit]);
    SkcToTcp6Sock              136 "skc_to_tcp6_sock"          (5, 9)  KernelOrNull("tcp6_sock"),   [SOCK], only(&[SocketFilter, SchedCls, SchedAct, Xdp, CgroupSkb, LwtIn, LwtOut, LwtXmit, SockOps, SkSkb, SkMsg, CgroupSockAddr, LwtSeg6Local, FlowDissector, Tracing, Lsm, SkLookup, Syscall]);
    SkcToTcpSock               137 "skc_to_tcp_sock"           (5, 9)  KernelOrNull("tcp_sock"),    [SOCK], only(&[SocketFilter, SchedCls, SchedAct, Xdp, CgroupSkb, LwtIn, LwtOut, LwtXmit, SockOps, SkSkb, SkMsg, CgroupSockAddr, LwtSeg6Local, FlowDissector, Tracing, Lsm, SkLookup, Syscall]);
    SkcToTcpTimewaitSock       138 "skc_to_tcp_timewait_sock"  (5, 9)  KernelOrNull("tcp_timewait_sock"), [SOCK], only(&[SocketFilter, SchedCls, SchedAct, Xdp, CgroupSkb, LwtIn, LwtOut, LwtXmit, SockOps, SkSkb, SkMsg, CgroupSockAddr, LwtSeg6Local, FlowDissector, Tracing, Lsm, SkLookup, Syscall]);
    SkcToTcpRequestSock        139 "skc_to_tcp_request_sock"   (5, 9)  KernelOrNull("tcp_request_sock"), [SOCK], only(&[SocketFilter, SchedCls, SchedAct, Xdp, CgroupSkb, LwtIn, LwtOut, LwtXmit, SockOps, SkSkb, SkMsg, CgroupSockAddr, LwtSeg6Local, FlowDissector, Tracing, Lsm, SkLookup, Syscall]);
    SkcToUdp6Sock              140 "skc_to_udp6_sock"          (5, 9)  KernelOrNull("udp6_sock"),   [SOCK], only(&[SocketFilter, SchedCls, SchedAct, Xdp, CgroupSkb, LwtIn, LwtOut, LwtXmit, SockOps, SkSkb, SkMsg, CgroupSockAddr, LwtSeg6Local, FlowDissector, Tracing, Lsm, SkLookup, Syscall]);
    GetTaskStack               141 "get_task_stack"            (5, 9)  Integer,                     [kernel("task_struct"), FILL, SIZE0, Anything], EVERY;
    LoadHdrOpt                 142 "load_hdr_opt"              (5, 10) Integer,                     [CTX, WRITE, SIZE, Anything], only(&[SockOps]);
    StoreHdrOpt                143 "store_hdr_opt"             (5, 10) Integer,                     [CTX, READ, SIZE, Anything], only(&[SockOps]), moves_packet;
    ReserveHdrOpt              144 "reserve_hdr_opt"           (5, 10) Integer,                     [CTX, Anything, Anything], only(&[SockOps]);
    InodeStorageGet            145 "inode_storage_get"         (5, 10) RetType::MapValueOrNull,              [MapPtr, kernel0("inode"), MapValueOrNull, Anything], only(&[Lsm]);
    InodeStorageDelete         146 "inode_storage_delete"      (5, 10) Integer,                     [MapPtr, kernel0("inode")], only(&[Lsm]);
    DPath                      147 "d_path"                    (5, 10) Integer,                     [kernel("path"), WRITE, SIZE0], only(&[Tracing, Lsm, Syscall]);
    CopyFromUser               148 "copy_from_user"            (5, 10) Integer,                     [FILL, SIZE0, Anything], EVERY;
    SnprintfBtf                149 "snprintf_btf"              (5, 10) Integer,                     [WRITE, SIZE, READ, SIZE, Anything], EVERY;
    SeqPrintfBtf               150 "seq_printf_btf"            (5, 10) Integer,                     [kernel("seq_file"), READ, SIZE0, Anything], only(&[Tracing]), is_gpl_only;
    SkbCgroupClassid           151 "skb_cgroup_classid"        (5, 10) Integer,                     [CTX], only(&[SchedCls, SchedAct]);
    RedirectNeigh              152 "redirect_neigh"            (5, 10) Integer,                     [Anything, READ0, SIZE0, Anything], only(&[SchedCls, SchedAct]);
    PerCpuPtr                  153 "per_cpu_ptr"               (5, 10) VariableOrNull,              [PercpuVariable, Anything], EVERY;
    ThisCpuPtr                 154 "this_cpu_ptr"              (5, 10) Variable,                    [PercpuVariable], EVERY;
    RedirectPeer               155 "redirect_peer"             (5, 10) Integer,                     [Anything, Anything], only(&[SchedCls, SchedAct]);
    TaskStorageGet             156 "task_storage_get"          (5, 11) RetType::MapValueOrNull,              [MapPtr, kernel0("task_struct"), MapValueOrNull, Anything], EVERY;
    TaskStorageDelete          157 "task_storage_delete"       (5, 11) Integer,                     [MapPtr, kernel0("task_struct")], EVERY;
    GetCurrentTaskBtf          158 "get_current_task_btf"      (5, 11) Kernel("task_struct"),       [], EVERY, is_gpl_only;
    BprmOptsSet                159 "bprm_opts_set"             (5, 11) Integer,                     [kernel("linux_binprm"), Anything], only(&[Lsm]);
    KtimeGetCoarseNs           160 "ktime_get_coarse_ns"       (5, 11) Integer,                     [], only(&[SocketFilter, SchedCls, SchedAct, Xdp, CgroupSkb, CgroupSock, LwtIn, LwtOut, LwtXmit, SockOps, SkSkb, SkMsg, CgroupSockAddr, LwtSeg6Local, SkReuseport, FlowDissector, CgroupSysctl, StructOps, SkLookup]);
    ImaInodeHash               161 "ima_inode_hash"            (5, 11) Integer,                     [kernel("inode"), FILL, SIZE], only(&[Lsm]);
    SockFromFile               162 "sock_from_file"            (5, 11) KernelOrNull("socket"),      [kernel("file")], only(&[Tracing, Lsm, Syscall]);
    CheckMtu                   163 "check_mtu"                 (5, 12) Integer,                     [CTX, Anything, fixed(4, Write), Anything, Anything], only(&[SchedCls, SchedAct, Xdp]), is_gpl_only;
    ForEachMapElem             164 "for_each_map_elem"         (5, 13) Integer,                     [MapPtr, Function, StackOrNull, Anything], EVERY;
    Snprintf                   165 "snprintf"                  (5, 13) Integer,                     [WRITE0, SIZE0, ConstStr, READ0, SIZE0], EVERY, is_gpl_only;
    SysBpf                     166 "sys_bpf"                   (5, 14) Integer,                     [Anything, READ, SIZE], only(&[Syscall]);
    BtfFindByNameKind          167 "btf_find_by_name_kind"     (5, 14) Integer,                     [READ, SIZE, Anything, Anything], only(&[Syscall]);
    SysClose                   168 "sys_close"                 (5, 14) Integer,                     [Anything], only(&[Syscall]);
    TimerInit                  169 "timer_init"                (5, 15) Integer,                     [Timer, MapPtr, Anything], EVERY, is_gpl_only;
    TimerSetCallback           170 "timer_set_callback"        (5, 15) Integer,                     [Timer, Function], EVERY, is_gpl_only;
    TimerStart                 171 "timer_start"               (5, 15) Integer,                     [Timer, Anything, Anything], EVERY, is_gpl_only;
    TimerCancel                172 "timer_cancel"              (5, 15) Integer,                     [Timer], EVERY, is_gpl_only;
    GetFuncIp                  173 "get_func_ip"               (5, 15) Integer,                     [CTX], TRACERS, is_gpl_only;
    GetAttachCookie            174 "get_attach_cookie"         (5, 15) Integer,                     [CTX], without(TRACERS, &[Syscall]);
    TaskPtRegs                 175 "task_pt_regs"              (5, 15) Kernel("pt_regs"),           [kernel("task_struct")], EVERY, is_gpl_only;
    GetBranchSnapshot          176 "get_branch_snapshot"       (5, 16) Integer,                     [FILL, SIZE0], EVERY, is_gpl_only;
    TraceVprintk               177 "trace_vprintk"             (5, 16) Integer,                     [READ, SIZE, READ0, SIZE0], EVERY, is_gpl_only;
    SkcToUnixSock              178 "skc_to_unix_sock"          (5, 16) KernelOrNull("unix_sock"),   [SOCK], only(&[SocketFilter, SchedCls, SchedAct, Xdp, CgroupSkb, LwtIn, LwtOut, LwtXmit, SockOps, SkSkb, SkMsg, CgroupSockAddr, LwtSeg6Local, FlowDissector, Tracing, Lsm, SkLookup, Syscall]);
    KallsymsLookupName         179 "kallsyms_lookup_name"      (5, 16) Integer,                     [WRITE, SIZE0, Anything, fixed(8, Fill)], only(&[Syscall]);
    FindVma                    180 "find_vma"                  (5, 17) Integer,                     [kernel("task_struct"), Anything, Function, StackOrNull, Anything], EVERY;
    Loop                       181 "loop"                      (5, 17) Integer,                     [Scalar, Function, StackOrNull, Anything], EVERY;
    Strncmp                    182 "strncmp"                   (5, 17) Integer,                     [READ, SIZE, ConstStr], EVERY;
    GetFuncArg                 183 "get_func_arg"              (5, 17) Integer,                     [CTX, Anything, fixed(8, Fill)], only(&[Tracing, Lsm]);
    GetFuncRet                 184 "get_func_ret"              (5, 17) Integer,                     [CTX, fixed(8, Fill)], only(&[Tracing, Lsm]);
    GetFuncArgCnt              185 "get_func_arg_cnt"          (5, 17) Integer,                     [CTX], only(&[Tracing, Lsm]);
    GetRetval                  186 "get_retval"                (5, 18) Integer,                     [], only(&[CgroupSock, CgroupDevice, CgroupSockAddr, CgroupSysctl, CgroupSockopt]);
    SetRetval                  187 "set_retval"                (5, 18) Integer,                     [Anything], only(&[CgroupSock, CgroupDevice, CgroupSockAddr, CgroupSysctl, CgroupSockopt]);
    XdpGetBuffLen              188 "xdp_get_buff_len"          (5, 18) Integer,                     [CTX], only(&[Xdp, Tracing, Lsm, Syscall]);
    XdpLoadBytes               189 "xdp_load_bytes"            (5, 18) Integer,                     [CTX, Anything, FILL, SIZE], only(&[Xdp]);
    XdpStoreBytes              190 "xdp_store_bytes"           (5, 18) Integer,                     [CTX, Anything, READ, SIZE], only(&[Xdp]);
    CopyFromUserTask           191 "copy_from_user_task"       (5, 18) Integer,                     [FILL, SIZE0, Anything, kernel("task_struct")], EVERY, is_gpl_only;
    SkbSetTstamp               192 "skb_set_tstamp"            (5, 18) Integer,                     [CTX, Anything, Anything], only(&[SchedCls, SchedAct]);
    ImaFileHash                193 "ima_file_hash"             (5, 18) Integer,                     [kernel("file"), FILL, SIZE], only(&[Lsm]);
    KptrXchg                   194 "kptr_xchg"                 (5, 19) KptrOrNull,                  [KptrDest, ArgType::KptrOrNull], EVERY;
    MapLookupPercpuElem        195 "map_lookup_percpu_elem"    (5, 19) RetType::MapValueOrNull,              [MapPtr, MapKey, Anything], EVERY;
    SkcToMptcpSock             196 "skc_to_mptcp_sock"         (5, 19) KernelOrNull("mptcp_sock"),  [SockCommon], only(&[SocketFilter, SchedCls, SchedAct, Xdp, CgroupSkb, LwtIn, LwtOut, LwtXmit, SockOps, SkSkb, SkMsg, CgroupSockAddr, LwtSeg6Local, FlowDissector, Tracing, Lsm, SkLookup, Syscall]);
    DynptrFromMem              197 "dynptr_from_mem"           (5, 19) Integer,                     [FILL, SIZE0, Anything, Dynptr(DynptrUse::New(DynptrKind::Local))], EVERY;
    RingbufReserveDynptr       198 "ringbuf_reserve_dynptr"    (5, 19) Integer,                     [MapPtr, Anything, Anything, Dynptr(DynptrUse::New(DynptrKind::Ringbuf))], EVERY;
    RingbufSubmitDynptr        199 "ringbuf_submit_dynptr"     (5, 19) Void,                        [Dynptr(DynptrUse::Release(DynptrKind::Ringbuf)), Anything], EVERY;
    RingbufDiscardDynptr       200 "ringbuf_discard_dynptr"    (5, 19) Void,                        [Dynptr(DynptrUse::Release(DynptrKind::Ringbuf)), Anything], EVERY;
    DynptrRead                 201 "dynptr_read"               (5, 19) Integer,                     [FILL, SIZE0, Dynptr(DynptrUse::Borrow), Anything, Anything], EVERY;
    DynptrWrite                202 "dynptr_write"              (5, 19) Integer,                     [Dynptr(DynptrUse::Borrow), Anything, READ, SIZE0, Anything], EVERY;
    DynptrData                 203 "dynptr_data"               (5, 19) DynptrMemoryOrNull,          [Dynptr(DynptrUse::Borrow), Anything, AllocSize], EVERY;
    TcpRawGenSyncookieIpv4     204 "tcp_raw_gen_syncookie_ipv4" (6, 0)  Integer,                     [fixed(20, Read), WRITE, SIZE0], only(&[SchedCls, SchedAct, Xdp]), is_gpl_only;
    TcpRawGenSyncookieIpv6     205 "tcp_raw_gen_syncookie_ipv6" (6, 0)  Integer,                     [fixed(40, Read), WRITE, SIZE0], only(&[SchedCls, SchedAct, Xdp]), is_gpl_only;
    TcpRawCheckSyncookieIpv4   206 "tcp_raw_check_syncookie_ipv4" (6, 0)  Integer,                     [fixed(20, Read), fixed(20, Read)], only(&[SchedCls, SchedAct, Xdp]), is_gpl_only;
    TcpRawCheckSyncookieIpv6   207 "tcp_raw_check_syncookie_ipv6" (6, 0)  Integer,                     [fixed(40, Read), fixed(20, Read)], only(&[SchedCls, SchedAct, Xdp]), is_gpl_only;
    KtimeGetTaiNs              208 "ktime_get_tai_ns"          (6, 1)  Integer,                     [], EVERY;
    UserRingbufDrain           209 "user_ringbuf_drain"        (6, 1)  Integer,                     [MapPtr, Function, StackOrNull, Anything], EVERY;
    CgrpStorageGet             210 "cgrp_storage_get"          (6, 2)  RetType::MapValueOrNull,              [MapPtr, kernel0("cgroup"), MapValueOrNull, Anything], EVERY;
    CgrpStorageDelete          211 "cgrp_storage_delete"       (6, 2)  Integer,                     [MapPtr, kernel0("cgroup")], EVERY;
}
