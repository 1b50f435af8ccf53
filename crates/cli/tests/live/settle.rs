//! Show, rollback, remove: what they say and do.

use crate::process::{netloom, netloom_with_input};
use crate::scene::{A, B, NONE, pins, scene, show};

#[test]
fn the_way_from_nothing_and_back() {
    let Some(mut scene) = scene("settle", &[]) else { return };
    for (command, message) in [
        ("rollback", "error: no rules are applied in this network namespace\nhelp: "),
        ("confirm", "error: no rules are applied in this network namespace\nhelp: "),
        ("remove", "error: no rules are applied in this network namespace\nhelp: "),
    ] {
        let ran = netloom(&["fw", command]);
        assert_eq!(ran.code, 1, "{command}");
        assert!(ran.stderr.starts_with(message), "{command}: {}", ran.stderr);
        assert_eq!(ran.stdout, "", "{command}");
    }
    let ran = netloom(&["fw", "show"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "no rules are in force\n"));
    assert_eq!(pins(), Vec::<String>::new());

    let ran = scene.apply(A, &["--dev", "eth0"]);
    assert_eq!(ran.stdout, "generation 1 is in force\nXDP pre-filter on eth0 (native)\n");
    scene.assert_in_force(A);
    assert_eq!(show()["devices"], serde_json::json!(["eth0"]));
    let ran = scene.apply(B, &[]);
    assert_eq!(ran.stdout, "generation 2 is in force\n");
    scene.assert_in_force(B);
    assert_eq!(show()["devices"], serde_json::json!([]));

    // The rules from before come back with their device, and the return can be undone.
    assert_eq!(netloom(&["fw", "rollback"]).stdout, "generation 1 is in force\n");
    scene.assert_in_force(A);
    assert_eq!(show()["devices"], serde_json::json!(["eth0"]));
    assert_eq!(netloom(&["fw", "rollback"]).stdout, "generation 2 is in force\n");
    scene.assert_in_force(B);
    assert_eq!(netloom(&["fw", "remove"]).stdout, "no rules are in force\n");
    scene.assert_in_force(NONE);
    assert_eq!(pins(), Vec::<String>::new());
}

#[test]
fn what_show_saves_applies_again_with_its_counters() {
    let Some(mut scene) = scene("save", &[]) else { return };
    assert_eq!(scene.apply(A, &[]).code, 0);
    for _ in 0..3 {
        scene.behaviour();
    }
    let saved = netloom(&["fw", "show", "--save", "-c", "-4"]).stdout;
    let counted = saved.lines().filter(|line| line.starts_with("[3:108] -A ")).count();
    // One port each at PREROUTING, INPUT and OUTPUT.
    assert_eq!(counted, 3, "{saved}");
    let ran = netloom_with_input(&["fw", "apply", "-4", "-"], saved.as_bytes());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(scene.behaviour(), A);
    let again = netloom(&["fw", "show", "--save", "-c", "-4"]).stdout;
    assert_eq!(again.lines().filter(|line| line.starts_with("[4:144] -A ")).count(), 3, "{again}");
    assert_eq!(netloom(&["fw", "remove"]).code, 0);
}

#[test]
fn a_named_namespace_has_a_firewall_of_its_own() {
    let Some(mut scene) = scene("named", &["mount"]) else { return };
    // Names of namespaces are files, which this test keeps to itself.
    for command in [&["mount", "-t", "tmpfs", "none", "/run"][..], &["ip", "netns", "add", "blue"]]
    {
        let done = std::process::Command::new(command[0]).args(&command[1..]).status();
        assert!(done.unwrap().success(), "{command:?}");
    }
    let blue = |words: &[&str]| netloom(&[&["fw"], words, &["--netns", "blue"]].concat());
    assert_eq!(scene.apply(A, &[]).code, 0);
    let rules = scene.files.file("blue.v4", b"*filter\n:INPUT DROP [0:0]\nCOMMIT\n");
    assert_eq!(blue(&["apply", &rules]).stdout, "generation 1 is in force\n");
    assert!(blue(&["show", "--save"]).stdout.contains(":INPUT DROP"));
    scene.assert_in_force(A);
    assert_eq!(blue(&["remove"]).stdout, "no rules are in force\n");
    scene.assert_in_force(A);
    assert_eq!(netloom(&["fw", "remove"]).code, 0);
    assert_eq!(pins(), Vec::<String>::new());
}
