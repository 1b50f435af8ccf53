//! The files of `examples` are what they say.

mod process;
#[path = "../examples/make_sample/traffic.rs"]
mod traffic;

use std::process::Command;

#[test]
fn sample_capture_is_what_its_generator_writes() {
    let expected = traffic::capture(&traffic::web_server()).expect("a capture");
    let committed = std::fs::read(process::root().join("examples/sample.pcap")).expect("the file");
    assert!(
        committed == expected,
        "run `cargo run -p netloom-cli --example make_sample -- examples/sample.pcap`"
    );
}

#[test]
fn example_rulesets_run_whole() {
    for rules in ["examples/web-server.v4.rules", "examples/web-server.v6.rules"] {
        let ran = process::netloom(&["fw", "check", rules]);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{rules}");
    }
}

#[test]
fn example_rulesets_are_accepted_by_iptables() {
    for (tool, rules) in [
        ("iptables-legacy-restore", "examples/web-server.v4.rules"),
        ("ip6tables-legacy-restore", "examples/web-server.v6.rules"),
    ] {
        // A namespace of its own, since `--test` still talks to the kernel.
        let mut restore = Command::new("unshare");
        restore.args(["--user", "--map-root-user", "--net", tool, "--test", rules]);
        match restore.current_dir(process::root()).output() {
            Ok(output) if output.status.success() => {}
            Ok(output) => {
                let text = String::from_utf8_lossy(&output.stderr).into_owned();
                let is_unable = text.contains("unshare") || text.contains("Permission denied");
                assert!(is_unable, "{rules}: {text}");
                println!("skipped {rules}: {text}");
            }
            Err(error) => println!("skipped {rules}: {error}"),
        }
    }
}
