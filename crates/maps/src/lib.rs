//! User-space maps behind one storage contract: stable value addresses.
//!
//! A [`Map`] has two sides. Programs see *value addresses* ([`Map::value_address`], [`Values`]): an
//! address stays valid, and keeps naming the same slot, for as long as the map lives, whatever other
//! threads do. User code sees keys and values as bytes, with the error numbers of `bpf(2)`.
//!
//! Invariant: everything behind a shared reference is made of atomics or stands under a lock, so a
//! map can be used from any number of threads, and no sequence of calls reads or writes outside the
//! map. Reading order: `words`, `values`, `array`, `hash`, `ring`, `prog_array`, `map`.

#![forbid(unsafe_code)]

mod array;
mod error;
mod hash;
mod limits;
mod map;
mod prog_array;
mod ring;
mod values;
mod words;

pub use error::{CreateError, MapError};
pub use map::{Geometry, Map, update};
pub use prog_array::ProgArray;
pub use ring::RingBuf;
pub use values::Values;
