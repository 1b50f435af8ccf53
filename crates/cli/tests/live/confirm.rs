//! Rules that nobody confirms go away by themselves, whatever has become of the command.

use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use crate::process::{command, netloom};
use crate::scene::{A, B, C, NONE, Rules, Scene, scene, show};

/// How long after the deadline packets may still meet the rules that were not confirmed: one unit
/// of the deadline, and the time between two looks on a loaded machine.
const LATE: Duration = Duration::from_millis(500);

/// Looks at packets until they meet other rules than `rules`; returns when that was.
fn until_changed(scene: &mut Scene, rules: Rules) -> (Instant, Rules) {
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        // A look in the middle of the change finds some of each; the next one does not.
        let found = scene.look().unwrap_or_else(|_| scene.behaviour());
        if found != rules {
            return (Instant::now(), found);
        }
        assert!(Instant::now() < end, "{rules:?} stay in force");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn unconfirmed_rules_go_at_the_deadline_and_then_it_is_too_late() {
    let Some(mut scene) = scene("deadline", &[]) else { return };
    assert_eq!(scene.apply(A, &[]).code, 0);
    let before = Instant::now();
    let ran = scene.apply(B, &["--confirm", "2"]);
    let after = Instant::now();
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains("the old rules return in 2 s unless"), "{}", ran.stdout);
    scene.assert_in_force(B);
    let left = show()["unconfirmed_for_s"].as_u64();
    assert!(left.is_some_and(|left| left < 2), "{left:?}");

    let (changed, found) = until_changed(&mut scene, B);
    assert_eq!(found, A);
    assert!(changed >= before + Duration::from_secs(2), "{:?} too early", changed - before);
    assert!(changed <= after + Duration::from_secs(2) + LATE, "{:?}", changed - after);
    scene.assert_in_force(A);
    let late = netloom(&["fw", "confirm"]);
    assert_eq!(late.code, 1);
    assert!(late.stderr.starts_with("error: the time to confirm is over"), "{}", late.stderr);
    assert_eq!(netloom(&["fw", "confirm"]).code, 1);
    scene.assert_in_force(A);
    assert_eq!(netloom(&["fw", "remove"]).code, 0);
    scene.assert_in_force(NONE);
}

#[test]
fn confirmed_rules_stay() {
    let Some(mut scene) = scene("confirmed", &[]) else { return };
    assert_eq!(scene.apply(A, &[]).code, 0);
    assert_eq!(scene.apply(B, &["--confirm", "2"]).code, 0);
    let ran = netloom(&["fw", "confirm"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let again = netloom(&["fw", "confirm"]);
    assert_eq!(again.code, 1);
    assert!(again.stderr.starts_with("error: no rules wait to be confirmed"), "{}", again.stderr);
    let end = Instant::now() + Duration::from_millis(2500);
    while Instant::now() < end {
        assert_eq!(scene.behaviour(), B);
        thread::sleep(Duration::from_millis(20));
    }
    scene.assert_in_force(B);
    assert!(show()["unconfirmed_for_s"].is_null());
    // The rules from before are kept all the same.
    assert_eq!(netloom(&["fw", "rollback"]).code, 0);
    scene.assert_in_force(A);
    assert_eq!(netloom(&["fw", "remove"]).code, 0);
}

#[test]
fn the_deadline_holds_when_the_command_is_killed_as_soon_as_its_rules_are_in_force() {
    let Some(mut scene) = scene("killed", &[]) else { return };
    assert_eq!(scene.apply(A, &[]).code, 0);
    let arguments = scene.apply_arguments(B, &["--confirm", "1"]);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut child = command(&arguments).stdout(Stdio::null()).spawn().unwrap();
    let (changed, found) = until_changed(&mut scene, A);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(found, B);
    let (back, found) = until_changed(&mut scene, B);
    assert_eq!(found, A);
    assert!(back < changed + Duration::from_secs(1) + LATE, "{:?}", back - changed);
    scene.assert_in_force(A);
    assert_eq!(scene.apply(C, &[]).code, 0);
    scene.assert_in_force(C);
    assert_eq!(netloom(&["fw", "remove"]).code, 0);
}

#[test]
fn the_first_rules_can_be_on_trial_too() {
    let Some(mut scene) = scene("first", &[]) else { return };
    assert_eq!(scene.apply(A, &["--confirm", "1", "--dev", "eth0"]).code, 0);
    scene.assert_in_force(A);
    assert_eq!(until_changed(&mut scene, A).1, NONE);
    scene.assert_in_force(NONE);
    // What was on trial can not come back.
    assert_eq!(netloom(&["fw", "rollback"]).code, 1);
    assert_eq!(scene.apply(B, &[]).code, 0);
    scene.assert_in_force(B);
    assert_eq!(netloom(&["fw", "remove"]).code, 0);
}

#[test]
fn rules_that_were_never_confirmed_are_nothing_to_return_to() {
    let Some(mut scene) = scene("never", &[]) else { return };
    assert_eq!(scene.apply(A, &[]).code, 0);
    assert_eq!(scene.apply(B, &["--confirm", "60"]).code, 0);
    assert_eq!(scene.apply(C, &["--confirm", "1"]).code, 0);
    scene.assert_in_force(C);
    assert_eq!(until_changed(&mut scene, C).1, A);
    assert_eq!(scene.apply(B, &["--confirm", "60"]).code, 0);
    // An explicit return ends the trial at once.
    assert_eq!(netloom(&["fw", "rollback"]).code, 0);
    scene.assert_in_force(A);
    assert!(show()["unconfirmed_for_s"].is_null());
    assert_eq!(netloom(&["fw", "remove"]).code, 0);
}
