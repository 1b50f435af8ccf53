use std::sync::Arc;

use super::{Btf, ParseError, Section};
use crate::format::{Info, Kind, TypeId};
use crate::record::Type;

/// A blob in native byte order from the words of its types and its strings.
pub(crate) fn blob(words: &[u32], strings: &str) -> Vec<u8> {
    let types_bytes = u32::try_from(words.len() * 4).unwrap();
    let strings_bytes = u32::try_from(strings.len()).unwrap();
    let mut bytes = 0xeb9f_u16.to_ne_bytes().to_vec();
    bytes.extend([1, 0]);
    for word in [24, 0, types_bytes, types_bytes, strings_bytes].iter().chain(words) {
        bytes.extend(word.to_ne_bytes());
    }
    bytes.extend(strings.as_bytes());
    bytes
}

/// The `info` word of a record.
pub(crate) fn info(kind: Kind, vlen: u32, flag: bool) -> u32 {
    Info::new(kind, vlen, flag).0
}

/// `int` at 1 and a pointer to it at 2; strings "" and "int" (offset 1).
fn int_and_pointer() -> Vec<u8> {
    let int = [1, info(Kind::Int, 0, false), 4, 0x0100_0020];
    blob(&[&int[..], &[0, info(Kind::Ptr, 0, false), 1]].concat(), "\0int\0")
}

fn with_bytes(mut bytes: Vec<u8>, at: usize, new: &[u8]) -> Vec<u8> {
    bytes[at..at + new.len()].copy_from_slice(new);
    bytes
}

fn with_word(bytes: Vec<u8>, at: usize, new: u32) -> Vec<u8> {
    with_bytes(bytes, at, &new.to_ne_bytes())
}

#[track_caller]
fn check(bytes: &[u8], expected: ParseError) {
    let found = Btf::parse(bytes).unwrap_err();
    assert_eq!(found, expected);
    assert!(found.to_string().starts_with("btf "), "{found}");
}

#[test]
fn a_sound_blob_is_read() {
    let btf = Btf::parse(&int_and_pointer()).unwrap();
    assert_eq!(btf.type_count(), 3);
    assert_eq!(btf.own_ids().collect::<Vec<_>>(), [TypeId(1), TypeId(2)]);
    assert_eq!(btf.name(TypeId(1)), "int");
    assert!(matches!(btf.get(TypeId(2)), Some(Type::Ptr { target: TypeId(1) })));
    assert!(matches!(btf.get(TypeId(0)), Some(Type::Void)));
    assert!(btf.get(TypeId(3)).is_none());
    assert!(btf.get(TypeId(u32::MAX)).is_none());
}

#[test]
fn a_blob_without_types_is_read() {
    assert_eq!(Btf::parse(&blob(&[], "\0")).unwrap().type_count(), 1);
}

#[test]
fn the_foreign_byte_order_reads_the_same() {
    let mut bytes = int_and_pointer();
    bytes[..2].reverse();
    let strings_at = bytes.len() - 5;
    bytes[4..strings_at].chunks_exact_mut(4).for_each(<[u8]>::reverse);
    let btf = Btf::parse(&bytes).unwrap();
    assert_eq!(btf.find("int", Kind::Int), Some(TypeId(1)));
    assert!(matches!(btf.get(TypeId(2)), Some(Type::Ptr { target: TypeId(1) })));
}

#[test]
fn a_longer_header_is_skipped() {
    let mut bytes = with_word(int_and_pointer(), 4, 32);
    bytes.splice(24..24, [0xff; 8]);
    assert_eq!(Btf::parse(&bytes).unwrap().name(TypeId(1)), "int");
}

#[test]
fn faults_of_the_header_are_named() {
    let good = int_and_pointer;
    check(&good()[..23], ParseError::HeaderTruncated { len_bytes: 23 });
    check(&with_word(good(), 4, 1000), ParseError::HeaderTruncated { len_bytes: good().len() });
    check(&with_bytes(good(), 0, &[0x12, 0x34]), ParseError::Magic { found: 0x3412 });
    check(&with_bytes(good(), 2, &[2]), ParseError::Version { found: 2 });
    check(&with_bytes(good(), 3, &[1]), ParseError::Flags { found: 1 });
    check(&with_word(good(), 4, 20), ParseError::HeaderLength { found: 20 });
}

#[test]
fn faults_of_the_sections_are_named() {
    let good = int_and_pointer;
    let types = |offset, len_bytes| ParseError::SectionBounds {
        section: Section::Types,
        offset,
        len_bytes,
    };
    let strings = |offset, len_bytes| ParseError::SectionBounds {
        section: Section::Strings,
        offset,
        len_bytes,
    };
    check(&with_word(good(), 8, 2), types(2, 28));
    check(&with_word(good(), 12, 27), types(0, 27));
    check(&with_word(with_word(good(), 16, 500), 12, 400), types(0, 400));
    check(&with_word(good(), 8, u32::MAX - 3), types(u32::MAX - 3, 28));
    check(&with_word(good(), 20, 6), strings(28, 6));
    check(&with_word(good(), 16, u32::MAX), strings(u32::MAX, 5));
    check(&with_word(good(), 16, 24), ParseError::SectionOverlap);
    check(
        &with_word(good(), 20, 0x0100_0001),
        ParseError::StringsTooLong { len_bytes: 0x0100_0001 },
    );
}

#[test]
fn faults_of_the_strings_are_named() {
    check(&blob(&[], ""), ParseError::StringsUnterminated);
    check(&blob(&[], "x\0"), ParseError::StringsUnterminated);
    check(&blob(&[], "\0x"), ParseError::StringsUnterminated);
    let mut bytes = blob(&[], "\0ab\0");
    bytes[26] = 0xff;
    check(&bytes, ParseError::StringsEncoding { offset: 2 });
}

#[test]
fn faults_of_records_are_named() {
    let id = TypeId(1);
    let one = |words: &[u32]| blob(words, "\0é\0");
    check(&one(&[0, info(Kind::Ptr, 0, false)]), ParseError::TypeTruncated { id });
    check(&one(&[0, info(Kind::Int, 0, false), 4]), ParseError::TypeTruncated { id });
    check(&one(&[0, info(Kind::Struct, 1, false), 4, 0, 0]), ParseError::TypeTruncated { id });
    check(&one(&[0, 0, 0]), ParseError::UnknownKind { id, kind: 0 });
    check(&one(&[0, 20 << 24, 0]), ParseError::UnknownKind { id, kind: 20 });
    let name = |name_offset| ParseError::NameBounds { id, name_offset };
    check(&one(&[4, info(Kind::Fwd, 0, false), 0]), name(4));
    check(&one(&[2, info(Kind::Fwd, 0, false), 0]), name(2));
    check(&one(&[0, info(Kind::FuncProto, 1, false), 0, 9, 0]), name(9));
    check(&one(&[0, info(Kind::Enum, 1, false), 4, 8, 0]), name(8));
}

#[test]
fn ids_beyond_the_last_type_are_refused_wherever_they_stand() {
    let records: [(Kind, &[u32]); 6] = [
        (Kind::Ptr, &[2]),
        (Kind::Array, &[0, 2, 1, 0]),
        (Kind::Array, &[0, 1, 2, 0]),
        (Kind::Union, &[0, 0, 2, 0]),
        (Kind::FuncProto, &[0, 0, 2]),
        (Kind::Datasec, &[0, 2, 0, 0]),
    ];
    for (kind, rest) in records {
        let vlen = u32::from(matches!(kind, Kind::Union | Kind::FuncProto | Kind::Datasec));
        let words = [&[0, info(kind, vlen, false)], rest].concat();
        check(&blob(&words, "\0"), ParseError::TypeBounds { id: TypeId(1), target: TypeId(2) });
    }
}

#[test]
fn a_split_blob_continues_ids_and_strings_of_its_base() {
    let base = Arc::new(Btf::parse(&int_and_pointer()).unwrap());
    // Strings of the base end at 5, so "mine" is at 5 and "int" still at 1.
    let words = [5, info(Kind::Typedef, 0, false), 1, 1, info(Kind::Typedef, 0, false), 3];
    let bytes = blob(&words, "mine\0");
    let split = Btf::parse_split(&bytes, &base).unwrap();
    assert_eq!(split.type_count(), 5);
    assert_eq!(split.own_ids().next(), Some(TypeId(3)));
    assert_eq!((split.name(TypeId(3)), split.name(TypeId(4))), ("mine", "int"));
    assert_eq!(split.name(TypeId(1)), "int");
    assert_eq!(split.find("int", Kind::Int), Some(TypeId(1)));
    assert_eq!(split.find("int", Kind::Typedef), Some(TypeId(4)));
    assert_eq!(split.resolve(TypeId(4)), Ok(TypeId(1)));
    assert!(Btf::parse(&bytes).is_err());

    let split = Arc::new(split);
    // Types 5 and 6: a name of its own, and one that its base has as well.
    let typedef = info(Kind::Typedef, 0, false);
    let third = [10, typedef, 4, 5, typedef, 1];
    let third = Btf::parse_split(&blob(&third, "more\0"), &split).unwrap();
    assert_eq!(third.name(TypeId(5)), "more");
    let mine: Vec<TypeId> = third.find_all("mine", Kind::Typedef).collect();
    assert_eq!(mine, [TypeId(3), TypeId(6)], "the base goes first");
    assert_eq!(third.resolve(TypeId(5)), Ok(TypeId(1)));
    assert_eq!(third.find("int", Kind::Int), Some(TypeId(1)));
}

#[test]
fn a_split_blob_may_have_no_strings() {
    let base = Arc::new(Btf::parse(&int_and_pointer()).unwrap());
    let words = [1, info(Kind::Typedef, 0, false), 1];
    assert_eq!(Btf::parse_split(&blob(&words, ""), &base).unwrap().name(TypeId(3)), "int");
    let words = [5, info(Kind::Typedef, 0, false), 1];
    assert_eq!(
        Btf::parse_split(&blob(&words, ""), &base).unwrap_err(),
        ParseError::NameBounds { id: TypeId(3), name_offset: 5 }
    );
}
