//! The kernel's connection tracking in a router of its own.
//!
//! A packet put on the wire to `eth0` comes out of `eth1` with the state that the kernel gave it
//! written into its TTL or hop limit. The namespaces have no name and no process, so they end with
//! the test however it ends.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use netloom_firewall::model::CtStates;
use netloom_sys::netlink::device_by_name;
use netloom_sys::netns::{Netns, isolated};
use netloom_sys::packet_socket::PacketSocket;

use crate::traffic::Step;
use crate::{DROPPED, letter};

/// States and the hop limits that tell them.
const STATES: [(&str, CtStates, u8); 5] = [
    ("NEW", CtStates::NEW, 201),
    ("ESTABLISHED", CtStates::ESTABLISHED, 202),
    ("RELATED", CtStates::RELATED, 203),
    ("INVALID", CtStates::INVALID, 204),
    ("UNTRACKED", CtStates::UNTRACKED, 205),
];

/// The code point in the TOS byte or traffic class of packets that the router is to drop.
pub(crate) const DROPPED_DSCP: u8 = 1;

const SETTINGS: [(&str, &str); 11] = [
    ("ipv4/ip_forward", "1"),
    ("ipv4/conf/all/rp_filter", "0"),
    ("ipv4/conf/default/rp_filter", "0"),
    ("ipv4/conf/all/send_redirects", "0"),
    ("ipv4/conf/default/send_redirects", "0"),
    ("ipv6/conf/default/accept_dad", "0"),
    ("ipv6/conf/default/accept_ra", "0"),
    ("ipv6/conf/default/router_solicitations", "0"),
    ("ipv6/conf/default/mldv1_unsolicited_report_interval", "1"),
    ("ipv6/conf/all/forwarding", "1"),
    ("ipv6/conf/default/forwarding", "1"),
];

const ROUTES: [(&[&str], &str); 2] = [
    (
        &["-batch", "-"],
        "link set lo up\nlink set eth0 up\nlink set eth1 up\n\
         neigh add 10.255.0.2 lladdr 02:00:00:00:02:01 dev eth1 nud permanent\n\
         neigh add fe80::2 lladdr 02:00:00:00:02:01 dev eth1 nud permanent\n\
         route add default via 10.255.0.2 dev eth1 onlink\n",
    ),
    (&["-6", "-batch", "-"], "route add default via fe80::2 dev eth1 onlink\n"),
];

const WIRES: &str = "\
link add wire0 mtu 9000 type veth peer name eth0 mtu 9000 address 02:00:00:00:01:00 netns HOST
link add wire1 mtu 9000 type veth peer name eth1 mtu 9000 netns HOST
link set wire0 up
link set wire1 up
";

/// A router between two wires.
#[derive(Debug)]
pub(crate) struct Router {
    host: Netns,
    into: PacketSocket,
    out: PacketSocket,
}

impl Router {
    /// A router that finds packets with wrong checksums invalid, or does not look at checksums.
    pub(crate) fn new(verifies_checksums: bool) -> Self {
        isolated(|| {
            for (name, value) in SETTINGS {
                fs::write(format!("/proc/sys/net/{name}"), value).expect(name);
            }
            let host = Netns::current().expect("the namespace opens");
            let thread = fs::read_link("/proc/thread-self").expect("the thread has a folder");
            let path = format!("/proc/{}/ns/net", thread.display());
            let (into, out) = isolated(|| lay_wires(&path)).expect("a namespace for the wires");
            for (arguments, lines) in ROUTES {
                run("ip", arguments, lines);
            }
            run("iptables-legacy-restore", &["-w", "60"], &rules("TTL --ttl-set"));
            run("ip6tables-legacy-restore", &["-w", "60"], &rules("HL --hl-set"));
            let setting = "/proc/sys/net/netfilter/nf_conntrack_checksum";
            fs::write(setting, if verifies_checksums { "1" } else { "0" }).expect(setting);
            Self { host, into, out }
        })
        .expect("a namespace for the router")
    }

    /// The connections that the kernel knows, a line each (`/proc/net/nf_conntrack`).
    pub(crate) fn connections(&self) -> Vec<String> {
        let read = || fs::read_to_string("/proc/thread-self/net/nf_conntrack");
        let text = self.host.run(read).expect("the namespace opens").expect("tracking is on");
        text.lines().map(str::to_owned).collect()
    }

    /// Sends a packet through the router, and gives the letter of its state.
    pub(crate) fn pass(&self, step: &Step) -> char {
        let packet = &step.packet;
        let is_v6 = packet[0] >> 4 == 6;
        let ethertype: [u8; 2] = if is_v6 { [0x86, 0xdd] } else { [0x08, 0x00] };
        let header = [&[2, 0, 0, 0, 1, 0][..], &[2, 0, 0, 0, 1, 0xff], &ethertype].concat();
        self.into.send(&[&header[..], packet].concat()).expect("the wire takes the frame");
        if step.is_dropped {
            return DROPPED;
        }
        let mut buffer = [0; 9100];
        let patience = Duration::from_secs(2);
        while let Some(length) = self.out.receive(&mut buffer, patience).expect("the wire is up") {
            let Some((header, received)) = buffer[..length].split_at_checked(14) else { continue };
            let limit_at = if is_v6 { 7 } else { 8 };
            if header[12..] == ethertype && same_but_limit(packet, received, limit_at) {
                let limit = received[limit_at];
                let row = STATES.iter().find(|(_, _, told)| *told == limit);
                return letter(row.unwrap_or_else(|| panic!("hop limit {limit}")).1);
            }
        }
        panic!("the packet did not come through:\n{step}");
    }
}

/// Whether the packet came through, hop limit and IPv4 checksum aside.
fn same_but_limit(sent: &[u8], received: &[u8], limit_at: usize) -> bool {
    let changed = |at: usize| at == limit_at || limit_at == 8 && (at == 10 || at == 11);
    let bytes = sent.iter().zip(received).enumerate();
    received.len() >= sent.len() && bytes.into_iter().all(|(at, (a, b))| changed(at) || a == b)
}

fn rules(target: &str) -> String {
    let mut text = "*mangle\n:FORWARD ACCEPT [0:0]\n".to_owned();
    for (state, _, limit) in STATES {
        text += &format!("-A FORWARD -m conntrack --ctstate {state} -j {target} {limit}\n");
    }
    text += "COMMIT\n*filter\n:FORWARD ACCEPT [0:0]\n";
    text += &format!("-A FORWARD -m dscp --dscp {DROPPED_DSCP} -j DROP\nCOMMIT\n");
    text
}

fn lay_wires(host: &str) -> (PacketSocket, PacketSocket) {
    const ALL: u16 = 3;
    fs::write("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1").expect("a setting");
    run("ip", &["-batch", "-"], &WIRES.replace("HOST", host));
    let socket = |name, ethertype| {
        let device = device_by_name(name).expect("the wire exists");
        PacketSocket::open(device.index, ethertype).expect("a socket on the wire")
    };
    (socket("wire0", 0), socket("wire1", ALL))
}

fn run(program: &str, arguments: &[&str], input: &str) {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    let mut stdin = child.stdin.take().expect("standard input is a pipe");
    stdin.write_all(input.as_bytes()).expect("the program reads");
    drop(stdin);
    assert!(child.wait().expect("the program ends").success(), "{program} {arguments:?}");
}
