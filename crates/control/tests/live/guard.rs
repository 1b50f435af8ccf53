//! What comes to a device or a hook after the apply: the pre-filter steps back by itself.

use std::net::UdpSocket;
use std::time::Duration;

use netloom_firewall::model::Family;
use netloom_sys::packet_socket::PacketSocket;
use netloom_testkit::stage::{DEVICE, HOST, PEER, Stage};

use crate::scene::{Scene, filter, run, scene, source};

const DROP: &str = "-A INPUT -p udp -m udp --dport 7001 -j DROP";

/// Sends to a port that INPUT closes, and knows where it got to.
struct Caller {
    from: UdpSocket,
    closed: UdpSocket,
    open: UdpSocket,
    family: usize,
}

impl Caller {
    fn new(stage: &Stage, family: usize) -> Self {
        let bind = |port| UdpSocket::bind((HOST[family], port)).unwrap();
        let from = stage.peer(|| UdpSocket::bind((PEER[family], 0)).unwrap()).unwrap();
        let (closed, open) = (bind(7001), bind(7003));
        open.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
        closed.set_nonblocking(true).unwrap();
        Self { from, closed, open, family }
    }

    /// Whether the datagram came out at the port that DNAT leads to.
    fn is_translated(&self) -> bool {
        self.from.send_to(b"call", (HOST[self.family], 7001)).unwrap();
        let translated = self.open.recv(&mut [0; 9]).is_ok();
        assert!(self.closed.recv(&mut [0; 9]).is_err(), "the closed port heard it");
        translated
    }
}

fn apply(scene: &Scene, family: usize) -> Vec<(Family, String)> {
    let rules = source(&filter(&[DROP]), family == 1);
    scene.try_apply(&[rules], &[DEVICE], None).unwrap().limited
}

/// Datagrams of the caller that XDP let through since the last time.
fn passed_xdp(tap: &PacketSocket) -> usize {
    let (mut buffer, mut count) = ([0; 2000], 0);
    while let Some(length) = tap.receive(&mut buffer, Duration::ZERO).unwrap() {
        count += usize::from(buffer[..length].ends_with(b"call"));
    }
    count
}

#[test]
fn dnat_that_comes_later_is_obeyed() {
    let Some(scene) = scene(&[]) else { return };
    for (family, name) in [(0, Family::V4), (1, Family::V6)] {
        let caller = Caller::new(&scene.stage, family);
        let tap = scene.stage.tap().unwrap();
        assert_eq!(apply(&scene, family), []);
        assert!(!caller.is_translated());
        assert_eq!(passed_xdp(&tap), 0, "the pre-filter does not drop");
        assert_eq!(scene.rule(name, DROP).packets, 1);

        let table = "table inet later {\n chain pre {\n type nat hook prerouting priority -100\n \
                     udp dport 7001 redirect to :7003\n }\n}\n";
        run("nft", &["-f", "-"], table);
        assert!(caller.is_translated(), "family {family}");
        assert_eq!(passed_xdp(&tap), 1);
        assert_eq!(scene.rule(name, DROP).packets, 1);
        // Rules applied now know of it.
        assert_eq!(apply(&scene, family).len(), 1);
        assert!(caller.is_translated());

        run("nft", &["delete", "table", "inet", "later"], "");
        assert!(!caller.is_translated());
        assert_eq!(scene.rule(name, DROP).packets, 2);
        scene.firewall.remove().unwrap();
    }
}

#[test]
fn a_mark_that_iptables_sets_later_is_seen() {
    let Some(scene) = scene(&["iptables-legacy"]) else { return };
    let caller = Caller::new(&scene.stage, 0);
    let tap = scene.stage.tap().unwrap();
    let marked = "-A INPUT -p udp -m mark --mark 0x5 -j ACCEPT";
    let rules = source(&filter(&[marked, DROP]), false);
    scene.try_apply(&[rules], &[DEVICE], None).unwrap();
    caller.is_translated();
    // An unknown mark may let it in, so that XDP must not drop.
    assert_eq!(passed_xdp(&tap), 1);
    assert_eq!(scene.rule(Family::V4, DROP).packets, 1);
    let set = ["-w", "60", "-t", "mangle", "-A", "PREROUTING", "-j", "MARK", "--set-mark", "5"];
    run("iptables-legacy", &set, "");
    caller.from.send_to(b"call", (HOST[0], 7001)).unwrap();
    caller.open.recv(&mut [0; 9]).unwrap_err();
    assert!(caller.closed.recv(&mut [0; 9]).is_ok());
    assert_eq!(scene.rule(Family::V4, marked).packets, 1);
    scene.firewall.remove().unwrap();
}

#[test]
fn a_device_in_a_bridge_is_the_bridges_business() {
    let Some(scene) = scene(&[]) else { return };
    let caller = Caller::new(&scene.stage, 0);
    let tap = scene.stage.tap().unwrap();
    apply(&scene, 0);
    caller.is_translated();
    assert_eq!(passed_xdp(&tap), 0);
    run("ip", &["link", "add", "br0", "type", "bridge"], "");
    run("ip", &["link", "set", DEVICE, "master", "br0"], "");
    caller.is_translated();
    assert_eq!(passed_xdp(&tap), 1);
    run("ip", &["link", "set", DEVICE, "nomaster"], "");
    // The first bridge of a namespace may bring a hook of br_netfilter that stays; a new apply takes
    // it for granted.
    assert_eq!(apply(&scene, 0), []);
    caller.is_translated();
    assert_eq!(passed_xdp(&tap), 0);
    scene.remove();
}

#[test]
fn programs_between_xdp_and_netfilter_are_heard() {
    let Some(scene) = scene(&["tc"]) else { return };
    let caller = Caller::new(&scene.stage, 0);
    let tap = scene.stage.tap().unwrap();
    apply(&scene, 0);
    let ingress = "table netdev early {\n chain in {\n type filter hook ingress device \"eth0\" \
                   priority 0\n udp dport 9 accept\n }\n}\n";
    run("nft", &["-f", "-"], ingress);
    caller.is_translated();
    assert_eq!(passed_xdp(&tap), 1);
    run("nft", &["delete", "table", "netdev", "early"], "");
    caller.is_translated();
    assert_eq!(passed_xdp(&tap), 0);
    run("tc", &["qdisc", "add", "dev", DEVICE, "clsact"], "");
    caller.is_translated();
    assert_eq!(passed_xdp(&tap), 1);
    run("tc", &["qdisc", "delete", "dev", DEVICE, "clsact"], "");
    caller.is_translated();
    assert_eq!(passed_xdp(&tap), 0);
    assert_eq!(scene.rule(Family::V4, DROP).packets, 4);
    scene.remove();
}
