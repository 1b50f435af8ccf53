//! One map of any kind.

mod shared;
mod user;

use std::sync::atomic::AtomicBool;

use netloom_abi::{MapKind, MapSpec};

use crate::arena::Arena;
use crate::array::Array;
use crate::bloom::Bloom;
use crate::flags::create;
use crate::hash::Hash;
use crate::lpm::Lpm;
use crate::of_maps::OfMaps;
use crate::operations::{Operations, index};
use crate::owned::Owned;
use crate::perf::PerfArray;
use crate::queue::Queue;
use crate::redirect::Redirect;
use crate::share::Supply;
use crate::user_ring::UserRing;
use crate::{CreateError, MapError, ProgArray, RingBuf, Values, shape};

/// What a map takes from the machine it is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// CPU slots of maps per CPU, at least 1.
    pub cpus: u32,
    /// Seed of the hash function. Whoever lets strangers choose keys draws it at random.
    pub hash_seed: u64,
}

/// A map, usable from any number of threads.
#[derive(Debug)]
pub struct Map {
    spec: MapSpec,
    cpus: u32,
    frozen: AtomicBool,
    storage: Storage,
}

#[derive(Debug)]
enum Storage {
    Array(Array),
    Hash(Box<Hash>),
    Lpm(Lpm),
    Queue(Queue),
    Bloom(Bloom),
    Programs(ProgArray),
    Maps(OfMaps),
    Redirect(Redirect),
    Perf(PerfArray),
    Ring(RingBuf),
    UserRing(UserRing),
    Owned(Box<Owned>),
    Arena(Arena),
}

/// `accessors! { /// doc  name: Variant => Type; … }` gives each family's own side of a [`Map`].
macro_rules! accessors {
    ($($(#[$doc:meta])* $name:ident: $variant:ident => $type:ty;)*) => {
        impl Map {
            $($(#[$doc])*
            pub fn $name(&self) -> Option<&$type> {
                if let Storage::$variant(storage) = &self.storage { Some(storage) } else { None }
            })*
        }
    };
}

accessors! {
    /// The values of a queue or a stack.
    queue: Queue => Queue;
    /// The set of a bloom filter.
    bloom: Bloom => Bloom;
    /// The programs of a program array.
    programs: Programs => ProgArray;
    /// The maps in a map of maps.
    maps: Maps => OfMaps;
    /// The targets of a devmap, cpumap or xskmap.
    redirect: Redirect => Redirect;
    /// The buffers of a perf event array.
    perf: Perf => PerfArray;
    /// The records of a ring buffer.
    ring: Ring => RingBuf;
    /// The records of a user ring buffer.
    user_ring: UserRing => UserRing;
    /// The values of sockets, tasks or cgroups.
    owned: Owned => Owned;
    /// The memory of an arena.
    arena: Arena => Arena;
}

impl Map {
    /// A map with the specification's initial values.
    ///
    /// # Errors
    /// As `BPF_MAP_CREATE`, and when initial values do not fit.
    pub fn new(spec: &MapSpec, geometry: Geometry) -> Result<Self, CreateError> {
        shape::check(spec, geometry)?;
        Self::make(spec, geometry, &mut Supply::own())
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "what has no storage here is refused alike")]
    fn make(spec: &MapSpec, geometry: Geometry, supply: &mut Supply) -> Result<Self, CreateError> {
        let storage = match spec.kind {
            MapKind::Array | MapKind::PercpuArray => {
                Storage::Array(Array::new(spec, geometry, supply)?)
            }
            MapKind::Hash | MapKind::PercpuHash | MapKind::LruHash | MapKind::LruPercpuHash => {
                Storage::Hash(Box::new(Hash::new(spec, geometry, supply)?))
            }
            MapKind::LpmTrie => Storage::Lpm(Lpm::new(spec, supply)?),
            MapKind::Queue | MapKind::Stack => Storage::Queue(Queue::new(spec, supply)?),
            MapKind::BloomFilter => Storage::Bloom(Bloom::new(spec, geometry, supply)?),
            MapKind::ProgArray => Storage::Programs(ProgArray::new(spec)?),
            MapKind::ArrayOfMaps | MapKind::HashOfMaps => {
                Storage::Maps(OfMaps::new(spec, geometry, supply)?)
            }
            MapKind::Devmap | MapKind::DevmapHash | MapKind::Cpumap | MapKind::Xskmap => {
                Storage::Redirect(Redirect::new(spec, geometry, supply)?)
            }
            MapKind::PerfEventArray => Storage::Perf(PerfArray::new(spec)?),
            MapKind::RingBuf => Storage::Ring(RingBuf::new(spec.max_entries)?),
            MapKind::UserRingBuf => Storage::UserRing(UserRing::new(spec.max_entries)?),
            MapKind::SkStorage
            | MapKind::InodeStorage
            | MapKind::TaskStorage
            | MapKind::CgrpStorage
            | MapKind::CgroupStorage
            | MapKind::PercpuCgroupStorage => {
                Storage::Owned(Box::new(Owned::new(spec, geometry, supply)?))
            }
            MapKind::Arena => Storage::Arena(Arena::new(spec)),
            kind => return Err(CreateError::Kind { kind, reason: "" }),
        };
        let starts = matches!(storage, Storage::Array(_) | Storage::Programs(_));
        if !starts && !spec.initial.is_empty() {
            return Err(CreateError::Initial { index: 0 });
        }
        let frozen = AtomicBool::new(false);
        Ok(Self { spec: spec.clone(), cpus: geometry.cpus, frozen, storage })
    }

    /// What the map was made from.
    pub fn spec(&self) -> &MapSpec {
        &self.spec
    }

    /// Whether programs may not change the map (`BPF_F_RDONLY_PROG`; devmaps always).
    pub fn is_read_only_to_programs(&self) -> bool {
        self.spec.flags & create::RDONLY_PROG != 0 || matches!(self.storage, Storage::Redirect(_))
    }

    /// Whether programs may not read the map (`BPF_F_WRONLY_PROG`).
    pub fn is_write_only_to_programs(&self) -> bool {
        self.spec.flags & create::WRONLY_PROG != 0
    }

    /// The values by address; `None` for maps whose values programs do not address.
    #[inline]
    #[expect(clippy::wildcard_enum_match_arm, reason = "the two that must be quick go first")]
    pub fn values(&self) -> Option<&Values> {
        match &self.storage {
            Storage::Array(array) => Some(&array.values),
            Storage::Hash(hash) => Some(&hash.values),
            _ => self.operations().values(),
        }
    }

    /// The address in [`Map::values`] of the value that a program on `cpu` sees for `key`.
    ///
    /// # Errors
    /// `NotFound`, also for an index or CPU outside the map; `KeySize`; `Unsupported`.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the others have no values that programs address"
    )]
    pub fn value_address(&self, key: &[u8], cpu: u32) -> Result<u64, MapError> {
        let address = match &self.storage {
            Storage::Array(array) => {
                array.slot(index(key)?, cpu).map(|slot| array.values.address(slot))
            }
            Storage::Hash(hash) => {
                self.check_key(key)?;
                hash.find(key, cpu)
            }
            Storage::Lpm(lpm) => {
                self.check_key(key)?;
                lpm.find(key)
            }
            Storage::Redirect(redirect) => {
                self.check_key(key)?;
                redirect.find(key)
            }
            Storage::Owned(owned) => {
                self.check_key(key)?;
                owned.find(key, cpu)
            }
            _ => return Err(MapError::Unsupported),
        };
        address.ok_or(MapError::NotFound)
    }

    /// Updates an entry as a program on `cpu` does.
    ///
    /// # Errors
    /// As the kernel's map type; see [`crate::update`] for `flags`.
    #[expect(clippy::wildcard_enum_match_arm, reason = "programs update no others")]
    pub fn update_on(
        &self,
        cpu: u32,
        key: &[u8],
        value: &[u8],
        flags: u64,
    ) -> Result<(), MapError> {
        self.check_key(key)?;
        if value.len() != self.spec.value_size as usize {
            return Err(MapError::ValueSize);
        }
        match &self.storage {
            Storage::Array(array) => array.update_on(cpu, key, value, flags),
            Storage::Hash(hash) => hash.update_on(cpu, key, value, flags),
            Storage::Lpm(lpm) => lpm.update(key, value, flags),
            _ => Err(MapError::Unsupported),
        }
    }

    /// Removes an entry as a program does, whatever user space may do.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` for arrays, whose entries always exist.
    pub fn delete_on(&self, key: &[u8]) -> Result<(), MapError> {
        self.check_key(key)?;
        self.operations().delete(key)
    }

    /// The family's side for user space.
    pub(crate) fn operations(&self) -> &dyn Operations {
        match &self.storage {
            Storage::Array(storage) => storage,
            Storage::Hash(storage) => &**storage,
            Storage::Lpm(storage) => storage,
            Storage::Queue(storage) => storage,
            Storage::Bloom(storage) => storage,
            Storage::Programs(storage) => storage,
            Storage::Maps(storage) => storage,
            Storage::Redirect(storage) => storage,
            Storage::Perf(storage) => storage,
            Storage::Ring(storage) => storage,
            Storage::UserRing(storage) => storage,
            Storage::Owned(storage) => &**storage,
            Storage::Arena(storage) => storage,
        }
    }

    fn check_key(&self, key: &[u8]) -> Result<(), MapError> {
        if key.len() == self.spec.key_size as usize { Ok(()) } else { Err(MapError::KeySize) }
    }
}

#[cfg(test)]
mod tests;
