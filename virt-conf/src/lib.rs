//! The XML model: parse, fill, validate, format.
//!
//! Three steps that are never mixed. **Parse** keeps exactly what was written and needs no host. **Fill** adds what
//! the document leaves open (implicit devices, addresses, defaults) and asks a [`domain::Policy`], which a driver
//! implements. **Validate** checks the whole, first generically, then by the policy. Formatting gives libvirt's
//! canonical XML, so that define, dump, define is a fixed point.
//!
//! ```
//! use virt_conf::domain::Domain;
//! use virt_conf::{FormatFlags, ParseFlags};
//!
//! let xml = "<domain type='qemu'>
//!   <name>web</name>
//!   <uuid>c7a5fdbd-edaf-9455-926a-d65c16db1809</uuid>
//!   <memory unit='MiB'>64</memory>
//!   <os><type arch='x86_64' machine='q35'>hvm</type></os>
//! </domain>";
//! let domain = Domain::parse(xml, ParseFlags::INACTIVE)?;
//! assert_eq!(domain.name, "web");
//! assert!(domain.format(FormatFlags::INACTIVE).contains("<type arch='x86_64' machine='q35'>hvm</type>"));
//! # Ok::<(), virt_conf::Error>(())
//! ```
//!
//! A device is one file under `domain/device/`, listed once in [`for_each_device!`].
//!
//! Errors are [`virt_types::Error`]: each refusal has its own sentence and libvirt's code, and the place in the
//! document; an enumeration of several hundred refusals would say no more.
#![forbid(unsafe_code)]

#[macro_use]
pub mod grammar;
pub mod capabilities;
pub mod common;
pub mod domain;
pub mod domain_capabilities;
pub mod error;
pub mod host_sysinfo;
pub mod interface;
mod kind;
pub mod moment;
pub mod network;
pub mod nodedev;
pub mod nwfilter;
mod options;
pub mod secret;
pub mod storage_pool;
pub mod storage_volume;
pub mod typed;

pub use kind::{Kind, Surroundings};
pub use options::{FormatFlags, ParseFlags};
pub use virt_types::{Error, Result, TextEnum, text_enum};
