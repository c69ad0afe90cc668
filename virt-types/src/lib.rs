//! Newtypes, error codes, public flags and enumerations of the virtualization engine.
//!
//! Everything here is plain data with libvirt's numbers and spellings; nothing does I/O, so every other crate of
//! the workspace may use it.
//!
//! ```
//! use virt_types::{Error, ErrorCode, ErrorDomain, Uuid};
//!
//! let uuid: Uuid = "c7a5fdbd-edaf-9455-926a-d65c16db1809".parse()?;
//! let error = Error::new(ErrorCode::NoDomain, ErrorDomain::Qemu, format!("no domain with matching uuid '{uuid}'"))
//!     .with_hint("`virt list --all` shows the domains of this connection");
//! assert_eq!(error.to_string(), "Domain not found: no domain with matching uuid 'c7a5fdbd-edaf-9455-926a-d65c16db1809'");
//! # Ok::<(), virt_types::Error>(())
//! ```
#![forbid(unsafe_code)]

mod arch;
mod domain;
mod error;
mod mac;
mod name;
mod pci;
pub mod probe;
mod size;
mod text_enum;
mod typed_param;
mod uuid;
mod wire_enum;

pub use arch::Arch;
pub use domain::{event::*, flags::*, state::*, status::*};
pub use error::{Error, ErrorCode, ErrorDomain, Place, Result, did_you_mean, nearest};
pub use mac::MacAddr;
pub use name::DomainName;
pub use pci::PciAddress;
pub use size::{KIB, SizeUnit, scale};
pub use text_enum::TextEnum;
pub use typed_param::{TypedParam, TypedParams, TypedValue};
pub use uuid::Uuid;
