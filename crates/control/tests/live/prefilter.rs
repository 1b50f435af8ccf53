//! The pre-filter at XDP changes nothing but the time it takes: every counter is what it is without.

#[cfg(test)]
mod oddity;

use std::net::UdpSocket;
use std::time::Duration;

use netloom_control::Source;
use netloom_firewall::model::Counters;
use netloom_firewall::{Hook, Point, RuleId};
use netloom_sys::packet_socket::PacketSocket;
use netloom_testkit::stage::{DEVICE, HOST, PEER, PEER_MAC, datagram, who_has_host};

use self::oddity::{Change, PLAIN, STRANGE, STRANGE_V6};
use crate::scene::{Scene, scene, source};

/// Drops early at PREROUTING what goes to 7001, and at INPUT what goes to 7002.
const RULES: &str = "*raw
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A PREROUTING -p udp -m udp --dport 7001 -j DROP
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -p udp -m udp --dport 7002 -j DROP
COMMIT
";

/// Both ends of the wire.
struct Wire {
    frames: PacketSocket,
    tap: PacketSocket,
}

impl Wire {
    fn new(scene: &Scene) -> Self {
        Self { frames: scene.stage.wire().unwrap(), tap: scene.stage.tap().unwrap() }
    }

    /// Sends frames, waits until all are dealt with, and counts those that XDP let through.
    fn send(&self, frames: &[Vec<u8>]) -> usize {
        let mut passed = 0;
        // The queue of the wire is short.
        for part in frames.chunks(100) {
            part.iter().for_each(|frame| self.frames.send(frame).unwrap());
            self.frames.send(&who_has_host()).unwrap();
            let answer = self.frames.receive(&mut [0; 64], Duration::from_secs(5)).unwrap();
            assert!(answer.is_some(), "the host does not answer");
            let mut buffer = [0; 2000];
            while let Some(length) = self.tap.receive(&mut buffer, Duration::ZERO).unwrap() {
                // The socket also sees what the host sends, the request, and groups of IPv6.
                let is_other = buffer[..6] == PEER_MAC || buffer[..2] == [0x33; 2];
                passed += usize::from(!is_other && buffer[..length] != who_has_host());
            }
        }
        passed
    }
}

/// The counters of all rules, and of the policies that arriving packets meet.
fn counters(scene: &Scene) -> Vec<(String, Counters)> {
    let status = scene.status().unwrap();
    let reading = scene.firewall.counters(&status).unwrap();
    let mut all = Vec::new();
    for ruleset in status.description.rulesets().unwrap() {
        for table in &ruleset.tables {
            for chain in &table.chains {
                let hook = Hook::from_chain(&chain.name);
                let sent = [Some(Hook::Output), Some(Hook::PostRouting)];
                let point = hook.map(|hook| Point { table: table.name, hook });
                if let Some(point) = point.filter(|_| !sent.contains(&hook)) {
                    let name = format!("{:?} {}", table.name, chain.name);
                    all.push((name, reading.policy(ruleset.family, point)));
                }
                for (index, rule) in chain.rules.iter().enumerate() {
                    let id = RuleId { table: table.name, chain: &chain.name, index };
                    let name = format!("{:?} {}", table.name, rule.text);
                    all.push((name, reading.rule(ruleset.family, id)));
                }
            }
        }
    }
    all
}

/// The counters and the number of frames that passed XDP, with the pre-filter on `devices`.
fn tally(
    scene: &Scene,
    wire: &Wire,
    (text, ipv6): (&str, bool),
    devices: &[&str],
    frames: &[Vec<u8>],
) -> (Vec<(String, Counters)>, usize) {
    // Without the rules before, counters start at zero.
    drop(scene.firewall.remove());
    let rules = Source { skip_unsupported: true, ..source(text, ipv6) };
    let applied = scene.try_apply(&[rules], devices, None);
    let applied = applied.unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(applied.limited, []);
    let passed = wire.send(frames);
    (counters(scene), passed)
}

/// Sends the frames with and without the pre-filter; returns how many it dropped.
fn compare(scene: &Scene, wire: &Wire, rules: (&str, bool), frames: &[Vec<u8>]) -> usize {
    let (expected, all) = tally(scene, wire, rules, &[], frames);
    let (found, passed) = tally(scene, wire, rules, &[DEVICE], frames);
    if found == expected {
        return all - passed;
    }
    for frame in frames {
        let one = std::slice::from_ref(frame);
        let [(expected, _), (found, _)] =
            [&[][..], &[DEVICE]].map(|devices| tally(scene, wire, rules, devices, one));
        assert_eq!(found, expected, "\n{}\nframe {frame:02x?}", rules.0);
    }
    assert_eq!(found, expected, "together, but not one by one\n{}", rules.0);
    unreachable!("the two differ");
}

/// A datagram to `port` with something odd about it.
fn changed(family: usize, port: u16, change: Change) -> Vec<u8> {
    let mut frame = datagram(PEER[family], HOST[family], port, b"some payload");
    change.1(&mut frame);
    frame
}

#[test]
fn what_is_not_plain_passes_and_is_counted_as_without() {
    let Some(scene) = scene(&[]) else { return };
    let _open = quiet(&scene);
    let wire = Wire::new(&scene);
    for (family, changes) in [(0, &STRANGE[..]), (1, &STRANGE_V6)] {
        let both = |change| [7001, 7002].map(|port| changed(family, port, change));
        let frames: Vec<_> = changes.iter().flat_map(|change| both(*change)).collect();
        let rules = (RULES, family == 1);
        if compare(&scene, &wire, rules, &frames) > 0 {
            for change in changes {
                assert_eq!(compare(&scene, &wire, rules, &both(*change)), 0, "{}", change.0);
            }
            panic!("something odd of family {family} was dropped");
        }
    }
    scene.remove();
}

#[test]
fn what_is_plain_is_dropped_at_xdp_and_counted_once() {
    let Some(scene) = scene(&[]) else { return };
    let _open = quiet(&scene);
    let wire = Wire::new(&scene);
    for family in [0, 1] {
        let ports = [7001, 7002, 7003];
        let frames = PLAIN.map(|change| ports.map(|port| changed(family, port, change)));
        let frames = vec![frames.concat(); 20].concat();
        let dropped = compare(&scene, &wire, (RULES, family == 1), &frames);
        assert_eq!(dropped, PLAIN.len() * 2 * 20, "family {family}");
    }
    scene.remove();
}

/// Keeps the peer from speaking IPv6 of its own accord, and the host from answering what is sent to
/// the port that is open.
fn quiet(scene: &Scene) -> [UdpSocket; 2] {
    let path = "/proc/sys/net/ipv6/conf/all/disable_ipv6";
    scene.stage.peer(|| std::fs::write(path, "1").unwrap()).unwrap();
    HOST.map(|host| UdpSocket::bind((host, 7003)).unwrap())
}
