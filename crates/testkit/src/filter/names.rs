//! Names from this machine's files, as the C library finds them for tcpdump.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};

use netloom_cbpf::expression::{Names, Ports};

/// `/etc/services`, `/etc/protocols`, `/etc/networks` and `/etc/hosts`, each row as words.
#[derive(Clone, Debug)]
pub struct Files {
    services: Vec<Vec<String>>,
    protocols: Vec<Vec<String>>,
    networks: Vec<Vec<String>>,
    hosts: Vec<Vec<String>>,
}

impl Files {
    /// The files as they are now; one that is not there has no rows.
    pub fn read() -> Self {
        Self {
            services: rows("/etc/services"),
            protocols: rows("/etc/protocols"),
            networks: rows("/etc/networks"),
            hosts: rows("/etc/hosts"),
        }
    }
}

fn rows(path: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let words = |line: &str| {
        let line = line.split('#').next().unwrap_or_default();
        line.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    text.lines().map(words).filter(|row| row.len() >= 2).collect()
}

/// The second words of the rows that `name` names, by their first word or one behind the second.
fn find<'r>(rows: &'r [Vec<String>], name: &str) -> impl Iterator<Item = &'r str> {
    let is_named =
        move |row: &&Vec<String>| row[0] == name || row[2..].iter().any(|one| one == name);
    rows.iter().filter(is_named).map(|row| row[1].as_str()).collect::<Vec<_>>().into_iter()
}

impl Names for Files {
    fn host(&self, name: &str) -> Vec<IpAddr> {
        let rows = self.hosts.iter().filter(|row| row[1..].iter().any(|other| other == name));
        rows.filter_map(|row| row[0].parse().ok()).collect()
    }

    fn network(&self, name: &str) -> Option<u32> {
        let address: Ipv4Addr = find(&self.networks, name).next()?.parse().ok()?;
        // glibc gives all four bytes, zeros at the end too.
        Some(address.into())
    }

    fn ethernet(&self, _name: &str) -> Option<[u8; 6]> {
        None
    }

    fn port(&self, name: &str) -> Ports {
        let port = |protocol: &str| {
            let mut both = find(&self.services, name).filter_map(|word| word.split_once('/'));
            both.find(|row| row.1 == protocol).and_then(|row| row.0.parse().ok())
        };
        Ports { tcp: port("tcp"), udp: port("udp") }
    }

    fn protocol(&self, name: &str) -> Option<u8> {
        find(&self.protocols, name).next()?.parse().ok()
    }
}
