//! Seeds as we write them, and as a target takes them.
//!
//! A file that ends in `.hex` holds bytes as pairs of digits, white space anywhere between pairs
//! and comments from `#` to the end of the line. Every other file is the input itself.

use std::fs;
use std::path::Path;

use crate::error::Error;

/// Writes the inputs of the folder `seeds` to the folder `inputs`, which then holds nothing else.
/// A target without seeds gets an empty folder.
///
/// # Errors
/// [`Error::BadSeed`]; [`Error::Read`] and [`Error::Write`].
pub(super) fn unpack(seeds: &Path, inputs: &Path) -> Result<(), Error> {
    let failed_write = |source| Error::Write { path: inputs.to_owned(), source };
    if inputs.exists() {
        fs::remove_dir_all(inputs).map_err(failed_write)?;
    }
    fs::create_dir_all(inputs).map_err(failed_write)?;
    if !seeds.exists() {
        return Ok(());
    }
    let failed_read = |source| Error::Read { path: seeds.to_owned(), source };
    for entry in fs::read_dir(seeds).map_err(failed_read)? {
        let path = entry.map_err(failed_read)?.path();
        let bytes = fs::read(&path).map_err(failed_read)?;
        let is_hex = path.extension().is_some_and(|ending| ending == "hex");
        let input = if is_hex {
            decode(&bytes).ok_or_else(|| Error::BadSeed { path: path.clone() })?
        } else {
            bytes
        };
        fs::write(inputs.join(path.file_name().unwrap_or_default()), input)
            .map_err(failed_write)?;
    }
    Ok(())
}

/// The bytes of hex text; `None` when it is none.
fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let text = str::from_utf8(text).ok()?;
    let code = text.lines().map(|line| line.split('#').next().unwrap_or_default());
    let mut bytes = Vec::new();
    for word in code.flat_map(str::split_whitespace) {
        let digits: Vec<u8> = word.bytes().collect();
        let (pairs, []) = digits.as_chunks::<2>() else { return None };
        for pair in pairs {
            // A sign is no digit, although the parser would take one.
            let pair = str::from_utf8(pair).ok().filter(|pair| !pair.starts_with('+'))?;
            bytes.push(u8::from_str_radix(pair, 16).ok()?);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Fixture;

    #[test]
    fn hex_is_decoded_and_text_is_kept() {
        let fixture = Fixture::new(&[("seeds/a.hex", "0a FF # end\n\n01"), ("seeds/b", "0a")]);
        let (seeds, inputs) = (fixture.root().join("seeds"), fixture.root().join("inputs"));
        fixture.write("inputs/old", "");
        unpack(&seeds, &inputs).unwrap();
        assert_eq!(fs::read(inputs.join("a.hex")).unwrap(), [10, 255, 1]);
        assert_eq!(fs::read(inputs.join("b")).unwrap(), b"0a");
        assert!(!inputs.join("old").exists());
    }

    #[test]
    fn half_a_byte_and_no_digits_are_refused() {
        for text in ["0", "0 a", "0x10", "+1", "zz"] {
            let fixture = Fixture::new(&[("seeds/a.hex", text)]);
            let result = unpack(&fixture.root().join("seeds"), &fixture.root().join("inputs"));
            assert!(matches!(result, Err(Error::BadSeed { .. })), "{text}");
        }
    }
}
