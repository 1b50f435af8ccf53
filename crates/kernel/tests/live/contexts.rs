//! The table of contexts against the running kernel: offsets by its types, accesses by its verifier.

use netloom_abi::{AttachType, ContextStruct, Field, FieldKind, ProgramType};
use netloom_btf::Kind;
use netloom_isa::{Builder, Reg, Size, encode};
use netloom_kernel::Vmlinux;
use netloom_sys::bpf::{LogDetail, Program, ProgramLoad};

use crate::scene::privileged;

const LOG_BYTES: usize = 4096;

#[test]
fn fields_are_where_the_kernels_types_say() {
    let vmlinux = Vmlinux::running();
    let Ok(btf) = vmlinux.btf() else {
        println!("ran 0, skipped 1: this kernel has no type information");
        return;
    };
    for structure in ContextStruct::all() {
        let id = btf.find(structure.name, Kind::Struct).expect(structure.name);
        assert_eq!(btf.size_of(id).unwrap(), u64::from(structure.bytes), "{}", structure.name);
        for field in structure.fields {
            let member = btf.struct_member(id, field.name).expect(field.name);
            assert_eq!(member.byte_offset(), Some(field.offset), "{}", field.name);
            assert_eq!(btf.size_of(member.type_id).unwrap(), u64::from(field.bytes));
        }
    }
}

/// The attach types that a program type is asked with.
fn attaches(kind: ProgramType) -> &'static [AttachType] {
    use AttachType as At;
    match kind.name() {
        "cgroup_sock" => &[
            At::CgroupInetSockCreate,
            At::CgroupInetSockRelease,
            At::CgroupInet4PostBind,
            At::CgroupInet6PostBind,
        ],
        "cgroup_sock_addr" => &[
            At::CgroupInet4Bind,
            At::CgroupInet6Connect,
            At::CgroupUdp4Sendmsg,
            At::CgroupUdp6Sendmsg,
            At::CgroupUdp4Recvmsg,
            At::CgroupUdp6Recvmsg,
            At::CgroupInet4Getpeername,
            At::CgroupInet6Getsockname,
            At::CgroupUnixConnect,
            At::CgroupUnixGetsockname,
        ],
        "cgroup_sockopt" => &[At::CgroupGetsockopt, At::CgroupSetsockopt],
        "xdp" => &[At::Xdp, At::XdpDevmap, At::XdpCpumap],
        "sock_ops" => &[At::CgroupSockOps],
        "sk_reuseport" => &[At::SkReuseportSelect],
        "sk_lookup" => &[At::SkLookup],
        "netfilter" => &[At::Netfilter],
        "cgroup_device" => &[At::CgroupDevice],
        "cgroup_sysctl" => &[At::CgroupSysctl],
        _ => &[At::NONE],
    }
}

/// The verifier's steps over one access, if it lets it pass.
fn accepted(
    (kind, attach): (ProgramType, AttachType),
    is_write: bool,
    offset: u32,
    size: Size,
) -> Option<String> {
    let offset = i16::try_from(offset).expect("contexts are small");
    let mut builder = Builder::new();
    builder.mov(Reg::R0, 0);
    if is_write {
        builder.store(size, Reg::R1, offset, Reg::R0);
    } else {
        builder.load(size, Reg::R2, Reg::R1, offset);
    }
    builder.exit();
    let insns = encode(&builder.finish().expect("no jumps"));
    let load = ProgramLoad {
        name: "access",
        kind,
        attach,
        license: "GPL",
        insns: &insns,
        types: None,
        func_info: &[],
        fds: &[],
    };
    let log = Program::load_logged(&load, LogDetail::States, LOG_BYTES).log;
    assert!(!log.is_empty(), "{kind:?}: the kernel says nothing");
    // Some program types must return other than 0; that the exit was reached is enough.
    (log.contains("(95) exit") && !log.contains("invalid")).then_some(log)
}

/// How the verifier calls what a read gives.
fn kind_words(kind: FieldKind) -> String {
    match kind {
        FieldKind::Scalar => "scalar(".into(),
        FieldKind::Packet => "pkt(".into(),
        FieldKind::PacketEnd => "pkt_end(".into(),
        FieldKind::PacketMeta => "pkt_meta(".into(),
        FieldKind::Socket => "sock(".into(),
        FieldKind::SocketOrNull => "sock_or_null(".into(),
        FieldKind::SockCommonOrNull => "sock_common_or_null(".into(),
        FieldKind::FlowKeys => "flow_keys(".into(),
        FieldKind::Kernel(name) => format!("trusted_ptr_{name}("),
    }
}

/// Asks for every aligned access to a field; gives the number of questions, and where the table is
/// wrong.
fn ask(
    at: (ProgramType, AttachType),
    structure: &ContextStruct,
    field: &Field,
) -> (u32, Vec<String>) {
    let (mut asked, mut wrong) = (0, Vec::new());
    for (bytes, size) in [(1, Size::B), (2, Size::H), (4, Size::W), (8, Size::Dw)] {
        let first = field.offset.next_multiple_of(bytes);
        let end = field.offset + field.bytes;
        for offset in (first..end).step_by(bytes as usize).filter(|at| at + bytes <= end) {
            let field = structure.field_at(offset).expect("a field has it");
            let may_read = field.readers.include(at.0, at.1);
            let may_write = field.writers.include(at.0, at.1);
            let name = format!("{}.{} +{offset} {bytes} in {at:?}", structure.name, field.name);
            let read = accepted(at, false, offset, size);
            if read.is_some() != (may_read && field.allows_read(offset, bytes)) {
                wrong.push(format!("read {name}: {}", read.is_some()));
            }
            if let Some(log) = read.filter(|_| bytes == field.unit) {
                let words = kind_words(field.kind);
                if !log.contains(&words) {
                    wrong.push(format!("{name} is no {words}"));
                }
            }
            let written = accepted(at, true, offset, size).is_some();
            if written != (may_write && field.allows_write(offset, bytes)) {
                wrong.push(format!("write {name}: {written}"));
            }
            asked += 2;
        }
    }
    (asked, wrong)
}

#[test]
fn accesses_are_what_the_verifier_lets_pass() {
    if !privileged() {
        return;
    }
    let (mut asked, mut wrong) = (0, Vec::new());
    for kind in ProgramType::ALL {
        let Some(structure) = kind.context().and_then(ContextStruct::named) else { continue };
        for attach in attaches(kind) {
            for field in structure.fields {
                let (more, faults) = ask((kind, *attach), &structure, field);
                asked += more;
                wrong.extend(faults);
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {asked} wrong:\n{}", wrong.len(), wrong.join("\n"));
    println!("ran {asked}");
}
