use super::{BuildError, Builder};
use crate::format::TypeId;
use crate::parse::Btf;
use crate::record::{Field, IntEncoding, Linkage, Param, Type};

#[track_caller]
fn refused(build: impl FnOnce(&mut Builder) -> TypeId, expected: &BuildError) {
    let mut builder = Builder::new();
    build(&mut builder);
    assert_eq!(builder.finish().as_ref(), Err(expected));
}

#[test]
fn what_was_written_is_read_back() {
    let mut builder = Builder::new();
    let int = builder.int("unsigned int", 4, IntEncoding::Unsigned);
    let fields = [
        Field { name: "a", type_id: int, bit_offset: 0, bit_size: 5 },
        Field { name: "b", type_id: int, bit_offset: 0x00ff_ffff, bit_size: 255 },
        Field::at_byte("c", int, 8),
    ];
    let composite = builder.structure("s", 12, &fields);
    let params = [Param { name: "s", type_id: composite }, Param { name: "", type_id: TypeId(0) }];
    let proto = builder.func_proto(int, &params);
    let func = builder.func("f", proto, Linkage::Global);
    let tag = builder.decl_tag("arg:nonnull", func, Some(0));
    let btf = Btf::parse(&builder.finish().unwrap()).unwrap();

    let Some(Type::Int(found)) = btf.get(int) else { panic!("{int} is no integer") };
    assert_eq!((found.name, found.size_bytes, found.bits), ("unsigned int", 4, 32));
    assert_eq!((found.encoding, found.bit_offset), (IntEncoding::Unsigned, 0));
    let Some(Type::Struct(found)) = btf.get(composite) else { panic!("no struct") };
    assert_eq!((found.name, found.size_bytes), ("s", 12));
    assert_eq!(found.fields().collect::<Vec<_>>(), fields);
    let Some(Type::FuncProto(found)) = btf.get(proto) else { panic!("no prototype") };
    assert_eq!(found.result, int);
    assert_eq!(found.params().collect::<Vec<_>>(), params);
    assert_eq!(btf.func("f"), Some(func));
    let expected = ("f", proto, Linkage::Global);
    assert!(matches!(btf.get(func), Some(Type::Func { name, proto, linkage })
        if (name, proto, linkage) == expected));
    assert!(
        matches!(btf.get(tag), Some(Type::DeclTag { value: "arg:nonnull", target, component: Some(0), attribute: false })
        if target == func)
    );
}

#[test]
fn a_name_is_stored_once() {
    let once = |names: &[&str]| {
        let mut builder = Builder::new();
        for name in names {
            builder.fwd(name, false);
        }
        builder.finish().unwrap().len()
    };
    assert_eq!(once(&["some_name", "some_name"]), once(&["some_name"]) + 12);
}

#[test]
fn an_id_may_be_used_before_its_type_but_not_instead_of_it() {
    let mut builder = Builder::new();
    let node = builder.next_id();
    let next = TypeId(node.0 + 1);
    assert_eq!(builder.structure("node", 8, &[Field::at_byte("next", next, 0)]), node);
    assert_eq!(builder.ptr(node), next);
    assert!(Btf::parse(&builder.finish().unwrap()).is_ok());
    let target = TypeId(2);
    refused(|builder| builder.ptr(target), &BuildError::UnknownType { target });
}

#[test]
fn names_the_kernel_refuses_are_refused() {
    let long = "x".repeat(512);
    for name in ["", "a b", "1a", "a-b", "a\0b", "é", &long] {
        let expected = BuildError::Name { id: TypeId(1), name: name.to_owned() };
        refused(|builder| builder.typedef(name, TypeId::VOID), &expected);
    }
    for value in ["", "a\0b", "a\nb"] {
        let expected = BuildError::Name { id: TypeId(1), name: value.to_owned() };
        refused(|builder| builder.type_tag(value, TypeId::VOID), &expected);
    }
}

#[test]
fn sizes_and_counts_out_of_range_are_refused() {
    let id = TypeId(1);
    refused(
        |builder| builder.int("int", 3, IntEncoding::Signed),
        &BuildError::IntSize { id, size_bytes: 3 },
    );
    let params = vec![Param { name: "", type_id: TypeId::VOID }; 65_536];
    refused(
        |builder| builder.func_proto(TypeId::VOID, &params),
        &BuildError::TooManyEntries { id, count: 65_536 },
    );
    let far = Field { name: "a", type_id: TypeId(0), bit_offset: 1 << 24, bit_size: 0 };
    let bits = Field { name: "b", type_id: TypeId(0), bit_offset: 0, bit_size: 1 };
    refused(
        |builder| builder.structure("s", 8, &[far, bits]),
        &BuildError::FieldOffset { id, bit_offset: 1 << 24 },
    );
    let mut builder = Builder::new();
    builder.structure("s", 1 << 22, &[far]);
    assert!(builder.finish().is_ok());
    let beyond = Field::at_byte("a", TypeId(0), 1 << 29);
    refused(
        |builder| builder.structure("s", 8, &[beyond]),
        &BuildError::FieldOffset { id, bit_offset: u32::MAX },
    );
}

#[test]
fn the_first_fault_is_the_one_reported() {
    refused(
        |builder| {
            builder.fwd("1", false);
            builder.fwd("2", false)
        },
        &BuildError::Name { id: TypeId(1), name: "1".to_owned() },
    );
}
