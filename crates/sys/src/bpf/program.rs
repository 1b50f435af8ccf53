//! Programs and their type information.

use std::ffi::CString;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;

use netloom_abi::{AttachType, ProgramType};
use rustix::io::Errno;

use super::attr::ProgLoad;
use super::call::{self, IdSpace, LoadMemory};
use super::error::{BpfError, kernel, name16, text16};
use super::operation::Operation;
use super::pin::{self, PinKind};

/// Bytes of a record in [`ProgramLoad::func_info`]: the function's first slot and its type id.
pub const FUNC_INFO_BYTES: u32 = 8;

/// A loaded program.
#[derive(Debug)]
pub struct Program {
    fd: OwnedFd,
    name: String,
}

/// What the kernel says about a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramFacts {
    /// Its number on this machine.
    pub id: u32,
    /// Its type (`enum bpf_prog_type`).
    pub kind: u32,
    /// Hash of its instructions.
    pub tag: [u8; 8],
    /// Its name.
    pub name: String,
    /// Instructions the verifier went through.
    pub verified_insns: u32,
    /// Bytes of machine code, 0 when it is interpreted.
    pub jited_bytes: u32,
    /// Time it ran, where the kernel counts it.
    pub run_time_ns: u64,
    /// Times it ran, where the kernel counts them.
    pub run_count: u64,
}

/// Type information in the kernel.
#[derive(Debug)]
pub struct TypeInfo(OwnedFd);

/// How much the verifier is to tell (`log_level`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum LogDetail {
    /// Every instruction on the way to a refusal, and its reason.
    Steps = 1,
    /// Every instruction of any program, with the state after it.
    States = 2,
    /// Only the reason and the figures.
    Figures = 4,
}

/// Everything a load needs.
#[derive(Clone, Copy, Debug)]
pub struct ProgramLoad<'a> {
    /// At most 15 bytes of `[A-Za-z0-9_.]`.
    pub name: &'a str,
    /// What runs it.
    pub kind: ProgramType,
    /// Where it will be attached.
    pub attach: AttachType,
    /// Licence string.
    pub license: &'a str,
    /// Whole slots of 8 bytes.
    pub insns: &'a [u8],
    /// Type information that `func_info` refers to.
    pub types: Option<&'a TypeInfo>,
    /// Records of [`FUNC_INFO_BYTES`].
    pub func_info: &'a [u8],
    /// What the indices in the instructions mean.
    pub fds: &'a [BorrowedFd<'a>],
}

/// A load with the verifier's words about it.
#[derive(Debug)]
pub struct LoadOutcome {
    /// The program, or the refusal. `ENOSPC` can mean that the log was longer than its room; newer
    /// kernels then keep its end, older ones its beginning.
    pub result: Result<Program, BpfError>,
    /// The verifier's log, empty if none was asked for.
    pub log: String,
}

impl Program {
    /// Loads a program without a log.
    ///
    /// # Errors
    /// The kernel's refusal; [`BpfError::Name`] for a name or licence it can not take.
    pub fn load(load: &ProgramLoad<'_>) -> Result<Self, BpfError> {
        Self::load_into(load, LogDetail::Figures, &mut [])
    }

    /// Loads a program with room for a log of `log_bytes` bytes.
    pub fn load_logged(load: &ProgramLoad<'_>, detail: LogDetail, log_bytes: usize) -> LoadOutcome {
        let mut log = vec![0; log_bytes];
        let result = Self::load_into(load, detail, &mut log);
        LoadOutcome { result, log: log_text(log) }
    }

    fn load_into(
        load: &ProgramLoad<'_>,
        detail: LogDetail,
        log: &mut [u8],
    ) -> Result<Self, BpfError> {
        let operation = Operation::ProgLoad;
        let license = CString::new(load.license)
            .ok()
            .ok_or_else(|| BpfError::Name { operation, object: load.license.to_owned() })?;
        let attr = ProgLoad {
            prog_type: load.kind as u32,
            expected_attach_type: load.attach as u32,
            prog_name: name16(operation, load.name)?,
            prog_btf_fd: load.types.map_or(0, |types| call::raw(types.0.as_fd())),
            log_level: detail as u32,
            ..ProgLoad::default()
        };
        let fds: Vec<_> = load.fds.iter().map(AsRawFd::as_raw_fd).collect();
        let memory = LoadMemory {
            insns: load.insns,
            license: &license,
            func_info: load.func_info,
            func_info_record: FUNC_INFO_BYTES,
            fds: &fds,
            log,
        };
        let fd = call::prog_load(attr, memory).map_err(kernel(operation, load.name))?;
        Ok(Self { fd, name: load.name.to_owned() })
    }

    /// Opens the program pinned at `path`.
    ///
    /// # Errors
    /// When nothing is there, or something else.
    pub fn pinned(path: &Path) -> Result<Self, BpfError> {
        let fd = pin::open_as(path, PinKind::Program, "program")?;
        Ok(Self::from_fd(fd, path.display().to_string()))
    }

    /// Opens a program by its number.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn by_id(id: u32) -> Result<Self, BpfError> {
        let name = id.to_string();
        let fd = call::open_id(IdSpace::Program, id).map_err(kernel(Operation::ProgById, &name))?;
        Ok(Self::from_fd(fd, name))
    }

    pub(super) fn from_fd(fd: OwnedFd, name: String) -> Self {
        Self { fd, name }
    }

    /// A second handle of the same program.
    ///
    /// # Errors
    /// When the process has no descriptor left.
    pub fn try_clone(&self) -> Result<Self, BpfError> {
        let fd = pin::duplicate(self.as_fd(), &self.name)?;
        Ok(Self { fd, name: self.name.clone() })
    }

    /// The name, path or number by which messages call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the kernel says about it now.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn facts(&self) -> Result<ProgramFacts, BpfError> {
        let answer =
            call::program_info(self.as_fd()).map_err(kernel(Operation::Info, &self.name))?;
        Ok(ProgramFacts {
            id: answer.id,
            kind: answer.kind,
            tag: answer.tag,
            name: text16(&answer.name),
            verified_insns: answer.verified_insns,
            jited_bytes: answer.jited_prog_len,
            run_time_ns: answer.run_time_ns,
            run_count: answer.run_cnt,
        })
    }

    /// Gives the program the new path `path` below a bpf file system.
    ///
    /// # Errors
    /// The kernel's refusal; `EEXIST` when the path is taken.
    pub fn pin(&self, path: &Path) -> Result<(), BpfError> {
        pin::pin(self, path)
    }
}

impl TypeInfo {
    /// Loads a BTF blob that belongs to `name`. The second part is the kernel's log of a refusal.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn load(name: &str, blob: &[u8]) -> Result<Self, (BpfError, String)> {
        let operation = Operation::BtfLoad;
        match call::btf_load(blob, &mut []) {
            Ok(fd) => Ok(Self(fd)),
            Err(Errno::PERM) => Err((kernel(operation, name)(Errno::PERM), String::new())),
            Err(errno) => {
                let mut log = vec![0; 1 << 16];
                match call::btf_load(blob, &mut log) {
                    Ok(fd) => Ok(Self(fd)),
                    Err(_) => Err((kernel(operation, name)(errno), log_text(log))),
                }
            }
        }
    }
}

impl AsFd for TypeInfo {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsFd for Program {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// The text before the first zero.
fn log_text(mut log: Vec<u8>) -> String {
    log.truncate(log.iter().position(|&byte| byte == 0).unwrap_or(log.len()));
    String::from_utf8_lossy(&log).into_owned()
}
