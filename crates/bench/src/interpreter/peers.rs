//! Other interpreters in Rust, given the same bytecode.
//!
//! What they borrow is never freed: it lives as long as the process, which ends after one figure.

use std::error::Error;
use std::ptr::NonNull;
use std::sync::Arc;

use netloom_abi::Object;
use netloom_isa::{Callee, Imm64, Insn, encode};
use solana_sbpf::aligned_memory::AlignedMemory;
use solana_sbpf::ebpf;
use solana_sbpf::elf::Executable;
use solana_sbpf::memory_region::{MemoryMapping, MemoryRegion};
use solana_sbpf::program::{
    BuiltinFunctionDefinition, BuiltinProgram, FunctionRegistry, SBPFVersion,
};
use solana_sbpf::vm::{Config, ContextObject, EbpfVm, ExecutionMode};

use super::contender::Runner;

/// `get_smp_processor_id`, the one helper that programs without maps call.
const PROCESSOR_ID: u32 = 8;
/// The version of solana-sbpf's dialect that has standard encodings and 32-bit jumps.
const DIALECT: SBPFVersion = SBPFVersion::V3;

/// Why a program can not run elsewhere.
const MAPS: &str = "has no maps";

/// The program in rbpf.
pub(crate) fn rbpf(object: &Object, memory: &[u8]) -> Result<Runner, String> {
    let text: &'static [u8] = encode(&insns(object)?).leak();
    let mut vm = rbpf::EbpfVmMbuff::new(Some(text)).map_err(|error| error.to_string())?;
    vm.register_helper(PROCESSOR_ID, |_, _, _, _, _| 0).map_err(|error| error.to_string())?;
    let memory = memory.to_vec();
    Ok(Box::new(move || {
        // The second memory goes to `r1`.
        vm.execute_program(&[], &memory).map_err(|error| error.to_string())
    }))
}

/// What solana-sbpf asks of its surroundings.
struct Surroundings {
    left: u64,
    mapping: MemoryMapping,
}

impl ContextObject for Surroundings {
    fn consume(&mut self, amount: u64) {
        self.left -= amount;
    }

    fn get_remaining(&self) -> u64 {
        self.left
    }

    fn active_mapping_ptr(&mut self) -> NonNull<MemoryMapping> {
        NonNull::from(&mut self.mapping)
    }
}

/// The helper that answers 0.
struct ProcessorId;

impl BuiltinFunctionDefinition<Surroundings> for ProcessorId {
    type Error = Box<dyn Error>;

    fn rust(
        _: &mut Surroundings,
        _: u64,
        _: u64,
        _: u64,
        _: u64,
        _: u64,
        _: &mut MemoryMapping,
    ) -> Result<u64, Self::Error> {
        Ok(0)
    }
}

/// The program in solana-sbpf.
pub(crate) fn sbpf(object: &Object, memory: &[u8]) -> Result<Runner, String> {
    let text = |error: solana_sbpf::error::EbpfError| error.to_string();
    let config = Config::default();
    let (stack_bytes, name) = (config.stack_size(), "processor_id");
    let mut loader = BuiltinProgram::new_loader(config.clone());
    loader.register_definition::<ProcessorId>(name).map_err(|error| error.to_string())?;
    let loader = Arc::new(loader);
    let mut insns = insns(object)?;
    for insn in &mut insns {
        if *insn == Insn::Call(Callee::Helper(PROCESSOR_ID)) {
            *insn = Insn::Call(Callee::Helper(ebpf::hash_symbol_name(name.as_bytes())));
        }
    }
    let functions = FunctionRegistry::default();
    let executable =
        Executable::from_text_bytes(&encode(&insns), loader.clone(), DIALECT, functions)
            .map_err(text)?;
    let stack = Box::leak(Box::new(AlignedMemory::<16>::zero_filled(stack_bytes)));
    let regions = vec![
        executable.get_ro_region(),
        MemoryRegion::new_writable(stack.as_slice_mut(), ebpf::MM_STACK_START),
        MemoryRegion::new_readonly(memory.to_vec().leak(), ebpf::MM_INPUT_START),
    ];
    let mapping = MemoryMapping::new(regions, &config, DIALECT).map_err(text)?;
    let surroundings = Box::leak(Box::new(Surroundings { left: u64::MAX >> 1, mapping }));
    let mut vm = EbpfVm::new(loader, DIALECT, surroundings, stack_bytes);
    vm.registers[1] = ebpf::MM_INPUT_START;
    let registers = vm.registers;
    Ok(Box::new(move || {
        vm.registers = registers;
        let (_, result) = vm.execute_program(&executable, &mut ExecutionMode::Interpreted);
        Result::from(result).map_err(|error| error.to_string())
    }))
}

/// The program's instructions, unless it has maps.
fn insns(object: &Object) -> Result<Vec<Insn>, String> {
    let program = object.programs.first().ok_or("no program")?;
    let has_map = |insn: &Insn| matches!(insn, Insn::LoadImm64 { value, .. } if !matches!(value, Imm64::Value(_)));
    if program.insns.iter().any(has_map) { Err(MAPS.into()) } else { Ok(program.insns.clone()) }
}
