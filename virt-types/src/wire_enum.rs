//! One macro for the enumerations whose numbers are ABI.

/// Declares an enumeration with fixed numbers and libvirt's constant names.
macro_rules! wire_enum {
    ($(#[$meta:meta])* pub enum $name:ident { $($variant:ident = $number:literal $constant:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(i32)]
        pub enum $name { $(#[doc = concat!("`", $constant, "`")] $variant = $number,)+ }

        impl $name {
            /// Every value, in number order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The number on the wire.
            #[must_use]
            pub const fn number(self) -> i32 {
                self as i32
            }

            /// The value with this number, if there is one.
            #[must_use]
            pub const fn from_number(number: i32) -> Option<Self> {
                match number { $($number => Some(Self::$variant),)+ _ => None }
            }

            /// libvirt's name of the constant.
            #[must_use]
            pub const fn constant(self) -> &'static str {
                match self { $(Self::$variant => $constant,)+ }
            }

            /// The value in lower-case words, such as `from snapshot`.
            #[must_use]
            pub fn word(self) -> String {
                let mut words = String::new();
                for c in format!("{self:?}").chars() {
                    if c.is_ascii_uppercase() && !words.is_empty() {
                        words.push(' ');
                    }
                    words.push(c.to_ascii_lowercase());
                }
                words
            }
        }
    };
}
pub(crate) use wire_enum;
