//! A positioned XML tree with typed accessors, and a writer in libvirt's form.
//!
//! The tree is read-only and borrowed from the text. Every accessor that can fail gives an error with libvirt's code
//! and sentence and with the place in the text. What a reader never asked for can be listed afterwards
//! ([`Document::unread`]), with the nearest name that it did ask for.
//!
//! ```
//! use virt_xml::{Document, Writer};
//!
//! let document = Document::parse("<domain type='qemu'><name>web</name></domain>")?;
//! let root = document.root();
//! assert_eq!(root.attr("type"), Some("qemu"));
//! assert_eq!(root.child_text("name").as_deref(), Some("web"));
//!
//! let mut writer = Writer::new();
//! writer.element("domain", |w| {
//!     w.attr("type", "qemu");
//!     w.text_element("name", "web");
//! });
//! assert_eq!(writer.finish(), "<domain type='qemu'>\n  <name>web</name>\n</domain>\n");
//! # Ok::<(), virt_types::Error>(())
//! ```
//!
//! Document type definitions are refused, as are inputs over [`MAX_INPUT`] bytes or nested deeper than
//! [`MAX_DEPTH`]; all three before a tree is built.
#![forbid(unsafe_code)]

mod attribute;
mod document;
mod element;
mod guard;
pub mod number;
mod unread;
mod writer;

pub use document::Document;
pub use element::Element;
pub use guard::{MAX_DEPTH, MAX_INPUT};
pub use roxmltree;
pub use unread::{AskedNames, Unread, UnreadKind};
pub use writer::{Writer, escape};
