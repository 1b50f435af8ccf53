//! Classic programs from bytes: what decodes survives encoding and every printed form.

#![no_main]

use libfuzzer_sys::fuzz_target;
use netloom_cbpf::{Program, check, decode};
use netloom_fuzz::classic::{check_forms, raws};

fuzz_target!(|bytes: &[u8]| {
    let raw = raws(bytes);
    match decode(&raw) {
        Ok(insns) => {
            assert_eq!(insns.len(), raw.len());
            if !insns.is_empty() {
                check_forms(&insns);
            }
            match check(&insns) {
                Ok(()) => {
                    assert_eq!(Program::new(insns.clone()).map(|p| p.insns().to_vec()), Ok(insns))
                }
                Err(error) => assert!(error.pc().is_none_or(|pc| pc < insns.len()), "{error}"),
            }
        }
        Err(error) => {
            assert!(error.pc() < raw.len() && !error.to_string().is_empty());
        }
    }
});
