//! Our interpreter.

use netloom_abi::{Object, ProgramType};
use netloom_vm::{Context, Cpu, Fault, Machine, Options, XdpInput};

use super::{Engine, Input, Kind, Output, Reply};
use crate::plugin::{self, PluginError};

/// Our interpreter.
#[derive(Clone, Copy, Debug, Default)]
pub struct Interpreter;

impl Engine for Interpreter {
    fn name(&self) -> &str {
        "interpreter"
    }

    fn kind(&self) -> Kind {
        Kind::Ours
    }

    fn run_bytes(&mut self, program: &[u8], memory: &[u8]) -> Reply<u64> {
        match plugin::run(program, memory) {
            Ok(result) => Reply::Result(result),
            Err(error @ PluginError::Fault(_)) => Reply::Fault(error.to_string()),
            Err(
                error @ (PluginError::Elf(_)
                | PluginError::ElfCode { .. }
                | PluginError::Decode(_)
                | PluginError::Machine(_)),
            ) => Reply::Refused(error.to_string()),
        }
    }

    fn run_object(&mut self, object: &Object, inputs: &[Input]) -> Reply<Vec<Reply<Output>>> {
        let machine = match Machine::new(object, Options::default()) {
            Ok(machine) => machine,
            Err(error) => return Reply::Refused(error.to_string()),
        };
        let Some(kind) = object.programs.first().map(|program| program.kind) else {
            return Reply::Unable("object has no program".into());
        };
        let mut cpu = Cpu::new(0);
        Reply::Result(inputs.iter().map(|input| run(&machine, &mut cpu, kind, input)).collect())
    }
}

fn run(machine: &Machine, cpu: &mut Cpu, kind: ProgramType, input: &Input) -> Reply<Output> {
    for (map, value) in machine.maps().iter().zip([&input.register_bytes(), &input.memory]) {
        if let Err(error) = map.update(&[0; 4], value, 0) {
            return Reply::Unable(format!("cannot fill map {}: {error}", map.spec().name));
        }
    }
    let mut packet = input.packet.clone();
    match result(machine, cpu, kind, &mut packet) {
        Err(fault) => Reply::Fault(fault.to_string()),
        Ok(result) => {
            let [b0, b1, b2, b3, ..] = result.to_le_bytes();
            let mut output = Output { packet, ..Output::default() };
            output.result = u32::from_le_bytes([b0, b1, b2, b3]);
            let value =
                |map: usize| machine.maps().get(map).and_then(|map| map.lookup(&[0; 4]).ok());
            output.set_registers(&value(0).unwrap_or_default());
            output.memory = value(1).unwrap_or_default();
            Reply::Result(output)
        }
    }
}

fn result(
    machine: &Machine,
    cpu: &mut Cpu,
    kind: ProgramType,
    packet: &mut [u8],
) -> Result<u64, Fault> {
    let context = if kind == ProgramType::Xdp {
        let frame = packet;
        Context::Xdp(XdpInput { frame, ingress_ifindex: 1, rx_queue_index: 0, egress_ifindex: 0 })
    } else {
        Context::Memory(packet)
    };
    machine.run(cpu, 0, context)
}
