use std::io::{self, Read};

use arbtest::arbitrary::{self, Unstructured};
use arbtest::arbtest;

use super::source::ByteOrder;
use super::*;
use crate::link::LinkType;

/// Builds files in either byte order from their fields, so that reading is not only checked against
/// our own writer.
struct File {
    order: ByteOrder,
    bytes: Vec<u8>,
}

impl File {
    fn new(order: ByteOrder) -> Self {
        Self { order, bytes: Vec::new() }
    }

    fn u16(mut self, value: u16) -> Self {
        self.bytes.extend(match self.order {
            ByteOrder::Little => value.to_le_bytes(),
            ByteOrder::Big => value.to_be_bytes(),
        });
        self
    }

    fn u32(mut self, value: u32) -> Self {
        self.bytes.extend(match self.order {
            ByteOrder::Little => value.to_le_bytes(),
            ByteOrder::Big => value.to_be_bytes(),
        });
        self
    }

    fn raw(mut self, bytes: &[u8]) -> Self {
        self.bytes.extend(bytes);
        self
    }

    /// A pcapng block around a body.
    fn block(self, kind: u32, body: Self) -> Self {
        let length = u32::try_from(body.bytes.len()).unwrap() + 12;
        self.u32(kind).u32(length).raw(&body.bytes).u32(length)
    }

    /// A section header in this byte order, which later blocks are then expected in.
    fn section(self) -> Self {
        let body = Self::new(self.order).u32(0x1a2b_3c4d).u16(1).u16(0).raw(&[0xff; 8]);
        self.block(0x0a0d_0d0a, body)
    }

    fn body(&self) -> Self {
        Self::new(self.order)
    }

    fn interface(self, link_type: u16, snap_len: u32, options: &[u8]) -> Self {
        let body = self.body().u16(link_type).u16(0).u32(snap_len).raw(options);
        self.block(1, body)
    }
}

const ORDERS: [ByteOrder; 2] = [ByteOrder::Little, ByteOrder::Big];

fn read_all(bytes: &[u8]) -> Result<(Vec<Record>, Vec<Interface>), ReadError> {
    let mut reader = Reader::new(bytes)?;
    let mut records = Vec::new();
    // One record for all packets, in which nothing of the packet before may stay.
    let mut record = Record { comments: vec!["stale".into()], ..Record::whole(1, vec![1]) };
    while reader.read(&mut record)? {
        records.push(record.clone());
    }
    Ok((records, reader.interfaces().to_vec()))
}

/// The records before the first fault, and the fault's text.
fn read_faulty(bytes: &[u8]) -> (usize, String) {
    let mut reader = match Reader::new(bytes) {
        Ok(reader) => reader,
        Err(error) => return (0, error.to_string()),
    };
    let mut records = 0;
    let error = loop {
        match reader.next().expect("the file is faulty") {
            Ok(_) => records += 1,
            Err(error) => break error,
        }
    };
    assert!(reader.next().is_none(), "nothing follows a fault");
    (records, error.to_string())
}

fn pcap_header(order: ByteOrder, magic: u32) -> File {
    File::new(order).u32(magic).u16(2).u16(4).u32(0).u32(0).u32(65_535).u32(0x1400_0001)
}

fn arbitrary_record(u: &mut Unstructured<'_>, interfaces: u32) -> arbitrary::Result<Record> {
    let data: Vec<u8> = u.arbitrary()?;
    let beyond = u32::from(u.arbitrary::<u16>()?);
    Ok(Record {
        timestamp_ns: u64::from(u.arbitrary::<u32>()?) * 1_000_000_000
            + u.int_in_range(0..=999_999_999)?,
        interface: u.int_in_range(0..=interfaces - 1)?,
        orig_len: u32::try_from(data.len()).unwrap() + beyond,
        data,
        comments: u.arbitrary()?,
    })
}

fn arbitrary_pcapng(
    u: &mut Unstructured<'_>,
) -> arbitrary::Result<(Vec<u8>, Vec<Record>, Vec<Interface>)> {
    let mut writer = PcapngWriter::new(Vec::new()).unwrap();
    let (mut records, mut interfaces) = (Vec::new(), Vec::new());
    for id in 0..u.int_in_range(1..=3_u32)? {
        let interface = Interface {
            link_type: LinkType(u.arbitrary()?),
            snap_len: u.arbitrary()?,
            name: u.arbitrary()?,
        };
        assert_eq!(writer.add_interface(&interface).unwrap(), id);
        interfaces.push(interface);
        for _ in 0..u.int_in_range(0..=3)? {
            let record = arbitrary_record(u, id + 1)?;
            writer.write(&record).unwrap();
            records.push(record);
        }
    }
    Ok((writer.finish().unwrap(), records, interfaces))
}

#[test]
fn pcapng_reads_back_what_was_written() {
    arbtest(|u| {
        let (file, records, interfaces) = arbitrary_pcapng(u)?;
        assert_eq!(read_all(&file).unwrap(), (records, interfaces));
        Ok(())
    });
}

#[test]
fn pcap_reads_back_what_was_written() {
    arbtest(|u| {
        let link_type = LinkType(u.arbitrary()?);
        let mut writer = PcapWriter::new(Vec::new(), link_type).unwrap();
        let mut records = Vec::new();
        for _ in 0..u.int_in_range(0..=5)? {
            let record = Record { comments: Vec::new(), ..arbitrary_record(u, 1)? };
            writer.write(&record).unwrap();
            records.push(record);
        }
        let file = writer.finish().unwrap();
        let interface = Interface { link_type, snap_len: RECORD_BYTES_MAX, name: None };
        assert_eq!(read_all(&file).unwrap(), (records, vec![interface]));
        Ok(())
    });
}

#[test]
fn all_four_pcap_magics_are_read() {
    for order in ORDERS {
        for (magic, time) in [(0xa1b2_c3d4, 7_000_009_000), (0xa1b2_3c4d, 7_000_000_009)] {
            let file = pcap_header(order, magic).u32(7).u32(9).u32(3).u32(60).raw(b"abc");
            let (records, interfaces) = read_all(&file.bytes).unwrap();
            let data = b"abc".to_vec();
            let record = Record { timestamp_ns: time, orig_len: 60, data, ..Record::default() };
            assert_eq!(records, [record]);
            // The upper half of the link type says that frames have a check sequence of 4 bytes.
            let snap_len = 65_535;
            assert_eq!(interfaces, [Interface { snap_len, ..Interface::new(LinkType::ETHERNET) }]);
        }
    }
}

#[test]
fn every_packet_block_is_read_in_both_orders() {
    for order in ORDERS {
        let file = File::new(order).section();
        let name = file.body().u16(2).u16(4).raw(b"eth0").u16(9).u16(1).raw(&[3, 0, 0, 0]).bytes;
        let comments = file.body().u16(1).u16(2).raw(b"hi\0\0").u16(2988).u16(4).raw(&[9; 4]);
        let comments = comments.u16(1).u16(3).raw(b"ho\xff\0");
        // Nothing counts behind the end of the options.
        let comments = comments.u16(0).u16(0).u16(1).u16(0).bytes;
        let enhanced = file.body().u32(0).u32(1).u32(2).u32(5).u32(90).raw(b"abcde\0\0\0");
        let obsolete = file.body().u16(0).u16(7).u32(0).u32(8).u32(4).u32(4).raw(b"wxyz");
        let simple = file.body().u32(6).raw(b"sim\0");
        let file = file
            .interface(1, 3, &name)
            .block(0x0bad, File::new(order).raw(&[1; 8]))
            .block(6, enhanced.raw(&comments))
            .block(2, obsolete)
            .block(3, simple);

        let (records, interfaces) = read_all(&file.bytes).unwrap();
        let record = |timestamp_ns, orig_len, data: &[u8], comments: &[&str]| Record {
            timestamp_ns,
            interface: 0,
            orig_len,
            data: data.to_vec(),
            comments: comments.iter().map(ToString::to_string).collect(),
        };
        let expected = [
            record(((1 << 32) + 2) * 1_000_000, 90, b"abcde", &["hi", "ho\u{fffd}"]),
            record(8_000_000, 4, b"wxyz", &[]),
            record(0, 6, b"sim", &[]),
        ];
        assert_eq!(records, expected);
        let eth0 =
            Interface { link_type: LinkType::ETHERNET, snap_len: 3, name: Some("eth0".into()) };
        assert_eq!(interfaces, [eth0]);
    }
}

#[test]
fn sections_have_their_own_order_and_interfaces() {
    let packet = |file: File, id| {
        let body = file.body().u32(id).u32(0).u32(5).u32(0).u32(0);
        file.block(6, body)
    };
    let offset = File::new(ByteOrder::Big).u16(14).u16(8).raw(&1_i64.to_be_bytes()).bytes;
    let file = File::new(ByteOrder::Little).section().interface(1, 0, &[]).interface(101, 0, &[]);
    let file = packet(file, 1);
    let file = File { order: ByteOrder::Big, ..file }.section().interface(113, 0, &offset);
    let file = packet(file, 0);

    let (records, interfaces) = read_all(&file.bytes).unwrap();
    let found: Vec<_> =
        records.iter().map(|record| (record.interface, record.timestamp_ns)).collect();
    assert_eq!(found, [(1, 5_000), (2, 1_000_005_000)]);
    let links: Vec<_> = interfaces.iter().map(|interface| interface.link_type.0).collect();
    assert_eq!(links, [1, 101, 113]);

    // The second section describes one interface; the first section's do not count.
    let (read, fault) = read_faulty(&packet(file, 1).bytes);
    assert_eq!(read, 2);
    assert!(fault.ends_with("packet is of interface 1, the section describes 1 so far"), "{fault}");
}

/// Each file's first fault must be the text that follows "cannot read capture block".
fn check_faults(cases: &[(File, &str)]) {
    for (file, expected) in cases {
        let (records, fault) = read_faulty(&file.bytes);
        assert_eq!((records, fault), (0, format!("cannot read capture block {expected}")));
    }
}

fn one_interface() -> File {
    File::new(ByteOrder::Little).section().interface(1, 0, &[])
}

#[test]
fn lying_pcap_files_are_refused_at_the_record_at_fault() {
    let new = || File::new(ByteOrder::Little);
    let pcap = || pcap_header(ByteOrder::Little, 0xa1b2_c3d4);
    let no_magic = "is not the magic of pcap or pcapng";
    let modified = pcap_header(ByteOrder::Big, 0xa1b2_cd34);
    check_faults(&[
        (new(), "0 at byte 0: capture file header needs 4 bytes, the file has 0 more"),
        (new().raw(b"\x1f\x8b\x08\0"), &format!("0 at byte 0: 1f8b0800 {no_magic}")),
        (modified, &format!("0 at byte 0: a1b2cd34 {no_magic}")),
        (new().u32(0xa1b2_c3d4).u16(2).u16(3), "0 at byte 0: format version 2.3 is unknown"),
        (
            new().u32(0xa1b2_c3d4).u16(2).u16(4).u32(0),
            "0 at byte 0: pcap file header needs 8 bytes, the file has 4 more",
        ),
        (
            pcap().u32(1).u32(1),
            "1 at byte 24: pcap record header needs 16 bytes, the file has 8 more",
        ),
        (
            pcap().u32(0).u32(0).u32(5).u32(5).raw(b"abc"),
            "1 at byte 24: pcap record needs 5 bytes, the file has 3 more",
        ),
        (
            pcap().u32(0).u32(0).u32(u32::MAX).u32(5),
            "1 at byte 24: packet has 4294967295 bytes, the most is 262144",
        ),
    ]);
}

#[test]
fn lying_pcapng_blocks_are_refused() {
    let section = |length| File::new(ByteOrder::Little).u32(0x0a0d_0d0a).u32(length);
    let block = |kind, length| one_interface().u32(kind).u32(length);
    let not_multiple = |least| format!("is not a multiple of 4 that is at least {least} bytes");
    check_faults(&[
        (section(28).u32(1), "0 at byte 0: 01000000 is not a pcapng byte order"),
        (section(28).u32(0x1a2b_3c4d).u16(2).u16(0), "0 at byte 0: format version 2.0 is unknown"),
        (
            section(24).u32(0x1a2b_3c4d),
            &format!("0 at byte 0: block length 24 {}", not_multiple(28)),
        ),
        (block(6, 0), &format!("2 at byte 48: block length 0 {}", not_multiple(32))),
        (block(5, 8), &format!("2 at byte 48: block length 8 {}", not_multiple(12))),
        (block(5, 15).raw(&[0; 9]), &format!("2 at byte 48: block length 15 {}", not_multiple(12))),
        (
            block(5, u32::MAX - 3).raw(&[0; 8]),
            "2 at byte 48: pcapng block needs 4294967280 bytes, the file has 8 more",
        ),
        (
            block(6, u32::MAX - 3).raw(&[0; 8]),
            "2 at byte 48: block has 4294967292 bytes, the most is 16777216",
        ),
        (
            block(5, 16).u32(0).u32(12),
            "2 at byte 48: block length is 16 bytes at its start and 12 at its end",
        ),
    ]);
}

#[test]
fn lying_pcapng_packets_and_options_are_refused() {
    let packet = |captured: u32, rest: File| {
        let body = rest.body().u32(0).u32(0).u32(0).u32(captured).u32(4).raw(&rest.bytes);
        one_interface().block(6, body)
    };
    let rest = || File::new(ByteOrder::Little);
    let simple = rest().section().block(3, rest().u32(0));
    let interface = |options| one_interface().interface(1, 0, options);
    check_faults(&[
        (packet(5, rest().u32(0)), "2 at byte 48: packet has 5 bytes, its block has room for 4"),
        (
            packet(300_000, rest().u32(0)),
            "2 at byte 48: packet has 300000 bytes, the most is 262144",
        ),
        (
            packet(4, rest().u32(0).u16(1).u16(8).u32(0)),
            "2 at byte 48: option 1 has 8 bytes in place of 4",
        ),
        (
            packet(0, rest().u16(1).u16(65_535)),
            "2 at byte 48: option 1 has 65535 bytes in place of 0",
        ),
        (interface(&[9, 0, 2, 0, 6, 6, 0, 0]), "2 at byte 48: option 9 has 2 bytes in place of 1"),
        (
            interface(&[14, 0, 4, 0, 6, 6, 0, 0]),
            "2 at byte 48: option 14 has 4 bytes in place of 8",
        ),
        (simple, "1 at byte 28: packet is of interface 0, the section describes 0 so far"),
    ]);
}

#[test]
fn interfaces_without_end_are_refused() {
    let mut file = File::new(ByteOrder::Little).section();
    for _ in 0..=INTERFACES_MAX {
        file = file.interface(1, 0, &[]);
    }
    let (_, fault) = read_faulty(&file.bytes);
    assert!(fault.ends_with("file describes more than 65536 interfaces"), "{fault}");
}

#[test]
fn a_cut_file_gives_its_whole_packets_then_a_fault_unless_cut_between_blocks() {
    arbtest(|u| {
        let (file, records, _) = arbitrary_pcapng(u)?;
        let cut = &file[..u.int_in_range(0..=file.len())?];
        let Ok(mut reader) = Reader::new(cut) else {
            assert!(cut.len() < 28 + 20, "only the section header can be missing");
            return Ok(());
        };
        let mut read = Vec::new();
        let mut fault = None;
        for item in reader.by_ref() {
            match item {
                Ok(record) => read.push(record),
                Err(error) => fault = Some(error),
            }
        }
        assert_eq!(read, records[..read.len()]);
        if cut.len() == file.len() {
            assert!(fault.is_none() && read.len() == records.len());
        }
        if let Some(error) = fault {
            assert!(matches!(error.fault, ReadFault::Truncated { .. }), "{error}");
            assert!(error.offset < cut.len() as u64);
        }
        Ok(())
    });
}

#[test]
fn damaged_files_end() {
    arbtest(|u| {
        let (mut file, _, _) = arbitrary_pcapng(u)?;
        for _ in 0..u.int_in_range(1..=4)? {
            let place = u.choose_index(file.len())?;
            file[place] = *u.choose(&[0, 1, 4, 6, 0x0a, 0x7f, 0x80, 0xff])?;
        }
        assert_ends(&file);
        Ok(())
    });
}

#[test]
fn arbitrary_bytes_behind_a_magic_end() {
    arbtest(|u| {
        let order = *u.choose(&ORDERS)?;
        let file = match u.int_in_range(0..=2)? {
            0 => pcap_header(order, 0xa1b2_c3d4),
            1 => File::new(order).section().interface(1, 0, &[]),
            _ => File::new(order),
        };
        assert_ends(&file.raw(&u.arbitrary::<Vec<u8>>()?).bytes);
        Ok(())
    });
}

fn assert_ends(file: &[u8]) {
    let Ok(reader) = Reader::new(file) else { return };
    // No record takes fewer than 16 bytes of its file.
    let items = reader.take(file.len() / 16 + 2).count();
    assert!(items <= file.len() / 16 + 1, "{items} items in {} bytes", file.len());
}

/// Gives one byte a time, with an interrupted call before each.
struct Dripping<'a> {
    bytes: &'a [u8],
    is_interrupted: bool,
}

impl Read for Dripping<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.is_interrupted = !self.is_interrupted;
        if self.is_interrupted {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let length = out.len().min(1);
        self.bytes.read(&mut out[..length])
    }
}

#[test]
fn slow_and_interrupted_input_reads_the_same() {
    let mut writer = PcapngWriter::new(Vec::new()).unwrap();
    writer.add_interface(&Interface::new(LinkType::RAW)).unwrap();
    let record = Record { comments: vec!["x".into()], ..Record::whole(5, vec![0x45; 33]) };
    writer.write(&record).unwrap();
    let file = writer.finish().unwrap();
    let mut reader = Reader::new(Dripping { bytes: &file, is_interrupted: false }).unwrap();
    assert_eq!(reader.next().unwrap().unwrap(), record);
    assert!(reader.next().is_none());
}

#[test]
fn a_failing_input_is_an_error_with_its_cause() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("disk on fire"))
        }
    }
    let header = pcap_header(ByteOrder::Little, 0xa1b2_c3d4).bytes;
    let mut reader = Reader::new(header.as_slice().chain(Failing)).unwrap();
    let error = reader.next().unwrap().unwrap_err();
    assert_eq!(error.to_string(), "cannot read capture block 1 at byte 24: disk on fire");
    assert!(std::error::Error::source(&error).is_some());
    assert!(reader.next().is_none());
}

#[test]
fn writers_refuse_what_readers_would() {
    let mut ng = PcapngWriter::new(Vec::new()).unwrap();
    let short = Record::whole(0, vec![1]);
    let refused = ng.write(&short);
    assert!(matches!(refused, Err(WriteError::UnknownInterface { id: 0, known: 0 })));
    ng.add_interface(&Interface::new(LinkType::RAW)).unwrap();
    let long = Record::whole(0, vec![0; RECORD_BYTES_MAX as usize + 1]);
    assert!(matches!(ng.write(&long), Err(WriteError::RecordLength { found: 262_145 })));
    let verbose = Record { comments: vec!["x".repeat(65_536)], ..short.clone() };
    let refused = ng.write(&verbose);
    assert!(matches!(refused, Err(WriteError::OptionLength { code: 1, found: 65_536 })));
    let verbose = Record { comments: vec!["x".repeat(65_535); 256], ..short.clone() };
    assert!(matches!(ng.write(&verbose), Err(WriteError::BlockTooLong { .. })));
    // A refused packet leaves nothing behind.
    ng.write(&short).unwrap();
    assert_eq!(read_all(&ng.finish().unwrap()).unwrap().0, [short]);

    let mut pcap = PcapWriter::new(Vec::new(), LinkType::RAW).unwrap();
    let late = Record::whole(4_294_967_296_000_000_000, vec![1]);
    assert!(matches!(pcap.write(&late), Err(WriteError::Timestamp { .. })));
    assert!(matches!(pcap.write(&long), Err(WriteError::RecordLength { .. })));
}
