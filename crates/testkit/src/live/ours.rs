//! Our firewall, applied in a lab as on a user's machine, as an engine.
//!
//! Invariant: what is pinned is pinned in a bpf file system that only the engine's own thread
//! sees. So the firewall ends with the engine, also in a panic, and with the process, also when it
//! is killed.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use std::{error, fmt};

use netloom_control::{Applied, ControlError, Firewall, Options, Request, Source};
use netloom_firewall::model::Family;
use netloom_sys::Errno;
use netloom_sys::bpffs::MOUNT_POINT;
use netloom_sys::netlink::{NetlinkError, device_by_name};
use netloom_sys::netns::{Netns, NetnsError, seclude};
use netloom_sys::packet_socket::{PacketSocket, PacketSocketError};
use rustix::mount::{MountFlags, mount};

use super::command::{CommandError, legacy_program, run};
use super::lab::{Lab, LabError};
use super::saved::{Malformed, parse_saved};
use crate::compiled;
use crate::engine::{Engine, Fate, Stop};
use crate::evaluate::Counts;

/// Whether the XDP pre-filter stands in front of the hooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Early {
    /// The netfilter hooks alone.
    No,
    /// On the device where packets arrive.
    Xdp,
}

/// Our firewall in a lab.
#[derive(Debug)]
pub struct Ours {
    keeper: Keeper,
    lab: Lab,
    early: Early,
    applied: Option<Applied>,
    /// Sees every frame that XDP lets through.
    tap: PacketSocket,
    unread: usize,
    /// Frames at the tap since the ruleset was loaded.
    seen: u64,
    /// What the witness had counted when the ruleset was loaded.
    passed_before: u64,
}

/// What went wrong with our firewall in a lab.
#[derive(Debug)]
pub enum OursError {
    /// The lab.
    Lab(LabError),
    /// A namespace for what is pinned.
    Namespace(NetnsError),
    /// The bpf file system.
    Mount(Errno),
    /// The device where packets arrive.
    Device(NetlinkError),
    /// The socket on it.
    Tap(PacketSocketError),
    /// The firewall.
    Control(ControlError),
    /// The counters of the witness behind the firewall.
    Witness(CommandError),
    /// What they read.
    Saved(Malformed),
    /// The ruleset is of the other address family than the lab.
    OtherFamily,
}

/// Frames that may wait at a time; the queue of a veth device with an XDP program holds 256.
const UNREAD_MAX: usize = 100;
/// Every frame, in a packet socket (`ETH_P_ALL`).
const ALL_FRAMES: u16 = 3;
const ARP: [u8; 2] = [0x08, 0x06];

impl Ours {
    /// An engine without rules in `lab`.
    ///
    /// # Errors
    /// [`OursError`]; without `CAP_BPF`, always.
    pub fn new(lab: Lab, early: Early) -> Result<Self, OursError> {
        lab.shield().map_err(OursError::Lab)?;
        let host = lab.inside(Netns::current).map_err(OursError::Lab)?;
        let keeper = Keeper::start(host.map_err(OursError::Namespace)?)?;
        let name = lab.devices.arriving.clone();
        let tap = lab.inside(|| {
            let device = device_by_name(&name).map_err(OursError::Device)?;
            PacketSocket::open(device.index, ALL_FRAMES).map_err(OursError::Tap)
        });
        let tap = tap.map_err(OursError::Lab)??;
        Ok(Self { keeper, lab, early, applied: None, tap, unread: 0, seen: 0, passed_before: 0 })
    }

    /// What the last load applied.
    pub fn applied(&self) -> Option<&Applied> {
        self.applied.as_ref()
    }

    /// The journey of a packet, see [`Lab::journey`].
    pub fn journey(&self, network: &[u8], ethernet: [u8; 14]) -> Option<Vec<Stop>> {
        self.lab.journey(network, ethernet)
    }

    /// How many frames came past XDP since the ruleset was loaded, ARP apart.
    ///
    /// # Errors
    /// [`OursError`].
    pub fn past_xdp(&mut self) -> Result<u64, OursError> {
        self.settle()?;
        Ok(self.seen)
    }

    /// How many packets came past our filter table at INPUT, FORWARD and OUTPUT since the ruleset
    /// was loaded. The kernel's security table behind it, which holds no rules, counted them.
    ///
    /// # Errors
    /// [`OursError`].
    pub fn passed(&mut self) -> Result<u64, OursError> {
        self.settle()?;
        Ok(self.witnessed()? - self.passed_before)
    }

    fn witnessed(&self) -> Result<u64, OursError> {
        let program = legacy_program(self.lab.family, "save");
        let saved = self.lab.inside(|| run(&program, &["-c", "-t", "security"], ""));
        let saved = saved.map_err(OursError::Lab)?.map_err(OursError::Witness)?;
        let counts = parse_saved(&saved).map_err(OursError::Saved)?;
        Ok(counts.values().filter_map(|chain| chain.policy).map(|policy| policy.packets).sum())
    }

    fn settle(&mut self) -> Result<(), OursError> {
        self.unread = 0;
        self.lab.settle().map_err(OursError::Lab)?;
        let mut header = [0; 14];
        while self.tap.receive(&mut header, Duration::ZERO).map_err(OursError::Tap)?.is_some() {
            self.seen += u64::from(header[12..] != ARP);
        }
        Ok(())
    }

    /// Takes the rules away, so that no counter of theirs goes on.
    fn remove(&mut self) -> Result<(), OursError> {
        self.applied = None;
        match self.keeper.ask(Firewall::remove) {
            Err(ControlError::NothingApplied) | Ok(()) => Ok(()),
            Err(error) => Err(OursError::Control(error)),
        }
    }
}

impl Engine for Ours {
    type Error = OursError;

    fn load(&mut self, family: Family, text: &str) -> Result<(), OursError> {
        if family != self.lab.family {
            return Err(OursError::OtherFamily);
        }
        self.remove()?;
        let source = Source {
            name: "ruleset under test".to_owned(),
            ipv6: family == Family::V6,
            text: text.to_owned(),
            skip_unsupported: false,
            reject_as_drop: true,
        };
        let devices = match self.early {
            Early::No => Vec::new(),
            Early::Xdp => vec![self.lab.devices.arriving.clone()],
        };
        let request = Request { sources: vec![source], devices, confirm_within: None };
        let applied = self.keeper.ask(move |firewall| firewall.apply(&request));
        self.applied = Some(applied.map_err(OursError::Control)?);
        self.settle()?;
        self.seen = 0;
        self.passed_before = self.witnessed()?;
        Ok(())
    }

    fn run(&mut self, journey: &[Stop]) -> Result<Option<Fate>, OursError> {
        self.lab.dispatch(journey).map_err(OursError::Lab)?;
        self.unread += 1;
        if self.unread >= UNREAD_MAX {
            self.settle()?;
        }
        Ok(None)
    }

    fn counts(&mut self) -> Result<Counts, OursError> {
        self.settle()?;
        self.keeper.ask(read).map_err(OursError::Control)
    }
}

/// The counters of the rules in force.
fn read(firewall: &Firewall) -> Result<Counts, ControlError> {
    let status = firewall.status()?.ok_or(ControlError::NothingApplied)?;
    let reading = firewall.counters(&status)?;
    let mut all = Counts::new();
    for ruleset in status.description.rulesets()? {
        let family = ruleset.family;
        all.extend(compiled::counts(
            &ruleset,
            |rule| reading.rule(family, rule),
            |point| reading.policy(family, point),
        ));
    }
    Ok(all)
}

type Job = Box<dyn FnOnce(&Firewall) + Send>;

/// The thread that works on the firewall: at the lab's host, with a bpf file system of its own.
#[derive(Debug)]
struct Keeper {
    /// `None` only while it is dropped.
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    fn start(host: Netns) -> Result<Self, OursError> {
        let (jobs, todo) = channel();
        let (ready, opened) = channel();
        let thread = thread::spawn(move || keep(&host, &ready, &todo));
        opened.recv().expect("the thread answers before it ends")?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    /// Runs `job` on the thread, and waits.
    fn ask<T: Send + 'static>(&self, job: impl FnOnce(&Firewall) -> T + Send + 'static) -> T {
        let (answer, answered) = channel();
        let job: Job = Box::new(move |firewall| {
            answer.send(job(firewall)).expect("the one who asks waits for the answer");
        });
        let jobs = self.jobs.as_ref().expect("it is there until the drop");
        jobs.send(job).expect("the thread works until the drop");
        answered.recv().expect("the thread answers every job")
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.jobs.take());
        // A job that panicked has told so where it was asked for.
        let _ended = self.thread.take().map(JoinHandle::join);
    }
}

fn keep(host: &Netns, ready: &Sender<Result<(), OursError>>, todo: &Receiver<Job>) {
    let opened = open(host);
    let (firewall, answer) = match opened {
        Ok(firewall) => (Some(firewall), Ok(())),
        Err(error) => (None, Err(error)),
    };
    ready.send(answer).expect("the one who starts waits for the answer");
    let Some(firewall) = firewall else { return };
    for job in todo {
        job(&firewall);
    }
    // Whatever is left is only pinned where this thread sees it, and ends with it.
    let _removed = firewall.remove();
}

fn open(host: &Netns) -> Result<Firewall, OursError> {
    seclude().map_err(OursError::Namespace)?;
    host.enter().map_err(OursError::Namespace)?;
    mount("bpf", MOUNT_POINT, "bpf", MountFlags::empty(), None).map_err(OursError::Mount)?;
    Firewall::new(Options::default()).map_err(OursError::Control)
}

impl fmt::Display for OursError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lab(error) => error.fmt(out),
            Self::Namespace(error) => error.fmt(out),
            Self::Mount(errno) => write!(out, "cannot mount a bpf file system: {errno}"),
            Self::Device(error) => error.fmt(out),
            Self::Tap(error) => error.fmt(out),
            Self::Control(error) => error.fmt(out),
            Self::Witness(error) => error.fmt(out),
            Self::Saved(error) => error.fmt(out),
            Self::OtherFamily => write!(out, "lab is for the other address family"),
        }
    }
}

impl error::Error for OursError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Lab(error) => Some(error),
            Self::Namespace(error) => Some(error),
            Self::Mount(errno) => Some(errno),
            Self::Device(error) => Some(error),
            Self::Tap(error) => Some(error),
            Self::Control(error) => Some(error),
            Self::Witness(error) => Some(error),
            Self::Saved(error) => Some(error),
            Self::OtherFamily => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::path::Path;

    use netloom_sys::bpf::Link;

    use super::*;
    use crate::live::{View, missing};

    /// Numbers of the links that are pinned below `path`.
    fn links(path: &Path) -> Vec<u32> {
        let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
        let below = entries.flat_map(|path| match Link::pinned(&path) {
            _ if path.is_dir() => links(&path),
            Ok(link) => vec![link.facts().unwrap().id],
            Err(_) => Vec::new(),
        });
        below.collect()
    }

    #[test]
    fn a_panic_takes_the_firewall_away() {
        if let Some(reason) = missing() {
            println!("skipped: {reason}");
            return;
        }
        let mut attached = Vec::new();
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let lab = Lab::new(Family::V4, View::Arriving).unwrap();
            let mut ours = Ours::new(lab, Early::Xdp).unwrap();
            ours.load(Family::V4, "*raw\n:PREROUTING DROP [0:0]\nCOMMIT\n").unwrap();
            attached = ours.keeper.ask(|_| links(Path::new(MOUNT_POINT)));
            panic!("a test fails");
        }));
        assert!(panicked.is_err());
        assert_eq!(attached.len(), 2, "PREROUTING and XDP");
        for link in attached {
            assert_eq!(Link::by_id(link).unwrap_err().errno(), Some(Errno::NOENT));
        }
    }
}
