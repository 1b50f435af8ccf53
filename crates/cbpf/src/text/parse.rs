//! Text and bytes to instructions.

use netloom_isa::Place;

use super::Form;
use super::error::{ParseError, ParseReason};
use super::operand::{Shape, following, shape};
use super::scan::Scan;
use crate::ancillary::Ancillary;
use crate::codec::{self, Raw};
use crate::insn::Insn;
use crate::row::{Op, ROWS};

/// The instructions of an input in any [`Form`], and the form.
///
/// # Errors
/// At the first place that is not part of a program.
pub fn parse(input: &[u8]) -> Result<(Form, Vec<Insn>), ParseError> {
    let begin = Place { line: 1, column: 1 };
    let unknown = ParseError { place: begin, reason: ParseReason::Form };
    let form = Form::of(input).ok_or(unknown)?;
    let insns = match form {
        Form::Listing => each_line(input, listed),
        Form::Initialisers => each_line(input, initialiser),
        Form::Numbers => counted(input),
        Form::Bytes => bytes(input),
    };
    insns.map(|insns| (form, insns))
}

/// The lines that are not empty.
fn lines(input: &[u8]) -> Result<impl Iterator<Item = Scan<'_>>, ParseError> {
    let text = str::from_utf8(input).map_err(|bad| not_text(input, bad.valid_up_to()))?;
    let scans = text.lines().enumerate().map(|(index, line)| Scan::new(index, line));
    Ok(scans.filter(|line| !line.rest.trim().is_empty()))
}

fn each_line(
    input: &[u8],
    insn: fn(usize, Scan<'_>) -> Result<Insn, ParseError>,
) -> Result<Vec<Insn>, ParseError> {
    lines(input)?.enumerate().map(|(pc, line)| insn(pc, line)).collect()
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// The error at a byte that no text holds.
fn not_text(input: &[u8], at: usize) -> ParseError {
    let mut lines = input.get(..at).unwrap_or_default().rsplit(|byte| *byte == b'\n');
    let column = number(lines.next().unwrap_or_default().len() + 1);
    let place = Place { line: number(lines.count() + 1), column };
    ParseError { place, reason: ParseReason::Utf8 }
}

fn bytes(input: &[u8]) -> Result<Vec<Insn>, ParseError> {
    let (whole, rest) = input.as_chunks::<8>();
    let at = |pc: usize, reason| ParseError {
        place: Place { line: 1, column: number(pc * 8 + 1) },
        reason,
    };
    let raw: Vec<Raw> = whole.iter().map(|bytes| Raw::from_bytes(*bytes)).collect();
    let insns = codec::decode(&raw).map_err(|error| at(error.pc(), ParseReason::Decode(error)))?;
    match rest.len() {
        0 => Ok(insns),
        bytes => Err(at(insns.len(), ParseReason::Truncated { bytes })),
    }
}

/// `4`, then as many lines of numbers: `40 0 0 12`.
fn counted(input: &[u8]) -> Result<Vec<Insn>, ParseError> {
    let mut lines = lines(input)?;
    let mut insns = Vec::new();
    let Some(head) = lines.next() else { return Ok(insns) };
    let mut line = head;
    let written = line.number("the number of instructions")?;
    line.end()?;
    for (pc, mut line) in lines.enumerate() {
        let begin = line;
        let code = line.narrow(OPCODE)?;
        let (jt, jf, k) = (line.narrow(DISTANCE)?, line.narrow(DISTANCE)?, line.number(CONSTANT)?);
        line.end()?;
        insns.push(decoded(begin, pc, Raw { code, jt, jf, k })?);
    }
    let actual = insns.len();
    if usize::try_from(written).is_ok_and(|written| written == actual) {
        Ok(insns)
    } else {
        Err(head.error(ParseReason::Count { written, actual }))
    }
}

/// `{ 0x28, 0, 0, 0x0000000c },`
fn initialiser(pc: usize, mut line: Scan<'_>) -> Result<Insn, ParseError> {
    let begin = line;
    line.expect("{")?;
    let code = line.narrow(OPCODE)?;
    line.expect(",")?;
    let jt = line.narrow(DISTANCE)?;
    line.expect(",")?;
    let jf = line.narrow(DISTANCE)?;
    line.expect(",")?;
    let k = line.number(CONSTANT)?;
    line.expect("}")?;
    line.accept(",");
    line.end()?;
    decoded(begin, pc, Raw { code, jt, jf, k })
}

const DISTANCE: &str = "a distance of 8 bits";
const CONSTANT: &str = "a constant of 32 bits";
const OPCODE: &str = "an opcode of 16 bits";

fn decoded(line: Scan<'_>, pc: usize, raw: Raw) -> Result<Insn, ParseError> {
    codec::insn(pc, raw).map_err(|error| line.error(ParseReason::Decode(error)))
}

/// `(000) jeq      #0x800           jt 2    jf 5`
fn listed(pc: usize, mut line: Scan<'_>) -> Result<Insn, ParseError> {
    line.expect("(")?;
    line.skip_space();
    let begin = line;
    let written = line.number("the instruction's number")?;
    if usize::try_from(written) != Ok(pc) {
        return Err(begin.error(ParseReason::OtherPc { written, actual: pc }));
    }
    line.expect(")")?;
    line.skip_space();
    let begin = line;
    let mnemonic = line.word("an instruction")?;
    if !ROWS.iter().any(|row| row.mnemonic == mnemonic) {
        return Err(begin.error(ParseReason::Mnemonic { word: mnemonic.to_owned() }));
    }
    line.skip_space();
    let written = line;
    let (shape, k) = operand(&mut line)?;
    let row = ROWS.iter().find(|row| row.mnemonic == mnemonic && suits(row.op, shape));
    let Some(row) = row else {
        let operand = written.rest.trim_end();
        let operand = operand.split("  ").next().unwrap_or(operand).to_owned();
        let mnemonic = mnemonic.to_owned();
        return Err(written.error(ParseReason::Operand { mnemonic, operand }));
    };
    let k = if shape == Shape::Target { k.wrapping_sub(following(pc)) } else { k };
    let (mut jt, mut jf) = (0, 0);
    if let Op::JumpIf(..) = row.op {
        jt = distance(&mut line, "jt", pc)?;
        jf = distance(&mut line, "jf", pc)?;
    }
    line.end()?;
    decoded(written, pc, Raw { code: row.code, jt, jf, k })
}

/// Whether an operation's operand may be written so: constants in either base.
fn suits(op: Op, written: Shape) -> bool {
    let shape = shape(op);
    shape == written || shape == Shape::Hexadecimal && written == Shape::Decimal
}

fn operand(line: &mut Scan<'_>) -> Result<(Shape, u32), ParseError> {
    if line.accept("[") {
        let offset = offset(line)?;
        line.expect("]")?;
        return Ok(offset);
    }
    if line.accept("4*([") {
        let k = line.number(CONSTANT)?;
        line.expect("]&0xf)")?;
        return Ok((Shape::HeaderLength, k));
    }
    if line.accept("M[") {
        let k = line.number("the number of a memory word")?;
        line.expect("]")?;
        return Ok((Shape::Memory, k));
    }
    if line.accept("#pktlen") {
        return Ok((Shape::Length, 0));
    }
    if line.accept("#") {
        return Ok((Shape::Decimal, line.number(CONSTANT)?));
    }
    if line.accept("x") {
        return Ok((Shape::Index, 0));
    }
    if line.rest.trim().is_empty() {
        return Ok((Shape::Nothing, 0));
    }
    Ok((Shape::Target, line.number("an operand")?))
}

/// What stands in brackets: `12`, `x + 14`, or the name of ancillary data.
fn offset(line: &mut Scan<'_>) -> Result<(Shape, u32), ParseError> {
    line.skip_space();
    if !line.rest.starts_with(char::is_alphabetic) {
        return Ok((Shape::Absolute, line.number("an offset of 32 bits")?));
    }
    let begin = *line;
    let word = line.word("an offset")?;
    if word == "x" {
        line.expect("+")?;
        return Ok((Shape::Indirect, line.number(CONSTANT)?));
    }
    let known = Ancillary::ALL.into_iter().find(|ancillary| ancillary.name() == word);
    known
        .map(|ancillary| (Shape::Absolute, ancillary.k()))
        .ok_or_else(|| begin.error(ParseReason::Ancillary { word: word.to_owned() }))
}

/// `jt 5`, as the distance from `pc`.
fn distance(line: &mut Scan<'_>, name: &'static str, pc: usize) -> Result<u8, ParseError> {
    line.expect(name)?;
    line.skip_space();
    let begin = *line;
    let target = line.number("the number of an instruction")?;
    target
        .checked_sub(following(pc))
        .and_then(|distance| u8::try_from(distance).ok())
        .ok_or_else(|| begin.error(ParseReason::Distance { target }))
}
