//! The form of a type on the wire, as data.

use std::fmt;

/// The form of a type on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Nothing.
    Void,
    /// Four bytes, of which the last counts, signed (`char`).
    Char,
    /// Four bytes, of which the last counts (`unsigned char`).
    UnsignedChar,
    /// Four bytes, of which the last two count (`unsigned short`).
    UnsignedShort,
    /// Four bytes, signed (`int`).
    Int,
    /// Four bytes (`unsigned int`).
    UnsignedInt,
    /// Eight bytes, signed (`hyper`).
    Hyper,
    /// Eight bytes (`unsigned hyper`).
    UnsignedHyper,
    /// Eight bytes, IEEE 754 (`double`).
    Double,
    /// A length word, text without a NUL, padding.
    String {
        /// The most bytes of text.
        max: u32,
    },
    /// A length word, bytes, padding.
    Opaque {
        /// The most bytes.
        max: u32,
    },
    /// That many bytes, padding.
    FixedOpaque {
        /// How many.
        length: u32,
    },
    /// A word that says whether a value follows, and the value.
    Optional(&'static Self),
    /// A count, and the items.
    Array {
        /// An item.
        item: &'static Self,
        /// The most items.
        max: u32,
    },
    /// That many items.
    FixedArray {
        /// An item.
        item: &'static Self,
        /// How many.
        length: u32,
    },
    /// Fields in order.
    Struct(&'static StructShape),
    /// A signed word with known values.
    Enum(&'static EnumShape),
    /// A signed word that says what follows.
    Union(&'static UnionShape),
}

/// The form of a structure.
#[derive(Debug, PartialEq, Eq)]
pub struct StructShape {
    /// The type's name here.
    pub name: &'static str,
    /// Its fields, in order.
    pub fields: &'static [FieldShape],
}

/// The form of a field.
#[derive(Debug, PartialEq, Eq)]
pub struct FieldShape {
    /// The field's name here.
    pub name: &'static str,
    /// Its form.
    pub shape: Shape,
    /// The constant that limits it, if there is one.
    pub limit: Option<&'static str>,
}

/// The form of an enumeration.
#[derive(Debug, PartialEq, Eq)]
pub struct EnumShape {
    /// The type's name here.
    pub name: &'static str,
    /// Its values.
    pub values: &'static [(&'static str, i32)],
}

/// The form of a union.
#[derive(Debug, PartialEq, Eq)]
pub struct UnionShape {
    /// The type's name here.
    pub name: &'static str,
    /// Its cases: discriminant, name, form.
    pub cases: &'static [(i32, &'static str, Shape)],
}

/// The form in the words of XDR: `Domain?` is optional, `Domain<16384>` a list of at most so many.
impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Void => f.write_str("void"),
            Self::Char => f.write_str("char"),
            Self::UnsignedChar => f.write_str("unsigned char"),
            Self::UnsignedShort => f.write_str("unsigned short"),
            Self::Int => f.write_str("int"),
            Self::UnsignedInt => f.write_str("unsigned int"),
            Self::Hyper => f.write_str("hyper"),
            Self::UnsignedHyper => f.write_str("unsigned hyper"),
            Self::Double => f.write_str("double"),
            // All strings have the same limit.
            Self::String { .. } => f.write_str("string"),
            Self::Opaque { max } => write!(f, "opaque<{max}>"),
            Self::FixedOpaque { length } => write!(f, "opaque[{length}]"),
            Self::Optional(shape) => write!(f, "{shape}?"),
            Self::Array { item, max } => write!(f, "{item}<{max}>"),
            Self::FixedArray { item, length } => write!(f, "{item}[{length}]"),
            Self::Struct(shape) => f.write_str(shape.name),
            Self::Enum(shape) => f.write_str(shape.name),
            Self::Union(shape) => f.write_str(shape.name),
        }
    }
}
