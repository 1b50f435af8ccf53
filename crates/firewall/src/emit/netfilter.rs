//! The program at a netfilter hook: fills the key from the packet, then asks the chain.
//!
//! The context is `struct bpf_nf_ctx`. Kernel structures are read through typed pointers whose
//! loads never fault (an absent device reads as zeros). Packet bytes are read the same way where
//! they are linear, which a length comparison proves, and else through a dynptr, which costs some
//! 40 ns and reaches all data, as `skb_header_pointer` does for iptables.

mod bytes;
mod headers;
mod metadata;

use netloom_isa::{AluOp, Label, Reg, Size};

use super::code::{Code, verdict};
use super::demand::Demand;
use crate::Point;
use crate::key::{self, Field};
use crate::model::Family;

/// Frame offsets of the entry function.
mod frame {
    use crate::key;

    /// The packet key.
    pub(super) const KEY: i16 = key::FRAME_OFFSET;
    /// The dynptr over the packet, 16 bytes.
    pub(super) const DYNPTR: i16 = KEY - 16;
    /// Where a slice is copied to when the packet is not linear there, 40 bytes.
    pub(super) const BUFFER: i16 = DYNPTR - 40;
    /// Where the walk over IPv6 extension headers keeps its position, 8 bytes.
    pub(super) const SCRATCH: i16 = BUFFER - 8;
}

/// Emits `verdict program(ctx)`, which calls `chain(key)`.
pub(super) fn entry(code: &mut Code, family: Family, point: Point, demand: Demand, chain: Label) {
    let pass = code.label();
    let prologue = Prologue { family, demand, pass };
    code.mov(Reg::R9, Reg::R1);
    code.load_field(Size::Dw, Reg::R8, Reg::R9, ("bpf_nf_ctx", "skb"));
    if demand.is_everything() {
        prologue.clear(code);
    }
    prologue.metadata(code, point);
    prologue.network_header(code);
    if prologue.reads_transport() {
        prologue.transport_header(code);
    }
    code.mov(Reg::R1, Reg::R10);
    code.alu(AluOp::Add, Reg::R1, i32::from(frame::KEY));
    code.call(chain);
    // A built-in chain gives one of the two; the verifier can not see that.
    code.alu(AluOp::And, Reg::R0, verdict::ACCEPT);
    code.exit();
    code.place(pass);
    code.give(verdict::ACCEPT);
}

/// The parts of the entry function. Between them `r8` is the packet buffer (`sk_buff`), `r9` the
/// context until the network header is read, then the transport header's offset.
struct Prologue {
    family: Family,
    demand: Demand,
    /// Where a packet without a network header goes, as iptables lets it go.
    pass: Label,
}

impl Prologue {
    fn clear(&self, code: &mut Code) {
        for word in (0..key::BYTES).step_by(8) {
            let word = i16::try_from(word).expect("the key fits a frame");
            code.store(Size::Dw, Reg::R10, frame::KEY + word, 0);
        }
    }

    /// Whether anything behind the network header is compared.
    fn reads_transport(&self) -> bool {
        use Field::{
            DestinationPort, HeaderOk, PortsOk, SourcePort, TcpAcknowledgement, TcpFlags,
            TcpSequence, TcpWindow,
        };
        self.demand.any(&[
            SourcePort,
            DestinationPort,
            TcpFlags,
            HeaderOk,
            PortsOk,
            TcpSequence,
            TcpAcknowledgement,
            TcpWindow,
        ])
    }

    /// `key.field = src`.
    fn set(&self, code: &mut Code, field: Field, src: Reg) {
        self.set_word(code, field, 0, src);
    }

    fn set_word(&self, code: &mut Code, field: Field, word: u8, src: Reg) {
        code.store(Size::W, Reg::R10, frame::KEY + field.word(word), src);
    }

    fn set_constant(&self, code: &mut Code, field: Field, value: i32) {
        code.store(Size::W, Reg::R10, frame::KEY + field.offset(), value);
    }

    /// `dst = key.field`.
    fn get(&self, code: &mut Code, field: Field, dst: Reg) {
        code.load(Size::W, dst, Reg::R10, frame::KEY + field.offset());
    }
}
