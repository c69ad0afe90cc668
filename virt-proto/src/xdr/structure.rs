//! Declarations of structures and enumerations.

/// Declares a structure of the protocol. A field is `name: Type`, or `name: List[LIMIT]` for one that is [`Limited`].
///
/// [`Limited`]: super::Limited
macro_rules! xdr_struct {
    ($(
        $(#[$meta:meta])*
        $name:ident { $($(#[$field_meta:meta])* $field:ident: $type:ty $([$max:ident])?),* $(,)? }
    )+) => {$(
        $(#[$meta])*
        // The names of most fields say what libvirt's API documents for the parameter of that name.
        #[allow(missing_docs)]
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name { $($(#[$field_meta])* pub $field: $type,)* }

        impl $crate::xdr::Xdr for $name {
            const SHAPE: $crate::xdr::Shape = $crate::xdr::Shape::Struct(&$crate::xdr::StructShape {
                name: stringify!($name),
                fields: &[$($crate::xdr::structure::field_shape!($field, $type $(, $max)?),)*],
            });
            const MIN: usize = 0 $(+ $crate::xdr::structure::field_min!($type $(, $max)?))*;

            fn encode(&self, _out: &mut Vec<u8>) -> Result<(), $crate::xdr::EncodeError> {
                $($crate::xdr::structure::field_encode!(self.$field, $field, $type, _out $(, $max)?);)*
                Ok(())
            }

            fn decode(_decoder: &mut $crate::xdr::Decoder<'_>) -> Result<Self, $crate::xdr::DecodeError> {
                Ok(Self { $($field: $crate::xdr::structure::field_decode!($type, _decoder $(, $max)?),)* })
            }
        }

        impl $crate::xdr::Item for $name {}
    )+};
}

macro_rules! field_shape {
    ($field:ident, $type:ty) => {
        $crate::xdr::FieldShape {
            name: stringify!($field),
            shape: <$type as $crate::xdr::Xdr>::SHAPE,
            limit: None,
        }
    };
    ($field:ident, $type:ty, $max:ident) => {
        $crate::xdr::FieldShape {
            name: stringify!($field),
            shape: <$type as $crate::xdr::Limited<$max>>::SHAPE,
            limit: Some(stringify!($max)),
        }
    };
}

macro_rules! field_min {
    ($type:ty) => {
        <$type as $crate::xdr::Xdr>::MIN
    };
    ($type:ty, $max:ident) => {
        4
    };
}

macro_rules! field_encode {
    ($value:expr, $field:ident, $type:ty, $out:ident) => {
        $crate::xdr::Xdr::encode(&$value, $out)?
    };
    ($value:expr, $field:ident, $type:ty, $out:ident, $max:ident) => {
        <$type as $crate::xdr::Limited<$max>>::encode(&$value, stringify!($field), $out)?
    };
}

macro_rules! field_decode {
    ($type:ty, $decoder:ident) => {
        <$type as $crate::xdr::Xdr>::decode($decoder)?
    };
    ($type:ty, $decoder:ident, $max:ident) => {
        <$type as $crate::xdr::Limited<$max>>::decode($decoder)?
    };
}

/// Declares an enumeration of the protocol; numbers that have no name are kept.
macro_rules! xdr_enum {
    ($(#[$meta:meta])* $name:ident { $($(#[$value_meta:meta])* $value:ident = $number:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$value_meta])* $value,)+
            /// A number that has no name here.
            Other(i32),
        }

        impl $name {
            /// The number on the wire.
            #[must_use]
            pub const fn number(self) -> i32 {
                match self { $(Self::$value => $number,)+ Self::Other(number) => number }
            }

            /// The value with this number.
            #[must_use]
            pub const fn from_number(number: i32) -> Self {
                match number { $($number => Self::$value,)+ other => Self::Other(other) }
            }
        }

        impl $crate::xdr::Xdr for $name {
            const SHAPE: $crate::xdr::Shape = $crate::xdr::Shape::Enum(&$crate::xdr::EnumShape {
                name: stringify!($name),
                values: &[$((stringify!($value), $number),)+],
            });
            const MIN: usize = 4;

            fn encode(&self, out: &mut Vec<u8>) -> Result<(), $crate::xdr::EncodeError> {
                self.number().encode(out)
            }

            fn decode(decoder: &mut $crate::xdr::Decoder<'_>) -> Result<Self, $crate::xdr::DecodeError> {
                i32::decode(decoder).map(Self::from_number)
            }
        }

        impl $crate::xdr::Item for $name {}
    };
}

pub(crate) use {field_decode, field_encode, field_min, field_shape, xdr_enum, xdr_struct};
