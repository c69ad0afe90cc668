//! Typed parameters: named values of the kinds that libvirt's API carries (`virTypedParameter`).

/// A value of a typed parameter, with libvirt's type numbers.
#[derive(Debug, Clone, PartialEq)]
pub enum TypedValue {
    /// Type 1.
    Int(i32),
    /// Type 2.
    UInt(u32),
    /// Type 3.
    LLong(i64),
    /// Type 4.
    ULLong(u64),
    /// Type 5.
    Double(f64),
    /// Type 6.
    Boolean(bool),
    /// Type 7.
    String(String),
}

impl TypedValue {
    /// The type's number on the wire (`virTypedParameterType`).
    #[must_use]
    pub const fn type_number(&self) -> i32 {
        match self {
            Self::Int(_) => 1,
            Self::UInt(_) => 2,
            Self::LLong(_) => 3,
            Self::ULLong(_) => 4,
            Self::Double(_) => 5,
            Self::Boolean(_) => 6,
            Self::String(_) => 7,
        }
    }
}

macro_rules! from_value {
    ($($from:ty => $variant:ident),+) => {
        $(impl From<$from> for TypedValue { fn from(value: $from) -> Self { Self::$variant(value) } })+
    };
}
from_value!(i32 => Int, u32 => UInt, i64 => LLong, u64 => ULLong, f64 => Double, bool => Boolean, String => String);

/// A named value; names are at most 79 bytes on the wire.
#[derive(Debug, Clone, PartialEq)]
pub struct TypedParam {
    /// The field, such as `balloon.current`.
    pub field: String,
    /// Its value.
    pub value: TypedValue,
}

/// An ordered list of typed parameters.
///
/// ```
/// use virt_types::{TypedParams, TypedValue};
/// let mut params = TypedParams::new();
/// params.push("vcpu.current", 4u32);
/// assert_eq!(params.get("vcpu.current"), Some(&TypedValue::UInt(4)));
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TypedParams(pub Vec<TypedParam>);

impl TypedParams {
    /// An empty list.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Appends a value.
    pub fn push(&mut self, field: impl Into<String>, value: impl Into<TypedValue>) {
        self.0.push(TypedParam { field: field.into(), value: value.into() });
    }

    /// The first value of this field.
    #[must_use]
    pub fn get(&self, field: &str) -> Option<&TypedValue> {
        self.0.iter().find(|param| param.field == field).map(|param| &param.value)
    }
}
