//! Classic programs as C.
//!
//! One function per program, in C99 with `stdint.h`, for the host and for eBPF: packet bytes are read
//! behind a comparison of pointers, which the kernel's verifier takes for proof. As in the translation
//! to eBPF, nothing is printed that no way leads to, no bound is checked that is proved already, and
//! no value is made that nobody reads.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::ancillary::{Ancillary, Origin, origin};
use crate::fact::{Facts, facts, needed};
use crate::insn::{AluOp, Cond, Insn, Size, Slot, Source};
use crate::live::{Live, ends_at_zero, is_idle, live};
use crate::program::Program;
use crate::translate::{Target, TranslateError};

/// No load reaches byte so many, as in XDP programs.
const REACH: u32 = 0xffff;

const HEAD: &str = "\
#include <stdint.h>

/*
 * Tells how many bytes of a packet to keep, 0 to refuse it. The packet has length bytes, of which
 * those before end are there. Bytes from 65535 on count as missing.
 */
";

/// A C function that returns what the program returns:
/// `static inline uint32_t name(const uint8_t *packet, uint32_t length, const uint8_t *end)`.
///
/// # Errors
/// When the program loads what is not in the packet.
pub fn c_function(program: &Program, name: &str) -> Result<String, TranslateError> {
    let mut printer = Printer {
        program,
        facts: facts(program, REACH),
        live: live(program),
        labels: vec![false; program.len()],
        body: String::new(),
        names: BTreeSet::new(),
    };
    printer.find_labels();
    printer.print()?;
    let parameters = "const uint8_t *packet, uint32_t length, const uint8_t *end";
    let head = printer.declarations();
    let body = printer.body;
    Ok(format!("{HEAD}static inline uint32_t {name}({parameters})\n{{\n{head}{body}}}\n"))
}

struct Printer<'a> {
    program: &'a Program,
    facts: Vec<Option<Facts>>,
    live: Vec<Live>,
    /// The instructions that some `goto` leads to.
    labels: Vec<bool>,
    body: String,
    /// The variables and parameters that the body mentions.
    names: BTreeSet<String>,
}

impl Printer<'_> {
    /// Variables, and parameters that nobody reads.
    fn declarations(&self) -> String {
        let first = self.live.first().copied().unwrap_or_default();
        let is_parameter = |name: &str| ["packet", "length", "end"].contains(&name);
        let names = self.names.iter().map(String::as_str).filter(|name| !is_parameter(name));
        let (pointers, numbers): (Vec<&str>, Vec<&str>) =
            names.partition(|name| ["p", "q"].contains(name));
        let numbers: Vec<String> = numbers
            .into_iter()
            .map(|name| {
                let is_zero = name == "a" && first.a || name == "x" && first.x;
                if is_zero { format!("{name} = 0") } else { name.to_owned() }
            })
            .collect();
        let mut lines = Vec::new();
        if !numbers.is_empty() {
            lines.push(format!("uint32_t {}", numbers.join(", ")));
        }
        lines.extend(pointers.iter().map(|name| format!("const uint8_t *{name}")));
        let unread = ["packet", "length", "end"].iter().filter(|name| !self.names.contains(**name));
        let mut text: String = lines.iter().map(|line| format!("\t{line};\n")).collect();
        if !text.is_empty() {
            text.push('\n');
        }
        text.extend(unread.map(|name| format!("\t(void){name};\n")));
        text
    }

    /// Finds where jumps lead to. A return needs no label: it is printed in place of the jump.
    fn find_labels(&mut self) {
        let reached = self.program.iter().enumerate().filter(|(pc, _)| self.facts[*pc].is_some());
        for (pc, insn) in reached {
            let distances = if let Insn::Jump(distance) = *insn {
                [distance as usize, 0]
            } else if let Insn::JumpIf { jt, jf, .. } = *insn {
                [jt.into(), jf.into()]
            } else {
                continue;
            };
            for distance in distances.into_iter().filter(|distance| *distance > 0) {
                let target = pc + 1 + distance;
                self.labels[target] |= !is_return(&self.program[target]);
            }
        }
    }

    fn print(&mut self) -> Result<(), TranslateError> {
        let mut is_reached = true;
        for (pc, insn) in self.program.iter().enumerate() {
            let Some(facts) = self.facts[pc] else { continue };
            if self.labels[pc] {
                writeln!(self.body, "L{pc}:").expect("a string takes any text");
            } else if !is_reached {
                continue;
            }
            is_reached = self.insn(pc, insn, &facts)?;
        }
        Ok(())
    }

    /// Prints an instruction; tells whether the next one can follow it.
    fn insn(&mut self, pc: usize, insn: &Insn, facts: &Facts) -> Result<bool, TranslateError> {
        let after = self.live[pc + 1];
        match *insn {
            _ if is_idle(insn, after) => {}
            Insn::LoadAbs { k, size } => match Ancillary::at(k) {
                Some(Ancillary::AluXorX) => self.alu(AluOp::Xor, Source::X, true),
                Some(ancillary) => {
                    return Err(TranslateError::Ancillary {
                        pc,
                        ancillary,
                        target: Target::Memory,
                    });
                }
                None => {
                    let value = bytes("packet", k, size);
                    return self.load(pc, (k, size), facts, after.a.then_some(("a", value)));
                }
            },
            Insn::LoadXMsh(k) => {
                let value = format!("(packet[{k}] & 0xf) << 2");
                return self.load(pc, (k, Size::B), facts, after.x.then_some(("x", value)));
            }
            Insn::LoadInd { size, k } => self.load_indirect(size, k, facts, after.a),
            Insn::LoadImm(k) => self.set("a", "=", &decimal(k)),
            Insn::LoadXImm(k) => self.set("x", "=", &decimal(k)),
            Insn::LoadMem(slot) => self.copy("a", &word(slot)),
            Insn::LoadXMem(slot) => self.copy("x", &word(slot)),
            Insn::LoadLen => self.copy("a", "length"),
            Insn::LoadXLen => self.copy("x", "length"),
            Insn::StoreA(slot) => self.copy(&word(slot), "a"),
            Insn::StoreX(slot) => self.copy(&word(slot), "x"),
            Insn::Alu { op, src } => self.alu(op, src, after.a),
            Insn::Neg => self.set("a", "=", "-a"),
            Insn::Tax => self.copy("x", "a"),
            Insn::Txa => self.copy("a", "x"),
            Insn::Jump(distance) => {
                self.leave("", pc, distance as usize);
                return Ok(distance == 0);
            }
            Insn::JumpIf { cond, src, jt, jf } => {
                self.jump_if(pc, (cond, src), (jt.into(), jf.into()));
                return Ok(jt == 0 || jf == 0);
            }
            Insn::RetK(_) | Insn::RetA => {
                self.go("", pc);
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn line(&mut self, statement: &str) {
        writeln!(self.body, "\t{statement}").expect("a string takes any text");
    }

    /// Mentions a variable or a parameter.
    fn name(&mut self, name: &str) {
        if !self.names.contains(name) {
            self.names.insert(name.to_owned());
        }
    }

    /// Changes a variable by a value whose names are mentioned.
    fn set(&mut self, name: &str, operator: &str, value: &str) {
        self.name(name);
        self.line(&format!("{name} {operator} {value};"));
    }

    fn copy(&mut self, to: &str, from: &str) {
        self.name(from);
        self.set(to, "=", from);
    }

    /// A load at a constant offset, with the variable that gets the value if anyone reads it.
    fn load(
        &mut self,
        pc: usize,
        (k, size): (u32, Size),
        facts: &Facts,
        result: Option<(&str, String)>,
    ) -> Result<bool, TranslateError> {
        if let Origin::Network(_) | Origin::Link(_) = origin(k) {
            return Err(TranslateError::Header { pc, k, target: Target::Memory });
        }
        let Some(needed) = needed(k, size, REACH) else {
            self.line("return 0;");
            return Ok(false);
        };
        self.name("packet");
        if facts.data_bytes < needed {
            self.prove("packet", needed);
        }
        if let Some((name, value)) = result {
            self.set(name, "=", &value);
        }
        Ok(true)
    }

    fn load_indirect(&mut self, size: Size, k: u32, facts: &Facts, is_read: bool) {
        for name in ["packet", "x"] {
            self.name(name);
        }
        let (pointer, offset) = match facts.near(k, size, REACH) {
            Some(needed) => {
                if facts.index_bytes.is_none() {
                    self.set("p", "=", "packet + x");
                }
                if facts.index_bytes < Some(needed) {
                    self.prove("p", needed);
                }
                ("p", k)
            }
            None => {
                let last = REACH - size.bytes();
                self.set("i", "=", &format!("x + {}", decimal(k)));
                self.fail_if(&format!("i > {last}"));
                self.set("q", "=", "packet + i");
                self.prove("q", size.bytes());
                ("q", 0)
            }
        };
        if is_read {
            self.set("a", "=", &bytes(pointer, offset, size));
        }
    }

    /// Returns 0 unless so many bytes are there from a pointer on.
    fn prove(&mut self, from: &str, needed: u32) {
        self.name("end");
        self.fail_if(&format!("{from} + {needed} > end"));
    }

    fn fail_if(&mut self, condition: &str) {
        self.line(&format!("if ({condition})\n\t\treturn 0;"));
    }

    fn alu(&mut self, op: AluOp, src: Source, is_read: bool) {
        let operand = match src {
            Source::X => "x".to_owned(),
            Source::K(k) if matches!(op, AluOp::And | AluOp::Or | AluOp::Xor) => format!("{k:#x}"),
            Source::K(k) => decimal(k),
        };
        if src == Source::X {
            self.name("x");
        }
        if ends_at_zero(op, src) {
            self.fail_if("x == 0");
        }
        if !is_read {
            return;
        }
        let (operator, operand) = match (op, src) {
            (AluOp::Add, _) => ("+=", operand),
            (AluOp::Sub, _) => ("-=", operand),
            (AluOp::Mul, _) => ("*=", operand),
            (AluOp::Div, _) => ("/=", operand),
            (AluOp::Mod, _) => ("%=", operand),
            (AluOp::Or, _) => ("|=", operand),
            (AluOp::And, _) => ("&=", operand),
            (AluOp::Xor, _) => ("^=", operand),
            (AluOp::Lsh, Source::K(_)) => ("<<=", operand),
            (AluOp::Rsh, Source::K(_)) => (">>=", operand),
            // C leaves greater shifts undefined.
            (AluOp::Lsh, Source::X) => ("<<=", "x & 31".to_owned()),
            (AluOp::Rsh, Source::X) => (">>=", "x & 31".to_owned()),
        };
        self.set("a", operator, &operand);
    }

    fn jump_if(&mut self, pc: usize, (cond, src): (Cond, Source), (jt, jf): (usize, usize)) {
        if jt == jf {
            return self.leave("", pc, jt);
        }
        let (holds, fails) = self.condition(cond, src);
        if jt == 0 {
            return self.leave(&format!("if ({fails})\n\t\t"), pc, jf);
        }
        self.leave(&format!("if ({holds})\n\t\t"), pc, jt);
        self.leave("", pc, jf);
    }

    /// A condition and its opposite.
    fn condition(&mut self, cond: Cond, src: Source) -> (String, String) {
        self.name("a");
        let operand = match src {
            Source::X => {
                self.name("x");
                "x".to_owned()
            }
            Source::K(k) if k > 0xff || cond == Cond::Set => format!("{k:#x}"),
            Source::K(k) => decimal(k),
        };
        let (holds, fails) = match cond {
            Cond::Eq => ("==", "!="),
            Cond::Gt => (">", "<="),
            Cond::Ge => (">=", "<"),
            Cond::Set => return (format!("a & {operand}"), format!("!(a & {operand})")),
        };
        (format!("a {holds} {operand}"), format!("a {fails} {operand}"))
    }

    /// Goes on so far behind an instruction, under a condition.
    fn leave(&mut self, condition: &str, pc: usize, distance: usize) {
        if distance > 0 {
            self.go(condition, pc + 1 + distance);
        }
    }

    /// Goes to an instruction, or does what it does if it returns.
    fn go(&mut self, condition: &str, target: usize) {
        let way = if let Insn::RetK(k) = self.program[target] {
            format!("return {}", decimal(k))
        } else if let Insn::RetA = self.program[target] {
            self.name("a");
            "return a".to_owned()
        } else {
            format!("goto L{target}")
        };
        self.line(&format!("{condition}{way};"));
    }
}

fn is_return(insn: &Insn) -> bool {
    matches!(insn, Insn::RetK(_) | Insn::RetA)
}

/// The variable of a memory word.
fn word(slot: Slot) -> String {
    format!("m{}", slot.number())
}

/// A number in network order, behind a pointer by so many bytes.
fn bytes(pointer: &str, offset: u32, size: Size) -> String {
    let byte = |index: u32| format!("{pointer}[{}]", offset.wrapping_add(index));
    match size {
        Size::B => byte(0),
        Size::H => format!("{} << 8 | {}", byte(0), byte(1)),
        Size::W => {
            let [b0, b1, b2, b3] = [0, 1, 2, 3].map(byte);
            format!("(uint32_t){b0} << 24 | {b1} << 16 | {b2} << 8 | {b3}")
        }
    }
}

/// A constant whose type is no wider than its 32 bits.
fn decimal(k: u32) -> String {
    if k > 0x7fff_ffff { format!("{k}u") } else { k.to_string() }
}
