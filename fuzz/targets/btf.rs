//! Type information: any blob is refused or sound, alone and as the continuation of another, so that
//! every question about every type of it has an answer or a reason.

#![no_main]

use std::sync::{Arc, OnceLock};

use libfuzzer_sys::fuzz_target;
use netloom_btf::{Btf, Builder, Field, IntEncoding, LookupError, Type, TypeId};

/// Types that are looked at one by one; a blob may claim many.
const TYPES_MAX: usize = 500;

fuzz_target!(|bytes: &[u8]| {
    let blobs = [Btf::parse(bytes), Btf::parse_split(bytes, base())];
    for btf in blobs.iter().flatten() {
        let ids: Vec<TypeId> = btf.own_ids().take(TYPES_MAX).collect();
        ids.iter().for_each(|id| check_type(btf, *id));
        assert!(btf.get(TypeId(btf.type_count())).is_none());
    }
});

fn base() -> &'static Arc<Btf> {
    static BASE: OnceLock<Arc<Btf>> = OnceLock::new();
    BASE.get_or_init(|| {
        let mut builder = Builder::new();
        let int = builder.int("int", 4, IntEncoding::Signed);
        builder.structure("pair", 8, &[Field::at_byte("a", int, 0), Field::at_byte("b", int, 4)]);
        let blob = builder.finish().expect("two types fit");
        Arc::new(Btf::parse(&blob).expect("what was built is sound"))
    })
}

fn check_type(btf: &Btf, id: TypeId) {
    let found = btf.get(id).expect("one of its own types");
    let kind = btf.kind(id).expect("one of its own types");
    let name = btf.name(id);
    if name.is_empty() {
        assert_eq!(btf.find(name, kind), None);
    } else {
        let first = btf.find(name, kind).expect("it is found by its name");
        assert!(first <= id && btf.find_all(name, kind).any(|other| other == id));
    }
    match btf.resolve(id) {
        Ok(target) => assert_eq!(btf.resolve(target), Ok(target)),
        Err(error) => assert!(matches!(error, LookupError::TooDeep { .. }), "{error}"),
    }
    if let Err(error) = btf.size_of(id) {
        assert!(!error.to_string().is_empty());
    }
    match found {
        Type::Struct(composite) | Type::Union(composite) => {
            for field in composite.fields() {
                assert!(field.type_id.0 < btf.type_count());
                check_member(btf, id, &field);
            }
        }
        Type::Enum(found) => assert!(found.enumerators().len() <= usize::from(u16::MAX)),
        Type::FuncProto(proto) => {
            assert!(proto.params().all(|param| param.type_id.0 < btf.type_count()));
        }
        Type::Datasec(section) => {
            assert!(section.entries().all(|entry| entry.type_id.0 < btf.type_count()));
        }
        other => assert!(!format!("{other:?}").is_empty()),
    }
}

/// A direct member is found by its name, at its own place or that of an earlier one of that name.
fn check_member(btf: &Btf, composite: TypeId, field: &Field<'_>) {
    if field.name.is_empty() {
        return;
    }
    match btf.struct_member(composite, field.name) {
        Ok(member) => assert!(member.type_id.0 < btf.type_count()),
        Err(LookupError::TooLarge { .. } | LookupError::TooDeep { .. }) => {}
        Err(error) => panic!("{}: {error}", field.name),
    }
    if let Err(error) = btf.member_path(composite, &format!("{0}.{0}", field.name)) {
        assert!(!error.to_string().is_empty());
    }
}
