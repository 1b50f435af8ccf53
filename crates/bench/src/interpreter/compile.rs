//! C to an object, by clang, and the reading of what it writes.

use std::fs;
use std::path::{Path, PathBuf};

use netloom_abi::{AttachType, MapSpec, Object, ProgramType};
use netloom_isa::{Imm64, Insn, Pc, decode, numbered};
use netloom_object::Target;

use super::program::Program;
use crate::command;
use crate::error::BenchError;

/// What makes bytecode of cpu version 3, which clang 14 and all contenders know.
const TARGET: [&str; 8] = ["-target", "bpf", "-mcpu=v3", "-O2", "-x", "c", "-c", "-"];

/// The compiler's name for itself.
pub(crate) fn version() -> Result<String, BenchError> {
    let text = command::run("clang", &["--version"], "")?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

/// The program as an object.
pub(crate) fn object(program: &Program) -> Result<Object, BenchError> {
    let folder = Folder::new()?;
    let path = folder.0.join("program.o");
    let mut arguments = TARGET.to_vec();
    let name = path.to_string_lossy();
    arguments.extend(["-o", &name]);
    command::run("clang", &arguments, program.source)?;
    let bytes = fs::read(&path).map_err(|error| BenchError::File { path: path.clone(), error })?;
    let insns = read(&bytes, program)
        .ok_or_else(|| BenchError::Malformed { what: format!("object of {}", program.title) })?;
    let maps = program.maps.iter().map(|&(name, kind, key_size, value_size, max_entries)| {
        MapSpec::new(name, kind, key_size, value_size, max_entries)
    });
    let program = netloom_abi::Program {
        name: "run".to_owned(),
        kind: ProgramType::SocketFilter,
        attach: AttachType::NONE,
        license: "GPL".to_owned(),
        insns,
        functions: vec![],
        relocs: vec![],
    };
    Ok(Object { maps: maps.collect(), programs: vec![program] })
}

/// The instructions of an object's text, its first function the program, with maps by index.
fn read(bytes: &[u8], program: &Program) -> Option<Vec<Insn>> {
    let file = netloom_object::read(bytes).ok()?;
    let text = file.code.first()?;
    if text.name_at(Pc(0)) != Some("run") {
        return None;
    }
    let mut insns = decode(text.bytes).ok()?;
    for relocation in &text.relocations {
        let Target::Extern { name, .. } = relocation.target else { return None };
        let map = program.maps.iter().position(|(known, ..)| *known == name)?;
        let at = numbered(&insns).position(|(here, _)| here == relocation.pc)?;
        let insn = insns.get_mut(at)?;
        let Insn::LoadImm64 { dst, .. } = *insn else { return None };
        *insn = Insn::LoadImm64 { dst, value: Imm64::MapIndex(u32::try_from(map).ok()?) };
    }
    Some(insns)
}

/// A folder of our own that is gone when this is.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self, BenchError> {
        use std::sync::atomic::{AtomicU32, Ordering};
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("netloom-bench-{}-{count}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).map_err(|error| BenchError::File { path: path.clone(), error })?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let folder: &Path = &self.0;
        // Nothing depends on its being gone.
        drop(fs::remove_dir_all(folder));
    }
}

#[cfg(test)]
pub(crate) mod native {
    //! The same source as native code.

    use std::io::Write;
    use std::process::{Command, Stdio};

    use super::{Folder, Program};
    use crate::command;
    use crate::error::BenchError;

    /// What a program without maps gives as native code.
    pub(crate) fn result(program: &Program, memory: &[u8]) -> Result<u64, BenchError> {
        const MAIN: &str = r#"
            #include <stdio.h>
            static unsigned char memory[4096];
            int main(void) {
                fread(memory, 1, sizeof memory, stdin);
                printf("%llu\n", run((void *)memory));
            }"#;
        // A helper's number is no address of native code.
        let source = program.source.replace("(void *)8;", "native_processor_id;");
        let stub = "static unsigned native_processor_id(void) { return 0; }\n";
        let folder = Folder::new()?;
        let path = folder.0.join("program");
        let name = path.to_string_lossy();
        let source = format!("{stub}{source}{MAIN}");
        command::run("clang", &["-O2", "-w", "-x", "c", "-", "-o", &name], &source)?;
        let start = |error| BenchError::Start { program: "the native program", error };
        let mut native = Command::new(&path);
        let mut child =
            native.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(start)?;
        child.stdin.take().expect("a pipe").write_all(memory).map_err(start)?;
        let output = child.wait_with_output().map_err(start)?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.trim().parse().or(Err(BenchError::Malformed { what: format!("native result {text}") }))
    }
}
