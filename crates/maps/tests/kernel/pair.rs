//! One map here and the same in the kernel.

use std::os::fd::AsFd;

use netloom_abi::MapSpec;
use netloom_btf::{Builder, Field, IntEncoding, TypeId};
use netloom_maps::{Geometry, Map};
use netloom_sys::bpf::{BpfError, Map as KernelMap, MapParents, TypeInfo};
use netloom_sys::{Capabilities, Capability, cpu};

/// What a call gave: bytes, or an error number.
pub(crate) type Outcome = Result<Vec<u8>, i32>;

pub(crate) struct Pair {
    pub(crate) ours: Map,
    pub(crate) kernel: KernelMap,
}

pub(crate) fn privileged() -> bool {
    let held = Capabilities::effective();
    let allowed =
        held.is_some_and(|held| held.has(Capability::Bpf) && held.has(Capability::NetAdmin));
    if !allowed {
        println!("skipped: needs CAP_BPF and CAP_NET_ADMIN");
    }
    allowed
}

pub(crate) fn geometry() -> Geometry {
    let cpus = cpu::possible().expect("the list of processors is readable");
    Geometry { cpus: u32::try_from(cpus).expect("few"), hash_seed: 42 }
}

/// The error number of a refusal by the kernel.
pub(crate) fn errno(error: &BpfError) -> i32 {
    error.errno().map_or_else(|| panic!("the kernel was not asked: {error}"), |e| e.raw_os_error())
}

impl Pair {
    /// Makes both, or gives both refusals.
    pub(crate) fn new(spec: &MapSpec) -> Result<Self, (Option<i32>, Option<i32>)> {
        let ours = Map::new(spec, geometry());
        let kernel = create(spec);
        match (ours, kernel) {
            (Ok(ours), Ok(kernel)) => Ok(Self { ours, kernel }),
            (ours, kernel) => {
                Err((ours.err().map(|error| error.errno()), kernel.err().as_ref().map(errno)))
            }
        }
    }

    pub(crate) fn of(spec: &MapSpec) -> Self {
        Self::new(spec).unwrap_or_else(|errors| panic!("{spec:?}: {errors:?}"))
    }

    pub(crate) fn update(&self, key: &[u8], value: &[u8], flags: u64) -> [Outcome; 2] {
        let ours = self.ours.update_raw(key, value, flags);
        let kernel = self.kernel.update_with(key, value, flags);
        [
            ours.map(|()| vec![]).map_err(|error| error.errno()),
            kernel.map(|()| vec![]).map_err(|error| errno(&error)),
        ]
    }

    pub(crate) fn lookup(&self, key: &[u8], flags: u64) -> [Outcome; 2] {
        let mut value = vec![0; self.kernel.value_bytes()];
        let kernel = self.kernel.lookup_into(key, &mut value, flags);
        [
            self.ours.lookup_raw(key, flags).map_err(|error| error.errno()),
            kernel.map(|()| value).map_err(|error| errno(&error)),
        ]
    }

    pub(crate) fn take(&self, key: &[u8], flags: u64) -> [Outcome; 2] {
        [
            self.ours.take(key, flags).map_err(|error| error.errno()),
            self.kernel.take(key, flags).map_err(|error| errno(&error)),
        ]
    }

    pub(crate) fn delete(&self, key: &[u8]) -> [Outcome; 2] {
        let kernel = match self.kernel.delete(key) {
            Ok(true) => Ok(vec![]),
            Ok(false) => Err(2),
            Err(error) => Err(errno(&error)),
        };
        [self.ours.delete(key).map(|()| vec![]).map_err(|error| error.errno()), kernel]
    }

    pub(crate) fn key_after(&self, key: Option<&[u8]>) -> [Outcome; 2] {
        let kernel = match self.kernel.next_key(key) {
            Ok(next) => next.ok_or(2),
            Err(error) => Err(errno(&error)),
        };
        [self.ours.key_after(key).map_err(|error| error.errno()), kernel]
    }
}

fn create(spec: &MapSpec) -> Result<KernelMap, BpfError> {
    let inner = spec.inner.as_ref().map(|inner| KernelMap::create(inner).expect("valid template"));
    let types = needs_types(spec).then(|| types(spec));
    let types = types.as_ref().map(|(info, key, value)| (info.as_fd(), key.0, value.0));
    let inner = inner.as_ref().map(|inner| inner.as_fd());
    KernelMap::create_with(spec, MapParents { inner, types })
}

fn needs_types(spec: &MapSpec) -> bool {
    use netloom_abi::MapKind::{CgrpStorage, InodeStorage, SkStorage, TaskStorage};
    spec.fields.ranges().next().is_some()
        || matches!(spec.kind, SkStorage | TaskStorage | CgrpStorage | InodeStorage)
}

/// Type information of a map with kernel fields in its values: the fields where the specification
/// says, and 8-byte integers elsewhere.
fn types(spec: &MapSpec) -> (TypeInfo, TypeId, TypeId) {
    let mut builder = Builder::new();
    let int = builder.int("int", 4, IntEncoding::Signed);
    let long = builder.int("long", 8, IntEncoding::Signed);
    let lock = builder.structure(
        "bpf_spin_lock",
        4,
        &[Field { name: "val", type_id: int, bit_offset: 0, bit_size: 0 }],
    );
    let words = builder.array(long, int, 2);
    let timer = builder.structure(
        "bpf_timer",
        16,
        &[Field { name: "__opaque", type_id: words, bit_offset: 0, bit_size: 0 }],
    );
    let mut fields = Vec::new();
    let mut all = [("l", spec.fields.spin_lock, lock), ("t", spec.fields.timer, timer)];
    all.sort_by_key(|(_, offset, _)| *offset);
    for (name, offset, type_id) in all {
        if let Some(offset) = offset {
            fields.push(Field { name, type_id, bit_offset: offset * 8, bit_size: 0 });
        }
    }
    let value = builder.structure("value", spec.value_size, &fields);
    let key = if spec.key_size == 8 { long } else { int };
    let blob = builder.finish().expect("small");
    let info = TypeInfo::load("value", &blob).unwrap_or_else(|error| panic!("{error:?}"));
    (info, key, value)
}
