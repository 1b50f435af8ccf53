//! The packet key: what rules compare, taken out of the packet once.
//!
//! Every program begins by filling this structure on its stack; the code of a rule reads nothing
//! else. It is also the record that LOG and NFLOG send to user space. All fields are 32 bits wide
//! and in host byte order but device names, which are bytes; 128-bit addresses are four fields,
//! most significant first, an IPv4 address is the first of them.

/// A field of the key. Those with several words name the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Field {
    /// Nanoseconds of the clock, two words; set when a record is sent.
    Time = 0,
    /// Counter slot of the rule that sends a record.
    Slot = 2,
    /// Bytes of the packet from the network header on.
    Len = 3,
    /// Input device name, 16 bytes, zero-padded; all zero without a device.
    InName = 4,
    /// Output device name.
    OutName = 8,
    /// Source address, four words.
    Source = 12,
    /// Destination address, four words.
    Destination = 16,
    /// Transport protocol.
    Protocol = 20,
    /// Source port; ICMP type and code.
    SourcePort = 21,
    /// Destination port.
    DestinationPort = 22,
    /// Flags byte of a TCP header.
    TcpFlags = 23,
    /// TTL or hop limit.
    HopLimit = 24,
    /// TOS byte or traffic class.
    Tos = 25,
    /// Length as the length match sees it.
    TotalLen = 26,
    /// `skb->mark`.
    Mark = 27,
    /// `PACKET_*` as the pkttype match sees it.
    PktType = 28,
    /// Connection state, one bit of `CtStates`, and its translation bits.
    CtState = 29,
    /// One bit: kind of the destination (`AddrTypes`).
    DestinationType = 30,
    /// First four bytes of the link-layer source address.
    MacHigh = 31,
    /// Its last two bytes.
    MacLow = 32,
    /// 1 when there is no Ethernet header.
    MacAbsent = 33,
    /// Offset of a second or further fragment in units of 8 bytes; 0 in others.
    FragmentOffset = 34,
    /// All ones, or zero when the protocol's own header is cut short.
    HeaderOk = 35,
    /// All ones, or zero when even the ports are cut off.
    PortsOk = 36,
    /// All ones, or zero when the chain of IPv6 extension headers is broken.
    ChainOk = 37,
    /// Identification and fragment word of an IPv4 header; flow label of an IPv6 header.
    Identification = 38,
    /// Sequence number of a TCP header.
    TcpSequence = 39,
    /// Acknowledgement number.
    TcpAcknowledgement = 40,
    /// Data offset, flags and window: 32 bits from byte 12 on.
    TcpWindow = 41,
    /// Number of counter slots in `Pending`.
    PendingCount = 42,
    /// Counter slots of rules passed by an XDP program, counted only if it drops.
    Pending = 43,
}

/// Slots an XDP program can hold back before it leaves the packet to the exact program.
pub const PENDING_MAX: u32 = 8;

/// Words of the key.
pub const WORDS: u32 = Field::Pending as u32 + PENDING_MAX + 1;

/// Bytes of the key, a multiple of 8.
pub const BYTES: u32 = 208;

/// Where the key begins in a stack frame that ends with it.
pub(crate) const FRAME_OFFSET: i16 = -208;

const _: () = assert!(BYTES == WORDS * 4 && BYTES.is_multiple_of(8));
const _: () = assert!(BYTES.wrapping_add_signed(FRAME_OFFSET as i32) == 0);

impl Field {
    /// Byte offset of the field.
    pub fn offset(self) -> i16 {
        self.word(0)
    }

    /// Byte offset of the field's word `index`.
    pub fn word(self, index: u8) -> i16 {
        i16::from(self as u8 + index) * 4
    }
}
