//! A network namespace's firewall, and the operations on it other than apply.

use std::path::PathBuf;
use std::time::Duration;

use netloom_firewall::{Cell, NETFILTER_PROGRAMS_MAP, XDP_PROGRAMS_MAP};
use netloom_kernel::Vmlinux;
use netloom_sys::bpf::Map;
use netloom_sys::netlink::{NetlinkError, release_conntrack};
use netloom_sys::{Capabilities, Capability, FileLock, wait_for_grace_period};
use rustix::time::{ClockId, clock_gettime};

use crate::counters::Reading;
use crate::error::ControlError;
use crate::generation::Description;
use crate::store::Store;

/// The nf_tables table that keeps connection tracking on.
pub(crate) const CONNTRACK_TABLE: &str = "netloom_ct";

/// Where and how to work.
#[derive(Clone, Debug)]
pub struct Options {
    /// Mount point of bpffs.
    pub bpffs: PathBuf,
    /// Whether the kernel has BPF netfilter links; `None` to find out.
    pub netfilter_links: Option<bool>,
}

/// The firewall of the calling thread's network namespace.
pub struct Firewall {
    pub(crate) store: Store,
    pub(crate) options: Options,
    pub(crate) vmlinux: Vmlinux,
}

/// What is in force.
#[derive(Clone, Debug)]
pub struct Status {
    /// The generation in force.
    pub generation: u8,
    /// What it is made of.
    pub description: Description,
    /// Time left to confirm it.
    pub unconfirmed_for: Option<Duration>,
    /// Whether there are older rules to return to.
    pub has_older: bool,
    /// Attached built-in chains, e.g. `ipv4_filter_INPUT`.
    pub chains: Vec<String>,
    /// Devices with the XDP dispatcher.
    pub devices: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self { bpffs: PathBuf::from("/sys/fs/bpf"), netfilter_links: None }
    }
}

impl Firewall {
    /// The firewall of the calling thread's network namespace; nothing is changed.
    ///
    /// # Errors
    /// [`ControlError::Netns`] when the namespace can not be told.
    pub fn new(options: Options) -> Result<Self, ControlError> {
        let store = Store::of_current_namespace(&options.bpffs)?;
        Ok(Self { store, options, vmlinux: Vmlinux::running() })
    }

    /// What is in force; `None` where no rules are.
    ///
    /// # Errors
    /// When the firewall's directory can not be read.
    pub fn status(&self) -> Result<Option<Status>, ControlError> {
        let _lock = match self.lock_existing() {
            Err(ControlError::NothingApplied) => return Ok(None),
            lock => lock?,
        };
        let cell = self.store.cell()?;
        let now = boot_ns()?;
        let generation = cell.at(now);
        let Some(description) = Description::load(&self.store, generation)? else {
            return Ok(None);
        };
        let pending = cell.deadline != 0 && generation == cell.active;
        let left = (cell.deadline << Cell::DEADLINE_SHIFT).saturating_sub(now);
        Ok(Some(Status {
            generation,
            description,
            unconfirmed_for: pending.then(|| Duration::from_nanos(left)),
            has_older: generation == cell.active && cell.fallback != cell.active,
            chains: self.store.names("hook_")?,
            devices: self.store.names("xdp_")?,
        }))
    }

    /// The counters of the rules in force.
    ///
    /// # Errors
    /// When the counters can not be read, or the description's rules not be parsed.
    pub fn counters(&self, status: &Status) -> Result<Reading, ControlError> {
        Reading::take(&self.store, status.description.slots()?)
    }

    /// Keeps the rules that wait to be confirmed.
    ///
    /// # Errors
    /// [`ControlError::NothingToConfirm`], or [`ControlError::TooLate`].
    pub fn confirm(&self) -> Result<(), ControlError> {
        let _lock = self.lock_existing()?;
        let cell = self.store.cell()?;
        if cell.deadline == 0 {
            return Err(ControlError::NothingToConfirm);
        }
        if cell.at(boot_ns()?) != cell.active {
            self.sweep()?;
            return Err(ControlError::TooLate);
        }
        self.store.set_cell(Cell { deadline: 0, ..cell })?;
        self.sweep().map(drop)
    }

    /// Returns to the rules before the last apply; a second call undoes the first.
    ///
    /// # Errors
    /// [`ControlError::NothingToRollBack`].
    pub fn rollback(&self) -> Result<(), ControlError> {
        let _lock = self.lock_existing()?;
        let cell = self.sweep()?;
        if cell.active == cell.fallback {
            return Err(ControlError::NothingToRollBack);
        }
        let devices = Description::load(&self.store, cell.fallback)?
            .map(|description| description.devices)
            .unwrap_or_default();
        if !devices.is_empty() {
            let program = self.load_dispatcher(None)?;
            for name in &devices {
                // A device that is gone or taken must not keep the old rules from coming back: the
                // pre-filter only saves time.
                let _attached = self.attach_device(&program, name);
            }
        }
        let back = Cell { active: cell.fallback, fallback: cell.active, deadline: 0 };
        self.store.set_cell(back)?;
        self.sweep().map(drop)
    }

    /// Takes the firewall away: rules, counters, attachments.
    ///
    /// # Errors
    /// [`ControlError::NothingApplied`], or when something can not be removed; no rules are in
    /// force then, and another call removes the rest.
    pub fn remove(&self) -> Result<(), ControlError> {
        let _lock = self.lock_existing()?;
        let store = &self.store;
        if store.exists() {
            store.set_cell(Cell::default())?;
            wait_for_grace_period().map_err(grace)?;
        }
        self.take_down()
    }

    /// Ends all attachments and removes the directory. No rules may be in force.
    pub(crate) fn take_down(&self) -> Result<(), ControlError> {
        let store = &self.store;
        for prefix in ["hook_", "xdp_"] {
            for name in store.names(prefix)? {
                store.detach(&store.path(&format!("{prefix}{name}")))?;
            }
        }
        release()?;
        store.remove_directory(store.directory())
    }

    /// Names the capabilities that changing the rules needs and the process lacks.
    pub(crate) fn check_permission(&self) -> Result<(), ControlError> {
        let wanted = [Capability::Bpf, Capability::NetAdmin, Capability::SysAdmin];
        let missing = Capabilities::effective().map(|have| have.missing(&wanted));
        match missing {
            Some(missing) if !missing.is_empty() => Err(ControlError::Permission(missing)),
            _ if self.options.netfilter_links == Some(false) => Err(ControlError::NoNetfilterLinks),
            _ => Ok(()),
        }
    }

    /// Settles an expired deadline and removes what no kept generation needs. The caller holds the
    /// lock. Returns the cell as it is then.
    pub(crate) fn sweep(&self) -> Result<Cell, ControlError> {
        let store = &self.store;
        let mut cell = store.cell()?;
        if cell.at(boot_ns()?) != cell.active {
            cell = Cell { active: cell.fallback, fallback: cell.fallback, deadline: 0 };
            store.set_cell(cell)?;
            wait_for_grace_period().map_err(grace)?;
        }
        let (netfilter, xdp) = (store.map(NETFILTER_PROGRAMS_MAP)?, store.map(XDP_PROGRAMS_MAP)?);
        for number in (1..Cell::GENERATIONS).filter(|n| ![cell.active, cell.fallback].contains(n)) {
            clear_generation(&netfilter, &xdp, number)?;
            store.remove_directory(&store.generation_path(number))?;
        }
        let active = Description::load(store, cell.active)?;
        let fallback = Description::load(store, cell.fallback)?;
        if cell.deadline == 0 {
            let wanted = active.as_ref().map(|one| one.devices.as_slice()).unwrap_or_default();
            for name in store.names("xdp_")? {
                if !wanted.contains(&name) {
                    store.detach(&store.path(&format!("xdp_{name}")))?;
                }
            }
        }
        self.detach_unused_chains(&netfilter, [cell.active, cell.fallback])?;
        let kept = [active, fallback];
        if !kept.iter().flatten().any(|description| description.needs_conntrack) {
            release()?;
        }
        Ok(cell)
    }

    /// Keeps other commands out; refuses where nothing was ever applied.
    pub(crate) fn lock_existing(&self) -> Result<FileLock, ControlError> {
        self.check_permission()?;
        if !self.store.has_parent() {
            return Err(ControlError::NothingApplied);
        }
        let lock = self.store.lock()?;
        if self.store.directory().exists() { Ok(lock) } else { Err(ControlError::NothingApplied) }
    }
}

/// Lets connection tracking go; a kernel that can not hold it has nothing to let go.
fn release() -> Result<(), ControlError> {
    match release_conntrack(CONNTRACK_TABLE) {
        Ok(_) | Err(NetlinkError::Unsupported { .. }) => Ok(()),
        Err(error) => Err(ControlError::Conntrack(error)),
    }
}

/// Takes a generation's programs out of the tables.
pub(crate) fn clear_generation(netfilter: &Map, xdp: &Map, number: u8) -> Result<(), ControlError> {
    let base = u32::from(number) * Cell::NETFILTER_STRIDE;
    for entry in base..base + Cell::NETFILTER_STRIDE {
        netfilter.delete(&entry.to_ne_bytes()).map_err(ControlError::Bpf)?;
    }
    xdp.delete(&u32::from(number).to_ne_bytes()).map_err(ControlError::Bpf)?;
    Ok(())
}

/// Nanoseconds since boot, suspended time included.
pub(crate) fn boot_ns() -> Result<u64, ControlError> {
    let now = clock_gettime(ClockId::Boottime);
    let part = |value: i64| u64::try_from(value).unwrap_or(0);
    Ok(part(now.tv_sec) * 1_000_000_000 + part(now.tv_nsec))
}

pub(crate) fn grace(errno: netloom_sys::Errno) -> ControlError {
    ControlError::System { what: "wait for running programs", errno }
}
