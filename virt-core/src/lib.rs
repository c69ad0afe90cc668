//! The facade: connections and handles over every driver.
//!
//! This crate composes the others and holds no logic of its own. A plan needs no connection:
//!
//! ```no_run
//! use virt_core::qemu::planner::Planner;
//!
//! let planner = Planner::recorded("recordings".as_ref())?;
//! let plan = planner.plan(&std::fs::read_to_string("web.xml")?)?;
//! println!("{}", plan.to_lines());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

pub use virt_conf as conf;
pub use virt_driver as driver;
pub use virt_qemu as qemu;
pub use virt_types as types;
