//! A command that is killed at any moment leaves the old rules or the new ones, whole.

use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::process::{command, netloom};
use crate::scene::{A, B, NONE, Rules, Scene, pins, scene, shown};

fn run(arguments: &[String]) -> Duration {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let start = Instant::now();
    let ran = netloom(&arguments);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    start.elapsed()
}

/// Runs the command and kills it after `delay`.
fn run_for(arguments: &[String], delay: Duration) {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut command = command(&arguments);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    thread::sleep(delay);
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Runs the command and kills it where it makes its `count`-th call of one system call; returns
/// whether it got there.
fn run_to(arguments: &[String], call: &str, count: usize) -> bool {
    let status = Command::new("strace")
        .args(["-qq", "-o", "/dev/null", "-e", &format!("trace={call}"), "-e"])
        .arg(format!("inject={call}:signal=KILL:when={count}"))
        .arg(env!("CARGO_BIN_EXE_netloom"))
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    !status.success()
}

/// How many calls of one system call the command makes.
fn calls(arguments: &[String], call: &str) -> usize {
    let trace = Command::new("strace")
        .args(["-qq", "-e", &format!("trace={call}")])
        .arg(env!("CARGO_BIN_EXE_netloom"))
        .args(arguments)
        .stdout(Stdio::null())
        .output()
        .unwrap();
    assert!(trace.status.success());
    let needle = format!("{call}(");
    String::from_utf8_lossy(&trace.stderr).lines().filter(|line| line.contains(&needle)).count()
}

/// Packets meet one of the two, as `fw show` says, and the next command puts everything in order.
fn check(scene: &mut Scene, [old, new]: [Rules; 2], tidy: &[String]) -> Rules {
    let found = scene.behaviour();
    assert!(found == old || found == new, "{found:?}");
    assert_eq!(shown(), found);
    run(tidy);
    assert_eq!(scene.behaviour(), old);
    let pins = pins();
    let kept = |suffix: &str| pins.iter().filter(|path| path.ends_with(suffix)).count();
    let generations = pins.iter().filter(|path| is_generation(path)).count();
    assert_eq!(generations, kept("/description"), "a generation is half there: {pins:#?}");
    assert!(generations <= 2, "{pins:#?}");
    found
}

fn is_generation(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(|name| name.starts_with("gen_"))
}

/// Kills `arguments` at `steps` moments spread over its usual duration, each time over the rules
/// that `tidy` brings back.
fn sweep(
    scene: &mut Scene,
    rules: [Rules; 2],
    [arguments, tidy]: [&[String]; 2],
    steps: u32,
) -> [u32; 2] {
    let whole = run(arguments).max(run(tidy));
    assert_eq!(scene.behaviour(), rules[0]);
    let mut seen = [0; 2];
    for step in 0..steps {
        run_for(arguments, whole * 6 / 5 * step / steps);
        let found = check(scene, rules, tidy);
        seen[usize::from(found == rules[1])] += 1;
    }
    println!("killed {steps} times within {whole:?}: {seen:?} old and new");
    seen
}

#[test]
fn an_apply_that_is_killed_leaves_old_or_new_rules() {
    let Some(mut scene) = scene("kill", &[]) else { return };
    run(&scene.apply_arguments(A, &[]));
    let arguments = scene.apply_arguments(B, &[]);
    let tidy = scene.apply_arguments(A, &[]);
    let seen = sweep(&mut scene, [A, B], [&arguments, &tidy], 32);
    assert!(seen.iter().all(|count| *count > 0), "{seen:?}");
    assert_eq!(netloom(&["fw", "remove"]).code, 0);
    assert_eq!(pins(), Vec::<String>::new());
}

#[test]
fn an_apply_with_a_device_that_is_killed_leaves_old_or_new_rules() {
    let Some(mut scene) = scene("kill-xdp", &[]) else { return };
    run(&scene.apply_arguments(A, &[]));
    let arguments = scene.apply_arguments(B, &["--dev", "eth0", "--confirm", "600"]);
    let tidy = scene.apply_arguments(A, &[]);
    sweep(&mut scene, [A, B], [&arguments, &tidy], 12);
    assert_eq!(netloom(&["fw", "remove"]).code, 0);
    assert_eq!(pins(), Vec::<String>::new());
}

#[test]
fn a_first_apply_that_is_killed_leaves_no_rules_or_all() {
    let Some(mut scene) = scene("kill-first", &[]) else { return };
    let arguments = scene.apply_arguments(B, &[]);
    let whole = run(&arguments);
    for step in 0..12 {
        run(&["fw", "remove"].map(str::to_owned));
        run_for(&arguments, whole * 6 / 5 * step / 12);
        let found = scene.behaviour();
        assert!([NONE, B].contains(&found), "{found:?}");
        assert_eq!(shown(), found);
        run(&arguments);
        scene.assert_in_force(B);
    }
    assert_eq!(netloom(&["fw", "remove"]).code, 0);
    assert_eq!(pins(), Vec::<String>::new());
}

#[test]
fn a_removal_that_is_killed_leaves_the_rules_or_none() {
    let Some(mut scene) = scene("kill-remove", &[]) else { return };
    let apply = scene.apply_arguments(A, &["--dev", "eth0"]);
    let remove = ["fw", "remove"].map(str::to_owned);
    run(&apply);
    let whole = run(&remove);
    for step in 0..12 {
        run(&apply);
        run_for(&remove, whole * 6 / 5 * step / 12);
        let found = scene.behaviour();
        assert!([NONE, A].contains(&found), "{found:?}");
        assert_eq!(shown(), found);
        // What is left can be taken away, or built upon.
        if step % 2 == 0 {
            netloom(&["fw", "remove"]);
            assert_eq!(pins(), Vec::<String>::new());
        }
    }
    run(&apply);
    scene.assert_in_force(A);
    assert_eq!(netloom(&["fw", "remove"]).code, 0);
    assert_eq!(pins(), Vec::<String>::new());
}

#[test]
fn an_apply_that_is_killed_at_a_system_call_leaves_old_or_new_rules() {
    let Some(mut scene) = scene("kill-call", &["strace"]) else { return };
    let [arguments, tidy] = [B, A].map(|rules| scene.apply_arguments(rules, &["--dev", "eth0"]));
    run(&tidy);
    let mut kills = 0;
    for (call, step) in
        [("bpf", 16), ("unlinkat", 4), ("sendto", 2), ("membarrier", 1), ("mkdir", 1)]
    {
        let calls = calls(&arguments, call);
        run(&tidy);
        for count in (1..=calls).step_by(step) {
            kills += usize::from(run_to(&arguments, call, count));
            check(&mut scene, [A, B], &tidy);
        }
    }
    println!("killed at {kills} system calls");
    assert!(kills > 20, "{kills}");
    assert_eq!(netloom(&["fw", "remove"]).code, 0);
    assert_eq!(pins(), Vec::<String>::new());
}
