//! The instructions of a section as lines of text, with names for what they lead and refer to.

use std::collections::{BTreeMap, BTreeSet};

use netloom_abi::Helper;
use netloom_isa::{Callee, Insn, Pc, Syntax, encode_for, numbered};
use netloom_object::{CodeSection, ObjectFile, Target};
use serde::Serialize;

use crate::plain::plain;

/// One instruction.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    /// Its slot in the section.
    pub(super) pc: u32,
    /// Names of its position, functions first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) labels: Vec<String>,
    /// Its bytes, two digits each.
    pub(super) bytes: String,
    pub(super) text: String,
    /// The slot that it leads to, as the bytes say.
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<u32>,
    /// The helper that it calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    helper: Option<String>,
    /// What a relocation says that it refers to.
    #[serde(skip_serializing_if = "Option::is_none")]
    refers_to: Option<String>,
    /// What the text does not say.
    #[serde(skip)]
    pub(super) remark: Option<String>,
}

/// A section with what its lines need.
pub(super) struct Listing<'a, 'd> {
    object: &'a ObjectFile<'d>,
    /// Which section it is.
    at: usize,
    insns: &'a [Insn],
    syntax: Syntax,
    /// Names of positions that the text may use.
    names: BTreeMap<Pc, String>,
}

impl<'a, 'd> Listing<'a, 'd> {
    /// The section at place `at` of the object, which has these instructions.
    pub(super) fn new(
        object: &'a ObjectFile<'d>,
        at: usize,
        insns: &'a [Insn],
        syntax: Syntax,
    ) -> Self {
        let section = &object.code[at];
        let starts: BTreeSet<Pc> = numbered(insns).map(|(pc, _)| pc).collect();
        // The distance in an instruction with a relocation means nothing yet.
        let final_ones = numbered(insns).filter(|(pc, _)| section.target_at(*pc).is_none());
        let targets = final_ones.filter_map(|(pc, insn)| insn.target(pc));
        // Several sections on one page have labels of their own.
        let prefix = if object.code.len() > 1 { format!("L{at}_") } else { "L".to_owned() };
        let places = targets.chain(section.symbols.iter().map(|symbol| symbol.pc));
        let names = places.filter(|pc| starts.contains(pc)).map(|pc| {
            let known = section.name_at(pc).filter(|name| is_label(name));
            (pc, known.map_or_else(|| format!("{prefix}{pc}"), str::to_owned))
        });
        let names = names.collect();
        Self { object, at, insns, syntax, names }
    }

    /// The lines of the slots in a range.
    pub(super) fn lines(&self, range: std::ops::Range<Pc>) -> Vec<Line> {
        let insns = numbered(self.insns).filter(|(pc, _)| range.contains(pc));
        insns.map(|(pc, insn)| self.line(pc, insn)).collect()
    }

    fn line(&self, pc: Pc, insn: &Insn) -> Line {
        let section = &self.object.code[self.at];
        let helper =
            if let Insn::Call(Callee::Helper(id)) = insn { Helper::new(*id) } else { None };
        let target = section.target_at(pc);
        let refers_to = target.map(|target| self.reference(target));
        let label = self.label(section, pc, insn);
        let mut text = insn.text(self.syntax).naming(|id| Helper::new(id).map(Helper::name));
        if let Some(label) = label {
            text = text.leading_to(label);
        }
        let says_helper = matches!(self.syntax, Syntax::PseudoC | Syntax::Kernel);
        let says_label = matches!(self.syntax, Syntax::PseudoC | Syntax::Classic);
        let remark = match (&refers_to, helper) {
            (Some(name), _) if label != Some(name.as_str()) || !says_label => Some(name.clone()),
            (None, Some(helper)) if !says_helper => Some(format!("bpf_{}", helper.name())),
            _ => None,
        };
        Line {
            pc: pc.0,
            labels: self.labels(section, pc),
            bytes: crate::asm::digits(&encode_for(self.object.order, &[*insn])),
            text: text.to_string(),
            target: insn.target(pc).filter(|_| target.is_none()).map(|target| target.0),
            helper: helper.map(|helper| format!("bpf_{}", helper.name())),
            refers_to,
            remark,
        }
    }

    /// The names in front of an instruction.
    fn labels(&self, section: &CodeSection<'_>, pc: Pc) -> Vec<String> {
        let symbols = section.symbols.iter().filter(|symbol| symbol.pc == pc);
        let known: Vec<String> = symbols
            .filter(|symbol| is_label(symbol.name))
            .map(|symbol| symbol.name.to_owned())
            .collect();
        if known.is_empty() { self.names.get(&pc).cloned().into_iter().collect() } else { known }
    }

    /// The name of the place that an instruction leads to.
    fn label(&self, section: &CodeSection<'_>, pc: Pc, insn: &Insn) -> Option<&str> {
        match section.target_at(pc) {
            None => self.names.get(&insn.target(pc)?).map(String::as_str),
            Some(Target::Code { section, pc }) => {
                // The constant of an address has no distance that a label could replace.
                let name = self.object.code[*section].name_at(*pc).filter(|name| is_label(name));
                name.filter(|_| matches!(insn, Insn::Call(_)))
            }
            Some(Target::Map(_) | Target::Data { .. } | Target::Extern { .. }) => None,
        }
    }

    /// What a relocation refers to, in words.
    fn reference(&self, target: &Target<'_>) -> String {
        let text = match *target {
            Target::Map(at) => self.object.maps[at].name.to_owned(),
            Target::Code { section, pc } => {
                let code = &self.object.code[section];
                code.name_at(pc).map_or_else(|| format!("{}+{pc}", code.name), str::to_owned)
            }
            Target::Data { section, name: "", offset } => format!("{section}{offset:+}"),
            Target::Data { name, .. } => name.to_owned(),
            Target::Extern { name, .. } => name.to_owned(),
        };
        plain(&text).into_owned()
    }
}

/// Whether the assembler reads the name as a label.
fn is_label(name: &str) -> bool {
    let is_fit = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '$' | '@');
    let is_register = name.strip_prefix(['r', 'w']).is_some_and(|rest| rest.parse::<u8>().is_ok());
    name.chars().all(is_fit)
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
        && !is_register
}
