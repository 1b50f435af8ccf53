//! The compiled programs in the interpreter.

use std::{error, fmt};

use netloom_firewall::model::{AddrType, Counters, CtStates, Family, TableName};
use netloom_firewall::{COUNTERS_MAP, Hook, Point, Role};
use netloom_hooks::replay::vm_hook;
use netloom_vm::{
    Clock, Conntrack, Context, Cpu, Device, Fault, Machine, MachineError, NetfilterInput, Options,
    PacketType, Route,
};

use super::{Generation, GenerationError};
use crate::case::{self, PacketCase};
use crate::engine::{Engine, Fate, Stop};
use crate::evaluate::Counts;

/// `NF_DROP`.
const DROP: u64 = 0;
/// Bits of `nf_conn.status` for a translated source and destination.
const STATUS_SNAT: u64 = 1 << 4;
const STATUS_DNAT: u64 = 1 << 5;

/// The interpreter as an engine.
pub struct Interpreter {
    cpu: Cpu,
    loaded: Option<(Generation, Machine)>,
}

/// Why the interpreter does not run a ruleset.
#[derive(Debug)]
pub enum InterpreterError {
    /// It is not compiled.
    Generation(GenerationError),
    /// The object does not fit the machine.
    Machine(MachineError),
    /// A program went wrong.
    Fault(Box<Fault>),
    /// A program gave neither verdict.
    Verdict(u64),
}

impl Default for Interpreter {
    fn default() -> Self {
        Self { cpu: Cpu::new(0), loaded: None }
    }
}

impl Engine for Interpreter {
    type Error = InterpreterError;

    fn load(&mut self, family: Family, text: &str) -> Result<(), InterpreterError> {
        let generation = Generation::new(family, text).map_err(InterpreterError::Generation)?;
        let machine = Machine::new(&generation.compiled.object, Options::default())
            .map_err(InterpreterError::Machine)?;
        self.loaded = Some((generation, machine));
        Ok(())
    }

    fn run(&mut self, journey: &[Stop]) -> Result<Option<Fate>, InterpreterError> {
        let Some((generation, machine)) = &self.loaded else { return Ok(Some(Fate::Accepted)) };
        for stop in journey {
            for point in Point::ALL.into_iter().filter(|point| point.hook == stop.hook) {
                let role = Role::Chain(stop.packet.family(), point);
                let Some(index) = generation.compiled.programs.iter().position(|one| *one == role)
                else {
                    continue;
                };
                let index = u32::try_from(index).expect("a few programs");
                self.cpu.set_clock(Clock::Fixed(stop.packet.now_ns));
                match run_one(&mut self.cpu, machine, index, point, &stop.packet)? {
                    DROP => return Ok(Some(Fate::Discarded)),
                    1 => {}
                    verdict => return Err(InterpreterError::Verdict(verdict)),
                }
            }
        }
        Ok(Some(Fate::Accepted))
    }

    fn counts(&mut self) -> Result<Counts, InterpreterError> {
        let Some((generation, machine)) = &self.loaded else { return Ok(Counts::new()) };
        let map = machine.map(COUNTERS_MAP).expect("every object has counters");
        let word = |bytes: &[u8]| bytes.try_into().map_or(0, u64::from_le_bytes);
        Ok(generation.counts(|slot| {
            let value = map.lookup_percpu(&slot.to_le_bytes()).expect("the slot is in the map");
            Counters { packets: word(&value[0][..8]), bytes: word(&value[0][8..]) }
        }))
    }
}

fn run_one(
    cpu: &mut Cpu,
    machine: &Machine,
    index: u32,
    point: Point,
    packet: &PacketCase,
) -> Result<u64, InterpreterError> {
    let device = |name: &Option<String>, number| {
        name.as_ref().map(|name| {
            let mut device = Device::new(name, number).expect("the generator's names are short");
            if packet.ethernet.is_none() {
                device.hardware = 772; // ARPHRD_LOOPBACK
            }
            device
        })
    };
    let (input, output) = (device(&packet.in_device, 2), device(&packet.out_device, 3));
    let mut frame = packet.ethernet.map(Vec::from).unwrap_or_default();
    let link_bytes = u16::try_from(frame.len()).expect("14 or none");
    frame.extend_from_slice(packet.network());
    let family = match packet.family() {
        Family::V4 => netloom_vm::Family::Ipv4,
        Family::V6 => netloom_vm::Family::Ipv6,
    };
    let context = NetfilterInput {
        frame: &frame,
        link_bytes,
        family,
        hook: vm_hook(point.hook),
        in_device: input.as_ref(),
        out_device: output.as_ref(),
        mark: packet.mark,
        packet_type: packet_type(packet.packet_type),
        conntrack: if point.table == TableName::Raw {
            Conntrack::None
        } else {
            conntrack(packet.ct)
        },
        route: route(point.hook, packet),
    };
    machine
        .run(cpu, index, Context::Netfilter(&context))
        .map_err(|fault| InterpreterError::Fault(Box::new(fault)))
}

fn packet_type(kind: case::PacketType) -> PacketType {
    match kind {
        case::PacketType::Host => PacketType::Host,
        case::PacketType::Broadcast => PacketType::Broadcast,
        case::PacketType::Multicast => PacketType::Multicast,
        case::PacketType::OtherHost => PacketType::OtherHost,
        case::PacketType::Outgoing => PacketType::Outgoing,
        case::PacketType::Loopback => PacketType::Loopback,
    }
}

fn conntrack(states: CtStates) -> Conntrack {
    let flag = |state: CtStates, value| if states.intersects(state) { value } else { 0 };
    let status = flag(CtStates::SNAT, STATUS_SNAT) | flag(CtStates::DNAT, STATUS_DNAT);
    let numbers = [(CtStates::ESTABLISHED, 0), (CtStates::RELATED, 1), (CtStates::NEW, 2)];
    if states.intersects(CtStates::UNTRACKED) {
        Conntrack::Untracked
    } else {
        let known = numbers.iter().find(|(state, _)| states.intersects(*state));
        known.map_or(Conntrack::None, |(_, info)| Conntrack::Tracked { info: *info, status })
    }
}

/// The route that agrees with what the case says of the destination.
fn route(hook: Hook, packet: &PacketCase) -> Route {
    if hook == Hook::PreRouting || packet.family() == Family::V6 {
        return Route::None;
    }
    let destination: [u8; 4] = packet.network()[16..20].try_into().expect("four bytes");
    let kind = match destination {
        [0, 0, 0, 0] | [255, 255, 255, 255] => AddrType::Broadcast as u16,
        [224..=239, ..] => AddrType::Multicast as u16,
        _ => u16::try_from(packet.destination_route.0.0.trailing_zeros()).unwrap_or_default(),
    };
    Route::Ipv4 { rt_type: kind }
}

impl fmt::Display for InterpreterError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Generation(error) => error.fmt(out),
            Self::Machine(error) => error.fmt(out),
            Self::Fault(fault) => fault.fmt(out),
            Self::Verdict(verdict) => write!(out, "verdict {verdict}"),
        }
    }
}

impl error::Error for InterpreterError {}
