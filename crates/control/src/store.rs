//! The firewall's directory in bpffs.
//!
//! ```text
//! netloom/fw/<cookie of the network namespace>/
//!     cell  counters  log  programs  prefilters       maps
//!     hook_<chain>  xdp_<device>                      links of the dispatchers
//!     gen_<number>/                                   see `generation`
//! ```

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use netloom_firewall::{
    CELL_MAP, COUNTERS_MAP, COUNTERS_MAX, Cell, LOG_MAP, NETFILTER_PROGRAMS_MAP, XDP_PROGRAMS_MAP,
    dispatcher, shared_maps,
};
use netloom_sys::bpf::{Link, Map, UpdateMode};
use netloom_sys::{Errno, FileLock, bpffs, netns};

use crate::error::ControlError;

/// File names of the shared maps, by map name.
const MAP_FILES: [(&str, &str); 5] = [
    (CELL_MAP, "cell"),
    (COUNTERS_MAP, "counters"),
    (LOG_MAP, "log"),
    (NETFILTER_PROGRAMS_MAP, "programs"),
    (XDP_PROGRAMS_MAP, "prefilters"),
];

/// The directory of the calling thread's network namespace.
#[derive(Debug)]
pub(crate) struct Store {
    directory: PathBuf,
}

impl Store {
    /// Names the directory; nothing is made yet.
    pub(crate) fn of_current_namespace(bpffs: &Path) -> Result<Self, ControlError> {
        let cookie = netns::cookie().map_err(ControlError::Netns)?;
        Ok(Self { directory: bpffs.join("netloom").join("fw").join(cookie.to_string()) })
    }

    /// Mounts bpffs where it is absent and makes the directory of all firewalls, which stays.
    pub(crate) fn create_parent(&self, bpffs: &Path) -> Result<(), ControlError> {
        bpffs::ensure_mounted(bpffs).map_err(ControlError::Bpffs)?;
        let parent = self.parent();
        fs::create_dir_all(parent).map_err(|error| self.io(parent, error))
    }

    /// Makes the directory and the shared maps, as far as they are not there yet. The caller holds
    /// the lock.
    pub(crate) fn create(&self) -> Result<(), ControlError> {
        fs::create_dir_all(&self.directory).map_err(|error| self.io(&self.directory, error))?;
        let counters = shared_maps(COUNTERS_MAX);
        let (netfilter, xdp) = (dispatcher(Some(0)).maps, dispatcher(None).maps);
        for spec in counters.iter().chain(&netfilter).chain(&xdp) {
            let path = self.map_path(&spec.name);
            if !path.exists() {
                let map = Map::create(spec).map_err(ControlError::Bpf)?;
                map.pin(&path).map_err(ControlError::Bpf)?;
            }
        }
        Ok(())
    }

    /// Whether rules were ever applied and not removed.
    pub(crate) fn exists(&self) -> bool {
        self.map_path(CELL_MAP).exists()
    }

    /// Waits for other commands and keeps them out until the lock is dropped. It is the parent
    /// that is locked, since the directory itself may be removed and made again meanwhile.
    pub(crate) fn lock(&self) -> Result<FileLock, ControlError> {
        FileLock::take(self.parent()).map_err(ControlError::Lock)
    }

    /// Whether there may be something to lock.
    pub(crate) fn has_parent(&self) -> bool {
        self.parent().exists()
    }

    fn parent(&self) -> &Path {
        self.directory.parent().expect("the directory's path has several parts")
    }

    /// A file of the directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// The directory of a generation.
    pub(crate) fn generation_path(&self, number: u8) -> PathBuf {
        self.path(&format!("gen_{number}"))
    }

    /// Opens a shared map by its name.
    pub(crate) fn map(&self, name: &str) -> Result<Map, ControlError> {
        Map::pinned(&self.map_path(name)).map_err(ControlError::Bpf)
    }

    /// The cell; generation 0 where there is none.
    pub(crate) fn cell(&self) -> Result<Cell, ControlError> {
        if !self.exists() {
            return Ok(Cell::default());
        }
        let value = self.map(CELL_MAP)?.lookup(&[0; 4]).map_err(ControlError::Bpf)?;
        let bits = value.and_then(|value| value.try_into().ok()).map_or(0, u64::from_ne_bytes);
        Ok(Cell::from_bits(bits))
    }

    /// Puts another generation in force: one aligned store, seen by all hooks at once.
    pub(crate) fn set_cell(&self, cell: Cell) -> Result<(), ControlError> {
        let value = cell.to_bits().to_ne_bytes();
        self.map(CELL_MAP)?.update(&[0; 4], &value, UpdateMode::Any).map_err(ControlError::Bpf)
    }

    /// Names in the directory that begin with `prefix`, without it.
    pub(crate) fn names(&self, prefix: &str) -> Result<Vec<String>, ControlError> {
        let entries = match fs::read_dir(&self.directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(self.io(&self.directory, error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|error| self.io(&self.directory, error))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            names.extend(name.strip_prefix(prefix).map(str::to_owned));
        }
        names.sort();
        Ok(names)
    }

    /// Ends the attachment pinned at `path` and unpins it.
    ///
    /// Only a detach ends it at once: after the last pin is gone, the kernel takes its time.
    pub(crate) fn detach(&self, path: &Path) -> Result<(), ControlError> {
        let link = Link::pinned(path).map_err(ControlError::Bpf)?;
        match link.detach() {
            Err(error) if error.errno() != Some(Errno::NOLINK) => {
                return Err(ControlError::Bpf(error));
            }
            _ => {}
        }
        self.unpin(path)
    }

    /// Unpins a file; one that is not there is fine.
    pub(crate) fn unpin(&self, path: &Path) -> Result<(), ControlError> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(self.io(path, error)),
            _ => Ok(()),
        }
    }

    /// Removes a directory with the pins in it; one that is not there is fine.
    pub(crate) fn remove_directory(&self, path: &Path) -> Result<(), ControlError> {
        match fs::remove_dir_all(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(self.io(path, error)),
            _ => Ok(()),
        }
    }

    /// The directory itself.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// A failed file operation.
    pub(crate) fn io(&self, path: &Path, error: std::io::Error) -> ControlError {
        ControlError::Io { path: path.to_owned(), error }
    }

    fn map_path(&self, name: &str) -> PathBuf {
        let file = MAP_FILES.iter().find(|row| row.0 == name).map_or(name, |row| row.1);
        self.path(file)
    }
}
