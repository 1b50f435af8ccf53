//! Maps in memory that several processes share, some of which are killed.

use std::env;
use std::io::{BufReader, Read, Write};
use std::os::fd::AsFd;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use netloom_abi::{MapKind, MapSpec};
use netloom_maps::{CreateError, Geometry, Map, MapError, Process, SharedMemory, update};
use netloom_sys::{SharedWords, process};

const GEOMETRY: Geometry = Geometry { cpus: 2, hash_seed: 3 };
/// Names the memory to the process that [`child`] runs in.
const MEMORY: &str = "NETLOOM_TEST_SHARED_MEMORY";
const ENTRIES: u32 = 64;

fn spec(kind: MapKind) -> MapSpec {
    MapSpec::new("shared", kind, 8, 24, ENTRIES)
}

fn me() -> Process {
    Process { token: process::token().expect("/proc is readable"), is_alive: process::is_alive }
}

fn attach(spec: &MapSpec, fd: OwnedFd) -> Result<Map, CreateError> {
    let words = SharedWords::map(fd).expect("the memory is there");
    Map::share(spec, GEOMETRY, SharedMemory::new(words), me())
}

fn memory(spec: &MapSpec) -> SharedWords {
    let words = Map::shared_words(spec, GEOMETRY).expect("valid");
    SharedWords::unnamed(words).expect("memory")
}

fn duplicate(words: &SharedWords) -> OwnedFd {
    words.as_fd().try_clone_to_owned().expect("a descriptor")
}

/// A value whose three words belong together.
fn value(number: u64) -> Vec<u8> {
    number.to_le_bytes().repeat(3)
}

/// Changes the map for ever, so that a kill finds it in the middle of something.
fn churn(map: &Map) {
    let mut number = u64::from(std::process::id());
    loop {
        number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let key = (number >> 40) % u64::from(ENTRIES * 2);
        match number >> 33 & 3 {
            0 => drop(map.delete(&key.to_le_bytes())),
            _ => drop(map.update(&key.to_le_bytes(), &value(number), update::ANY)),
        }
    }
}

/// Not a test of its own: what the others run in a process that they kill.
#[test]
fn child() {
    let Ok(path) = env::var(MEMORY) else { return };
    let kind = if path.ends_with('l') { MapKind::LruHash } else { MapKind::Hash };
    let path = path.trim_end_matches('l');
    let file = std::fs::File::options().read(true).write(true).open(path).expect("the memory");
    let map = attach(&spec(kind), file.into()).expect("the map is there");
    std::io::stdout().write_all(b"\x01").expect("the parent reads");
    std::io::stdout().flush().expect("the parent reads");
    churn(&map);
}

/// A process that is killed when this is dropped, also by a failed test.
struct Doomed(Child);

impl Drop for Doomed {
    fn drop(&mut self) {
        // A child that ended by itself can not be killed, but must be waited for all the same.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

fn spawn(words: &SharedWords, kind: MapKind) -> Doomed {
    use std::os::fd::AsRawFd;
    let suffix = if kind == MapKind::LruHash { "l" } else { "" };
    let path = format!("/proc/{}/fd/{}{suffix}", std::process::id(), words.as_fd().as_raw_fd());
    let child = Command::new(env::current_exe().expect("this test's file"))
        .args(["--exact", "child", "--nocapture", "--test-threads=1"])
        .env(MEMORY, path)
        .stdout(Stdio::piped())
        .spawn()
        .expect("this test runs");
    let mut child = Doomed(child);
    let out = BufReader::new(child.0.stdout.as_mut().expect("a pipe"));
    let ready = out.bytes().any(|byte| byte.is_ok_and(|byte| byte == 1));
    assert!(ready, "the child reaches the map");
    child
}

fn check(map: &Map, kind: MapKind) {
    assert!(map.is_consistent(), "every slot is in its place once");
    for key in map.keys() {
        let value = map.lookup(&key).expect("nobody else changes the map");
        assert_eq!(value[..8], value[8..16], "values are whole");
        assert_eq!(value[..8], value[16..], "values are whole");
    }
    for key in 0..u64::from(ENTRIES * 2) {
        map.delete(&key.to_le_bytes()).ok();
    }
    for key in 0..u64::from(ENTRIES) {
        assert_eq!(map.update(&key.to_le_bytes(), &value(key), update::NOEXIST), Ok(()));
    }
    let more = map.update(&[0xff; 8], &value(1), update::ANY);
    assert_eq!(more, if kind == MapKind::Hash { Err(MapError::Full) } else { Ok(()) });
    map.delete(&[0xff; 8]).ok();
}

fn survives_kills(kind: MapKind) {
    let words = memory(&spec(kind));
    let map = attach(&spec(kind), duplicate(&words)).expect("fresh memory");
    for round in 0..25u32 {
        let children = [spawn(&words, kind), spawn(&words, kind)];
        let until = Instant::now() + Duration::from_micros(u64::from(round) * 371 % 4000);
        while Instant::now() < until {
            let key = u64::from(round % ENTRIES).to_le_bytes();
            let done = map.update(&key, &value(9), update::ANY);
            assert!(matches!(done, Ok(()) | Err(MapError::Full | MapError::Memory)), "{done:?}");
        }
        drop(children);
        check(&map, kind);
    }
}

#[test]
fn a_hash_map_outlives_the_processes_that_change_it() {
    survives_kills(MapKind::Hash);
}

#[test]
fn a_map_that_evicts_outlives_the_processes_that_change_it() {
    survives_kills(MapKind::LruHash);
}

#[test]
fn memory_holds_one_map_that_all_see() {
    let words = memory(&spec(MapKind::Hash));
    let first = attach(&spec(MapKind::Hash), duplicate(&words)).expect("fresh memory");
    let second = attach(&spec(MapKind::Hash), duplicate(&words)).expect("the same map");
    first.update(&[1; 8], &value(1), update::ANY).expect("room");
    assert_eq!(second.lookup(&[1; 8]), Ok(value(1)));
    let other = MapSpec { value_size: 16, ..spec(MapKind::Hash) };
    assert_eq!(attach(&other, duplicate(&words)).err(), Some(CreateError::Foreign));
    let larger = MapSpec { max_entries: 1 << 16, ..spec(MapKind::Hash) };
    let refused = attach(&larger, duplicate(&words)).err();
    assert!(matches!(refused, Some(CreateError::Memory { .. })), "{refused:?}");
    let queue = MapSpec::new("q", MapKind::Queue, 0, 8, 4);
    assert_eq!(
        attach(&queue, duplicate(&words)).err(),
        Some(CreateError::Private { kind: MapKind::Queue })
    );
}
