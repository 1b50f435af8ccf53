//! Words, symbols and literals of the language.

use std::net::Ipv6Addr;
use std::ops::Range;

use super::protocol::{PROTOCOLS, Protocol};
use super::syntax::{Direction, Kind};

/// A token and the bytes of the text it was made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token<'t> {
    pub(super) lexeme: Lexeme<'t>,
    pub(super) span: Range<usize>,
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lexeme<'t> {
    Word(Word),
    Symbol(Symbol),
    Number(u32),
    /// Two to four numbers with dots between them.
    Dotted(&'t str),
    Ip6(Ipv6Addr),
    Mac([u8; 6]),
    /// An `ARCnet` address.
    Arcnet,
    /// Any other word, or one behind a backslash.
    Name(&'t str),
}

/// A word that the language reserves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    Protocol(Protocol),
    Direction(Direction),
    Kind(Kind),
    And,
    Or,
    Not,
    Mask,
    Less,
    Greater,
    Byte,
    Broadcast,
    Multicast,
    Len,
    Inbound,
    Outbound,
    Ifindex,
    Vlan,
    Mpls,
    Pppoed,
    Pppoes,
    Geneve,
    Llc,
    /// A field that only link types have which the compiler leaves out.
    Foreign(&'static str),
}

/// Punctuation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Symbol {
    Plus,
    Minus,
    Star,
    Slash,
    Percent,
    Colon,
    OpenBracket,
    CloseBracket,
    Open,
    Close,
    And,
    Or,
    Xor,
    ShiftLeft,
    ShiftRight,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

/// The reserved word that `text` is.
pub(super) fn word(text: &str) -> Option<Word> {
    let protocol = || PROTOCOLS.iter().find(|row| row.0 == text).map(|row| Word::Protocol(row.1));
    let other = || WORDS.iter().find(|row| row.0 == text).map(|row| row.1);
    let foreign = || FOREIGN.iter().find(|row| row.1.contains(&text)).map(|row| row.0);
    protocol().or_else(other).or_else(|| foreign().map(Word::Foreign))
}

/// pcap-filter(7).
#[rustfmt::skip]
const WORDS: &[(&str, Word)] = &[
    ("src",        Word::Direction(Direction::Source)),
    ("dst",        Word::Direction(Direction::Destination)),
    ("address1",   Word::Direction(Direction::Wireless)),
    ("addr1",      Word::Direction(Direction::Wireless)),
    ("address2",   Word::Direction(Direction::Wireless)),
    ("addr2",      Word::Direction(Direction::Wireless)),
    ("address3",   Word::Direction(Direction::Wireless)),
    ("addr3",      Word::Direction(Direction::Wireless)),
    ("address4",   Word::Direction(Direction::Wireless)),
    ("addr4",      Word::Direction(Direction::Wireless)),
    ("ra",         Word::Direction(Direction::Wireless)),
    ("ta",         Word::Direction(Direction::Wireless)),
    ("host",       Word::Kind(Kind::Host)),
    ("net",        Word::Kind(Kind::Net)),
    ("port",       Word::Kind(Kind::Port)),
    ("portrange",  Word::Kind(Kind::PortRange)),
    ("proto",      Word::Kind(Kind::Proto)),
    ("protochain", Word::Kind(Kind::ProtoChain)),
    ("gateway",    Word::Kind(Kind::Gateway)),
    ("and",        Word::And),
    ("or",         Word::Or),
    ("not",        Word::Not),
    ("mask",       Word::Mask),
    ("less",       Word::Less),
    ("greater",    Word::Greater),
    ("byte",       Word::Byte),
    ("broadcast",  Word::Broadcast),
    ("multicast",  Word::Multicast),
    ("len",        Word::Len),
    ("length",     Word::Len),
    ("inbound",    Word::Inbound),
    ("outbound",   Word::Outbound),
    ("ifindex",    Word::Ifindex),
    ("vlan",       Word::Vlan),
    ("mpls",       Word::Mpls),
    ("pppoed",     Word::Pppoed),
    ("pppoes",     Word::Pppoes),
    ("geneve",     Word::Geneve),
    ("llc",        Word::Llc),
];

/// Words about other link types, by what they are about.
const FOREIGN: &[(&str, &[&str])] = &[
    ("802.11 field", &["type", "subtype", "dir", "direction"]),
    (
        "ATM field",
        &[
            "lane",
            "metac",
            "bcc",
            "oam",
            "oamf4",
            "oamf4ec",
            "oamf4sc",
            "sc",
            "ilmic",
            "vpi",
            "vci",
            "connectmsg",
            "metaconnect",
        ],
    ),
    (
        "packet filter field",
        &[
            "on",
            "ifname",
            "rset",
            "ruleset",
            "rnr",
            "rulenum",
            "srnr",
            "subrulenum",
            "reason",
            "action",
        ],
    ),
    (
        "SS7 field",
        &[
            "fisu", "lssu", "lsu", "msu", "hfisu", "hlssu", "hmsu", "sio", "opc", "dpc", "sls",
            "hsio", "hopc", "hdpc", "hsls",
        ],
    ),
];
