//! What names in expressions stand for on this machine.

use std::fs;
use std::net::{IpAddr, ToSocketAddrs};

use netloom_cbpf::expression::{Names, Ports};

/// Looks services and protocols up in `/etc`, and hosts as every program does.
#[derive(Clone, Copy, Debug)]
pub(super) struct SystemNames;

impl Names for SystemNames {
    fn host(&self, name: &str) -> Vec<IpAddr> {
        let addresses = (name, 0).to_socket_addrs();
        let mut found: Vec<IpAddr> =
            addresses.into_iter().flatten().map(|address| address.ip()).collect();
        found.dedup();
        found
    }

    fn network(&self, name: &str) -> Option<u32> {
        let text = fs::read_to_string("/etc/networks").unwrap_or_default();
        let address = row(&text, name, |_| true)?;
        // Left out bytes are leading zeros, as getnetbyname(3) has it.
        address.split('.').try_fold(0u32, |number, part| {
            Some(number.checked_mul(256)? | u32::from(part.parse::<u8>().ok()?))
        })
    }

    fn ethernet(&self, name: &str) -> Option<[u8; 6]> {
        let text = fs::read_to_string("/etc/ethers").unwrap_or_default();
        let line = rows(&text).find(|words| words.get(1) == Some(&name))?;
        let mut address = [0; 6];
        let mut parts = line.first()?.split(':');
        for byte in &mut address {
            *byte = u8::from_str_radix(parts.next()?, 16).ok()?;
        }
        parts.next().is_none().then_some(address)
    }

    fn port(&self, name: &str) -> Ports {
        let text = fs::read_to_string("/etc/services").unwrap_or_default();
        let port = |transport: &str| {
            let found = row(&text, name, |value| value.ends_with(transport))?;
            found.strip_suffix(transport)?.parse().ok()
        };
        Ports { tcp: port("/tcp"), udp: port("/udp") }
    }

    fn protocol(&self, name: &str) -> Option<u8> {
        let text = fs::read_to_string("/etc/protocols").unwrap_or_default();
        row(&text, name, |_| true)?.parse().ok()
    }
}

/// The words of each line that has some, without its comment.
fn rows(text: &str) -> impl Iterator<Item = Vec<&str>> {
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default());
    lines
        .map(|line| line.split_whitespace().collect())
        .filter(|words: &Vec<&str>| !words.is_empty())
}

/// The second word of a wanted line whose first word or one behind the second is `name`.
fn row<'t>(text: &'t str, name: &str, is_wanted: impl Fn(&str) -> bool) -> Option<&'t str> {
    rows(text).find_map(|words| {
        let value = words.get(1).copied().filter(|value| is_wanted(value))?;
        let is_named = words.iter().enumerate().any(|(at, word)| at != 1 && *word == name);
        is_named.then_some(value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_found_by_name_and_alias() {
        let text = "# services\nhttp 80/tcp www # web\nhttp 80/udp\ndomain 53/udp\n";
        assert_eq!(row(text, "www", |value| value.ends_with("/tcp")), Some("80/tcp"));
        assert_eq!(row(text, "domain", |value| value.ends_with("/tcp")), None);
        assert_eq!(row(text, "53/udp", |_| true), None);
        assert_eq!(row(text, "web", |_| true), None);
    }
}
