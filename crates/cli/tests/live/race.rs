//! Several commands at once.

use std::process::{Child, Output, Stdio};

use crate::process::{command, netloom};
use crate::scene::{A, B, C, NONE, pins, scene, shown};

fn start(arguments: &[String]) -> Child {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    command(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn applies_at_once_all_succeed_and_one_of_them_is_in_force() {
    let Some(mut scene) = scene("race", &[]) else { return };
    let arguments = [A, B, C].map(|rules| scene.apply_arguments(rules, &["--dev", "eth0"]));
    for round in 0..10 {
        let running: Vec<Child> =
            (0..5).map(|index| start(&arguments[(round + index) % 3])).collect();
        for child in running {
            let Output { status, stderr, .. } = child.wait_with_output().unwrap();
            assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
        }
        let in_force = scene.behaviour();
        assert_ne!(in_force, NONE);
        assert_eq!(shown(), in_force);
        // The rules in force and those before, no more.
        let kept = pins().iter().filter(|path| path.ends_with("/description")).count();
        assert_eq!(kept, 2);
    }
    assert_eq!(netloom(&["fw", "remove"]).code, 0);
    scene.assert_in_force(NONE);
}

#[test]
fn commands_of_all_kinds_at_once_fail_only_as_they_may() {
    let Some(mut scene) = scene("mixed", &[]) else { return };
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let commands = [
        (scene.apply_arguments(A, &[]), &[][..]),
        (scene.apply_arguments(B, &["--confirm", "30"]), &[]),
        (words(&["fw", "show"]), &[]),
        (words(&["fw", "remove"]), &["no rules are applied"]),
        (
            words(&["fw", "rollback"]),
            &["no rules are applied", "there are no older rules to return to"],
        ),
        (words(&["fw", "confirm"]), &["no rules are applied", "no rules wait to be confirmed"]),
        (scene.apply_arguments(C, &["--dev", "eth0"]), &[]),
    ];
    for _ in 0..5 {
        let running: Vec<Child> = commands.iter().map(|row| start(&row.0)).collect();
        for (child, (arguments, allowed)) in running.into_iter().zip(&commands) {
            let Output { status, stderr, .. } = child.wait_with_output().unwrap();
            let stderr = String::from_utf8_lossy(&stderr);
            let message = stderr.strip_prefix("error: ").unwrap_or_default();
            let is_allowed = allowed.iter().any(|allowed| message.starts_with(allowed));
            assert!(status.success() || is_allowed, "{arguments:?}: {stderr}");
        }
        let in_force = scene.behaviour();
        assert_eq!(shown(), in_force);
    }
    netloom(&["fw", "remove"]);
    assert_eq!(pins(), Vec::<String>::new());
}
