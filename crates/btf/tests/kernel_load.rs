//! The running kernel as judge of what the builder writes, asked through a short Python script.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "functions that serve tests only")]

mod raw_text;

use std::process::Command;
use std::sync::Arc;

use netloom_btf::{Btf, Builder, Field, FuncInfo, IntEncoding, Linkage, Param, TypeId};

/// What the kernel answered: `Ok` if it took everything, else its log.
type Answer = Result<(), String>;

/// Runs the script; `None`, with the reason printed, if the kernel cannot be asked.
fn ask_kernel(parts: &[&[u8]]) -> Option<Answer> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/bpf_load.py");
    let hex = |bytes: &&[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let run = Command::new("python3").arg(script).args(parts.iter().map(hex)).output();
    match run {
        Err(error) => {
            println!("skipped: python3: {error}");
            None
        }
        Ok(output) if output.status.code() == Some(3) => {
            println!("skipped: bpf(2) is not permitted");
            None
        }
        Ok(output) => {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            Some(if text == "accepted\n" { Ok(()) } else { Err(text) })
        }
    }
}

/// Every kind the builder writes, in a form the kernel should take.
fn every_kind() -> Vec<u8> {
    let mut builder = Builder::new();
    let int = builder.int("unsigned int", 4, IntEncoding::Unsigned);
    let wide = builder.int("__int128", 16, IntEncoding::Signed);
    builder.int("char", 1, IntEncoding::Char);
    builder.int("_Bool", 1, IntEncoding::Bool);
    let node = builder.next_id();
    let next = TypeId(node.0 + 1);
    let fields = [
        Field::at_byte("next", next, 0),
        Field { name: "bits", type_id: int, bit_offset: 64, bit_size: 3 },
        Field { name: "more", type_id: int, bit_offset: 67, bit_size: 29 },
        Field::at_byte("wide", wide, 16),
    ];
    builder.structure("node", 32, &fields);
    builder.ptr(node);
    let array = builder.array(int, int, 2);
    let either = [Field::at_byte("word", int, 0), Field::at_byte("words", array, 0)];
    builder.union("", 8, &either);
    let constant = builder.constant(node);
    builder.typedef("node_t", constant);
    let forward = builder.fwd("elsewhere", false);
    builder.fwd("elsewhere_too", true);
    let tagged = builder.type_tag("rcu", forward);
    let tagged = builder.ptr(tagged);
    let params = [Param { name: "node", type_id: next }, Param { name: "other", type_id: tagged }];
    let proto = builder.func_proto(int, &params);
    let func = builder.func("walk", proto, Linkage::Global);
    builder.func("walk_here", proto, Linkage::Static);
    builder.decl_tag("arg:nonnull", func, Some(0));
    builder.decl_tag("whole", node, None);
    builder.finish().unwrap()
}

#[test]
fn the_kernel_takes_every_kind_the_builder_writes() {
    let blob = every_kind();
    let Some(answer) = ask_kernel(&[&blob]) else { return };
    assert_eq!(answer, Ok(()));

    // The judge can say no: a struct whose members reach beyond its size.
    let mut builder = Builder::new();
    let int = builder.int("int", 4, IntEncoding::Signed);
    builder.structure("short", 4, &[Field::at_byte("beyond", int, 4)]);
    let answer = ask_kernel(&[&builder.finish().unwrap()]).unwrap();
    assert!(answer.is_err_and(|log| log.contains("refused EINVAL")));
}

/// A split blob of two typedefs: `mine` of type 1, and `int_t` of the first.
fn split(base: &Btf, base_strings_bytes: u32) -> Vec<u8> {
    let (first, typedef) = (base.type_count(), 8 << 24);
    let types = [base_strings_bytes, typedef, 1, base_strings_bytes + 5, typedef, first];
    let strings = b"mine\0int_t\0";
    let mut blob = 0xeb9f_u16.to_ne_bytes().to_vec();
    blob.extend([1, 0]);
    blob.extend([24, 0, 24, 24, 11].iter().chain(&types).flat_map(|word| word.to_ne_bytes()));
    blob.extend(strings);
    blob
}

/// What `bpftool btf dump` prints for the last of the files, the others being its bases.
fn bpftool(blobs: &[&[u8]]) -> Option<String> {
    let folder = std::env::temp_dir().join(format!("netloom-btf-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let mut command = Command::new("bpftool");
    for (number, blob) in blobs.iter().enumerate() {
        let file = folder.join(format!("{}-{number}.btf", blobs.len()));
        std::fs::write(&file, blob).unwrap();
        let last = number + 1 == blobs.len();
        command.args(if last { &["btf", "dump", "file"][..] } else { &["-B"] }).arg(file);
    }
    match command.output() {
        Err(error) => {
            println!("skipped: bpftool: {error}");
            None
        }
        Ok(output) => {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            Some(String::from_utf8(output.stdout).unwrap())
        }
    }
}

#[test]
fn bpftool_reads_what_the_builder_writes_and_what_splits_from_it() {
    let blob = every_kind();
    let base = Arc::new(Btf::parse(&blob).unwrap());
    let Some(expected) = bpftool(&[&blob]) else { return };
    assert_eq!(raw_text::print(&base), expected);

    let strings_bytes = u32::from_ne_bytes(*blob[20..].first_chunk().unwrap());
    let split = split(&base, strings_bytes);
    let expected = bpftool(&[&blob, &split]).unwrap();
    let found = raw_text::print(&Btf::parse_split(&split, &base).unwrap());
    assert_eq!(found, expected);
    assert!(found.contains("TYPEDEF 'mine' type_id=1\n"), "{found}");
    let folder = std::env::temp_dir().join(format!("netloom-btf-{}", std::process::id()));
    std::fs::remove_dir_all(folder).unwrap();
}

/// One instruction in the wire form of RFC 9669 §3, for a little-endian machine.
fn insn(opcode: u8, registers: u8, offset: i16, imm: i32) -> [u8; 8] {
    let ([o0, o1], [i0, i1, i2, i3]) = (offset.to_le_bytes(), imm.to_le_bytes());
    [opcode, registers, o0, o1, i0, i1, i2, i3]
}

/// An XDP program that calls `int rule_mark(struct rule *rule)`, a global function which loads the
/// 32-bit word at `offset` of the struct, whose size is 8.
fn load_with_global_function(offset: i16, tag_nonnull: bool) -> Option<Answer> {
    let mut builder = Builder::new();
    let int = builder.int("int", 4, IntEncoding::Signed);
    let fields = [Field::at_byte("hits", int, 0), Field::at_byte("mark", int, 4)];
    let rule = builder.structure("rule", 8, &fields);
    let rule_ptr = builder.ptr(rule);
    let context = builder.fwd("xdp_md", false);
    let context = builder.ptr(context);
    let main = builder.func_proto(int, &[Param { name: "ctx", type_id: context }]);
    let main = builder.func("main", main, Linkage::Global);
    let mark = builder.func_proto(int, &[Param { name: "rule", type_id: rule_ptr }]);
    let mark = builder.func("rule_mark", mark, Linkage::Global);
    if tag_nonnull {
        builder.decl_tag("arg:nonnull", mark, Some(0));
    }
    let blob = builder.finish().unwrap();

    let insns = [
        insn(0x7a, 0x0a, -8, 0),     // *(u64 *)(r10 - 8) = 0
        insn(0xbf, 0xa1, 0, 0),      // r1 = r10
        insn(0x07, 0x01, 0, -8),     // r1 += -8
        insn(0x85, 0x10, 0, 1),      // call rule_mark
        insn(0x95, 0x00, 0, 0),      // exit
        insn(0x61, 0x10, offset, 0), // rule_mark: w0 = *(u32 *)(r1 + offset)
        insn(0x95, 0x00, 0, 0),      // exit
    ];
    let funcs = FuncInfo::encode(&[
        FuncInfo { insn_off: 0, type_id: main },
        FuncInfo { insn_off: 5, type_id: mark },
    ]);
    ask_kernel(&[&blob, insns.as_flattened(), &funcs])
}

#[test]
#[cfg_attr(target_endian = "big", ignore = "the instructions are written for little endian")]
fn a_global_function_is_verified_from_the_struct_it_is_given() {
    let Some(answer) = load_with_global_function(4, true) else { return };
    assert_eq!(answer, Ok(()), "a word inside the struct");

    let answer = load_with_global_function(8, true).unwrap();
    assert!(
        answer.as_ref().is_err_and(|log| log.contains("mem_size=8")),
        "a word beyond the struct: {answer:?}"
    );
    let answer = load_with_global_function(4, false).unwrap();
    assert!(
        answer.as_ref().is_err_and(|log| log.contains("mem_or_null")),
        "a pointer that may be null: {answer:?}"
    );
}
