//! Nothing is kept that no kept rules need, and what fails leaves nothing.

use netloom_control::ControlError;
use netloom_sys::netns::cookie;

use crate::scene::{filter, leftovers, pins, run, scene, source, verdicts};

const RAW: &str = "*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n\
                   -A PREROUTING -p udp -m udp --dport 7002 -j DROP\nCOMMIT\n";
const DROP_1: &str = "-A INPUT -p udp -m udp --dport 7001 -j DROP";
const ESTABLISHED: &str = "-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT";

/// Names of what is pinned directly in the firewall's directory, of one kind.
fn names(prefix: &str) -> Vec<String> {
    let start = format!("/sys/fs/bpf/netloom/fw/{}/{prefix}", cookie().unwrap());
    let pins = pins().into_iter();
    let mut names: Vec<String> = pins
        .filter_map(|path| path.strip_prefix(&start).map(str::to_owned))
        .filter(|name| !name.contains('/'))
        .collect();
    names.sort();
    names
}

#[test]
fn attachments_and_tracking_last_as_long_as_a_kept_generation_needs_them() {
    let Some(scene) = scene(&[]) else { return };
    let tracked = filter(&[ESTABLISHED]);
    let plain = filter(&[DROP_1]);
    let holds = || run("nft", &["list", "tables"], "").contains("netloom_ct");
    let raw = ["ipv4_raw_OUTPUT", "ipv4_raw_PREROUTING"];

    scene.try_apply(&[source(&format!("{RAW}{tracked}"), false)], &["eth0"], None).unwrap();
    assert!(holds());
    let all = names("hook_");
    assert!(raw.iter().all(|name| all.contains(&(*name).to_owned())), "{all:?}");
    assert_eq!(names("xdp_"), ["eth0"]);
    // The rules from before can still come back.
    scene.apply(&plain);
    assert!(holds());
    assert_eq!(names("hook_"), all);
    assert_eq!(names("gen_").len(), 2);
    // Now they can not.
    scene.apply(&plain);
    assert!(!holds());
    assert_eq!(names("hook_"), ["ipv4_filter_FORWARD", "ipv4_filter_INPUT", "ipv4_filter_OUTPUT"]);
    assert_eq!(names("xdp_"), Vec::<String>::new());
    assert_eq!(names("gen_").len(), 2);
    scene.remove();
}

#[test]
fn an_unknown_device_is_named_and_nothing_changes() {
    let Some(scene) = scene(&[]) else { return };
    let mut probe = scene.probe(0);
    let rules = [source(&filter(&[ESTABLISHED, DROP_1]), false)];
    let check = || {
        let error = scene.try_apply(&rules, &["eth0", "eth9"], None).unwrap_err();
        assert!(matches!(&error, ControlError::Device { name, .. } if name == "eth9"), "{error}");
    };
    check();
    assert_eq!(leftovers(), Vec::<String>::new());
    assert!(scene.status().is_none());
    assert_eq!(verdicts(&mut probe).input, 0b1111);

    scene.apply(RAW);
    let before = leftovers();
    let generation = scene.status().unwrap().generation;
    check();
    assert_eq!(leftovers(), before);
    assert_eq!(scene.status().unwrap().generation, generation);
    assert_eq!(verdicts(&mut probe).input, 0b1101);
    scene.remove();
}

#[test]
fn rules_come_back_although_their_device_is_gone_or_taken() {
    let Some(scene) = scene(&[]) else { return };
    let mut probe = scene.probe(0);
    run("ip", &["link", "add", "eth1", "type", "veth", "peer", "name", "far1"], "");
    scene.try_apply(&[source(RAW, false)], &["eth0", "eth1"], None).unwrap();
    scene.apply(&filter(&[DROP_1]));
    run("ip", &["link", "delete", "eth1"], "");
    scene.firewall.rollback().unwrap();
    assert_eq!(verdicts(&mut probe).input, 0b1101);
    assert_eq!(names("xdp_"), ["eth0"]);
    scene.remove();
}

#[test]
fn a_device_that_goes_and_comes_back_is_attached_again() {
    let Some(scene) = scene(&[]) else { return };
    let add = || run("ip", &["link", "add", "eth1", "type", "veth", "peer", "name", "far1"], "");
    add();
    let apply = || scene.try_apply(&[source(RAW, false)], &["eth1"], None).unwrap().devices;
    assert_eq!(apply()[0].native, Some(true));
    assert_eq!(apply()[0].native, None);
    run("ip", &["link", "delete", "eth1"], "");
    add();
    assert_eq!(apply()[0].native, Some(true));
    run("ip", &["link", "delete", "eth1"], "");
    scene.remove();
}

#[test]
fn firewalls_of_two_namespaces_do_not_meet() {
    let Some(scene) = scene(&[]) else { return };
    let mut probe = scene.probe(0);
    scene.apply(&filter(&[DROP_1]));
    let no_input = RAW.replace(" -p udp -m udp --dport 7002", " -p tcp");
    scene
        .stage
        .peer(|| {
            let other = crate::scene::firewall();
            let sources = vec![source(&no_input, false)];
            let request = netloom_control::Request { sources, ..Default::default() };
            other.apply(&request).unwrap();
            assert_eq!(other.status().unwrap().unwrap().description.sources[0].text, no_input);
            other.remove().unwrap();
        })
        .unwrap();
    assert_eq!(verdicts(&mut probe).input, 0b1110);
    scene.remove();
}
