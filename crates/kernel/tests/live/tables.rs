//! The tables of `abi` against the running kernel: its type information and its verifier.

use netloom_abi::{AttachType, Helper, MapKind, ProgramType};
use netloom_btf::{Btf, Kind, Type};
use netloom_isa::{Builder, Callee, Insn, Reg, encode};
use netloom_kernel::Vmlinux;
use netloom_sys::bpf::{LogDetail, Program, ProgramLoad};

use crate::scene::privileged;

/// Room for the two lines that the verifier says.
const LOG_BYTES: usize = 4096;

/// The kernel's constants with this prefix, the prefix taken off, in lower case.
fn constants(btf: &Btf, enumeration: &str, prefix: &str) -> Vec<(u32, String)> {
    let id = btf.find(enumeration, Kind::Enum).unwrap_or_else(|| panic!("no {enumeration}"));
    let Some(Type::Enum(found)) = btf.get(id) else { panic!("{enumeration} is no enumeration") };
    let named = found.enumerators().filter_map(|constant| {
        let name = constant.name.strip_prefix(prefix)?.to_lowercase();
        Some((u32::try_from(constant.value).expect("small"), name))
    });
    named.collect()
}

/// Checks that each row of a table is a constant of the kernel, and each constant a row.
fn check(kernel: &[(u32, String)], ours: &[(u32, &str)], last: u32) {
    for (number, name) in ours {
        assert!(kernel.iter().any(|(n, k)| n == number && k == name), "{number} {name}");
    }
    let first = ours.first().expect("not empty").0;
    let missing = |number: &u32| !ours.iter().any(|(ours, _)| ours == number);
    let unknown: Vec<u32> = (first..=last).filter(missing).collect();
    assert!(unknown.is_empty(), "the kernel has more: {unknown:?}");
}

#[test]
fn numbers_and_names_are_the_kernels() {
    let vmlinux = Vmlinux::running();
    let Ok(btf) = vmlinux.btf() else {
        println!("ran 0, skipped 1: this kernel has no type information");
        return;
    };
    let helpers: Vec<_> = Helper::ALL.into_iter().map(|h| (h.id(), h.name())).collect();
    check(&constants(btf, "bpf_func_id", "BPF_FUNC_"), &helpers, 211);
    let kinds: Vec<_> = MapKind::ALL.into_iter().map(|k| (k.number(), k.name())).collect();
    check(&constants(btf, "bpf_map_type", "BPF_MAP_TYPE_"), &kinds, 33);
    let types: Vec<_> = ProgramType::ALL.into_iter().map(|t| (t.number(), t.name())).collect();
    check(&constants(btf, "bpf_prog_type", "BPF_PROG_TYPE_"), &types, 32);
    let attaches: Vec<_> = AttachType::ALL.into_iter().map(|t| (t.number(), t.name())).collect();
    check(&constants(btf, "bpf_attach_type", "BPF_"), &attaches, 57);
}

/// The attach types with which a program type may call every helper it ever may; `None` for those that
/// this load can not describe, or this kernel was built without.
fn attaches(kind: ProgramType) -> Option<&'static [AttachType]> {
    use AttachType as At;
    match kind {
        ProgramType::CgroupSkb => Some(&[At::CgroupInetIngress]),
        ProgramType::CgroupSock => Some(&[At::CgroupInetSockCreate]),
        ProgramType::SockOps => Some(&[At::CgroupSockOps]),
        ProgramType::CgroupDevice => Some(&[At::CgroupDevice]),
        ProgramType::CgroupSysctl => Some(&[At::CgroupSysctl]),
        ProgramType::CgroupSockAddr => Some(&[At::CgroupInet4Connect]),
        ProgramType::SkReuseport => Some(&[At::SkReuseportSelect]),
        ProgramType::CgroupSockopt => Some(&[At::CgroupSetsockopt]),
        ProgramType::SkLookup => Some(&[At::SkLookup]),
        ProgramType::Netfilter => Some(&[At::Netfilter]),
        ProgramType::Xdp => Some(&[At::Xdp]),
        ProgramType::Tracing
        | ProgramType::StructOps
        | ProgramType::Ext
        | ProgramType::Lsm
        | ProgramType::Syscall
        | ProgramType::LircMode2 => None,
        ProgramType::SocketFilter
        | ProgramType::Kprobe
        | ProgramType::SchedCls
        | ProgramType::SchedAct
        | ProgramType::Tracepoint
        | ProgramType::PerfEvent
        | ProgramType::LwtIn
        | ProgramType::LwtOut
        | ProgramType::LwtXmit
        | ProgramType::SkSkb
        | ProgramType::SkMsg
        | ProgramType::RawTracepoint
        | ProgramType::LwtSeg6Local
        | ProgramType::FlowDissector
        | ProgramType::RawTracepointWritable => Some(&[At::NONE]),
    }
}

/// What the verifier says to a program that does nothing but call this helper.
fn words(kind: ProgramType, attach: AttachType, helper: Helper, license: &str) -> String {
    let mut builder = Builder::new();
    builder.push(Insn::Call(Callee::Helper(helper.id())));
    builder.mov(Reg::R0, 0);
    builder.exit();
    let insns = encode(&builder.finish().expect("no jumps"));
    let load = ProgramLoad {
        name: "helper",
        kind,
        attach,
        license,
        insns: &insns,
        types: None,
        func_info: &[],
        fds: &[],
    };
    Program::load_logged(&load, LogDetail::Steps, LOG_BYTES).log
}

#[test]
fn program_types_may_call_what_the_verifier_lets_them() {
    if !privileged() {
        return;
    }
    let mut wrong = Vec::new();
    let mut asked = 0;
    for kind in ProgramType::ALL {
        for attach in attaches(kind).unwrap_or_default() {
            for helper in Helper::ALL {
                let log = words(kind, *attach, helper, "GPL");
                assert!(!log.is_empty(), "{kind:?} {helper:?}: the kernel says nothing");
                let refused = log.contains("cannot use helper") || log.contains("unknown func");
                asked += 1;
                if helper.prototype().programs.contains(kind) == refused {
                    wrong.push((kind, helper, refused));
                }
            }
        }
    }
    // Kernels built without function error injection lack the one, locked down ones the other.
    wrong.retain(|(_, helper, refused)| {
        !(*refused && matches!(helper, Helper::OverrideReturn | Helper::ProbeWriteUser))
    });
    assert!(wrong.is_empty(), "program type, helper, refused by the kernel: {wrong:?}");
    println!("ran {asked}");
}

#[test]
fn licence_bound_helpers_are_the_kernels() {
    if !privileged() {
        return;
    }
    for helper in Helper::ALL {
        let callers = helper.prototype().programs.iter();
        let Some((kind, attach)) =
            callers.filter_map(|kind| Some((kind, *attaches(kind)?.first()?))).next()
        else {
            continue;
        };
        let log = words(kind, attach, helper, "Proprietary");
        if log.contains("cannot use helper") || log.contains("unknown func") {
            continue;
        }
        let refused = log.contains("GPL");
        assert_eq!(refused, helper.prototype().is_gpl_only, "{kind:?} {helper:?}: {log}");
    }
}
