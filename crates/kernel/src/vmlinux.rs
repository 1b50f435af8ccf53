//! This machine's structures and functions, from the kernel's own type information.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use netloom_abi::{FieldAt, Layout};
use netloom_btf::{Btf, Kind, ParseError};
use netloom_sys::Errno;

/// Where the kernel offers its type information.
const PATH: &str = "/sys/kernel/btf/vmlinux";

/// The running kernel's layout; read and parsed at the first question.
#[derive(Debug)]
pub struct Vmlinux {
    path: PathBuf,
    btf: OnceLock<Result<Btf, VmlinuxError>>,
}

/// Why the kernel's type information can not be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VmlinuxError {
    /// It can not be read; `ENOENT` on kernels built without it.
    Read {
        /// Where it was looked for.
        path: PathBuf,
        /// Why.
        errno: Errno,
    },
    /// It is damaged.
    Parse {
        /// Where it was read.
        path: PathBuf,
        /// What is wrong with it.
        source: ParseError,
    },
}

impl Vmlinux {
    /// That of the running kernel. Nothing is read yet.
    pub fn running() -> Self {
        Self::at(Path::new(PATH))
    }

    /// That in a file, for tests and other machines. Nothing is read yet.
    pub fn at(path: &Path) -> Self {
        Self { path: path.to_owned(), btf: OnceLock::new() }
    }

    /// The types themselves.
    ///
    /// # Errors
    /// [`VmlinuxError`], the same at each call.
    pub fn btf(&self) -> Result<&Btf, VmlinuxError> {
        self.btf.get_or_init(|| self.read()).as_ref().map_err(Clone::clone)
    }

    fn read(&self) -> Result<Btf, VmlinuxError> {
        let bytes = std::fs::read(&self.path).map_err(|error| VmlinuxError::Read {
            path: self.path.clone(),
            errno: Errno::from_io_error(&error).unwrap_or(Errno::IO),
        })?;
        Btf::parse(&bytes).map_err(|source| VmlinuxError::Parse { path: self.path.clone(), source })
    }
}

impl Layout for Vmlinux {
    fn kfunc(&self, name: &str) -> Option<u32> {
        self.btf().ok()?.func(name).map(|id| id.0)
    }

    fn structure(&self, name: &str) -> Option<u32> {
        self.btf().ok()?.find(name, Kind::Struct).map(|id| id.0)
    }

    /// An array counts as one field of its whole size.
    fn field(&self, structure: &str, path: &str) -> Option<FieldAt> {
        let btf = self.btf().ok()?;
        // The kernel's type information holds some structures twice, one only declared in part.
        btf.find_all(structure, Kind::Struct).find_map(|id| {
            let member = btf.member_path(id, path).ok()?;
            let bit_size = match member.bit_size {
                0 => u32::try_from(btf.size_of(member.type_id).ok()?.checked_mul(8)?).ok()?,
                bits => bits.into(),
            };
            Some(FieldAt { bit_offset: member.bit_offset, bit_size })
        })
    }
}

impl fmt::Display for VmlinuxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read { path, errno } => {
                write!(f, "cannot read the kernel's type information {}: {errno}", path.display())
            }
            Self::Parse { path, source } => {
                write!(f, "cannot use the kernel's type information {}: {source}", path.display())
            }
        }
    }
}

impl std::error::Error for VmlinuxError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Read { .. } => None,
            Self::Parse { source, .. } => Some(source),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The running kernel's, unless it has none.
    fn running() -> Option<Vmlinux> {
        let vmlinux = Vmlinux::running();
        match vmlinux.btf() {
            Ok(_) => Some(vmlinux),
            Err(error) => {
                println!("ran 0, skipped 1: {error}");
                None
            }
        }
    }

    #[test]
    fn fields_the_firewall_reads_are_found() {
        let Some(vmlinux) = running() else { return };
        let at = |structure, path| vmlinux.field(structure, path).unwrap();
        assert_eq!(at("bpf_nf_ctx", "state"), FieldAt { bit_offset: 0, bit_size: 64 });
        assert_eq!(at("bpf_nf_ctx", "skb"), FieldAt { bit_offset: 64, bit_size: 64 });
        assert_eq!(at("nf_hook_state", "hook").bit_size, 8);
        assert_eq!(at("sk_buff", "len").bit_size, 32);
        assert_eq!(at("sk_buff", "pkt_type").bit_size, 3);
        assert_eq!(at("sk_buff", "_nfct").bit_size, 64);
        assert_eq!(at("net_device", "name").bit_size, 16 * 8);
        assert_eq!(at("net_device", "ifindex").bit_size, 32);
        assert_eq!(at("nf_conn", "status").bit_size, 64);
    }

    #[test]
    fn a_path_goes_through_a_structure_held_by_value() {
        let Some(vmlinux) = running() else { return };
        let outer = vmlinux.field("sock", "__sk_common").unwrap();
        let inner = vmlinux.field("sock_common", "skc_family").unwrap();
        let path = vmlinux.field("sock", "__sk_common.skc_family").unwrap();
        assert_eq!(path.bit_offset, outer.bit_offset + inner.bit_offset);
        assert_eq!(path.bit_size, 16);
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        let Some(vmlinux) = running() else { return };
        assert!(vmlinux.kfunc("bpf_rdonly_cast").is_some());
        assert_eq!(vmlinux.kfunc("netloom_no_such_function"), None);
        assert_eq!(vmlinux.structure("netloom_no_such_structure"), None);
        assert_eq!(vmlinux.field("sk_buff", "netloom"), None);
    }

    #[test]
    fn a_missing_or_damaged_file_is_named() {
        let absent = Vmlinux::at(Path::new("/nonexistent"));
        assert!(matches!(absent.btf(), Err(VmlinuxError::Read { errno: Errno::NOENT, .. })));
        assert_eq!(absent.structure("sk_buff"), None);
        let damaged = Vmlinux::at(Path::new("/proc/self/status"));
        assert!(matches!(damaged.btf(), Err(VmlinuxError::Parse { .. })));
    }
}
