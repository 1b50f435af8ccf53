//! Bytes that nobody meant as BTF, or that somebody bent: reading them never panics or hangs.

use std::sync::Arc;

use arbtest::arbitrary::{Result, Unstructured};
use netloom_btf::{Btf, Builder, Field, IntEncoding, Kind, Linkage, Param, Type, TypeId};

/// One type of each kind that the builder writes, some of them looping.
fn seed() -> Vec<u8> {
    let mut builder = Builder::new();
    let int = builder.int("int", 4, IntEncoding::Signed);
    let pointer = builder.ptr(TypeId(3));
    let fields = [
        Field::at_byte("next", pointer, 0),
        Field { name: "bits", type_id: int, bit_offset: 64, bit_size: 3 },
        Field::at_byte("", TypeId(4), 12),
    ];
    let node = builder.structure("node", 20, &fields);
    builder.union("", 8, &[Field::at_byte("a", int, 0), Field::at_byte("b", TypeId(5), 0)]);
    builder.array(int, int, 2);
    let constant = builder.constant(node);
    let name = builder.typedef("node_t", constant);
    builder.fwd("other", true);
    let proto = builder.func_proto(int, &[Param { name: "node", type_id: name }]);
    let func = builder.func("walk", proto, Linkage::Global);
    builder.decl_tag("arg:nonnull", func, Some(0));
    builder.type_tag("rcu", node);
    builder.finish().expect("the seed is sound")
}

/// Asks everything that can be asked of every type; the result keeps the walk from being dropped.
fn walk(btf: &Btf) -> usize {
    (0..=btf.type_count()).map(TypeId).map(|id| walk_type(btf, id)).sum()
}

fn walk_type(btf: &Btf, id: TypeId) -> usize {
    let listed = match btf.get(id) {
        None => 0,
        Some(Type::Struct(found) | Type::Union(found)) => {
            found.fields().map(|field| field.name.len()).sum()
        }
        Some(Type::Enum(found)) => found.enumerators().map(|one| one.name.len()).sum(),
        Some(Type::FuncProto(found)) => found.params().map(|param| param.name.len()).sum(),
        Some(Type::Datasec(found)) => found.entries().count(),
        Some(found) => format!("{found:?}").len(),
    };
    let resolved = usize::from(btf.resolve(id).is_ok()) + usize::from(btf.size_of(id).is_ok());
    let members = usize::from(btf.struct_member(id, "b").is_ok())
        + usize::from(btf.member_path(id, "bits.nothing").is_ok());
    let named = btf.kind(id).and_then(|kind| btf.find(btf.name(id), kind)).is_some();
    listed + resolved + members + usize::from(named)
}

/// Overwrites, removes or repeats a few bytes; most of the time whole words, so that the result is
/// often sound enough to be read.
fn mutate(u: &mut Unstructured<'_>, bytes: &mut Vec<u8>) -> Result<()> {
    for _ in 0..u.int_in_range(1..=6)? {
        if bytes.len() < 8 {
            return Ok(());
        }
        let at = u.int_in_range(0..=bytes.len() - 4)?;
        match u.int_in_range(0..=9)? {
            0 => bytes.truncate(at),
            1 => bytes.extend_from_within(at..),
            2 => bytes[at] = u.arbitrary()?,
            3 => {
                let word: u32 = u.arbitrary()?;
                bytes[at & !3..][..4].copy_from_slice(&word.to_ne_bytes());
            }
            4 => {
                let kind: u32 = u.int_in_range(0..=20)?;
                let vlen: u32 = u.int_in_range(0..=4)?;
                let word = kind << 24 | vlen | u32::from(u.arbitrary::<bool>()?) << 31;
                bytes[at & !3..][..4].copy_from_slice(&word.to_ne_bytes());
            }
            _ => {
                let word: u32 = u.int_in_range(0..=16)?;
                bytes[at & !3..][..4].copy_from_slice(&word.to_ne_bytes());
            }
        }
    }
    Ok(())
}

#[test]
fn bent_blobs_never_panic() {
    let seed = seed();
    let base = Arc::new(Btf::parse(&seed).expect("the seed is sound"));
    let mut read = 0;
    arbtest::arbtest(|u| {
        let mut bytes = seed.clone();
        mutate(u, &mut bytes)?;
        for btf in [Btf::parse(&bytes), Btf::parse_split(&bytes, &base)].into_iter().flatten() {
            assert!(btf.find("", Kind::Struct).is_none());
            walk(&btf);
            read += 1;
        }
        Ok(())
    })
    .budget_ms(3_000);
    // Mutations that the parser always refuses would leave the look-ups untested.
    assert!(read > 100, "only {read} bent blobs were readable");
}

#[test]
fn arbitrary_bytes_never_panic() {
    arbtest::arbtest(|u| {
        let mut bytes = seed()[..24].to_vec();
        bytes.extend(u.bytes(u.len().min(400))?);
        if let Ok(btf) = Btf::parse(&bytes) {
            walk(&btf);
        }
        if let Ok(btf) = Btf::parse(&bytes[24..]) {
            walk(&btf);
        }
        Ok(())
    })
    .budget_ms(1_000);
}

#[test]
fn every_prefix_of_a_blob_is_refused() {
    let seed = seed();
    for len in 0..seed.len() {
        assert!(Btf::parse(&seed[..len]).is_err(), "{len} bytes");
    }
}

#[test]
fn the_kernels_own_blob_bent_never_panics() {
    let Ok(vmlinux) = std::fs::read("/sys/kernel/btf/vmlinux") else {
        println!("skipped: /sys/kernel/btf/vmlinux cannot be read");
        return;
    };
    arbtest::arbtest(|u| {
        let mut bytes = vmlinux.clone();
        let types_end = bytes.len() / 2;
        for _ in 0..3 {
            let at = u.int_in_range(24..=types_end)? & !3;
            let word: u32 = u.int_in_range(0..=100_000)?;
            bytes[at..][..4].copy_from_slice(&word.to_ne_bytes());
        }
        if let Ok(btf) = Btf::parse(&bytes) {
            walk(&btf);
        }
        Ok(())
    })
    .budget_ms(4_000);
}
