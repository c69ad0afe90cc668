//! Arguments that change nothing: objects that are not there, documents of no kind, and an unknown flag where nothing
//! else protects the host.

use virt_proto::{
    Row,
    xdr::{self, FieldShape, Shape, StructShape, Xdr},
};

/// A name that nothing has.
const NAME: &str = "virt-probe-nothing";

/// A flag that no call knows.
const UNKNOWN_FLAG: u32 = 1 << 31;

/// The arguments of a call.
pub(crate) fn harmless(row: &Row) -> Vec<u8> {
    let mut out = Vec::new();
    if let Shape::Struct(shape) = row.args.shape {
        fields(shape, !names_something(shape), &mut out);
    }
    out
}

/// Whether the call is about an object, a name or a document, none of which will be found.
fn names_something(shape: &StructShape) -> bool {
    shape.fields.iter().any(|field| matches!(field.shape, Shape::Struct(_) | Shape::String { .. }))
}

fn fields(shape: &StructShape, flag: bool, out: &mut Vec<u8>) {
    for field in shape.fields {
        match field.shape {
            Shape::UnsignedHyper if flag && field.name == "flags" => put(&u64::from(UNKNOWN_FLAG), out),
            _ if flag && field.name == "flags" => put(&UNKNOWN_FLAG, out),
            // That of a domain which does not run.
            Shape::Int if shape.name == "Domain" && field.name == "id" => put(&-1i32, out),
            form => value(field, form, out),
        }
    }
}

fn value(field: &FieldShape, shape: Shape, out: &mut Vec<u8>) {
    match shape {
        Shape::Void => {}
        Shape::Hyper | Shape::UnsignedHyper => put(&u64::from(number(field)), out),
        Shape::Double => put(&0f64, out),
        Shape::Char
        | Shape::UnsignedChar
        | Shape::UnsignedShort
        | Shape::Int
        | Shape::UnsignedInt
        | Shape::Enum(_) => put(&number(field), out),
        Shape::String { .. } => put(&text(field.name).to_owned(), out),
        Shape::FixedOpaque { length } => out.extend((0..length).map(|at| 0xa0 + at as u8)),
        // Titles, which are asked for where nothing else is, have neither.
        Shape::Optional(_) if matches!(field.name, "uri" | "key") => put(&0u32, out),
        Shape::Optional(Shape::String { .. }) => put(&Some(text(field.name).to_owned()), out),
        Shape::Optional(_) => put(&0u32, out),
        // One of what is counted, so that checks of empty lists do not answer.
        Shape::Opaque { .. } => out.extend([0, 0, 0, 1, 1, 0, 0, 0]),
        Shape::Array { item, .. } => {
            put(&1u32, out);
            value(field, *item, out);
        }
        Shape::FixedArray { item, length } => (0..length).for_each(|_| value(field, *item, out)),
        Shape::Struct(shape) => fields(shape, false, out),
        Shape::Union(_) => {
            put(&1u32, out);
            put(&1u32, out);
        }
    }
}

/// One where a size or a number of something is asked for, else zero.
fn number(field: &FieldShape) -> u32 {
    const COUNTED: &[&str] = &[
        "n", "id", "max", "size", "count", "len", "cell", "seconds", "num", "duration", "memory", "map",
        "pid", "capacity",
    ];
    let counted = field.name != "need_results"
        && (field.name.ends_with("_id") || COUNTED.iter().any(|start| field.name.starts_with(start)));
    u32::from(counted)
}

fn text(name: &str) -> &'static str {
    if name.contains("xml") {
        return "<virt-probe/>";
    }
    match name {
        // The kind of a pool.
        "kind" => "logical",
        "from" | "to" | "path" | "file" | "device" | "disk" | "source" | "base" | "top" | "target" => {
            "/nonexistent/virt-probe"
        }
        _ => NAME,
    }
}

fn put<T: Xdr>(value: &T, out: &mut Vec<u8>) {
    out.extend(xdr::encode(value).expect("short values have a form"));
}
