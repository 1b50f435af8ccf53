//! Capture files: reading any bytes ends, holds no more than the file, and what was read can be
//! written in both formats and read back.

#![no_main]

use libfuzzer_sys::fuzz_target;
use netloom_packet::capture::{Interface, PcapWriter, PcapngWriter, Reader, Record};

fuzz_target!(|bytes: &[u8]| {
    let Ok(mut reader) = Reader::new(bytes) else { return };
    let mut records = Vec::new();
    let mut record = Record::default();
    let mut result = reader.read(&mut record);
    while let Ok(true) = result {
        assert!((record.interface as usize) < reader.interfaces().len(), "an interface it has");
        records.push(record.clone());
        result = reader.read(&mut record);
    }
    if let Err(error) = result {
        assert!(!error.to_string().is_empty());
        assert!(matches!(reader.read(&mut record), Ok(false)), "an error is the last item");
    }
    let held: usize = records.iter().map(|record| record.data.len()).sum();
    assert!(held <= bytes.len(), "{held} bytes of packets in a file of {}", bytes.len());
    let interfaces = reader.interfaces().to_vec();
    check_pcapng(&interfaces, &records);
    check_pcap(&interfaces, &records);
});

fn check_pcapng(interfaces: &[Interface], records: &[Record]) {
    let mut writer = PcapngWriter::new(Vec::new()).expect("memory takes every byte");
    for interface in interfaces {
        writer.add_interface(interface).expect("its name came out of an option");
    }
    for record in records {
        writer.write(record).expect("it came out of a block");
    }
    let file = writer.finish().expect("memory takes every byte");
    let mut reader = Reader::new(file.as_slice()).expect("our own header");
    let again: Vec<Record> = reader.by_ref().collect::<Result<_, _>>().expect("our own blocks");
    assert_eq!(again, records);
    // Interfaces are told when the reader meets their first packet or the end of the file.
    assert_eq!(reader.interfaces(), interfaces);
}

/// What the older format holds: one interface, no comments, times before 2106.
fn check_pcap(interfaces: &[Interface], records: &[Record]) {
    let Some(first) = interfaces.first() else { return };
    let mut writer = PcapWriter::new(Vec::new(), first.link_type).expect("memory takes every byte");
    let kept: Vec<Record> = records
        .iter()
        .filter(|record| writer.write(record).is_ok())
        .map(|record| Record { interface: 0, comments: Vec::new(), ..record.clone() })
        .collect();
    let early = |record: &&Record| record.timestamp_ns / 1_000_000_000 <= u32::MAX.into();
    assert_eq!(kept.len(), records.iter().filter(early).count());
    let file = writer.finish().expect("memory takes every byte");
    let reader = Reader::new(file.as_slice()).expect("our own header");
    assert_eq!(reader.interfaces()[0].link_type, first.link_type);
    let again: Vec<Record> = reader.collect::<Result<_, _>>().expect("our own records");
    assert_eq!(again, kept);
}
