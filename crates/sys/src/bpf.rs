//! `bpf(2)`: maps, programs, links, type information.
//!
//! Reading order: `operation` names the commands, `attr` lays out their arguments, `call` is the only
//! door to the kernel and holds all unsafe code; the others are safe and give names to what failed.
//!
//! An object lives as long as a descriptor, a pin or a link keeps it; dropping the value here closes
//! only its own descriptor.

mod attr;
#[allow(unsafe_code, reason = "the only module that enters bpf(2); its head states the invariants")]
mod call;
mod error;
mod ids;
mod link;
mod map;
mod operation;
mod pin;
mod program;
mod run;
#[cfg(test)]
mod tests;

pub use error::BpfError;
pub use ids::{link_ids, map_ids, program_ids};
pub use link::{Direction, Link, LinkFacts, LinkTarget, NetfilterHook, XdpMode};
pub use map::{BatchStep, Entries, Map, MapFacts, MapParents, UpdateMode};
pub use operation::Operation;
pub use pin::Pinned;
pub use program::{
    FUNC_INFO_BYTES, LoadOutcome, LogDetail, Program, ProgramFacts, ProgramLoad, TypeInfo,
};
pub use run::{RunInput, RunOutput};
