//! The command on the running kernel: killed, raced, refused.
//!
//! Each test has a network namespace of its own, which goes when the test ends, also in a panic.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
#![expect(clippy::print_stdout, reason = "skips are told on standard output")]

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

const NETLOOM: &str = env!("CARGO_BIN_EXE_netloom");

/// A namespace with a loopback device, and files of rules.
struct Lab {
    name: String,
    folder: PathBuf,
}

impl Lab {
    /// `None`, with the reason printed, where namespaces can not be made.
    fn new(test: &str) -> Option<Self> {
        let name = format!("netloom-{test}-{}", std::process::id());
        let made = Command::new("ip").args(["netns", "add", &name]).stderr(Stdio::null()).status();
        if !made.is_ok_and(|status| status.success()) {
            println!("skipped: network namespaces need root and iproute2");
            return None;
        }
        let folder = std::env::temp_dir().join(&name);
        fs::create_dir_all(&folder).unwrap();
        let lab = Self { name, folder };
        let up = ["-n", &lab.name, "link", "set", "lo", "up"];
        assert!(Command::new("ip").args(up).status().unwrap().success());
        Some(lab)
    }

    /// A ruleset that counts what is sent to `port` and drops it at arrival.
    fn rules(&self, port: u16) -> String {
        let text = format!(
            "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n\
             -A INPUT -p udp -m udp --dport {port} -j DROP\n\
             -A OUTPUT -p udp -m udp --dport {port}\nCOMMIT\n"
        );
        let path = self.folder.join(format!("{port}.rules"));
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(NETLOOM);
        command.arg("fw").args(arguments).args(["--netns", &self.name]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).spawn().unwrap()
    }

    fn apply(&self, rules: &str) {
        let output = self.run(&["apply", rules]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// One datagram to each of the ports.
    fn send(&self, ports: [u16; 2]) {
        for port in ports {
            let script = format!("echo x > /dev/udp/127.0.0.1/{port}");
            let shell = ["netns", "exec", &self.name, "bash", "-c", &script];
            assert!(Command::new("ip").args(shell).status().unwrap().success());
        }
    }

    /// What is in force, as iptables-save with counters.
    fn show(&self) -> String {
        let output = self.run(&["show", "--save", "-c"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// The port of the ruleset in force, which must be whole; and its counters at both hooks.
    fn in_force(&self) -> (u16, [u64; 2]) {
        let text = self.show();
        let rules: Vec<&str> = text.lines().filter(|line| line.contains("-A ")).collect();
        let field = |rule: &str, mark: &str| {
            let rest = rule.split(mark).nth(1).unwrap();
            rest.split([' ', ':', ']']).next().unwrap().parse::<u64>().unwrap()
        };
        let [input, output] = rules[..] else { panic!("{text}") };
        assert!(input.contains("-A INPUT") && output.contains("-A OUTPUT"), "{text}");
        assert_eq!(field(input, "--dport "), field(output, "--dport "), "{text}");
        let port = u16::try_from(field(input, "--dport ")).unwrap();
        (port, [field(input, "["), field(output, "[")])
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        drop(self.run(&["remove"]));
        drop(Command::new("ip").args(["netns", "del", &self.name]).status());
        drop(fs::remove_dir_all(&self.folder));
    }
}

#[test]
fn a_kill_at_any_moment_leaves_old_or_new_rules_whole() {
    let Some(lab) = Lab::new("kill") else { return };
    let (old, new) = (lab.rules(1111), lab.rules(2222));
    lab.apply(&old);
    let began = Instant::now();
    lab.apply(&new);
    let step = began.elapsed() / 24;
    let mut kept = [0, 0];
    for turn in 0..28 {
        lab.apply(&old);
        let mut child = lab.start(&["apply", &new]);
        sleep(step * turn);
        drop(child.kill());
        child.wait().unwrap();
        let (before, counted) = lab.in_force();
        lab.send([1111, 2222]);
        let (port, after) = lab.in_force();
        assert_eq!(before, port, "the rules change no more");
        let both = [counted[0] + 1, counted[1] + 1];
        assert_eq!(after, both, "turn {turn}: hooks agree with what is shown");
        kept[usize::from(port == 2222)] += 1;
    }
    lab.apply(&new);
    assert_eq!(lab.in_force().0, 2222);
    assert!(kept[0] > 0, "no kill came before the change: {kept:?}");
}

#[test]
fn applies_at_once_end_with_one_of_them() {
    let Some(lab) = Lab::new("race") else { return };
    let (one, other) = (lab.rules(1111), lab.rules(2222));
    for _ in 0..5 {
        let children: Vec<Child> =
            [&one, &other, &one, &other].map(|rules| lab.start(&["apply", rules])).into();
        for child in children {
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        let (_, counted) = lab.in_force();
        lab.send([1111, 2222]);
        assert_eq!(lab.in_force().1, counted.map(|count| count + 1));
    }
}

#[test]
fn unconfirmed_rules_go_by_themselves() {
    let Some(lab) = Lab::new("confirm") else { return };
    let (old, new) = (lab.rules(1111), lab.rules(2222));
    lab.apply(&old);
    // The command has ended long before the time is over: nobody but the kernel waits.
    assert!(lab.run(&["apply", &new, "--confirm", "2"]).status.success());
    assert_eq!(lab.in_force().0, 2222);
    sleep(Duration::from_millis(2500));
    lab.send([1111, 2222]);
    assert_eq!(lab.in_force(), (1111, [1, 1]), "the old rules decide and count again");
    let late = lab.run(&["confirm"]);
    assert_eq!(late.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&late.stderr).contains("time to confirm is over"));

    assert!(lab.run(&["apply", &new, "--confirm", "2"]).status.success());
    assert!(lab.run(&["confirm"]).status.success());
    sleep(Duration::from_millis(2500));
    assert_eq!(lab.in_force().0, 2222);
    assert!(lab.run(&["rollback"]).status.success());
    assert_eq!(lab.in_force().0, 1111);
}

#[test]
fn refusals_say_why_and_change_nothing() {
    let Some(lab) = Lab::new("refuse") else { return };
    let rules = lab.rules(1111);
    lab.apply(&rules);
    let odd = lab.folder.join("odd.rules");
    fs::write(&odd, "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -m recent --set -j DROP\nCOMMIT\n")
        .unwrap();
    let broken = lab.folder.join("broken.rules");
    fs::write(&broken, "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -p tcp --dport x\n").unwrap();
    let (odd, broken) = (odd.to_str().unwrap(), broken.to_str().unwrap());
    let cases: [(&[&str], &str); 4] = [
        (&["apply", &rules, "--dev", "nosuch0"], "nosuch0"),
        (&["apply", &rules, "--simulate-without", "netfilter-links"], "BPF netfilter links"),
        (&["apply", odd], "match recent"),
        (&["apply", broken], "is refused"),
    ];
    for (arguments, wanted) in cases {
        let output = lab.run(arguments);
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(text.contains(wanted) && text.contains("help: "), "{text}");
        assert!(!text.contains("os error"), "{text}");
        assert_eq!(lab.in_force().0, 1111);
    }
    assert!(lab.run(&["apply", odd, "--skip-unsupported"]).status.success());
    assert!(lab.show().contains("# skipped: ipv4 line 3"), "{}", lab.show());
}

#[test]
fn without_privileges_the_missing_ones_are_named() {
    let Some(lab) = Lab::new("nobody") else { return };
    let rules = lab.rules(1111);
    // The binary's folder may be closed to others.
    let copy = lab.folder.join("netloom");
    fs::copy(NETLOOM, &copy).unwrap();
    let output = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"])
        .arg(&copy)
        .args(["fw", "apply", &rules])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("CAP_BPF") && text.contains("CAP_NET_ADMIN"), "{text}");
}
