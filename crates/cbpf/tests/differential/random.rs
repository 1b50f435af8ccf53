//! Random programs and packets.

use netloom_cbpf::{
    AluOp, Ancillary, CheckError, Cond, Insn, Program, Raw, Size, Slot, Source, check, encode,
};
use netloom_testkit::random::Random;

const SIZES: [Size; 3] = [Size::B, Size::H, Size::W];
const CONDS: [Cond; 4] = [Cond::Eq, Cond::Gt, Cond::Ge, Cond::Set];
const OPS: [AluOp; 10] = [
    AluOp::Add,
    AluOp::Sub,
    AluOp::Mul,
    AluOp::Div,
    AluOp::Mod,
    AluOp::Or,
    AluOp::And,
    AluOp::Xor,
    AluOp::Lsh,
    AluOp::Rsh,
];
/// Where bounds, signs and the kinds of offsets change.
const EDGES: [u32; 16] = [
    0,
    1,
    4,
    14,
    31,
    32,
    0x7fff,
    0xffff,
    0x7fff_ffff,
    0x8000_0000,
    0xffe0_0000,
    0xffe0_000e,
    0xfff0_0000,
    0xfff0_0004,
    0xffff_efff,
    u32::MAX,
];

/// What a program may be made of.
#[derive(Clone, Copy)]
pub(crate) struct Choice<'a> {
    /// Length of the packets, around which loads aim.
    pub(crate) packet_bytes: usize,
    /// The ancillary loads to use.
    pub(crate) ancillary: &'a [Ancillary],
    /// Whether loads may aim outside the packet's data by a constant.
    pub(crate) far: bool,
}

/// A valid program of up to `insns_max` instructions, at least 1.
pub(crate) fn program(random: &mut Random, choice: Choice<'_>, insns_max: usize) -> Program {
    let count = random.below(insns_max);
    let mut insns: Vec<Insn> = Vec::new();
    while insns.len() < count {
        if random.one_in(12) {
            insns.extend(header_length(random, choice));
        } else {
            insns.push(insn(random, choice, count - insns.len()));
        }
    }
    insns.push(if random.one_in(4) { Insn::RetK(number(random)) } else { Insn::RetA });
    // What is not valid gives way to an instruction that always is.
    while let Err(error) = check(&insns) {
        let pc = error.pc().expect("the program is neither empty nor too long");
        if let CheckError::Uninitialised { slot, .. } = error {
            insns[pc] = Insn::StoreA(slot);
            insns.insert(0, Insn::StoreX(slot));
        } else {
            insns[pc] = Insn::Alu { op: AluOp::Add, src: Source::K(1) };
        }
    }
    Program::new(insns).expect("checked")
}

/// An instruction behind which `following` others come; perhaps not a valid one.
pub(crate) fn insn(random: &mut Random, choice: Choice<'_>, following: usize) -> Insn {
    let size = random.copied(&SIZES);
    let slot = Slot::new(u32::from(random.byte() % 16)).expect("below 16");
    match random.below(24) {
        0..=3 if !choice.ancillary.is_empty() && random.one_in(4) => {
            Insn::LoadAbs { size, k: random.copied(choice.ancillary).k() }
        }
        0..=3 => Insn::LoadAbs { size, k: offset(random, choice) },
        4..=5 => Insn::LoadInd { size, k: index(random, choice) },
        6 => Insn::LoadImm(number(random)),
        7 => Insn::LoadMem(slot),
        8 => Insn::LoadLen,
        // A small index hits the packet.
        9 => Insn::LoadXImm(if random.one_in(3) { number(random) } else { random.byte().into() }),
        10 => Insn::LoadXMem(slot),
        11 => Insn::LoadXLen,
        12 => Insn::LoadXMsh(offset(random, choice)),
        13 => Insn::StoreA(slot),
        14 => Insn::StoreX(slot),
        15..=17 => alu(random),
        18 => Insn::Neg,
        19 if random.one_in(2) => Insn::Jump(distance(random, following).into()),
        19..=21 => Insn::JumpIf {
            cond: random.copied(&CONDS),
            src: source(random),
            jt: distance(random, following),
            jf: distance(random, following),
        },
        22 if random.one_in(4) => Insn::RetK(number(random)),
        22 if random.one_in(3) => Insn::RetA,
        22 => Insn::Tax,
        _ => Insn::Txa,
    }
}

/// Computes a small index of a byte of the packet and loads by it, as filters of upper protocols do.
fn header_length(random: &mut Random, choice: Choice<'_>) -> Vec<Insn> {
    let mut insns = vec![Insn::LoadAbs { size: Size::B, k: offset(random, choice) }];
    for _ in 0..random.below(4) {
        let (op, k) = match random.below(6) {
            0 => (AluOp::Rsh, u32::from(random.byte() % 8)),
            1 => (AluOp::Lsh, u32::from(random.byte() % 8)),
            2 => (AluOp::Add, u32::from(random.byte())),
            3 => (AluOp::Mul, u32::from(random.byte() % 16)),
            _ => (AluOp::And, u32::from(random.byte())),
        };
        insns.push(Insn::Alu { op, src: Source::K(k) });
    }
    if random.one_in(3) {
        insns.push(Insn::Alu {
            op: random.copied(&[AluOp::Add, AluOp::And, AluOp::Rsh]),
            src: Source::X,
        });
    }
    insns.push(Insn::Tax);
    for _ in 0..1 + random.below(3) {
        insns.push(Insn::LoadInd { size: random.copied(&SIZES), k: u32::from(random.byte() % 32) });
    }
    insns
}

/// A program in the kernel's form that is often slightly wrong.
pub(crate) fn raw_program(random: &mut Random, choice: Choice<'_>) -> Vec<Raw> {
    let mut raw = if random.one_in(2) {
        encode(&program(random, choice, 20))
    } else {
        let count = 1 + random.below(12);
        let insns: Vec<Insn> = (0..count).map(|pc| insn(random, choice, count - pc)).collect();
        encode(&insns)
    };
    for _ in 0..random.below(3) {
        let at = random.below(raw.len());
        match random.below(6) {
            0 => raw[at].code = u16::from(random.byte()),
            1 => raw[at].code ^= 1 << random.below(16),
            2 => raw[at].k = number(random),
            3 => raw[at].jt = random.byte() % 24,
            4 => raw[at].jf = random.byte() % 24,
            _ => drop(raw.pop().filter(|_| !raw.is_empty())),
        }
        if raw.is_empty() {
            break;
        }
    }
    raw
}

/// A packet of some length up to `bytes_max`, with small numbers so that offsets taken from it hit.
pub(crate) fn packet(random: &mut Random, bytes: usize) -> Vec<u8> {
    let mut packet = random.bytes(bytes);
    for byte in &mut packet {
        if random.one_in(3) {
            *byte &= 0x0f;
        }
    }
    packet
}

fn alu(random: &mut Random) -> Insn {
    let op = random.copied(&OPS);
    let src = match op {
        AluOp::Lsh | AluOp::Rsh if random.one_in(2) => Source::K(u32::from(random.byte() % 32)),
        AluOp::Lsh
        | AluOp::Rsh
        | AluOp::Add
        | AluOp::Sub
        | AluOp::Mul
        | AluOp::Div
        | AluOp::Mod
        | AluOp::Or
        | AluOp::And
        | AluOp::Xor => source(random),
    };
    Insn::Alu { op, src }
}

fn source(random: &mut Random) -> Source {
    if random.one_in(3) { Source::X } else { Source::K(number(random)) }
}

fn number(random: &mut Random) -> u32 {
    match random.below(4) {
        0 => random.copied(&EDGES),
        1 => random.byte().into(),
        2 => u32::from(random.within(0, u16::MAX)),
        _ => low(random.bits()),
    }
}

/// Mostly inside the packet or around its end.
fn offset(random: &mut Random, choice: Choice<'_>) -> u32 {
    let bytes = u32::try_from(choice.packet_bytes).expect("a short packet");
    match random.below(8) {
        0 => (bytes + 2).saturating_sub(u32::from(random.byte() % 8)),
        1 if choice.far => number(random),
        2 if choice.far => random.copied(&EDGES),
        _ => low(random.bits()) % bytes.max(1),
    }
}

/// As [`offset`], or such that adding an index of one byte lands in the packet.
fn index(random: &mut Random, choice: Choice<'_>) -> u32 {
    match random.below(4) {
        0 => 0u32.wrapping_sub(random.byte().into()),
        1 => number(random),
        _ => offset(random, choice),
    }
}

fn distance(random: &mut Random, following: usize) -> u8 {
    let reach = following.min(if random.one_in(4) { 255 } else { 5 });
    u8::try_from(random.below(reach.max(1))).expect("at most 255")
}

fn low(bits: u64) -> u32 {
    u32::try_from(bits & u64::from(u32::MAX)).expect("masked")
}
