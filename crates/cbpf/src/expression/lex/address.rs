//! Ethernet and IPv6 addresses among other words.

use std::net::Ipv6Addr;

/// What a word with colons is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Colons {
    Mac([u8; 6]),
    Ip6(Ipv6Addr),
    /// Looks like an address, but is none.
    Bogus,
}

/// No form of an IPv6 address is longer, but for leading zeros of an embedded IPv4 address, which
/// make it none.
const IP6_BYTES_MAX: usize = 64;
/// Colons of an IPv6 address at most, as in `1:2:3:4:5:6:7::`.
const IP6_COLONS_MAX: usize = 8;

/// The longest word with colons that `rest` begins with, and its length.
pub(super) fn with_colons(rest: &str) -> Option<(Colons, usize)> {
    let is_part = |byte: &u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.' | b'x' | b'X');
    let run = rest.bytes().take(IP6_BYTES_MAX).take_while(is_part).count();
    if !rest[..run].contains(':') {
        return None;
    }
    let mac = mac_with_colons(rest.as_bytes()).map(|(mac, length)| (Colons::Mac(mac), length));
    let ip6 = ip6(&rest[..run]);
    let bogus = bogus(rest.as_bytes()).map(|length| (Colons::Bogus, length));
    // Of equally long ones the last is taken, so the more special come later.
    [bogus, ip6, mac].into_iter().flatten().max_by_key(|row| row.1)
}

/// The Ethernet address that the whole of `text` is, in one of its forms without colons:
/// `a-b-c-d-e-f`, `a.b.c.d.e.f`, `aabb.ccdd.eeff`, `aabbccddeeff`.
pub(super) fn mac(text: &str) -> Option<[u8; 6]> {
    for separator in ['-', '.'] {
        if text.split(separator).count() == 6 {
            return mac_of_parts(text.split(separator));
        }
    }
    let is_triple = text.len() == 14 && text.bytes().skip(4).step_by(5).all(|byte| byte == b'.');
    let digits: String = if is_triple { text.replace('.', "") } else { text.into() };
    if digits.len() != 12 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    mac_of_parts((0..6).map(|part| &digits[2 * part..2 * part + 2]))
}

/// Six parts of one or two hexadecimal digits.
fn mac_of_parts<'t>(parts: impl Iterator<Item = &'t str>) -> Option<[u8; 6]> {
    let mut mac = [0; 6];
    for (byte, part) in mac.iter_mut().zip(parts) {
        let is_digits = part.bytes().all(|byte| byte.is_ascii_hexdigit());
        let digits = (is_digits && matches!(part.len(), 1 | 2)).then_some(part)?;
        *byte = u8::from_str_radix(digits, 16).ok()?;
    }
    Some(mac)
}

/// An Ethernet address with colons at the beginning of `bytes`, and its length.
fn mac_with_colons(bytes: &[u8]) -> Option<([u8; 6], usize)> {
    let mut at = 0;
    for part in 0..6 {
        if part > 0 {
            at += usize::from(bytes.get(at) == Some(&b':'));
        }
        let digits = hex_digits(bytes, at, 2);
        if digits == 0 {
            return None;
        }
        at += digits;
    }
    let text = std::str::from_utf8(&bytes[..at]).ok()?;
    (text.split(':').count() == 6).then(|| mac_of_parts(text.split(':')))?.map(|mac| (mac, at))
}

/// The longest IPv6 address at the beginning of `run`, and its length.
fn ip6(run: &str) -> Option<(Colons, usize)> {
    let too_many = run.match_indices(':').nth(IP6_COLONS_MAX).map(|row| row.0);
    let second_gap = run.match_indices("::").nth(1).map(|row| row.0);
    let overlong_gap = run.find(":::").map(|gap| gap + 2);
    let end = [too_many, second_gap, overlong_gap].into_iter().flatten().min();
    let run = &run[..end.unwrap_or(run.len())];
    (2..=run.len()).rev().find(|length| is_ip6_shape(&run[..*length])).map(|length| {
        let address = run[..length].parse().map_or(Colons::Bogus, Colons::Ip6);
        (address, length)
    })
}

/// Whether `text` has the groups and colons of an IPv6 address; the numbers of an embedded IPv4
/// address may still be too large.
fn is_ip6_shape(text: &str) -> bool {
    let (groups, dotted) = match text.rfind(':') {
        Some(colon) if text[colon..].contains('.') => (&text[..=colon], Some(&text[colon + 1..])),
        Some(_) => (text, None),
        None => return false,
    };
    let is_dotted =
        |text: &str| text.split('.').count() == 4 && text.split('.').all(super::is_number);
    if dotted.is_some_and(|dotted| !is_dotted(dotted)) {
        return false;
    }
    let words = if dotted.is_some() { 6 } else { 8 };
    let count = |text: &str| {
        let is_word =
            |word: &str| hex_digits(word.as_bytes(), 0, 5) == word.len() && word.len() <= 4;
        let is_sound =
            text.is_empty() || text.split(':').all(|word| !word.is_empty() && is_word(word));
        let words = if text.is_empty() { 0 } else { text.split(':').count() };
        is_sound.then_some(words)
    };
    let groups = if dotted.is_some() && !groups.ends_with("::") {
        &groups[..groups.len() - 1]
    } else {
        groups
    };
    match groups.split_once("::") {
        Some((before, after)) => {
            matches!((count(before), count(after)), (Some(a), Some(b)) if a + b < words)
        }
        None => count(groups) == Some(words),
    }
}

/// The length of an unfinished address at the beginning of `bytes`: at least two times one or two
/// hexadecimal digits and colons behind them.
fn bogus(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    let mut parts = 0;
    loop {
        let digits = hex_digits(bytes, at, 2);
        let is_colon = |byte: &&u8| **byte == b':';
        // Without digits the colons are not counted: they may be many, and are asked for again.
        let colons = match digits {
            0 => 0,
            _ => bytes[at + digits..].iter().take_while(is_colon).count(),
        };
        if colons == 0 {
            return (parts >= 2).then_some(at);
        }
        at += digits + colons;
        parts += 1;
    }
}

/// How many hexadecimal digits there are from `at`, up to `max`.
fn hex_digits(bytes: &[u8], at: usize, max: usize) -> usize {
    bytes[at..].iter().take(max).take_while(|byte| byte.is_ascii_hexdigit()).count()
}
