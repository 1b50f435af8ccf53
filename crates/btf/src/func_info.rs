//! The function records that `bpf(2)` takes beside a program.

use crate::format::TypeId;

/// Says that the function of BTF type `type_id` starts at instruction `insn_off`.
///
/// This is the form of `BPF_PROG_LOAD` (`linux/bpf.h: struct bpf_func_info`), where the offset
/// counts 8-byte instruction slots from the program's start. In the `.BTF.ext` section of an object
/// file the same record counts bytes. The kernel wants one record per function, by rising offset,
/// the first at 0, and each `type_id` to be a FUNC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FuncInfo {
    /// First instruction of the function, in slots.
    pub insn_off: u32,
    /// The FUNC in the BTF that is loaded with the program.
    pub type_id: TypeId,
}

impl FuncInfo {
    /// Length of one record in bytes (`func_info_rec_size`).
    pub const BYTES: u32 = 8;

    /// The records back to back in native byte order, as `func_info` points at them.
    #[must_use]
    pub fn encode(records: &[FuncInfo]) -> Vec<u8> {
        records
            .iter()
            .flat_map(|record| [record.insn_off, record.type_id.0])
            .flat_map(u32::to_ne_bytes)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_two_native_words_each() {
        let records = [
            FuncInfo { insn_off: 0, type_id: TypeId(7) },
            FuncInfo { insn_off: 5, type_id: TypeId(9) },
        ];
        let expected: Vec<u8> = [0u32, 7, 5, 9].into_iter().flat_map(u32::to_ne_bytes).collect();
        assert_eq!(FuncInfo::encode(&records), expected);
        assert_eq!(expected.len(), records.len() * FuncInfo::BYTES as usize);
    }
}
