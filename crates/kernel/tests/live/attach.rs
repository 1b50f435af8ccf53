//! Real packets meet attached programs.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use netloom_abi::{Helper, MapKind, ProgramType, xdp};
use netloom_isa::{AluOp, Reg, Size};
use netloom_kernel::{
    AttachError, Family, Hook, NetfilterPoint, XdpWish, attach_netfilter, attach_xdp,
};
use netloom_sys::bpf::{Link, LinkTarget, NetfilterHook, UpdateMode, XdpMode, link_ids};
use netloom_sys::{Errno, netlink, netns};

use crate::scene::{
    NF_ACCEPT, NF_DROP, PrivateStore, always, in_namespace, ip, load, loopback_passes, map, program,
};

fn point(family: Family, hook: Hook, priority: i32) -> NetfilterPoint {
    NetfilterPoint { family, hook, priority }
}

#[test]
fn a_netfilter_program_decides_at_every_hook_that_loopback_passes() {
    in_namespace(|| {
        let loaded = load(Vec::new(), vec![always(ProgramType::Netfilter, NF_DROP)]);
        for (family, address) in [(Family::Ipv4, "127.0.0.1"), (Family::Ipv6, "::1")] {
            for hook in [Hook::PreRouting, Hook::LocalIn, Hook::LocalOut, Hook::PostRouting] {
                assert!(loopback_passes(address));
                let link = attach_netfilter(&loaded.programs[0], point(family, hook, 1)).unwrap();
                assert!(!loopback_passes(address), "{family} {hook}");
                // A process that another test starts holds a copy of the descriptor for a moment, so
                // dropping the link might not end it at once.
                link.detach().unwrap();
                assert!(loopback_passes(address), "{family} {hook}");
            }
        }
    });
}

#[test]
fn a_priority_is_taken_once_and_its_neighbour_is_free() {
    in_namespace(|| {
        let loaded = load(Vec::new(), vec![always(ProgramType::Netfilter, NF_ACCEPT)]);
        let program = &loaded.programs[0];
        let here = point(Family::Ipv4, Hook::LocalIn, 5);
        let _first = attach_netfilter(program, here).unwrap();
        assert!(matches!(attach_netfilter(program, here), Err(AttachError::Busy(_))));
        let _next = attach_netfilter(program, point(Family::Ipv4, Hook::LocalIn, 6)).unwrap();
        let _other = attach_netfilter(program, point(Family::Ipv6, Hook::LocalIn, 5)).unwrap();
    });
}

#[test]
fn a_netfilter_link_can_not_change_its_program_but_can_be_detached() {
    in_namespace(|| {
        let loaded = load(Vec::new(), vec![always(ProgramType::Netfilter, NF_DROP)]);
        let program = &loaded.programs[0];
        let link = attach_netfilter(program, point(Family::Ipv4, Hook::LocalIn, 1)).unwrap();
        let refusal = link.update(program, None).unwrap_err();
        assert_eq!(refusal.errno(), Some(Errno::OPNOTSUPP));
        link.detach().unwrap();
        assert!(loopback_passes("127.0.0.1"));
    });
}

#[test]
fn a_link_tells_where_it_is() {
    in_namespace(|| {
        let loaded = load(Vec::new(), vec![always(ProgramType::Netfilter, NF_ACCEPT)]);
        let program = &loaded.programs[0];
        let link = attach_netfilter(program, point(Family::Ipv6, Hook::Forward, -7)).unwrap();
        let facts = link.facts().unwrap();
        assert_eq!(facts.program_id, program.facts().unwrap().id);
        let hook = NetfilterHook { family: 10, hook: 2, priority: -7, defrag: false };
        assert_eq!(facts.target, LinkTarget::Netfilter(hook));
        assert!(link_ids().any(|id| id == Ok(facts.id)));
        assert_eq!(Link::by_id(facts.id).unwrap().facts().unwrap(), facts);
    });
}

#[test]
fn the_outermost_priority_is_a_range_error() {
    in_namespace(|| {
        let loaded = load(Vec::new(), vec![always(ProgramType::Netfilter, NF_ACCEPT)]);
        let outermost = point(Family::Ipv4, Hook::LocalIn, i32::MIN);
        match attach_netfilter(&loaded.programs[0], outermost) {
            Err(AttachError::Bpf(error)) => assert_eq!(error.errno(), Some(Errno::RANGE)),
            other => panic!("{other:?}"),
        }
    });
}

#[test]
fn a_pinned_link_works_on_until_its_pin_is_gone() {
    in_namespace(|| {
        let store = PrivateStore::new();
        let loaded = load(Vec::new(), vec![always(ProgramType::Netfilter, NF_DROP)]);
        let here = point(Family::Ipv4, Hook::LocalIn, 1);
        let link = attach_netfilter(&loaded.programs[0], here).unwrap();
        store.0.replace("link", |path| link.pin(path)).unwrap();
        drop((link, loaded));
        assert!(!loopback_passes("127.0.0.1"));
        let link = Link::pinned(&store.0.path("link").unwrap()).unwrap();
        store.0.remove("link").unwrap();
        assert!(!loopback_passes("127.0.0.1"));
        link.detach().unwrap();
        assert!(loopback_passes("127.0.0.1"));
    });
}

/// The live firewall's shape: one lasting program calls the one whose slot stands in a cell.
#[test]
fn a_dispatcher_follows_the_slot_in_its_cell() {
    in_namespace(|| {
        let dispatcher = program("dispatch", ProgramType::Netfilter, Vec::new(), Vec::new(), |b| {
            b.map_value(Reg::R2, 1, 0);
            b.load(Size::Dw, Reg::R3, Reg::R2, 0);
            b.alu(AluOp::Mul, Reg::R3, 2);
            b.alu(AluOp::Add, Reg::R3, 1);
            b.map(Reg::R2, 0);
            b.call_helper(Helper::TailCall.id());
            b.mov(Reg::R0, NF_ACCEPT);
            b.exit();
        });
        let maps = vec![map("slots", MapKind::ProgArray, 4, 4), map("cell", MapKind::Array, 8, 1)];
        let loaded = load(
            maps,
            vec![
                dispatcher,
                always(ProgramType::Netfilter, NF_DROP),
                always(ProgramType::Netfilter, NF_ACCEPT),
            ],
        );
        let slots = loaded.map("slots").unwrap();
        slots.update_object(&1u32.to_ne_bytes(), &loaded.programs[1]).unwrap();
        slots.update_object(&3u32.to_ne_bytes(), &loaded.programs[2]).unwrap();
        let select = |slot: u64| {
            let cell = loaded.map("cell").unwrap();
            cell.update(&0u32.to_ne_bytes(), &slot.to_ne_bytes(), UpdateMode::Any).unwrap();
        };
        let here = point(Family::Ipv4, Hook::LocalIn, 1);
        let _link = attach_netfilter(&loaded.programs[0], here).unwrap();
        for slot in [0, 1, 0] {
            select(slot);
            assert_eq!(loopback_passes("127.0.0.1"), slot == 1, "slot {slot}");
        }
        // An empty slot falls through to the dispatcher's own verdict.
        select(7);
        assert!(loopback_passes("127.0.0.1"));
    });
}

/// The index of one end of a fresh veth pair with addresses on both sides, the other end in the same
/// namespace.
fn veth() -> u32 {
    ip(&["link", "add", "left", "type", "veth", "peer", "name", "right"]);
    ip(&["link", "set", "left", "up"]);
    ip(&["link", "set", "right", "up"]);
    netlink::device_by_name("left").unwrap().index
}

#[test]
fn xdp_runs_in_the_driver_of_a_veth_and_can_be_replaced() {
    in_namespace(|| {
        let ifindex = veth();
        let loaded = load(
            Vec::new(),
            vec![always(ProgramType::Xdp, xdp::DROP), always(ProgramType::Xdp, xdp::PASS)],
        );
        let [drop_all, pass_all] = &loaded.programs[..] else { panic!("two programs") };
        let attached = attach_xdp(drop_all, ifindex, XdpWish::NativeElseGeneric).unwrap();
        assert_eq!(attached.mode, XdpMode::Native);
        assert_eq!(attached.native_refusal, None);
        assert_eq!(attached.link.facts().unwrap().target, LinkTarget::Xdp { ifindex });
        let again = attach_xdp(pass_all, ifindex, XdpWish::Native);
        assert!(matches!(again, Err(AttachError::Busy(_))), "{again:?}");

        let wrong = attached.link.update(pass_all, Some(pass_all)).unwrap_err();
        assert_eq!(wrong.errno(), Some(Errno::PERM));
        attached.link.update(pass_all, Some(drop_all)).unwrap();
        let now = attached.link.facts().unwrap().program_id;
        assert_eq!(now, pass_all.facts().unwrap().id);
    });
}

#[test]
fn xdp_falls_back_to_the_stack_on_loopback() {
    in_namespace(|| {
        let loaded = load(Vec::new(), vec![always(ProgramType::Xdp, xdp::DROP)]);
        let program = &loaded.programs[0];
        let lo = netlink::device_by_name("lo").unwrap().index;
        let refused = attach_xdp(program, lo, XdpWish::Native);
        assert!(matches!(refused, Err(AttachError::Unsupported(_))), "{refused:?}");
        assert!(loopback_passes("127.0.0.1"));
        let attached = attach_xdp(program, lo, XdpWish::NativeElseGeneric).unwrap();
        assert_eq!(attached.mode, XdpMode::Generic);
        assert!(attached.native_refusal.is_some());
        assert!(!loopback_passes("127.0.0.1"));
        attached.link.detach().unwrap();
        assert!(loopback_passes("127.0.0.1"));
    });
}

#[test]
fn an_absent_device_is_told_apart() {
    in_namespace(|| {
        let loaded = load(Vec::new(), vec![always(ProgramType::Xdp, xdp::PASS)]);
        let refused = attach_xdp(&loaded.programs[0], 9999, XdpWish::NativeElseGeneric);
        assert!(matches!(refused, Err(AttachError::NoDevice(_))), "{refused:?}");
    });
}

/// Moves one end of a veth pair into a namespace that ends with `job`, and tells whether the
/// namespace is still there some time after: the other end lives as long as it.
fn namespace_outlives(job: impl FnOnce() + Send) -> bool {
    ip(&["link", "add", "outer", "type", "veth", "peer", "name", "inner"]);
    let (ready, is_ready) = mpsc::channel();
    let (moved, is_moved) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(|| {
            netns::isolated(move || {
                let task = std::fs::read_link("/proc/thread-self").unwrap();
                ready.send(task.file_name().unwrap().to_str().unwrap().to_owned()).unwrap();
                is_moved.recv().unwrap();
                job();
            })
            .unwrap();
        });
        ip(&["link", "set", "inner", "netns", &is_ready.recv().unwrap()]);
        moved.send(()).unwrap();
    });
    !outer_vanishes(Duration::from_millis(300))
}

/// Whether the device `outer` vanishes within this time.
fn outer_vanishes(within: Duration) -> bool {
    let start = Instant::now();
    while start.elapsed() < within {
        if netlink::device_by_name("outer").is_err() {
            return true;
        }
        thread::sleep(Duration::from_millis(10));
    }
    false
}

#[test]
fn a_pinned_link_keeps_its_namespace_until_it_is_detached() {
    in_namespace(|| {
        let store = PrivateStore::new();
        let path = store.0.path("link").unwrap();
        let loaded = load(Vec::new(), vec![always(ProgramType::Netfilter, NF_ACCEPT)]);
        let outlived = namespace_outlives(|| {
            let here = point(Family::Ipv4, Hook::LocalIn, 1);
            attach_netfilter(&loaded.programs[0], here).unwrap().pin(&path).unwrap();
        });
        assert!(outlived);
        Link::pinned(&path).unwrap().detach().unwrap();
        assert!(outer_vanishes(Duration::from_secs(30)));
    });
}
