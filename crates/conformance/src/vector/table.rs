//! Columns and values of a vector's table.

use netloom_isa::Reg;

use super::VectorReason;
use super::source::{Column, Place, Row, Table, Value};
use crate::hex;

/// What stands between inputs and results.
const ARROW: &str = "->";

impl Table {
    /// The columns after `rows`.
    pub(super) fn new(line: usize, text: &str) -> Result<Self, VectorReason> {
        let (inputs, results) = text.split_once(ARROW).unwrap_or((text, ""));
        let columns = |text: &str| text.split_whitespace().map(column).collect();
        let (inputs, results): (Result<Vec<_>, _>, Result<Vec<_>, _>) =
            (columns(inputs), columns(results));
        Ok(Self { line, inputs: inputs?, results: results?, rows: Vec::new() })
    }

    /// Appends a row.
    pub(super) fn push(&mut self, line: usize, text: &str) -> Result<(), VectorReason> {
        let (inputs, results) = text.split_once(ARROW).unwrap_or((text, ""));
        let inputs = values(&self.inputs, inputs)?;
        let results = values(&self.results, results)?;
        self.rows.push(Row { line, inputs, results });
        Ok(())
    }
}

fn column(name: &str) -> Result<Column, VectorReason> {
    let (place, variant) = match name.split_once('.') {
        Some((place, variant)) => (place, Some(variant.to_owned())),
        None => (name, None),
    };
    let place = match place {
        "memory" => Place::Memory,
        "packet" => Place::Packet,
        _ => match register(place) {
            Some(Reg::R10) | None => return Err(VectorReason::Column { name: name.to_owned() }),
            Some(reg) => Place::Register(reg),
        },
    };
    Ok(Column { place, variant })
}

/// A register by its 64-bit name.
pub(super) fn register(name: &str) -> Option<Reg> {
    Reg::new(name.strip_prefix('r')?.parse().ok()?)
}

fn values(columns: &[Column], text: &str) -> Result<Vec<Value>, VectorReason> {
    let words: Vec<&str> = text.split_whitespace().collect();
    if words.len() != columns.len() {
        return Err(VectorReason::Values { expected: columns.len(), actual: words.len() });
    }
    columns.iter().zip(words).map(|(column, text)| value(column.place, text)).collect()
}

fn value(place: Place, text: &str) -> Result<Value, VectorReason> {
    let wrong = |column| VectorReason::Value { text: text.to_owned(), column };
    match place {
        Place::Register(_) => {
            number(text).map(Value::Number).ok_or_else(|| wrong("a number of 64 bits"))
        }
        Place::Memory | Place::Packet => hex::parse(&text.replace('_', ""))
            .map(Value::Bytes)
            .or(Err(wrong("bytes in hexadecimal"))),
    }
}

/// A decimal number, signed or not, or a hexadecimal one after `0x`; `_` may part digits.
fn number(text: &str) -> Option<u64> {
    let digits = text.replace('_', "");
    if let Some(digits) = digits.strip_prefix("0x") {
        return u64::from_str_radix(digits, 16).ok();
    }
    let unsigned = digits.parse::<u64>();
    unsigned.or_else(|_| digits.parse::<i64>().map(i64::cast_unsigned)).ok()
}
