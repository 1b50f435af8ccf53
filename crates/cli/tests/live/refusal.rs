//! What can not be done is said, and changes nothing.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use crate::process::{Ran, netloom, netloom_within};
use crate::scene::{A, NONE, Scene, pins, scene, show};

const HEAD: &str = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n";
const MIXED: [&str; 5] = [
    "-A INPUT -p tcp -m tcp --dport 25 -j REJECT --reject-with tcp-reset",
    "-A INPUT -m recent --name bad --rcheck -j DROP",
    "-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT",
    "-A FORWARD -p tcp -m string --string evil --algo bm -j DROP",
    "-A OUTPUT -j NFQUEUE --queue-num 1",
];

fn file(scene: &Scene, rules: &str) -> String {
    scene.files.file("rules.v4", format!("{HEAD}{rules}COMMIT\n").as_bytes())
}

fn mixed(scene: &Scene) -> String {
    file(scene, &MIXED.map(|rule| format!("{rule}\n")).concat())
}

/// Asserts that a command fails with this text in its first line.
fn assert_refused(ran: &Ran, message: &str) {
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stderr.contains(message), "{}", ran.stderr);
    assert!(ran.stderr.lines().last().is_some_and(|line| line.starts_with("help: ")));
    assert_eq!(ran.stdout, "");
}

/// Runs `check` without rules and over others, which it must not change.
fn unchanged(scene: &mut Scene, check: impl Fn(&Scene)) {
    check(scene);
    assert_eq!(pins(), Vec::<String>::new());
    scene.assert_in_force(NONE);
    assert_eq!(scene.apply(A, &[]).code, 0);
    let before = pins();
    check(scene);
    assert_eq!(pins(), before);
    scene.assert_in_force(A);
    assert_eq!(netloom(&["fw", "remove"]).code, 0);
}

#[test]
fn rules_that_do_not_run_are_all_listed() {
    let Some(mut scene) = scene("unsupported", &[]) else { return };
    unchanged(&mut scene, |scene| {
        let ran = netloom(&["fw", "apply", &mixed(scene)]);
        assert_refused(&ran, "4 rules do not run as written; nothing was applied");
        for (line, rule) in [(5, MIXED[0]), (6, MIXED[1]), (8, MIXED[3]), (9, MIXED[4])] {
            let listed = format!("line {line}: {rule}");
            assert!(ran.stderr.contains(&listed), "{listed}\n{}", ran.stderr);
        }
        assert!(!ran.stderr.contains("--dport 80"), "{}", ran.stderr);
        let ran = netloom(&["fw", "apply", "--reject-as-drop", &mixed(scene)]);
        assert_refused(&ran, "3 rules do not run as written; nothing was applied");
    });
}

#[test]
fn what_was_left_out_or_weakened_stays_visible() {
    let Some(scene) = scene("lenient", &[]) else { return };
    let rules = mixed(&scene);
    let ran = netloom(&["fw", "apply", "--skip-unsupported", "--reject-as-drop", &rules]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let shown = netloom(&["fw", "show"]).stdout;
    for (fate, line, rule) in [
        ("weakened", 5, MIXED[0]),
        ("skipped", 6, MIXED[1]),
        ("skipped", 8, MIXED[3]),
        ("skipped", 9, MIXED[4]),
    ] {
        let text = format!("{fate}: ipv4 line {line}: {rule}");
        assert!(ran.stderr.contains(&text), "{text}\n{}", ran.stderr);
        assert!(shown.contains(&format!("# {text}")), "{text}\n{shown}");
    }
    assert_eq!(show()["left_out"].as_array().map(Vec::len), Some(4));
    assert_eq!(netloom(&["fw", "remove"]).code, 0);
}

#[test]
fn a_malformed_file_is_refused_with_the_place() {
    let Some(mut scene) = scene("malformed", &[]) else { return };
    unchanged(&mut scene, |scene| {
        for (rules, place) in [
            ("-A INPUT --dport 80 -j ACCEPT\n", "rules.v4:5:"),
            ("-A INPUT -s 10.0.0.0/8 -j DORP\n", "rules.v4:5:"),
            ("\u{0}\u{1b}[31m\n", "rules.v4:5:"),
        ] {
            let ran = netloom(&["fw", "apply", &file(scene, rules)]);
            assert_refused(&ran, place);
            assert!(!ran.stderr.contains('\u{1b}'));
        }
        let none = netloom(&["fw", "apply", "/nonexistent/rules.v4"]);
        assert_refused(&none, "/nonexistent/rules.v4");
    });
}

#[test]
fn an_unknown_device_is_named() {
    let Some(mut scene) = scene("device", &[]) else { return };
    unchanged(&mut scene, |scene| {
        let rules = file(scene, "-A INPUT -p tcp -m tcp --dport 80 -j DROP\n");
        let ran = netloom(&["fw", "apply", &rules, "--dev", "eth0", "--dev", "eth7"]);
        assert_refused(&ran, "eth7");
        assert!(!ran.stderr.contains("eth0"), "{}", ran.stderr);
    });
}

#[test]
fn an_unknown_namespace_is_named() {
    let Some(scene) = scene("netns", &[]) else { return };
    let rules = file(&scene, "");
    let ran = netloom(&["fw", "apply", &rules, "--netns", "netloom-absent"]);
    assert_refused(&ran, "/run/netns/netloom-absent");
    assert_eq!(pins(), Vec::<String>::new());
}

#[test]
fn a_kernel_without_netfilter_links_is_named() {
    let Some(mut scene) = scene("links", &[]) else { return };
    unchanged(&mut scene, |scene| {
        let rules = file(scene, "");
        let option = "--simulate-without=netfilter-links";
        let ran = netloom(&["fw", "apply", &rules, option]);
        assert_refused(&ran, "this kernel has no BPF netfilter links");
        assert!(ran.stderr.contains("help: Linux 6.4 and later"), "{}", ran.stderr);
    });
}

#[test]
fn fifty_thousand_rules_end_in_time() {
    let Some(mut scene) = scene("many", &[]) else { return };
    let rule = |n: u32| {
        let [_, a, b, c] = n.to_be_bytes();
        format!("-A INPUT -s 10.{a}.{b}.{c}/32 -p tcp -m tcp --dport {} -j DROP\n", n % 60_000 + 1)
    };
    let rules: String = (0..50_000).map(rule).collect();
    unchanged(&mut scene, |scene| {
        let begun = Instant::now();
        let ran = netloom_within(Duration::from_secs(60), &["fw", "apply", &file(scene, &rules)]);
        println!("50,000 rules: exit code {} after {:?}", ran.code, begun.elapsed());
        assert_refused(&ran, "instructions, the kernel allows");
        assert!(ran.stderr.lines().count() <= 3, "{}", ran.stderr);
    });
}

/// Runs the command by `setpriv` with these options; its file is where everybody may run it.
fn restricted(scene: &Scene, options: &[&str], arguments: &[&str]) -> Ran {
    let program = scene.files.path("netloom");
    fs::copy(env!("CARGO_BIN_EXE_netloom"), &program).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let output = Command::new("setpriv").args(options).arg(&program).args(arguments).output();
    let Output { status, stdout, stderr } = output.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { code: status.code().unwrap(), stdout: text(stdout), stderr: text(stderr) }
}

#[test]
fn without_rights_the_missing_ones_are_named() {
    let Some(mut scene) = scene("nobody", &["setpriv"]) else { return };
    let nobody = ["--reuid=65534", "--regid=65534", "--clear-groups"];
    unchanged(&mut scene, |scene| {
        let rules = file(scene, "");
        for arguments in [&["fw", "apply", &rules][..], &["fw", "remove"], &["fw", "show"]] {
            let ran = restricted(scene, &nobody, arguments);
            assert_refused(
                &ran,
                "not permitted: missing CAP_BPF and CAP_NET_ADMIN and CAP_SYS_ADMIN",
            );
            assert!(ran.stderr.contains("help: run as root"), "{}", ran.stderr);
        }
        // Root without one of the rights.
        for (right, missing) in [("-net_admin", "CAP_NET_ADMIN"), ("-sys_admin", "CAP_SYS_ADMIN")] {
            let bounds = format!("--bounding-set={right}");
            let ran = restricted(scene, &[&bounds], &["fw", "apply", &rules]);
            assert_refused(&ran, &format!("not permitted: missing {missing}\n"));
        }
    });
}

/// Takes all bpf file systems away from this test's mount namespace.
fn unmount_bpffs() {
    let unmount = || Command::new("umount").args(["-l", "/sys/fs/bpf"]).output().unwrap();
    while unmount().status.success() {}
    assert!(fs::read_dir("/sys/fs/bpf").unwrap().next().is_none());
}

#[test]
fn bpffs_is_mounted_where_it_is_not() {
    let Some(mut scene) = scene("bpffs", &["umount"]) else { return };
    unmount_bpffs();
    let ran = netloom(&["fw", "show"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "no rules are in force\n"));
    assert_eq!(scene.apply(A, &[]).code, 0);
    scene.assert_in_force(A);
    let mounts = fs::read_to_string("/proc/thread-self/mounts").unwrap();
    assert!(mounts.contains(" /sys/fs/bpf bpf "), "{mounts}");
    assert_eq!(netloom(&["fw", "remove"]).code, 0);
}

#[test]
fn bpffs_that_can_not_be_mounted_is_told() {
    let Some(scene) = scene("no-bpffs", &["umount", "mount"]) else { return };
    unmount_bpffs();
    let hidden = Command::new("mount").args(["-t", "tmpfs", "none", "/sys/fs"]).status();
    assert!(hidden.unwrap().success());
    let ran = netloom(&["fw", "apply", &file(&scene, "")]);
    assert_refused(&ran, "/sys/fs/bpf");
    assert!(ran.stderr.contains("help: mount -t bpf bpf /sys/fs/bpf"), "{}", ran.stderr);
}
