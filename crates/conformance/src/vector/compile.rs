//! A vector as it is written → programs and what they are run on.

use std::collections::BTreeSet;

use netloom_abi::{
    AttachType, Function, Helper, Linkage, MapKind, MapSpec, Object, Program, ProgramType,
};
use netloom_isa::{Assembly, Callee, Imm64, Insn, Pc, Reg, assemble_with, numbered};

use super::source::{Body, Column, Place, Row, Source, Value, Variant};
use super::{Group, Observed, Trial, Vector, VectorError, VectorReason};
use crate::engine::{Input, REGISTERS};
use crate::hex;

/// Bytes of map 1.
const MEMORY_BYTES: u32 = 16;
/// The packet without a column; kernels run nothing on a shorter one.
const PACKET: [u8; 14] = [0; 14];
/// What registers hold without a column: this and their number.
const FILL: u64 = 0xa5a5_0000_5a5a_0000;

/// Assembler lines, each with its number in the file, or none for those of the runner.
type Lines = Vec<(Option<usize>, String)>;

pub(super) fn compile(source: &Source) -> Result<Vector, VectorError> {
    let alone = [Variant { line: source.line, name: String::new(), statement: String::new() }];
    let variants = if source.variants.is_empty() { &alone } else { source.variants.as_slice() };
    let mut groups = Vec::new();
    for variant in variants {
        let first = groups.len();
        for row in &source.table.rows {
            let Some(statement) = substituted(&variant.statement, &source.table.inputs, row) else {
                continue;
            };
            let group =
                groups[first..].iter().position(|group: &Group| group.statement == statement);
            let group = match group {
                Some(group) => first + group,
                None => {
                    groups.push(program(source, variant, statement)?);
                    groups.len() - 1
                }
            };
            let trial = trial(source, variant, row);
            groups[group]
                .trials
                .push(trial.map_err(|reason| VectorError { line: row.line, reason })?);
        }
        if groups.len() == first {
            let reason = VectorReason::Incomplete { lacks: "row for this variant" };
            return Err(VectorError { line: variant.line, reason });
        }
    }
    let difference = source.difference.clone();
    Ok(Vector { name: source.name.clone(), line: source.line, groups, difference })
}

/// The statement with `$rN` and `$wN` replaced by the row's constants; none if one is none.
fn substituted(statement: &str, columns: &[Column], row: &Row) -> Option<String> {
    let mut text = statement.to_owned();
    for (column, value) in columns.iter().zip(&row.inputs) {
        let (Place::Register(reg), Value::Number(value)) = (column.place, value) else { continue };
        let (wide, low) = (format!("${reg}"), format!("$w{}", reg.number()));
        if text.contains(&wide) {
            let constant = i32::try_from(value.cast_signed()).ok()?;
            text = text.replace(&wide, &constant.to_string());
        }
        let [b0, b1, b2, b3, ..] = value.to_le_bytes();
        text = text.replace(&low, &i32::from_le_bytes([b0, b1, b2, b3]).to_string());
    }
    Some(text)
}

fn program(source: &Source, variant: &Variant, statement: String) -> Result<Group, VectorError> {
    let (mut programs, mut tested) = (Vec::new(), Vec::new());
    for lines in texts(source, variant, &statement) {
        let (insns, own) = assembled(&lines)?;
        let functions = functions(&insns);
        programs.push(Program {
            name: "vector".into(),
            kind: source.kind,
            attach: if source.kind == ProgramType::Xdp {
                AttachType::Xdp
            } else {
                AttachType::NONE
            },
            license: "GPL".into(),
            insns,
            functions,
            relocs: vec![],
        });
        tested.extend(own);
    }
    let object = Object { maps: maps(source, programs.len()), programs };
    Ok(Group { object, tested, statement, trials: Vec::new() })
}

/// The program's functions, by the calls of them and the constants that name them.
fn functions(insns: &[Insn]) -> Vec<Function> {
    let called = numbered(insns).filter_map(|(pc, insn)| {
        let (Insn::Call(Callee::Local(off)) | Insn::LoadImm64 { value: Imm64::Function(off), .. }) =
            insn
        else {
            return None;
        };
        (pc.0 + 1).checked_add_signed(*off).map(Pc)
    });
    let places: BTreeSet<Pc> = called.chain([Pc(0)]).collect();
    let function = |pc: Pc| Function {
        name: format!("function_{pc}"),
        pc,
        linkage: Linkage::Static,
        args: vec![],
    };
    places.into_iter().map(function).collect()
}

/// The text of each program.
fn texts(source: &Source, variant: &Variant, statement: &str) -> Vec<Lines> {
    let lines_of = |line: usize, text: &str| -> Lines {
        let lines = text.lines().enumerate().map(|(index, text)| match text.trim() {
            "@" => (Some(variant.line), statement.to_owned()),
            _ => (Some(line + index), text.to_owned()),
        });
        lines.collect()
    };
    match &source.body {
        Body::Whole(blocks) => {
            blocks.iter().map(|block| lines_of(block.line, &block.text)).collect()
        }
        Body::Code { code, functions } => {
            let mut lines = before(source.context);
            lines.extend(lines_of(code.line, &code.text));
            lines.extend(after(&observed(source)));
            lines.extend(lines_of(functions.line, &functions.text));
            vec![lines]
        }
    }
}

fn assembled(lines: &Lines) -> Result<(Vec<Insn>, Vec<Insn>), VectorError> {
    let text: String = lines.iter().flat_map(|(_, text)| [text, "\n"]).collect();
    let origin = |line: u32| lines.get(line as usize - 1).and_then(|(line, _)| *line);
    let helper = |name: &str| Helper::named(name).map(Helper::id);
    let Assembly { insns, places, .. } = assemble_with(&text, helper).map_err(|errors| {
        let first = errors.first();
        let line = first.and_then(|error| origin(error.place.line)).unwrap_or_default();
        let message = first.map(|error| error.reason.to_string()).unwrap_or_default();
        VectorError { line, reason: VectorReason::Assembly { message } }
    })?;
    let own = insns.iter().zip(&places).filter(|(_, place)| origin(place.line).is_some());
    let own = own.map(|(insn, _)| *insn).collect();
    Ok((insns, own))
}

/// Sets all registers, and that of the context to the context.
fn before(context: Option<Reg>) -> Lines {
    let mut lines = Vec::new();
    lines.extend(context.map(|reg| format!("{reg} = r1")));
    lines.push("r9 = map[idx:0][0]+0".to_owned());
    let own = registers().filter(|reg| Some(*reg) != context);
    lines.extend(own.map(|reg| format!("{reg} = *(u64 *)(r9 + {})", register_place(reg))));
    unnumbered(lines)
}

/// Keeps the registers on the stack, where no other register is needed, then in map 0.
fn after(observed: &[Reg]) -> Lines {
    let slot = |reg: &Reg| 8 * (i32::from(reg.number()) + 1);
    let mut lines: Vec<_> =
        observed.iter().map(|reg| format!("*(u64 *)(r10 - {}) = {reg}", slot(reg))).collect();
    lines.push(format!("r1 = map[idx:0][0]+{}", REGISTERS.results));
    for reg in observed {
        lines.push(format!("r0 = *(u64 *)(r10 - {})", slot(reg)));
        lines.push(format!("*(u64 *)(r1 + {}) = r0", register_place(*reg)));
    }
    lines.extend(["r0 = 0".to_owned(), "exit".to_owned()]);
    unnumbered(lines)
}

fn unnumbered(lines: Vec<String>) -> Lines {
    lines.into_iter().map(|line| (None, line)).collect()
}

/// All but the frame pointer.
fn registers() -> impl Iterator<Item = Reg> {
    Reg::ALL.into_iter().filter(|reg| *reg != Reg::R10)
}

fn register_place(reg: Reg) -> u32 {
    8 * u32::from(reg.number())
}

fn observed(source: &Source) -> Vec<Reg> {
    let is_own = |reg: &Reg| source.scratch.contains(reg) || source.context == Some(*reg);
    registers().filter(|reg| !is_own(reg)).collect()
}

/// The runner's maps and those of the vector; a program array holds all programs but the first.
fn maps(source: &Source, programs: usize) -> Vec<MapSpec> {
    let array = |name: &str, bytes| MapSpec::new(name, MapKind::Array, 4, bytes, 1);
    let mut maps = vec![array("registers", REGISTERS.bytes), array("memory", MEMORY_BYTES)];
    for (index, map) in source.maps.iter().enumerate() {
        let mut map = MapSpec { name: format!("map{}", index + 2), ..map.clone() };
        if map.kind == MapKind::ProgArray {
            let others = 1..u32::try_from(programs).unwrap_or(u32::MAX);
            map.initial = others.map(|program| program.to_le_bytes().to_vec()).collect();
        }
        maps.push(map);
    }
    maps
}

fn trial(source: &Source, variant: &Variant, row: &Row) -> Result<Trial, VectorReason> {
    let mut input = Input {
        registers: std::array::from_fn(|number| FILL | number as u64),
        memory: vec![0; MEMORY_BYTES as usize],
        packet: PACKET.to_vec(),
    };
    for (column, value) in source.table.inputs.iter().zip(&row.inputs) {
        match (column.place, value) {
            (Place::Register(reg), Value::Number(value)) => {
                input.registers[usize::from(reg.number())] = *value;
            }
            (Place::Memory, Value::Bytes(bytes)) => input.memory = memory(bytes)?,
            (Place::Packet, Value::Bytes(bytes)) => input.packet = bytes.clone(),
            (Place::Register(_), Value::Bytes(_))
            | (Place::Memory | Place::Packet, Value::Number(_)) => {}
        }
    }
    let mut expected = untouched(source, &input);
    let own = |column: &Column| column.variant.as_ref().is_none_or(|name| *name == variant.name);
    for (column, value) in source.table.results.iter().zip(&row.results) {
        match (column.place, value) {
            _ if !own(column) => {}
            (Place::Register(reg), Value::Number(value)) => {
                expect_register(source, reg, *value, &mut expected)?
            }
            (Place::Memory, Value::Bytes(bytes)) => expected.memory = Some(memory(bytes)?),
            (Place::Packet, Value::Bytes(bytes)) => expected.packet = Some(bytes.clone()),
            (Place::Register(_), Value::Bytes(_))
            | (Place::Memory | Place::Packet, Value::Number(_)) => {}
        }
    }
    Ok(Trial { line: row.line, input, expected })
}

/// What is expected of a program that changes nothing.
fn untouched(source: &Source, input: &Input) -> Observed {
    let can_write = matches!(source.kind, ProgramType::Xdp | ProgramType::SchedCls);
    let mut expected = Observed {
        registers: [None; 10],
        result: None,
        memory: Some(input.memory.clone()),
        packet: can_write.then(|| input.packet.clone()),
    };
    if matches!(source.body, Body::Code { .. }) {
        for reg in observed(source) {
            let number = usize::from(reg.number());
            expected.registers[number] = Some(input.registers[number]);
        }
    }
    expected
}

fn expect_register(
    source: &Source,
    reg: Reg,
    value: u64,
    expected: &mut Observed,
) -> Result<(), VectorReason> {
    let name = || reg.to_string();
    match &source.body {
        Body::Code { .. } => match &mut expected.registers[usize::from(reg.number())] {
            Some(place) => *place = value,
            None => return Err(VectorReason::Column { name: name() }),
        },
        Body::Whole(_) if reg == Reg::R0 => {
            let [b0, b1, b2, b3, ..] = value.to_le_bytes();
            expected.result = Some(u32::from_le_bytes([b0, b1, b2, b3]));
        }
        Body::Whole(_) => return Err(VectorReason::Column { name: name() }),
    }
    Ok(())
}

/// The bytes, filled up with zeros.
fn memory(bytes: &[u8]) -> Result<Vec<u8>, VectorReason> {
    let mut memory = bytes.to_vec();
    memory.resize(MEMORY_BYTES as usize, 0);
    if bytes.len() <= memory.len() {
        Ok(memory)
    } else {
        let column = "at most 16 bytes";
        Err(VectorReason::Value { text: hex::print(bytes), column })
    }
}
