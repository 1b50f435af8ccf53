//! Classic programs from text in any of `tcpdump`'s forms: what is accepted survives every form,
//! what is refused is refused at a place in the text.

#![no_main]

use libfuzzer_sys::fuzz_target;
use netloom_cbpf::{Form, parse};
use netloom_fuzz::classic::check_forms;

fuzz_target!(|bytes: &[u8]| match parse(bytes) {
    Ok((form, insns)) => {
        assert_eq!(Some(form), Form::of(bytes));
        if !insns.is_empty() {
            check_forms(&insns);
        }
    }
    Err(error) => {
        let lines = bytes.split(|byte| *byte == b'\n').count();
        assert!((1..=lines).contains(&(error.place.line as usize)), "{error}");
        assert!(error.place.column >= 1 && error.place.column as usize <= bytes.len() + 1);
    }
});
