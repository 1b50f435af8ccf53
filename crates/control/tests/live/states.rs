//! Connection states against iptables' own, which counts the same rules beside ours.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::thread;
use std::time::Duration;

use netloom_firewall::model::{Counters, Family, TableName};
use netloom_firewall::{Hook, Point, RuleId};
use netloom_testkit::live::parse_saved;
use netloom_testkit::stage::{HOST, PEER, datagram, frame};

use crate::scene::{Scene, filter, run, scene, source, verdicts};

/// What the rules of each chain ask for.
const STATES: [&str; 10] = [
    "--ctstate NEW",
    "--ctstate ESTABLISHED",
    "--ctstate RELATED",
    "--ctstate INVALID",
    "--ctstate UNTRACKED",
    "--ctstate RELATED,ESTABLISHED",
    "! --ctstate NEW,UNTRACKED",
    "--ctstate DNAT",
    "--ctstate SNAT",
    "! --ctstate INVALID,DNAT",
];
/// Tables before and behind connection tracking, with their chains.
const TABLES: [(&str, &[&str]); 3] = [
    ("raw", &["PREROUTING", "OUTPUT"]),
    ("mangle", &["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"]),
    ("filter", &["INPUT", "OUTPUT"]),
];
/// Ports that iptables' raw table excludes from tracking, and that its nat table translates.
const UNTRACKED: u16 = 7005;
const TRANSLATED: u16 = 7006;
const ORDINARY: u16 = 7007;
const NOBODY: u16 = 7008;
const TCP: u16 = 7010;

/// Counters by table, chain and rule; the rule before the first is the policy.
type Counted = BTreeMap<(TableName, String, usize), Counters>;

/// The rules that both count. `extra` is added at the end of each chain of the raw table.
fn rules(extra: &str) -> String {
    let mut text = String::new();
    for (table, chains) in TABLES {
        text.push_str(&format!("*{table}\n"));
        for chain in chains {
            text.push_str(&format!(":{chain} ACCEPT [0:0]\n"));
        }
        for chain in chains {
            for state in STATES {
                text.push_str(&format!("-A {chain} -m conntrack {state}\n"));
            }
            if table == "raw" {
                text.push_str(&extra.replace("CHAIN", chain));
            }
        }
        text.push_str("COMMIT\n");
    }
    text
}

fn legacy(family: usize, action: &str) -> String {
    let prefix = ["iptables", "ip6tables"][family];
    format!("{prefix}-legacy-{action}")
}

fn load_legacy(family: usize) {
    let untracked = format!("-A CHAIN -p udp -m udp --dport {UNTRACKED} -j CT --notrack\n");
    let nat = format!(
        "*nat\n:PREROUTING ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n\
         -A PREROUTING -p udp -m udp --dport {TRANSLATED} -j REDIRECT --to-ports {ORDINARY}\n\
         -A POSTROUTING -p udp -m udp --dport {TRANSLATED} -j MASQUERADE --to-ports 50000-50010\n\
         COMMIT\n"
    );
    let text = rules(&untracked) + &nat;
    run(&legacy(family, "restore"), &["-w", "60"], &text);
}

fn by_legacy(family: usize) -> Counted {
    let saved = parse_saved(&run(&legacy(family, "save"), &["-c"], "")).unwrap();
    let mut counted = Counted::new();
    for (table, chains) in TABLES {
        let table = TableName::ALL.into_iter().find(|name| name.as_str() == table).unwrap();
        for chain in chains {
            let found = &saved[&(table, (*chain).to_owned())];
            let policy = found.policy.iter();
            for (index, counters) in policy.chain(&found.rules).take(STATES.len() + 1).enumerate() {
                counted.insert((table, (*chain).to_owned(), index), *counters);
            }
        }
    }
    counted
}

fn by_us(scene: &Scene, family: Family) -> Counted {
    let status = scene.status().unwrap();
    let reading = scene.firewall.counters(&status).unwrap();
    let mut counted = Counted::new();
    for (table, chains) in TABLES {
        let table = TableName::ALL.into_iter().find(|name| name.as_str() == table).unwrap();
        for &chain in chains {
            let point = Point { table, hook: Hook::from_chain(chain).unwrap() };
            counted.insert((table, chain.to_owned(), 0), reading.policy(family, point));
            for index in 0..STATES.len() {
                let id = RuleId { table, chain, index };
                counted.insert((table, chain.to_owned(), index + 1), reading.rule(family, id));
            }
        }
    }
    counted
}

/// Both counts at a moment when nothing was on its way.
fn quiet(scene: &Scene, index: usize, family: Family) -> [Counted; 2] {
    for _ in 0..50 {
        let before = by_legacy(index);
        let ours = by_us(scene, family);
        thread::sleep(Duration::from_millis(20));
        if by_legacy(index) == before && by_us(scene, family) == ours {
            return [before, ours];
        }
    }
    panic!("the host is never quiet");
}

fn since(before: &Counted, after: &Counted) -> Counted {
    let less = |key, value: &Counters| {
        let old: &Counters = &before[key];
        Counters { packets: value.packets - old.packets, bytes: value.bytes - old.bytes }
    };
    after.iter().map(|(key, value)| (key.clone(), less(key, value))).collect()
}

/// A connection with a few messages each way, closed by the client.
fn talk(listener: TcpListener, client: impl FnOnce(SocketAddr) -> TcpStream + Send) {
    let at = listener.local_addr().unwrap();
    thread::scope(|scope| {
        scope.spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut buffer = [0; 1000];
            while let Ok(1..) = stream.read(&mut buffer) {
                stream.write_all(&buffer[..100]).unwrap();
            }
        });
        let mut stream = client(at);
        for _ in 0..3 {
            stream.write_all(&[1; 100]).unwrap();
            stream.read_exact(&mut [0; 100]).unwrap();
        }
    });
}

/// Connections both ways, to open and to closed ports, and answers to UDP.
fn honest_traffic(scene: &Scene, family: usize) {
    let (host, peer) = (HOST[family], PEER[family]);
    let timeout = Some(Duration::from_millis(300));
    talk(TcpListener::bind((host, TCP)).unwrap(), |at| {
        scene.stage.peer(|| TcpStream::connect(at).unwrap()).unwrap()
    });
    let listener = scene.stage.peer(|| TcpListener::bind((peer, TCP)).unwrap()).unwrap();
    talk(listener, |at| TcpStream::connect(at).unwrap());
    let refused = scene.stage.peer(|| TcpStream::connect((host, NOBODY)).unwrap_err()).unwrap();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    assert!(TcpStream::connect((peer, NOBODY)).is_err());

    let ours = UdpSocket::bind((host, ORDINARY)).unwrap();
    let theirs = scene.stage.peer(|| UdpSocket::bind((peer, 0)).unwrap()).unwrap();
    let open = scene.stage.peer(|| UdpSocket::bind((peer, TRANSLATED)).unwrap()).unwrap();
    for socket in [&ours, &theirs, &open] {
        socket.set_read_timeout(timeout).unwrap();
    }
    let untracked = UdpSocket::bind((host, UNTRACKED)).unwrap();
    let mut buffer = [0; 100];
    for (port, to) in [(ORDINARY, &ours), (UNTRACKED, &untracked), (TRANSLATED, &ours)] {
        for _ in 0..3 {
            theirs.send_to(&[2; 40], (host, port)).unwrap();
            let (_, from) = to.recv_from(&mut buffer).unwrap();
            to.send_to(&[3; 50], from).unwrap();
            theirs.recv_from(&mut buffer).unwrap();
        }
    }
    // The host's own datagrams, of which one kind gets another source port.
    let own = UdpSocket::bind((host, 0)).unwrap();
    own.set_read_timeout(timeout).unwrap();
    own.send_to(&[4; 30], (peer, TRANSLATED)).unwrap();
    let (_, from) = open.recv_from(&mut buffer).unwrap();
    open.send_to(&[5; 30], from).unwrap();
    own.recv_from(&mut buffer).unwrap();
    own.send_to(&[4; 30], (peer, UNTRACKED)).unwrap();
    // Nobody listens: the answer is an ICMP error.
    theirs.connect((host, NOBODY)).unwrap();
    own.connect((peer, NOBODY)).unwrap();
    for socket in [&theirs, &own] {
        socket.send(&[6; 20]).unwrap();
        let error = socket.recv(&mut buffer).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    }
    let ping = |target: &str| run("ping", &["-c", "2", "-i", "0.2", "-W", "2", target], "");
    ping(&peer.to_string());
    scene.stage.peer(|| ping(&host.to_string())).unwrap();
}

/// Packets that belong to no connection, and broken ones.
fn odd_traffic(scene: &Scene, family: usize) {
    let (host, peer) = (HOST[family], PEER[family]);
    let wire = scene.stage.wire().unwrap();
    let segment = |flags: u8| {
        let mut segment = vec![0x1f, 0x40, 0x1b, 0x62, 0, 0, 0, 1, 0, 0, 0, 2, 0x50, flags];
        segment.extend([0x10, 0, 0, 0, 0, 0]);
        segment
    };
    // RST, ACK out of nowhere, SYN with FIN, no flag at all, and the handshake's second half.
    for flags in [0x04, 0x10, 0x03, 0x00, 0x12] {
        wire.send(&frame(peer, host, 6, &segment(flags))).unwrap();
    }
    let (icmp, reply, unreachable) = [(1, 0, 3), (58, 129, 1)][family];
    wire.send(&frame(peer, host, icmp, &[reply, 0, 0, 0, 0, 7, 0, 1])).unwrap();
    // An error about a datagram that was never sent.
    let quoted = datagram(host, peer, 999, &[0; 8]);
    let error = [&[unreachable, 3, 0, 0, 0, 0, 0, 0], &quoted[14..]].concat();
    wire.send(&frame(peer, host, icmp, &error)).unwrap();
    let mut broken = datagram(peer, host, ORDINARY, b"wrong checksum");
    *broken.last_mut().unwrap() ^= 1;
    wire.send(&broken).unwrap();
    let mut broken = frame(peer, host, 6, &segment(0x02));
    *broken.last_mut().unwrap() ^= 1;
    wire.send(&broken).unwrap();
    // A protocol that conntrack knows by its address alone.
    wire.send(&frame(peer, host, 200, &[0; 24])).unwrap();
}

fn check(index: usize, family: Family) {
    let tools = ["iptables-legacy", "ip6tables-legacy", "ping"];
    let Some(scene) = scene(&tools) else { return };
    load_legacy(index);
    scene.try_apply(&[source(&rules(""), index == 1)], &[], None).unwrap();
    let start = quiet(&scene, index, family);
    honest_traffic(&scene, index);
    odd_traffic(&scene, index);
    let end = quiet(&scene, index, family);
    let [legacy, ours] = [0, 1].map(|side| since(&start[side], &end[side]));
    for (key, counters) in &legacy {
        let what = key.2.checked_sub(1).map_or("policy", |rule| STATES[rule]);
        assert_eq!(ours[key], *counters, "{key:?}: {what}, {legacy:#?}");
    }
    // Every state was there to be seen, but for those that the host's own packets can not have.
    for (index, state) in STATES.iter().enumerate() {
        for chain in ["INPUT", "OUTPUT"] {
            let is_never =
                chain == "OUTPUT" && ["--ctstate INVALID", "--ctstate SNAT"].contains(state);
            let seen = legacy[&(TableName::Filter, chain.to_owned(), index + 1)].packets;
            assert!(seen > 0 || is_never, "{chain} {state}");
        }
    }
    scene.firewall.remove().unwrap();
}

#[test]
fn states_are_those_of_iptables() {
    check(0, Family::V4);
}

#[test]
fn states_are_those_of_ip6tables() {
    check(1, Family::V6);
}

#[test]
fn the_rules_themselves_turn_tracking_on() {
    let Some(scene) = scene(&[]) else { return };
    let answers = "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT";
    let open = "-A INPUT -p udp -m udp --dport 7000 -j ACCEPT";
    let text = filter(&[answers, open]).replace("INPUT ACCEPT", "INPUT DROP");
    scene.apply(&text);
    let own = UdpSocket::bind((HOST[0], 0)).unwrap();
    own.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let theirs = scene.stage.peer(|| UdpSocket::bind((PEER[0], 9)).unwrap()).unwrap();
    let mut buffer = [0; 10];
    for _ in 0..3 {
        own.send_to(&[1], (PEER[0], 9)).unwrap();
        let (_, from) = theirs.recv_from(&mut buffer).unwrap();
        theirs.send_to(&[2], from).unwrap();
        own.recv_from(&mut buffer).unwrap();
    }
    assert_eq!(scene.rule(Family::V4, answers).packets, 3);
    assert_eq!(verdicts(&mut scene.probe(0)).input, 0);
    scene.remove();
}
