//! The interpreter.
//!
//! Source for every corner: the kernel's translation, `net/core/filter.c: bpf_convert_filter`, which
//! the tests compare it with. A and X begin as zero. A load outside the packet and a division by zero
//! end the program with 0. A shift by X uses its low 5 bits.

use crate::ancillary::{Ancillary, origin};
use crate::insn::{AluOp, Cond, Insn, SLOTS, Size, Source};
use crate::nlattr;
use crate::packet::Packet;
use crate::program::Program;

/// What the program returns for a packet: the number of bytes to keep of it, 0 to refuse it.
pub fn run(program: &Program, packet: &Packet<'_>) -> u32 {
    let mut machine = Machine { a: 0, x: 0, memory: [0; SLOTS], packet };
    let mut pc = 0;
    // A valid program returns before its end.
    while let Some(insn) = program.get(pc) {
        match machine.step(insn) {
            Next::Skip(distance) => pc += 1 + distance as usize,
            Next::Return(value) => return value,
        }
    }
    0
}

struct Machine<'a> {
    a: u32,
    x: u32,
    memory: [u32; SLOTS],
    packet: &'a Packet<'a>,
}

/// What follows an instruction.
enum Next {
    /// The instruction behind so many others.
    Skip(u32),
    /// The end.
    Return(u32),
}

const FOLLOWING: Next = Next::Skip(0);

impl Machine<'_> {
    fn step(&mut self, insn: &Insn) -> Next {
        match *insn {
            Insn::LoadAbs { size, k } => match Ancillary::at(k) {
                Some(ancillary) => return self.load_ancillary(ancillary),
                None => return self.load(size, k),
            },
            Insn::LoadInd { size, k } => return self.load(size, self.x.wrapping_add(k)),
            Insn::LoadImm(k) => self.a = k,
            Insn::LoadMem(slot) => self.a = self.memory[slot.index()],
            Insn::LoadLen => self.a = self.packet.length,
            Insn::LoadXImm(k) => self.x = k,
            Insn::LoadXMem(slot) => self.x = self.memory[slot.index()],
            Insn::LoadXLen => self.x = self.packet.length,
            Insn::LoadXMsh(k) => match self.packet.read(origin(k)) {
                Some([byte]) => self.x = u32::from(byte & 0xf) << 2,
                None => return Next::Return(0),
            },
            Insn::StoreA(slot) => self.memory[slot.index()] = self.a,
            Insn::StoreX(slot) => self.memory[slot.index()] = self.x,
            Insn::Alu { op, src } => match calculate(op, self.a, self.source(src)) {
                Some(result) => self.a = result,
                None => return Next::Return(0),
            },
            Insn::Neg => self.a = self.a.wrapping_neg(),
            Insn::Jump(distance) => return Next::Skip(distance),
            Insn::JumpIf { cond, src, jt, jf } => {
                let holds = compare(cond, self.a, self.source(src));
                return Next::Skip(if holds { jt } else { jf }.into());
            }
            Insn::RetK(k) => return Next::Return(k),
            Insn::RetA => return Next::Return(self.a),
            Insn::Tax => self.x = self.a,
            Insn::Txa => self.a = self.x,
        }
        FOLLOWING
    }

    fn source(&self, src: Source) -> u32 {
        match src {
            Source::K(k) => k,
            Source::X => self.x,
        }
    }

    fn load(&mut self, size: Size, offset: u32) -> Next {
        let (packet, origin) = (self.packet, origin(offset));
        let value = match size {
            Size::B => packet.read(origin).map(|[byte]| byte.into()),
            Size::H => packet.read(origin).map(|bytes| u16::from_be_bytes(bytes).into()),
            Size::W => packet.read(origin).map(u32::from_be_bytes),
        };
        match value {
            Some(value) => self.a = value,
            None => return Next::Return(0),
        }
        FOLLOWING
    }

    fn load_ancillary(&mut self, ancillary: Ancillary) -> Next {
        let metadata = &self.packet.metadata;
        let device = metadata.device;
        let value = match ancillary {
            Ancillary::Protocol => Some(metadata.protocol.into()),
            Ancillary::PacketType => Some(metadata.packet_type.into()),
            Ancillary::Ifindex => device.map(|device| device.ifindex),
            Ancillary::Nlattr => Some(nlattr::find(self.packet.data(), self.a, self.x)),
            Ancillary::NlattrNest => Some(nlattr::find_nested(self.packet.data(), self.a, self.x)),
            Ancillary::Mark => Some(metadata.mark),
            Ancillary::Queue => Some(metadata.queue.into()),
            Ancillary::HardwareType => device.map(|device| device.hardware.into()),
            Ancillary::RxHash => Some(metadata.rx_hash),
            Ancillary::Cpu => Some(metadata.cpu),
            Ancillary::AluXorX => Some(self.a ^ self.x),
            Ancillary::VlanTag => Some(metadata.vlan.map_or(0, |vlan| vlan.tci.into())),
            Ancillary::VlanTagPresent => Some(metadata.vlan.is_some().into()),
            Ancillary::PayOffset => Some(metadata.pay_offset),
            Ancillary::Random => Some(metadata.random),
            Ancillary::VlanTpid => Some(metadata.vlan.map_or(0, |vlan| vlan.tpid.into())),
        };
        match value {
            Some(value) => self.a = value,
            None => return Next::Return(self.a),
        }
        FOLLOWING
    }
}

/// `a op b`; none for a division by zero.
fn calculate(op: AluOp, a: u32, b: u32) -> Option<u32> {
    Some(match op {
        AluOp::Add => a.wrapping_add(b),
        AluOp::Sub => a.wrapping_sub(b),
        AluOp::Mul => a.wrapping_mul(b),
        AluOp::Div => a.checked_div(b)?,
        AluOp::Mod => a.checked_rem(b)?,
        AluOp::Or => a | b,
        AluOp::And => a & b,
        AluOp::Xor => a ^ b,
        AluOp::Lsh => a.wrapping_shl(b),
        AluOp::Rsh => a.wrapping_shr(b),
    })
}

fn compare(cond: Cond, a: u32, b: u32) -> bool {
    match cond {
        Cond::Eq => a == b,
        Cond::Gt => a > b,
        Cond::Ge => a >= b,
        Cond::Set => a & b != 0,
    }
}
