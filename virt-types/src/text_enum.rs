//! Enumerations that are written as text in XML.

/// An enumeration with one fixed spelling per value, declared by [`text_enum!`](crate::text_enum!).
pub trait TextEnum: Copy + PartialEq + 'static {
    /// Every value with its spelling, in libvirt's order.
    const SPELLINGS: &'static [(Self, &'static str)];

    /// The spellings alone.
    const NAMES: &'static [&'static str];

    /// The value that is spelled so, if there is one.
    #[must_use]
    fn from_text(text: &str) -> Option<Self> {
        Self::SPELLINGS.iter().find(|(_, spelling)| *spelling == text).map(|(value, _)| *value)
    }

    /// What to write in place of a text that is none of the spellings: the nearest one, or else all of them.
    #[must_use]
    fn hint(text: &str) -> String {
        let spellings = || Self::SPELLINGS.iter().map(|(_, spelling)| *spelling);
        crate::did_you_mean(text, spellings())
            .unwrap_or_else(|| format!("allowed values: {}", spellings().collect::<Vec<_>>().join(", ")))
    }

    /// How the value is spelled.
    #[must_use]
    fn text(self) -> &'static str {
        Self::SPELLINGS.iter().find(|(value, _)| *value == self).map_or("", |(_, spelling)| spelling)
    }
}

/// Declares an enumeration whose values are written as text.
///
/// The first value is the default where the declaration says `#[default]` on it.
///
/// ```
/// use virt_types::{TextEnum, text_enum};
/// text_enum! {
///     /// What a disk looks like to the guest.
///     pub enum DiskDevice { #[default] Disk = "disk", Cdrom = "cdrom", Floppy = "floppy", Lun = "lun" }
/// }
/// assert_eq!(DiskDevice::from_text("lun"), Some(DiskDevice::Lun));
/// assert_eq!(DiskDevice::Cdrom.to_string(), "cdrom");
/// assert_eq!(DiskDevice::default(), DiskDevice::Disk);
/// ```
#[macro_export]
macro_rules! text_enum {
    // Without a default no `Default` is derived: the attribute decides.
    ($(#[$meta:meta])* $vis:vis enum $name:ident {
        #[default] $first:ident = $first_text:literal $(, $variant:ident = $text:literal)* $(,)?
    }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
        $vis enum $name {
            #[default]
            #[doc = concat!("`", $first_text, "`")]
            $first,
            $(#[doc = concat!("`", $text, "`")] $variant,)*
        }
        $crate::text_enum!(@impl $name { $first = $first_text $(, $variant = $text)* });
    };
    ($(#[$meta:meta])* $vis:vis enum $name:ident { $($variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        $vis enum $name { $(#[doc = concat!("`", $text, "`")] $variant,)+ }
        $crate::text_enum!(@impl $name { $($variant = $text),+ });
    };
    (@impl $name:ident { $($variant:ident = $text:literal),+ }) => {
        impl $crate::TextEnum for $name {
            const SPELLINGS: &'static [(Self, &'static str)] = &[$((Self::$variant, $text)),+];
            const NAMES: &'static [&'static str] = &[$($text),+];

            fn text(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str($crate::TextEnum::text(*self))
            }
        }
    };
}
