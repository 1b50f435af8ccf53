//! Objects under names.

use std::path::Path;

use netloom_abi::{MapKind, ProgramType};
use netloom_kernel::{Store, StoreError};
use netloom_sys::bpf::{BpfError, Link, Map, Pinned, Program};
use netloom_sys::{Errno, FileLock, LockError};

use crate::scene::{NF_ACCEPT, PrivateStore, always, load, map, privileged};

fn new_map() -> Map {
    load(vec![map("cell", MapKind::Array, 8, 1)], Vec::new()).maps.remove(0)
}

fn id_at(store: &Store, name: &str) -> u32 {
    Map::pinned(&store.path(name).unwrap()).unwrap().facts().id
}

#[test]
fn a_name_leads_to_what_was_put_there_last() {
    if !privileged() {
        return;
    }
    let store = PrivateStore::new();
    let (old, new) = (new_map(), new_map());
    store.0.replace("cell", |path| old.pin(path)).unwrap();
    assert_eq!(id_at(&store.0, "cell"), old.facts().id);
    store.0.replace("cell", |path| new.pin(path)).unwrap();
    assert_eq!(id_at(&store.0, "cell"), new.facts().id);
    assert_eq!(store.0.names(), Ok(vec!["cell".to_owned()]));
}

#[test]
fn a_failed_replacement_leaves_the_old_object() {
    if !privileged() {
        return;
    }
    let store = PrivateStore::new();
    let old = new_map();
    store.0.replace("cell", |path| old.pin(path)).unwrap();
    let refused = store.0.replace("cell", |_| old.pin(Path::new("/proc/netloom")));
    assert!(matches!(refused, Err(StoreError::Bpf(_))), "{refused:?}");
    assert_eq!(id_at(&store.0, "cell"), old.facts().id);
}

#[test]
fn what_a_killed_replacement_left_is_in_nobodys_way() {
    if !privileged() {
        return;
    }
    let store = PrivateStore::new();
    let (old, new) = (new_map(), new_map());
    old.pin(&store.0.directory().join("cell~new")).unwrap();
    assert_eq!(store.0.names(), Ok(Vec::new()));
    store.0.replace("cell", |path| new.pin(path)).unwrap();
    assert_eq!(id_at(&store.0, "cell"), new.facts().id);

    old.pin(&store.0.directory().join("other~new")).unwrap();
    assert_eq!(store.0.sweep(), Ok(1));
    assert_eq!(store.0.sweep(), Ok(0));
    assert_eq!(store.0.names(), Ok(vec!["cell".to_owned()]));
}

#[test]
fn names_and_whole_directories_can_be_swapped() {
    if !privileged() {
        return;
    }
    let store = PrivateStore::new();
    let (old, new) = (new_map(), new_map());
    let live = store.0.inner("live").unwrap();
    let staged = store.0.inner("staged").unwrap();
    live.replace("cell", |path| old.pin(path)).unwrap();
    staged.replace("cell", |path| new.pin(path)).unwrap();
    store.0.exchange("live", "staged").unwrap();
    assert_eq!(id_at(&live, "cell"), new.facts().id);
    assert_eq!(id_at(&staged, "cell"), old.facts().id);
    assert_eq!(store.0.remove("staged"), Ok(true));
    assert_eq!(store.0.remove("staged"), Ok(false));
    store.0.rename("live", "kept").unwrap();
    assert_eq!(store.0.names(), Ok(vec!["kept".to_owned()]));
    assert_eq!(id_at(&store.0.inner("kept").unwrap(), "cell"), new.facts().id);
}

#[test]
fn a_directory_can_be_locked_against_a_second_process() {
    if !privileged() {
        return;
    }
    let store = PrivateStore::new();
    let lock = FileLock::try_take(store.0.directory()).unwrap();
    let second = FileLock::try_take(store.0.directory());
    assert!(matches!(second, Err(LockError::Held { .. })), "{second:?}");
    drop(lock);
    FileLock::try_take(store.0.directory()).unwrap();
}

#[test]
fn another_kind_of_object_is_not_mistaken() {
    if !privileged() {
        return;
    }
    let store = PrivateStore::new();
    let loaded = load(
        vec![map("cell", MapKind::Array, 8, 1)],
        vec![always(ProgramType::Netfilter, NF_ACCEPT)],
    );
    store.0.replace("map", |path| loaded.maps[0].pin(path)).unwrap();
    store.0.replace("program", |path| loaded.programs[0].pin(path)).unwrap();
    let path = |name| store.0.path(name).unwrap();
    assert!(matches!(Pinned::open(&path("map")), Ok(Pinned::Map(_))));
    assert!(matches!(Pinned::open(&path("program")), Ok(Pinned::Program(_))));
    let wrong = |expected, name| BpfError::Kind { path: path(name), expected };
    assert_eq!(Map::pinned(&path("program")).unwrap_err(), wrong("map", "program"));
    assert_eq!(Program::pinned(&path("map")).unwrap_err(), wrong("program", "map"));
    assert_eq!(Link::pinned(&path("map")).unwrap_err(), wrong("link", "map"));
    assert_eq!(Map::pinned(&path("absent")).unwrap_err().errno(), Some(Errno::NOENT));
}

#[test]
fn names_that_the_file_system_reserves_are_refused() {
    if !privileged() {
        return;
    }
    let store = PrivateStore::new();
    for name in ["", "a.b", "..", "a/b"] {
        assert_eq!(store.0.path(name), Err(StoreError::Name { name: name.to_owned() }));
    }
    let map = new_map();
    let dotted = map.pin(&store.0.directory().join("a.b")).unwrap_err();
    assert_eq!(dotted.errno(), Some(Errno::PERM));
}

#[test]
fn an_ordinary_directory_is_no_store() {
    let path = std::env::temp_dir().join("netloom-no-store/inner");
    let error = StoreError::NotBpffs { path: path.clone() };
    assert_eq!(Store::create(&path), Err(error));
    assert!(!path.exists());
    assert_eq!(Store::open(&path), Ok(None));
}
