//! Rulesets → one object with a program for each built-in chain and, if wanted, a pre-filter for XDP.

use std::fmt;

use netloom_abi::{Object, Program};
use netloom_isa::BuildError;

use crate::emit::{self, Source};
use crate::model::{Family, Ruleset, TableName};
use crate::plan::{Place, Plan, Skip, plan};
use crate::slots::Slots;
use crate::{Hook, Point};

/// How far a ruleset may be changed to make it run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Leniency {
    /// Leave out rules that are not compiled.
    pub skip_unsupported: bool,
    /// Drop without an answer where a rule says REJECT.
    pub reject_as_drop: bool,
}

/// A ruleset that may be compiled: its plan, and what is left out.
#[derive(Clone, Debug)]
pub struct Planned<'a> {
    /// The rules.
    pub ruleset: &'a Ruleset,
    /// Their places.
    pub plan: Plan,
    /// Rules to leave out.
    pub skip: Skip,
}

/// Programs and maps of one generation.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// All programs with their maps.
    pub object: Object,
    /// What each of the object's programs is, in the same order.
    pub programs: Vec<Role>,
}

/// What a program is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// A built-in chain at its netfilter hook.
    Chain(Family, Point),
    /// The pre-filter at XDP.
    Prefilter,
}

/// Why a ruleset is not compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CompileError {
    /// A table lacks a built-in chain.
    NoChain(Point),
    /// A chain leads back to itself.
    Loop {
        /// Table.
        table: TableName,
        /// Chain.
        chain: String,
    },
    /// Shared chains are nested deeper than the kernel's call frames.
    TooDeep {
        /// The built-in chain.
        point: Point,
        /// Frames it takes.
        frames: usize,
        /// Frames there are.
        max: usize,
    },
    /// More chains with several callers than a program may have functions.
    TooManyChains {
        /// Functions it takes.
        functions: usize,
        /// Functions there may be.
        max: usize,
    },
    /// More instructions than a program may have.
    TooLarge {
        /// The program.
        program: String,
        /// Its length in slots.
        slots: u64,
        /// The limit.
        max: u64,
    },
    /// More rules than the counter map has slots.
    TooManyRules {
        /// Slots it takes.
        slots: u32,
        /// Slots there are.
        max: u32,
    },
    /// The code could not be laid out.
    Build(BuildError),
}

/// Slots of the counter map.
pub const COUNTERS_MAX: u32 = 65_536;

/// Instruction slots of one program (`BPF_COMPLEXITY_LIMIT_INSNS`).
const PROGRAM_SLOTS_MAX: u64 = 1_000_000;

/// Plans a ruleset and decides what is left out.
///
/// # Errors
/// The plan, when rules stand in the way that `leniency` does not allow to leave out or change.
pub fn prepare(ruleset: &Ruleset, leniency: Leniency) -> Result<Planned<'_>, Plan> {
    let plan = plan(ruleset);
    let mut skip = Skip::default();
    let mut refused = !plan.policies.is_empty() && !leniency.skip_unsupported;
    for rule in &plan.rules {
        let leave_out = match rule.place {
            Place::Unsupported(_) => true,
            Place::Reject => !leniency.reject_as_drop,
            Place::Prefilter | Place::Netfilter | Place::Unreached => false,
        };
        if leave_out {
            refused |= !leniency.skip_unsupported;
            skip.insert(rule.table, &rule.chain, rule.index);
        }
    }
    if refused { Err(plan) } else { Ok(Planned { ruleset, plan, skip }) }
}

/// Compiles the planned rulesets, at most one of each family.
///
/// # Errors
/// When a ruleset exceeds a limit of the kernel's verifier.
pub fn compile(planned: &[Planned<'_>], slots: &Slots) -> Result<Compiled, CompileError> {
    if slots.bound() > COUNTERS_MAX {
        return Err(CompileError::TooManyRules { slots: slots.bound(), max: COUNTERS_MAX });
    }
    let mut object =
        Object { maps: emit::map_specs(COUNTERS_MAX, slots.bucket_count()), programs: Vec::new() };
    let mut programs = Vec::new();
    for source in &sources(planned, slots) {
        for point in Point::ALL {
            if emit::has_chain(source.ruleset, point) {
                object.programs.push(emit::exact(source, point)?);
                programs.push(Role::Chain(source.ruleset.family, point));
            }
        }
    }
    object.programs.iter().try_for_each(check_size)?;
    Ok(Compiled { object, programs })
}

/// Adds the XDP pre-filter of the same planned rulesets and slots, if they say anything about
/// received packets.
///
/// # Errors
/// As [`compile`].
pub fn add_prefilter(
    compiled: &mut Compiled,
    planned: &[Planned<'_>],
    slots: &Slots,
) -> Result<(), CompileError> {
    let received = |role: &Role| match role {
        Role::Chain(_, point) => matches!(point.hook, Hook::PreRouting | Hook::Input),
        Role::Prefilter => false,
    };
    if compiled.programs.iter().any(received) {
        let program = emit::prefilter(&sources(planned, slots))?;
        check_size(&program)?;
        compiled.object.programs.push(program);
        compiled.programs.push(Role::Prefilter);
    }
    Ok(())
}

fn sources<'a>(planned: &'a [Planned<'a>], slots: &'a Slots) -> Vec<Source<'a>> {
    let source = |one: &'a Planned<'a>| Source { ruleset: one.ruleset, slots, skip: &one.skip };
    planned.iter().map(source).collect()
}

fn check_size(program: &Program) -> Result<(), CompileError> {
    let slots: u64 = program.insns.iter().map(|insn| u64::from(insn.slots())).sum();
    if slots > PROGRAM_SLOTS_MAX {
        let program = program.name.clone();
        return Err(CompileError::TooLarge { program, slots, max: PROGRAM_SLOTS_MAX });
    }
    Ok(())
}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoChain(Point { table, hook }) => {
                write!(f, "table {} has no chain {}", table.as_str(), hook.chain())
            }
            Self::Loop { table, chain } => {
                write!(f, "chain {chain} of table {} leads back to itself", table.as_str())
            }
            Self::TooDeep { point: Point { table, hook }, frames, max } => write!(
                f,
                "chains called from {} {} are nested too deeply: {frames} call frames, the kernel \
                 has {max}",
                table.as_str(),
                hook.chain()
            ),
            Self::TooManyChains { functions, max } => write!(
                f,
                "{functions} functions for chains with several callers, the kernel allows {max}"
            ),
            Self::TooLarge { program, slots, max } => {
                write!(f, "program {program} has {slots} instructions, the kernel allows {max}")
            }
            Self::TooManyRules { slots, max } => {
                write!(f, "{slots} rules and policies to count, there are {max} counters")
            }
            Self::Build(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for CompileError {}
