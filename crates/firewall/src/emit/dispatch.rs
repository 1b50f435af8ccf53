//! The permanent part of a firewall in the kernel: one dispatcher at each hook.
//!
//! A dispatcher reads one 64-bit cell and tail-calls the program of the generation that the cell
//! names. Changing the rules is therefore one aligned store, atomic for all hooks, both families
//! and XDP at once; a packet at a hook meets the old rules or the new ones. The cell can also name
//! a deadline and a generation to fall back to: unless the deadline is taken away in time, the
//! kernel itself returns to the old rules, whatever has become of the command that set it.

use netloom_abi::{
    Arg, AttachType, Function, Helper, Linkage, MapKind, Object, Program, ProgramType, xdp,
};
use netloom_isa::{AluOp, Cond, Pc, Reg, Size};

use super::code::{Code, verdict};
use super::{LICENSE, map_spec};
use crate::Point;
use crate::model::Family;

/// Name of the map whose only value is the [`Cell`].
pub const CELL_MAP: &str = "fw_cell";
/// Name of the table of netfilter programs: `generation * NETFILTER_STRIDE + index`.
pub const NETFILTER_PROGRAMS_MAP: &str = "fw_programs";
/// Name of the table of XDP programs, indexed by generation.
pub const XDP_PROGRAMS_MAP: &str = "fw_xdp_programs";

/// Which generation is in force.
///
/// ```text
///  63                              16 15       8 7        0
/// +----------------------------------+----------+----------+
/// | deadline, 2^20 ns since boot     | fallback | active   |
/// +----------------------------------+----------+----------+
/// ```
/// Generation 0 has no programs: every packet passes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    /// In force until the deadline, or for good without one.
    pub active: u8,
    /// In force after the deadline.
    pub fallback: u8,
    /// In units of 2^20 ns of `CLOCK_BOOTTIME`; 0 for none.
    pub deadline: u64,
}

impl Cell {
    /// Generations a firewall can hold at once, 0 included.
    pub const GENERATIONS: u8 = 8;
    /// Nanoseconds in a unit of the deadline, as a power of two.
    pub const DEADLINE_SHIFT: u32 = 20;
    /// Entries of the table of netfilter programs for each generation.
    pub const NETFILTER_STRIDE: u32 = 32;

    /// The value as it stands in the map.
    pub fn to_bits(self) -> u64 {
        self.deadline << 16 | u64::from(self.fallback) << 8 | u64::from(self.active)
    }

    /// The cell of a map value.
    pub fn from_bits(bits: u64) -> Self {
        let [active, fallback, ..] = bits.to_le_bytes();
        Self { active, fallback, deadline: bits >> 16 }
    }

    /// The generation in force at `boot_ns` nanoseconds since boot.
    pub fn at(self, boot_ns: u64) -> u8 {
        let expired = self.deadline != 0 && boot_ns >> Self::DEADLINE_SHIFT > self.deadline;
        if expired { self.fallback } else { self.active }
    }
}

/// A built-in chain's place among the netfilter programs of a generation.
pub fn netfilter_entry(family: Family, point: Point) -> u32 {
    let half = match family {
        Family::V4 => 0,
        Family::V6 => Cell::NETFILTER_STRIDE / 2,
    };
    half + u32::try_from(point.index()).expect("there are 13 built-in chains")
}

/// Map indices of [`dispatcher`]'s object.
const CELL: u32 = 0;
const PROGRAMS: u32 = 1;

/// An object with one dispatcher: for netfilter entry `index`, or for XDP.
pub fn dispatcher(index: Option<u32>) -> Object {
    let (kind, attach, programs, count) = match index {
        Some(_) => (
            ProgramType::Netfilter,
            AttachType::Netfilter,
            NETFILTER_PROGRAMS_MAP,
            u32::from(Cell::GENERATIONS) * Cell::NETFILTER_STRIDE,
        ),
        None => (ProgramType::Xdp, AttachType::Xdp, XDP_PROGRAMS_MAP, u32::from(Cell::GENERATIONS)),
    };
    let mut code = Code::default();
    body(&mut code, index);
    let (builder, relocs) = code.into_parts();
    let function = Function {
        name: "entry".into(),
        pc: Pc(0),
        linkage: Linkage::Static,
        args: vec![Arg::Context],
    };
    Object {
        maps: vec![
            map_spec(CELL_MAP, MapKind::Array, 8, 1),
            map_spec(programs, MapKind::ProgArray, 4, count),
        ],
        programs: vec![Program {
            name: "fw_dispatch".into(),
            kind,
            attach,
            license: LICENSE.into(),
            insns: builder.finish().expect("all labels are placed nearby"),
            functions: vec![function],
            relocs,
        }],
    }
}

fn body(code: &mut Code, index: Option<u32>) {
    let (ready, decided) = (code.label(), code.label());
    let cell = Reg::R7;
    code.mov(Reg::R6, Reg::R1);
    code.map_value(Reg::R1, CELL, 0);
    code.load(Size::Dw, cell, Reg::R1, 0);
    code.mov(Reg::R8, cell);
    code.alu(AluOp::Rsh, Reg::R8, 16);
    code.jump_if(Cond::Eq, Reg::R8, 0, decided);
    code.call_known(Helper::KtimeGetBootNs);
    code.alu(AluOp::Rsh, Reg::R0, Cell::DEADLINE_SHIFT.cast_signed());
    code.jump_if(Cond::Le, Reg::R0, Reg::R8, decided);
    code.alu(AluOp::Rsh, cell, 8);
    code.place(decided);
    code.alu(AluOp::And, cell, 0xff);
    code.jump_if(Cond::Eq, cell, 0, ready);
    if let Some(index) = index {
        code.alu(AluOp::Mul, cell, Cell::NETFILTER_STRIDE.cast_signed());
        code.alu(AluOp::Add, cell, index.cast_signed());
    }
    code.mov(Reg::R1, Reg::R6);
    code.map(Reg::R2, PROGRAMS);
    code.mov(Reg::R3, cell);
    code.call_known(Helper::TailCall);
    code.place(ready);
    // No generation is in force, or it has no rules here.
    code.give(if index.is_some() { verdict::ACCEPT } else { xdp::PASS });
}
