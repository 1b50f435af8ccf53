use super::{LookupError, Member};
use crate::builder::Builder;
use crate::format::{Kind, TypeId};
use crate::parse::Btf;
use crate::parse::tests::{blob, info};
use crate::record::{Field, IntEncoding, Param};

fn read(builder: Builder) -> Btf {
    Btf::parse(&builder.finish().unwrap()).unwrap()
}

fn int(builder: &mut Builder) -> TypeId {
    builder.int("int", 4, IntEncoding::Signed)
}

fn at(type_id: TypeId, bit_offset: u32) -> Result<Member, LookupError> {
    Ok(Member { type_id, bit_offset, bit_size: 0 })
}

/// ```c
/// struct outer { int a; union { struct { int b, c; }; int d; }; const named_t n; };
/// typedef struct { int a; } named_t;
/// ```
fn nested() -> (Btf, TypeId, TypeId) {
    let mut builder = Builder::new();
    let int = int(&mut builder);
    let inner = [Field::at_byte("b", int, 0), Field::at_byte("c", int, 4)];
    let inner = builder.structure("", 8, &inner);
    let either = [Field::at_byte("", inner, 0), Field::at_byte("d", int, 0)];
    let either = builder.union("", 8, &either);
    let named = builder.structure("", 4, &[Field::at_byte("a", int, 0)]);
    let named = builder.typedef("named_t", named);
    let named = builder.constant(named);
    let fields = [
        Field::at_byte("a", int, 0),
        Field::at_byte("", either, 4),
        Field::at_byte("n", named, 12),
    ];
    let outer = builder.structure("outer", 16, &fields);
    (read(builder), outer, int)
}

#[test]
fn members_of_anonymous_parts_are_members() {
    let (btf, outer, int) = nested();
    assert_eq!(btf.struct_member(outer, "a"), at(int, 0));
    assert_eq!(btf.struct_member(outer, "b"), at(int, 32));
    assert_eq!(btf.struct_member(outer, "c"), at(int, 64));
    assert_eq!(btf.struct_member(outer, "d"), at(int, 32));
    assert_eq!(btf.struct_member(outer, "c").unwrap().byte_offset(), Some(8));
}

#[test]
fn paths_add_offsets_through_typedefs_and_qualifiers() {
    let (btf, outer, int) = nested();
    assert_eq!(btf.member_path(outer, "n.a"), at(int, 96));
    let no = |field: &str, id| Err(LookupError::NoMember { id, field: field.to_owned() });
    assert_eq!(
        btf.member_path(outer, "n.b"),
        no("b", btf.struct_member(outer, "n").unwrap().type_id)
    );
    assert_eq!(btf.struct_member(outer, ""), no("", outer));
    assert_eq!(btf.member_path(outer, ""), no("", outer));
    assert_eq!(
        btf.member_path(outer, "a.b"),
        Err(LookupError::NotComposite { id: int, kind: Kind::Int })
    );
    assert_eq!(btf.struct_member(TypeId(99), "a"), Err(LookupError::NoType { id: TypeId(99) }));
}

#[test]
fn bit_fields_have_no_byte_offset() {
    let mut builder = Builder::new();
    let int = int(&mut builder);
    let inner = [
        Field { name: "low", type_id: int, bit_offset: 0, bit_size: 3 },
        Field { name: "high", type_id: int, bit_offset: 8, bit_size: 8 },
        Field::at_byte("word", int, 4),
    ];
    let inner = builder.structure("inner", 8, &inner);
    let outer = builder.structure("outer", 12, &[Field::at_byte("", inner, 4)]);
    let btf = read(builder);
    let found = btf.struct_member(outer, "high").unwrap();
    assert_eq!(found, Member { type_id: int, bit_offset: 40, bit_size: 8 });
    assert_eq!(found.byte_offset(), None);
    assert_eq!(btf.struct_member(outer, "word").unwrap().byte_offset(), Some(8));
}

#[test]
fn bit_fields_of_old_compilers_are_found_in_their_integer() {
    let int = [1, info(Kind::Int, 0, false), 4, 5 << 16 | 3];
    let composite = [1, info(Kind::Struct, 1, false), 4, 1, 1, 8];
    let btf = Btf::parse(&blob(&[&int[..], &composite].concat(), "\0x\0")).unwrap();
    assert_eq!(
        btf.struct_member(TypeId(2), "x"),
        Ok(Member { type_id: TypeId(1), bit_offset: 13, bit_size: 3 })
    );
}

#[test]
fn sizes_follow_c() {
    let mut builder = Builder::new();
    let int = int(&mut builder);
    let row = builder.array(int, int, 3);
    let grid = builder.array(row, int, 5);
    let grid = builder.typedef("grid_t", grid);
    let pointer = builder.ptr(grid);
    let composite = builder.structure("s", 24, &[]);
    let none = builder.array(composite, int, 0);
    let proto = builder.func_proto(TypeId::VOID, &[Param { name: "x", type_id: int }]);
    let btf = read(builder);
    let sizes = [(int, 4), (row, 12), (grid, 60), (pointer, 8), (composite, 24), (none, 0)];
    for (id, size) in sizes {
        assert_eq!(btf.size_of(id), Ok(size), "{id}");
    }
    let no_size = |id, kind| Err(LookupError::NoSize { id, kind });
    assert_eq!(btf.size_of(proto), no_size(proto, Kind::FuncProto));
    assert_eq!(btf.size_of(TypeId::VOID), no_size(TypeId::VOID, Kind::Void));
}

#[test]
fn pointers_are_as_wide_as_long() {
    let mut builder = Builder::new();
    let long = builder.int("long int", 4, IntEncoding::Signed);
    let pointer = builder.ptr(long);
    assert_eq!(read(builder).size_of(pointer), Ok(4));
}

#[test]
fn the_lowest_id_of_a_name_is_found() {
    let mut builder = Builder::new();
    let union = builder.union("twin", 0, &[]);
    let first = builder.structure("twin", 1, &[]);
    let second = builder.structure("twin", 2, &[]);
    builder.structure("", 3, &[]);
    let btf = read(builder);
    assert_eq!(btf.find("twin", Kind::Struct), Some(first));
    assert_eq!(btf.find("twin", Kind::Union), Some(union));
    assert_eq!(btf.find_all("twin", Kind::Struct).collect::<Vec<_>>(), [first, second]);
    assert_eq!(btf.find("", Kind::Struct), None);
    assert_eq!(btf.find("twi", Kind::Struct), None);
    assert_eq!(btf.find("twin", Kind::Func), None);
}

#[test]
fn chains_that_loop_are_an_error() {
    let mut builder = Builder::new();
    let loops = builder.typedef("loops", TypeId(2));
    builder.constant(loops);
    let array = builder.next_id();
    builder.array(array, array, 2);
    let holder = builder.structure("holder", 4, &[Field::at_byte("", loops, 0)]);
    let btf = read(builder);
    assert_eq!(btf.resolve(loops), Err(LookupError::TooDeep { id: loops }));
    assert_eq!(btf.size_of(loops), Err(LookupError::TooDeep { id: loops }));
    assert_eq!(btf.size_of(array), Err(LookupError::TooDeep { id: array }));
    assert_eq!(btf.struct_member(holder, "x"), Err(LookupError::TooDeep { id: loops }));
}

#[test]
fn a_struct_inside_itself_is_searched_once() {
    let mut builder = Builder::new();
    let own = builder.next_id();
    builder.structure("own", 4, &[Field::at_byte("", own, 0), Field::at_byte("", own, 4)]);
    let btf = read(builder);
    let expected = LookupError::NoMember { id: own, field: "x".to_owned() };
    assert_eq!(btf.struct_member(own, "x"), Err(expected));
}

/// Without the memory of searched types this walk would take 2¹⁰⁰ steps.
#[test]
fn a_fan_of_anonymous_structs_is_searched_in_linear_time() {
    let mut builder = Builder::new();
    let mut below = int(&mut builder);
    for _ in 0..100 {
        let fields = [Field::at_byte("", below, 0), Field::at_byte("", below, 0)];
        below = builder.structure("", 4, &fields);
    }
    assert!(matches!(read(builder).struct_member(below, "x"), Err(LookupError::NoMember { .. })));
}

#[test]
fn sums_and_products_that_overflow_are_errors() {
    let mut builder = Builder::new();
    let mut array = int(&mut builder);
    for _ in 0..3 {
        array = builder.array(array, TypeId(1), u32::MAX);
    }
    let far = |name, type_id| Field { name, type_id, bit_offset: 0xffff_fff8, bit_size: 0 };
    let inner = builder.structure("inner", 8, &[far("x", TypeId(1))]);
    let outer = builder.structure("outer", 8, &[far("", inner), far("named", inner)]);
    let btf = read(builder);
    assert_eq!(btf.size_of(array), Err(LookupError::TooLarge { id: array }));
    assert_eq!(btf.struct_member(outer, "x"), Err(LookupError::TooLarge { id: outer }));
    assert_eq!(btf.member_path(outer, "named.x"), Err(LookupError::TooLarge { id: outer }));
}
