//! What the kernel knows beside the packet's bytes: devices, mark, connection, route.

use netloom_abi::FieldPart;
use netloom_isa::{AluOp, Cond, Reg, Size};

use super::bytes::Bytes;
use super::{Prologue, frame};
use crate::Point;
use crate::emit::code::Code;
use crate::key::Field;
use crate::model::{CtStates, Family, PktType};

/// `ARPHRD_ETHER` (`linux/if_arp.h`).
const ARPHRD_ETHER: i32 = 1;
/// `PACKET_LOOPBACK` (`linux/if_packet.h`).
const PACKET_LOOPBACK: i32 = 5;
/// `ctinfo` of a packet that the raw table excluded (`IP_CT_UNTRACKED`).
const IP_CT_UNTRACKED: i32 = 7;
/// Lowest bits of `skb->_nfct`, which hold `ctinfo` (`NFCT_INFOMASK`).
const NFCT_INFOMASK: i32 = 7;
/// `IPS_SRC_NAT | IPS_DST_NAT` in `nf_conn.status`; `CtStates` has them at the same positions.
const IPS_NAT_MASK: i32 = 0x30;
const _: () = assert!(CtStates::SNAT.0 | CtStates::DNAT.0 == 0x30);

impl Prologue {
    /// Fills the fields that do not come from the packet's bytes. `r9` is the context, `r8` the
    /// packet buffer.
    pub(super) fn metadata(&self, code: &mut Code, point: Point) {
        code.load_field(Size::W, Reg::R1, Reg::R8, ("sk_buff", "len"));
        self.set(code, Field::Len, Reg::R1);
        self.devices(code);
        if self.demand.any(&[Field::Mark]) {
            code.load_field(Size::W, Reg::R1, Reg::R8, ("sk_buff", "mark"));
            self.set(code, Field::Mark, Reg::R1);
        }
        if self.demand.any(&[Field::CtState]) {
            self.connection(code);
        }
        if self.demand.any(&[Field::DestinationType]) {
            self.destination_type(code, point);
        }
        if self.demand.any(&[Field::MacAbsent]) {
            self.mac_source(code);
        }
    }

    fn devices(&self, code: &mut Code) {
        let devices = [(Field::InName, "in"), (Field::OutName, "out")];
        let wanted = devices.map(|(field, _)| self.demand.words(field, 4));
        if wanted == [false, false] {
            return;
        }
        code.load_field(Size::Dw, Reg::R2, Reg::R9, ("bpf_nf_ctx", "state"));
        for ((field, member), wanted) in devices.into_iter().zip(wanted) {
            if wanted {
                code.load_field(Size::Dw, Reg::R3, Reg::R2, ("nf_hook_state", member));
                for half in [0, 8] {
                    code.load_inside(Size::Dw, Reg::R4, Reg::R3, ("net_device", "name"), half);
                    let offset = frame::KEY + field.offset() + half;
                    code.store(Size::Dw, Reg::R10, offset, Reg::R4);
                }
            }
        }
    }

    /// The state as the conntrack match sees it.
    fn connection(&self, code: &mut Code) {
        let (untracked, known) = (code.label(), code.label());
        code.load_field(Size::Dw, Reg::R7, Reg::R8, ("sk_buff", "_nfct"));
        code.mov(Reg::R1, Reg::R7);
        code.alu(AluOp::And, Reg::R1, !NFCT_INFOMASK);
        code.alu(AluOp::And, Reg::R7, NFCT_INFOMASK);
        code.jump_if(Cond::Eq, Reg::R1, 0, untracked);
        code.cast(Reg::R1, "nf_conn");
        code.load_field(Size::Dw, Reg::R2, Reg::R0, ("nf_conn", "status"));
        code.alu(AluOp::And, Reg::R2, IPS_NAT_MASK);
        // The reply direction of a state is three higher; bit 0 stands for INVALID.
        code.alu(AluOp::Mod, Reg::R7, 3);
        code.alu(AluOp::Add, Reg::R7, 1);
        code.mov(Reg::R1, 1);
        code.alu(AluOp::Lsh, Reg::R1, Reg::R7);
        code.alu(AluOp::Or, Reg::R1, Reg::R2);
        code.jump(known);
        code.place(untracked);
        code.mov(Reg::R1, i32::from(CtStates::INVALID.0));
        code.jump_if(Cond::Ne, Reg::R7, IP_CT_UNTRACKED, known);
        code.mov(Reg::R1, i32::from(CtStates::UNTRACKED.0));
        code.place(known);
        self.set(code, Field::CtState, Reg::R1);
    }

    /// The kind of the destination that the packet's route gives.
    fn destination_type(&self, code: &mut Code, point: Point) {
        if self.family == Family::V6 || !point.hook.is_routed() {
            self.set_constant(code, Field::DestinationType, 0);
            return;
        }
        code.load_field(Size::Dw, Reg::R1, Reg::R8, ("sk_buff", "_skb_refdst"));
        // The lowest bit says whether the route is counted.
        code.alu(AluOp::And, Reg::R1, !1);
        code.cast(Reg::R1, "rtable");
        code.load_field(Size::H, Reg::R2, Reg::R0, ("rtable", "rt_type"));
        code.mov(Reg::R1, 1);
        code.alu(AluOp::Lsh, Reg::R1, Reg::R2);
        self.set(code, Field::DestinationType, Reg::R1);
    }

    /// The Ethernet source address, where the device is an Ethernet one and the header is there.
    fn mac_source(&self, code: &mut Code) {
        let (absent, done) = (code.label(), code.label());
        code.load_field(Size::Dw, Reg::R1, Reg::R8, ("sk_buff", "dev"));
        code.load_field(Size::H, Reg::R1, Reg::R1, ("net_device", "type"));
        code.jump_if(Cond::Ne, Reg::R1, ARPHRD_ETHER, absent);
        code.load_field(Size::Dw, Reg::R1, Reg::R8, ("sk_buff", "head"));
        code.load_field(Size::H, Reg::R2, Reg::R8, ("sk_buff", "mac_header"));
        code.alu(AluOp::Add, Reg::R1, Reg::R2);
        code.load_field(Size::Dw, Reg::R3, Reg::R8, ("sk_buff", "data"));
        code.mov(Reg::R2, Reg::R1);
        code.alu(AluOp::Add, Reg::R2, 14);
        code.jump_if(Cond::Gt, Reg::R2, Reg::R3, absent);
        code.cast(Reg::R1, "ethhdr");
        code.load_inside(Size::W, Reg::R1, Reg::R0, ("ethhdr", "h_source"), 0);
        code.swap(Size::W, Reg::R1);
        self.set(code, Field::MacHigh, Reg::R1);
        code.load_inside(Size::H, Reg::R1, Reg::R0, ("ethhdr", "h_source"), 4);
        code.swap(Size::H, Reg::R1);
        self.set(code, Field::MacLow, Reg::R1);
        self.set_constant(code, Field::MacAbsent, 0);
        code.jump(done);
        code.place(absent);
        self.set_constant(code, Field::MacAbsent, 1);
        self.set_constant(code, Field::MacHigh, 0);
        self.set_constant(code, Field::MacLow, 0);
        code.place(done);
    }

    /// The packet type as the pkttype match sees it: what this host sends to itself counts as
    /// multicast or broadcast.
    pub(super) fn packet_type(&self, code: &mut Code, header: Bytes) {
        let (known, multicast) = (code.label(), code.label());
        let pc = code.load(Size::B, Reg::R1, Reg::R8, 0);
        code.field(pc, ("sk_buff", "pkt_type"), FieldPart::BitByte);
        let pc = code.alu(AluOp::Rsh, Reg::R1, 0);
        code.field(pc, ("sk_buff", "pkt_type"), FieldPart::BitShift);
        code.alu(AluOp::And, Reg::R1, 7);
        code.jump_if(Cond::Ne, Reg::R1, PACKET_LOOPBACK, known);
        let (offset, mask, prefix) = match self.family {
            Family::V4 => (16, 0xf0, 0xe0),
            Family::V6 => (24, 0xff, 0xff),
        };
        header.load(code, Size::B, Reg::R2, offset);
        code.alu(AluOp::And, Reg::R2, mask);
        code.jump_if(Cond::Eq, Reg::R2, prefix, multicast);
        code.mov(Reg::R1, PktType::Broadcast as i32);
        code.jump(known);
        code.place(multicast);
        code.mov(Reg::R1, PktType::Multicast as i32);
        code.place(known);
        self.set(code, Field::PktType, Reg::R1);
    }
}
