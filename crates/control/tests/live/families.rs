//! IPv4 and IPv6, together and apart.

use netloom_firewall::model::{Counters, Family};

use crate::scene::{filter, run, scene, source, verdicts};

const DROP_1: &str = "-A INPUT -p udp -m udp --dport 7001 -j DROP";
const DROP_2: &str = "-A INPUT -p udp -m udp --dport 7002 -j DROP";
const NO_OUT_3: &str = "-A OUTPUT -p udp -m udp --dport 7003 -j DROP";
/// Bytes of the probe's datagrams over IPv6.
const DATAGRAM: u64 = 40 + 8 + 8;

#[test]
fn ipv6_rules_drop_count_and_go_on_counting() {
    let Some(scene) = scene(&[]) else { return };
    let mut probe = scene.probe(1);
    let rules = source(&filter(&[DROP_1, NO_OUT_3]), true);
    for round in 1..=3 {
        scene.try_apply(std::slice::from_ref(&rules), &[], None).unwrap();
        let found = verdicts(&mut probe);
        assert_eq!((found.input, found.output), (0b1110, 0b1011));
        let expected = Counters { packets: round, bytes: round * DATAGRAM };
        assert_eq!(scene.rule(Family::V6, DROP_1), expected);
        assert_eq!(scene.rule(Family::V6, NO_OUT_3), expected);
    }
    scene.remove();
}

#[test]
fn neighbours_are_found_where_rules_let_discovery_through_only() {
    let Some(scene) = scene(&[]) else { return };
    let neighbours: Vec<String> = ["INPUT", "OUTPUT"]
        .into_iter()
        .flat_map(|chain| [135, 136].map(|kind| (chain, kind)))
        .map(|(chain, kind)| {
            format!("-A {chain} -p ipv6-icmp -m icmp6 --icmpv6-type {kind} -j ACCEPT")
        })
        .collect();
    let open = "-A INPUT -p udp -m udp --dport 7000 -j ACCEPT";
    let out = "-A OUTPUT -p udp -j ACCEPT";
    let mut lines: Vec<&str> = neighbours.iter().map(String::as_str).collect();
    lines.extend([open, out]);
    let text = filter(&lines).replace("INPUT ACCEPT", "INPUT DROP");
    let text = text.replace("OUTPUT ACCEPT", "OUTPUT DROP");
    for devices in [&[][..], &["eth0"]] {
        scene.try_apply(&[source(&text, true)], devices, None).unwrap();
        run("ip", &["neigh", "flush", "dev", "eth0"], "");
        scene.stage.peer(|| run("ip", &["neigh", "flush", "dev", "eth0"], "")).unwrap();
        let mut probe = scene.probe(1);
        // The open port is reached only when both have found each other.
        let found = verdicts(&mut probe);
        assert_eq!((found.input, found.output), (0, 0b1111));
        assert!(scene.rule(Family::V6, &neighbours[0]).packets > 0);
    }
    // Without discovery there is no way to the peer.
    let rules = filter(&[open, out]).replace("OUTPUT ACCEPT", "OUTPUT DROP");
    scene.try_apply(&[source(&rules, true)], &[], None).unwrap();
    run("ip", &["neigh", "flush", "dev", "eth0"], "");
    let ping = ["-6", "-c", "1", "-W", "1", "fd09::2"];
    let status = std::process::Command::new("ping").args(ping).output();
    assert!(!status.is_ok_and(|output| output.status.success()));
    scene.remove();
}

#[test]
fn both_families_change_at_once_or_one_alone() {
    let Some(scene) = scene(&[]) else { return };
    let (mut v4, mut v6) = (scene.probe(0), scene.probe(1));
    let (one, two) = (filter(&[DROP_1]), filter(&[DROP_2]));
    scene.try_apply(&[source(&one, false), source(&two, true)], &[], None).unwrap();
    assert_eq!((verdicts(&mut v4).input, verdicts(&mut v6).input), (0b1110, 0b1101));
    // A family that is not named keeps its rules and counters.
    scene.try_apply(&[source(&two, false)], &[], None).unwrap();
    assert_eq!((verdicts(&mut v4).input, verdicts(&mut v6).input), (0b1101, 0b1101));
    assert_eq!(scene.rule(Family::V6, DROP_2).packets, 2);
    assert_eq!(scene.rule(Family::V4, DROP_2).packets, 1);
    scene.try_apply(&[source(&one, true)], &[], None).unwrap();
    assert_eq!((verdicts(&mut v4).input, verdicts(&mut v6).input), (0b1101, 0b1110));
    // Both families return together.
    scene.firewall.rollback().unwrap();
    assert_eq!((verdicts(&mut v4).input, verdicts(&mut v6).input), (0b1101, 0b1101));
    scene.remove();
}
