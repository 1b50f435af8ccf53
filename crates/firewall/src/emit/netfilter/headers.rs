//! The packet's headers.

use netloom_isa::{AluOp, Cond, Label, Reg, Size};

use super::bytes::Bytes;
use super::{Prologue, frame};
use crate::emit::code::Code;
use crate::key::Field;
use crate::model::Family;

/// Extension headers of one IPv6 packet that are walked before it counts as malformed.
const EXTENSION_HEADERS_MAX: i32 = 32;

/// Protocol numbers (IANA), those the walk and the length table name.
mod protocol {
    pub(super) const TCP: i32 = 6;
    pub(super) const ROUTING: i32 = 43;
    pub(super) const FRAGMENT: i32 = 44;
    pub(super) const AUTHENTICATION: i32 = 51;
    pub(super) const SCTP: i32 = 132;
    /// Hop-by-hop, routing, fragment, authentication, destination options: what
    /// `ipv6_ext_hdr` names, without 59 (none), which ends a chain.
    pub(super) const EXTENSIONS: [i32; 5] = [0, 43, 44, 51, 60];
}

/// Bytes of a transport header that its match reads: TCP, SCTP, all others.
const HEADER_BYTES: [(i32, i32); 2] = [(protocol::TCP, 20), (protocol::SCTP, 12)];
const HEADER_BYTES_DEFAULT: i32 = 8;
/// Bytes that are read at once where the packet has them: a TCP header without options.
const TRANSPORT_BYTES: i32 = 20;

impl Prologue {
    /// Fills the network header's fields. Leaves the transport header's offset in `r9`.
    pub(super) fn network_header(&self, code: &mut Code) {
        // The IP layer has made its header linear, or dropped the packet.
        let bytes = match self.family {
            Family::V4 => 20,
            Family::V6 => 40,
        };
        self.require_linear(code, None, bytes, self.pass);
        self.linear(code, None);
        code.mov(Reg::R7, Reg::R0);
        let header = Bytes::Linear(Reg::R7);
        match self.family {
            Family::V4 => self.ipv4(code, header),
            Family::V6 => self.ipv6(code, header),
        }
    }

    fn ipv4(&self, code: &mut Code, header: Bytes) {
        self.copy(code, header, (Field::Source, 0), 12);
        self.copy(code, header, (Field::Destination, 0), 16);
        self.copy(code, header, (Field::Identification, 0), 4);
        for (field, offset) in [(Field::Protocol, 9), (Field::HopLimit, 8), (Field::Tos, 1)] {
            header.load(code, Size::B, Reg::R1, offset);
            self.set(code, field, Reg::R1);
        }
        header.load(code, Size::H, Reg::R1, 6);
        code.alu(AluOp::And, Reg::R1, 0x1fff);
        self.set(code, Field::FragmentOffset, Reg::R1);
        if self.demand.any(&[Field::TotalLen]) {
            let known = code.label();
            header.load(code, Size::H, Reg::R1, 2);
            // A segmentation-offloaded packet over 64 KiB says 0.
            code.jump_if(Cond::Ne, Reg::R1, 0, known);
            self.get(code, Field::Len, Reg::R1);
            code.place(known);
            self.set(code, Field::TotalLen, Reg::R1);
        }
        if self.demand.any(&[Field::PktType]) {
            self.packet_type(code, header);
        }
        header.load(code, Size::B, Reg::R9, 0);
        code.alu(AluOp::And, Reg::R9, 0x0f);
        code.alu(AluOp::Lsh, Reg::R9, 2);
    }

    fn ipv6(&self, code: &mut Code, header: Bytes) {
        for word in 0..4u8 {
            self.copy(code, header, (Field::Source, word), 8 + 4 * i16::from(word));
            self.copy(code, header, (Field::Destination, word), 24 + 4 * i16::from(word));
        }
        header.load(code, Size::W, Reg::R1, 0);
        self.set(code, Field::Identification, Reg::R1);
        code.alu(AluOp::Rsh, Reg::R1, 20);
        code.alu(AluOp::And, Reg::R1, 0xff);
        self.set(code, Field::Tos, Reg::R1);
        header.load(code, Size::B, Reg::R1, 7);
        self.set(code, Field::HopLimit, Reg::R1);
        header.load(code, Size::H, Reg::R1, 4);
        code.alu(AluOp::Add, Reg::R1, 40);
        self.set(code, Field::TotalLen, Reg::R1);
        if self.demand.any(&[Field::PktType]) {
            self.packet_type(code, header);
        }
        header.load(code, Size::B, Reg::R6, 6);
        self.extension_headers(code);
    }

    /// Walks from the fixed header to the transport header as `ipv6_find_hdr` does. `r6` is the
    /// next header, `r9` its offset, `r7` counts down.
    fn extension_headers(&self, code: &mut Code) {
        let (again, is_extension, walk) = (code.label(), code.label(), code.label());
        let (found, fragment, broken) = (code.label(), code.label(), code.label());
        let done = code.label();
        code.mov(Reg::R9, 40);
        code.mov(Reg::R7, EXTENSION_HEADERS_MAX);
        self.set_constant(code, Field::FragmentOffset, 0);
        self.set_constant(code, Field::ChainOk, -1);

        for number in protocol::EXTENSIONS {
            code.jump_if(Cond::Eq, Reg::R6, number, walk);
        }
        code.place(found);
        self.set(code, Field::Protocol, Reg::R6);
        code.jump(done);

        code.place(walk);
        self.open_dynptr(code);
        code.place(again);
        for number in protocol::EXTENSIONS {
            code.jump_if(Cond::Eq, Reg::R6, number, is_extension);
        }
        code.jump(found);

        code.place(is_extension);
        code.jump_if(Cond::Eq, Reg::R7, 0, broken);
        code.alu(AluOp::Sub, Reg::R7, 1);
        // The kernel reads four bytes of a routing header, two of any other.
        let (routing, header) = (code.label(), code.label());
        code.mov(Reg::R2, Reg::R9);
        code.jump_if(Cond::Eq, Reg::R6, protocol::ROUTING, routing);
        self.slice(code, 2, broken);
        code.jump(header);
        code.place(routing);
        self.slice(code, 4, broken);
        code.place(header);
        code.load(Size::B, Reg::R1, Reg::R0, 1);
        code.load(Size::B, Reg::R2, Reg::R0, 0);
        code.jump_if(Cond::Eq, Reg::R6, protocol::FRAGMENT, fragment);
        let next = code.label();
        code.alu(AluOp::Add, Reg::R1, 1);
        code.alu(AluOp::Lsh, Reg::R1, 3);
        let plain = code.label();
        code.jump_if(Cond::Ne, Reg::R6, protocol::AUTHENTICATION, plain);
        // The authentication header counts in units of 4 bytes, less 2.
        code.load(Size::B, Reg::R1, Reg::R0, 1);
        code.alu(AluOp::Add, Reg::R1, 2);
        code.alu(AluOp::Lsh, Reg::R1, 2);
        code.place(plain);
        code.place(next);
        code.alu(AluOp::Add, Reg::R9, Reg::R1);
        code.mov(Reg::R6, Reg::R2);
        code.jump(again);

        code.place(fragment);
        self.fragment(code, found, broken, next);

        code.place(broken);
        self.set_constant(code, Field::ChainOk, 0);
        self.set_constant(code, Field::Protocol, 0);
        code.place(done);
        // Forgets what the verifier knows of the offset, so that all lengths of the walk look alike.
        code.alu(AluOp::And, Reg::R9, 0xf_ffff);
    }

    /// A fragment header at `r9` whose next header is `r2`: a first fragment goes on, a later one
    /// ends the walk with what it carries.
    fn fragment(&self, code: &mut Code, found: Label, broken: Label, next: Label) {
        let later = code.label();
        code.store(Size::Dw, Reg::R10, frame::SCRATCH, Reg::R2);
        code.mov(Reg::R2, Reg::R9);
        code.alu(AluOp::Add, Reg::R2, 2);
        self.slice(code, 2, broken);
        code.load(Size::H, Reg::R3, Reg::R0, 0);
        code.swap(Size::H, Reg::R3);
        code.alu(AluOp::And, Reg::R3, 0xfff8);
        code.load(Size::Dw, Reg::R2, Reg::R10, frame::SCRATCH);
        code.mov(Reg::R1, 8);
        code.jump_if(Cond::Ne, Reg::R3, 0, later);
        code.jump(next);
        code.place(later);
        for number in protocol::EXTENSIONS {
            code.jump_if(Cond::Eq, Reg::R2, number, broken);
        }
        self.set(code, Field::FragmentOffset, Reg::R3);
        code.mov(Reg::R6, Reg::R2);
        code.jump(found);
    }

    /// Fills the transport header's fields; `r9` is its offset.
    pub(super) fn transport_header(&self, code: &mut Code) {
        let (short, none, done) = (code.label(), code.label(), code.label());
        self.set_constant(code, Field::HeaderOk, -1);
        self.set_constant(code, Field::PortsOk, -1);
        self.set_constant(code, Field::TcpFlags, 0);
        self.get(code, Field::FragmentOffset, Reg::R1);
        self.get(code, Field::Protocol, Reg::R2);
        self.get(code, Field::Len, Reg::R7);
        code.alu(AluOp::Sub, Reg::R7, Reg::R9);
        let whole = code.label();
        code.jump_if(Cond::Eq, Reg::R1, 0, whole);
        if self.family == Family::V4 {
            // A TCP fragment that starts inside the header is dropped, whatever its ports.
            code.jump_if(Cond::Ne, Reg::R1, 1, none);
            code.jump_if(Cond::Ne, Reg::R2, protocol::TCP, none);
            self.set_constant(code, Field::HeaderOk, 0);
        }
        code.jump(none);

        code.place(whole);
        code.mov(Reg::R3, HEADER_BYTES_DEFAULT);
        for (number, bytes) in HEADER_BYTES {
            let other = code.label();
            code.jump_if(Cond::Ne, Reg::R2, number, other);
            code.mov(Reg::R3, bytes);
            code.place(other);
        }
        let complete = code.label();
        code.jump_if(Cond::Sge, Reg::R7, Reg::R3, complete);
        self.set_constant(code, Field::HeaderOk, 0);
        code.place(complete);
        let (cut, scattered) = (code.label(), code.label());
        code.jump_if(Cond::Slt, Reg::R7, TRANSPORT_BYTES, cut);
        self.require_linear(code, Some(Reg::R9), TRANSPORT_BYTES, scattered);
        let header = self.linear(code, Some(Reg::R9));
        self.transport_fields(code, header);
        code.jump(done);

        code.place(scattered);
        self.open_dynptr(code);
        code.mov(Reg::R2, Reg::R9);
        let header = self.slice(code, TRANSPORT_BYTES, none);
        self.transport_fields(code, header);
        code.jump(done);

        code.place(cut);
        code.jump_if(Cond::Slt, Reg::R7, 4, short);
        self.open_dynptr(code);
        code.mov(Reg::R2, Reg::R9);
        let header = self.slice(code, 4, short);
        self.ports(code, header);
        code.jump(done);

        code.place(short);
        self.set_constant(code, Field::PortsOk, 0);
        code.place(none);
        self.set_constant(code, Field::SourcePort, 0);
        self.set_constant(code, Field::DestinationPort, 0);
        code.place(done);
    }

    /// All that is compared or shown of a header of [`TRANSPORT_BYTES`], as if it were TCP's.
    fn transport_fields(&self, code: &mut Code, header: Bytes) {
        self.ports(code, header);
        header.load(code, Size::B, Reg::R1, 13);
        self.set(code, Field::TcpFlags, Reg::R1);
        if self.demand.is_everything() {
            for (field, offset) in
                [(Field::TcpSequence, 4), (Field::TcpAcknowledgement, 8), (Field::TcpWindow, 12)]
            {
                header.load(code, Size::W, Reg::R1, offset);
                self.set(code, field, Reg::R1);
            }
        }
    }

    fn ports(&self, code: &mut Code, header: Bytes) {
        for (field, offset) in [(Field::SourcePort, 0), (Field::DestinationPort, 2)] {
            header.load(code, Size::H, Reg::R1, offset);
            self.set(code, field, Reg::R1);
        }
    }

    /// Copies a word from the network header, if it is wanted.
    fn copy(&self, code: &mut Code, header: Bytes, (field, word): (Field, u8), offset: i16) {
        if self.demand.words(field, 4) || self.demand.any(&[field]) {
            header.load(code, Size::W, Reg::R1, offset);
            self.set_word(code, field, word, Reg::R1);
        }
    }
}
