//! Statements → instructions.

use netloom_abi::{
    AttachType, Function, Linkage, MapKind, MapSpec, Object, Program as Loadable, ProgramType,
};
use netloom_isa::{AluOp, Builder, Cond, Insn, Label, Pc, Reg, Size, Width};

use super::access::TABLE;
use super::{Branch, MEMORY_BYTES, NUMBERS, Program, STACK_BYTES, Statement};

/// Bytes of map 0: ten registers before a run, ten after it.
const REGISTER_BYTES: u32 = 160;
/// Where in map 0 the registers after a run begin.
const RESULTS: u32 = 80;

impl Program {
    /// The program with its maps, as engines load it.
    pub fn object(&self) -> Object {
        let array =
            |name: &str, bytes, entries| MapSpec::new(name, MapKind::Array, 4, bytes, entries);
        let maps = vec![
            array("registers", REGISTER_BYTES, 1),
            array("memory", MEMORY_BYTES.into(), 1),
            array("table", TABLE.0, TABLE.1),
        ];
        let (insns, functions) = self.insns();
        let is_xdp = self.kind == ProgramType::Xdp;
        let program = Loadable {
            name: "random".into(),
            kind: self.kind,
            attach: if is_xdp { AttachType::Xdp } else { AttachType::NONE },
            license: "GPL".into(),
            insns,
            functions,
            relocs: vec![],
        };
        Object { maps, programs: vec![program] }
    }

    fn insns(&self) -> (Vec<Insn>, Vec<Function>) {
        let mut builder = Builder::new();
        let labels = self.functions.iter().map(|_| builder.label()).collect();
        let mut emitter = Emitter { builder, labels };
        emitter.enter();
        emitter.block(&self.main);
        emitter.leave();
        let mut places = vec![Pc(0)];
        for (index, body) in self.functions.iter().enumerate() {
            // Kernels refuse a function that nobody calls.
            if self.is_called(index) {
                places.push(emitter.builder.pc());
                emitter.builder.place(emitter.labels[index]);
                emitter.enter_function();
                emitter.block(body);
                emitter.builder.exit();
            }
        }
        let insns = emitter.builder.finish().expect("jumps are short, functions placed");
        (insns, places.into_iter().map(described).collect())
    }

    /// Whether `main` leads to the function. A function is called by later ones only.
    fn is_called(&self, index: usize) -> bool {
        let later = index + 1..self.functions.len();
        calls(&self.main, index)
            || later
                .into_iter()
                .any(|other| calls(&self.functions[other], index) && self.is_called(other))
    }
}

fn calls(statements: &[Statement], index: usize) -> bool {
    statements.iter().any(|statement| match statement {
        Statement::Straight(_) => false,
        Statement::If { then, otherwise, .. } => calls(then, index) || calls(otherwise, index),
        Statement::Loop { body, .. } => calls(body, index),
        Statement::Call { function, .. } => *function == index,
    })
}

fn described(pc: Pc) -> Function {
    Function { name: format!("function_{pc}"), pc, linkage: Linkage::Static, args: vec![] }
}

struct Emitter {
    builder: Builder,
    /// Of each function.
    labels: Vec<Label>,
}

impl Emitter {
    /// Fills registers and stack.
    fn enter(&mut self) {
        let builder = &mut self.builder;
        builder.mov(Reg::R6, Reg::R1);
        builder.map_value(Reg::R9, 0, 0);
        for reg in NUMBERS {
            builder.load(Size::Dw, reg, Reg::R9, register_place(reg));
        }
        self.fill();
    }

    /// Fills registers and stack from arguments; the context is not among them.
    fn enter_function(&mut self) {
        for (dst, src) in [(Reg::R0, Reg::R1), (Reg::R7, Reg::R2), (Reg::R8, Reg::R3)] {
            self.builder.mov(dst, src);
        }
        self.fill();
    }

    fn fill(&mut self) {
        for (slot, reg) in (1..).zip(NUMBERS) {
            self.builder.store(Size::Dw, Reg::R10, -8 * slot, reg);
        }
        assert_eq!(NUMBERS.len() * 8, usize::from(STACK_BYTES.unsigned_abs()));
        self.builder.map_value(Reg::R9, 1, u32::from(MEMORY_BYTES / 2));
    }

    /// Hands the registers over.
    fn leave(&mut self) {
        self.builder.map_value(Reg::R9, 0, RESULTS);
        for reg in NUMBERS {
            self.builder.store(Size::Dw, Reg::R9, register_place(reg), reg);
        }
        self.builder.exit();
    }

    fn block(&mut self, statements: &[Statement]) {
        for statement in statements {
            match statement {
                Statement::Straight(insns) => insns.iter().for_each(|insn| self.push(*insn)),
                Statement::If { branch, then, otherwise } => self.branch(*branch, then, otherwise),
                Statement::Loop { counter, turns, may_end, body } => {
                    self.counted(*counter, *turns, *may_end, body);
                }
                Statement::Call { function, after } => {
                    self.builder.call(self.labels[*function]);
                    after.iter().for_each(|insn| self.push(*insn));
                }
            }
        }
    }

    fn push(&mut self, insn: Insn) {
        self.builder.push(insn);
    }

    fn branch(&mut self, branch: Branch, then: &[Statement], otherwise: &[Statement]) {
        let Branch { width, cond, dst, src, is_far } = branch;
        let (taken, end) = (self.builder.label(), self.builder.label());
        self.builder.push_to(Insn::JumpIf { width, cond, dst, src, off: 0 }, taken);
        self.block(otherwise);
        self.builder.push_to(Insn::Jump { off: 0, wide: is_far }, end);
        self.builder.place(taken);
        self.block(then);
        self.builder.place(end);
    }

    fn counted(&mut self, counter: Reg, turns: i32, may_end: bool, body: &[Statement]) {
        let (again, end) = (self.builder.label(), self.builder.label());
        self.builder.mov(counter, 0);
        self.builder.place(again);
        if may_end {
            self.builder.push_to(Insn::MayGoto { off: 0 }, end);
        }
        self.block(body);
        self.builder.push(Insn::Alu {
            width: Width::W64,
            op: AluOp::Add,
            dst: counter,
            src: 1.into(),
        });
        self.builder.jump_if(Cond::Lt, counter, turns, again);
        self.builder.place(end);
    }
}

fn register_place(reg: Reg) -> i16 {
    8 * i16::from(reg.number())
}
