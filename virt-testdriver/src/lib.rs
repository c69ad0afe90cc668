//! The in-memory driver behind `test:///` URIs: a pretended host that answers as libvirt's test driver does.
//!
//! `test:///default` is one host for the whole process, which lives as long as somebody is connected to it;
//! `test:///FILE` is a host of the connection's own, described by an XML document. Nothing that is done to either
//! leaves the process, but for files that a caller names: saved states and core dumps.
//!
//! ```
//! use virt_driver::{Connection, Domains};
//! use virt_testdriver::TestConnection;
//!
//! # fn block_on<F: Future>(future: F) -> F::Output {
//! #     let mut future = std::pin::pin!(future);
//! #     let mut context = std::task::Context::from_waker(std::task::Waker::noop());
//! #     loop { if let std::task::Poll::Ready(value) = future.as_mut().poll(&mut context) { return value } }
//! # }
//! let connection = TestConnection::open("/default")?;
//! let domain = block_on(connection.lookup_by_name("test"))?;
//! assert_eq!(domain.id, Some(1));
//! assert_eq!(block_on(connection.os_type(&domain))?, "linux");
//! # Ok::<(), virt_types::Error>(())
//! ```
//!
//! The document of a host is `<node>`. Its `<cpu>` and `<memory>` say what the machine is like; `<domain>`, `<network>`,
//! `<interface>`, `<pool>` (with `<volume>`) and `<device>` what is on it. Each may stand in a file of its own, named by the
//! attribute `file`. A domain's state is said by elements of the name space
//! `http://libvirt.org/schemas/domain/test/1.0`: `runstate` (a number), `transient`, `hasmanagedsave` and
//! `domainsnapshot`. With `<auth>` callers have to give the name, and the password, of one of its users.
#![forbid(unsafe_code)]

mod connection;
mod document;
mod domain;
mod error;
mod flags;
mod host;
mod hypervisor;
mod interface;
mod moment;
mod network;
mod node;
mod node_device;
mod params;
mod policy;
mod random;
mod storage;

pub use connection::TestConnection;
pub use document::{Credentials, Question};
