//! The header: byte order, and where the two sections lie.
//!
//! ```text
//! magic u16 | version u8 | flags u8 | header length | type offset | type length | string offset | string length
//! ```
//! The last five are `u32`; offsets count bytes from the header's end.
//! Source: `linux/btf.h: struct btf_header`.

use std::fmt;
use std::ops::Range;

use super::ParseError;
use crate::format::{HEADER_BYTES, MAGIC, NAME_OFFSET_MAX, VERSION};

/// A part of the blob that the header places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// The type records.
    Types,
    /// The NUL-terminated strings.
    Strings,
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Section::Types => "type",
            Section::Strings => "string",
        })
    }
}

#[derive(Clone, Copy)]
enum ByteOrder {
    Little,
    Big,
}

impl ByteOrder {
    fn word(self, bytes: [u8; 4]) -> u32 {
        match self {
            ByteOrder::Little => u32::from_le_bytes(bytes),
            ByteOrder::Big => u32::from_be_bytes(bytes),
        }
    }
}

/// Both sections, inside the blob and apart from each other; types are whole words.
pub(super) struct Sections<'a> {
    order: ByteOrder,
    types: &'a [u8],
    pub(super) strings: &'a [u8],
}

impl<'a> Sections<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Result<Sections<'a>, ParseError> {
        let truncated = ParseError::HeaderTruncated { len_bytes: bytes.len() };
        let header: &[u8; HEADER_BYTES as usize] = bytes.first_chunk().ok_or(truncated)?;
        let order = byte_order([header[0], header[1]])?;
        if header[2] != VERSION {
            return Err(ParseError::Version { found: header[2] });
        }
        if header[3] != 0 {
            return Err(ParseError::Flags { found: header[3] });
        }
        let mut words = [0; HEADER_BYTES as usize / 4];
        for (word, &bytes) in words.iter_mut().zip(header.as_chunks().0) {
            *word = order.word(bytes);
        }
        let [_, header_len, type_offset, type_len, string_offset, string_len] = words;
        if header_len < HEADER_BYTES {
            return Err(ParseError::HeaderLength { found: header_len });
        }
        let body = bytes.get(header_len as usize..).ok_or(truncated)?;

        let types = range(Section::Types, type_offset, type_len)?;
        let strings = range(Section::Strings, string_offset, string_len)?;
        if types.start < strings.end && strings.start < types.end {
            return Err(ParseError::SectionOverlap);
        }
        if string_len > NAME_OFFSET_MAX + 1 {
            return Err(ParseError::StringsTooLong { len_bytes: string_len });
        }
        let outside =
            |section, offset, len_bytes| ParseError::SectionBounds { section, offset, len_bytes };
        Ok(Sections {
            order,
            types: body.get(types).ok_or(outside(Section::Types, type_offset, type_len))?,
            strings: body.get(strings).ok_or(outside(
                Section::Strings,
                string_offset,
                string_len,
            ))?,
        })
    }

    /// The type section in native byte order.
    pub(super) fn type_words(&self) -> Vec<u32> {
        // The section's length was checked to be whole words, so nothing is left over.
        self.types.as_chunks().0.iter().map(|&bytes| self.order.word(bytes)).collect()
    }

    pub(super) fn strings_bytes(&self) -> u32 {
        u32::try_from(self.strings.len()).unwrap_or(u32::MAX)
    }
}

fn byte_order(magic: [u8; 2]) -> Result<ByteOrder, ParseError> {
    if u16::from_le_bytes(magic) == MAGIC {
        Ok(ByteOrder::Little)
    } else if u16::from_be_bytes(magic) == MAGIC {
        Ok(ByteOrder::Big)
    } else {
        Err(ParseError::Magic { found: u16::from_le_bytes(magic) })
    }
}

fn range(section: Section, offset: u32, len_bytes: u32) -> Result<Range<usize>, ParseError> {
    let aligned = match section {
        Section::Types => offset.is_multiple_of(4) && len_bytes.is_multiple_of(4),
        Section::Strings => true,
    };
    let end = offset.checked_add(len_bytes).filter(|_| aligned);
    let end = end.ok_or(ParseError::SectionBounds { section, offset, len_bytes })?;
    Ok(offset as usize..end as usize)
}
