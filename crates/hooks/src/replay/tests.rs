use netloom_firewall::model::{CtStates, TableName};
use netloom_firewall::parse::{ParseOptions, parse};
use netloom_firewall::{Leniency, prepare};
use netloom_packet::checksum::PseudoHeader;
use netloom_packet::link::LinkType;
use netloom_packet::wire::{
    EthernetRepr, IcmpRepr, Ipv4, Ipv4Repr, Ipv6Repr, Mac, TcpFlags, TcpRepr, UdpRepr, ethertype,
    protocol,
};

use super::*;

const SECOND: u64 = 1_000_000_000;
const CLIENT: [u8; 4] = [198, 51, 100, 7];
const HOST: [u8; 4] = [192, 0, 2, 1];

/// The lines of one table as a ruleset; policies are ACCEPT unless a line says otherwise.
fn ruleset(family: Family, text: &str) -> Ruleset {
    let text = text.replace("; ", "\n") + "\nCOMMIT\n";
    parse(text.as_bytes(), ParseOptions { family: Some(family) }).expect("a sound ruleset").ruleset
}

fn replay<'a>(rulesets: &'a [Ruleset], options: Options) -> Replay<'a> {
    let planned: Vec<_> = rulesets
        .iter()
        .map(|ruleset| prepare(ruleset, Leniency::default()).expect("only supported rules"))
        .collect();
    Replay::new(&planned, options).expect("compiles")
}

/// Sends bare IP packets, of which each is `(seconds, packet)`, and gives their verdicts.
fn verdicts(replay: &mut Replay<'_>, packets: &[(u64, Vec<u8>)]) -> Vec<Verdict> {
    packets.iter().map(|(seconds, packet)| decide(replay, *seconds, packet).verdict).collect()
}

fn decide(replay: &mut Replay<'_>, seconds: u64, packet: &[u8]) -> Decision {
    match send(replay, LinkType::RAW, seconds, packet) {
        Outcome::Judged(decision) => decision,
        Outcome::Skipped(reason) => panic!("skipped: {reason:?}"),
    }
}

fn send(replay: &mut Replay<'_>, link_type: LinkType, seconds: u64, bytes: &[u8]) -> Outcome {
    let timestamp_ns = seconds * SECOND;
    replay.packet(&Frame { link_type, bytes, timestamp_ns, device: None }).expect("a verdict")
}

fn ipv4(src: [u8; 4], dst: [u8; 4], protocol: u8) -> Ipv4Repr {
    Ipv4Repr { src: src.into(), dst: dst.into(), protocol, ..Ipv4Repr::default() }
}

fn tcp(
    src: [u8; 4],
    dst: [u8; 4],
    ports: (u16, u16),
    flags: TcpFlags,
    seq: u32,
    ack: u32,
) -> Vec<u8> {
    let header = TcpRepr {
        src_port: ports.0,
        dst_port: ports.1,
        sequence: seq,
        acknowledgement: ack,
        flags,
        window: 1000,
        ..TcpRepr::default()
    };
    let pseudo = PseudoHeader::V4 { src: src.into(), dst: dst.into() };
    ipv4(src, dst, protocol::TCP).emit(&header.emit(&pseudo, b""))
}

fn udp(src: [u8; 4], dst: [u8; 4], ports: (u16, u16), data: &[u8]) -> Vec<u8> {
    let pseudo = PseudoHeader::V4 { src: src.into(), dst: dst.into() };
    let header = UdpRepr { src_port: ports.0, dst_port: ports.1 };
    ipv4(src, dst, protocol::UDP).emit(&header.emit(&pseudo, data))
}

/// Port unreachable, about `quoted`.
fn unreachable(src: [u8; 4], dst: [u8; 4], quoted: &[u8]) -> Vec<u8> {
    let icmp = IcmpRepr { kind: 3, code: 3, rest: [0; 4] };
    ipv4(src, dst, protocol::ICMP).emit(&icmp.emit_v4(&quoted[..28]))
}

fn ethernet(src: [u8; 6], dst: [u8; 6], packet: &[u8]) -> Vec<u8> {
    let header = EthernetRepr {
        src: Mac(src),
        dst: Mac(dst),
        ethertype: ethertype::IPV4,
        tags: Default::default(),
    };
    header.emit(packet)
}

const SYN: TcpFlags = TcpFlags::SYN;
const ACK: TcpFlags = TcpFlags::ACK;
const SYN_ACK: TcpFlags = TcpFlags(TcpFlags::SYN.0 | TcpFlags::ACK.0);
use Verdict::{Accept, Drop};

fn of_host(local: [u8; 4]) -> Options {
    Options { local: vec![local.into()], ..Options::new(View::Input) }
}

#[test]
fn a_host_that_accepts_answers_only_gets_the_answers_to_what_it_sent() {
    let rules = "*filter; :INPUT DROP [0:0]; :FORWARD DROP [0:0]; :OUTPUT ACCEPT [0:0]; \
                 -A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT";
    let rulesets = [ruleset(Family::V4, rules)];
    let mut replay = replay(&rulesets, of_host(HOST));
    let query = udp(HOST, CLIENT, (4000, 53), b"query");
    let packets = [
        (0, tcp(CLIENT, HOST, (9000, 22), SYN, 5, 0)),
        // The first was dropped, so that there is no connection that this one could belong to.
        (1, tcp(CLIENT, HOST, (9000, 22), ACK, 6, 1)),
        (2, tcp(HOST, CLIENT, (9001, 80), SYN, 100, 0)),
        (2, tcp(CLIENT, HOST, (80, 9001), SYN_ACK, 500, 101)),
        (3, tcp(HOST, CLIENT, (9001, 80), ACK, 101, 501)),
        (4, query.clone()),
        (4, unreachable([203, 0, 113, 9], HOST, &query)),
        (4, unreachable([203, 0, 113, 9], HOST, &udp(HOST, CLIENT, (4001, 53), b"never sent"))),
    ];
    let verdicts = verdicts(&mut replay, &packets);
    assert_eq!(verdicts, [Drop, Drop, Accept, Accept, Accept, Accept, Accept, Drop]);
    let rule = RuleId { table: TableName::Filter, chain: "INPUT", index: 0 };
    assert_eq!(replay.rule_counters(Family::V4, rule), Counters { packets: 2, bytes: 40 + 56 });
    let policy = |hook| {
        let point = Point { table: TableName::Filter, hook };
        replay.policy_counters(Family::V4, point).packets
    };
    assert_eq!((policy(Hook::Input), policy(Hook::Output), policy(Hook::Forward)), (3, 3, 0));
    assert_eq!(replay.connections().map(Table::len), Some(2));
}

#[test]
fn states_are_those_of_the_packet_and_unknown_where_no_rule_asks() {
    let asking = [ruleset(
        Family::V4,
        "*filter; :INPUT ACCEPT [0:0]; :FORWARD ACCEPT [0:0]; :OUTPUT ACCEPT [0:0]; \
         -A INPUT -m state --state INVALID -j DROP",
    )];
    let mut asked = replay(&asking, of_host(HOST));
    let states = |replay: &mut Replay<'_>, packet: &[u8]| decide(replay, 0, packet).states;
    let syn = tcp(CLIENT, HOST, (9000, 22), SYN, 5, 0);
    let answer = tcp(HOST, CLIENT, (22, 9000), SYN_ACK, 9, 6);
    assert_eq!(states(&mut asked, &syn), Some(CtStates::NEW));
    assert_eq!(states(&mut asked, &answer), Some(CtStates::ESTABLISHED));
    assert_eq!(states(&mut asked, &syn), Some(CtStates::ESTABLISHED));
    let stray = tcp(CLIENT, HOST, (9999, 22), TcpFlags::RST, 5, 0);
    assert_eq!(decide(&mut asked, 0, &stray).states, Some(CtStates::INVALID));
    assert_eq!(decide(&mut asked, 0, &stray).verdict, Drop);

    let silent = [ruleset(
        Family::V4,
        "*filter; :INPUT ACCEPT [0:0]; :FORWARD ACCEPT [0:0]; :OUTPUT ACCEPT [0:0]",
    )];
    assert_eq!(states(&mut replay(&silent, of_host(HOST)), &syn), None);
}

#[test]
fn limits_run_on_the_time_of_the_capture() {
    let rules = "*filter; :INPUT DROP [0:0]; :FORWARD DROP [0:0]; :OUTPUT DROP [0:0]; \
                 -A INPUT -m limit --limit 1/s --limit-burst 2 -j ACCEPT";
    let rulesets = [ruleset(Family::V4, rules)];
    let mut replay = replay(&rulesets, Options::new(View::Input));
    let packet = udp(CLIENT, HOST, (1, 2), b"");
    // 1,000 s is no later than the 2,000 s before it: no token comes back.
    let seconds = [1, 1, 1, 2, 2, 2000, 2000, 1000, 2001];
    let packets = seconds.map(|second| (second, packet.clone()));
    let expected = [Accept, Accept, Drop, Accept, Drop, Accept, Accept, Drop, Accept];
    assert_eq!(verdicts(&mut replay, &packets), expected);
}

#[test]
fn reports_come_in_order_and_with_what_the_packet_was() {
    let rules = "*filter; :INPUT DROP [0:0]; :FORWARD DROP [0:0]; :OUTPUT DROP [0:0]; \
                 -A INPUT -p tcp --dport 22 -j LOG --log-prefix \"ssh \" --log-tcp-sequence; \
                 -A INPUT -p tcp -j NFLOG --nflog-group 3 --nflog-prefix \"any \"";
    let rulesets = [ruleset(Family::V4, rules)];
    let mut replay = replay(&rulesets, Options::new(View::Input));
    let packet = tcp(CLIENT, HOST, (9000, 22), SYN, 77, 0);
    let frame = ethernet([2, 0, 0, 0, 0, 9], [2, 0, 0, 0, 0, 1], &packet);
    let wlan0 = Device::new("wlan0", 7).unwrap();
    let frame = Frame {
        link_type: LinkType::ETHERNET,
        bytes: &frame,
        timestamp_ns: 42,
        device: Some(&wlan0),
    };
    replay.packet(&frame).unwrap();
    let lines: Vec<String> =
        replay.records().iter().map(|(reporter, record)| reporter.line(record)).collect();
    let common = "SRC=198.51.100.7 DST=192.0.2.1 LEN=40 TOS=0x00 PREC=0x00 TTL=64 ID=0 PROTO=TCP \
                  SPT=9000 DPT=22";
    assert_eq!(
        lines,
        [
            format!(
                "ssh IN=wlan0 OUT= MACSRC=02:00:00:00:00:09 {common} SEQ=77 ACK=0 WINDOW=1000 \
                 RES=0x00 SYN"
            ),
            format!("any IN=wlan0 OUT= MACSRC=02:00:00:00:00:09 {common} WINDOW=1000 RES=0x00 SYN"),
        ]
    );
    assert_eq!(replay.records()[0].1.time_ns, 42);
    decide(&mut replay, 1, &udp(CLIENT, HOST, (1, 2), b""));
    assert!(replay.records().is_empty(), "a packet's reports are its own");
}

#[test]
fn the_trace_follows_jumps_gotos_and_returns() {
    let rules = "*raw; :PREROUTING ACCEPT [0:0]; :OUTPUT ACCEPT [0:0]; \
                 -A PREROUTING -p tcp; COMMIT; \
                 *filter; :INPUT DROP [0:0]; :FORWARD DROP [0:0]; :OUTPUT DROP [0:0]; \
                 :late - [0:0]; :early - [0:0]; \
                 -A INPUT -j early; -A INPUT -s 203.0.113.0/24 -g late; -A INPUT -p udp -j ACCEPT; \
                 -A late -p tcp -j RETURN; -A late -j ACCEPT; \
                 -A early -p tcp; -A early -j RETURN; -A early -j DROP";
    let rulesets = [ruleset(Family::V4, rules)];
    let mut replay = replay(&rulesets, Options::new(View::Input));
    let mut way = |packet: &[u8]| {
        let decision = decide(&mut replay, 0, packet);
        let name = |slot: u32| match replay.meaning(slot) {
            Some(Meaning::Rule(_, id)) => format!("{}{}", id.chain, id.index),
            Some(Meaning::Policy(_, point)) => format!("{}P", point.hook.chain()),
            None => panic!("slot {slot}"),
        };
        let met = replay.trace().flat_map(|visit| visit.met).map(|slot| name(*slot));
        let met = met.collect::<Vec<_>>().join(" ");
        let by = match decision.decider {
            Decider::Rule(_, slot) => name(slot),
            Decider::Policy(_) => "policy".to_owned(),
            Decider::Malformed(_) | Decider::HopLimit | Decider::Nobody => "others".to_owned(),
        };
        format!("{met} > {by} {:?}", decision.verdict)
    };
    let other = [203, 0, 113, 5];
    assert_eq!(
        way(&udp(CLIENT, HOST, (1, 2), b"")),
        "PREROUTINGP INPUT0 early1 INPUT2 > INPUT2 Accept"
    );
    assert_eq!(
        way(&udp(other, HOST, (1, 2), b"")),
        "PREROUTINGP INPUT0 early1 INPUT1 late1 > late1 Accept"
    );
    assert_eq!(
        way(&tcp(other, HOST, (1, 2), SYN, 0, 0)),
        "PREROUTING0 PREROUTINGP INPUT0 early0 early1 INPUT1 late0 INPUTP > policy Drop"
    );
}

#[test]
fn a_table_that_drops_hides_the_packet_from_later_ones() {
    let rules = "*raw; :PREROUTING ACCEPT [0:0]; :OUTPUT ACCEPT [0:0]; \
                 -A PREROUTING -p udp -j DROP; COMMIT; \
                 *filter; :INPUT DROP [0:0]; :FORWARD DROP [0:0]; :OUTPUT DROP [0:0]; \
                 -A INPUT -m state --state NEW -j ACCEPT";
    let rulesets = [ruleset(Family::V4, rules)];
    let mut replay = replay(&rulesets, Options::new(View::Input));
    let decision = decide(&mut replay, 0, &udp(CLIENT, HOST, (1, 2), b""));
    assert_eq!((decision.verdict, replay.trace().count()), (Drop, 1));
    assert_eq!(decision.decider.point().map(|point| point.table), Some(TableName::Raw));
    let decision = decide(&mut replay, 0, &tcp(CLIENT, HOST, (1, 2), SYN, 0, 0));
    assert_eq!((decision.verdict, replay.trace().count()), (Accept, 2));
    assert_eq!(decision.decider.point().map(|point| point.table), Some(TableName::Filter));
}

#[test]
fn a_match_that_finds_a_packet_malformed_drops_it_uncounted() {
    let rules = "*filter; :INPUT ACCEPT [0:0]; :FORWARD ACCEPT [0:0]; :OUTPUT ACCEPT [0:0]; \
                 -A INPUT -p tcp --dport 22 -j ACCEPT";
    let rulesets = [ruleset(Family::V4, rules)];
    let mut replay = replay(&rulesets, Options::new(View::Input));
    let short = ipv4(CLIENT, HOST, protocol::TCP).emit(&[0; 19]);
    let point = Point { table: TableName::Filter, hook: Hook::Input };
    let decision = decide(&mut replay, 0, &short);
    assert_eq!((decision.verdict, decision.decider), (Drop, Decider::Malformed(point)));
    assert!(replay.trace().all(|visit| visit.met.is_empty()));
}

#[test]
fn a_forwarded_packet_loses_a_hop_before_forward() {
    let rules = "*mangle; :PREROUTING ACCEPT [0:0]; :INPUT ACCEPT [0:0]; :FORWARD ACCEPT [0:0]; \
                 :OUTPUT ACCEPT [0:0]; :POSTROUTING ACCEPT [0:0]; \
                 -A PREROUTING -m ttl --ttl-eq 64; -A FORWARD -m ttl --ttl-eq 63; \
                 -A FORWARD -i lan0 -o wan0; -A POSTROUTING -o wan0 -m ttl --ttl-eq 63 -j DROP";
    let rulesets = [ruleset(Family::V4, rules)];
    let options = Options {
        in_device: Device::new("lan0", 2).unwrap(),
        out_device: Device::new("wan0", 3).unwrap(),
        ..Options::new(View::Forward)
    };
    let mut replay = replay(&rulesets, options);
    let mut packet = udp(CLIENT, HOST, (1, 2), b"x");
    let decision = decide(&mut replay, 0, &packet);
    assert_eq!(decision.verdict, Drop);
    let met: Vec<usize> = replay.trace().map(|visit| visit.met.len()).collect();
    assert_eq!(met, [2, 3, 1], "rules and policies met at each hook");
    assert!(Ipv4::new_checked(replay.packet.network()).unwrap().is_intact());

    packet[8] = 1;
    let decision = decide(&mut replay, 0, &packet);
    assert_eq!((decision.verdict, decision.decider), (Drop, Decider::HopLimit));
}

#[test]
fn the_link_layer_tells_type_and_sender() {
    let rules = "*filter; :INPUT DROP [0:0]; :FORWARD DROP [0:0]; :OUTPUT DROP [0:0]; \
                 -A INPUT -m pkttype --pkt-type broadcast -j ACCEPT; \
                 -A INPUT -m mac --mac-source 02:00:00:00:00:09 -j ACCEPT; \
                 -A INPUT -m addrtype --dst-type MULTICAST,BROADCAST -j ACCEPT";
    let rulesets = [ruleset(Family::V4, rules)];
    let mut replay = replay(&rulesets, Options::new(View::Input));
    let rule = |index| {
        Decider::Rule(
            Point { table: TableName::Filter, hook: Hook::Input },
            rule_slot(&rulesets[0], index),
        )
    };
    let (known, other) = ([2, 0, 0, 0, 0, 9], [2, 0, 0, 0, 0, 8]);
    let mut decider = |src, dst, to| {
        let frame = ethernet(src, dst, &udp(CLIENT, to, (1, 2), b""));
        match send(&mut replay, LinkType::ETHERNET, 0, &frame) {
            Outcome::Judged(decision) => decision.decider,
            Outcome::Skipped(reason) => panic!("{reason:?}"),
        }
    };
    let policy = Decider::Policy(Point { table: TableName::Filter, hook: Hook::Input });
    assert_eq!(decider(known, [0xff; 6], HOST), rule(0));
    assert_eq!(decider(known, other, HOST), rule(1));
    assert_eq!(decider(other, known, HOST), policy);
    assert_eq!(decider(other, known, [224, 0, 0, 1]), rule(2));
    assert_eq!(decider(other, known, [255; 4]), rule(2));
    let bare = udp(CLIENT, HOST, (1, 2), b"");
    assert_eq!(decide(&mut replay, 0, &bare).decider, policy, "no hardware address, no match");
}

fn rule_slot(ruleset: &Ruleset, index: usize) -> u32 {
    let slots = Slots::assign(&[ruleset], &Slots::default(), &HashSet::new());
    slots.rule(ruleset.family, RuleId { table: TableName::Filter, chain: "INPUT", index })
}

#[test]
fn a_cooked_capture_tells_the_direction_unless_the_view_is_fixed() {
    let rules = "*filter; :INPUT DROP [0:0]; :FORWARD DROP [0:0]; :OUTPUT ACCEPT [0:0]; \
                 -A OUTPUT -o any9";
    let rulesets = [ruleset(Family::V4, rules)];
    let cooked = |kind: u8| {
        let packet = udp(CLIENT, HOST, (1, 2), b"");
        [&[0, kind, 0, 1, 0, 6, 2, 0, 0, 0, 0, 9, 0, 0, 8, 0][..], &packet].concat()
    };
    let outcome = |options: Options, kind| {
        send(&mut replay(&rulesets, options), LinkType::LINUX_SLL, 0, &cooked(kind))
    };
    let view = |options: Options, kind| match outcome(options, kind) {
        Outcome::Judged(decision) => Some(decision.view),
        Outcome::Skipped(reason) => {
            assert_eq!(reason, Skipped::ToOtherHost);
            None
        }
    };
    assert_eq!(view(Options::new(View::Input), 4), Some(View::Output));
    assert_eq!(view(Options::new(View::Output), 0), Some(View::Input));
    assert_eq!(view(Options::new(View::Input), 3), None);
    let fixed = Options { by_direction: false, ..Options::new(View::Input) };
    assert_eq!(view(fixed, 4), Some(View::Input));
    assert_eq!(view(Options::new(View::Forward), 4), Some(View::Forward));
}

#[test]
fn each_family_has_its_own_ruleset() {
    let drop_all = "*filter; :INPUT DROP [0:0]; :FORWARD DROP [0:0]; :OUTPUT DROP [0:0]";
    let rulesets = [ruleset(Family::V6, drop_all)];
    let mut replay = replay(&rulesets, Options::new(View::Input));
    let (src, dst) = ("2001:db8::1".parse().unwrap(), "2001:db8::2".parse().unwrap());
    let header = Ipv6Repr { src, dst, protocol: protocol::UDP, ..Ipv6Repr::default() };
    let datagram = UdpRepr { src_port: 1, dst_port: 2 }.emit(&PseudoHeader::V6 { src, dst }, b"");
    assert_eq!(decide(&mut replay, 0, &header.emit(&datagram)).verdict, Drop);
    let v4 = udp(CLIENT, HOST, (1, 2), b"");
    let skipped = Outcome::Skipped(Skipped::NoRuleset(Family::V4));
    assert_eq!(send(&mut replay, LinkType::RAW, 0, &v4), skipped);
}

#[test]
fn two_rulesets_of_one_family_are_refused() {
    let accept_all = "*filter; :INPUT ACCEPT [0:0]; :FORWARD ACCEPT [0:0]; :OUTPUT ACCEPT [0:0]";
    let ruleset = ruleset(Family::V4, accept_all);
    let planned = prepare(&ruleset, Leniency::default()).unwrap();
    let refused = Replay::new(&[planned.clone(), planned], Options::new(View::Input));
    assert_eq!(refused.map(|_| ()), Err(ReplayError::SameFamily));
}

#[test]
fn what_is_no_packet_is_skipped_with_its_reason() {
    let accept_all = "*filter; :INPUT ACCEPT [0:0]; :FORWARD ACCEPT [0:0]; :OUTPUT ACCEPT [0:0]";
    let rulesets = [ruleset(Family::V4, accept_all)];
    let mut replay = replay(&rulesets, Options::new(View::Input));
    let mut skipped = |link, bytes: &[u8]| match send(&mut replay, link, 0, bytes) {
        Outcome::Skipped(reason) => reason,
        Outcome::Judged(decision) => panic!("judged: {decision:?}"),
    };
    let arp = [&[0; 12][..], &[8, 6], &[0; 28]].concat();
    assert_eq!(skipped(LinkType::ETHERNET, &arp), Skipped::NotIp { ethertype: 0x0806 });
    assert_eq!(skipped(LinkType::ETHERNET, &arp[..13]), Skipped::NoNetworkLayer);
    assert_eq!(skipped(LinkType(147), &arp), Skipped::NoNetworkLayer);
    assert!(matches!(skipped(LinkType::IPV4, &[0x45; 19]), Skipped::Malformed(_)));
}

#[test]
fn length_is_what_the_ip_header_says() {
    let rules = "*filter; :INPUT DROP [0:0]; :FORWARD DROP [0:0]; :OUTPUT DROP [0:0]; \
                 -A INPUT -p udp -m length --length 128 -m udp --dport 2 -j ACCEPT";
    let rulesets = [ruleset(Family::V4, rules)];
    let mut replay = replay(&rulesets, Options::new(View::Input));
    let packet = udp(CLIENT, HOST, (1, 2), &[7; 100]);
    let padded = [&packet[..], &[0; 18]].concat();
    let rule = RuleId { table: TableName::Filter, chain: "INPUT", index: 0 };
    for (bytes, is_cut) in [(&packet[..], false), (&padded, false), (&packet[..28], true)] {
        let decision = decide(&mut replay, 0, bytes);
        assert_eq!((decision.verdict, decision.is_cut), (Accept, is_cut));
    }
    let counted = Counters { packets: 3, bytes: 3 * 128 };
    assert_eq!(replay.rule_counters(Family::V4, rule), counted);
}
