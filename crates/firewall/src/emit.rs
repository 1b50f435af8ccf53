//! Lowered rules → eBPF programs, by our own builder.

mod account;
mod chain;
mod code;
mod demand;
mod dispatch;
mod limit;
mod netfilter;
mod prefilter;
mod test;
mod unreachable;

use std::collections::{BTreeMap, HashMap};

use netloom_abi::{Arg, AttachType, Function, Linkage, MapKind, MapSpec, Program, ProgramType};
use netloom_isa::{BuildError, Label, Pc};

pub(crate) use chain::{Mode, is_decidable};
pub use dispatch::{
    CELL_MAP, Cell, NETFILTER_PROGRAMS_MAP, XDP_PROGRAMS_MAP, dispatcher, netfilter_entry,
};
pub use prefilter::{expected_hooks_offset, hook_counter};

use chain::Chains;
use code::Code;
use demand::Demand;
use unreachable::Layout;

use crate::compile::CompileError;
use crate::lower::{Action, lower};
use crate::model::{Chain, Family, Rule, Ruleset, Table, TableName};
use crate::slots::{RuleId, Slots};
use crate::{Hook, Point, Skip, key};

/// Licence of the generated programs; the verifier gives some helpers to GPL-compatible ones only.
const LICENSE: &str = "Dual MIT/GPL";
/// Functions a program may have (`BPF_MAX_SUBPROGS`).
const FUNCTIONS_MAX: usize = 256;
/// Frames of a call chain (`MAX_CALL_FRAMES`).
const FRAMES_MAX: usize = 8;

/// The maps every program of a generation shares, by index.
pub(crate) mod maps {
    /// Counter slot to packets and bytes, per CPU.
    pub(crate) const COUNTERS: u32 = 0;
    /// Records of LOG and NFLOG.
    pub(crate) const LOG: u32 = 1;
    /// Times of limit buckets.
    pub(crate) const LIMITS: u32 = 2;
    /// What the pre-filter expects of the path.
    pub(crate) const GUARD: u32 = 3;
}

/// Name of the counter map.
pub const COUNTERS_MAP: &str = "fw_counters";
/// Name of the record ring.
pub const LOG_MAP: &str = "fw_log";
/// Name of the pre-filter's guard.
pub const GUARD_MAP: &str = "fw_guard";

/// The maps that outlive a generation: counters and records.
pub fn shared_maps(counters: u32) -> Vec<MapSpec> {
    vec![
        map_spec(COUNTERS_MAP, MapKind::PercpuArray, 16, counters),
        MapSpec { key_size: 0, ..map_spec(LOG_MAP, MapKind::RingBuf, 0, 1 << 20) },
    ]
}

/// The maps of a generation with `buckets` limited rules, in the order of [`maps`].
pub(crate) fn map_specs(counters: u32, buckets: u32) -> Vec<MapSpec> {
    let mut specs = shared_maps(counters);
    specs.push(map_spec("fw_limits", MapKind::Array, 8 * buckets.max(1), 1));
    specs.push(map_spec(GUARD_MAP, MapKind::Array, 8, 1));
    specs
}

fn map_spec(name: &str, kind: MapKind, value_size: u32, max_entries: u32) -> MapSpec {
    MapSpec::new(name, kind, 4, value_size, max_entries)
}

/// What the programs of one ruleset are made from.
pub(crate) struct Source<'a> {
    pub(crate) ruleset: &'a Ruleset,
    pub(crate) slots: &'a Slots,
    pub(crate) skip: &'a Skip,
}

/// The exact program of one built-in chain.
pub(crate) fn exact(source: &Source<'_>, point: Point) -> Result<Program, CompileError> {
    let family = source.ruleset.family;
    let mut unit = Unit::new(name(family, point));
    let chain_label = unit.code.label();
    let mut demand = Demand::default();
    let table = source.ruleset.table(point.table).expect("the caller names an existing table");
    let reach = Reach::of(source, table, point)?;
    for (id, rule) in reach.rules(table) {
        if !source.skip.contains(&id) {
            demand.add(&lower(family, point, rule).expect("unsupported rules are skipped"));
        }
    }
    unit.begin("entry", Linkage::Static, vec![Arg::Context]);
    netfilter::entry(&mut unit.code, family, point, demand, chain_label);
    let count = unit.count_function(point.hook.is_interruptible());
    unit.table(source, table, point, Mode::Exact, count, chain_label, &reach)?;
    unit.finish(ProgramType::Netfilter, AttachType::Netfilter)
}

/// The pre-filter of a device, over the rulesets of one or both families.
pub(crate) fn prefilter(sources: &[Source<'_>]) -> Result<Program, CompileError> {
    let mut unit = Unit::new("fw_prefilter".into());
    let mut stages = Vec::new();
    let mut chains = Vec::new();
    for source in sources {
        let mut labels: HashMap<Hook, Vec<Label>> = HashMap::new();
        for hook in [Hook::PreRouting, Hook::Input] {
            for table in TableName::ALL {
                let point = Point { table, hook };
                if has_chain(source.ruleset, point) {
                    let label = unit.code.label();
                    labels.entry(hook).or_default().push(label);
                    chains.push((source, point, label));
                }
            }
        }
        stages.push(prefilter::Stages {
            family: source.ruleset.family,
            prerouting: labels.remove(&Hook::PreRouting).unwrap_or_default(),
            input: labels.remove(&Hook::Input).unwrap_or_default(),
        });
    }
    unit.begin("entry", Linkage::Static, vec![Arg::Context]);
    let count = unit.code.label();
    prefilter::entry(&mut unit.code, &stages, count);
    unit.begin("count", Linkage::Global, vec![Arg::Scalar, Arg::Scalar]);
    unit.code.place(count);
    account::count_function(&mut unit.code, false);
    let defer = unit.code.label();
    unit.begin("defer", Linkage::Global, vec![Arg::Memory(key::BYTES), Arg::Scalar]);
    unit.code.place(defer);
    account::defer_function(&mut unit.code);
    for (source, point, label) in chains {
        let table = source.ruleset.table(point.table).expect("looked up above");
        let reach = Reach::of(source, table, point)?;
        unit.table(source, table, point, Mode::Prefilter, defer, label, &reach)?;
    }
    unit.finish(ProgramType::Xdp, AttachType::Xdp)
}

/// Whether the ruleset says anything about the built-in chain.
pub(crate) fn has_chain(ruleset: &Ruleset, point: Point) -> bool {
    let table = ruleset.table(point.table);
    Point::ALL.contains(&point)
        && table.is_some_and(|table| table.chain(point.hook.chain()).is_some())
}

/// A program's name: at most 15 bytes.
fn name(family: Family, point: Point) -> String {
    let family = match family {
        Family::V4 => "4",
        Family::V6 => "6",
    };
    let table = &point.table.as_str()[..3];
    let hook = match point.hook {
        Hook::PreRouting => "pre",
        Hook::Input => "in",
        Hook::Forward => "fwd",
        Hook::Output => "out",
        Hook::PostRouting => "post",
    };
    format!("fw{family}_{table}_{hook}")
}

/// A program under construction.
struct Unit {
    name: String,
    code: Code,
    functions: Vec<Function>,
}

impl Unit {
    fn new(name: String) -> Self {
        Self { name, code: Code::default(), functions: Vec::new() }
    }

    fn begin(&mut self, name: &str, linkage: Linkage, args: Vec<Arg>) {
        let pc: Pc = self.code.pc();
        self.functions.push(Function { name: name.into(), pc, linkage, args });
    }

    fn count_function(&mut self, atomic: bool) -> Label {
        let label = self.code.label();
        self.begin("count", Linkage::Global, vec![Arg::Scalar, Arg::Scalar]);
        self.code.place(label);
        account::count_function(&mut self.code, atomic);
        label
    }

    /// Emits the functions of a built-in chain and of the chains it shares.
    #[expect(clippy::too_many_arguments, reason = "one call site for each mode")]
    fn table(
        &mut self,
        source: &Source<'_>,
        table: &Table,
        point: Point,
        mode: Mode,
        account: Label,
        entry: Label,
        reach: &Reach<'_>,
    ) -> Result<(), CompileError> {
        let shared: Vec<&Chain> = reach.shared(table).collect();
        let mut functions = HashMap::new();
        for chain in &shared {
            functions.insert(chain.name.as_str(), self.code.label());
        }
        let chains = Chains {
            family: source.ruleset.family,
            point,
            table,
            mode,
            slots: source.slots,
            skip: source.skip,
            functions: functions.clone(),
            account,
        };
        let builtin = table.chain(point.hook.chain()).ok_or(CompileError::NoChain(point))?;
        let entries = [(entry, builtin)]
            .into_iter()
            .chain(shared.iter().map(|chain| (functions[chain.name.as_str()], *chain)));
        for (label, chain) in entries {
            let name = format!("chain_{}", self.functions.len());
            self.begin(&name, Linkage::Global, vec![Arg::Memory(key::BYTES)]);
            self.code.place(label);
            chains.function(&mut self.code, chain);
        }
        Ok(())
    }

    fn finish(self, kind: ProgramType, attach: AttachType) -> Result<Program, CompileError> {
        if self.functions.len() > FUNCTIONS_MAX {
            let functions = self.functions.len();
            return Err(CompileError::TooManyChains { functions, max: FUNCTIONS_MAX });
        }
        let (builder, relocs) = self.code.into_parts();
        let insns = builder.finish().map_err(|error: BuildError| CompileError::Build(error))?;
        let Layout { insns, functions, relocs } =
            unreachable::remove(Layout { insns, functions: self.functions, relocs });
        let license = LICENSE.into();
        Ok(Program { name: self.name, kind, attach, license, insns, functions, relocs })
    }
}

/// The chains a built-in chain leads to.
struct Reach<'a> {
    /// Callers of each reached user chain; the built-in chain has none.
    callers: BTreeMap<&'a str, usize>,
    builtin: &'static str,
}

impl<'a> Reach<'a> {
    /// # Errors
    /// When chains lead back to themselves, or are nested deeper than the kernel's call frames.
    fn of(source: &Source<'a>, table: &'a Table, point: Point) -> Result<Self, CompileError> {
        let mut reach = Self { callers: BTreeMap::new(), builtin: point.hook.chain() };
        let mut path = Vec::new();
        reach.visit(source, table, point.hook.chain(), &mut path)?;
        // The entry function, the built-in chain and the counter take a frame each.
        let frames = 3 + reach.depth(source, table, point.hook.chain());
        if frames > FRAMES_MAX {
            return Err(CompileError::TooDeep { point, frames, max: FRAMES_MAX });
        }
        Ok(reach)
    }

    fn visit(
        &mut self,
        source: &Source<'a>,
        table: &'a Table,
        name: &'a str,
        path: &mut Vec<&'a str>,
    ) -> Result<(), CompileError> {
        if path.contains(&name) {
            return Err(CompileError::Loop { table: table.name, chain: name.into() });
        }
        path.push(name);
        for callee in callees(source, table, name) {
            let callers = self.callers.entry(callee).or_default();
            *callers += 1;
            if *callers == 1 || path.contains(&callee) {
                self.visit(source, table, callee, path)?;
            }
        }
        path.pop();
        Ok(())
    }

    /// Frames below the function of chain `name`.
    fn depth(&self, source: &Source<'a>, table: &'a Table, name: &'a str) -> usize {
        callees(source, table, name)
            .map(|callee| self.depth(source, table, callee) + usize::from(self.is_shared(callee)))
            .max()
            .unwrap_or(0)
    }

    fn is_shared(&self, chain: &str) -> bool {
        self.callers.get(chain).is_some_and(|callers| *callers > 1)
    }

    /// The reached user chains with several callers.
    fn shared(&self, table: &'a Table) -> impl Iterator<Item = &'a Chain> {
        let shared = |name: &&str| self.is_shared(name);
        self.callers.keys().copied().filter(shared).filter_map(|name| table.chain(name))
    }

    /// The rules of the built-in chain and of all chains it reaches.
    fn rules(&self, table: &'a Table) -> impl Iterator<Item = (RuleId<'a>, &'a Rule)> {
        let reached =
            |chain: &&Chain| chain.name == self.builtin || self.callers.contains_key(&*chain.name);
        let table_name = table.name;
        table.chains.iter().filter(reached).collect::<Vec<_>>().into_iter().flat_map(move |chain| {
            chain.rules.iter().enumerate().map(move |(index, rule)| {
                (RuleId { table: table_name, chain: &chain.name, index }, rule)
            })
        })
    }
}

/// The chains that the rules of chain `name` lead to, with repetitions.
fn callees<'a>(
    source: &Source<'a>,
    table: &'a Table,
    name: &'a str,
) -> impl Iterator<Item = &'a str> {
    let skip = source.skip;
    let table_name = table.name;
    let rules = table.chain(name).map(|chain| chain.rules.as_slice()).unwrap_or_default();
    rules.iter().enumerate().filter_map(move |(index, rule)| {
        let id = RuleId { table: table_name, chain: name, index };
        match Action::callee(&rule.target.kind) {
            Some(callee) if !skip.contains(&id) => Some(callee),
            _ => None,
        }
    })
}
