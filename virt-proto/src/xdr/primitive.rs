//! Numbers, text, optional values, identifiers and typed parameters.

use virt_types::{TypedParam, TypedValue, Uuid};

use super::{
    DecodeError, Decoder, EncodeError, FieldShape, Item, STRING_MAX, Shape, StructShape, UnionShape, Xdr,
};

/// Numbers that are written as they are.
macro_rules! number {
    ($($type:ty: $shape:ident),+) => {$(
        impl Xdr for $type {
            const SHAPE: Shape = Shape::$shape;
            const MIN: usize = size_of::<Self>();

            fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
                out.extend_from_slice(&self.to_be_bytes());
                Ok(())
            }

            fn decode(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError> {
                decoder.array().map(Self::from_be_bytes)
            }
        }

        impl Item for $type {}
    )+};
}

number!(i32: Int, u32: UnsignedInt, i64: Hyper, u64: UnsignedHyper, f64: Double);

/// Numbers that take a word, of which the rest is ignored.
macro_rules! narrow {
    ($($type:ty: $shape:ident as $wide:ty),+) => {$(
        impl Xdr for $type {
            const SHAPE: Shape = Shape::$shape;
            const MIN: usize = 4;

            fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
                <$wide>::from(*self).encode(out)
            }

            fn decode(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError> {
                Ok(decoder.word()? as Self)
            }
        }
    )+};
}

narrow!(i8: Char as i32, u8: UnsignedChar as u32, u16: UnsignedShort as u32);

impl Xdr for () {
    const SHAPE: Shape = Shape::Void;
    const MIN: usize = 0;

    fn encode(&self, _: &mut Vec<u8>) -> Result<(), EncodeError> {
        Ok(())
    }

    fn decode(_: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        Ok(())
    }
}

impl<T: Xdr> Xdr for Option<T> {
    const SHAPE: Shape = Shape::Optional(&T::SHAPE);
    const MIN: usize = 4;

    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        u32::from(self.is_some()).encode(out)?;
        self.as_ref().map_or(Ok(()), |value| value.encode(out))
    }

    fn decode(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        if decoder.word()? == 0 { Ok(None) } else { T::decode(decoder).map(Some) }
    }
}

/// Text of at most [`STRING_MAX`] bytes.
impl Xdr for String {
    const SHAPE: Shape = Shape::String { max: STRING_MAX };
    const MIN: usize = 4;

    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        super::sequence::encode_bytes(self.as_bytes(), STRING_MAX, "bytes", out)
    }

    fn decode(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let length = decoder.length(STRING_MAX, 1)?;
        let bytes = decoder.padded(length)?;
        decoder.text(bytes)
    }
}

impl Item for String {}

/// Sixteen bytes, in the order in which they are written.
impl Xdr for Uuid {
    const SHAPE: Shape = Shape::FixedOpaque { length: 16 };
    const MIN: usize = 16;

    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.extend_from_slice(self.as_bytes());
        Ok(())
    }

    fn decode(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        decoder.array().map(Self::from_bytes)
    }
}

/// The case by the type's number, then the value; a boolean is an `int`.
impl Xdr for TypedValue {
    const SHAPE: Shape = Shape::Union(&UnionShape {
        name: "TypedValue",
        cases: &[
            (1, "i", Shape::Int),
            (2, "ui", Shape::UnsignedInt),
            (3, "l", Shape::Hyper),
            (4, "ul", Shape::UnsignedHyper),
            (5, "d", Shape::Double),
            (6, "b", Shape::Int),
            (7, "s", String::SHAPE),
        ],
    });
    const MIN: usize = 8;

    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.type_number().encode(out)?;
        match self {
            Self::Int(value) => value.encode(out),
            Self::UInt(value) => value.encode(out),
            Self::LLong(value) => value.encode(out),
            Self::ULLong(value) => value.encode(out),
            Self::Double(value) => value.encode(out),
            Self::Boolean(value) => i32::from(*value).encode(out),
            Self::String(value) => value.encode(out),
        }
    }

    fn decode(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        Ok(match i32::decode(decoder)? {
            1 => Self::Int(Xdr::decode(decoder)?),
            2 => Self::UInt(Xdr::decode(decoder)?),
            3 => Self::LLong(Xdr::decode(decoder)?),
            4 => Self::ULLong(Xdr::decode(decoder)?),
            5 => Self::Double(Xdr::decode(decoder)?),
            6 => Self::Boolean(decoder.word()? != 0),
            7 => Self::String(Xdr::decode(decoder)?),
            case => return Err(DecodeError::UnknownCase { case }),
        })
    }
}

/// The field's name, then the value.
impl Xdr for TypedParam {
    const SHAPE: Shape = Shape::Struct(&StructShape {
        name: "TypedParam",
        fields: &[
            FieldShape { name: "field", shape: String::SHAPE, limit: None },
            FieldShape { name: "value", shape: TypedValue::SHAPE, limit: None },
        ],
    });
    const MIN: usize = String::MIN + TypedValue::MIN;

    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.field.encode(out)?;
        self.value.encode(out)
    }

    fn decode(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        Ok(Self { field: Xdr::decode(decoder)?, value: Xdr::decode(decoder)? })
    }
}

impl Item for TypedParam {}
