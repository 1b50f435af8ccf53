//! The records that LOG and NFLOG rules send: the packet key, read back and printed.
//!
//! A record does not say whether it is about IPv4 or IPv6; the rule that sent it does. So
//! [`Reporters`], which knows the rules, reads records.

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netloom_packet::wire::{TcpFlags, protocol};

use crate::key::{self, Field};
use crate::model::{CtStates, Family, LogOptions, Ruleset, Target};
use crate::slots::{RuleId, Slots};

/// A packet as a rule reported it. Numbers are in host byte order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Nanoseconds of the reporting machine's monotonic clock.
    pub time_ns: u64,
    /// Counter slot of the rule.
    pub slot: u32,
    /// Bytes from the network header on.
    pub length: u32,
    /// Input device; empty for none.
    pub in_device: String,
    /// Output device; empty for none.
    pub out_device: String,
    /// Source address.
    pub source: IpAddr,
    /// Destination address, of the same family.
    pub destination: IpAddr,
    /// What only one version of IP has.
    pub version: Version,
    /// Length by the network header.
    pub total_length: u32,
    /// TTL or hop limit.
    pub hop_limit: u8,
    /// TOS byte or traffic class.
    pub tos: u8,
    /// Transport protocol; 0 where broken extension headers lead to none.
    pub protocol: u8,
    /// What the transport header says.
    pub transport: Transport,
    /// The field of a second or further fragment, as the header has it without its flags: units of
    /// 8 bytes in IPv4, bytes in IPv6. 0 in others.
    pub fragment_offset: u32,
    /// `skb->mark`.
    pub mark: u32,
    /// `PACKET_*` as the pkttype match sees it.
    pub packet_type: u32,
    /// Connection state and translation bits.
    pub states: CtStates,
    /// Sender's hardware address, where there is an Ethernet header.
    pub mac: Option<[u8; 6]>,
}

/// What only one version of IP has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// IPv4.
    V4 {
        /// Identification.
        id: u16,
        /// Routers must not fragment the packet.
        dont_fragment: bool,
        /// Fragments follow.
        more_fragments: bool,
    },
    /// IPv6.
    V6 {
        /// 20 bits.
        flow_label: u32,
    },
}

/// What a transport header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// There is none: a later fragment, or another protocol than these.
    Unknown,
    /// It is cut short.
    Incomplete,
    /// UDP, UDP-Lite, SCTP, DCCP.
    Ports {
        /// Source port.
        source: u16,
        /// Destination port.
        destination: u16,
    },
    /// TCP.
    Tcp {
        /// Source port.
        source: u16,
        /// Destination port.
        destination: u16,
        /// Sequence number.
        sequence: u32,
        /// Acknowledgement number.
        acknowledgement: u32,
        /// The four bits before the flags.
        reserved: u8,
        /// Flags.
        flags: TcpFlags,
        /// Window, unscaled.
        window: u16,
    },
    /// ICMP of either version.
    Icmp {
        /// Type.
        kind: u8,
        /// Code.
        code: u8,
    },
}

/// A rule that reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reporter<'a> {
    /// Its ruleset's family.
    pub family: Family,
    /// The rule.
    pub rule: RuleId<'a>,
    /// Its target: LOG or NFLOG.
    pub target: &'a Target,
}

/// The rules that report, by counter slot.
#[derive(Clone, Debug, Default)]
pub struct Reporters<'a>(HashMap<u32, Reporter<'a>>);

impl<'a> Reporters<'a> {
    /// The rules of `rulesets` that report; `slots` are those the programs were compiled with.
    ///
    /// # Panics
    /// When `slots` were not assigned for these rulesets.
    pub fn of(rulesets: &[&'a Ruleset], slots: &Slots) -> Self {
        let mut reporters = HashMap::new();
        for ruleset in rulesets {
            for table in &ruleset.tables {
                for chain in &table.chains {
                    for (index, rule) in chain.rules.iter().enumerate() {
                        let target = &rule.target.kind;
                        if matches!(target, Target::Log(_) | Target::Nflog(_)) {
                            let rule = RuleId { table: table.name, chain: &chain.name, index };
                            let family = ruleset.family;
                            let reporter = Reporter { family, rule, target };
                            reporters.insert(slots.rule(family, rule), reporter);
                        }
                    }
                }
            }
        }
        Self(reporters)
    }

    /// Whether no rule reports.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The record in `bytes` and the rule that sent it; `None` where the bytes are too few or the
    /// slot is of no such rule.
    pub fn read(&self, bytes: &[u8]) -> Option<(Reporter<'a>, Record)> {
        let reporter = *self.0.get(&Words(bytes).word(Field::Slot)?)?;
        Some((reporter, Record::decode(bytes, reporter.family)?))
    }
}

impl Reporter<'_> {
    /// The record as the kernel's LOG target prints it, with the rule's prefix.
    pub fn line(&self, record: &Record) -> String {
        if let Target::Log(options) = self.target {
            record.line(options)
        } else if let Target::Nflog(options) = self.target {
            format!("{}{record}", options.prefix)
        } else {
            record.to_string()
        }
    }
}

impl Record {
    /// The record in `bytes` about a packet of `family`; `None` where the bytes are too few.
    pub fn decode(bytes: &[u8], family: Family) -> Option<Self> {
        if bytes.len() < key::BYTES as usize {
            return None;
        }
        let words = Words(bytes);
        let [low, high] = [words.at(Field::Time, 0)?, words.at(Field::Time, 1)?];
        let protocol = words.byte(Field::Protocol)?;
        Some(Self {
            time_ns: u64::from(high) << 32 | u64::from(low),
            slot: words.word(Field::Slot)?,
            length: words.word(Field::Len)?,
            in_device: words.name(Field::InName)?,
            out_device: words.name(Field::OutName)?,
            source: words.address(Field::Source, family)?,
            destination: words.address(Field::Destination, family)?,
            version: words.version(family)?,
            total_length: words.word(Field::TotalLen)?,
            hop_limit: words.byte(Field::HopLimit)?,
            tos: words.byte(Field::Tos)?,
            protocol,
            transport: words.transport(protocol)?,
            fragment_offset: words.word(Field::FragmentOffset)?,
            mark: words.word(Field::Mark)?,
            packet_type: words.word(Field::PktType)?,
            states: CtStates(words.byte(Field::CtState)?),
            mac: words.mac()?,
        })
    }

    /// The record as the kernel's LOG target prints it (`nf_log_syslog.c`), as far as a record
    /// goes: the urgent pointer, IP and TCP options, the length of UDP, the identifier of an echo,
    /// what an ICMP error quotes and the sending user are not in it. Of the link-layer header there
    /// is the source, printed as with `--log-macdecode`. The ports of SCTP and DCCP are printed,
    /// which the kernel leaves out.
    pub fn line(&self, options: &LogOptions) -> String {
        let mut line = options.prefix.clone();
        // Writing to a string can not fail.
        let written = self.write(&mut line, options.tcp_sequence);
        debug_assert!(written.is_ok());
        line
    }

    fn write(&self, out: &mut impl fmt::Write, with_sequence: bool) -> fmt::Result {
        write!(out, "IN={} OUT={}", self.in_device, self.out_device)?;
        if let Some([a, b, c, d, e, f]) = self.mac {
            write!(out, " MACSRC={a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}")?;
        }
        match (self.source, self.destination) {
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                write!(out, " SRC={} DST={}", Long(source), Long(destination))?;
            }
            (source, destination) => write!(out, " SRC={source} DST={destination}")?,
        }
        self.write_network(out)?;
        self.write_transport(out, with_sequence)?;
        if self.mark != 0 {
            write!(out, " MARK={:#x}", self.mark)?;
        }
        Ok(())
    }

    fn write_network(&self, out: &mut impl fmt::Write) -> fmt::Result {
        let Self { total_length, hop_limit, tos, .. } = self;
        match self.version {
            Version::V4 { id, dont_fragment, more_fragments } => {
                let (kind, precedence) = (tos & 0x1e, tos & 0xe0);
                write!(out, " LEN={total_length} TOS=0x{kind:02X} PREC=0x{precedence:02X}")?;
                write!(out, " TTL={hop_limit} ID={id}")?;
                out.write_str(if dont_fragment { " DF" } else { "" })?;
                out.write_str(if more_fragments { " MF" } else { "" })?;
            }
            Version::V6 { flow_label } => {
                write!(out, " LEN={total_length} TC={tos} HOPLIMIT={hop_limit}")?;
                write!(out, " FLOWLBL={flow_label}")?;
            }
        }
        if self.fragment_offset == 0 {
            return Ok(());
        }
        write!(out, " FRAG:{}", self.fragment_offset)
    }

    fn write_transport(&self, out: &mut impl fmt::Write, with_sequence: bool) -> fmt::Result {
        match NAMES.iter().find(|(number, _)| *number == self.protocol) {
            Some((_, name)) => write!(out, " PROTO={name}")?,
            None => write!(out, " PROTO={}", self.protocol)?,
        }
        match self.transport {
            Transport::Unknown => Ok(()),
            Transport::Incomplete => out.write_str(" INCOMPLETE"),
            Transport::Ports { source, destination } => {
                write!(out, " SPT={source} DPT={destination}")
            }
            Transport::Icmp { kind, code } => write!(out, " TYPE={kind} CODE={code}"),
            Transport::Tcp {
                source,
                destination,
                sequence,
                acknowledgement,
                reserved,
                flags,
                window,
            } => {
                write!(out, " SPT={source} DPT={destination}")?;
                if with_sequence {
                    write!(out, " SEQ={sequence} ACK={acknowledgement}")?;
                }
                // The kernel prints six bits here, of which the lower two are flags by now.
                write!(out, " WINDOW={window} RES=0x{:02x}", reserved << 2)?;
                let set = FLAGS.iter().filter(|(flag, _)| flags.contains(*flag));
                set.map(|(_, name)| name).try_for_each(|name| write!(out, " {name}"))
            }
        }
    }
}

impl fmt::Display for Record {
    /// As [`Record::line`] without prefix and sequence numbers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, false)
    }
}

/// Protocols that the LOG target names.
const NAMES: [(u8, &str); 7] = [
    (protocol::TCP, "TCP"),
    (protocol::UDP, "UDP"),
    (protocol::UDPLITE, "UDPLITE"),
    (protocol::ICMP, "ICMP"),
    (protocol::ICMPV6, "ICMPv6"),
    (protocol::AH, "AH"),
    (protocol::ESP, "ESP"),
];

/// Flags in the order in which the LOG target names them.
const FLAGS: [(TcpFlags, &str); 8] = [
    (TcpFlags::CWR, "CWR"),
    (TcpFlags::ECE, "ECE"),
    (TcpFlags::URG, "URG"),
    (TcpFlags::ACK, "ACK"),
    (TcpFlags::PSH, "PSH"),
    (TcpFlags::RST, "RST"),
    (TcpFlags::SYN, "SYN"),
    (TcpFlags::FIN, "FIN"),
];

/// An IPv6 address with all its digits.
struct Long(Ipv6Addr);

impl fmt::Display for Long {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, group) in self.0.segments().into_iter().enumerate() {
            write!(f, "{}{group:04x}", if index == 0 { "" } else { ":" })?;
        }
        Ok(())
    }
}

/// The bytes of a record as the key's words.
struct Words<'a>(&'a [u8]);

impl Words<'_> {
    fn at(&self, field: Field, index: u8) -> Option<u32> {
        let offset = usize::from(field.word(index).cast_unsigned());
        self.0.get(offset..)?.first_chunk().copied().map(u32::from_ne_bytes)
    }

    fn word(&self, field: Field) -> Option<u32> {
        self.at(field, 0)
    }

    fn byte(&self, field: Field) -> Option<u8> {
        self.word(field).map(|word| word.to_le_bytes()[0])
    }

    /// Both halves of a word.
    fn halves(&self, field: Field) -> Option<(u16, u16)> {
        let [a, b, c, d] = self.word(field)?.to_be_bytes();
        Some((u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])))
    }

    fn name(&self, field: Field) -> Option<String> {
        let offset = usize::from(field.offset().cast_unsigned());
        let bytes: &[u8; 16] = self.0.get(offset..)?.first_chunk()?;
        let length = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
        Some(String::from_utf8_lossy(&bytes[..length]).into_owned())
    }

    fn address(&self, field: Field, family: Family) -> Option<IpAddr> {
        if family == Family::V4 {
            return self.word(field).map(|bits| Ipv4Addr::from_bits(bits).into());
        }
        let bits = (0..4).try_fold(0u128, |bits, index| {
            self.at(field, index).map(|word| bits << 32 | u128::from(word))
        });
        bits.map(|bits| Ipv6Addr::from_bits(bits).into())
    }

    fn version(&self, family: Family) -> Option<Version> {
        const DONT_FRAGMENT: u16 = 0x4000;
        const MORE_FRAGMENTS: u16 = 0x2000;
        const FLOW_LABEL: u32 = 0xf_ffff;
        let (id, fragment) = self.halves(Field::Identification)?;
        Some(match family {
            Family::V4 => Version::V4 {
                id,
                dont_fragment: fragment & DONT_FRAGMENT != 0,
                more_fragments: fragment & MORE_FRAGMENTS != 0,
            },
            Family::V6 => {
                Version::V6 { flow_label: self.word(Field::Identification)? & FLOW_LABEL }
            }
        })
    }

    fn transport(&self, number: u8) -> Option<Transport> {
        let (_, source) = self.halves(Field::SourcePort)?;
        let (_, destination) = self.halves(Field::DestinationPort)?;
        let is_whole = self.word(Field::HeaderOk)? != 0;
        let is_later = self.word(Field::FragmentOffset)? != 0;
        let (offset_and_flags, window) = self.halves(Field::TcpWindow)?;
        Some(match number {
            _ if is_later => Transport::Unknown,
            protocol::TCP | protocol::UDP | protocol::UDPLITE if !is_whole => Transport::Incomplete,
            protocol::ICMP | protocol::ICMPV6 if !is_whole => Transport::Incomplete,
            protocol::TCP => Transport::Tcp {
                source,
                destination,
                sequence: self.word(Field::TcpSequence)?,
                acknowledgement: self.word(Field::TcpAcknowledgement)?,
                reserved: offset_and_flags.to_be_bytes()[0] & 0xf,
                flags: TcpFlags(self.byte(Field::TcpFlags)?),
                window,
            },
            protocol::ICMP | protocol::ICMPV6 => {
                let [kind, code] = source.to_be_bytes();
                Transport::Icmp { kind, code }
            }
            number if protocol::has_ports(number) => Transport::Ports { source, destination },
            _ => Transport::Unknown,
        })
    }

    fn mac(&self) -> Option<Option<[u8; 6]>> {
        let [a, b, c, d] = self.word(Field::MacHigh)?.to_be_bytes();
        let [_, _, e, f] = self.word(Field::MacLow)?.to_be_bytes();
        Some((self.word(Field::MacAbsent)? == 0).then_some([a, b, c, d, e, f]))
    }
}

#[cfg(test)]
mod tests;
