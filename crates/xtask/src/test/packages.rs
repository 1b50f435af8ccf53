//! The programs that tests call, and the Debian packages that bring them.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::error::Error;

/// One package that the tests need.
pub(super) struct Package {
    /// Its name in Debian.
    name: &'static str,
    /// A program of its own: where this is found, the package need not be.
    program: &'static str,
    reason: &'static str,
}

const fn package(name: &'static str, program: &'static str, reason: &'static str) -> Package {
    Package { name, program, reason }
}

#[rustfmt::skip]
const PACKAGES: [Package; 14] = [
    package("iptables",      "iptables-legacy", "the rules' own engine, to which verdicts and counters are compared"),
    package("nftables",      "nft",             "foreign rules that an apply must leave alone; a peer in figures"),
    package("tcpdump",       "tcpdump",         "reads the captures that we write; compiles filters and says what matches"),
    package("bpftool",       "bpftool",         "lists loaded programs, maps and types for comparison"),
    package("clang",         "clang",           "compiles the C that our instructions and types are checked on"),
    package("llvm",          "llvm-objdump",    "a second disassembler of eBPF"),
    package("llvm-22",       "llvm-mc-22",      "assembles and disassembles what an older LLVM does not know"),
    package("g++",           "c++",             "builds libFuzzer, which drives the fuzz targets"),
    package("ethtool",       "ethtool",         "turns off the offloads of test interfaces"),
    package("iproute2",      "ip",              "network namespaces, veth pairs and routes"),
    package("ipset",         "ipset",           "sets that rules refer to"),
    package("conntrack",     "conntrack",       "reads the kernel's connection table"),
    package("iputils-ping",  "ping",            "traffic through rules under test"),
    package("procps",        "sysctl",          "settings of test namespaces"),
];

/// Folders of administrators' programs, which an ordinary user's `PATH` may lack.
const ADMIN_FOLDERS: [&str; 3] = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/// What this command may do to the machine it runs on.
pub(super) struct Machine {
    /// Where programs are looked for.
    folders: Vec<PathBuf>,
    /// `apt-get`, or what stands for it in a test.
    installer: PathBuf,
    is_root: bool,
}

impl Machine {
    pub(super) fn current() -> Self {
        let path = env::var_os("PATH").unwrap_or_default();
        let mut folders: Vec<PathBuf> = env::split_paths(&path).collect();
        for folder in ADMIN_FOLDERS.map(PathBuf::from) {
            if !folders.contains(&folder) {
                folders.push(folder);
            }
        }
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        Self { folders, installer: "apt-get".into(), is_root: effective_user(&status) == Some(0) }
    }

    /// The `PATH` under which the tests find what was found here.
    pub(super) fn path(&self) -> OsString {
        // Only a folder with a colon in its name cannot be joined, and `PATH` yields none.
        env::join_paths(&self.folders).unwrap_or_default()
    }

    /// Installs the missing packages where it may; says what is missing where it may not.
    ///
    /// A package that stays missing is no error: the tests that need it report themselves as
    /// skipped.
    ///
    /// # Errors
    /// [`Error::Start`] when `out` cannot be written.
    pub(super) fn ready(&self, out: &mut impl Write) -> Result<(), Error> {
        self.install_or_list(out)
            .map_err(|source| Error::Start { program: "the list of packages".to_owned(), source })
    }

    fn install_or_list(&self, out: &mut impl Write) -> io::Result<()> {
        let mut missing = self.missing();
        if missing.is_empty() {
            return Ok(());
        }
        if self.is_root {
            writeln!(out, "installing what the tests need: {}", names(&missing))?;
            let failure = self.install(&missing);
            missing = self.missing();
            if missing.is_empty() {
                return Ok(());
            }
            write!(out, "{}", failure.unwrap_or_default())?;
        }
        writeln!(out, "missing, so that the tests which need them skip themselves:")?;
        for package in &missing {
            writeln!(out, "  {:<13} {}", package.name, package.reason)?;
        }
        let sudo = if self.is_root { "" } else { "sudo " };
        writeln!(out, "help: {sudo}apt-get install --no-install-recommends {}", names(&missing))
    }

    fn missing(&self) -> Vec<&'static Package> {
        PACKAGES.iter().filter(|package| !self.has(package.program)).collect()
    }

    /// Whether `program` is on this machine.
    pub(super) fn has(&self, program: &str) -> bool {
        self.folders.iter().any(|folder| folder.join(program).is_file())
    }

    /// Installs from the package lists at hand; where that fails, from fresh ones; where that
    /// fails too, one by one, so that a name this distribution lacks keeps back no other.
    /// Returns what the installer said when it failed to the end.
    fn install(&self, packages: &[&Package]) -> Option<String> {
        let together: Vec<&str> = packages.iter().map(|package| package.name).collect();
        if self.apt("install", &together).is_ok() {
            return None;
        }
        // Lists of which one source is out of reach may still serve.
        let update = self.apt("update", &[]).err().unwrap_or_default();
        if self.apt("install", &together).is_ok() {
            return None;
        }
        let each = together.iter().filter_map(|name| self.apt("install", &[name]).err());
        Some(each.fold(update, |all, one| all + &one))
    }

    /// Runs one command of `apt-get`; the error is what it said.
    fn apt(&self, command: &str, packages: &[&str]) -> Result<(), String> {
        let output = Command::new(&self.installer)
            // A fresh machine may be installing updates of its own: wait for it.
            .args(["-qq", "--yes", "-o", "DPkg::Lock::Timeout=300", command])
            .args((!packages.is_empty()).then_some("--no-install-recommends"))
            .args(packages)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdin(Stdio::null())
            .output();
        match output {
            Ok(output) if output.status.success() => Ok(()),
            Ok(output) => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
            Err(error) => Err(format!("{}: {error}\n", self.installer.display())),
        }
    }
}

fn names(packages: &[&Package]) -> String {
    packages.iter().map(|package| package.name).collect::<Vec<_>>().join(" ")
}

/// The effective user id in the text of `/proc/PID/status` (proc_pid_status(5)).
fn effective_user(status: &str) -> Option<u32> {
    let ids = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    ids.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::fixture::Fixture;

    /// A machine whose programs are those in the fixture's `bin`, and whose installer is `script`.
    fn machine(fixture: &Fixture, is_root: bool, script: &str) -> Machine {
        fixture.write("apt-get", &format!("#!/bin/sh\ncd {}\n{script}", fixture.root().display()));
        let installer = fixture.root().join("apt-get");
        fs::set_permissions(&installer, fs::Permissions::from_mode(0o755)).unwrap();
        Machine { folders: vec![fixture.root().join("bin")], installer, is_root }
    }

    fn fixture_without(programs: &[&str]) -> Fixture {
        let fixture = Fixture::new(&[("bin/other", "")]);
        for package in PACKAGES.iter().filter(|package| !programs.contains(&package.program)) {
            fixture.write(&format!("bin/{}", package.program), "");
        }
        fixture
    }

    fn said(machine: &Machine) -> String {
        let mut out = Vec::new();
        machine.ready(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn calls(fixture: &Fixture) -> Vec<String> {
        let calls = fs::read_to_string(fixture.root().join("calls")).unwrap_or_default();
        calls.lines().map(|line| line.split("Timeout=300 ").nth(1).unwrap().to_owned()).collect()
    }

    #[test]
    fn a_complete_machine_is_left_alone() {
        let fixture = fixture_without(&[]);
        assert_eq!(said(&machine(&fixture, true, "echo $* >> calls")), "");
        assert!(calls(&fixture).is_empty());
    }

    #[test]
    fn an_ordinary_user_gets_the_command_to_type() {
        let fixture = fixture_without(&["nft", "ping"]);
        let text = said(&machine(&fixture, false, "echo $* >> calls"));
        assert!(text.ends_with(
            "help: sudo apt-get install --no-install-recommends nftables iputils-ping\n"
        ));
        assert!(calls(&fixture).is_empty());
    }

    #[test]
    fn lists_are_updated_once_when_the_first_try_fails() {
        let fixture = fixture_without(&["nft", "ping"]);
        let script = "echo $* >> calls\ncase \"$*\" in *update*) touch fresh; exit;; esac\n\
                      [ -e fresh ] && touch bin/nft bin/ping";
        let text = said(&machine(&fixture, true, script));
        assert_eq!(text, "installing what the tests need: nftables iputils-ping\n");
        let install = "install --no-install-recommends nftables iputils-ping";
        assert_eq!(calls(&fixture), [install, "update", install]);
    }

    #[test]
    fn a_package_that_cannot_be_had_keeps_back_no_other() {
        let fixture = fixture_without(&["nft", "ping"]);
        let script = "case \"$*\" in *nftables*) echo 'E: no nftables' >&2; exit 100;; esac\n\
                      touch bin/ping";
        let text = said(&machine(&fixture, true, script));
        assert!(text.contains("\nE: no nftables\nmissing, "), "{text}");
        assert!(
            text.ends_with("help: apt-get install --no-install-recommends nftables\n"),
            "{text}"
        );
    }

    #[test]
    fn a_system_without_apt_goes_on() {
        let fixture = fixture_without(&["nft"]);
        let mut machine = machine(&fixture, true, "");
        machine.installer = fixture.root().join("absent");
        assert!(said(&machine).contains("nftables"));
    }

    #[test]
    fn root_is_known_by_the_effective_user() {
        assert_eq!(effective_user("Name:\tx\nUid:\t1000\t0\t0\t0\nGid:\t1\t1\t1\t1\n"), Some(0));
        assert_eq!(effective_user("Uid:\t0\t1000\t0\t0\n"), Some(1000));
        assert_eq!(effective_user(""), None);
    }
}
