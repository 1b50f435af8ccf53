//! Filters in the language of `pcap-filter(7)`, one list for each link type.
//!
//! A list has a filter a line. Lines that begin with `# ` are titles, and a first word that begins
//! with `~` is a [`Mark`].

use netloom_packet::link::LinkType;

const ETHERNET: &str = include_str!("expressions/ethernet.txt");
const RAW: &str = include_str!("expressions/raw.txt");
const LINUX_SLL: &str = include_str!("expressions/linux_sll.txt");
const LINUX_SLL2: &str = include_str!("expressions/linux_sll2.txt");
const REFUSED: &str = include_str!("expressions/refused.txt");

/// A filter that tcpdump takes for its link type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expression {
    /// The filter as a user writes it.
    pub text: &'static str,
    /// What sets it apart from others.
    pub mark: Option<Mark>,
}

/// Why not all engines are asked for a filter in the same way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// libpcap's program jumps backward, which the kernel does not load (`pcap-filter(7)`,
    /// `protochain`).
    Loops,
    /// A constant offset among the last of 32 bits: libpcap's interpreter finds no such byte, the
    /// kernel takes it for ancillary data and does not load the program if there is none.
    Ancillary,
    /// An offset overflows 32 bits: libpcap's interpreter rejects the frame, the kernel reads from
    /// the offset modulo 2^32.
    Wraps,
    /// A shift by 32 or more: libpcap's interpreter gives 0, the kernel shifts by the number modulo
    /// 32.
    Shifts,
    /// No frame can match, which libpcap's optimizer finds out and then makes no program.
    Never,
}

const MARKS: [(&str, Mark); 5] = [
    ("~loops", Mark::Loops),
    ("~ancillary", Mark::Ancillary),
    ("~wraps", Mark::Wraps),
    ("~shifts", Mark::Shifts),
    ("~never", Mark::Never),
];

/// The filters for a link type of [`LINKS`](super::LINKS); none for others.
pub fn accepted(link: LinkType) -> Vec<Expression> {
    let list = match link {
        LinkType::ETHERNET => ETHERNET,
        LinkType::RAW => RAW,
        LinkType::LINUX_SLL => LINUX_SLL,
        LinkType::LINUX_SLL2 => LINUX_SLL2,
        _ => "",
    };
    lines(list).map(expression).collect()
}

/// Filters that are to be refused for a link type: broken ones, and ones that ask for what its
/// frames do not have.
pub fn refused(link: LinkType) -> Vec<&'static str> {
    let of_link = |line: &'static str| {
        let (name, text) = line.split_once(' ')?;
        link.name().is_some_and(|known| known.eq_ignore_ascii_case(name)).then_some(text)
    };
    lines(REFUSED).filter_map(of_link).collect()
}

fn lines(list: &'static str) -> impl Iterator<Item = &'static str> {
    list.lines().filter(|line| !line.is_empty() && !line.starts_with("# "))
}

fn expression(line: &'static str) -> Expression {
    let marked = MARKS.iter().find_map(|(word, mark)| {
        let text = line.strip_prefix(word)?.strip_prefix(' ')?;
        Some(Expression { text, mark: Some(*mark) })
    });
    marked.unwrap_or(Expression { text: line, mark: None })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::filter::LINKS;

    #[test]
    fn every_line_is_a_filter_of_one_link_type() {
        for link in LINKS {
            let list = accepted(link);
            let different: HashSet<_> = list.iter().map(|one| one.text).collect();
            assert_eq!(different.len(), list.len(), "{link}: a filter is listed twice");
            assert!(list.len() >= 50, "{link}");
            let unknown = list.iter().find(|one| one.text.starts_with(['~', '#', ' ']));
            assert_eq!(unknown, None, "{link}");
        }
        let named: usize = LINKS.iter().map(|link| refused(*link).len()).sum();
        assert_eq!(named, lines(REFUSED).count(), "a refused filter names no link type");
    }
}
