//! User-space maps behind one storage contract: stable value addresses.
//!
//! A [`Map`] has two sides. Programs see *value addresses* ([`Map::value_address`], [`Values`]): an
//! address stays valid, and keeps naming the same slot, for as long as the map lives, whatever other
//! threads do. User code sees keys and values as bytes, with the error numbers of `bpf(2)`. What only
//! some map types have is behind accessors such as [`Map::ring`].
//!
//! Invariant: everything behind a shared reference is made of atomics or stands under a lock, so a
//! map can be used from any number of threads, and no sequence of calls reads or writes outside the
//! map. Readers of arrays, hash maps and tries take no lock.
//!
//! Reading order: `words`, `share`, `lock`, `values`; the families from `array` to `arena`;
//! `operations`, `shape`, `map`, `batch`.

#![forbid(unsafe_code)]

mod arena;
mod array;
mod batch;
mod bloom;
mod error;
pub mod flags;
mod hash;
mod limits;
mod lock;
mod lpm;
mod map;
mod of_maps;
mod operations;
mod owned;
mod perf;
mod prog_array;
mod queue;
mod redirect;
mod ring;
mod shape;
mod share;
mod user_ring;
mod values;
mod words;

pub use arena::Arena;
pub use batch::Batch;
pub use bloom::Bloom;
pub use error::{CreateError, MapError};
pub use flags::update;
pub use map::{Geometry, Map};
pub use of_maps::OfMaps;
pub use owned::Owned;
pub use perf::{PerfArray, PerfRecord};
pub use prog_array::ProgArray;
pub use queue::Queue;
pub use redirect::{Redirect, Target};
pub use ring::{Reservation, RingBuf};
pub use share::{Process, SharedMemory};
pub use user_ring::{Drain, UserRing};
pub use values::{ValueGuard, Values};
