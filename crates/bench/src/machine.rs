//! What the figures were measured on.

use std::fs;

use rustix::io::Errno;
use rustix::process::{Pid, getpriority_process, setpriority_process};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;

use crate::error::BenchError;

/// Nice values, from -20 (first) to 19.
const RECEIVER_NICE: i32 = -20;
const SENDER_NICE: i32 = -10;

/// The machine, for the head of a table.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Machine {
    /// `uname -r`.
    pub(crate) kernel: String,
    /// Instruction set.
    pub(crate) architecture: &'static str,
    /// The processor's name for itself.
    pub(crate) processor: String,
    /// Processors this process may use.
    pub(crate) processors: u32,
}

impl Machine {
    /// This one.
    pub(crate) fn current() -> Result<Self, BenchError> {
        let text = |path| fs::read_to_string(path).unwrap_or_default();
        let info = text("/proc/cpuinfo");
        let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        Ok(Self {
            kernel: text("/proc/sys/kernel/osrelease").trim().to_owned(),
            architecture: std::env::consts::ARCH,
            processor: model.map_or("unknown processor", |(_, name)| name).to_owned(),
            processors: usable()?.count(),
        })
    }
}

impl Machine {
    /// A line of a table's head.
    pub(crate) fn line(&self) -> String {
        let Self { kernel, architecture, processor, processors } = self;
        format!("machine  Linux {kernel} {architecture}, {processor}, {processors} processors")
    }
}

/// Where frames are sent and where they are received.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Places {
    /// The generator's processor.
    pub(crate) sender: usize,
    /// The receiver's processor.
    pub(crate) receiver: usize,
}

impl Places {
    /// The first processor that this process may use, or, where they are to be `apart`, the first
    /// two.
    pub(crate) fn find(apart: bool) -> Result<Self, BenchError> {
        let usable = usable()?;
        let mut numbers = (0..CpuSet::MAX_CPU).filter(|number| usable.is_set(*number));
        let first = numbers.next();
        match (first, if apart { numbers.next() } else { first }) {
            (Some(receiver), Some(sender)) => Ok(Self { sender, receiver }),
            _ => Err(BenchError::Processors { usable: usable.count() }),
        }
    }

    /// Whether they are two processors.
    pub(crate) fn are_apart(self) -> bool {
        self.sender != self.receiver
    }
}

/// Binds a receiver's thread to a processor, before all others there, the generator too: it is to
/// take frames out as they come.
pub(crate) fn bind_receiver(thread: Pid, processor: usize) -> Result<(), BenchError> {
    bind(Some(thread), processor, RECEIVER_NICE)
}

/// Runs `job` with the calling thread bound to a processor, before all ordinary threads there:
/// whoever runs in between leaves cold caches.
pub(crate) fn bound<T>(processor: usize, job: impl FnOnce() -> T) -> Result<T, BenchError> {
    let before = (usable()?, getpriority_process(None).map_err(failed)?);
    bind(None, processor, SENDER_NICE)?;
    let done = job();
    sched_setaffinity(None, &before.0).map_err(failed)?;
    setpriority_process(None, before.1).map_err(failed)?;
    Ok(done)
}

/// The time in nanoseconds a thread has spent on a processor; `path` is its directory in `/proc`.
pub(crate) fn on_cpu_ns(path: &str) -> Result<u64, BenchError> {
    let path = format!("{path}/schedstat");
    let text = fs::read_to_string(&path)
        .map_err(|error| BenchError::File { path: path.clone().into(), error })?;
    let first = text.split(' ').next().and_then(|word| word.parse().ok());
    first.ok_or(BenchError::Malformed { what: path })
}

/// The time that this thread has spent on a processor: what others do meanwhile is not counted.
#[expect(clippy::cast_precision_loss, reason = "a thread runs for less than 2^52 ns")]
pub(crate) fn processor_ns() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

fn bind(thread: Option<Pid>, processor: usize, nice: i32) -> Result<(), BenchError> {
    let mut set = CpuSet::new();
    set.set(processor);
    sched_setaffinity(thread, &set).map_err(failed)?;
    setpriority_process(thread, nice).map_err(failed)
}

fn usable() -> Result<CpuSet, BenchError> {
    sched_getaffinity(None).map_err(failed)
}

fn failed(errno: Errno) -> BenchError {
    BenchError::Affinity { errno }
}
