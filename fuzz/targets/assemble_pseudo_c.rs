//! Assembler text in the syntax of LLVM and the kernel.

#![no_main]

use libfuzzer_sys::fuzz_target;
use netloom_fuzz::assembly::check_source;
use netloom_isa::Syntax;

fuzz_target!(|bytes: &[u8]| check_source(bytes, Syntax::PseudoC));
