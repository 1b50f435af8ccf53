//! Types as `bpftool btf dump … format raw` prints them, so that its output can be compared.

use netloom_btf::{Btf, Composite, Int, IntEncoding, Linkage, Type, TypeId};

/// Every own type of the blob, one line for it and one for each of its entries.
pub(crate) fn print(btf: &Btf) -> String {
    let mut out = String::new();
    for id in btf.own_ids() {
        let found = btf.get(id).expect("own ids exist");
        out.push_str(&format!("{id} {}", print_type(btf, id, found)));
    }
    out
}

fn print_type(btf: &Btf, id: TypeId, found: Type<'_>) -> String {
    let kind = btf.kind(id).expect("own ids exist");
    let rest = match found {
        Type::Void => String::new(),
        Type::Int(int) => print_int(int),
        Type::Ptr { target }
        | Type::Typedef { target, .. }
        | Type::Volatile { target }
        | Type::Const { target }
        | Type::Restrict { target }
        | Type::TypeTag { target, .. } => format!("type_id={}", target.0),
        Type::Array { element, index, len } => {
            format!("type_id={} index_type_id={} nr_elems={len}", element.0, index.0)
        }
        Type::Struct(composite) | Type::Union(composite) => print_composite(composite),
        Type::Enum(found) => {
            let encoding = if found.signed { "SIGNED" } else { "UNSIGNED" };
            let suffix = match (kind.name(), found.signed) {
                ("ENUM64", true) => "LL",
                ("ENUM64", false) => "ULL",
                _ => "",
            };
            let values: String = found
                .enumerators()
                .map(|one| format!("\n\t'{}' val={}{suffix}", name(one.name), one.value))
                .collect();
            let count = found.enumerators().len();
            format!("encoding={encoding} size={} vlen={count}{values}", found.size_bytes)
        }
        Type::Fwd { union, .. } => {
            format!("fwd_kind={}", if union { "union" } else { "struct" })
        }
        Type::Func { proto, linkage, .. } => {
            format!("type_id={} linkage={}", proto.0, linkage_name(linkage))
        }
        Type::FuncProto(proto) => {
            let params: String = proto
                .params()
                .map(|param| format!("\n\t'{}' type_id={}", name(param.name), param.type_id.0))
                .collect();
            format!("ret_type_id={} vlen={}{params}", proto.result.0, proto.params().len())
        }
        Type::Var { target, linkage, .. } => {
            format!("type_id={}, linkage={}", target.0, linkage_name(linkage))
        }
        Type::Datasec(section) => {
            let entries: String = section
                .entries()
                .map(|entry| {
                    let (id, offset, size) = (entry.type_id, entry.offset_bytes, entry.size_bytes);
                    let variable = name(btf.name(id));
                    format!("\n\ttype_id={} offset={offset} size={size} (VAR '{variable}')", id.0)
                })
                .collect();
            format!("size={} vlen={}{entries}", section.size_bytes, section.entries().len())
        }
        Type::Float { size_bytes, .. } => format!("size={size_bytes}"),
        Type::DeclTag { target, component, .. } => {
            let component = component.map_or("-1".to_owned(), |component| component.to_string());
            format!("type_id={} component_idx={component}", target.0)
        }
    };
    format!("{kind} '{}' {rest}\n", name(btf.name(id)))
}

fn print_int(int: Int<'_>) -> String {
    let encoding = match int.encoding {
        IntEncoding::Unsigned => "(none)",
        IntEncoding::Signed => "SIGNED",
        IntEncoding::Char => "CHAR",
        IntEncoding::Bool => "BOOL",
        IntEncoding::Other(_) => "UNKN",
    };
    format!(
        "size={} bits_offset={} nr_bits={} encoding={encoding}",
        int.size_bytes, int.bit_offset, int.bits
    )
}

fn print_composite(composite: Composite<'_>) -> String {
    let fields: String = composite
        .fields()
        .map(|field| {
            let width = match field.bit_size {
                0 => String::new(),
                bits => format!(" bitfield_size={bits}"),
            };
            let (name, id) = (name(field.name), field.type_id.0);
            format!("\n\t'{name}' type_id={id} bits_offset={}{width}", field.bit_offset)
        })
        .collect();
    format!("size={} vlen={}{fields}", composite.size_bytes, composite.fields().len())
}

fn name(name: &str) -> &str {
    if name.is_empty() { "(anon)" } else { name }
}

fn linkage_name(linkage: Linkage) -> &'static str {
    match linkage {
        Linkage::Static => "static",
        Linkage::Global => "global",
        Linkage::Extern => "extern",
        Linkage::Other(_) => "(unknown)",
    }
}
