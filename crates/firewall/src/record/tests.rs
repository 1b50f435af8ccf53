use super::*;
use crate::model::TableName;

/// A record with these words set; the flags of soundness are all set.
fn record(words: &[(Field, u8, u32)]) -> Vec<u8> {
    let mut bytes = vec![0; key::BYTES as usize];
    let sound = [Field::HeaderOk, Field::PortsOk, Field::ChainOk].map(|field| (field, 0, u32::MAX));
    for &(field, index, word) in sound.iter().chain(words) {
        let offset = usize::from(field.word(index).cast_unsigned());
        bytes[offset..offset + 4].copy_from_slice(&word.to_ne_bytes());
    }
    bytes
}

fn name(text: &[u8; 4]) -> u32 {
    u32::from_ne_bytes(*text)
}

fn syn() -> Vec<u8> {
    record(&[
        (Field::Time, 0, 5),
        (Field::Time, 1, 1),
        (Field::Slot, 0, 7),
        (Field::Len, 0, 60),
        (Field::InName, 0, name(b"eth0")),
        (Field::Source, 0, 0xc000_0201),
        (Field::Destination, 0, 0xc633_6402),
        (Field::Protocol, 0, 6),
        (Field::SourcePort, 0, 40_000),
        (Field::DestinationPort, 0, 22),
        (Field::TcpFlags, 0, 0x02),
        (Field::HopLimit, 0, 63),
        (Field::Tos, 0, 0xb8),
        (Field::TotalLen, 0, 60),
        (Field::Mark, 0, 0x1f),
        (Field::CtState, 0, 8),
        (Field::MacHigh, 0, 0x0200_0000),
        (Field::MacLow, 0, 0x01fe),
        (Field::Identification, 0, 0x1234_4000),
        (Field::TcpSequence, 0, 1_000),
        (Field::TcpWindow, 0, 0xa002_7210),
    ])
}

#[test]
fn a_syn_prints_as_the_kernels_log_target_prints_it() {
    let record = Record::decode(&syn(), Family::V4).unwrap();
    assert_eq!((record.time_ns, record.slot), (0x1_0000_0005, 7));
    assert_eq!((record.length, record.states), (60, CtStates::NEW));
    assert_eq!(
        record.to_string(),
        "IN=eth0 OUT= MACSRC=02:00:00:00:01:fe SRC=192.0.2.1 DST=198.51.100.2 LEN=60 TOS=0x18 \
         PREC=0xA0 TTL=63 ID=4660 DF PROTO=TCP SPT=40000 DPT=22 WINDOW=29200 RES=0x00 SYN MARK=0x1f"
    );
    let options = LogOptions { prefix: "in: ".into(), tcp_sequence: true, ..LogOptions::default() };
    let line = record.line(&options);
    assert!(line.starts_with("in: IN=eth0 "), "{line}");
    assert!(line.contains(" DPT=22 SEQ=1000 ACK=0 WINDOW=29200 "), "{line}");
}

#[test]
fn ipv6_prints_long_addresses_and_its_own_fields() {
    let bytes = record(&[
        (Field::OutName, 0, name(b"wlan")),
        (Field::OutName, 1, u32::from_ne_bytes(*b"1\0zz")),
        (Field::Source, 0, 0xfe80_0000),
        (Field::Source, 3, 1),
        (Field::Destination, 0, 0x2001_0db8),
        (Field::Protocol, 0, 58),
        (Field::SourcePort, 0, 0x8000),
        (Field::HopLimit, 0, 255),
        (Field::TotalLen, 0, 104),
        (Field::MacAbsent, 0, 1),
        (Field::Identification, 0, 0x600a_bcde),
    ]);
    assert_eq!(
        Record::decode(&bytes, Family::V6).unwrap().to_string(),
        "IN= OUT=wlan1 SRC=fe80:0000:0000:0000:0000:0000:0000:0001 \
         DST=2001:0db8:0000:0000:0000:0000:0000:0000 LEN=104 TC=0 HOPLIMIT=255 FLOWLBL=703710 \
         PROTO=ICMPv6 TYPE=128 CODE=0"
    );
}

#[test]
fn what_a_packet_lacks_is_not_printed() {
    let line = |words: &[(Field, u8, u32)]| {
        let all = [&[(Field::MacAbsent, 0, 1)], words].concat();
        let line = Record::decode(&record(&all), Family::V4).unwrap().to_string();
        line.split_once(" ID=0").unwrap().1.to_owned()
    };
    let protocol = |number| (Field::Protocol, 0, number);
    assert_eq!(line(&[protocol(6), (Field::HeaderOk, 0, 0)]), " PROTO=TCP INCOMPLETE");
    assert_eq!(line(&[protocol(17), (Field::FragmentOffset, 0, 185)]), " FRAG:185 PROTO=UDP");
    assert_eq!(line(&[protocol(132), (Field::SourcePort, 0, 9)]), " PROTO=132 SPT=9 DPT=0");
    assert_eq!(line(&[protocol(50)]), " PROTO=ESP");
    let more = (Field::Identification, 0, 0x2000);
    assert_eq!(line(&[protocol(2), more]), " MF PROTO=2");
}

#[test]
fn short_records_are_refused_whatever_their_length() {
    let whole = syn();
    for length in 0..whole.len() {
        assert_eq!(Record::decode(&whole[..length], Family::V4), None);
    }
}

#[test]
fn records_are_read_by_the_rule_that_sent_them() {
    let text = b"*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n\
                 -A INPUT -p tcp -j ACCEPT\n-A INPUT -j LOG --log-prefix \"ssh \"\n\
                 -A INPUT -j NFLOG --nflog-prefix nf\nCOMMIT\n";
    let ruleset = crate::parse::parse(text, crate::parse::ParseOptions::default()).unwrap().ruleset;
    let slots = Slots::assign(&[&ruleset], &Slots::default(), &Default::default());
    let reporters = Reporters::of(&[&ruleset], &slots);
    let read = |index: usize| {
        let rule = RuleId { table: TableName::Filter, chain: "INPUT", index };
        let mut bytes = syn();
        let slot = usize::from(Field::Slot.offset().cast_unsigned());
        bytes[slot..slot + 4].copy_from_slice(&slots.rule(Family::V4, rule).to_ne_bytes());
        reporters.read(&bytes).map(|(reporter, record)| {
            assert_eq!(reporter.rule, rule);
            reporter.line(&record)
        })
    };
    assert_eq!(read(0), None, "the rule does not report");
    assert!(read(1).unwrap().starts_with("ssh IN=eth0 OUT= "));
    assert!(read(2).unwrap().starts_with("nfIN=eth0 OUT= "));
    assert!(reporters.read(&[]).is_none() && !reporters.is_empty());
}
