//! Findings against brute force: rules of a few fields, and every packet that can tell them apart.

use std::net::{IpAddr, Ipv4Addr};

use arbtest::arbitrary::{Result, Unstructured};
use arbtest::arbtest;

use crate::check::{Finding, check, never_matches, subsumes};
use crate::diagnostic::Code;
use crate::model::{
    AddrMask, AddrType, AddrTypes, Chain, Compare, CtStates, Family, HeaderMatch, IcmpType,
    Interface, Match, MatchItem, MultiportSide, Negatable, PktType, Policy, Ports, Rule, Ruleset,
    Span, Table, TableName, Target, TargetItem, TcpFlags,
};

/// What the conditions under test look at.
#[derive(Clone, Debug)]
struct Packet {
    source: u32,
    protocol: u8,
    input: &'static str,
    later_fragment: bool,
    /// Readable TCP header (20 bytes), or only its ports.
    tcp: bool,
    source_port: u16,
    destination_port: u16,
    flags: u8,
    icmp: (u8, u8),
    ethernet: bool,
    mac: u8,
    mark: u32,
    pkt_type: u8,
    source_type: u8,
    ttl: u8,
    length: u32,
    tos: u8,
    state: CtStates,
    translation: u8,
}

/// Whether the packet fulfils the conditions, straight from their description.
fn fulfils(packet: &Packet, rule: &Rule) -> bool {
    let header = &rule.header;
    let source = IpAddr::V4(Ipv4Addr::from_bits(packet.source));
    holds(header.source, |net: AddrMask| masked(source, net.mask) == net.addr)
        && holds(header.protocol, |protocol| packet.protocol == protocol)
        && holds(header.in_interface.clone(), |device| device.accepts(packet.input))
        && header.fragment.is_none_or(|negated| packet.later_fragment != negated)
        && rule.matches.iter().all(|item| fulfils_match(packet, &item.kind))
}

fn holds<T>(condition: Option<Negatable<T>>, test: impl Fn(T) -> bool) -> bool {
    condition.is_none_or(|condition| test(condition.value) != condition.negated)
}

fn masked(addr: IpAddr, mask: IpAddr) -> IpAddr {
    match (addr, mask) {
        (IpAddr::V4(addr), IpAddr::V4(mask)) => {
            IpAddr::V4(Ipv4Addr::from_bits(addr.to_bits() & mask.to_bits()))
        }
        _ => panic!("only IPv4 here"),
    }
}

fn within(value: u16, (low, high): (u16, u16)) -> bool {
    low <= value && value <= high
}

fn fulfils_match(packet: &Packet, kind: &Match) -> bool {
    let transport = !packet.later_fragment;
    let ports_hold = |ports: &Ports| {
        transport
            && holds(ports.source, |range| within(packet.source_port, range))
            && holds(ports.destination, |range| within(packet.destination_port, range))
    };
    match kind {
        Match::Tcp { ports, flags, option: None } => {
            packet.tcp
                && ports_hold(ports)
                && holds(*flags, |flags| packet.flags & flags.mask == flags.comp)
        }
        Match::Udp(ports) => ports_hold(ports),
        Match::Icmp(kind) => {
            transport
                && holds(Some(*kind), |kind| match kind {
                    IcmpType::Any => true,
                    IcmpType::Type { value, codes } => {
                        packet.icmp.0 == value
                            && within(packet.icmp.1.into(), (codes.0.into(), codes.1.into()))
                    }
                })
        }
        Match::Multiport { side, ports } => {
            transport
                && holds(Some(ports.clone()), |list| {
                    let any = |port| list.iter().any(|range| within(port, *range));
                    match side {
                        MultiportSide::Source => any(packet.source_port),
                        MultiportSide::Destination => any(packet.destination_port),
                        MultiportSide::Either => {
                            any(packet.source_port) || any(packet.destination_port)
                        }
                    }
                })
        }
        Match::IpRange { source, .. } => holds(*source, |(from, to)| {
            let own = IpAddr::V4(Ipv4Addr::from_bits(packet.source));
            from <= own && own <= to
        }),
        Match::Mac(mac) => packet.ethernet && holds(Some(*mac), |mac| mac[5] == packet.mac),
        Match::Mark(mark) => holds(Some(*mark), |(value, mask)| packet.mark & mask == value),
        Match::PktType(kind) => holds(Some(*kind), |kind| packet.pkt_type == kind as u8),
        Match::AddrType { source, .. } => {
            holds(*source, |set| set.0 >> packet.source_type & 1 != 0)
        }
        Match::Comment(_) => true,
        Match::HopLimit(compare, limit) => match compare {
            Compare::Equal => packet.ttl == *limit,
            Compare::NotEqual => packet.ttl != *limit,
            Compare::Less => packet.ttl < *limit,
            Compare::Greater => packet.ttl > *limit,
        },
        Match::Length(range) => holds(Some(*range), |(low, high)| {
            u32::from(low) <= packet.length && packet.length <= u32::from(high)
        }),
        Match::Dscp(dscp) => holds(Some(*dscp), |dscp| packet.tos >> 2 == dscp),
        Match::Tos(tos) => holds(Some(*tos), |(value, mask)| packet.tos & mask == value),
        Match::State(states) => holds(Some(*states), |set| set.intersects(packet.state)),
        Match::CtState(states) => holds(Some(*states), |set| {
            set.intersects(packet.state) || set.0 & packet.translation != 0
        }),
        Match::Tcp { .. }
        | Match::UdpLite(_)
        | Match::Sctp(_)
        | Match::Icmp6(_)
        | Match::Limit(_)
        | Match::Unsupported { .. } => panic!("{kind:?} is not generated"),
    }
}

const ADDRESSES: [u32; 6] = [0, 0x0a00_0001, 0x0a00_0002, 0x0a00_0100, 0x0a01_0001, u32::MAX];
const DEVICES: [&str; 4] = ["", "eth0", "eth01", "lo"];
const PORTS: [u16; 6] = [0, 1, 22, 80, 443, u16::MAX];
const STATES: [CtStates; 5] = [
    CtStates::INVALID,
    CtStates::NEW,
    CtStates::ESTABLISHED,
    CtStates::RELATED,
    CtStates::UNTRACKED,
];

fn packet(u: &mut Unstructured<'_>) -> Result<Packet> {
    let state = *u.choose(&STATES)?;
    Ok(Packet {
        source: *u.choose(&ADDRESSES)?,
        protocol: *u.choose(&[0, 1, 6, 17, 255])?,
        input: u.choose(&DEVICES)?,
        later_fragment: u.ratio(1, 8)?,
        tcp: !u.ratio(1, 8)?,
        source_port: *u.choose(&PORTS)?,
        destination_port: *u.choose(&PORTS)?,
        flags: *u.choose(&[0, 1, 2, 0x12, 0x3f, 0xff])?,
        icmp: *u.choose(&[(0, 0), (8, 0), (8, 1), (255, 255)])?,
        ethernet: !u.ratio(1, 8)?,
        mac: u.int_in_range(0..=2)?,
        mark: *u.choose(&[0, 1, 2, 3, 0x101, u32::MAX])?,
        pkt_type: u.int_in_range(0..=6)?,
        source_type: u.int_in_range(0..=4)?,
        ttl: *u.choose(&[0, 1, 64, 254, 255])?,
        length: *u.choose(&[0, 20, 21, 65_535, 65_536])?,
        tos: *u.choose(&[0, 1, 4, 0x28, 0xff])?,
        state,
        translation: *u.choose(&[0, CtStates::SNAT.0, CtStates::DNAT.0])?,
    })
}

fn negatable<T>(u: &mut Unstructured<'_>, value: T) -> Result<Negatable<T>> {
    Ok(Negatable { negated: u.ratio(1, 3)?, value })
}

fn range(u: &mut Unstructured<'_>) -> Result<(u16, u16)> {
    let (low, high) = (*u.choose(&PORTS)?, *u.choose(&PORTS)?);
    Ok(if u.ratio(1, 2)? { (low, low) } else { (low, high) })
}

fn network(u: &mut Unstructured<'_>) -> Result<AddrMask> {
    let mask =
        *u.choose(&[0, 0xff00_0000, 0xffff_ff00, u32::MAX, 0xff, 0xff00_00ff, 0x0000_ff00])?;
    let addr = *u.choose(&ADDRESSES)? & mask;
    let address = |bits| IpAddr::V4(Ipv4Addr::from_bits(bits));
    Ok(AddrMask { addr: address(addr), mask: address(mask) })
}

fn ports(u: &mut Unstructured<'_>) -> Result<Ports> {
    let side = |u: &mut Unstructured<'_>| -> Result<_> {
        if u.ratio(1, 2)? {
            return Ok(None);
        }
        let range = range(u)?;
        Ok(Some(negatable(u, range)?))
    };
    Ok(Ports { source: side(u)?, destination: side(u)? })
}

fn states(u: &mut Unstructured<'_>, max: u8) -> Result<Negatable<CtStates>> {
    let set = CtStates(u.int_in_range(1..=max)?);
    negatable(u, set)
}

fn any_match(u: &mut Unstructured<'_>) -> Result<Match> {
    Ok(match u.int_in_range(0..=16)? {
        0 => {
            let masks = [0, 1, 2, 0x17, 0x3f];
            let flags = TcpFlags { mask: *u.choose(&masks)?, comp: *u.choose(&masks)? };
            let flags = if u.ratio(1, 2)? { Some(negatable(u, flags)?) } else { None };
            Match::Tcp { ports: ports(u)?, flags, option: None }
        }
        1 => Match::Udp(ports(u)?),
        2 => {
            let kind = *u.choose(&[
                IcmpType::Any,
                IcmpType::Type { value: 8, codes: (0, 255) },
                IcmpType::Type { value: 8, codes: (1, 1) },
                IcmpType::Type { value: 0, codes: (0, 0) },
            ])?;
            Match::Icmp(negatable(u, kind)?)
        }
        3 | 4 => {
            let side = *u.choose(&[
                MultiportSide::Source,
                MultiportSide::Destination,
                MultiportSide::Either,
            ])?;
            let list = vec![range(u)?, range(u)?];
            Match::Multiport { side, ports: negatable(u, list)? }
        }
        5 => {
            let address = |bits| IpAddr::V4(Ipv4Addr::from_bits(bits));
            let pair = (address(*u.choose(&ADDRESSES)?), address(*u.choose(&ADDRESSES)?));
            Match::IpRange { source: Some(negatable(u, pair)?), destination: None }
        }
        6 => {
            let mac = [0, 0, 0, 0, 0, u.int_in_range(0..=2)?];
            Match::Mac(negatable(u, mac)?)
        }
        7 | 8 => {
            let mask = *u.choose(&[0, 1, 2, 0xff, u32::MAX])?;
            let value = *u.choose(&[0, 1, 2, 3, 0x101])?;
            Match::Mark(negatable(u, (value, mask))?)
        }
        9 => {
            let kind = *u.choose(&[PktType::Host, PktType::Broadcast])?;
            Match::PktType(negatable(u, kind)?)
        }
        10 => {
            let set = AddrTypes(u.int_in_range(0..=0x1f)? & !(1 << AddrType::Anycast as u8));
            Match::AddrType { source: Some(negatable(u, set)?), destination: None }
        }
        11 => {
            let compare =
                *u.choose(&[Compare::Equal, Compare::NotEqual, Compare::Less, Compare::Greater])?;
            Match::HopLimit(compare, *u.choose(&[0, 1, 64, 255])?)
        }
        12 => {
            let pair = *u.choose(&[(0, 20), (20, 20), (21, u16::MAX), (0, u16::MAX), (30, 20)])?;
            Match::Length(negatable(u, pair)?)
        }
        13 => {
            let dscp = *u.choose(&[0, 1, 10, 63])?;
            Match::Dscp(negatable(u, dscp)?)
        }
        14 => {
            let pair = *u.choose(&[(0, 0xff), (4, 0x3f), (4, 0xfc), (0, 0), (1, 0xf0)])?;
            Match::Tos(negatable(u, pair)?)
        }
        15 => Match::State(states(u, 0xf)?),
        _ => Match::CtState(states(u, 0x7f)?),
    })
}

fn any_rule(u: &mut Unstructured<'_>) -> Result<Rule> {
    let mut header = HeaderMatch::default();
    if u.ratio(1, 3)? {
        let network = network(u)?;
        header.source = Some(negatable(u, network)?);
    }
    if u.ratio(1, 3)? {
        let protocol = *u.choose(&[1, 6, 17])?;
        header.protocol = Some(negatable(u, protocol)?);
    }
    if u.ratio(1, 4)? {
        let name = (*u.choose(&["", "eth", "eth0", "lo"])?).to_owned();
        let device = Interface { name, prefix: u.ratio(1, 2)? };
        header.in_interface = Some(negatable(u, device)?);
    }
    if u.ratio(1, 8)? {
        header.fragment = Some(u.ratio(1, 2)?);
    }
    let count = u.int_in_range(0..=2)?;
    let matches: Result<Vec<_>> = (0..count).map(|_| any_match(u)).collect();
    Ok(rule(header, matches?, Target::Accept))
}

fn rule(header: HeaderMatch, matches: Vec<Match>, target: Target) -> Rule {
    let span = Span::default();
    let matches = matches.into_iter().map(|kind| MatchItem { span, kind }).collect();
    let target = TargetItem { span, kind: target };
    Rule { span, text: String::new(), counters: None, header, matches, target }
}

/// A rule that is more likely than a random one to follow from `wide`: the same and more.
fn narrower(u: &mut Unstructured<'_>, wide: &Rule) -> Result<Rule> {
    let other = any_rule(u)?;
    let mut narrow = wide.clone();
    narrow.matches.extend(other.matches);
    narrow.header.protocol = narrow.header.protocol.or(other.header.protocol);
    narrow.header.source = narrow.header.source.or(other.header.source);
    Ok(narrow)
}

#[test]
fn a_subsumed_rule_is_fulfilled_by_no_packet_that_the_wider_one_refuses() {
    let mut positive = 0;
    arbtest(|u| {
        let wide = any_rule(u)?;
        let narrow = if u.ratio(1, 3)? { narrower(u, &wide)? } else { any_rule(u)? };
        if !subsumes(&wide, &narrow, Family::V4) {
            return Ok(());
        }
        positive += 1;
        for _ in 0..64 {
            let packet = packet(u)?;
            let found = fulfils(&packet, &narrow) && !fulfils(&packet, &wide);
            assert!(!found, "{packet:?}\n{wide:?}\n{narrow:?}");
        }
        Ok(())
    })
    .budget_ms(3_000);
    assert!(positive > 100, "only {positive} pairs were compared");
}

#[test]
fn a_rule_subsumes_itself_with_more_conditions() {
    arbtest(|u| {
        let wide = any_rule(u)?;
        let narrow = narrower(u, &wide)?;
        assert!(subsumes(&wide, &narrow, Family::V4), "{wide:?}\n{narrow:?}");
        Ok(())
    });
}

#[test]
fn no_packet_fulfils_a_contradiction() {
    let mut positive = 0;
    arbtest(|u| {
        let wide = any_rule(u)?;
        let rule = narrower(u, &wide)?;
        if !never_matches(&rule, Family::V4) {
            return Ok(());
        }
        positive += 1;
        for _ in 0..64 {
            let packet = packet(u)?;
            assert!(!fulfils(&packet, &rule), "{packet:?}\n{rule:?}");
        }
        Ok(())
    })
    .budget_ms(3_000);
    assert!(positive > 50, "only {positive} rules were contradictions");
}

/// Where a packet is in the walk through a table.
enum Next {
    Behind,
    Caller,
    Done,
}

/// Walks the packet through `chain` and notes which rules it fulfils when it reaches them, and
/// which chains it gets into.
fn walk(
    table: &Table,
    chain: &str,
    packet: &Packet,
    hits: &mut Vec<(String, Option<usize>)>,
) -> Next {
    hits.push((chain.to_owned(), None));
    let found = table.chain(chain).expect("a chain of the table");
    for (at, rule) in found.rules.iter().enumerate() {
        if !fulfils(packet, rule) {
            continue;
        }
        hits.push((chain.to_owned(), Some(at)));
        let next = match &rule.target.kind {
            Target::Accept | Target::Drop => Next::Done,
            Target::Return => Next::Caller,
            Target::Jump(name) => match walk(table, name, packet, hits) {
                Next::Done => Next::Done,
                Next::Caller | Next::Behind => Next::Behind,
            },
            Target::Goto(name) => match walk(table, name, packet, hits) {
                Next::Done => Next::Done,
                Next::Caller | Next::Behind => Next::Caller,
            },
            Target::None
            | Target::Log(_)
            | Target::Nflog(_)
            | Target::Reject(_)
            | Target::Unsupported { .. } => Next::Behind,
        };
        match next {
            Next::Behind => {}
            Next::Caller => return Next::Caller,
            Next::Done => return Next::Done,
        }
    }
    Next::Caller
}

/// A table of three chains, each of which may call only later ones.
fn any_table(u: &mut Unstructured<'_>) -> Result<Table> {
    let names = ["INPUT", "a", "b"];
    let mut chains = Vec::new();
    for (at, name) in names.into_iter().enumerate() {
        let mut rules = Vec::new();
        for _ in 0..u.int_in_range(0..=5)? {
            let mut rule = any_rule(u)?;
            if u.ratio(1, 4)? {
                rule = self::rule(HeaderMatch::default(), Vec::new(), Target::None);
            }
            let later = &names[at + 1..];
            rule.target.kind = match u.int_in_range(0..=6)? {
                0 | 1 => Target::Accept,
                2 => Target::Drop,
                3 => Target::Return,
                4 if !later.is_empty() => Target::Jump((*u.choose(later)?).to_owned()),
                5 if !later.is_empty() => Target::Goto((*u.choose(later)?).to_owned()),
                _ => Target::None,
            };
            rules.push(rule);
        }
        let policy = (at == 0).then_some(Policy::Accept);
        let (name, span) = (name.to_owned(), Span::default());
        chains.push(Chain { name, policy, counters: Default::default(), span, rules });
    }
    Ok(Table { name: TableName::Filter, span: Span::default(), chains })
}

#[test]
fn no_packet_fulfils_a_rule_that_is_reported() {
    let mut positive = 0;
    arbtest(|u| {
        let table = any_table(u)?;
        let ruleset = Ruleset { family: Family::V4, tables: vec![table] };
        let findings = check(&ruleset);
        let vain = |finding: &&Finding| {
            finding.diagnostic.code != Code::DuplicateRule
                || finding.rule.is_some_and(|at| {
                    let chain = ruleset.tables[0].chain(&finding.chain).expect("its chain");
                    matches!(chain.rules[at].target.kind, Target::Accept | Target::Drop)
                })
        };
        let findings: Vec<_> = findings.iter().filter(vain).collect();
        positive += findings.len();
        for _ in 0..64 {
            let packet = packet(u)?;
            let mut hits = Vec::new();
            walk(&ruleset.tables[0], "INPUT", &packet, &mut hits);
            for finding in &findings {
                let place = (finding.chain.clone(), finding.rule);
                assert!(!hits.contains(&place), "{finding:?}\n{packet:?}\n{ruleset:#?}");
            }
        }
        Ok(())
    })
    .budget_ms(4_000);
    assert!(positive > 100, "only {positive} findings");
}
