//! Records from programs.

use std::time::Duration;

use netloom_abi::{Helper, MapKind, ProgramType};
use netloom_isa::{AluOp, Reg, Size};
use netloom_kernel::{Family, Hook, NetfilterRun, run_netfilter};
use netloom_sys::ring::{RingError, RingReader};

use crate::scene::{NF_ACCEPT, load, map, privileged, program};

/// A program that counts in `cell` and writes the count, as 12 bytes, to `ring`.
fn counting() -> netloom_kernel::Loaded {
    let count = program("count", ProgramType::Netfilter, Vec::new(), Vec::new(), |b| {
        b.map_value(Reg::R1, 1, 0);
        b.load(Size::Dw, Reg::R2, Reg::R1, 0);
        b.alu(AluOp::Add, Reg::R2, 1);
        b.store(Size::Dw, Reg::R1, 0, Reg::R2);
        b.store(Size::Dw, Reg::R10, -16, Reg::R2);
        b.store(Size::Dw, Reg::R10, -8, 0x5a);
        b.map(Reg::R1, 0);
        b.mov(Reg::R2, Reg::R10);
        b.alu(AluOp::Add, Reg::R2, -16);
        b.mov(Reg::R3, 12);
        b.mov(Reg::R4, 0);
        b.call_helper(Helper::RingbufOutput.id());
        b.mov(Reg::R0, NF_ACCEPT);
        b.exit();
    });
    let maps = vec![map("ring", MapKind::RingBuf, 0, 4096), map("cell", MapKind::Array, 8, 1)];
    load(maps, vec![count])
}

fn run(loaded: &netloom_kernel::Loaded, repeat: u32) {
    let run = NetfilterRun {
        family: Family::Ipv4,
        hook: Hook::LocalIn,
        packet: &[0x45; 40],
        addresses: [0; 12],
        repeat,
    };
    run_netfilter(&loaded.programs[0], &run).unwrap();
}

#[test]
fn records_come_whole_in_order_and_around_the_end() {
    if !privileged() {
        return;
    }
    let loaded = counting();
    let mut reader = RingReader::open(loaded.map("ring").unwrap()).unwrap();
    assert_eq!(reader.wait(Some(Duration::ZERO)), Ok(false));
    let mut expected = 1u64;
    for _ in 0..40 {
        run(&loaded, 50);
        assert_eq!(reader.wait(Some(Duration::from_secs(1))), Ok(true));
        let came = reader
            .drain(|record| {
                let mut wanted = expected.to_ne_bytes().to_vec();
                wanted.extend([0x5a, 0, 0, 0]);
                assert_eq!(record, wanted);
                expected += 1;
            })
            .unwrap();
        assert_eq!(came, 50);
    }
    assert_eq!(reader.drain(|_| panic!("empty")), Ok(0));
}

#[test]
fn a_full_ring_keeps_the_oldest_and_a_later_reader_goes_on() {
    if !privileged() {
        return;
    }
    let loaded = counting();
    run(&loaded, 500);
    let mut first = RingReader::open(loaded.map("ring").unwrap()).unwrap();
    let mut seen = Vec::new();
    let read = |reader: &mut RingReader, seen: &mut Vec<u8>| {
        reader.drain(|record| seen.push(record[0])).unwrap()
    };
    // A record takes 24 bytes of 4,096.
    let room = read(&mut first, &mut seen);
    assert!((160..=170).contains(&room), "{room}");
    assert_eq!(seen[0], 1);
    drop(first);
    run(&loaded, 1);
    let mut second = RingReader::open(loaded.map("ring").unwrap()).unwrap();
    assert_eq!(read(&mut second, &mut seen), 1);
}

#[test]
fn another_kind_of_map_is_no_ring() {
    if !privileged() {
        return;
    }
    let loaded = load(vec![map("cell", MapKind::Array, 8, 1)], Vec::new());
    let error = RingReader::open(&loaded.maps[0]).unwrap_err();
    assert_eq!(error, RingError::Kind { map: "cell".into() });
}
