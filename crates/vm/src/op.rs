//! Decoded operations: what the engine's one flat dispatch matches on.
//!
//! Jump targets are positions in the program's operation list. All targets are valid: what can not run
//! has become a [`Op::Trap`].

use netloom_isa::{AtomicOp, Reg, Size, Width};

/// Passes the table of uniform operations to the macro `$then`, after `[$($first)*]`.
///
/// `rows!(define [x])` becomes `define! { [x] alu {…} jump {…} unary {…} memory {…} }`. A row of
/// `alu` and `jump` is: instruction field, its function in `alu`, then the names of the 64-bit
/// register, 64-bit constant, 32-bit register and 32-bit constant forms. A row of `memory`: size,
/// bytes, load, store of a register, store of a constant.
macro_rules! rows {
    ($then:ident [$($first:tt)*]) => {
        $then! {
            [$($first)*]
            alu {
                Add add Add64 AddK64 Add32 AddK32
                Sub sub Sub64 SubK64 Sub32 SubK32
                Mul mul Mul64 MulK64 Mul32 MulK32
                Div div Div64 DivK64 Div32 DivK32
                Sdiv sdiv Sdiv64 SdivK64 Sdiv32 SdivK32
                Or or Or64 OrK64 Or32 OrK32
                And and And64 AndK64 And32 AndK32
                Lsh lsh Lsh64 LshK64 Lsh32 LshK32
                Rsh rsh Rsh64 RshK64 Rsh32 RshK32
                Mod rem Mod64 ModK64 Mod32 ModK32
                Smod srem Smod64 SmodK64 Smod32 SmodK32
                Xor xor Xor64 XorK64 Xor32 XorK32
                Mov mov Mov64 MovK64 Mov32 MovK32
                Arsh arsh Arsh64 ArshK64 Arsh32 ArshK32
            }
            jump {
                Eq eq Eq64 EqK64 Eq32 EqK32
                Ne ne Ne64 NeK64 Ne32 NeK32
                Gt gt Gt64 GtK64 Gt32 GtK32
                Ge ge Ge64 GeK64 Ge32 GeK32
                Lt lt Lt64 LtK64 Lt32 LtK32
                Le le Le64 LeK64 Le32 LeK32
                Set set Set64 SetK64 Set32 SetK32
                Sgt sgt Sgt64 SgtK64 Sgt32 SgtK32
                Sge sge Sge64 SgeK64 Sge32 SgeK32
                Slt slt Slt64 SltK64 Slt32 SltK32
                Sle sle Sle64 SleK64 Sle32 SleK32
            }
            unary {
                Neg64 neg64
                Neg32 neg32
                Swap16 swap16
                Swap32 swap32
                Swap64 swap64
                Low16 low16
                Low32 low32
                Low64 low64
                Sign8 sign8
                Sign16 sign16
                Sign32 sign32
                Sign8W32 sign8_w32
                Sign16W32 sign16_w32
            }
            memory {
                B 1 LoadB StoreB StoreKB
                H 2 LoadH StoreH StoreKH
                W 4 LoadW StoreW StoreKW
                Dw 8 LoadDw StoreDw StoreKDw
            }
        }
    };
}
pub(crate) use rows;

macro_rules! define {
    (
        [$(#[$attribute:meta])* $name:ident { $($other:tt)* }]
        alu { $($a:ident $af:ident $a64:ident $ak64:ident $a32:ident $ak32:ident)* }
        jump { $($j:ident $jf:ident $j64:ident $jk64:ident $j32:ident $jk32:ident)* }
        unary { $($u:ident $uf:ident)* }
        memory { $($size:ident $bytes:literal $load:ident $store:ident $storek:ident)* }
    ) => {
        $(#[$attribute])*
        pub(crate) enum $name {
            $(
                $a64 { dst: Reg, src: Reg },
                $ak64 { dst: Reg, k: i32 },
                $a32 { dst: Reg, src: Reg },
                $ak32 { dst: Reg, k: i32 },
            )*
            $(
                $j64 { dst: Reg, src: Reg, to: u32 },
                $jk64 { dst: Reg, k: i32, to: u32 },
                $j32 { dst: Reg, src: Reg, to: u32 },
                $jk32 { dst: Reg, k: i32, to: u32 },
            )*
            $($u { dst: Reg, src: Reg },)*
            $(
                $load { dst: Reg, base: Reg, off: i16 },
                $store { base: Reg, src: Reg, off: i16 },
                $storek { base: Reg, off: i16, k: i32 },
            )*
            $($other)*
        }
    };
}

rows!(define [
    /// One operation.
    #[derive(Clone, Copy, Debug)]
    Op {
        Const { dst: Reg, value: u64 },
        Jump { to: u32 },
        Call { to: u32 },
        Helper { row: u8 },
        Kfunc { row: u8 },
        Exit,
        Rare(Rare),
        /// Ends the run with the program's fault of this index.
        Trap { fault: u32 },
    }
]);

/// Operations off the hot path.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rare {
    LoadSigned {
        size: Size,
        dst: Reg,
        base: Reg,
        off: i16,
    },
    Atomic {
        op: AtomicOp,
        width: Width,
        base: Reg,
        off: i16,
        src: Reg,
    },
    LoadAcquire {
        size: Size,
        dst: Reg,
        base: Reg,
        off: i16,
    },
    StoreRelease {
        size: Size,
        base: Reg,
        off: i16,
        src: Reg,
    },
    LoadPacket {
        size: Size,
        index: Option<Reg>,
        imm: i32,
    },
    MayGoto {
        to: u32,
    },
    TailCall,
    CallReg {
        target: Reg,
    },
    /// The embedding program's helper in a row.
    Embedded {
        row: u32,
    },
}

// One operation is two words, so that a cache line holds four.
const _: () = assert!(size_of::<Op>() == 16);
