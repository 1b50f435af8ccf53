//! From bytes to a [`Btf`]: one pass that proves the blob sound and notes where each type starts.
//!
//! Words are turned to native byte order here, so nothing after this module knows of byte order.

mod header;

#[cfg(test)]
pub(crate) mod tests;

use std::fmt;
use std::sync::Arc;

use crate::format::{
    HEAD_WORDS, HEADER_BYTES, Info, Kind, Layout, NAME_OFFSET_MAX, TYPE_ID_MAX, Third, TypeId,
};
use crate::name_index::NameIndex;
use crate::record::Record;
use header::Sections;

pub use header::Section;

/// A sound BTF blob with its indices; owns its bytes.
///
/// Invariants, established by [`Btf::parse`] and [`Btf::parse_split`]: `starts` holds one more entry
/// than there are own types and rises, and record `n` is `words[starts[n]..starts[n + 1]]`, as long as
/// its layout says; every type id in it is below [`Btf::type_count`]; every name offset points at the
/// start of a character in `strings` or in the base; `strings` is empty or ends with NUL.
pub struct Btf {
    base: Option<Arc<Btf>>,
    words: Vec<u32>,
    starts: Vec<usize>,
    strings: String,
    first_id: u32,
    first_name: u32,
    names: NameIndex,
}

/// Why bytes are not BTF that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are what the message names")]
pub enum ParseError {
    /// The blob ends inside the header.
    HeaderTruncated { len_bytes: usize },
    /// The first two bytes are the magic number in neither byte order.
    Magic { found: u16 },
    /// A version other than 1.
    Version { found: u8 },
    /// A header flag is set; none is defined.
    Flags { found: u8 },
    /// The header says that it is shorter than version 1 has it.
    HeaderLength { found: u32 },
    /// A section reaches outside the blob, or types are not whole words.
    SectionBounds { section: Section, offset: u32, len_bytes: u32 },
    /// The two sections share bytes.
    SectionOverlap,
    /// The string section is longer than the kernel allows.
    StringsTooLong { len_bytes: u32 },
    /// The string section does not start (without a base) or does not end with NUL.
    StringsUnterminated,
    /// A string is not UTF-8; the offset is that of the first bad byte in the section.
    StringsEncoding { offset: usize },
    /// The blob ends inside the record of this type.
    TypeTruncated { id: TypeId },
    /// A kind this crate does not know, so the record's length is unknown as well.
    UnknownKind { id: TypeId, kind: u32 },
    /// A name of this type lies outside the strings.
    NameBounds { id: TypeId, name_offset: u32 },
    /// This type refers to one that does not exist.
    TypeBounds { id: TypeId, target: TypeId },
    /// More types than ids.
    TooManyTypes,
}

impl Btf {
    /// Reads a blob that stands alone, in either byte order.
    ///
    /// # Errors
    /// [`ParseError`], for the first thing found wrong; no byte sequence panics.
    pub fn parse(bytes: &[u8]) -> Result<Btf, ParseError> {
        parse(bytes, None)
    }

    /// Reads a split blob, such as a kernel module's, whose ids and strings continue those of `base`.
    ///
    /// # Errors
    /// As [`Btf::parse`].
    pub fn parse_split(bytes: &[u8], base: &Arc<Btf>) -> Result<Btf, ParseError> {
        parse(bytes, Some(Arc::clone(base)))
    }

    /// One more than the highest type id: counts `void` and the types of the base.
    #[must_use]
    pub fn type_count(&self) -> u32 {
        self.first_id + self.own_count()
    }

    /// The ids of this blob's own types, without `void` and those of the base.
    pub fn own_ids(&self) -> impl DoubleEndedIterator<Item = TypeId> + use<> {
        (self.first_id..self.type_count()).map(TypeId)
    }

    /// The blob that this one continues, if it is split.
    #[must_use]
    pub fn base(&self) -> Option<&Arc<Btf>> {
        self.base.as_ref()
    }

    #[expect(clippy::cast_possible_truncation, reason = "types are at most TYPE_ID_MAX")]
    fn own_count(&self) -> u32 {
        (self.starts.len() - 1) as u32
    }

    /// The record of a type; `None` for `void` and for ids that do not exist.
    pub(crate) fn record(&self, id: TypeId) -> Option<Record<'_>> {
        let Some(own) = id.0.checked_sub(self.first_id) else {
            return self.base.as_ref()?.record(id);
        };
        let own = own as usize;
        let end = *self.starts.get(own + 1)?;
        Some(Record::new(self, &self.words[self.starts[own]..end]))
    }

    /// The string at a name offset, empty if there is none.
    pub(crate) fn string(&self, name_offset: u32) -> &str {
        match (name_offset.checked_sub(self.first_name), &self.base) {
            (Some(own), _) => {
                let rest = self.strings.get(own as usize..).unwrap_or("");
                rest.split('\0').next().unwrap_or("")
            }
            (None, Some(base)) => base.string(name_offset),
            (None, None) => "",
        }
    }

    /// Own types that may be called `name`, by rising id.
    pub(crate) fn own_candidates(&self, name: &str) -> impl Iterator<Item = TypeId> {
        self.names.candidates(name).map(|record| TypeId(self.first_id + record))
    }

    fn string_is_sound(&self, name_offset: u32) -> bool {
        match (name_offset.checked_sub(self.first_name), &self.base) {
            (Some(own), _) => {
                let own = own as usize;
                own < self.strings.len() && self.strings.is_char_boundary(own)
            }
            (None, Some(base)) => base.string_is_sound(name_offset),
            (None, None) => false,
        }
    }
}

fn parse(bytes: &[u8], base: Option<Arc<Btf>>) -> Result<Btf, ParseError> {
    let sections = Sections::read(bytes)?;
    let strings = strings(sections.strings, base.is_none())?.to_owned();
    let first_id = base.as_ref().map_or(1, |base| base.type_count());
    let first_name = match &base {
        None => 0,
        Some(base) => base.names_end().ok_or(ParseError::StringsTooLong { len_bytes: u32::MAX })?,
    };
    let words = sections.type_words();
    let (starts, names) = (vec![0], NameIndex::default());
    let mut btf = Btf { base, words, starts, strings, first_id, first_name, names };
    if btf.names_end().is_none() {
        return Err(ParseError::StringsTooLong { len_bytes: sections.strings_bytes() });
    }
    btf.starts = index_types(&btf)?;
    btf.names = NameIndex::build(btf.own_count(), |record| {
        btf.string(btf.words[btf.starts[record as usize]])
    });
    Ok(btf)
}

impl Btf {
    /// The name offset after this blob's last, `None` if it does not fit.
    fn names_end(&self) -> Option<u32> {
        self.first_name.checked_add(u32::try_from(self.strings.len()).ok()?)
    }
}

fn strings(section: &[u8], stands_alone: bool) -> Result<&str, ParseError> {
    let terminated = section.last().is_none_or(|&last| last == 0);
    // A blob without a base needs offset 0 to be the empty name.
    let starts_well = !stands_alone || section.first() == Some(&0);
    if !terminated || !starts_well {
        return Err(ParseError::StringsUnterminated);
    }
    std::str::from_utf8(section)
        .map_err(|error| ParseError::StringsEncoding { offset: error.valid_up_to() })
}

/// The start of each record and the end of the last, all records proven.
fn index_types(btf: &Btf) -> Result<Vec<usize>, ParseError> {
    let mut starts = Vec::with_capacity(btf.words.len() / 6);
    let mut references = References { btf, highest: (TypeId::VOID, TypeId::VOID) };
    let (mut at, mut id) = (0, btf.first_id);
    while let Some(rest) = btf.words.get(at..).filter(|rest| !rest.is_empty()) {
        if id > TYPE_ID_MAX {
            return Err(ParseError::TooManyTypes);
        }
        let (layout, record) = cut_record(TypeId(id), rest)?;
        references.check(TypeId(id), layout, record)?;
        starts.push(at);
        at += record.len();
        id += 1;
    }
    starts.push(at);
    let (target, by) = references.highest;
    if target.0 >= id {
        return Err(ParseError::TypeBounds { id: by, target });
    }
    Ok(starts)
}

/// The first record of `rest` and its layout.
fn cut_record(id: TypeId, rest: &[u32]) -> Result<(&'static Layout, &[u32]), ParseError> {
    let &[_, info, _] = rest.first_chunk().ok_or(ParseError::TypeTruncated { id })?;
    let info = Info(info);
    let kind = Kind::from_number(info.kind_number())
        .ok_or(ParseError::UnknownKind { id, kind: info.kind_number() })?;
    let layout = kind.layout();
    let len = HEAD_WORDS + layout.trailer.words + layout.entry.words * info.vlen() as usize;
    Ok((layout, rest.get(..len).ok_or(ParseError::TypeTruncated { id })?))
}

/// Checks what records point at; type ids may point forward, so those are judged at the end.
struct References<'a> {
    btf: &'a Btf,
    /// The highest id referred to, and the type that does so.
    highest: (TypeId, TypeId),
}

impl References<'_> {
    fn check(&mut self, id: TypeId, layout: &Layout, record: &[u32]) -> Result<(), ParseError> {
        let (head, rest) = record.split_at(HEAD_WORDS);
        let (trailer, entries) = rest.split_at(layout.trailer.words);
        self.name(id, head[0])?;
        if layout.third == Third::Type {
            self.target(id, head[2]);
        }
        for &target in &trailer[..layout.trailer.types] {
            self.target(id, target);
        }
        // An entry of no words means that there are none, whatever vlen says (FUNC keeps its
        // linkage there).
        for entry in entries.chunks_exact(layout.entry.words.max(1)) {
            if let Some(at) = layout.entry.name_at {
                self.name(id, entry[at])?;
            }
            if let Some(at) = layout.entry.type_at {
                self.target(id, entry[at]);
            }
        }
        Ok(())
    }

    fn name(&self, id: TypeId, name_offset: u32) -> Result<(), ParseError> {
        match self.btf.string_is_sound(name_offset) {
            true => Ok(()),
            false => Err(ParseError::NameBounds { id, name_offset }),
        }
    }

    fn target(&mut self, id: TypeId, target: u32) {
        if target > self.highest.0.0 {
            self.highest = (TypeId(target), id);
        }
    }
}

impl fmt::Debug for Btf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Btf")
            .field("first_id", &self.first_id)
            .field("type_count", &self.type_count())
            .field("strings_bytes", &self.strings.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ParseError::HeaderTruncated { len_bytes } => write!(
                f,
                "btf header is cut off: blob has {len_bytes} bytes, header {HEADER_BYTES} or more"
            ),
            ParseError::Magic { found } => write!(f, "btf magic is {found:#06x}, not 0xeb9f"),
            ParseError::Version { found } => write!(f, "btf version {found} is not supported"),
            ParseError::Flags { found } => write!(f, "btf flags {found:#04x} are not supported"),
            ParseError::HeaderLength { found } => {
                write!(f, "btf header length {found} is less than {HEADER_BYTES}")
            }
            ParseError::SectionBounds { section, offset, len_bytes } => write!(
                f,
                "btf {section} section at {offset}, {len_bytes} bytes long, is outside the blob or \
                 not aligned"
            ),
            ParseError::SectionOverlap => f.write_str("btf type and string sections overlap"),
            ParseError::StringsTooLong { len_bytes } => write!(
                f,
                "btf string section of {len_bytes} bytes is over the limit of {}",
                NAME_OFFSET_MAX + 1
            ),
            ParseError::StringsUnterminated => {
                f.write_str("btf string section does not start or end with NUL")
            }
            ParseError::StringsEncoding { offset } => {
                write!(f, "btf string section is not utf-8 at offset {offset}")
            }
            ParseError::TypeTruncated { id } => write!(f, "btf type {id} is cut off"),
            ParseError::UnknownKind { id, kind } => {
                write!(f, "btf type {id} is of unknown kind {kind}")
            }
            ParseError::NameBounds { id, name_offset } => {
                write!(f, "btf type {id} has a name at {name_offset}, outside the strings")
            }
            ParseError::TypeBounds { id, target } => {
                write!(f, "btf type {id} refers to type {target}, which does not exist")
            }
            ParseError::TooManyTypes => write!(f, "btf has more than {TYPE_ID_MAX} types"),
        }
    }
}

impl std::error::Error for ParseError {}
