//! What all commands on the running kernel's firewall share.

use clap::Args;
use netloom_control::{ControlError, Firewall, LeftOut, Options};
use netloom_kernel::LoadError;
use netloom_sys::netns::Netns;
use serde::Serialize;

use super::ruleset::family_name;
use crate::failure::{ErrorReport, Failure};
use crate::plain::plain;

/// Which firewall is meant.
#[derive(Args, Debug)]
pub(crate) struct LiveOptions {
    /// Work in this network namespace, as `ip netns` names it
    #[arg(long, value_name = "NAME")]
    netns: Option<String>,
    /// Behave as on a kernel that lacks a feature, for tests
    #[arg(long, value_name = "FEATURE", hide = true, value_parser = ["netfilter-links"])]
    simulate_without: Option<String>,
}

impl LiveOptions {
    /// The firewall of the namespace, which the whole process enters.
    pub(crate) fn open(&self) -> Result<Firewall, Failure> {
        if let Some(name) = &self.netns {
            Netns::named(name).and_then(|netns| netns.enter()).map_err(|error| {
                ErrorReport::new("no-netns", words(&error))
                    .with_help("`ip netns list` shows the network namespaces; entering needs root")
            })?;
        }
        let netfilter_links = self.simulate_without.as_ref().map(|_| false);
        let options = Options { netfilter_links, ..Options::default() };
        Firewall::new(options).map_err(|error| failed(&error))
    }
}

/// A rule that does not run as written, for documents.
#[derive(Serialize)]
pub(crate) struct LeftOutRow {
    family: &'static str,
    line: u32,
    rule: String,
    fate: &'static str,
    reason: String,
}

impl From<&LeftOut> for LeftOutRow {
    fn from(rule: &LeftOut) -> Self {
        Self {
            family: family_name(rule.family),
            line: rule.line,
            rule: rule.rule.clone(),
            fate: if rule.weakened { "weakened" } else { "skipped" },
            reason: rule.reason.clone(),
        }
    }
}

impl LeftOutRow {
    /// One line of text.
    pub(crate) fn line(&self) -> String {
        let Self { family, line, rule, fate, reason } = self;
        format!("{fate}: {family} line {line}: {}: {}", plain(rule), plain(reason))
    }
}

/// A failed operation as the user sees it.
pub(crate) fn failed(error: &ControlError) -> Failure {
    let (code, help) = advice(error);
    let mut report = ErrorReport::new(code, words(error)).with_help(help);
    if let ControlError::Refused(rules) = error {
        let rows: Vec<LeftOutRow> = rules.iter().map(LeftOutRow::from).collect();
        let lines: Vec<String> = rows.iter().map(|row| format!("  {}", row.refused())).collect();
        report = report.with_list(lines.join("\n")).with_rules(&rows);
    }
    report.into()
}

/// The message without the numbers that the system's errors carry.
fn words(error: &impl std::fmt::Display) -> String {
    let text = error.to_string();
    let mut words = String::new();
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once(" (os error ") {
        words.push_str(before);
        rest = after.split_once(')').map_or("", |(_, after)| after);
    }
    words.push_str(rest);
    plain(&words).into_owned()
}

impl LeftOutRow {
    fn refused(&self) -> String {
        let Self { family, line, rule, reason, .. } = self;
        format!("{family} line {line}: {}\n    {}", plain(rule), plain(reason))
    }
}

/// A stable word and the usual fix.
fn advice(error: &ControlError) -> (&'static str, &'static str) {
    match error {
        ControlError::Permission(_) => ("not-permitted", "run as root, or with these capabilities"),
        ControlError::Bpffs(_) => ("no-bpffs", "mount -t bpf bpf /sys/fs/bpf"),
        ControlError::NoNetfilterLinks => (
            "no-netfilter-links",
            "Linux 6.4 and later have them; `netloom fw try` runs the rules without a kernel",
        ),
        ControlError::Lock(_) => ("locked", "wait for the other command to end"),
        ControlError::Netns(_) => ("no-netns", "check /proc and the kernel's namespaces"),
        ControlError::Refused(_) => (
            "rules-unsupported",
            "--skip-unsupported leaves such rules out, --reject-as-drop drops where a rule rejects",
        ),
        ControlError::Compile(_) => {
            ("rules-too-large", "split the ruleset, or join rules with multiport or iprange")
        }
        ControlError::Load(LoadError::Denied(_)) => {
            ("not-permitted", "run as root, or with these capabilities")
        }
        ControlError::Load(_) => {
            ("program-refused", "this is a defect of netloom: please report it with the ruleset")
        }
        ControlError::Attach { .. } => ("not-attached", "the driver or kernel can not do this"),
        ControlError::NoPriority { .. } => {
            ("no-priority", "remove another program from this hook: `bpftool net show`")
        }
        ControlError::XdpTaken { .. } => {
            ("xdp-taken", "`ip link show` names the program; leave this device out, or remove it")
        }
        ControlError::Device { .. } => ("no-device", "`ip link` shows the devices"),
        ControlError::Conntrack(_) => {
            ("no-conntrack", "the kernel needs nf_tables and nf_conntrack for --ctstate")
        }
        ControlError::Bpf(_)
        | ControlError::Run(_)
        | ControlError::Io { .. }
        | ControlError::System { .. } => ("system", "the rules in force are unchanged"),
        ControlError::Ring(_) => ("log-unreadable", "start the command again"),
        ControlError::LogBusy => ("log-busy", "end the other `netloom fw monitor`"),
        ControlError::Stored { .. } => {
            ("stored", "apply the rules again; they were stored by another version")
        }
        ControlError::NothingApplied => {
            ("nothing-applied", "`netloom fw apply RULES` applies some")
        }
        ControlError::NothingToConfirm => {
            ("nothing-to-confirm", "`netloom fw show` tells the state")
        }
        ControlError::TooLate => ("too-late", "apply the rules again, with more time"),
        ControlError::NothingToRollBack => {
            ("nothing-older", "`netloom fw remove` takes the rules away")
        }
    }
}
