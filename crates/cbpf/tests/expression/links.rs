//! Link types with few differences: loopback, PPP, and IP of one version.

use netloom_cbpf::expression::{Options, compile};
use netloom_cbpf::{Program, parse};
use netloom_packet::capture::Record;
use netloom_packet::link::LinkType;
use netloom_testkit::filter::capture::capture;
use netloom_testkit::filter::expressions::accepted;
use netloom_testkit::filter::names::Files;
use netloom_testkit::filter::tcpdump::{Compile, Form, Tcpdump, TcpdumpError};

use crate::{difference, is_skipped};

/// A link type, and what stands before packets of IPv4, IPv6 and others.
type Link = (LinkType, [&'static [u8]; 3]);

const LINKS: [Link; 5] = [
    (LinkType::NULL, [&[2, 0, 0, 0], &[30, 0, 0, 0], &[24, 0, 0, 0]]),
    (LinkType::LOOP, [&[0, 0, 0, 2], &[0, 0, 0, 28], &[0, 0, 0, 7]]),
    (LinkType(9), [&[0xff, 3, 0, 0x21], &[0xff, 3, 0, 0x57], &[0xff, 3, 2, 0x81]]),
    (LinkType::IPV4, [&[]; 3]),
    (LinkType::IPV6, [&[]; 3]),
];

/// The packet of `record` with the link type's header before it.
fn framed(record: &Record, headers: [&[u8]; 3]) -> Record {
    let header = match record.data.first().map(|first| first >> 4) {
        Some(4) => headers[0],
        Some(6) => headers[1],
        _ => headers[2],
    };
    Record::whole(record.timestamp_ns, [header, &record.data[..]].concat())
}

#[test]
fn filters_of_raw_packets_agree_on_other_links() {
    if is_skipped() {
        return;
    }
    let names = Files::read();
    let packets = capture(LinkType::RAW, 5, 250);
    let filters = accepted(LinkType::RAW).into_iter().chain(accepted(LinkType::ETHERNET));
    let texts: Vec<_> = filters.filter(|one| one.mark.is_none()).map(|one| one.text).collect();
    for (link, headers) in LINKS {
        let records: Vec<_> = packets.iter().map(|record| framed(record, headers)).collect();
        let tcpdump = Tcpdump::new(link, &records).unwrap();
        let options = Options { names: &names, netmask: Some(0), ..Options::new(link) };
        let (mut compared, mut refused) = (0, 0);
        for text in texts.iter().step_by(6) {
            let theirs = tcpdump.program(text, Compile::Optimized, Form::Decimal);
            match (compile(text, &options), theirs) {
                (Ok(ours), Ok(theirs)) => {
                    let ours = Program::new(ours).unwrap();
                    let theirs = Program::new(parse(theirs.as_bytes()).unwrap().1).unwrap();
                    if let Some(difference) = difference(&ours, &theirs, &records) {
                        panic!("{link}: {text}: {difference}");
                    }
                    compared += 1;
                }
                (Err(_), Err(TcpdumpError::Refused { .. })) => refused += 1,
                (Err(error), _) => panic!("{link}: {text}: {error}"),
                (_, Err(error)) => panic!("{link}: {text}: {error}"),
            }
        }
        println!("{link}: {compared} agree, {refused} refused by both");
        assert!(compared > 40, "{link}");
    }
}
