use std::time::Duration;

use netloom_abi::{AttachType, MapKind, MapSpec, ProgramType};
use netloom_btf::{Btf, Kind};

use super::attr::ROWS;
use super::*;
use crate::{Capabilities, Capability, cpu};

/// The running kernel's types, if it offers them.
fn vmlinux() -> Option<Btf> {
    match std::fs::read("/sys/kernel/btf/vmlinux") {
        Ok(bytes) => Some(Btf::parse(&bytes).unwrap()),
        Err(error) => {
            println!("ran 0, skipped 1: no kernel type information: {error}");
            None
        }
    }
}

fn privileged() -> bool {
    let held = Capabilities::effective();
    let allowed = held.is_some_and(|held| held.has(Capability::Bpf));
    if !allowed {
        println!("ran 0, skipped 1: needs CAP_BPF");
    }
    allowed
}

fn spec(kind: MapKind, key_size: u32, value_size: u32, max_entries: u32) -> MapSpec {
    MapSpec::new("netloom_test", kind, key_size, value_size, max_entries)
}

#[test]
fn every_field_is_where_the_kernel_has_it() {
    let Some(btf) = vmlinux() else { return };
    let named = ROWS.iter().filter(|row| !row.path.is_empty());
    for row in named.clone() {
        let parent = btf
            .find(row.structure, Kind::Union)
            .or_else(|| btf.find(row.structure, Kind::Struct))
            .unwrap();
        let member = btf.member_path(parent, row.path).unwrap_or_else(|error| {
            panic!("{}.{}: {error}", row.structure, row.path);
        });
        let kernel = (member.byte_offset(), btf.size_of(member.type_id).unwrap());
        let ours = (u32::try_from(row.offset).ok(), row.size as u64);
        assert_eq!(ours, kernel, "{}.{}", row.structure, row.path);
    }
    assert!(named.count() > 100);
}

#[test]
fn every_command_has_the_kernel_number() {
    let Some(btf) = vmlinux() else { return };
    let netloom_btf::Type::Enum(commands) =
        btf.get(btf.find("bpf_cmd", Kind::Enum).unwrap()).unwrap()
    else {
        panic!("bpf_cmd is an enum")
    };
    for operation in Operation::ALL {
        let name = operation.kernel_name();
        let found = commands.enumerators().find(|row| row.name == name).unwrap();
        assert_eq!(found.value, i128::from(*operation as u32), "{name}");
    }
}

#[test]
fn a_hash_keeps_what_it_is_given() {
    if !privileged() {
        return;
    }
    let map = Map::create(&spec(MapKind::Hash, 4, 8, 3000)).unwrap();
    assert_eq!(map.next_key(None), Ok(None));
    for key in 0u32..2500 {
        map.update(&key.to_ne_bytes(), &u64::from(key).to_ne_bytes(), UpdateMode::NoExist).unwrap();
    }
    assert_eq!(map.lookup(&7u32.to_ne_bytes()), Ok(Some(7u64.to_ne_bytes().to_vec())));
    assert_eq!(map.lookup(&9999u32.to_ne_bytes()), Ok(None));
    let again = map.update(&7u32.to_ne_bytes(), &[0; 8], UpdateMode::NoExist).unwrap_err();
    assert_eq!(again.errno(), Some(crate::Errno::EXIST));

    let all = map.entries().unwrap();
    let mut keys: Vec<_> =
        all.keys.as_chunks().0.iter().map(|&key| u32::from_ne_bytes(key)).collect();
    for (key, value) in keys.iter().zip(all.values.as_chunks().0) {
        assert_eq!(u64::from(*key), u64::from_ne_bytes(*value));
    }
    keys.sort_unstable();
    assert_eq!(keys, (0..2500).collect::<Vec<_>>());

    assert_eq!(map.delete(&7u32.to_ne_bytes()), Ok(true));
    assert_eq!(map.delete(&7u32.to_ne_bytes()), Ok(false));
}

#[test]
fn a_per_cpu_value_has_a_slot_for_each_processor() {
    if !privileged() {
        return;
    }
    let map = Map::create(&spec(MapKind::PercpuArray, 4, 12, 2000)).unwrap();
    assert_eq!(map.value_bytes(), 16 * cpu::possible().unwrap());
    let value: Vec<u8> = (0..map.value_bytes()).map(|at| u8::from(at % 16 < 12) * 5).collect();
    map.update(&1999u32.to_ne_bytes(), &value, UpdateMode::Any).unwrap();
    let all = map.entries().unwrap();
    assert_eq!(all.keys.len(), 2000 * 4);
    assert_eq!(all.values[1999 * map.value_bytes()..], value);
}

#[test]
fn a_wrong_length_never_reaches_the_kernel() {
    if !privileged() {
        return;
    }
    let map = Map::create(&spec(MapKind::Array, 4, 8, 1)).unwrap();
    let error = map.update(&[0; 4], &[0; 7], UpdateMode::Any).unwrap_err();
    let expected = "cannot update map netloom_test: the value has 7 bytes instead of 8";
    assert_eq!(error.to_string(), expected);
    assert!(matches!(map.lookup(&[0; 5]), Err(BpfError::Length { part: "key", .. })));
}

#[test]
fn a_frozen_map_refuses_writes() {
    if !privileged() {
        return;
    }
    let map = Map::create(&spec(MapKind::Array, 4, 8, 1)).unwrap();
    map.freeze().unwrap();
    let error = map.update(&[0; 4], &[0; 8], UpdateMode::Any).unwrap_err();
    assert_eq!(error.errno(), Some(crate::Errno::PERM));
}

#[test]
fn a_map_is_found_by_its_number() {
    if !privileged() {
        return;
    }
    let map = Map::create(&spec(MapKind::Array, 4, 8, 5)).unwrap();
    let id = map.facts().id;
    assert!(map_ids().any(|found| found == Ok(id)));
    let same = Map::by_id(id).unwrap();
    assert_eq!(same.facts(), map.facts());
    assert_eq!(same.name(), "netloom_test");
}

#[test]
fn an_overlong_name_is_refused_with_the_name() {
    let mut long = spec(MapKind::Array, 4, 8, 1);
    long.name = "sixteen_letters_".into();
    let error = Map::create(&long).unwrap_err();
    assert_eq!(
        error,
        BpfError::Name { operation: Operation::MapCreate, object: "sixteen_letters_".into() }
    );
}

#[test]
fn live_frames_go_where_the_program_says() {
    let held = Capabilities::effective();
    if !held.is_some_and(|held| held.has(Capability::SysAdmin)) {
        println!("ran 0, skipped 1: needs CAP_SYS_ADMIN");
        return;
    }
    // `r0 = XDP_PASS; exit`
    let insns = [0xb7, 0, 0, 0, 2, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0];
    let pass = Program::load(&ProgramLoad {
        name: "pass",
        kind: ProgramType::Xdp,
        attach: AttachType::Xdp,
        license: "GPL",
        insns: &insns,
        types: None,
        func_info: &[],
        fds: &[],
    })
    .unwrap();
    crate::netns::isolated(|| {
        let up = std::process::Command::new("ip").args(["link", "set", "lo", "up"]).status();
        assert!(up.unwrap().success());
        let socket = crate::packet_socket::PacketSocket::open(1, 0x88b5).unwrap();
        let mut frame = [0; 60];
        frame[12..14].copy_from_slice(&[0x88, 0xb5]);
        pass.send_live_frames(&frame, 3).unwrap();
        let mut buffer = [0; 100];
        for _ in 0..3 {
            assert_eq!(socket.receive(&mut buffer, Duration::from_secs(1)), Ok(Some(60)));
        }
        assert_eq!(socket.receive(&mut buffer, Duration::from_millis(1)), Ok(None));
        let short = pass.send_live_frames(&frame[..13], 1).unwrap_err();
        assert_eq!(short.errno(), Some(crate::Errno::INVAL));
    })
    .unwrap();
}
