//! The forms of the instruction set: what a complete test has to name.

use std::fmt;

use crate::Insn;
use crate::encode::parts;
use crate::row::{self, INDEX, Op};

/// An operation together with what its opcode chooses: width, size, register or constant. Instructions
/// of one form differ in their operands only.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Form {
    opcode: u8,
    op: Op,
}

/// All forms, by opcode.
pub fn forms() -> impl Iterator<Item = Form> {
    (0..=255u8).zip(INDEX).flat_map(|(opcode, entry)| {
        let rows = entry.into_iter().flat_map(move |entry| row::rows(entry, opcode));
        rows.map(move |row| Form { opcode, op: row.op })
    })
}

impl Insn {
    /// Its form; none if it is not canonical.
    pub fn form(&self) -> Option<Form> {
        let (op, opcode) = parts(self)?;
        self.is_canonical().then_some(Form { opcode, op })
    }
}

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The opcode and the operation's name in the table, `0x1f Alu(Sub)`.
impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#04x} {:?}", self.opcode, self.op)
    }
}

#[cfg(test)]
mod tests {
    use super::forms;
    use crate::row::{self, Field};
    use crate::slot::Slot;
    use crate::{ByteOrder, decode};

    #[test]
    fn every_form_has_instructions_of_its_own() {
        let all: Vec<_> = forms().collect();
        for (index, form) in all.iter().enumerate() {
            assert!(!all[..index].contains(form), "{form} twice");
            let row = row::row(form.op).expect("listed");
            let mut slot = Slot { opcode: form.opcode, ..Slot::default() };
            for (field, rule) in row.fields() {
                if let Field::Is(number) = rule {
                    slot.select(field, number);
                }
            }
            let mut bytes = slot.to_bytes(ByteOrder::Little).to_vec();
            bytes.extend(row.next.iter().flat_map(|_| [0; 8]));
            let insns = decode(&bytes);
            let insns = insns.unwrap_or_else(|error| panic!("{form}: {error}"));
            assert_eq!(insns[0].form(), Some(*form));
        }
        assert!(all.len() > 190, "{}", all.len());
    }
}
