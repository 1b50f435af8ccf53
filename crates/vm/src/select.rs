//! Which handler executes which instruction, or two of them at once.
//!
//! A table of forms is matched against an instruction; the form's type then goes to a [`Chooser`],
//! which makes a handler of it. So two tables give every pair without being written out.

use std::marker::PhantomData;

use netloom_isa::{AluOp, Cond, EndianOp, Insn, Operand, Size, Width};

use crate::alu::{
    self, Add, And, Arsh, Div, Eq, Ge, Gt, Le, Low16, Low32, Low64, Lsh, Lt, Mod, Mov, Mul, Ne,
    Neg32, Neg64, Or, Rsh, Sdiv, Set, Sge, Sgt, Sign8, Sign8W32, Sign16, Sign16W32, Sign32, Sle,
    Slt, Smod, Sub, Swap16, Swap32, Swap64, Xor,
};
use crate::handler::{If32, If64, Test, jump_if, jump_if_else, one, one_jump, one_jump_if, two};
use crate::op::Handler;
use crate::step::{Alu32, Alu64, K, Load, One, Step, Store, X};

macro_rules! uniform {
    (
        alu { $($operation:ident $compute:ident)* }
        jump { $($condition:ident $compare:ident)* }
    ) => {
        /// The handler of an instruction of arithmetic.
        pub(crate) fn arithmetic(op: AluOp, width: Width, src: Operand) -> Handler {
            match (op, width, src) {
                $(
                    (AluOp::$operation, Width::W64, Operand::Reg(_)) => {
                        one::<Alu64<$operation, X>>
                    }
                    (AluOp::$operation, Width::W64, Operand::Imm(_)) => {
                        one::<Alu64<$operation, K>>
                    }
                    (AluOp::$operation, Width::W32, Operand::Reg(_)) => {
                        one::<Alu32<$operation, X>>
                    }
                    (AluOp::$operation, Width::W32, Operand::Imm(_)) => {
                        one::<Alu32<$operation, K>>
                    }
                )*
            }
        }

        /// The handler of a conditional jump.
        pub(crate) fn branch(cond: Cond, width: Width, src: Operand) -> Handler {
            match (cond, width, src) {
                $(
                    (Cond::$condition, Width::W64, Operand::Reg(_)) => {
                        jump_if::<If64<$condition, X>>
                    }
                    (Cond::$condition, Width::W64, Operand::Imm(_)) => {
                        jump_if::<If64<$condition, K>>
                    }
                    (Cond::$condition, Width::W32, Operand::Reg(_)) => {
                        jump_if::<If32<$condition, X>>
                    }
                    (Cond::$condition, Width::W32, Operand::Imm(_)) => {
                        jump_if::<If32<$condition, K>>
                    }
                )*
            }
        }
    };
}
alu::rows!(uniform);

/// The handler of a sign extension, unless it has no meaning.
pub(crate) fn sign_extension(width: Width, from: Size) -> Option<Handler> {
    Some(match (width, from) {
        (Width::W64, Size::B) => one::<One<Sign8>>,
        (Width::W64, Size::H) => one::<One<Sign16>>,
        (Width::W64, Size::W) => one::<One<Sign32>>,
        (Width::W32, Size::B) => one::<One<Sign8W32>>,
        (Width::W32, Size::H) => one::<One<Sign16W32>>,
        (Width::W32, Size::W) | (_, Size::Dw) => return None,
    })
}

/// The handler of a negation.
pub(crate) fn negation(width: Width) -> Handler {
    match width {
        Width::W64 => one::<One<Neg64>>,
        Width::W32 => one::<One<Neg32>>,
    }
}

/// The handler of a change of byte order, unless it has no meaning.
pub(crate) fn byte_order(op: EndianOp, size: Size) -> Option<Handler> {
    Some(match (op, size) {
        (_, Size::B) => return None,
        (EndianOp::ToLe, Size::H) => one::<One<Low16>>,
        (EndianOp::ToLe, Size::W) => one::<One<Low32>>,
        (EndianOp::ToLe, Size::Dw) => one::<One<Low64>>,
        (EndianOp::ToBe | EndianOp::Swap, Size::H) => one::<One<Swap16>>,
        (EndianOp::ToBe | EndianOp::Swap, Size::W) => one::<One<Swap32>>,
        (EndianOp::ToBe | EndianOp::Swap, Size::Dw) => one::<One<Swap64>>,
    })
}

/// The handler of a load without sign extension.
pub(crate) fn load(size: Size) -> Handler {
    match size {
        Size::B => one::<Load<1>>,
        Size::H => one::<Load<2>>,
        Size::W => one::<Load<4>>,
        Size::Dw => one::<Load<8>>,
    }
}

/// The handler of a store.
pub(crate) fn store(size: Size, src: Operand) -> Handler {
    match (size, src) {
        (Size::B, Operand::Reg(_)) => one::<Store<1, X>>,
        (Size::H, Operand::Reg(_)) => one::<Store<2, X>>,
        (Size::W, Operand::Reg(_)) => one::<Store<4, X>>,
        (Size::Dw, Operand::Reg(_)) => one::<Store<8, X>>,
        (Size::B, Operand::Imm(_)) => one::<Store<1, K>>,
        (Size::H, Operand::Imm(_)) => one::<Store<2, K>>,
        (Size::W, Operand::Imm(_)) => one::<Store<4, K>>,
        (Size::Dw, Operand::Imm(_)) => one::<Store<8, K>>,
    }
}

/// Makes a handler of an instruction's form.
trait Chooser {
    fn step<S: Step>(self) -> Option<Handler>;
    fn branch<T: Test>(self) -> Option<Handler>;
    fn jump(self) -> Option<Handler>;
}

/// The handler that executes both instructions, if they are forms that often follow each other.
pub(crate) fn pair(first: &Insn, second: &Insn) -> Option<Handler> {
    choose(first, First { second })
}

struct First<'i> {
    second: &'i Insn,
}

impl Chooser for First<'_> {
    fn step<S: Step>(self) -> Option<Handler> {
        choose(self.second, Second::<S>(PhantomData))
    }

    fn branch<T: Test>(self) -> Option<Handler> {
        matches!(self.second, Insn::Jump { .. }).then_some(jump_if_else::<T>)
    }

    fn jump(self) -> Option<Handler> {
        None
    }
}

struct Second<A>(PhantomData<A>);

impl<A: Step> Chooser for Second<A> {
    fn step<S: Step>(self) -> Option<Handler> {
        Some(two::<A, S>)
    }

    fn branch<T: Test>(self) -> Option<Handler> {
        Some(one_jump_if::<A, T>)
    }

    fn jump(self) -> Option<Handler> {
        Some(one_jump::<A>)
    }
}

/// The forms that compilers use most.
#[expect(clippy::too_many_lines, reason = "one table, a row for each form")]
fn choose<C: Chooser>(insn: &Insn, chooser: C) -> Option<Handler> {
    macro_rules! forms {
        (
            alu { $($width:ident $operation:ident $operand:ident => $step:ty;)* }
            branch { $($jump_width:ident $cond:ident $jump_operand:ident => $test:ty;)* }
            load { $($load_size:ident => $load:ty;)* }
            store { $($store_size:ident $store_operand:ident => $store:ty;)* }
        ) => {
            match *insn {
                $(Insn::Alu {
                    width: Width::$width,
                    op: AluOp::$operation,
                    src: Operand::$operand(_),
                    ..
                } => chooser.step::<$step>(),)*
                $(Insn::JumpIf {
                    width: Width::$jump_width,
                    cond: Cond::$cond,
                    src: Operand::$jump_operand(_),
                    ..
                } => chooser.branch::<$test>(),)*
                $(Insn::Load { size: Size::$load_size, signed: false, .. } => {
                    chooser.step::<$load>()
                })*
                $(Insn::Store { size: Size::$store_size, src: Operand::$store_operand(_), .. } => {
                    chooser.step::<$store>()
                })*
                Insn::Jump { .. } => chooser.jump(),
                _ => None,
            }
        };
    }
    forms! {
        alu {
            W64 Mov Reg => Alu64<Mov, X>;
            W64 Mov Imm => Alu64<Mov, K>;
            W32 Mov Reg => Alu32<Mov, X>;
            W32 Mov Imm => Alu32<Mov, K>;
            W64 Add Reg => Alu64<Add, X>;
            W64 Add Imm => Alu64<Add, K>;
            W32 Add Reg => Alu32<Add, X>;
            W32 Add Imm => Alu32<Add, K>;
            W64 Mul Imm => Alu64<Mul, K>;
            W32 Mul Reg => Alu32<Mul, X>;
            W64 And Imm => Alu64<And, K>;
            W32 And Imm => Alu32<And, K>;
            W64 Or Reg => Alu64<Or, X>;
            W32 Or Reg => Alu32<Or, X>;
            W64 Xor Reg => Alu64<Xor, X>;
            W32 Xor Reg => Alu32<Xor, X>;
            W64 Lsh Imm => Alu64<Lsh, K>;
            W32 Lsh Imm => Alu32<Lsh, K>;
            W64 Rsh Imm => Alu64<Rsh, K>;
            W32 Rsh Imm => Alu32<Rsh, K>;
        }
        branch {
            W64 Eq Imm => If64<Eq, K>;
            W64 Ne Imm => If64<Ne, K>;
            W64 Gt Imm => If64<Gt, K>;
            W64 Lt Imm => If64<Lt, K>;
            W64 Gt Reg => If64<Gt, X>;
            W32 Eq Imm => If32<Eq, K>;
            W32 Ne Imm => If32<Ne, K>;
            W32 Gt Imm => If32<Gt, K>;
            W32 Sgt Imm => If32<Sgt, K>;
            W32 Eq Reg => If32<Eq, X>;
            W32 Ne Reg => If32<Ne, X>;
        }
        load {
            B => Load<1>;
            H => Load<2>;
            W => Load<4>;
            Dw => Load<8>;
        }
        store {
            B Reg => Store<1, X>;
            W Reg => Store<4, X>;
            Dw Reg => Store<8, X>;
        }
    }
}
