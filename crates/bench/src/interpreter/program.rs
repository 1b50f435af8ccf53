//! The programs: one row each.

use netloom_abi::MapKind;
use netloom_vm::Machine;

/// A program, its input and its result.
pub(crate) struct Program {
    pub(crate) title: &'static str,
    /// C, of which the first function is the program: `u64 run(const void *memory)`.
    pub(crate) source: &'static str,
    /// Maps by their symbols in the source.
    pub(crate) maps: &'static [MapRow],
    /// What `r1` points to. Programs only read it.
    pub(crate) memory: fn() -> Vec<u8>,
    /// Fills the maps.
    pub(crate) fill: fn(&Machine),
    pub(crate) result: u64,
}

/// Symbol, type, bytes of a key, bytes of a value, entries.
pub(crate) type MapRow = (&'static str, MapKind, u32, u32, u32);

/// What starting a program costs.
pub(crate) const EMPTY: Program =
    plain("empty program", "unsigned long long run(void) { return 0; }", 0, Vec::new);

/// Keys, per entry of `hash`.
const KEY_STEP: u64 = 0x9e37_79b9_7f4a_7c15;

const fn plain(
    title: &'static str,
    source: &'static str,
    result: u64,
    memory: fn() -> Vec<u8>,
) -> Program {
    Program { title, source, maps: &[], memory, fill: |_| {}, result }
}

macro_rules! source {
    ($name:literal) => {
        include_str!(concat!("programs/", $name, ".c"))
    };
}

pub(crate) const PROGRAMS: [Program; 15] = [
    plain("log2 (256 values)", source!("log2"), 2633, logarithms),
    plain("prime (64 candidates)", source!("prime"), 8, candidates),
    plain("fib(1000)", source!("fibonacci"), 0x0b59_4dc7_5cc0_604b, Vec::new),
    plain("parse five-tuple", source!("five_tuple"), 0x0102_0000_0665_88c0, tagged_frame),
    plain("checksum 1,500 B", source!("checksum"), 32_188, || noise(1500)),
    plain("copy and compare 256 B", source!("copy"), 58, few_values),
    plain("packed fields", source!("packed"), 0x08b9_7686_ec8e_d6d3, || noise(256)),
    plain("siphash 256 B", source!("siphash"), 0xe06b_4f13_1a6d_8a9d, || noise(272)),
    Program {
        maps: &[("hash", MapKind::Hash, 8, 8, 64)],
        fill: |machine| {
            for entry in 0..12 {
                put(machine, "hash", &(KEY_STEP.wrapping_mul(entry)).to_le_bytes(), &[entry + 1]);
            }
        },
        ..plain("16 hash look-ups", source!("hash_map"), 78, keys)
    },
    Program {
        maps: &[("array", MapKind::Array, 4, 8, 12)],
        fill: |machine| {
            for entry in 0..12u32 {
                put(machine, "array", &entry.to_le_bytes(), &[u64::from(entry) + 1]);
            }
        },
        ..plain("16 array look-ups", source!("array_map"), 78, Vec::new)
    },
    plain("100 linear rules", source!("rules"), 100, last_rule),
    plain("switch of 64 cases, 256 B", source!("switch"), 0xaef6_f66e_15fc_53bb, || noise(256)),
    plain("100 helper calls", source!("calls_out"), 4950, Vec::new),
    plain("100 local calls", source!("local"), 0xb8db_df21_5c8e_6fb3, Vec::new),
    Program {
        maps: &[
            ("services", MapKind::Hash, 8, 8, 64),
            ("servers", MapKind::Array, 4, 8, 16),
            ("counters", MapKind::Array, 4, 16, 16),
        ],
        fill: |machine| {
            let key = [198, 51, 100, 7, 0x01, 0xbb, 6, 0];
            put(machine, "services", &key, &[4 << 32]);
            for server in 0..16u32 {
                put(machine, "servers", &server.to_le_bytes(), &[1 << 32 | 10]);
            }
        },
        ..plain("load balancer", source!("balancer"), 10 << 8 | 1, || frame(false))
    },
];

/// Puts words into a map.
fn put(machine: &Machine, map: &str, key: &[u8], value: &[u64]) {
    let bytes: Vec<u8> = value.iter().flat_map(|word| word.to_le_bytes()).collect();
    let map = machine.map(map).expect("the row has it");
    map.update(key, &bytes, 0).expect("key and value have the row's sizes");
}

/// Numbers that look random (xorshift, by Marsaglia).
fn numbers() -> impl Iterator<Item = u64> {
    std::iter::successors(Some(0x2545_f491_4f6c_dd1d_u64), |&number| {
        let number = number ^ number << 13;
        let number = number ^ number >> 7;
        Some(number ^ number << 17)
    })
}

fn noise(bytes: usize) -> Vec<u8> {
    numbers().flat_map(u64::to_le_bytes).take(bytes).collect()
}

/// 256 bytes, many of which equal their neighbours.
fn few_values() -> Vec<u8> {
    noise(256).into_iter().map(|byte| byte & 3).collect()
}

/// 256 words with 1 to 24 bits.
fn logarithms() -> Vec<u8> {
    numbers().take(256).flat_map(|n| (n >> (40 + n % 24)).to_le_bytes()).collect()
}

fn candidates() -> Vec<u8> {
    numbers().take(64).flat_map(|number| ((number % 2000) as u32).to_le_bytes()).collect()
}

/// 16 keys, the first 12 of which are in the map.
fn keys() -> Vec<u8> {
    (0..16).flat_map(|entry| KEY_STEP.wrapping_mul(entry).to_le_bytes()).collect()
}

/// TCP to port 443 of 198.51.100.7, 60 bytes, or 82 with two VLAN tags and an IPv4 option.
fn frame(tagged: bool) -> Vec<u8> {
    let mut frame = vec![0x02; 12];
    if tagged {
        frame.extend([0x88, 0xa8, 0, 1, 0x81, 0, 0, 2]);
    }
    let words = if tagged { 6 } else { 5 };
    frame.extend([8, 0, 0x40 | words, 0, 0, 46, 0, 1, 0x40, 0, 64, 6, 0, 0]);
    frame.extend([192, 0, 2, 1, 198, 51, 100, 7]);
    frame.extend(vec![1; (usize::from(words) - 5) * 4]);
    frame.extend([0xc0, 0x01, 0x01, 0xbb]);
    frame.resize(if tagged { 82 } else { 60 }, 0);
    frame
}

fn tagged_frame() -> Vec<u8> {
    frame(true)
}

/// The packet that only the last rule matches.
fn last_rule() -> Vec<u8> {
    let (source, port) = (0x0a00_6301_u32, 1099_u32);
    let words = [source, 0x0a01_0101, 40_000 | port << 16, 6];
    words.into_iter().flat_map(u32::to_le_bytes).collect()
}
