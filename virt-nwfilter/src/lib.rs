//! Network filters.
//!
//! A filter is a list of rules and references to other filters. An interface binds one with values for its variables:
//! [`resolve()`] makes one list of rules of that, and [`Interface`] the commands that change the host's tables, in libvirt's
//! order and with libvirt's names of chains. [`NwFilterDriver`] keeps filters and bindings, runs the commands, and finds the
//! addresses of interfaces that do not say theirs.
//!
//! ```
//! use std::sync::Arc;
//! use virt_conf::nwfilter::Filter;
//! use virt_nwfilter::{Filters, Interface, StateMatch, Variables, resolve};
//!
//! struct Alone;
//! impl Filters for Alone {
//!     fn find(&self, name: &str) -> virt_types::Result<Arc<Filter>> {
//!         unreachable!("{name} is not referred to")
//!     }
//! }
//!
//! let filter = Filter::parse(
//!     "<filter name='own-mac'><rule action='drop' direction='out'><mac match='no' srcmacaddr='$MAC'/></rule></filter>",
//! )?;
//! let variables = Variables::from([("MAC".to_owned(), vec!["52:54:00:00:00:01".to_owned()])]);
//! let rules = resolve(&filter, &variables, &Alone)?;
//! let steps = Interface::new("vnet0").build(rules, StateMatch::Conntrack)?;
//! let commands: Vec<_> = steps[1].steps.iter().map(ToString::to_string).collect();
//! assert_eq!(
//!     commands[1],
//!     "ebtables -t nat -A libvirt-J-vnet0 -s '!' 52:54:00:00:00:01 -j DROP",
//! );
//! # Ok::<(), virt_types::Error>(())
//! ```
#![forbid(unsafe_code)]

mod arguments;
mod chain;
mod driver;
mod ebtables;
mod error;
mod frame;
mod iptables;
mod protocol;
mod resolve;
mod ruleset;
mod shipped;
mod step;
mod variables;

pub use driver::{Directories, NwFilterDriver};
pub use frame::{Seen, look};
pub use iptables::StateMatch;
pub use resolve::{BoundRule, Filters, missing_variables, resolve};
pub use ruleset::Interface;
pub use shipped::{SHIPPED, Shipped};
pub use step::{Layer, Listed, Step, Transaction};
pub use variables::Variables;
