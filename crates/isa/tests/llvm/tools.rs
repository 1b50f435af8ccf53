//! Runs LLVM's own programs: compiler, assembler, disassembler.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use netloom_isa::Syntax;

/// How to ask `llvm-objdump` for each form.
pub(crate) const FORMS: [(Syntax, [&str; 2]); 3] = [
    (Syntax::Objdump { alu32: false, hex: false }, ["--mcpu=v1", "--no-print-imm-hex"]),
    (Syntax::Objdump { alu32: true, hex: false }, ["--mattr=+alu32", "--no-print-imm-hex"]),
    (Syntax::Objdump { alu32: true, hex: true }, ["--mattr=+alu32", "--print-imm-hex"]),
];

/// The release from which on LLVM has every instruction of ours.
pub(crate) const COMPLETE: u32 = 22;

/// A program of some LLVM release from `first` on, the oldest there is.
pub(crate) fn program(name: &str, first: u32) -> Option<(u32, PathBuf)> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    (first..=40).find_map(|version| {
        let file = format!("{name}-{version}");
        let found = folders.iter().map(|folder| folder.join(&file)).find(|file| file.exists())?;
        Some((version, found))
    })
}

/// A folder that goes away with this value.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(test: &str) -> Self {
        let name = format!("netloom-isa-{test}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).expect("a temporary folder");
        Self(folder)
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Nothing can be done about a folder that someone else removes.
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// Runs a program and returns its output, or else what it complains about.
pub(crate) fn run(
    program: &Path,
    arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
) -> Result<String, String> {
    let output = Command::new(program).args(arguments).output().expect("the program starts");
    if output.status.success() {
        Ok(String::from_utf8(output.stdout).expect("text"))
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

/// An instruction as `llvm-objdump` shows it.
pub(crate) struct Line {
    pub(crate) bytes: Vec<u8>,
    pub(crate) text: String,
}

/// Each instruction in an object's code, by slot within its section; sections follow each other.
pub(crate) fn disassemble(objdump: &Path, object: &Path, flags: &[&str]) -> Vec<(usize, Line)> {
    let flags = ["-d", "-z"].iter().chain(flags).map(OsStr::new);
    let text = run(objdump, flags.chain([object.as_os_str()])).expect("llvm-objdump reads it");
    text.lines().filter_map(parse_line).collect()
}

/// One line: slot number, bytes, text, with tabs between them.
fn parse_line(line: &str) -> Option<(usize, Line)> {
    let (slot, rest) = line.split_once(":\t")?;
    let slot = slot.trim().parse().ok()?;
    let (hex, text) = rest.split_once('\t')?;
    let bytes = hex.split_whitespace().map(|byte| u8::from_str_radix(byte, 16));
    // The name of a jump's target is not part of the instruction.
    let text = text.trim_end();
    let target = if text.ends_with('>') { text.rfind(" <") } else { None };
    let text = text[..target.unwrap_or(text.len())].to_owned();
    Some((slot, Line { bytes: bytes.collect::<Result<_, _>>().expect("hexadecimal"), text }))
}

/// Assembles text and returns what stands at each slot of its only section.
pub(crate) fn assemble(test: &str, source: &str) -> Result<BTreeMap<usize, Line>, String> {
    Ok(assemble_numbered(test, source)?.into_iter().collect())
}

/// Assembles text and returns the instructions of all sections, one section after the other.
pub(crate) fn assemble_sections(test: &str, source: &str) -> Result<Vec<Line>, String> {
    Ok(assemble_numbered(test, source)?.into_iter().map(|(_, line)| line).collect())
}

/// The instructions as `llvm-objdump -d` prints them unasked: in the form of [`FORMS`]' last row.
fn assemble_numbered(test: &str, source: &str) -> Result<Vec<(usize, Line)>, String> {
    let folder = Folder::new(test);
    let (assembly, object) = (folder.file("a.s"), folder.file("a.o"));
    std::fs::write(&assembly, source).expect("a temporary file");
    let (_, mc) = program("llvm-mc", COMPLETE).expect("asked for before");
    let (_, objdump) = program("llvm-objdump", COMPLETE).expect("asked for before");
    let flags = ["-triple=bpfel", "-mcpu=v4", "-filetype=obj", "-o"].map(OsStr::new);
    run(&mc, flags.into_iter().chain([object.as_os_str(), assembly.as_os_str()]))?;
    Ok(disassemble(&objdump, &object, &[]))
}

/// Machine code as assembler data.
pub(crate) fn data<'a>(records: impl Iterator<Item = &'a [u8]>) -> String {
    let mut source = String::new();
    for slot in records.flat_map(|record| record.chunks(8)) {
        let number = u64::from_le_bytes(slot.try_into().expect("8 bytes"));
        writeln!(source, ".8byte {number:#x}").expect("a string grows");
    }
    source
}

/// Says why a test could not compare anything, as `cargo xtask test` understands it.
pub(crate) fn skip(program: &str) {
    println!("skipped: {program}-{COMPLETE} or later is not installed");
}
