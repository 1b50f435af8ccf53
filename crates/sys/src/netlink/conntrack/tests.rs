use std::process::Command;

use super::*;
use crate::netns::isolated;
use crate::{Capabilities, Capability};

/// Runs `job` in a network namespace with its loopback up; skips without privilege or tools.
fn in_namespace(job: impl FnOnce() + Send) {
    let held = Capabilities::effective();
    if !held.is_some_and(|held| held.has(Capability::SysAdmin)) {
        println!("ran 0, skipped 1: needs CAP_SYS_ADMIN");
        return;
    }
    if Command::new("ip").arg("-V").output().is_err() {
        println!("ran 0, skipped 1: needs ip");
        return;
    }
    isolated(|| {
        let up = Command::new("ip").args(["link", "set", "lo", "up"]).status().unwrap();
        assert!(up.success());
        job();
    })
    .unwrap();
}

/// The kernel's number of tracked connections after one datagram to ourselves.
fn tracked() -> usize {
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.send_to(&[1], socket.local_addr().unwrap()).unwrap();
    let text = std::fs::read_to_string("/proc/thread-self/net/stat/nf_conntrack").unwrap();
    let row = text.lines().nth(1).unwrap();
    usize::from_str_radix(row.split_whitespace().next().unwrap(), 16).unwrap()
}

#[test]
fn the_holder_turns_tracking_on() {
    in_namespace(|| {
        assert_eq!(tracked(), 0);
        hold_conntrack("netloom_ct").unwrap();
        assert!(tracked() > 0);
    });
}

#[test]
fn the_holder_may_be_put_twice_and_removed_twice() {
    in_namespace(|| {
        hold_conntrack("netloom_ct").unwrap();
        hold_conntrack("netloom_ct").unwrap();
        if let Ok(output) = Command::new("nft").args(["list", "ruleset"]).output() {
            let text = String::from_utf8(output.stdout).unwrap();
            assert_eq!(text.matches("table inet netloom_ct").count(), 1, "{text}");
            assert_eq!(text.matches("ct state established").count(), 1, "{text}");
        }
        assert_eq!(release_conntrack("netloom_ct"), Ok(HolderRemoval::Removed));
        assert_eq!(release_conntrack("netloom_ct"), Ok(HolderRemoval::Absent));
        assert_eq!(tracked(), 0);
    });
}

#[test]
fn other_tables_stay() {
    in_namespace(|| {
        hold_conntrack("other").unwrap();
        hold_conntrack("netloom_ct").unwrap();
        release_conntrack("netloom_ct").unwrap();
        assert_eq!(release_conntrack("other"), Ok(HolderRemoval::Removed));
    });
}

#[test]
fn a_name_too_long_for_a_table_is_refused() {
    in_namespace(|| {
        let error = hold_conntrack(&"x".repeat(300)).unwrap_err();
        assert!(matches!(error, NetlinkError::Kernel { .. }), "{error}");
        let error = hold_conntrack(&"x".repeat(70_000)).unwrap_err();
        assert!(matches!(error, NetlinkError::TooLong { .. }), "{error}");
    });
}

#[test]
fn base_chains_of_others_are_seen() {
    in_namespace(|| {
        let rules = "table ip filter { chain INPUT { type filter hook input priority 7; }; }";
        match Command::new("nft").arg(rules).status() {
            Ok(status) => assert!(status.success()),
            Err(_) => return println!("ran 0, skipped 1: needs nft"),
        }
        hold_conntrack("netloom_ct").unwrap();
        let expected = super::super::BaseChain {
            family: 2,
            table: "filter".into(),
            name: "INPUT".into(),
            hook: 1,
            priority: 7,
        };
        assert_eq!(super::super::base_chains(), Ok(vec![expected]));
    });
}

#[test]
fn devices_are_found_by_name_and_number() {
    use super::super::{device_by_index, device_by_name, devices};
    in_namespace(|| {
        let veth = ["link", "add", "left", "type", "veth", "peer", "name", "right"];
        assert!(Command::new("ip").args(veth).status().unwrap().success());
        let lo = device_by_name("lo").unwrap();
        assert!(lo.loopback && lo.up && lo.kind.is_none());
        let left = device_by_name("left").unwrap();
        assert_eq!(left.kind.as_deref(), Some("veth"));
        assert!(left.mac.is_some() && !left.up);
        assert_eq!(device_by_index(left.index), Ok(left.clone()));
        let mut names: Vec<_> = devices().unwrap().into_iter().map(|device| device.name).collect();
        names.sort_unstable();
        names.retain(|name| ["left", "lo", "right"].contains(&name.as_str()));
        assert_eq!(names, ["left", "lo", "right"]);
        let absent = device_by_name("absent").unwrap_err();
        assert_eq!(absent.errno(), Some(Errno::NODEV));
        assert_eq!(absent.to_string().split(':').next(), Some("cannot find interface absent"));
    });
}
