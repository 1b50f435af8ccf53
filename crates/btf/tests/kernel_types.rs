//! The running kernel's own BTF, read whole and compared with `bpftool`.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "functions that serve tests only")]

mod raw_text;

use std::process::Command;

use netloom_btf::{Btf, Kind, Type};

const VMLINUX: &str = "/sys/kernel/btf/vmlinux";

fn vmlinux() -> Option<Btf> {
    match std::fs::read(VMLINUX) {
        Ok(bytes) => Some(Btf::parse(&bytes).expect("the kernel's BTF is sound")),
        Err(error) => {
            println!("skipped: {VMLINUX}: {error}");
            None
        }
    }
}

fn bpftool_raw() -> Option<String> {
    let run =
        Command::new("bpftool").args(["btf", "dump", "file", VMLINUX, "format", "raw"]).output();
    match run {
        Ok(output) if output.status.success() => Some(String::from_utf8(output.stdout).unwrap()),
        Ok(output) => {
            println!("skipped: bpftool: {}", String::from_utf8_lossy(&output.stderr));
            None
        }
        Err(error) => {
            println!("skipped: bpftool: {error}");
            None
        }
    }
}

#[test]
fn every_type_of_the_kernel_reads_as_bpftool_reads_it() {
    let (Some(btf), Some(expected)) = (vmlinux(), bpftool_raw()) else { return };
    let found = raw_text::print(&btf);
    for (line, (found, expected)) in found.lines().zip(expected.lines()).enumerate() {
        assert_eq!(found, expected, "line {}", line + 1);
    }
    assert_eq!(found.lines().count(), expected.lines().count());
}

#[test]
fn a_member_is_where_bpftool_shows_it() {
    let (Some(btf), Some(text)) = (vmlinux(), bpftool_raw()) else { return };
    let shown: u32 = text
        .lines()
        .skip_while(|line| !line.contains(" STRUCT 'sk_buff' size="))
        .find(|line| line.starts_with("\t'len' "))
        .and_then(|line| line.rsplit_once("bits_offset=")?.1.parse().ok())
        .expect("struct sk_buff has a direct member len");
    let sk_buff = btf.find("sk_buff", Kind::Struct).unwrap();
    assert_eq!(btf.struct_member(sk_buff, "len").unwrap().bit_offset, shown);
}

/// Facts that hold on every kernel of this word size, whatever its configuration.
#[test]
fn look_ups_agree_with_c() {
    let Some(btf) = vmlinux() else { return };
    let find = |name, kind| btf.find(name, kind).unwrap_or_else(|| panic!("no {kind} {name}"));
    let word = u64::from(usize::BITS / 8);
    assert_eq!(btf.size_of(find("list_head", Kind::Struct)), Ok(2 * word));
    assert_eq!(btf.size_of(find("iphdr", Kind::Struct)), Ok(20));
    assert_eq!(btf.size_of(find("__be32", Kind::Typedef)), Ok(4));

    // ip6hdr: 4 bits priority and 4 bits version come first, the addresses at 8 and 24.
    let ipv6hdr = find("ipv6hdr", Kind::Struct);
    assert_eq!(btf.struct_member(ipv6hdr, "version").unwrap().bit_size, 4);
    let address = btf.member_path(ipv6hdr, "daddr.in6_u.u6_addr32").unwrap();
    assert_eq!(address.byte_offset(), Some(24));
    assert_eq!(btf.size_of(address.type_id), Ok(16));
    // The addresses lie in an anonymous union's anonymous struct since Linux 5.16.
    let iphdr = find("iphdr", Kind::Struct);
    assert_eq!(btf.struct_member(iphdr, "daddr").unwrap().byte_offset(), Some(16));

    let sock = find("sock", Kind::Struct);
    let common = find("sock_common", Kind::Struct);
    assert_eq!(
        btf.member_path(sock, "__sk_common.skc_family").unwrap(),
        btf.struct_member(common, "skc_family").unwrap()
    );
}

#[test]
fn every_named_type_is_found_by_its_name() {
    let Some(btf) = vmlinux() else { return };
    for id in btf.own_ids() {
        let (name, kind) = (btf.name(id), btf.kind(id).unwrap());
        if !name.is_empty() {
            let found = btf.find(name, kind).expect("the type itself has this name");
            assert!(found <= id && btf.name(found) == name, "{id} {kind} {name}");
        }
    }
}

#[test]
fn a_kfunc_is_found_as_a_function_with_its_tag() {
    let Some(btf) = vmlinux() else { return };
    let kfunc = btf.func("bpf_rdonly_cast").expect("every kernel since 6.2 has bpf_rdonly_cast");
    let Some(Type::Func { proto, .. }) = btf.get(kfunc) else { panic!("{kfunc} is no function") };
    let Some(Type::FuncProto(proto)) = btf.get(proto) else { panic!("{proto} is no prototype") };
    assert_eq!(proto.params().len(), 2);
    let mut tagged = Vec::new();
    for tag in btf.find_all("bpf_kfunc", Kind::DeclTag) {
        if let Some(Type::DeclTag { target, .. }) = btf.get(tag) {
            tagged.push(target);
        }
    }
    if tagged.is_empty() {
        println!("skipped: this kernel's BTF does not tag kfuncs (pahole before 1.27)");
    } else {
        assert!(tagged.contains(&kfunc));
    }
}
