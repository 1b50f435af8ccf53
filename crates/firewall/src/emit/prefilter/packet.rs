//! The packet's bytes as XDP sees them. Whatever is not plain passes.

use netloom_isa::{AluOp, Cond, Label, Reg, Size};

use super::{frame, set};
use crate::emit::code::Code;
use crate::key::Field;

/// Bytes of an Ethernet header.
const ETHERNET: i16 = 14;
/// `struct xdp_md` (`linux/bpf.h`): offsets of `data` and `data_end`.
const XDP_DATA: i16 = 0;
const XDP_DATA_END: i16 = 4;
/// IPv6 extension headers, and "no next header".
const NOT_TRANSPORT: [i32; 6] = [0, 43, 44, 51, 59, 60];

/// Checks the Ethernet header. Leaves `r7` at the packet's start, `r8` at its end, `r9` = type.
pub(super) fn ethernet(code: &mut Code, pass: Label) {
    // The device's address, through a structure that begins with six bytes.
    code.load_field(Size::Dw, Reg::R1, Reg::R9, ("net_device", "dev_addr"));
    code.cast(Reg::R1, "ethhdr");
    code.load(Size::W, Reg::R7, Reg::R6, XDP_DATA);
    code.load(Size::W, Reg::R8, Reg::R6, XDP_DATA_END);
    require(code, ETHERNET + 20, pass);
    for (size, offset) in [(Size::W, 0), (Size::H, 4)] {
        code.load_inside(size, Reg::R1, Reg::R0, ("ethhdr", "h_dest"), offset);
        code.load(size, Reg::R2, Reg::R7, offset);
        code.jump_if(Cond::Ne, Reg::R1, Reg::R2, pass);
    }
    for (field, size, offset) in [(Field::MacHigh, Size::W, 6), (Field::MacLow, Size::H, 10)] {
        code.load(size, Reg::R1, Reg::R7, offset);
        code.swap(size, Reg::R1);
        set(code, field, 0, Reg::R1);
    }
    code.load(Size::H, Reg::R9, Reg::R7, 12);
    code.swap(Size::H, Reg::R9);
}

/// Fills the key from an IPv4 packet: no options, no fragment, right checksum.
pub(super) fn ipv4(code: &mut Code, pass: Label) {
    let header = |offset: i16| ETHERNET + offset;
    code.load(Size::B, Reg::R1, Reg::R7, header(0));
    code.jump_if(Cond::Ne, Reg::R1, 0x45, pass);
    code.load(Size::H, Reg::R1, Reg::R7, header(6));
    code.swap(Size::H, Reg::R1);
    code.alu(AluOp::And, Reg::R1, 0x3fff);
    code.jump_if(Cond::Ne, Reg::R1, 0, pass);
    code.mov(Reg::R2, 0);
    for offset in (0..20).step_by(4) {
        code.load(Size::W, Reg::R1, Reg::R7, header(offset));
        code.alu(AluOp::Add, Reg::R2, Reg::R1);
    }
    // Five words sum to 35 bits; three folds bring the one's complement sum into 16.
    for _ in 0..3 {
        code.mov(Reg::R1, Reg::R2);
        code.alu(AluOp::Rsh, Reg::R1, 16);
        code.alu(AluOp::And, Reg::R2, 0xffff);
        code.alu(AluOp::Add, Reg::R2, Reg::R1);
    }
    code.jump_if(Cond::Ne, Reg::R2, 0xffff, pass);

    for (field, offset) in
        [(Field::Source, 12), (Field::Destination, 16), (Field::Identification, 4)]
    {
        code.load(Size::W, Reg::R1, Reg::R7, header(offset));
        code.swap(Size::W, Reg::R1);
        set(code, field, 0, Reg::R1);
    }
    for (field, offset) in [(Field::Protocol, 9), (Field::HopLimit, 8), (Field::Tos, 1)] {
        code.load(Size::B, Reg::R1, Reg::R7, header(offset));
        set(code, field, 0, Reg::R1);
    }
    code.load(Size::H, Reg::R1, Reg::R7, header(2));
    code.swap(Size::H, Reg::R1);
    length(code, 20, pass);
    code.load(Size::B, Reg::R9, Reg::R7, header(9));
    transport(code, header(20), pass);
}

/// Fills the key from an IPv6 packet without extension headers.
pub(super) fn ipv6(code: &mut Code, pass: Label) {
    let header = |offset: i16| ETHERNET + offset;
    require(code, ETHERNET + 40, pass);
    code.load(Size::W, Reg::R1, Reg::R7, header(0));
    code.swap(Size::W, Reg::R1);
    set(code, Field::Identification, 0, Reg::R1);
    code.mov(Reg::R2, Reg::R1);
    code.alu(AluOp::Rsh, Reg::R2, 28);
    code.jump_if(Cond::Ne, Reg::R2, 6, pass);
    code.alu(AluOp::Rsh, Reg::R1, 20);
    code.alu(AluOp::And, Reg::R1, 0xff);
    set(code, Field::Tos, 0, Reg::R1);
    for (field, offset) in [(Field::Source, 8), (Field::Destination, 24)] {
        for word in 0..4u8 {
            code.load(Size::W, Reg::R1, Reg::R7, header(offset + 4 * i16::from(word)));
            code.swap(Size::W, Reg::R1);
            set(code, field, word, Reg::R1);
        }
    }
    code.load(Size::B, Reg::R1, Reg::R7, header(7));
    set(code, Field::HopLimit, 0, Reg::R1);
    code.load(Size::H, Reg::R1, Reg::R7, header(4));
    code.swap(Size::H, Reg::R1);
    // Without a payload length it is a jumbogram, or nothing.
    code.jump_if(Cond::Eq, Reg::R1, 0, pass);
    code.alu(AluOp::Add, Reg::R1, 40);
    length(code, 40, pass);
    code.load(Size::B, Reg::R9, Reg::R7, header(6));
    for number in NOT_TRANSPORT {
        code.jump_if(Cond::Eq, Reg::R9, number, pass);
    }
    set(code, Field::Protocol, 0, Reg::R9);
    transport(code, header(40), pass);
}

/// Checks the packet's own length in `r1` against the frame and the header of `header` bytes.
fn length(code: &mut Code, header: i32, pass: Label) {
    set(code, Field::Len, 0, Reg::R1);
    set(code, Field::TotalLen, 0, Reg::R1);
    code.jump_if(Cond::Lt, Reg::R1, header, pass);
    code.mov(Reg::R2, Reg::R8);
    code.alu(AluOp::Sub, Reg::R2, Reg::R7);
    code.alu(AluOp::Sub, Reg::R2, i32::from(ETHERNET));
    code.jump_if(Cond::Sgt, Reg::R1, Reg::R2, pass);
}

/// Ports and flags of the transport header at `offset`; `r9` is the protocol. A packet whose
/// header is cut short passes.
fn transport(code: &mut Code, offset: i16, pass: Label) {
    let (tcp, done) = (code.label(), code.label());
    let network = i32::from(offset - ETHERNET);
    code.load(Size::W, Reg::R2, Reg::R10, frame::KEY + Field::Len.offset());
    code.jump_if(Cond::Eq, Reg::R9, 6, tcp);
    // 12 bytes are enough for the header of every other protocol that a rule reads.
    code.jump_if(Cond::Lt, Reg::R2, network + 12, pass);
    require(code, offset + 12, pass);
    ports(code, offset);
    code.jump(done);
    code.place(tcp);
    code.jump_if(Cond::Lt, Reg::R2, network + 20, pass);
    require(code, offset + 20, pass);
    ports(code, offset);
    code.load(Size::B, Reg::R1, Reg::R7, offset + 13);
    set(code, Field::TcpFlags, 0, Reg::R1);
    code.place(done);
}

fn ports(code: &mut Code, offset: i16) {
    for (field, at) in [(Field::SourcePort, 0), (Field::DestinationPort, 2)] {
        code.load(Size::H, Reg::R1, Reg::R7, offset + at);
        code.swap(Size::H, Reg::R1);
        set(code, field, 0, Reg::R1);
    }
}

/// Passes where the frame has fewer than `bytes`.
fn require(code: &mut Code, bytes: i16, pass: Label) {
    code.mov(Reg::R2, Reg::R7);
    code.alu(AluOp::Add, Reg::R2, i32::from(bytes));
    code.jump_if(Cond::Gt, Reg::R2, Reg::R8, pass);
}
