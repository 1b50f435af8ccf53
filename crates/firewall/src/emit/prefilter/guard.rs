//! What must be true of the device, the path and the route before a drop is sound.

use netloom_abi::{
    Arg, AttachType, FieldPart, Function, Helper, Linkage, Object, Program, ProgramType,
};
use netloom_isa::{AluOp, Cond, Label, Pc, Reg, Size};

use super::{frame, set};
use crate::emit::code::Code;
use crate::emit::{LICENSE, maps};
use crate::key::Field;
use crate::model::Family;

/// `struct bpf_fib_lookup` (`linux/bpf.h`), byte offsets.
mod fib {
    pub(super) const FAMILY: i16 = 0;
    pub(super) const L4_PROTOCOL: i16 = 1;
    pub(super) const TOT_LEN: i16 = 6;
    pub(super) const IFINDEX: i16 = 8;
    pub(super) const TOS: i16 = 12;
    pub(super) const SOURCE: i16 = 16;
    pub(super) const DESTINATION: i16 = 32;
    pub(super) const BYTES: i16 = 64;
    /// `BPF_FIB_LOOKUP_SKIP_NEIGH`.
    pub(super) const SKIP_NEIGHBOUR: i32 = 4;
    /// `BPF_FIB_LKUP_RET_NOT_FWDED`: local, broadcast, or nowhere.
    pub(super) const NOT_FORWARDED: i32 = 4;
    /// `BPF_FIB_LKUP_RET_FWD_DISABLED`: this host forwards nothing.
    pub(super) const FORWARDING_DISABLED: i32 = 5;
}

/// Where the value of the guard map holds the number of hooks at PREROUTING that user space saw, in
/// bytes.
pub fn expected_hooks_offset(family: Family) -> u32 {
    match family {
        Family::V4 => 0,
        Family::V6 => 4,
    }
}

/// Finds the receiving device, copies its name, and passes packets of a device with upper devices
/// or with programs between XDP and netfilter. `r6` is the context.
pub(super) fn device(code: &mut Code, pass: Label) {
    code.mov(Reg::R1, Reg::R6);
    code.call_kfunc("bpf_cast_to_kern_ctx");
    code.load_field(Size::Dw, Reg::R1, Reg::R0, ("xdp_buff", "rxq"));
    code.load_field(Size::Dw, Reg::R9, Reg::R1, ("xdp_rxq_info", "dev"));
    code.store(Size::Dw, Reg::R10, frame::DEVICE, Reg::R9);
    for half in [0, 8] {
        code.load_inside(Size::Dw, Reg::R1, Reg::R9, ("net_device", "name"), half);
        code.store(Size::Dw, Reg::R10, frame::KEY + Field::InName.offset() + half, Reg::R1);
    }
    for member in ["tcx_ingress", "nf_hooks_ingress", "rx_handler"] {
        code.load_field(Size::Dw, Reg::R1, Reg::R9, ("net_device", member));
        code.jump_if(Cond::Ne, Reg::R1, 0, pass);
    }
    // The list of upper devices is empty when it points to itself.
    let upper = ("net_device", "adj_list.upper");
    code.load_inside(Size::Dw, Reg::R1, Reg::R9, upper, 0);
    code.mov(Reg::R2, Reg::R9);
    let pc = code.mov(Reg::R3, 0);
    code.field(pc, upper, FieldPart::Start);
    code.alu(AluOp::Add, Reg::R2, Reg::R3);
    code.alu(AluOp::Sub, Reg::R2, Reg::R1);
    code.jump_if(Cond::Ne, Reg::R2, 0, pass);
}

/// `r2` = number of functions at PREROUTING of the device that the frame holds.
fn hook_count(code: &mut Code, family: Family) {
    let hooks = match family {
        Family::V4 => ("net", "nf.hooks_ipv4"),
        Family::V6 => ("net", "nf.hooks_ipv6"),
    };
    code.load(Size::Dw, Reg::R1, Reg::R10, frame::DEVICE);
    code.cast(Reg::R1, "net_device");
    code.load_field(Size::Dw, Reg::R1, Reg::R0, ("net_device", "nd_net.net"));
    // NF_INET_PRE_ROUTING is the first of the hooks.
    code.load_inside(Size::Dw, Reg::R1, Reg::R1, hooks, 0);
    code.cast(Reg::R1, "nf_hook_entries");
    code.load_field(Size::H, Reg::R2, Reg::R0, ("nf_hook_entries", "num_hook_entries"));
}

/// An object whose XDP program returns how many functions PREROUTING has, by the same look-up as
/// the pre-filter's. It is meant for a test run in the namespace concerned, never for attachment.
pub fn hook_counter(family: Family) -> Object {
    let mut code = Code::default();
    code.call_kfunc("bpf_cast_to_kern_ctx");
    code.load_field(Size::Dw, Reg::R1, Reg::R0, ("xdp_buff", "rxq"));
    code.load_field(Size::Dw, Reg::R1, Reg::R1, ("xdp_rxq_info", "dev"));
    code.store(Size::Dw, Reg::R10, frame::DEVICE, Reg::R1);
    hook_count(&mut code, family);
    code.mov(Reg::R0, Reg::R2);
    code.exit();
    let (builder, relocs) = code.into_parts();
    let entry = Function {
        name: "entry".into(),
        pc: Pc(0),
        linkage: Linkage::Static,
        args: vec![Arg::Context],
    };
    let program = Program {
        name: "fw_hook_count".into(),
        kind: ProgramType::Xdp,
        attach: AttachType::Xdp,
        license: LICENSE.into(),
        insns: builder.finish().expect("the code has no labels"),
        functions: vec![entry],
        relocs,
    };
    Object { maps: Vec::new(), programs: vec![program] }
}

/// Passes where hooks have come to PREROUTING that user space did not see: they could translate
/// the address, or mark the packet, before INPUT.
pub(super) fn path(code: &mut Code, family: Family, pass: Label) {
    hook_count(code, family);
    code.map_value(Reg::R1, maps::GUARD, expected_hooks_offset(family));
    code.load(Size::W, Reg::R1, Reg::R1, 0);
    code.jump_if(Cond::Ne, Reg::R1, Reg::R2, pass);
}

/// Passes addresses that reception or the route look-up may refuse by their value alone, as no hook
/// behind that counts such packets: groups and unspecified, loopback and IPv4-mapped addresses
/// (`ip6_rcv_core`, `ip_route_input_slow`).
pub(super) fn addresses(code: &mut Code, family: Family, pass: Label) {
    for field in [Field::Source, Field::Destination] {
        code.load(Size::W, Reg::R1, Reg::R10, frame::KEY + field.offset());
        match family {
            Family::V4 => {
                code.alu(AluOp::Rsh, Reg::R1, 24);
                code.jump_if(Cond::Eq, Reg::R1, 0, pass);
                code.jump_if(Cond::Eq, Reg::R1, 127, pass);
                code.jump_if(Cond::Ge, Reg::R1, 224, pass);
            }
            Family::V6 => {
                code.jump_if(Cond::Eq, Reg::R1, 0, pass);
                code.alu(AluOp::Rsh, Reg::R1, 24);
                code.jump_if(Cond::Eq, Reg::R1, 0xff, pass);
            }
        }
    }
}

/// Passes what the routing table would send on.
pub(super) fn route(code: &mut Code, family: Family, pass: Label) {
    let at = |offset: i16| frame::FIB + offset;
    let local = code.label();
    for word in (0..fib::BYTES).step_by(8) {
        code.store(Size::Dw, Reg::R10, at(word), 0);
    }
    let (number, words) = match family {
        Family::V4 => (2, 1),
        Family::V6 => (10, 4),
    };
    code.store(Size::B, Reg::R10, at(fib::FAMILY), number);
    let key = |field: Field, word: u8| frame::KEY + field.word(word);
    code.load(Size::W, Reg::R1, Reg::R10, key(Field::Protocol, 0));
    code.store(Size::B, Reg::R10, at(fib::L4_PROTOCOL), Reg::R1);
    code.load(Size::W, Reg::R1, Reg::R10, key(Field::Len, 0));
    code.store(Size::H, Reg::R10, at(fib::TOT_LEN), Reg::R1);
    code.load(Size::W, Reg::R1, Reg::R6, 12);
    code.store(Size::W, Reg::R10, at(fib::IFINDEX), Reg::R1);
    if family == Family::V4 {
        code.load(Size::W, Reg::R1, Reg::R10, key(Field::Tos, 0));
        code.store(Size::B, Reg::R10, at(fib::TOS), Reg::R1);
    }
    for word in 0..words {
        for (field, offset) in
            [(Field::Source, fib::SOURCE), (Field::Destination, fib::DESTINATION)]
        {
            code.load(Size::W, Reg::R1, Reg::R10, key(field, word));
            code.swap(Size::W, Reg::R1);
            code.store(Size::W, Reg::R10, at(offset + 4 * i16::from(word)), Reg::R1);
        }
    }
    code.mov(Reg::R1, Reg::R6);
    code.mov(Reg::R2, Reg::R10);
    code.alu(AluOp::Add, Reg::R2, i32::from(frame::FIB));
    code.mov(Reg::R3, i32::from(fib::BYTES));
    code.mov(Reg::R4, fib::SKIP_NEIGHBOUR);
    code.call_known(Helper::FibLookup);
    code.jump_if(Cond::Eq, Reg::R0, fib::NOT_FORWARDED, local);
    code.jump_if(Cond::Ne, Reg::R0, fib::FORWARDING_DISABLED, pass);
    code.place(local);
    code.mov(Reg::R1, 0);
    set(code, Field::OutName, 0, Reg::R1);
}
