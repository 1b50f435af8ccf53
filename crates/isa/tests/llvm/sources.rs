//! What LLVM's assembler reads, we read alike: spellings, and whole output of the compiler.

use std::ffi::OsStr;

use netloom_isa::{assemble, encode, numbered};

use crate::objects::compile;
use crate::tools::{COMPLETE, Folder, assemble_sections, disassemble, program, run, skip};

/// Spellings beyond those we print.
const SPELLINGS: &[&str] = &[
    "r1=2",
    "w1=w2",
    "r1 += -0x10",
    "r1 += 0b11",
    "r1 += 4294967295",
    "w3 = -0x7fffffff",
    "r1 = 0xffffffff",
    "r1 <<= 3; r2 = 4",
    "r1 = -1 ll",
    "r1 = 0xffffffffffffffff ll",
    "r1 = (s8) r2",
    "w1 = (s16) w2",
    "*(u8*)(r1+3)=5",
    "*(u32 *)(r1 + 0x10) = w5",
    "w1 = *(u32 *)(r2 - 0x10)",
    "r1 = *(s16*)(r2 + 2)",
    "r0 = *(u8 *)skb[0x0e]",
    "r0 = *(u32 *)skb[r6]",
    "if r1 > 0xffffffff goto +1",
    "if r1 s> r2 goto end\nend:",
    "if w1 & w2 goto -1",
    "if r1 & 7 goto 5",
    "if r1==4 goto 5",
    "goto 3",
    "goto near\nr0 = 0\nnear: exit",
    "start: r0 = 0\ngoto start",
    "gotol far\nr1 = 1 ll\nfar: exit",
    "gotol -3",
    "may_goto may\nmay: exit",
    "1: r0 = 0\nif r0 == 0 goto 1f\ngoto 1b\n1: exit",
    "gotox r3",
    "call 5",
    "callx r3",
    "lock *(u64*)(r1+0) += r2",
    "lock *(u32 *)(r1 - 8) ^= w2",
    "r0 = atomic_fetch_add((u64*)(r1+0), r0)",
    "w0 = cmpxchg32_32(r1 + 0, w0, w2)",
    "r3 = xchg_64(r1 - 8, r3)",
    "w1 = load_acquire((u8 *)(r2 + 0))",
    "store_release((u32 *)(r2 + 4), w3)",
    "r1 = addr_space_cast(r2, 0x1, 0)",
    "ld_pseudo r1, 1, 3",
    "r1 = bswap16 r1 # comment",
    "r1 = be64 r1 // comment",
    "/* two\ncomments */ r1 = le32 r1",
    "r1 s/= r2\n\n\tw1 s%= -5",
    "r1 = -r1; w1 = -w1",
    ".globl f\n.p2align 3\n.type f,@function\nf:\nexit\n.Lend:\n.size f, .Lend-f",
];

#[test]
fn spellings_that_llvm_accepts_assemble_to_its_bytes() {
    if program("llvm-mc", COMPLETE).is_none() {
        return skip("llvm-mc");
    }
    let sections = SPELLINGS.iter().zip(0..);
    let source: String = sections
        .map(|(source, number)| format!(".section s{number},\"ax\",@progbits\n{source}\n"))
        .collect();
    let theirs = assemble_sections("spellings", &source).expect("LLVM accepts them");
    let ours = assemble(&source).unwrap_or_else(|errors| panic!("{}", errors[0]));
    assert_eq!(ours.sections.len(), SPELLINGS.len());
    let starts: Vec<u32> = ours.sections.iter().map(|(_, start)| start.0).collect();
    let mut theirs = theirs.into_iter();
    for (at, source) in SPELLINGS.iter().enumerate() {
        let end = starts.get(at + 1).copied().unwrap_or(u32::MAX);
        let insns = numbered(&ours.insns).filter(|(pc, _)| (starts[at]..end).contains(&pc.0));
        for (_, insn) in insns {
            let line = theirs.next().expect("as many as ours");
            assert_eq!(encode(&[*insn]), line.bytes, "{source}");
        }
    }
}

#[test]
fn compiled_text_assembles_to_the_compiled_bytes() {
    let Some((_, clang)) = program("clang", 14) else { return skip("clang") };
    let Some((_, llc)) = program("llc", COMPLETE) else { return skip("llc") };
    let Some((_, objdump)) = program("llvm-objdump", COMPLETE) else { return skip("llvm-objdump") };
    let folder = Folder::new("compiled");
    // The other sources name variables and functions that only a linker knows.
    for name in ["arithmetic", "atomics"] {
        let code = folder.file("a.bc");
        compile(&clang, name, "v3", true, "-emit-llvm", &code).expect("clang compiles it");
        let lower = |kind, output: &str| {
            let output = folder.file(output);
            let flags = ["-march=bpfel", "-mcpu=v4", kind, "-o"].map(OsStr::new);
            run(&llc, flags.into_iter().chain([output.as_os_str(), code.as_os_str()]))
                .expect("LLVM lowers it");
            output
        };
        let object = lower("-filetype=obj", "a.o");
        let theirs: Vec<u8> = disassemble(&objdump, &object, &[])
            .into_iter()
            .flat_map(|(_, line)| line.bytes)
            .collect();
        let text = std::fs::read_to_string(lower("-filetype=asm", "a.s")).expect("text");
        let ours = assemble(&text).unwrap_or_else(|errors| panic!("{name}: {}", errors[0]));
        assert!(encode(&ours.insns) == theirs, "{name}");
    }
}
