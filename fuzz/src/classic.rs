//! Classic programs: what is asserted of every one, wherever its instructions came from.

use netloom_cbpf::{Form, Insn, Raw, decode, encode, parse, print};

/// Bytes of `struct sock_filter`.
pub const INSN_BYTES: usize = 8;

/// The text forms, which every sequence of instructions can be printed in.
const TEXTS: [Form; 3] = [Form::Listing, Form::Initialisers, Form::Numbers];

/// Encodes and prints the instructions, and gets them back from all of that.
///
/// # Panics
/// When something else comes back.
pub fn check_forms(insns: &[Insn]) {
    let raw = encode(insns);
    assert_eq!(decode(&raw).as_deref(), Ok(insns));
    for form in TEXTS {
        let text = print(insns, form);
        let again = parse(&text).unwrap_or_else(|error| panic!("{error} in {}", lossy(&text)));
        // Without instructions a listing is empty, which begins like no form.
        assert_eq!(again, (form, insns.to_vec()), "{}", lossy(&text));
    }
    let bytes = print(insns, Form::Bytes);
    assert_eq!(bytes, raw.iter().flat_map(|one| one.to_bytes()).collect::<Vec<_>>());
    // Instructions without a zero byte are taken for text; no valid program is like that.
    if bytes.contains(&0) {
        assert_eq!(parse(&bytes).as_ref(), Ok(&(Form::Bytes, insns.to_vec())));
    }
}

/// The elements in `bytes`; a rest that is shorter than one is left out.
#[must_use]
pub fn raws(bytes: &[u8]) -> Vec<Raw> {
    bytes.as_chunks::<INSN_BYTES>().0.iter().map(|one| Raw::from_bytes(*one)).collect()
}

fn lossy(text: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(text)
}
