//! Privilege, private places, and small programs.

use std::net::UdpSocket;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use netloom_abi::{
    AttachType, Function, Linkage, MapKind, MapSpec, Object, Program, ProgramType, Reloc,
};
use netloom_isa::{Builder, Pc, Reg};
use netloom_kernel::{LoadOptions, Loaded, Store, Vmlinux, load_object};
use netloom_sys::bpffs::{self, MOUNT_POINT};
use netloom_sys::{Capabilities, Capability, netns};

/// Verdicts of netfilter programs.
pub(crate) const NF_DROP: i32 = 0;
pub(crate) const NF_ACCEPT: i32 = 1;

/// Whether tests that change the kernel can run; says why not.
pub(crate) fn privileged() -> bool {
    let wanted = [Capability::Bpf, Capability::NetAdmin, Capability::SysAdmin];
    let missing = Capabilities::effective().map(|held| held.missing(&wanted));
    let allowed = missing.as_ref().is_some_and(Vec::is_empty);
    if !allowed {
        println!("ran 0, skipped 1: missing {missing:?}");
    }
    allowed
}

/// Runs `job` in a new network namespace with its loopback up, if that is allowed here.
pub(crate) fn in_namespace(job: impl FnOnce() + Send) {
    if !privileged() {
        return;
    }
    netns::isolated(|| {
        ip(&["link", "set", "lo", "up"]);
        job();
    })
    .unwrap();
}

/// Runs `ip` in the calling thread's network namespace.
pub(crate) fn ip(arguments: &[&str]) {
    let status = Command::new("ip").args(arguments).status().expect("tests need iproute2");
    assert!(status.success(), "ip {arguments:?}");
}

/// A directory of pins that goes with the guard, also when a test fails.
pub(crate) struct PrivateStore(pub(crate) Store);

impl PrivateStore {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        bpffs::ensure_mounted(Path::new(MOUNT_POINT)).unwrap();
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("netloom-test-{}-{number}", std::process::id());
        Self(Store::create(&Path::new(MOUNT_POINT).join(name)).unwrap())
    }
}

impl Drop for PrivateStore {
    fn drop(&mut self) {
        if let Err(error) = self.0.clone().remove_all() {
            eprintln!("{error}");
        }
    }
}

/// A program under construction with its fixed parts.
pub(crate) fn program(
    name: &str,
    kind: ProgramType,
    functions: Vec<Function>,
    relocs: Vec<Reloc>,
    build: impl FnOnce(&mut Builder),
) -> Program {
    let mut builder = Builder::new();
    build(&mut builder);
    let attach = if kind == ProgramType::Netfilter {
        AttachType::Netfilter
    } else if kind == ProgramType::Xdp {
        AttachType::Xdp
    } else {
        AttachType::NONE
    };
    let insns = builder.finish().unwrap();
    let (name, license) = (name.to_owned(), "GPL".to_owned());
    Program { name, kind, attach, license, insns, functions, relocs }
}

/// A program that gives every packet the same verdict.
pub(crate) fn always(kind: ProgramType, verdict: i32) -> Program {
    program("always", kind, Vec::new(), Vec::new(), |b| {
        b.mov(Reg::R0, verdict);
        b.exit();
    })
}

pub(crate) fn map(name: &str, kind: MapKind, value_size: u32, max_entries: u32) -> MapSpec {
    let key_size = if kind == MapKind::RingBuf { 0 } else { 4 };
    MapSpec::new(name, kind, key_size, value_size, max_entries)
}

pub(crate) fn function(
    name: &str,
    pc: Pc,
    linkage: Linkage,
    args: Vec<netloom_abi::Arg>,
) -> Function {
    Function { name: name.to_owned(), pc, linkage, args }
}

pub(crate) fn load(maps: Vec<MapSpec>, programs: Vec<Program>) -> Loaded {
    let vmlinux = Vmlinux::running();
    let options = LoadOptions { vmlinux: &vmlinux, reuse: &[] };
    load_object(&Object { maps, programs }, &options).unwrap_or_else(|error| panic!("{error}"))
}

/// Whether a datagram to ourselves arrives.
pub(crate) fn loopback_passes(address: &str) -> bool {
    let socket = UdpSocket::bind((address, 0)).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    // Dropped on the way out, the send itself fails.
    let sent = socket.send_to(b"netloom", socket.local_addr().unwrap());
    sent.is_ok() && socket.recv(&mut [0; 16]).is_ok()
}
