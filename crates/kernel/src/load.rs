//! From an inert object to maps and programs in the kernel.

use std::fmt;
use std::os::fd::AsFd;

use netloom_abi::{LinkError, MapSpec, Object, Program as Source, link};
use netloom_sys::Errno;
use netloom_sys::bpf::{
    BpfError, LoadOutcome, LogDetail, Map, MapFacts, Program, ProgramLoad, TypeInfo, UpdateMode,
};

use crate::permission::Denied;
use crate::refusal::Refusal;
use crate::signature::{SignatureError, signature};
use crate::vmlinux::{Vmlinux, VmlinuxError};

/// First and largest room for a verifier log. Kernels before 6.4 keep a log's beginning, so the room
/// grows until the end is in it.
const LOG_BYTES: usize = 1 << 18;
const LOG_BYTES_MAX: usize = 1 << 24;

/// The verifier gives up with `EAGAIN` when a signal arrives; another attempt starts afresh.
const ATTEMPTS_MAX: u32 = 5;

/// What a load takes from its surroundings.
#[derive(Clone, Copy, Debug)]
pub struct LoadOptions<'a> {
    /// The machine's layout, read only if a program has relocations.
    pub vmlinux: &'a Vmlinux,
    /// Maps to take in place of the object's maps of the same name; their contents stay.
    pub reuse: &'a [(&'a str, &'a Map)],
}

/// An object in the kernel.
#[derive(Debug)]
pub struct Loaded {
    /// In the order of the object's maps.
    pub maps: Vec<Map>,
    /// In the order of the object's programs.
    pub programs: Vec<Program>,
    names: Vec<String>,
    program_names: Vec<String>,
}

/// What a map must be to hold what a program expects of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of MapSpec")]
pub struct MapShape {
    pub kind: u32,
    pub key_size: u32,
    pub value_size: u32,
    pub max_entries: u32,
    pub flags: u32,
}

/// Why an object could not be loaded. What had been created is gone again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadError {
    /// A privilege is missing.
    Denied(Denied),
    /// The kernel's type information is needed and can not be used.
    Vmlinux(VmlinuxError),
    /// A program names something that this kernel does not have.
    Link {
        /// The program.
        program: String,
        /// What is missing.
        source: LinkError,
    },
    /// A program's functions can not be described to the kernel.
    Signature {
        /// The program.
        program: String,
        /// Why.
        source: SignatureError,
    },
    /// A map given for reuse is not what the object wants.
    Reuse {
        /// The map.
        map: String,
        /// What the object wants.
        wanted: MapShape,
        /// What the map is.
        found: MapShape,
    },
    /// An initial value is not as long as the map's values.
    Initial {
        /// The map.
        map: String,
        /// The value's index.
        index: usize,
        /// Bytes of a value.
        expected: u32,
        /// Bytes of this one.
        actual: usize,
    },
    /// The verifier refuses a program.
    Refused(Refusal),
    /// A program is longer or has more paths than this kernel verifies.
    TooComplex(Refusal),
    /// Another operation failed.
    Bpf(BpfError),
}

impl Loaded {
    /// The map of this name in the object.
    pub fn map(&self, name: &str) -> Option<&Map> {
        let index = self.names.iter().position(|found| found == name)?;
        self.maps.get(index)
    }

    /// The program of this name in the object.
    pub fn program(&self, name: &str) -> Option<&Program> {
        let index = self.program_names.iter().position(|found| found == name)?;
        self.programs.get(index)
    }
}

/// Creates the object's maps with their initial values, and loads its programs.
///
/// # Errors
/// [`LoadError`]; then nothing of the object is left in the kernel.
pub fn load_object(object: &Object, options: &LoadOptions<'_>) -> Result<Loaded, LoadError> {
    let maps = create_maps(&object.maps, options.reuse)?;
    let programs = object
        .programs
        .iter()
        .map(|program| load_program(program, &maps, options.vmlinux))
        .collect::<Result<_, _>>()?;
    let names = object.maps.iter().map(|map| map.name.clone()).collect();
    let program_names = object.programs.iter().map(|program| program.name.clone()).collect();
    Ok(Loaded { maps, programs, names, program_names })
}

/// Creates maps with their initial values, or takes those of `reuse` as they are.
///
/// # Errors
/// [`LoadError::Reuse`], [`LoadError::Initial`], [`LoadError::Denied`], [`LoadError::Bpf`].
pub fn create_maps(specs: &[MapSpec], reuse: &[(&str, &Map)]) -> Result<Vec<Map>, LoadError> {
    specs
        .iter()
        .map(|spec| match reuse.iter().find(|(name, _)| *name == spec.name) {
            Some((_, map)) => take(spec, map),
            None => create(spec),
        })
        .collect()
}

fn take(spec: &MapSpec, map: &Map) -> Result<Map, LoadError> {
    let (wanted, found) = (MapShape::of_spec(spec), MapShape::of_facts(&map.facts()));
    if wanted != found {
        return Err(LoadError::Reuse { map: spec.name.clone(), wanted, found });
    }
    map.try_clone().map_err(LoadError::from)
}

fn create(spec: &MapSpec) -> Result<Map, LoadError> {
    let map = Map::create(spec)?;
    for (index, value) in spec.initial.iter().enumerate() {
        let actual = value.len();
        if u32::try_from(actual) != Ok(spec.value_size) {
            let (map, expected) = (spec.name.clone(), spec.value_size);
            return Err(LoadError::Initial { map, index, expected, actual });
        }
        let key = u32::try_from(index).unwrap_or(u32::MAX).to_ne_bytes();
        let value =
            if map.is_per_cpu() { each_cpu(value, map.value_bytes()) } else { value.clone() };
        map.update(&key, &value, UpdateMode::Any)?;
    }
    Ok(map)
}

/// The same value for every processor, each padded to 8 bytes.
fn each_cpu(value: &[u8], bytes: usize) -> Vec<u8> {
    let mut slot = value.to_vec();
    slot.resize(value.len().next_multiple_of(8), 0);
    slot.iter().copied().cycle().take(bytes).collect()
}

/// Links, encodes and loads one program; `Imm64::MapIndex(n)` in it names `maps[n]`.
///
/// # Errors
/// [`LoadError`].
pub fn load_program(
    program: &Source,
    maps: &[Map],
    vmlinux: &Vmlinux,
) -> Result<Program, LoadError> {
    let name = || program.name.clone();
    if !program.relocs.is_empty() {
        vmlinux.btf().map_err(LoadError::Vmlinux)?;
    }
    let insns =
        link(program, vmlinux).map_err(|source| LoadError::Link { program: name(), source })?;
    let signature =
        signature(program).map_err(|source| LoadError::Signature { program: name(), source })?;
    let types = match &signature {
        Some(signature) => Some(load_types(&program.name, &signature.blob)?),
        None => None,
    };
    let fds: Vec<_> = maps.iter().map(AsFd::as_fd).collect();
    load(&ProgramLoad {
        name: &program.name,
        kind: program.kind,
        attach: program.attach,
        license: &program.license,
        insns: &netloom_isa::encode(&insns),
        types: types.as_ref(),
        func_info: signature.as_ref().map_or(&[], |signature| &signature.func_info),
        fds: &fds,
    })
}

fn load_types(name: &str, blob: &[u8]) -> Result<TypeInfo, LoadError> {
    TypeInfo::load(name, blob).map_err(|(error, log)| match error.errno() {
        Some(errno) if errno != Errno::PERM => LoadError::Refused(Refusal::new(name, errno, log)),
        _ => error.into(),
    })
}

/// Without a log first: that is faster, and its answer is about the program alone.
fn load(request: &ProgramLoad<'_>) -> Result<Program, LoadError> {
    let error = match persist(|| Program::load(request), Result::as_ref) {
        Ok(program) => return Ok(program),
        Err(error) => error,
    };
    let errno = match error.errno() {
        Some(errno) if errno != Errno::PERM => errno,
        _ => return Err(error.into()),
    };
    let refusal = Refusal::new(request.name, errno, explain(request, errno));
    Err(if is_too_complex(&refusal) {
        LoadError::TooComplex(refusal)
    } else {
        LoadError::Refused(refusal)
    })
}

/// What the verifier says to the load that failed with `errno`.
fn explain(request: &ProgramLoad<'_>, errno: Errno) -> String {
    // The steps of a program that is too complex are millions of lines.
    if errno != Errno::TOOBIG {
        let mut room = LOG_BYTES;
        while room <= LOG_BYTES_MAX {
            let outcome = logged(request, LogDetail::Steps, room);
            let cut = outcome.result.err().and_then(|error| error.errno()) == Some(Errno::NOSPC);
            if !cut || Refusal::new("", errno, outcome.log.clone()).is_whole() {
                return outcome.log;
            }
            room *= 8;
        }
    }
    logged(request, LogDetail::Figures, LOG_BYTES).log
}

fn logged(request: &ProgramLoad<'_>, detail: LogDetail, room: usize) -> LoadOutcome {
    persist(|| Program::load_logged(request, detail, room), |outcome| outcome.result.as_ref())
}

/// Tries until it is not a signal that the attempt fails by.
fn persist<T>(
    mut attempt: impl FnMut() -> T,
    result: impl Fn(&T) -> Result<&Program, &BpfError>,
) -> T {
    for _ in 1..ATTEMPTS_MAX {
        let done = attempt();
        if result(&done).err().and_then(BpfError::errno) != Some(Errno::AGAIN) {
            return done;
        }
    }
    attempt()
}

/// `E2BIG` is the kernel's word for it; before 6.16 a program with too many pending branches got
/// another, so the log counts as well.
fn is_too_complex(refusal: &Refusal) -> bool {
    refusal.errno == Errno::TOOBIG
        || refusal.log.contains("too complex")
        || refusal.log.contains("BPF program is too large")
}

impl MapShape {
    fn of_spec(spec: &MapSpec) -> Self {
        Self {
            kind: spec.kind as u32,
            key_size: spec.key_size,
            value_size: spec.value_size,
            max_entries: spec.max_entries,
            flags: spec.flags,
        }
    }

    fn of_facts(facts: &MapFacts) -> Self {
        Self {
            kind: facts.kind,
            key_size: facts.key_size,
            value_size: facts.value_size,
            max_entries: facts.max_entries,
            flags: facts.flags,
        }
    }
}

impl From<BpfError> for LoadError {
    fn from(error: BpfError) -> Self {
        match Denied::from_error(&error) {
            Some(denied) => Self::Denied(denied),
            None => Self::Bpf(error),
        }
    }
}

impl fmt::Display for MapShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "type {}, key {} bytes, value {} bytes, {} entries, flags {:#x}",
            self.kind, self.key_size, self.value_size, self.max_entries, self.flags
        )
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(source) => source.fmt(f),
            Self::Vmlinux(source) => source.fmt(f),
            Self::Link { program, source } => write!(f, "cannot link program {program}: {source}"),
            Self::Signature { program, source } => {
                write!(f, "cannot load program {program}: {source}")
            }
            Self::Reuse { map, wanted, found } => {
                write!(f, "cannot reuse map {map}: it has {found}; wanted is {wanted}")
            }
            Self::Initial { map, index, expected, actual } => write!(
                f,
                "cannot fill map {map}: value {index} has {actual} bytes instead of {expected}"
            ),
            Self::Refused(refusal) => refusal.fmt(f),
            Self::TooComplex(refusal) => write!(f, "too large or complex: {refusal}"),
            Self::Bpf(source) => source.fmt(f),
        }
    }
}

impl std::error::Error for LoadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Denied(source) => Some(source),
            Self::Vmlinux(source) => Some(source),
            Self::Link { source, .. } => Some(source),
            Self::Signature { source, .. } => Some(source),
            Self::Refused(source) | Self::TooComplex(source) => Some(source),
            Self::Bpf(source) => Some(source),
            Self::Reuse { .. } | Self::Initial { .. } => None,
        }
    }
}
