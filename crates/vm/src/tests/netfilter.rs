//! Netfilter programs: kernel structures by relocation, packet slices, null pointers.

use netloom_abi::{FieldPart, Object, Program, ProgramType, Reloc, RelocKind};
use netloom_isa::{AluOp, Builder, Callee, Insn, Reg, Size};

use super::{build, program};
use crate::{
    Conntrack, Context, Cpu, Denied, Device, Family, Fault, FaultKind, Hook, Machine,
    NetfilterInput, Options, PacketType, Route,
};

/// A netfilter program under construction.
#[derive(Default)]
struct Code {
    builder: Builder,
    relocs: Vec<Reloc>,
}

impl Code {
    /// `dst = base->field`, of a structure.
    fn field(&mut self, dst: Reg, base: Reg, structure: &str, path: &str, size: Size) {
        self.part(dst, base, structure, path, (size, FieldPart::Offset));
    }

    fn part(&mut self, dst: Reg, base: Reg, structure: &str, path: &str, at: (Size, FieldPart)) {
        let pc = self.builder.load(at.0, dst, base, 0);
        let (structure, path, part) = (structure.into(), path.into(), at.1);
        self.relocs.push(Reloc { pc, kind: RelocKind::Field { structure, path, part } });
    }

    fn kfunc(&mut self, name: &str) {
        let pc = self.builder.push(Insn::Call(Callee::Kfunc(0, 0)));
        self.relocs.push(Reloc { pc, kind: RelocKind::Kfunc(name.into()) });
    }

    /// `r6 = ctx->state`, `r7 = ctx->skb`.
    fn start(&mut self) {
        self.field(Reg::R6, Reg::R1, "bpf_nf_ctx", "state", Size::Dw);
        self.field(Reg::R7, Reg::R1, "bpf_nf_ctx", "skb", Size::Dw);
    }
}

const FRAME: [u8; 18] = [1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16, 8, 0, 0x45, 0, 0, 4];

fn with_link(frame: &[u8]) -> NetfilterInput<'_> {
    let mut input = NetfilterInput::new(frame, Family::Ipv4, Hook::Forward);
    input.link_bytes = 14;
    input
}

fn run(input: &NetfilterInput<'_>, body: impl FnOnce(&mut Code)) -> Result<u64, Fault> {
    let mut code = Code::default();
    code.start();
    body(&mut code);
    code.builder.exit();
    let Code { builder, relocs } = code;
    let insns = builder.finish().expect("no labels");
    let program = Program { kind: ProgramType::Netfilter, relocs, ..program(insns) };
    let object = Object { maps: vec![], programs: vec![program] };
    let machine = Machine::new(&object, Options::default()).expect("the model has it all");
    machine.run(&mut Cpu::new(0), 0, Context::Netfilter(input))
}

/// Reads one field of `r6` (state) or `r7` (skb).
fn read(input: &NetfilterInput<'_>, structure: &str, path: &str, size: Size) -> u64 {
    let base = if structure == "sk_buff" { Reg::R7 } else { Reg::R6 };
    run(input, |c| c.field(Reg::R0, base, structure, path, size)).expect("readable")
}

#[test]
fn fields_of_state_and_buffer_say_what_the_caller_said() {
    let mut input = with_link(&FRAME);
    input.mark = 0xdead_beef;
    input.hook = Hook::PostRouting;
    input.family = Family::Ipv6;
    let state = "nf_hook_state";
    assert_eq!(read(&input, state, "hook", Size::B), 4);
    assert_eq!(read(&input, state, "pf", Size::B), 10);
    assert_eq!(read(&input, state, "in", Size::Dw), 0);
    assert_eq!(read(&input, "sk_buff", "mark", Size::W), 0xdead_beef);
    assert_eq!(read(&input, "sk_buff", "len", Size::W), 4);
    assert_eq!(read(&input, "sk_buff", "data_len", Size::W), 0);
    assert_eq!(read(&input, "sk_buff", "protocol", Size::H), 0xdd86);
    assert_eq!(read(&input, "sk_buff", "network_header", Size::H), 14);
    assert_eq!(read(&input, "sk_buff", "mac_header", Size::H), 0);
    input.link_bytes = 0;
    assert_eq!(read(&input, "sk_buff", "mac_header", Size::H), 0xffff, "there is none");
}

#[test]
fn the_packet_type_is_a_bit_field() {
    let mut input = with_link(&FRAME);
    input.packet_type = PacketType::Loopback;
    let got = run(&input, |c| {
        c.part(Reg::R0, Reg::R7, "sk_buff", "pkt_type", (Size::B, FieldPart::BitByte));
        let pc = c.builder.alu(AluOp::Rsh, Reg::R0, 0);
        let (structure, path) = ("sk_buff".into(), "pkt_type".into());
        let part = FieldPart::BitShift;
        c.relocs.push(Reloc { pc, kind: RelocKind::Field { structure, path, part } });
        c.builder.alu(AluOp::And, Reg::R0, 7);
    });
    assert_eq!(got, Ok(5));
}

#[test]
fn device_names_are_read_through_pointers() {
    let (eth, wlan) = (Device::new("eth0", 3).expect("short"), Device::new("w", 9).expect("short"));
    let mut input = with_link(&FRAME);
    input.in_device = Some(&eth);
    input.out_device = Some(&wlan);
    for (direction, name, index) in
        [("in", u64::from_le_bytes(*b"eth0\0\0\0\0"), 3), ("out", 0x77, 9)]
    {
        let first = run(&input, |c| {
            c.field(Reg::R8, Reg::R6, "nf_hook_state", direction, Size::Dw);
            c.part(Reg::R0, Reg::R8, "net_device", "name", (Size::Dw, FieldPart::Start));
        });
        assert_eq!(first, Ok(name));
        let ifindex = run(&input, |c| {
            c.field(Reg::R8, Reg::R6, "nf_hook_state", direction, Size::Dw);
            c.field(Reg::R0, Reg::R8, "net_device", "ifindex", Size::W);
        });
        assert_eq!(ifindex, Ok(index));
    }
    let from_buffer = run(&input, |c| {
        c.field(Reg::R8, Reg::R7, "sk_buff", "dev", Size::Dw);
        c.field(Reg::R0, Reg::R8, "net_device", "ifindex", Size::W);
    });
    assert_eq!(from_buffer, Ok(3), "the receiving device");
}

#[test]
fn reads_through_null_give_zero_and_writes_fault() {
    let input = with_link(&FRAME);
    let got = run(&input, |c| {
        c.field(Reg::R8, Reg::R6, "nf_hook_state", "in", Size::Dw);
        c.field(Reg::R0, Reg::R8, "net_device", "ifindex", Size::W);
    });
    assert_eq!(got, Ok(0));
    let fault = run(&input, |c| {
        c.builder.mov(Reg::R8, 0);
        c.builder.store(Size::W, Reg::R8, 16, 1);
    })
    .expect_err("null");
    assert!(matches!(fault.kind, FaultKind::Access { denied: Denied::Unmapped, .. }), "{fault}");
    let fault = run(&input, |c| {
        c.builder.mov(Reg::R8, 4096);
        c.builder.load(Size::W, Reg::R0, Reg::R8, 0);
    })
    .expect_err("behind the null page");
    assert!(matches!(fault.kind, FaultKind::Access { denied: Denied::Unmapped, .. }), "{fault}");
}

#[test]
fn kernel_objects_and_the_packet_are_read_only() {
    for path in ["mark", "data"] {
        let fault = run(&with_link(&FRAME), |c| {
            if path == "data" {
                c.field(Reg::R7, Reg::R7, "sk_buff", path, Size::Dw);
            }
            c.builder.store(Size::B, Reg::R7, 0, 1);
        })
        .expect_err("read-only");
        assert!(
            matches!(fault.kind, FaultKind::Access { denied: Denied::ReadOnly, .. }),
            "{fault}"
        );
    }
}

#[test]
fn conntrack_state_is_in_the_buffer_and_behind_it() {
    let mut input = with_link(&FRAME);
    assert_eq!(read(&input, "sk_buff", "_nfct", Size::Dw), 0);
    input.conntrack = Conntrack::Untracked;
    assert_eq!(read(&input, "sk_buff", "_nfct", Size::Dw), 7);
    input.conntrack = Conntrack::Tracked { info: 2, status: 0x1_0000_000e };
    assert_eq!(read(&input, "sk_buff", "_nfct", Size::Dw) & 7, 2);
    let status = run(&input, |c| {
        c.field(Reg::R1, Reg::R7, "sk_buff", "_nfct", Size::Dw);
        c.builder.alu(AluOp::And, Reg::R1, -8);
        let pc = c.builder.mov(Reg::R2, 0);
        c.relocs.push(Reloc { pc, kind: RelocKind::StructId("nf_conn".into()) });
        c.kfunc("bpf_rdonly_cast");
        c.field(Reg::R0, Reg::R0, "nf_conn", "status", Size::Dw);
    });
    assert_eq!(status, Ok(0x1_0000_000e));
}

#[test]
fn routes_are_behind_the_buffers_destination() {
    let through = |input: &NetfilterInput<'_>, structure: &str, path: &str, size| {
        run(input, |c| {
            c.field(Reg::R8, Reg::R7, "sk_buff", "_skb_refdst", Size::Dw);
            c.builder.alu(AluOp::And, Reg::R8, -2);
            c.field(Reg::R0, Reg::R8, structure, path, size);
        })
    };
    let mut input = with_link(&FRAME);
    assert_eq!(through(&input, "rtable", "rt_type", Size::H), Ok(0));
    input.route = Route::Ipv4 { rt_type: 3 };
    assert_eq!(through(&input, "rtable", "rt_type", Size::H), Ok(3));
    input.route = Route::Ipv6 { flags: 0x8000_0001 };
    assert_eq!(through(&input, "rt6_info", "rt6i_flags", Size::W), Ok(0x8000_0001));
}

#[test]
fn the_link_layer_header_is_found_from_head() {
    let got = run(&with_link(&FRAME), |c| {
        c.field(Reg::R8, Reg::R7, "sk_buff", "head", Size::Dw);
        c.field(Reg::R9, Reg::R7, "sk_buff", "mac_header", Size::H);
        c.builder.alu(AluOp::Add, Reg::R8, Reg::R9);
        c.part(Reg::R0, Reg::R8, "ethhdr", "h_source", (Size::W, FieldPart::Start));
    });
    assert_eq!(got, Ok(0x0e0d_0c0b));
}

/// `r0 = slice(offset, bytes)` of a dynptr to the packet; then the body.
fn slice(offset: i32, bytes: i32, then: impl FnOnce(&mut Code)) -> Result<u64, Fault> {
    run(&with_link(&FRAME), |c| {
        dynptr(c, 0);
        c.builder.mov(Reg::R1, Reg::R10);
        c.builder.alu(AluOp::Sub, Reg::R1, 16);
        c.builder.mov(Reg::R2, offset);
        c.builder.mov(Reg::R3, 0);
        c.builder.mov(Reg::R4, bytes);
        c.kfunc("bpf_dynptr_slice");
        then(c);
    })
}

fn dynptr(c: &mut Code, flags: i32) {
    c.builder.mov(Reg::R1, Reg::R7);
    c.builder.mov(Reg::R2, flags);
    c.builder.mov(Reg::R3, Reg::R10);
    c.builder.alu(AluOp::Sub, Reg::R3, 16);
    c.kfunc("bpf_dynptr_from_skb");
}

#[test]
fn slices_are_bounded_by_the_network_layer_packet() {
    let load = |c: &mut Code| {
        c.builder.load(Size::B, Reg::R0, Reg::R0, 0);
    };
    assert_eq!(slice(0, 4, load), Ok(0x45));
    assert_eq!(slice(3, 1, load), Ok(4));
    assert!(slice(4, 0, |_| {}).is_ok_and(|address| address != 0), "empty, at the end");
    // Offset, bytes: outside.
    for (offset, bytes) in [(0, 5), (4, 1), (5, 0), (-1, 2), (2, -1), (i32::MIN, i32::MIN)] {
        assert_eq!(slice(offset, bytes, |_| {}), Ok(0), "{offset} {bytes}");
    }
}

#[test]
fn flags_make_a_null_dynptr() {
    let error = run(&with_link(&FRAME), |c| dynptr(c, 1));
    assert_eq!(error, Ok(0xffff_ffea), "EINVAL of a function that returns int");
    let null = run(&with_link(&FRAME), |c| {
        dynptr(c, 1);
        c.builder.mov(Reg::R1, Reg::R10);
        c.builder.alu(AluOp::Sub, Reg::R1, 16);
        for register in [Reg::R2, Reg::R3, Reg::R4] {
            c.builder.mov(register, 0);
        }
        c.kfunc("bpf_dynptr_slice");
    });
    assert_eq!(null, Ok(0));
}

#[test]
fn a_forged_dynptr_reaches_nothing_outside_the_packet() {
    let got = run(&with_link(&FRAME), |c| {
        dynptr(c, 0);
        c.builder.store(Size::Dw, Reg::R10, -8, -1);
        c.builder.mov(Reg::R1, Reg::R10);
        c.builder.alu(AluOp::Sub, Reg::R1, 16);
        c.builder.mov(Reg::R2, 0x1000_0000);
        c.builder.mov(Reg::R3, 0);
        c.builder.mov(Reg::R4, 64);
        c.kfunc("bpf_dynptr_slice");
        c.builder.load(Size::Dw, Reg::R0, Reg::R0, 0);
    });
    let fault = got.expect_err("outside");
    assert!(matches!(fault.kind, FaultKind::Access { denied: Denied::OutOfBounds, .. }), "{fault}");
}

#[test]
fn kernel_functions_check_their_arguments() {
    let not_a_buffer = run(&with_link(&FRAME), |c| {
        c.builder.mov(Reg::R7, Reg::R6);
        dynptr(c, 0);
    });
    let not_aligned = run(&with_link(&FRAME), |c| {
        c.builder.mov(Reg::R1, Reg::R7);
        c.builder.mov(Reg::R2, 0);
        c.builder.mov(Reg::R3, Reg::R10);
        c.builder.alu(AluOp::Sub, Reg::R3, 20);
        c.kfunc("bpf_dynptr_from_skb");
    });
    for (result, number) in [(not_a_buffer, 1), (not_aligned, 3)] {
        let fault = result.expect_err("refused");
        let FaultKind::Argument { argument, .. } = fault.kind else { panic!("{fault}") };
        assert_eq!(argument, number);
    }
}

#[test]
fn nothing_of_an_earlier_packet_is_left() {
    let device = Device::new("secret", 77).expect("short");
    // Where the receiving device is if there is one.
    let address = crate::Region::Object(3).at(0);
    let insns = build(|b| {
        b.constant(Reg::R1, address);
        b.load(Size::Dw, Reg::R0, Reg::R1, 0);
        b.exit();
    });
    let program = Program { kind: ProgramType::Netfilter, ..program(insns) };
    let object = Object { maps: vec![], programs: vec![program] };
    let machine = Machine::new(&object, Options::default()).expect("consistent");
    let mut cpu = Cpu::new(0);
    let mut input = with_link(&FRAME);
    input.in_device = Some(&device);
    let first = machine.run(&mut cpu, 0, Context::Netfilter(&input));
    assert_eq!(first, Ok(u64::from_le_bytes(*b"secret\0\0")));
    input.in_device = None;
    assert_eq!(machine.run(&mut cpu, 0, Context::Netfilter(&input)), Ok(0));
}

#[test]
fn a_header_longer_than_the_frame_leaves_an_empty_packet() {
    let mut input = with_link(&FRAME);
    input.link_bytes = 100;
    assert_eq!(read(&input, "sk_buff", "len", Size::W), 0);
}

#[test]
fn device_names_have_fifteen_bytes_at_most() {
    assert!(Device::new("fifteen-bytes-x", 1).is_ok());
    assert!(Device::new("sixteen-bytes-xx", 1).is_err());
    assert!(Device::new("a\0b", 1).is_err());
}
