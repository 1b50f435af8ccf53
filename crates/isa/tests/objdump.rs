//! Disassembly of compiled objects equals `llvm-objdump`'s, and LLVM assembles our pseudo-C to our
//! bytes. Uses every LLVM from 14 on that is installed.

mod random;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use arbtest::arbitrary::Unstructured;
use netloom_isa::{Callee, Imm64, Insn, Syntax, decode, encode};

const SOURCES: [&str; 5] = ["arithmetic", "memory", "branches", "calls", "atomics"];
const CPUS: [&str; 4] = ["v1", "v2", "v3", "v4"];

/// How to ask `llvm-objdump` for each form.
const FORMS: [(bool, bool, [&str; 2]); 3] = [
    (false, false, ["--mcpu=v1", "--no-print-imm-hex"]),
    (true, false, ["--mattr=+alu32", "--no-print-imm-hex"]),
    (true, true, ["--mattr=+alu32", "--print-imm-hex"]),
];

/// One installed LLVM.
struct Llvm {
    version: u32,
    clang: PathBuf,
    objdump: PathBuf,
}

impl Llvm {
    fn installed() -> Vec<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let find = |name: String| {
            std::env::split_paths(&path).map(|dir| dir.join(&name)).find(|file| file.exists())
        };
        (14..=30)
            .filter_map(|version| {
                let clang = find(format!("clang-{version}"))?;
                let objdump = find(format!("llvm-objdump-{version}"))?;
                Some(Self { version, clang, objdump })
            })
            .collect()
    }

    fn compile(&self, source: &Path, object: &Path, flags: &[&str]) -> Result<(), String> {
        let output = Command::new(&self.clang)
            .args(["--target=bpfel", "-O2", "-c", "-o"])
            .arg(object)
            .arg(source)
            .args(flags)
            .output()
            .expect("clang runs");
        if output.status.success() {
            Ok(())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }

    /// Bytes and text of each instruction in an object's code.
    fn disassemble(&self, object: &Path, flags: &[&str]) -> Vec<(Vec<u8>, String)> {
        let output = Command::new(&self.objdump)
            .arg("-d")
            .args(flags)
            .arg(object)
            .output()
            .expect("llvm-objdump runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text").lines().filter_map(parse_line).collect()
    }
}

/// One line: slot number, bytes, text, with tabs between them.
fn parse_line(line: &str) -> Option<(Vec<u8>, String)> {
    let (_, rest) = line.split_once(":\t")?;
    let (hex, text) = rest.split_once('\t')?;
    let bytes = hex.split_whitespace().map(|byte| u8::from_str_radix(byte, 16));
    // The name of a jump's target is not part of the instruction.
    let text = text.trim_end();
    let target = if text.ends_with('>') { text.rfind(" <") } else { None };
    let text = &text[..target.unwrap_or(text.len())];
    Some((bytes.collect::<Result<_, _>>().expect("hexadecimal"), text.to_owned()))
}

fn workspace_of(test: &str) -> PathBuf {
    let dir = std::env::temp_dir().join(format!("netloom-isa-{test}-{}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("a temporary folder");
    dir
}

#[test]
fn disassembly_of_objects_equals_llvm_objdump() {
    let (mut ran, mut skipped) = (0, Vec::new());
    let dir = workspace_of("objdump");
    for llvm in Llvm::installed() {
        for name in SOURCES {
            for cpu in CPUS {
                match check_object(&llvm, &dir, name, cpu) {
                    Ok(count) => ran += count,
                    Err(reason) => {
                        skipped.push(format!("clang-{} {cpu} {name}: {reason}", llvm.version));
                    }
                }
            }
        }
    }
    std::fs::remove_dir_all(&dir).expect("own folder");
    println!("ran {ran} instructions; not for this clang: {skipped:?}");
    if Llvm::installed().is_empty() {
        println!("skipped all: no clang-14 or later with its llvm-objdump is installed");
    } else {
        assert!(ran > 3_000, "only {ran} instructions were compared");
    }
}

fn check_object(llvm: &Llvm, dir: &Path, name: &str, cpu: &str) -> Result<usize, String> {
    if cpu == "v4" && llvm.version < 18 {
        return Err("this clang does not know the cpu".to_owned());
    }
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/objects/{name}.c"));
    let object = dir.join(format!("{name}-{cpu}-{}.o", llvm.version));
    let fetch = if cpu >= "v3" { "-DWITH_FETCH=1" } else { "-DWITH_FETCH=0" };
    llvm.compile(&source, &object, &[&format!("-mcpu={cpu}"), fetch])?;
    let mut compared = 0;
    for (alu32, hex, flags) in FORMS {
        if !alu32 && name == "atomics" && cpu >= "v3" {
            // Without `alu32` LLVM takes a 32-bit fetch-and-add for one without result.
            continue;
        }
        for (bytes, theirs) in llvm.disassemble(&object, &flags) {
            let insns = decode(&bytes).unwrap_or_else(|error| panic!("{theirs}: {error}"));
            assert_eq!(encode(&insns), bytes, "{theirs}");
            if theirs == "<unknown>" {
                continue;
            }
            let ours = insns[0].text(Syntax::Objdump { alu32, hex }).to_string();
            assert_eq!(ours, theirs, "{name} {cpu} llvm {} {flags:?}", llvm.version);
            compared += 1;
        }
    }
    Ok(compared)
}

/// Whether LLVM's assembler has a spelling for the instruction, and it is ours.
fn llvm_spells(insn: &Insn) -> bool {
    match insn {
        Insn::LoadImm64 { value, .. } => matches!(value, Imm64::Value(_)),
        Insn::Call(callee) => matches!(callee, Callee::Helper(_) | Callee::Reg(_)),
        Insn::LoadPacket { index, imm, .. } => index.is_none() || *imm == 0,
        // LLVM refuses longer distances, though it has an encoding for them.
        Insn::Jump { off, .. } => i16::try_from(*off).is_ok(),
        Insn::AddrPercpu { .. } => false,
        Insn::Alu { .. }
        | Insn::Neg { .. }
        | Insn::MovSx { .. }
        | Insn::Endian { .. }
        | Insn::AddrSpaceCast { .. }
        | Insn::Load { .. }
        | Insn::Store { .. }
        | Insn::Atomic { .. }
        | Insn::LoadAcquire { .. }
        | Insn::StoreRelease { .. }
        | Insn::JumpIf { .. }
        | Insn::JumpReg { .. }
        | Insn::MayGoto { .. }
        | Insn::Exit => true,
    }
}

#[test]
#[ignore = "needs clang 20 or later"]
fn llvm_assembles_our_pseudo_c_to_our_bytes() {
    let Some(llvm) = Llvm::installed().into_iter().find(|llvm| llvm.version >= 20) else {
        println!("skipped: no clang-20 or later with its llvm-objdump is installed");
        return;
    };
    let seed: Vec<u8> =
        (0..200_000u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let mut u = Unstructured::new(&seed);
    let mut insns = Vec::new();
    while insns.len() < 5_000 && !u.is_empty() {
        let insn = random::insn(&mut u).expect("bytes are left");
        if llvm_spells(&insn) {
            insns.push(insn);
        }
    }
    let mut source = String::new();
    for insn in &insns {
        writeln!(source, "{insn}").expect("a string grows");
    }
    let dir = workspace_of("assemble");
    let (assembly, object) = (dir.join("random.s"), dir.join("random.o"));
    std::fs::write(&assembly, source).expect("a temporary file");
    llvm.compile(&assembly, &object, &["-mcpu=v4"]).expect("LLVM assembles our text");
    let theirs = llvm.disassemble(&object, &["--mattr=+alu32"]);
    std::fs::remove_dir_all(&dir).expect("own folder");
    assert_eq!(theirs.len(), insns.len());
    for (insn, (bytes, text)) in insns.iter().zip(theirs) {
        assert_eq!(encode(&[*insn]), bytes, "{insn} is {text}");
        let ours = insn.text(Syntax::Objdump { alu32: true, hex: true }).to_string();
        assert_eq!(ours, text);
    }
}
