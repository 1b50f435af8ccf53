//! The transaction that replaces the rules.

use std::collections::HashSet;
use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use netloom_firewall::model::{Family, Match, Ruleset};
use netloom_firewall::{
    COUNTERS_MAP, Cell, Compiled, GUARD_MAP, LOG_MAP, NETFILTER_PROGRAMS_MAP, Planned, Role, Slots,
    XDP_PROGRAMS_MAP, add_prefilter, compile, netfilter_entry, prepare,
};
use netloom_kernel::{LoadOptions, Loaded, load_object};
use netloom_sys::bpf::UpdateMode;
use netloom_sys::netlink::hold_conntrack;
use netloom_sys::wait_for_grace_period;

use crate::counters;
use crate::error::ControlError;
use crate::firewall::{CONNTRACK_TABLE, Firewall, boot_ns, clear_generation, grace};
use crate::generation::{Description, LeftOut, Source, left_out};
use crate::path;
use crate::store::Store;

/// What is to be applied.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Rulesets, at most one of each family; a family that is not named keeps its rules.
    pub sources: Vec<Source>,
    /// Devices for the pre-filter; empty for none.
    pub devices: Vec<String>,
    /// Time after which the old rules return unless these are confirmed.
    pub confirm_within: Option<Duration>,
}

/// What was applied.
#[derive(Clone, Debug)]
pub struct Applied {
    /// The new generation's number.
    pub generation: u8,
    /// Rules that do not run as they are written.
    pub left_out: Vec<LeftOut>,
    /// Devices with the pre-filter.
    pub devices: Vec<XdpAttachment>,
    /// Families whose pre-filter judges the raw and mangle tables only, because something else
    /// stands between XDP and INPUT, with what it is.
    pub limited: Vec<(Family, String)>,
}

/// A device with the pre-filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct XdpAttachment {
    /// Its name.
    pub device: String,
    /// In the driver (`true`) or generic; `None` where it was attached before.
    pub native: Option<bool>,
}

impl Firewall {
    /// Replaces the rules of the named families, for all hooks at once.
    ///
    /// # Errors
    /// Any [`ControlError`]; the rules in force are then unchanged.
    pub fn apply(&self, request: &Request) -> Result<Applied, ControlError> {
        self.check_permission()?;
        self.store.create_parent(&self.options.bpffs)?;
        let _lock = self.store.lock()?;
        let applied = self.replace(request);
        // The rules are in force, or they are not: a fault in tidying up after them changes neither,
        // and the next command tidies up again.
        let _tidied = match &applied {
            Ok(_) => self.settle(),
            Err(_) => self.abandon(),
        };
        applied
    }

    /// Lets the programs from before end, and removes those that are not kept.
    fn settle(&self) -> Result<(), ControlError> {
        wait_for_grace_period().map_err(grace)?;
        self.sweep().map(drop)
    }

    /// Removes what a failed apply made: its generation, its attachments, and the whole firewall
    /// if it was to be the first.
    fn abandon(&self) -> Result<(), ControlError> {
        match self.sweep()? {
            cell if cell == Cell::default() => self.take_down(),
            _ => Ok(()),
        }
    }

    /// All of [`Self::apply`] up to the store of the cell. The caller holds the lock.
    fn replace(&self, request: &Request) -> Result<Applied, ControlError> {
        let store = &self.store;
        store.create()?;
        let cell = self.sweep()?;
        let current = Description::load(store, cell.active)?;
        let sources = merge(&request.sources, current.as_ref());
        let rulesets = rulesets(&sources)?;
        let planned = prepare_all(&sources, &rulesets)?;

        let kept = current.map(|description| description.stored_slots()).unwrap_or_default();
        let older = Description::load(store, cell.fallback)?;
        let reserved = older
            .iter()
            .flat_map(|older| older.stored_slots().used().collect::<Vec<_>>())
            .collect();
        let slots = Slots::assign(&rulesets.iter().collect::<Vec<_>>(), &kept, &reserved);
        let mut compiled = compile(&planned, &slots).map_err(ControlError::Compile)?;
        if !request.devices.is_empty() {
            add_prefilter(&mut compiled, &planned, &slots).map_err(ControlError::Compile)?;
        }
        let mut description = Description::new(sources, request.devices.clone(), &slots);
        description.needs_conntrack = rulesets.iter().any(reads_connections);
        description.applied_unix_ms = unix_ms();

        let generation = free_generation(cell);
        let kept: HashSet<u32> = kept.used().collect();
        counters::clear(store, slots.used().filter(|slot| !kept.contains(slot)))?;
        let loaded = self.load(&compiled)?;
        install(store, generation, &compiled, &loaded)?;
        let devices = self.attach(&compiled, &description)?;
        if description.needs_conntrack {
            hold_conntrack(CONNTRACK_TABLE).map_err(ControlError::Conntrack)?;
        }
        let limited = self.set_guard(&compiled, &loaded)?;
        description.save(store, generation)?;

        let deadline = match request.confirm_within {
            Some(time) => deadline(time)?,
            None => 0,
        };
        // Rules that were never confirmed are nothing to return to.
        let fallback = if cell.deadline == 0 { cell.active } else { cell.fallback };
        store.set_cell(Cell { active: generation, fallback, deadline })?;
        let left_out = planned
            .iter()
            .zip(&description.sources)
            .flat_map(|(one, source)| left_out(one.ruleset, &one.plan, source.leniency()))
            .collect();
        Ok(Applied { generation, left_out, devices, limited })
    }

    fn load(&self, compiled: &Compiled) -> Result<Loaded, ControlError> {
        let (counters, log) = (self.store.map(COUNTERS_MAP)?, self.store.map(LOG_MAP)?);
        let reuse = [(COUNTERS_MAP, &counters), (LOG_MAP, &log)];
        let options = LoadOptions { vmlinux: &self.vmlinux, reuse: &reuse };
        load_object(&compiled.object, &options).map_err(ControlError::Load)
    }

    /// Attaches the dispatchers that are still missing.
    fn attach(
        &self,
        compiled: &Compiled,
        description: &Description,
    ) -> Result<Vec<XdpAttachment>, ControlError> {
        for role in &compiled.programs {
            if let Role::Chain(family, point) = role {
                self.attach_chain(*family, *point)?;
            }
        }
        if !compiled.programs.contains(&Role::Prefilter) {
            return Ok(Vec::new());
        }
        let program = self.load_dispatcher(None)?;
        description.devices.iter().map(|name| self.attach_device(&program, name)).collect()
    }

    /// Tells the pre-filter what it may rely on.
    fn set_guard(
        &self,
        compiled: &Compiled,
        loaded: &Loaded,
    ) -> Result<Vec<(Family, String)>, ControlError> {
        if !compiled.programs.contains(&Role::Prefilter) {
            return Ok(Vec::new());
        }
        let mut families: Vec<Family> = Vec::new();
        for role in &compiled.programs {
            if let Role::Chain(family, _) = role
                && !families.contains(family)
            {
                families.push(*family);
            }
        }
        let (value, limited) = path::guard(self, &families)?;
        let map = loaded.map(GUARD_MAP).expect("every generation has a guard");
        map.update(&[0; 4], &value, UpdateMode::Any).map_err(ControlError::Bpf)?;
        Ok(limited)
    }
}

/// The new rulesets, and the ones in force of the families that are not named.
fn merge(new: &[Source], current: Option<&Description>) -> Vec<Source> {
    let named = |source: &Source| new.iter().any(|one| one.ipv6 == source.ipv6);
    let kept = current.into_iter().flat_map(|current| &current.sources);
    let mut sources: Vec<Source> =
        kept.filter(|source| !named(source)).chain(new).cloned().collect();
    sources.sort_by_key(|source| source.ipv6);
    sources
}

fn rulesets(sources: &[Source]) -> Result<Vec<Ruleset>, ControlError> {
    sources.iter().map(Source::ruleset).collect()
}

fn prepare_all<'a>(
    sources: &[Source],
    rulesets: &'a [Ruleset],
) -> Result<Vec<Planned<'a>>, ControlError> {
    let mut planned = Vec::new();
    let mut refused = Vec::new();
    for (source, ruleset) in sources.iter().zip(rulesets) {
        match prepare(ruleset, source.leniency()) {
            Ok(one) => planned.push(one),
            Err(plan) => {
                let rules = left_out(ruleset, &plan, source.leniency());
                refused.extend(rules.into_iter().filter(|rule| !rule.weakened));
            }
        }
    }
    if refused.is_empty() { Ok(planned) } else { Err(ControlError::Refused(refused)) }
}

fn reads_connections(ruleset: &Ruleset) -> bool {
    let chains = ruleset.tables.iter().flat_map(|table| &table.chains);
    chains
        .flat_map(|chain| &chain.rules)
        .flat_map(|rule| &rule.matches)
        .any(|item| matches!(item.kind, Match::State(_) | Match::CtState(_)))
}

/// A number that neither the rules in force nor the ones before have.
fn free_generation(cell: Cell) -> u8 {
    (1..Cell::GENERATIONS)
        .find(|number| *number != cell.active && *number != cell.fallback)
        .expect("there are more numbers than generations kept")
}

/// Puts the programs into the tables and the generation's directory, where no packet gets to yet.
fn install(
    store: &Store,
    generation: u8,
    compiled: &Compiled,
    loaded: &Loaded,
) -> Result<(), ControlError> {
    let directory = store.generation_path(generation);
    store.remove_directory(&directory)?;
    fs::create_dir(&directory).map_err(|error| store.io(&directory, error))?;
    let netfilter = store.map(NETFILTER_PROGRAMS_MAP)?;
    let xdp = store.map(XDP_PROGRAMS_MAP)?;
    clear_generation(&netfilter, &xdp, generation)?;
    let base = u32::from(generation) * Cell::NETFILTER_STRIDE;
    for (role, program) in compiled.programs.iter().zip(&loaded.programs) {
        let (table, entry) = match role {
            Role::Chain(family, point) => (&netfilter, base + netfilter_entry(*family, *point)),
            Role::Prefilter => (&xdp, u32::from(generation)),
        };
        table.update_object(&entry.to_ne_bytes(), program).map_err(ControlError::Bpf)?;
        program.pin(&directory.join(program.name())).map_err(ControlError::Bpf)?;
    }
    let guard = loaded.map(GUARD_MAP).expect("every generation has a guard");
    guard.pin(&directory.join("guard")).map_err(ControlError::Bpf)
}

/// The deadline in the cell's unit.
fn deadline(time: Duration) -> Result<u64, ControlError> {
    let ns = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    Ok((boot_ns()?.saturating_add(ns) >> Cell::DEADLINE_SHIFT).max(1))
}

fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
