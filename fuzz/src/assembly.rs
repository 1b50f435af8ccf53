//! Assembler text: what both targets assert, each in its own syntax.

use netloom_isa::{Insn, Syntax, assemble, decode, encode, listing};

/// The syntaxes that lose nothing.
const LOSSLESS: [Syntax; 2] = [Syntax::PseudoC, Syntax::Classic];

/// Assembles any text. What is accepted is a program that survives encoding, and printing in
/// `syntax` as a listing; what is refused is refused at places in the text.
///
/// # Panics
/// When one of that does not hold.
pub fn check_source(bytes: &[u8], syntax: Syntax) {
    let Ok(source) = str::from_utf8(bytes) else { return };
    match assemble(source) {
        Ok(assembly) => {
            assert_eq!(assembly.places.len(), assembly.insns.len());
            let encoded = encode(&assembly.insns);
            assert_eq!(decode(&encoded).as_deref(), Ok(assembly.insns.as_slice()));
            let slots = u32::try_from(encoded.len() / 8).expect("fewer slots than bytes");
            assert!(assembly.labels.iter().all(|(_, pc)| pc.0 <= slots), "a label inside");
            check_listing(&assembly.insns, syntax);
        }
        Err(errors) => {
            assert!(!errors.is_empty(), "refused without a reason");
            // The end of a text that ends in a line break is a line of its own.
            let lines = source.split('\n').count();
            for error in errors {
                assert!((1..=lines).contains(&(error.place.line as usize)), "{error}");
                assert!(error.place.column >= 1 && !error.to_string().is_empty(), "{error}");
            }
        }
    }
}

/// Prints a program and assembles it again.
///
/// # Panics
/// When the result is another program.
pub fn check_listing(insns: &[Insn], syntax: Syntax) {
    let text = listing(insns, syntax).to_string();
    let again = assemble(&text).map(|assembly| assembly.insns);
    assert_eq!(again.as_deref(), Ok(insns), "{text}");
}

/// Prints a program in every syntax; those that lose nothing give the same program back.
///
/// # Panics
/// When one does not.
pub fn check_all_syntaxes(insns: &[Insn]) {
    LOSSLESS.iter().for_each(|syntax| check_listing(insns, *syntax));
    let foreign = [
        Syntax::Kernel,
        Syntax::Objdump { alu32: false, hex: true },
        Syntax::Objdump { alu32: true, hex: false },
    ];
    for syntax in foreign {
        assert_eq!(listing(insns, syntax).to_string().lines().count(), insns.len());
    }
}
