//! Macros that declare QEMU's vocabulary.

/// An enumeration of QEMU's whose later values are kept as text.
macro_rules! open_enum {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$variant_meta])* #[doc = concat!("`", $text, "`")] $variant,)+
            /// A value that this list does not have.
            Other(String),
        }

        impl $name {
            /// QEMU's spelling.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)+
                    Self::Other(text) => text,
                }
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                match text {
                    $($text => Self::$variant,)+
                    other => Self::Other(other.to_owned()),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'_, str>>::deserialize(deserializer)?;
                Ok(Self::from(text.as_ref()))
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}

/// Declares commands: `"name" Structure { required; optional } -> Answer;`.
macro_rules! commands {
    ($($(#[$meta:meta])* $name:literal $struct:ident {
        $($(#[$req_meta:meta])* $req:ident: $req_ty:ty),* $(,)?
        $(; $($(#[$opt_meta:meta])* $opt:ident: $opt_ty:ty),* $(,)?)?
    } -> $reply:ty;)+) => {
        $(
            $(#[$meta])*
            #[doc = ""]
            #[doc = concat!("QEMU's `", $name, "`.")]
            #[derive(Debug, Clone, serde::Serialize)]
            #[cfg_attr(test, derive(serde::Deserialize))]
            #[serde(rename_all = "kebab-case")]
            pub struct $struct {
                $($(#[$req_meta])* pub $req: $req_ty,)*
                $($($(#[$opt_meta])* #[serde(skip_serializing_if = "Option::is_none")] pub $opt: Option<$opt_ty>,)*)?
            }

            impl $crate::command::Command for $struct {
                const NAME: &'static str = $name;
                type Reply = $reply;
            }
        )+

        /// All of them, for comparison with QEMU's schema.
        #[cfg(all(test, feature = "tokio"))]
        pub(crate) const DECLARED: &[$crate::command::tests::Declared] =
            &[$($crate::command::tests::Declared::new::<$struct>()),+];
    };
}

/// Declares what comes back: `Structure { required; optional }`.
macro_rules! replies {
    ($($(#[$meta:meta])* $struct:ident {
        $($(#[$req_meta:meta])* $req:ident: $req_ty:ty),* $(,)?
        $(; $($(#[$opt_meta:meta])* $opt:ident: $opt_ty:ty),* $(,)?)?
    })+) => {
        $(
            $(#[$meta])*
            #[derive(Debug, Clone, serde::Deserialize)]
            #[serde(rename_all = "kebab-case")]
            pub struct $struct {
                $($(#[$req_meta])* pub $req: $req_ty,)*
                $($($(#[$opt_meta])* #[serde(default)] pub $opt: Option<$opt_ty>,)*)?
            }
        )+
    };
}

/// Declares commands whose arguments are an object made elsewhere.
macro_rules! object_commands {
    ($($(#[$meta:meta])* $name:literal $struct:ident;)+) => {
        $(
            $(#[$meta])*
            #[doc = ""]
            #[doc = concat!("QEMU's `", $name, "`. The object holds all arguments.")]
            #[derive(Debug, Clone, serde::Serialize)]
            #[serde(transparent)]
            pub struct $struct(pub $crate::command::Object);

            impl $crate::command::Command for $struct {
                const NAME: &'static str = $name;
                type Reply = $crate::command::Empty;
            }
        )+
    };
}
