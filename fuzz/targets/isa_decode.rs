//! Bytes to instructions: what decodes encodes to the same bytes and prints to text that assembles
//! to the same instructions; what does not is refused at a slot of the input.

#![no_main]

use libfuzzer_sys::fuzz_target;
use netloom_fuzz::assembly::check_all_syntaxes;
use netloom_isa::{ByteOrder, decode_for, encode_for, numbered};

fuzz_target!(|bytes: &[u8]| {
    for order in [ByteOrder::Little, ByteOrder::Big] {
        match decode_for(order, bytes) {
            Ok(insns) => {
                assert_eq!(encode_for(order, &insns), bytes);
                assert!(insns.iter().all(|insn| insn.is_canonical()), "{insns:?}");
                let end = numbered(&insns).last().map_or(0, |(pc, insn)| pc.0 + insn.slots());
                assert_eq!(end as usize * 8, bytes.len());
                check_all_syntaxes(&insns);
            }
            Err(error) => {
                assert!(error.pc().0 as usize <= bytes.len() / 8, "{error}");
                assert!(!error.to_string().is_empty());
            }
        }
    }
});
