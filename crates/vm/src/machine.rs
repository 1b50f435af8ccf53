//! An object made runnable: its maps and its programs.

use std::fmt;

use netloom_abi::{LinkError, Object, ProgramType, link};
use netloom_isa::{Insn, Pc, Reg, numbered};
use netloom_maps::{CreateError, Geometry, Map};

use crate::address::MAPS_MAX;
use crate::context::Context;
use crate::cpu::Cpu;
use crate::embed::Embedded;
use crate::engine::{Engine, Registers};
use crate::fault::{Fault, FaultKind};
use crate::input;
use crate::lower::{Code, lower};
use crate::memory::Memory;
use crate::model::ModelLayout;
use crate::op::At;

/// Most instructions of a program; the kernel verifies at most a million.
const INSNS_MAX: usize = 1 << 24;

/// The maps and programs of an object. Any number of threads may run programs at once, each with its
/// own [`Cpu`].
#[derive(Debug)]
pub struct Machine {
    maps: Vec<Map>,
    programs: Vec<Loaded>,
    cpus: u32,
    pub(crate) helpers: &'static [Embedded],
}

/// What a machine takes from its surroundings.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Number of CPUs: slots of maps per CPU.
    pub cpus: u32,
    /// Seed of hash maps. Whoever lets strangers choose keys draws it at random.
    pub hash_seed: u64,
    /// Helpers of the embedding program.
    pub helpers: &'static [Embedded],
}

/// Why an object can not be made runnable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MachineError {
    /// A map can not be made.
    Map {
        /// Its name.
        name: String,
        /// Why not.
        source: CreateError,
    },
    /// A program needs what the machine does not have.
    Link {
        /// The program's name.
        program: String,
        /// What it needs.
        source: LinkError,
    },
    /// Two maps have the same name.
    DuplicateMap {
        /// The name.
        name: String,
    },
    /// The object has more maps than the machine has addresses for.
    TooManyMaps {
        /// Their number.
        maps: usize,
    },
    /// A program is longer than the machine takes.
    TooLong {
        /// The program's name.
        program: String,
        /// Its instructions.
        insns: usize,
    },
    /// A program array names a program that the object does not have.
    NoProgram {
        /// The map's name.
        map: String,
        /// The program's index.
        program: u32,
    },
}

#[derive(Debug)]
struct Loaded {
    name: String,
    kind: ProgramType,
    insns: Vec<Insn>,
    code: Code,
}

impl Default for Options {
    fn default() -> Self {
        Self { cpus: 1, hash_seed: 0, helpers: &[] }
    }
}

impl Machine {
    /// Makes all maps of the object and links its programs.
    ///
    /// # Errors
    /// When the object is not consistent, or needs what this machine does not have.
    pub fn new(object: &Object, options: Options) -> Result<Self, MachineError> {
        if object.maps.len() > MAPS_MAX {
            return Err(MachineError::TooManyMaps { maps: object.maps.len() });
        }
        let geometry = Geometry { cpus: options.cpus, hash_seed: options.hash_seed };
        let mut maps: Vec<Map> = Vec::with_capacity(object.maps.len());
        for spec in &object.maps {
            let name = spec.name.clone();
            if maps.iter().any(|map| map.spec().name == name) {
                return Err(MachineError::DuplicateMap { name });
            }
            let map =
                Map::new(spec, geometry).map_err(|source| MachineError::Map { name, source })?;
            check_programs(&map, object)?;
            maps.push(map);
        }
        let mut programs = Vec::with_capacity(object.programs.len());
        for program in &object.programs {
            let name = program.name.clone();
            if program.insns.len() > INSNS_MAX {
                return Err(MachineError::TooLong { program: name, insns: program.insns.len() });
            }
            let insns = link(program, &ModelLayout).map_err(|source| {
                let program = name.clone();
                MachineError::Link { program, source }
            })?;
            let code = lower(&insns, maps.len(), options.helpers);
            programs.push(Loaded { name, kind: program.kind, insns, code });
        }
        Ok(Self { maps, programs, cpus: options.cpus, helpers: options.helpers })
    }

    /// Number of CPUs.
    pub fn cpus(&self) -> u32 {
        self.cpus
    }

    /// The map of this name.
    pub fn map(&self, name: &str) -> Option<&Map> {
        self.maps.iter().find(|map| map.spec().name == name)
    }

    /// All maps, in the object's order.
    pub fn maps(&self) -> &[Map] {
        &self.maps
    }

    /// The index of the program of this name.
    pub fn program(&self, name: &str) -> Option<u32> {
        let index = self.programs.iter().position(|program| program.name == name)?;
        u32::try_from(index).ok()
    }

    /// Runs a program, by its index in the object; gives its `r0`.
    ///
    /// # Errors
    /// When the program does what the kernel's verifier would have refused, or exceeds its limits.
    pub fn run(&self, cpu: &mut Cpu, program: u32, context: Context<'_>) -> Result<u64, Fault> {
        cpu.executed = 0;
        let refuse = |kind| self.fault(program, None, kind);
        let kind = self.loaded(program).ok_or_else(|| refuse(FaultKind::NoProgram))?.kind;
        if !context.suits(kind) {
            return Err(refuse(FaultKind::WrongContext));
        }
        if cpu.number() >= self.cpus {
            return Err(refuse(FaultKind::NoCpu { cpu: cpu.number() }));
        }
        let code = self.code(program).ok_or_else(|| refuse(FaultKind::NoProgram))?;
        cpu.scratch.reset();
        let scratch = &mut cpu.scratch;
        let input = input::prepare(context, &mut scratch.objects);
        let (r1, r2, skb, packet_data) = (input.r1, input.r2, input.skb, input.packet_data);
        let null_reads_zero = kind == ProgramType::Netfilter;
        let mut engine = Engine {
            registers: Registers::default(),
            memory: Memory::new(&mut scratch.stack, &self.maps, input, null_reads_zero),
            machine: self,
            buffers: &mut scratch.buffers,
            outside: &mut cpu.outside,
            program,
            code,
            at: At::default(),
            resume: 0,
            fault: None,
            kind,
            skb,
            packet_data,
            limits: cpu.limits,
            turns: cpu.limits.turns_max,
            tail_calls: 0,
            executed: 0,
            frames_used: 1,
        };
        let frame_pointer = engine.memory.frame_pointer();
        for (register, value) in [(Reg::R1, r1), (Reg::R2, r2), (Reg::R10, frame_pointer)] {
            engine.registers.set(register, value);
        }
        let result = engine.execute();
        (cpu.executed, scratch.frames_used) = (engine.executed, engine.frames_used);
        result
    }
}

impl Machine {
    pub(crate) fn code(&self, program: u32) -> Option<&Code> {
        self.loaded(program).map(|program| &program.code)
    }

    pub(crate) fn is_kind(&self, program: u32, kind: ProgramType) -> bool {
        self.loaded(program).is_some_and(|program| program.kind == kind)
    }

    /// A fault of the program's instruction at a slot; `None` before the first one.
    pub(crate) fn fault(&self, program: u32, slot: Option<usize>, kind: FaultKind) -> Fault {
        let loaded = self.loaded(program);
        let pc = slot.and_then(|slot| u32::try_from(slot).ok()).map(Pc);
        let insn = pc.and_then(|pc| {
            let (_, insn) = numbered(&loaded?.insns).find(|(here, _)| *here == pc)?;
            Some(*insn)
        });
        let name = loaded.map(|program| program.name.clone()).unwrap_or_default();
        Fault { program, name, pc: pc.unwrap_or_default(), insn, kind }
    }

    fn loaded(&self, program: u32) -> Option<&Loaded> {
        self.programs.get(program as usize)
    }
}

/// Checks that the initial entries of a program array are programs of the object.
fn check_programs(map: &Map, object: &Object) -> Result<(), MachineError> {
    let Some(programs) = map.programs() else { return Ok(()) };
    for index in 0..map.spec().max_entries {
        match programs.program(index) {
            Some(program) if program as usize >= object.programs.len() => {
                return Err(MachineError::NoProgram { map: map.spec().name.clone(), program });
            }
            Some(_) | None => {}
        }
    }
    Ok(())
}

impl fmt::Display for MachineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Map { name, .. } => write!(f, "map `{name}` can not be made"),
            Self::Link { program, .. } => write!(f, "program `{program}` can not be linked"),
            Self::DuplicateMap { name } => write!(f, "two maps have the name `{name}`"),
            Self::TooManyMaps { maps } => {
                write!(f, "object has {maps} maps, more than {MAPS_MAX}")
            }
            Self::TooLong { program, insns } => {
                write!(f, "program `{program}` has {insns} instructions, more than {INSNS_MAX}")
            }
            Self::NoProgram { map, program } => {
                write!(f, "program array `{map}` names program {program}, which does not exist")
            }
        }
    }
}

impl std::error::Error for MachineError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Map { source, .. } => Some(source),
            Self::Link { source, .. } => Some(source),
            Self::DuplicateMap { .. }
            | Self::TooManyMaps { .. }
            | Self::TooLong { .. }
            | Self::NoProgram { .. } => None,
        }
    }
}
