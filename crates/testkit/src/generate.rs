//! Random rulesets as iptables-save text, and random packets that meet their rules.
//!
//! Everything is drawn from a small [`Universe`], so that rules and packets often name the same
//! address, port or device. Rulesets are valid for `iptables-legacy-restore`, so that every engine
//! gets the same text. Packets are what the kernel would show to its tables: malformed behind the
//! fixed header as they may be, version, header length and stated length agree with the bytes,
//! because reception discards or trims all others.

mod conditions;
mod constants;
mod frame;
mod mutate;
mod packets;
mod rules;

pub use constants::Constants;
pub use packets::PacketSource;
pub use rules::{Shape, ruleset};

use netloom_firewall::model::Family;

/// The few values that generated rules and packets are made of.
#[derive(Clone, Debug)]
pub struct Universe {
    /// Address family.
    pub family: Family,
    /// Addresses in text form.
    pub addrs: Vec<String>,
    /// Networks with the masks that rules use, `addr/mask`.
    pub networks: Vec<String>,
    /// Device names as rules write them, some with `+`.
    pub interfaces: Vec<String>,
    /// Devices that packets come from and go to.
    pub devices: Vec<String>,
    /// Ports.
    pub ports: Vec<u16>,
    /// Ethernet addresses in text form.
    pub macs: Vec<String>,
}

impl Universe {
    /// The standard universe of a family.
    pub fn new(family: Family) -> Self {
        let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        let (addrs, networks): (&[&str], &[&str]) = match family {
            Family::V4 => (&ADDRS_V4, &NETWORKS_V4),
            Family::V6 => (&ADDRS_V6, &NETWORKS_V6),
        };
        Self {
            family,
            addrs: texts(addrs),
            networks: texts(networks),
            interfaces: texts(&["eth0", "eth1", "eth+", "e+", "eth0+", "lo", "ppp0", "et"]),
            devices: texts(&["eth0", "eth1"]),
            ports: vec![0, 1, 22, 53, 80, 81, 443, 1023, 1024, 32768, 65535],
            macs: texts(&["02:00:00:00:00:01", "02:00:00:00:00:02", "0a:0b:0c:0d:0e:0f"]),
        }
    }
}

/// The first four are near each other, for ranges; some of the last have a type by their value.
const ADDRS_V4: [&str; 12] = [
    "10.0.0.1",
    "10.0.0.2",
    "10.0.0.9",
    "10.0.0.10",
    "10.0.1.1",
    "10.0.1.77",
    "192.168.255.1",
    "172.16.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "0.0.0.0",
    "0.0.0.7",
];

const NETWORKS_V4: [&str; 12] = [
    "10.0.0.0/255.255.255.0",
    "10/8",
    "10.0.0.0/24",
    "10.0.0.0/28",
    "10.0.0.8/29",
    "10.0.0.0/8",
    "10.0.0.0/31",
    "0.0.0.0/0",
    "0.0.0.0/1",
    "224.0.0.0/4",
    "10.0.0.1/255.0.0.255",
    "0.0.1.1/0.0.255.254",
];

const ADDRS_V6: [&str; 9] = [
    "fd00::1",
    "fd00::2",
    "fd00::9",
    "fd00::a",
    "fd00:0:0:1::1",
    "fd00:0:0:1::77",
    "2001:db8:ffff::1",
    "ff02::1",
    "::ffff:10.0.0.1",
];

const NETWORKS_V6: [&str; 9] = [
    "fd00::/64",
    "fd00::/124",
    "fd00::8/125",
    "fd00::/8",
    "fd00::/127",
    "::/0",
    "ff00::/8",
    "fd00::1/ff00::ff",
    "::1:0:0:0:1/0:0:0:ffff::ffff",
];

#[cfg(test)]
mod tests;
