use std::net::IpAddr;

use arbtest::arbtest;

use super::*;
use crate::{Packet, Program, run};

fn ethernet(text: &str) -> Result<Vec<Insn>, ExpressionError> {
    compile(text, &Options { netmask: Some(0), ..Options::new(LinkType::ETHERNET) })
}

/// Asserts that both texts of each row make the same program.
#[track_caller]
fn assert_same(rows: &[(&str, &str)]) {
    for (one, other) in rows {
        assert_eq!(ethernet(one).unwrap(), ethernet(other).unwrap(), "{one} and {other}");
    }
}

#[test]
fn the_empty_expression_accepts_everything() {
    for text in ["", " \t\r\n"] {
        assert_eq!(ethernet(text), Ok(vec![Insn::RetK(SNAPLEN)]));
    }
}

#[test]
fn the_program_returns_the_wanted_length() {
    let options = Options { snaplen: 96, ..Options::new(LinkType::ETHERNET) };
    let insns = compile("ip", &options).unwrap();
    assert_eq!(insns[2..], [Insn::RetK(96), Insn::RetK(0)]);
}

#[test]
fn names_and_numbers_take_the_qualifiers_before_them() {
    assert_same(&[
        ("host 10.0.0.1 or 10.0.0.2", "host 10.0.0.1 or host 10.0.0.2"),
        ("tcp port 80 or 443 and 22", "(tcp port 80 or tcp port 443) and tcp port 22"),
        ("src host (10.0.0.1 or 10.0.0.2)", "src host 10.0.0.1 or src host 10.0.0.2"),
        ("port (80)", "port 80"),
        ("not host 10.0.0.1 and 10.0.0.2", "(not host 10.0.0.1) and host 10.0.0.2"),
        ("host 10.0.0.1 or not 10.0.0.2", "host 10.0.0.1 or not host 10.0.0.2"),
        ("port 80 and (udp) or 53", "(port 80 and udp) or port 53"),
        ("host not 10.0.0.1", "not host 10.0.0.1"),
    ]);
}

#[test]
fn operators_bind_as_in_libpcap() {
    assert_same(&[
        ("ether[0] + ether[1] * 3 = 7", "ether[0] + (ether[1] * 3) = 7"),
        ("ether[0] << 1 + 1 = 4", "ether[0] << (1 + 1) = 4"),
        ("ether[0] & 3 | 4 = 5", "(ether[0] & 3) | 4 = 5"),
        ("ether[0] % 3 + 1 = 2", "ether[0] % (3 + 1) = 2"),
        ("ether[0] + ether[1] % 7 = 5", "ether[0] + (ether[1] % 7) = 5"),
        ("-ether[0] % 7 = 5", "-(ether[0] % 7) = 5"),
        ("-ether[0] + 7 = 5", "(-ether[0]) + 7 = 5"),
        ("ether[0] - ether[1] - 1 = 5", "(ether[0] - ether[1]) - 1 = 5"),
        ("0x10 = ether[0] ^ 020", "16 = ether[0] ^ 16"),
    ]);
}

#[test]
fn words_have_the_longest_form() {
    assert_same(&[
        ("tcp[tcpflags]&tcp-syn!=0", "tcp[13] & 2 != 0"),
        ("!ip&&(arp||rarp)", "not ip and (arp or rarp)"),
        ("ether host aabbccddeeff", "ether host aa:bb:cc:dd:ee:ff"),
        ("ether host aabb.ccdd.eeff", "ether host aa-bb-cc-dd-ee-ff"),
        ("ether host a:b:c:d:e:f", "ether host 0a.0b.0c.0d.0e.0f"),
        ("host ::ffff:10.0.0.1", "host 0:0:0:0:0:ffff:a00:1"),
        ("net 1:2:3:4:5:6:7::/112", "net 1:2:3:4:5:6:7:0/112"),
        ("ip proto \\tcp", "ip proto 6"),
        ("portrange 80-90", "portrange 90-80"),
        ("net 10.1", "net 10.1.0.0/16"),
        ("net 10.1.0.0 mask 255.255.0.0", "net 10.1.0.0/16"),
        ("es-is", "esis"),
        ("len == 5", "length = 5"),
    ]);
}

#[test]
fn refusals_point_at_the_fault() {
    let link = LinkType::ETHERNET;
    let form = |form, what| Reason::Form { form, what };
    let expected = |expected| Reason::Unexpected { expected };
    let unknown = |what, name: &str| Reason::Unknown { what, name: name.into() };
    let rows: &[(&str, &str, Reason)] = &[
        ("tcp and é", "é", Reason::Character('é')),
        ("port 99999999999", "99999999999", Reason::NumberTooLarge),
        ("port 09", "09", Reason::NotOctal),
        ("ether host aa:bb:", "aa:bb:", Reason::BogusAddress),
        ("host ::1.2.3.400", "::1.2.3.400", Reason::BogusAddress),
        ("tcp tcp", "tcp", expected("`and`, `or` or the end")),
        ("ip or", "", expected("a primitive")),
        ("tcp or 80", "80", expected("a qualifier such as `host`, `net` or `port`")),
        ("(ip", "", expected("`)`")),
        ("ip[0", "", expected("an operator or `]`")),
        ("src or host a", "host", expected("the other one of `src` and `dst`")),
        ("port 65536", "65536", Reason::OutOfRange { what: "a port", max: 65535 }),
        ("port nonsense", "nonsense", unknown("port", "nonsense")),
        ("host nowhere", "nowhere", unknown("host", "nowhere")),
        ("arp port 80", "80", Reason::Qualifier { protocol: "arp", what: "a port" }),
        ("port 10.0.0.1", "10.0.0.1", form("an IPv4 address", "a port")),
        ("net 10.0.0.1/8", "10.0.0.1/8", Reason::HostBits),
        ("ip and ip[8] / 0 = 1", "ip[8] / 0", Reason::DivisionByZero),
        ("ip[0] << 32 = 1", "ip[0] << 32", Reason::ShiftTooFar),
        ("tcp[0:3] = 1", "tcp[0:3]", Reason::AccessSize),
        ("1 = ah[0]", "ah[0]", Reason::NotIndexable { protocol: "ah" }),
        ("ip and inbound", "inbound", Reason::LinkType { what: "direction", link }),
        ("vlan 4096", "vlan 4096", Reason::OutOfRange { what: "a VLAN identifier", max: 4095 }),
        ("mpls and arp", "arp", Reason::Encapsulated { what: "protocol but IP", within: "MPLS" }),
        ("gateway a", "a", Reason::NotSupported { what: "`gateway`" }),
        ("wlan type mgt", "type", Reason::NotSupported { what: "802.11 field" }),
        ("tcp and udp", "tcp and udp", Reason::RejectsAll),
    ];
    for (text, part, reason) in rows {
        let error = ethernet(text).unwrap_err();
        assert_eq!((&text[error.span.clone()], &error.reason), (*part, reason), "{text}");
    }
    let error = ethernet("ip and\n  (tcp or ü)").unwrap_err();
    assert_eq!(error.line_column("ip and\n  (tcp or ü)"), (2, 11));
    assert_eq!(error.to_string(), "byte 17: the character 'ü' begins no word");
}

/// Names of a small world.
struct World;

impl Names for World {
    fn host(&self, name: &str) -> Vec<IpAddr> {
        match name {
            "both" => vec!["10.0.0.9".parse().unwrap(), "2001:db8::9".parse().unwrap()],
            _ => Vec::new(),
        }
    }

    fn network(&self, name: &str) -> Option<u32> {
        (name == "office").then_some(0x0a01)
    }

    fn ethernet(&self, name: &str) -> Option<[u8; 6]> {
        (name == "both").then_some([2, 0, 0, 0, 0, 9])
    }

    fn port(&self, name: &str) -> Ports {
        match name {
            "web" => Ports { tcp: Some(80), udp: None },
            "names" => Ports { tcp: Some(53), udp: Some(53) },
            _ => Ports::default(),
        }
    }

    fn protocol(&self, name: &str) -> Option<u8> {
        (name == "own").then_some(200)
    }
}

#[test]
fn names_stand_for_what_the_caller_says() {
    let options = Options { names: &World, ..Options::new(LinkType::ETHERNET) };
    for (named, numbered) in [
        ("host both", "host 10.0.0.9 or host 2001:db8::9"),
        ("ip6 host both", "host 2001:db8::9"),
        ("ether src both", "ether src 02:00:00:00:00:09"),
        ("net office", "net 10.1"),
        ("port web", "tcp port 80"),
        ("port names", "port 53"),
        ("udp port names", "udp port 53"),
        ("portrange names-web", "portrange 53-80"),
        ("ip proto own", "ip proto 200"),
        ("ip proto \\udp", "ip proto 17"),
    ] {
        let [named_program, numbered] =
            [named, numbered].map(|text| compile(text, &options).unwrap());
        assert_eq!(named_program, numbered, "{named}");
    }
    let error = compile("udp port web", &options).unwrap_err();
    assert_eq!(error.reason, Reason::PortOf { name: "web".into(), protocol: "tcp" });
}

/// Texts that would take a careless compiler time or stack, and how they end.
fn hostile() -> Vec<(String, Option<Reason>)> {
    let joined = |count, by: &str, one: &dyn Fn(usize) -> String| {
        (0..count).map(one).collect::<Vec<_>>().join(by)
    };
    let too_deep = Some(Reason::TooDeep { max: NESTING_MAX });
    let too_many = Some(Reason::TooManyTests { max: TESTS_MAX });
    vec![
        ("(".repeat(TEXT_MAX), too_deep.clone()),
        ("(".repeat(NESTING_MAX) + "ip" + &")".repeat(NESTING_MAX), None),
        ("not ".repeat(5_000) + "ip", too_deep.clone()),
        ("-".repeat(5_000) + "1 = 1", too_deep.clone()),
        ("ip[".repeat(5_000) + "0", too_deep.clone()),
        ("ether[".repeat(150) + "0" + &"]".repeat(150) + " = 1", None),
        ("1 + ".repeat(5_000) + "1 = 1", Some(Reason::TooManyOperators { max: OPERATORS_MAX })),
        ("1 + (".repeat(16) + "1" + &")".repeat(16) + " = 1", Some(Reason::TooManyValues)),
        (
            ":".repeat(TEXT_MAX),
            Some(Reason::Unexpected { expected: "a qualifier such as `host`, `net` or `port`" }),
        ),
        ("a:".repeat(TEXT_MAX / 2), Some(Reason::BogusAddress)),
        (" ".repeat(TEXT_MAX + 1), Some(Reason::TextTooLong { max: TEXT_MAX })),
        (joined(3_000, " or ", &|at| format!("host 10.0.{}.{}", at / 200, at % 200)), too_many),
        (joined(1_000, " or ", &|at| format!("src host 10.0.{}.{}", at / 200, at % 200)), None),
        (joined(500, " or ", &|at| format!("port {}", 7 * at)), None),
        (joined(500, " and ", &|at| format!("not tcp port {at}")), None),
        (joined(3_000, " or ", &|at| format!("ip[{}] > ip[{}]", at % 20, at % 19)), None),
        (joined(1_000, " and ", &|_| "mpls".to_owned()), None),
        (
            joined(16_000, " or ", &|_| "tcp[0] = 1".to_owned()),
            Some(Reason::TooManyTests { max: TESTS_MAX }),
        ),
    ]
}

#[test]
fn hostile_texts_end_soon() {
    for (text, reason) in hostile() {
        let start = std::time::Instant::now();
        let compiled = ethernet(&text);
        let name = &text[..text.len().min(40)];
        assert_eq!(compiled.err().map(|error| error.reason), reason, "{name}");
        // Usually below a second even without optimisation; libpcap takes minutes for some.
        assert!(start.elapsed().as_secs() < 60, "{name}");
    }
    // As many different tests as are allowed, which no program could hold.
    for joined in ["ether[0:4] != ", "len > "] {
        let text = (0..TESTS_MAX).map(|at| format!("{joined}{at}")).collect::<Vec<_>>();
        let error = ethernet(&text.join(" and ")).unwrap_err();
        assert!(matches!(error.reason, Reason::ProgramTooLong { .. }), "{joined}: {error}");
    }
}

#[test]
fn far_jumps_reach_their_targets() {
    let hosts = (0..400).map(|at| format!("src host 10.0.{}.{}", at / 200, at % 200));
    let text = format!("ip and not ({})", hosts.collect::<Vec<_>>().join(" or "));
    let program = Program::new(ethernet(&text).unwrap()).unwrap();
    assert!(program.len() > 400);
    let mut frame = [0; 60];
    frame[12] = 8;
    for (address, verdict) in
        [([10, 0, 0, 0], 0), ([10, 0, 1, 199], 0), ([10, 0, 1, 200], SNAPLEN), ([9; 4], SNAPLEN)]
    {
        frame[26..30].copy_from_slice(&address);
        assert_eq!(run(&program, &Packet::new(&frame)), verdict, "{address:?}");
    }
}

/// Words of the language, and some that are not.
const WORDS: &[&str] = &[
    "ip",
    "ip6",
    "tcp",
    "udp",
    "icmp6",
    "arp",
    "ether",
    "isis",
    "l1",
    "radio",
    "decnet",
    "host",
    "net",
    "port",
    "portrange",
    "proto",
    "protochain",
    "gateway",
    "src",
    "dst",
    "and",
    "or",
    "not",
    "!",
    "(",
    ")",
    "[",
    "]",
    ":",
    "/",
    "mask",
    "+",
    "-",
    "*",
    "%",
    "&",
    "|",
    "^",
    "<<",
    ">>",
    "=",
    "!=",
    "<",
    ">",
    "<=",
    ">=",
    "len",
    "less",
    "greater",
    "byte",
    "broadcast",
    "multicast",
    "vlan",
    "mpls",
    "pppoes",
    "pppoed",
    "geneve",
    "llc",
    "rnr",
    "inbound",
    "ifindex",
    "type",
    "vpi",
    "0",
    "1",
    "2",
    "4",
    "6",
    "0x800",
    "4294967295",
    "10.0.0.1",
    "10.1",
    "1.2.3.400",
    "2001:db8::1",
    "::",
    "aa:bb:cc:dd:ee:ff",
    "aa:bb:",
    "\\tcp",
    "\\",
    "$a1",
    "80-90",
    "http",
    "é",
    "tcp-syn",
    "tcpflags",
];

#[test]
fn no_text_makes_it_panic_and_programs_are_valid() {
    let links = [
        LinkType::ETHERNET,
        LinkType::RAW,
        LinkType::LINUX_SLL,
        LinkType::LINUX_SLL2,
        LinkType::NULL,
        LinkType::IPV6,
    ];
    arbtest(|u| {
        let mut text = String::new();
        for _ in 0..u.int_in_range(1..=14)? {
            text.push_str(u.choose(WORDS)?);
            if u.ratio(9, 10)? {
                text.push(' ');
            }
        }
        let options = Options { netmask: Some(0xff), ..Options::new(*u.choose(&links)?) };
        match compile(&text, &options) {
            Ok(insns) => {
                drop(Program::new(insns).unwrap_or_else(|error| panic!("{text}: {error}")))
            }
            Err(error) => assert!(text.get(error.span.clone()).is_some(), "{text}: {error}"),
        }
        Ok(())
    });
}
