//! Other people's rules beside ours.

use netloom_control::ControlError;
use netloom_firewall::model::Family;
use netloom_sys::bpf::{Link, LinkTarget};

use crate::scene::{filter, pins, run, scene, verdicts};

const TOOLS: [&str; 2] = ["iptables-legacy", "ip6tables-legacy"];

/// All rules of iptables-legacy and nftables on this host, without counts and our own table.
fn foreign_rules() -> Vec<String> {
    let mut all = Vec::new();
    for program in ["iptables-legacy-save", "ip6tables-legacy-save"] {
        let saved = run(program, &[], "");
        let rules = saved.lines().filter(|line| !line.starts_with('#'));
        all.extend(rules.map(|line| line.split(" [").next().unwrap_or_default().to_owned()));
    }
    let nft = run("nft", &["--stateless", "list", "ruleset"], "");
    let ours = nft.find("table inet netloom_ct").unwrap_or(nft.len());
    all.extend(nft[..ours].lines().map(str::to_owned));
    all
}

#[test]
fn foreign_rules_work_beside_ours_and_stay() {
    let Some(scene) = scene(&TOOLS) else { return };
    let mut probe = scene.probe(0);
    for (chain, port) in [("INPUT", "7001"), ("OUTPUT", "7002")] {
        let rule = ["-w", "60", "-A", chain, "-p", "udp", "--dport", port, "-j", "DROP"];
        run(TOOLS[0], &rule, "");
        run(TOOLS[1], &rule, "");
    }
    run(
        "iptables-legacy",
        &["-w", "60", "-t", "mangle", "-A", "PREROUTING", "-j", "MARK", "--set-mark", "7"],
        "",
    );
    let table = "table inet other {\n chain in {\n type filter hook input priority 0\n \
                 udp dport 7003 counter drop\n }\n}\n";
    run("nft", &["-f", "-"], table);
    let before = foreign_rules();
    let alone = verdicts(&mut probe);
    assert_eq!((alone.input, alone.output), (0b1010, 0b1101));

    let established = "-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT";
    let marked = "-A INPUT -p udp -m udp --dport 7004 -m mark --mark 0x7 -j DROP";
    scene.apply(&filter(&[established, marked]));
    let both = verdicts(&mut probe);
    assert_eq!((both.input, both.output), (0b0010, 0b1101));
    // Ours stand in front: what they drop, the others do not see; the rest they do.
    assert_eq!(scene.rule(Family::V4, marked).packets, 1);
    assert_eq!(foreign_rules(), before);

    scene.firewall.remove().unwrap();
    assert_eq!(pins(), Vec::<String>::new());
    assert_eq!(foreign_rules(), before);
    assert!(!run("nft", &["list", "tables"], "").contains("netloom"));
    assert_eq!(verdicts(&mut probe), alone);
}

/// Holds `priorities` of the IPv4 INPUT hook with chains of nftables.
fn occupy(priorities: &[i32]) {
    let mut table = String::from("table ip full {\n");
    for (index, priority) in priorities.iter().enumerate() {
        let hook = format!("type filter hook input priority {priority}");
        table.push_str(&format!(" chain c{index} {{\n {hook}\n }}\n"));
    }
    run("nft", &["-f", "-"], &(table + "}\n"));
}

fn input_priority() -> i32 {
    let link = Link::pinned(
        pins().iter().find(|path| path.ends_with("hook_ipv4_filter_INPUT")).unwrap().as_ref(),
    );
    let target = link.unwrap().facts().unwrap().target;
    let LinkTarget::Netfilter(hook) = target else { panic!("{target:?}") };
    hook.priority
}

#[test]
fn ours_take_the_next_priority_that_is_free() {
    let Some(scene) = scene(&[]) else { return };
    let rules = filter(&["-A INPUT -p udp -m udp --dport 7001 -j DROP"]);
    let mut probe = scene.probe(0);
    for (taken, expected) in [(&[][..], -1), (&[-1], 1), (&[-1, 1, -2], 2)] {
        occupy(taken);
        scene.apply(&rules);
        assert_eq!(input_priority(), expected);
        assert_eq!(verdicts(&mut probe).input, 0b1110);
        scene.firewall.remove().unwrap();
        run("nft", &["delete", "table", "ip", "full"], "");
    }
}

#[test]
fn without_a_free_priority_nothing_changes() {
    let Some(scene) = scene(&[]) else { return };
    let mut probe = scene.probe(0);
    occupy(&[-4, -3, -2, -1, 1, 2, 3, 4]);
    let rules = filter(&["-A INPUT -p udp -m udp --dport 7001 -j DROP"]);
    let error = scene.try_apply(&[crate::scene::source(&rules, false)], &[], None).unwrap_err();
    assert!(matches!(error, ControlError::NoPriority { .. }), "{error}");
    assert_eq!(
        error.to_string(),
        "cannot attach to filter INPUT: all priorities next to 0 are taken"
    );
    assert_eq!(pins(), Vec::<String>::new());
    assert_eq!(verdicts(&mut probe).input, 0b1111);
    // The raw table has a hook of its own, which is free.
    let raw = "*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n\
               -A PREROUTING -p udp -m udp --dport 7002 -j DROP\nCOMMIT\n";
    scene.apply(raw);
    let pinned = pins();
    let error = scene.try_apply(&[crate::scene::source(&rules, false)], &[], None).unwrap_err();
    assert!(matches!(error, ControlError::NoPriority { .. }), "{error}");
    assert_eq!(pins(), pinned);
    assert_eq!(verdicts(&mut probe).input, 0b1101);
    scene.firewall.remove().unwrap();
    assert_eq!(pins(), Vec::<String>::new());
}
