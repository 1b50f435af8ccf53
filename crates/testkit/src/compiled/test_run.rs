//! The compiled programs in the running kernel, on packets of `BPF_PROG_TEST_RUN`.

use std::collections::HashMap;
use std::{error, fmt};

use netloom_firewall::model::{Counters, CtStates, Family};
use netloom_firewall::{COUNTERS_MAP, COUNTERS_MAX, Point, Role, shared_maps};
use netloom_kernel::{
    LoadError, LoadOptions, NetfilterRun, RunError, Vmlinux, create_maps, load_object,
    run_netfilter,
};
use netloom_sys::bpf::{BpfError, Map, Program, UpdateMode};

use super::{Generation, GenerationError};
use crate::case::{PacketCase, PacketType};
use crate::engine::{Engine, Fate, Stop};
use crate::evaluate::Counts;

/// The kernel's test run as an engine.
pub struct TestRun {
    vmlinux: Vmlinux,
    /// Kept from ruleset to ruleset; the slots in use are cleared instead.
    counters: Map,
    loaded: Option<(Generation, Vec<Program>)>,
}

/// Why the kernel does not run a ruleset.
#[derive(Debug)]
pub enum TestRunError {
    /// It is not compiled.
    Generation(GenerationError),
    /// The kernel does not load it.
    Load(LoadError),
    /// The kernel does not run it.
    Run(RunError),
    /// The counters can not be read.
    Bpf(BpfError),
    /// A program gave neither verdict.
    Verdict(u32),
}

impl TestRun {
    /// An engine without rules.
    ///
    /// # Errors
    /// When the kernel makes no maps, mostly for want of privileges.
    pub fn new() -> Result<Self, LoadError> {
        let specs = shared_maps(COUNTERS_MAX);
        let counters = specs.iter().filter(|spec| spec.name == COUNTERS_MAP).cloned();
        let maps = create_maps(&counters.collect::<Vec<_>>(), &[])?;
        let counters = maps.into_iter().next().expect("one was asked for");
        Ok(Self { vmlinux: Vmlinux::running(), counters, loaded: None })
    }
}

/// The packet as the kernel's test run shows it: no input device, output device `lo`, no mark, no
/// connection, sent to us or to a group.
pub fn as_test_runs_see(packet: &PacketCase) -> PacketCase {
    let mut packet = packet.clone();
    packet.in_device = None;
    packet.out_device = Some("lo".into());
    packet.mark = 0;
    packet.ct = CtStates::INVALID;
    packet.ethernet = None;
    if packet.packet_type != PacketType::Multicast {
        packet.packet_type = PacketType::Host;
    }
    packet
}

impl Engine for TestRun {
    type Error = TestRunError;

    fn load(&mut self, family: Family, text: &str) -> Result<(), TestRunError> {
        let generation = Generation::new(family, text).map_err(TestRunError::Generation)?;
        let zero = vec![0; self.counters.value_bytes()];
        for slot in generation.slots.used() {
            let written = self.counters.update(&slot.to_ne_bytes(), &zero, UpdateMode::Any);
            written.map_err(TestRunError::Bpf)?;
        }
        let reuse = [(COUNTERS_MAP, &self.counters)];
        let options = LoadOptions { vmlinux: &self.vmlinux, reuse: &reuse };
        let loaded =
            load_object(&generation.compiled.object, &options).map_err(TestRunError::Load)?;
        self.loaded = Some((generation, loaded.programs));
        Ok(())
    }

    fn run(&mut self, journey: &[Stop]) -> Result<Option<Fate>, TestRunError> {
        let Some((generation, programs)) = &self.loaded else { return Ok(Some(Fate::Accepted)) };
        for Stop { hook, packet } in journey {
            for point in Point::ALL.into_iter().filter(|point| point.hook == *hook) {
                let role = Role::Chain(packet.family(), point);
                let Some(index) = generation.compiled.programs.iter().position(|one| *one == role)
                else {
                    continue;
                };
                match run_one(&programs[index], packet)? {
                    0 => return Ok(Some(Fate::Discarded)),
                    1 => {}
                    verdict => return Err(TestRunError::Verdict(verdict)),
                }
            }
        }
        Ok(Some(Fate::Accepted))
    }

    fn counts(&mut self) -> Result<Counts, TestRunError> {
        let Some((generation, _)) = &self.loaded else { return Ok(Counts::new()) };
        let word = |bytes: &[u8]| bytes.try_into().map_or(0, u64::from_ne_bytes);
        let mut values = HashMap::new();
        for slot in generation.slots.used() {
            let value = self.counters.lookup(&slot.to_ne_bytes()).map_err(TestRunError::Bpf)?;
            let cpus = value.unwrap_or_default();
            let sum = cpus.chunks_exact(16).fold(Counters::default(), |sum, cpu| Counters {
                packets: sum.packets + word(&cpu[..8]),
                bytes: sum.bytes + word(&cpu[8..]),
            });
            values.insert(slot, sum);
        }
        Ok(generation.counts(|slot| values[&slot]))
    }
}

fn run_one(program: &Program, packet: &PacketCase) -> Result<u32, TestRunError> {
    let family = match packet.family() {
        Family::V4 => netloom_kernel::Family::Ipv4,
        Family::V6 => netloom_kernel::Family::Ipv6,
    };
    // The kernel does not compare the hook with the program's. At LOCAL_OUT its test packets begin
    // with the Ethernet header, which no real packet does there.
    let hook = netloom_kernel::Hook::LocalIn;
    let mut addresses = [0; 12];
    if packet.packet_type == PacketType::Multicast {
        addresses[0] = 1;
    }
    let run = NetfilterRun { family, hook, packet: packet.network(), addresses, repeat: 1 };
    run_netfilter(program, &run).map(|run| run.verdict).map_err(TestRunError::Run)
}

impl fmt::Display for TestRunError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Generation(error) => error.fmt(out),
            Self::Load(error) => error.fmt(out),
            Self::Run(error) => error.fmt(out),
            Self::Bpf(error) => error.fmt(out),
            Self::Verdict(verdict) => write!(out, "verdict {verdict}"),
        }
    }
}

impl error::Error for TestRunError {}
