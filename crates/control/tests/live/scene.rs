//! A host under test with a firewall, and short words for what tests do with it.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use netloom_control::{Applied, ControlError, Firewall, Options, Request, Source, Status};
use netloom_firewall::model::{Counters, Family, TableName};
use netloom_firewall::{Hook, Point, RuleId};
use netloom_sys::Errno;
use netloom_sys::bpf::Link;
use netloom_testkit::stage::{Probe, Stage, Verdicts, missing};

/// The port that every ruleset of these tests leaves open.
pub(crate) const OPEN: u16 = 7000;
/// The ports that rulesets differ in.
pub(crate) const PORTS: [u16; 4] = [7001, 7002, 7003, 7004];

/// A host under test.
pub(crate) struct Scene {
    pub(crate) stage: Stage,
    pub(crate) firewall: Firewall,
}

/// A new host, or `None` after saying why there can be none.
pub(crate) fn scene(programs: &[&str]) -> Option<Scene> {
    if let Some(reason) = missing(&[&["nft"], programs].concat()) {
        println!("ran 0, skipped 1: {reason}");
        return None;
    }
    let stage = Stage::new().unwrap_or_else(|error| panic!("{error}"));
    Some(Scene { stage, firewall: firewall() })
}

/// The firewall of the calling thread's namespace.
pub(crate) fn firewall() -> Firewall {
    Firewall::new(Options::default()).unwrap_or_else(|error| panic!("{error}"))
}

/// A ruleset for [`Scene::try_apply`].
pub(crate) fn source(text: &str, ipv6: bool) -> Source {
    let (skip_unsupported, reject_as_drop) = (false, false);
    Source { name: "test".into(), ipv6, text: text.into(), skip_unsupported, reject_as_drop }
}

/// A filter table with these lines of chain rules and policies that accept.
pub(crate) fn filter(rules: &[&str]) -> String {
    let chains = ":INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n";
    format!("*filter\n{chains}{}\nCOMMIT\n", rules.join("\n"))
}

impl Scene {
    /// Applies IPv4 rules.
    pub(crate) fn apply(&self, text: &str) -> Applied {
        self.try_apply(&[source(text, false)], &[], None).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Applies rulesets.
    pub(crate) fn try_apply(
        &self,
        sources: &[Source],
        devices: &[&str],
        confirm_within: Option<Duration>,
    ) -> Result<Applied, ControlError> {
        let devices = devices.iter().map(|name| (*name).to_owned()).collect();
        self.firewall.apply(&Request { sources: sources.to_vec(), devices, confirm_within })
    }

    /// What is in force.
    pub(crate) fn status(&self) -> Option<Status> {
        self.firewall.status().unwrap_or_else(|error| panic!("{error}"))
    }

    /// Packets and bytes of the rule in force that reads `text`.
    pub(crate) fn rule(&self, family: Family, text: &str) -> Counters {
        let status = self.status().expect("rules are in force");
        let reading = self.firewall.counters(&status).unwrap();
        for ruleset in status.description.rulesets().unwrap() {
            for table in ruleset.tables.iter().filter(|_| ruleset.family == family) {
                for chain in &table.chains {
                    let index = chain.rules.iter().position(|rule| rule.text == text);
                    if let Some(index) = index {
                        let id = RuleId { table: table.name, chain: &chain.name, index };
                        return reading.rule(family, id);
                    }
                }
            }
        }
        panic!("no rule in force reads {text}");
    }

    /// Packets and bytes that the policy of a chain of the filter table decided.
    pub(crate) fn policy(&self, family: Family, hook: Hook) -> Counters {
        let status = self.status().expect("rules are in force");
        let reading = self.firewall.counters(&status).unwrap();
        reading.policy(family, Point { table: TableName::Filter, hook })
    }

    /// A probe of [`PORTS`]; `family` as for [`Probe::new`].
    pub(crate) fn probe(&self, family: usize) -> Probe {
        Probe::new(&self.stage, family, &PORTS, OPEN).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Takes the firewall away and checks that nothing of it is left.
    pub(crate) fn remove(&self) {
        let links = links();
        assert!(!links.is_empty());
        self.firewall.remove().unwrap_or_else(|error| panic!("{error}"));
        assert!(self.status().is_none());
        assert_eq!(leftovers(), Vec::<String>::new());
        for link in links {
            let gone = Link::by_id(link).unwrap_err();
            assert_eq!(gone.errno(), Some(Errno::NOENT), "link {link} is still attached");
        }
    }
}

/// What one run of the probe finds.
pub(crate) fn verdicts(probe: &mut Probe) -> Verdicts {
    probe.verdicts().unwrap_or_else(|error| panic!("{error}"))
}

/// Files that a firewall may leave behind on this host, its tables and XDP programs.
pub(crate) fn leftovers() -> Vec<String> {
    let mut found = pins();
    let tables = netloom_sys::netlink::base_chains().unwrap();
    found.extend(tables.iter().map(|chain| format!("{chain:?}")));
    found.extend(run("nft", &["list", "tables"], "").lines().map(str::to_owned));
    let devices = run("ip", &["-details", "link", "show"], "");
    found.extend(devices.lines().filter(|line| line.contains("xdp")).map(str::to_owned));
    found
}

/// All that is pinned for firewalls in this bpf file system.
pub(crate) fn pins() -> Vec<String> {
    let found = run("find", &["/sys/fs/bpf/netloom/fw", "-mindepth", "1"], "");
    found.lines().map(str::to_owned).collect()
}

/// Numbers of the pinned links.
fn links() -> Vec<u32> {
    let pinned = pins().into_iter().filter_map(|path| Link::pinned(path.as_ref()).ok());
    pinned.map(|link| link.facts().unwrap().id).collect()
}

/// Runs a program that must succeed; returns what it prints.
pub(crate) fn run(program: &str, arguments: &[&str], input: &str) -> String {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{program} {arguments:?}: {}", output.status);
    String::from_utf8(output.stdout).unwrap()
}
