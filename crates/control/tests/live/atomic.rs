//! Rules change under traffic: no packet meets half of each.

use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use netloom_control::Source;
use netloom_testkit::stage::{DEVICE, HOST, PEER, Stage};

use crate::scene::{OPEN, scene, source};

/// The port that both rulesets close, in and out.
const CLOSED: u16 = 7001;
/// Neighbour discovery, which IPv6 rulesets let through in addition.
const DISCOVERY: &str =
    "-A INPUT -p ipv6-icmp -j ACCEPT\n-A OUTPUT -p ipv6-icmp -j ACCEPT\nCOMMIT\n";

/// Closes one port, leaves the rest open.
const BY_RULE: &str = "*raw
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A PREROUTING -p tcp -m tcp --dport 9 -j DROP
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -p udp -m udp --dport 7001 -j DROP
-A OUTPUT -p udp -m udp --dport 7001 -j DROP
COMMIT
";
/// Opens one port, closes the rest.
const BY_POLICY: &str = "*filter
:INPUT DROP [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT DROP [0:0]
:OPEN - [0:0]
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -p sctp -m sctp --dport 22 -j DROP
-A INPUT -p udp -j OPEN
-A OUTPUT -p udp -j OPEN
-A OPEN -p udp -m udp ! --dport 7000 -j RETURN
-A OPEN -j ACCEPT
COMMIT
";

/// What came of the traffic.
#[derive(Debug, Default)]
struct Tally {
    rounds: u64,
    passed: u64,
    lost: u64,
}

/// One wait for a datagram to the open port; it comes at once unless it is lost.
const PATIENCE: Duration = Duration::from_millis(500);

/// Both ends of both ports.
struct Traffic {
    host: Ends,
    peer: Ends,
}

struct Ends {
    open: UdpSocket,
    closed: UdpSocket,
    at: [SocketAddr; 2],
}

impl Ends {
    fn new(side: usize, family: usize) -> Self {
        let address = [HOST, PEER][side][family];
        let at = [OPEN, CLOSED].map(|port| SocketAddr::new(address, port));
        let [open, closed] = at.map(|at| UdpSocket::bind(at).unwrap());
        open.set_read_timeout(Some(PATIENCE)).unwrap();
        closed.set_nonblocking(true).unwrap();
        Self { open, closed, at }
    }

    /// Sends number `round` to both ports of `to`, the closed one first.
    fn send(&self, to: &Ends, round: u64, tally: &mut Tally) {
        let message = round.to_be_bytes();
        // OUTPUT tells the socket what it drops.
        let refused = self.closed.send_to(&message, to.at[1]);
        assert!(!refused.is_err_and(|error| error.kind() != ErrorKind::PermissionDenied));
        self.open.send_to(&message, to.at[0]).expect("OUTPUT never drops to the open port");
        match number(&to.open) {
            Some(found) => assert!(found <= round),
            None => tally.lost += 1,
        }
        tally.passed += u64::from(number(&to.closed).is_some());
    }
}

fn number(socket: &UdpSocket) -> Option<u64> {
    let mut buffer = [0; 8];
    match socket.recv(&mut buffer) {
        Ok(_) => Some(u64::from_be_bytes(buffer)),
        Err(error) if error.kind() == ErrorKind::WouldBlock => None,
        Err(error) => panic!("{error}"),
    }
}

impl Traffic {
    fn new(stage: &Stage, family: usize) -> Self {
        let peer = stage.peer(|| Ends::new(1, family)).unwrap();
        Self { host: Ends::new(0, family), peer }
    }

    /// Sends one round after the other until told to stop.
    fn run(&self, stop: &AtomicBool) -> Tally {
        let mut tally = Tally::default();
        while !stop.load(Ordering::Relaxed) {
            tally.rounds += 1;
            self.peer.send(&self.host, tally.rounds, &mut tally);
            self.host.send(&self.peer, tally.rounds, &mut tally);
        }
        tally
    }
}

/// Stops the traffic when the applies are over, also by a panic.
struct Stopping<'a>(&'a AtomicBool);

impl Drop for Stopping<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Applies the two rulesets in turn, the `n`-th time with `devices(n)`, while traffic runs.
fn alternate(
    times: usize,
    family: usize,
    devices: impl Fn(usize) -> &'static [&'static str],
) -> Option<Tally> {
    let scene = scene(&[])?;
    let sources: [Source; 2] =
        [BY_RULE, BY_POLICY].map(|text| match text.rsplit_once("COMMIT\n") {
            Some((rules, _)) if family == 1 => source(&format!("{rules}{DISCOVERY}"), true),
            _ => source(text, false),
        });
    let apply = |turn: usize| {
        let one = std::slice::from_ref(&sources[turn % 2]);
        scene.try_apply(one, devices(turn), None).unwrap_or_else(|error| panic!("{error}"))
    };
    let traffic = Traffic::new(&scene.stage, family);
    apply(0);
    let stop = AtomicBool::new(false);
    let tally = thread::scope(|scope| {
        let stopping = Stopping(&stop);
        let running = scope.spawn(|| traffic.run(&stop));
        for turn in 1..=times {
            if running.is_finished() {
                break;
            }
            apply(turn);
        }
        drop(stopping);
        running.join().unwrap()
    });
    scene.remove();
    println!("{tally:?} during {times} applies");
    assert!(tally.rounds > times as u64 * 5, "there was next to no traffic");
    Some(tally)
}

#[test]
fn closed_stays_closed_and_open_stays_open() {
    let Some(tally) = alternate(200, 0, |_| &[]) else { return };
    assert_eq!((tally.passed, tally.lost), (0, 0), "{tally:?}");
}

#[test]
fn closed_stays_closed_and_open_stays_open_at_xdp() {
    let Some(tally) = alternate(200, 0, |_| &[DEVICE]) else { return };
    assert_eq!((tally.passed, tally.lost), (0, 0), "{tally:?}");
}

#[test]
fn closed_stays_closed_while_xdp_comes_and_goes() {
    // The driver of the wire may lose what it holds while a program comes or goes.
    let devices = |turn| if turn % 3 == 0 { &[][..] } else { &[DEVICE] };
    let Some(tally) = alternate(30, 0, devices) else { return };
    assert_eq!(tally.passed, 0, "{tally:?}");
}

#[test]
fn closed_stays_closed_and_open_stays_open_over_ipv6() {
    let Some(tally) = alternate(30, 1, |_| &[DEVICE]) else { return };
    assert_eq!((tally.passed, tally.lost), (0, 0), "{tally:?}");
}
