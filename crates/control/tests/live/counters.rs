//! Counters are exact, and live as long as their rule does.

use netloom_firewall::model::{Counters, Family, TableName};
use netloom_firewall::{Hook, RuleId};

use crate::scene::{filter, scene, verdicts};

const DROPPED: &str = "-A INPUT -p udp -m udp --dport 7001 -j DROP";
const COUNTED: &str = "-A INPUT -p udp -m udp --dport 7002";
const ADDED: &str = "-A INPUT -p udp -m udp --dport 7003 -j ACCEPT";
/// Bytes of the probe's datagrams: two headers and a sequence number.
const DATAGRAM: u64 = 20 + 8 + 8;

fn datagrams(packets: u64) -> Counters {
    Counters { packets, bytes: packets * DATAGRAM }
}

#[test]
fn every_datagram_is_counted_once_and_over_all_changes() {
    let Some(scene) = scene(&[]) else { return };
    let mut probe = scene.probe(0);
    let rule = |text| scene.rule(Family::V4, text);
    let mut send = |times| {
        for _ in 0..times {
            verdicts(&mut probe);
        }
    };

    scene.apply(&filter(&[DROPPED, COUNTED]));
    send(50);
    assert_eq!(rule(DROPPED), datagrams(50));
    assert_eq!(rule(COUNTED), datagrams(50));
    // Four ports and the open one arrive, one is dropped; four are sent by the host.
    assert_eq!(scene.policy(Family::V4, Hook::Input), datagrams(200));
    assert_eq!(scene.policy(Family::V4, Hook::Output), datagrams(200));

    // The same rules at other places, and one more.
    scene.apply(&filter(&[ADDED, COUNTED, DROPPED]));
    send(1);
    assert_eq!(rule(DROPPED), datagrams(51));
    assert_eq!(rule(COUNTED), datagrams(51));
    assert_eq!(rule(ADDED), datagrams(1));
    assert_eq!(scene.policy(Family::V4, Hook::Input), datagrams(203));

    // Back to the rules from before; what was counted meanwhile stays counted.
    scene.firewall.rollback().unwrap();
    send(1);
    assert_eq!(rule(DROPPED), datagrams(52));
    assert_eq!(scene.policy(Family::V4, Hook::Input), datagrams(207));
    // The rollback can be undone, and then the added rule goes on as well.
    scene.firewall.rollback().unwrap();
    send(1);
    assert_eq!(rule(ADDED), datagrams(2));

    // A rule that was away starts again, even when its slot had counted.
    for _ in 0..3 {
        scene.apply(&filter(&[COUNTED]));
        scene.apply(&filter(&[COUNTED, DROPPED, ADDED]));
        assert_eq!(rule(DROPPED), datagrams(0));
        assert_eq!(rule(ADDED), datagrams(0));
        send(1);
        assert_eq!(rule(DROPPED), datagrams(1));
    }
    assert_eq!(rule(COUNTED), datagrams(56));
    scene.remove();
}

#[test]
fn equal_rules_count_apart() {
    let Some(scene) = scene(&[]) else { return };
    let mut probe = scene.probe(0);
    let text = filter(&[COUNTED, COUNTED, DROPPED, DROPPED]);
    scene.apply(&text);
    verdicts(&mut probe);
    scene.apply(&text);
    verdicts(&mut probe);
    let status = scene.status().unwrap();
    let reading = scene.firewall.counters(&status).unwrap();
    let counted = [0, 1, 2, 3].map(|index| {
        let id = RuleId { table: TableName::Filter, chain: "INPUT", index };
        reading.rule(Family::V4, id).packets
    });
    assert_eq!(counted, [2, 2, 2, 0]);
    scene.remove();
}
