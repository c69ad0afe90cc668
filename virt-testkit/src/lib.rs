//! What tests of several crates share.
//!
//! ```no_run
//! // In `tests/corpus.rs` of a crate, one test of the family's name:
//! virt_testkit::corpus::check("cputest", |case| {
//!     let document = case.read("/input/cpu").ok_or("no document")?;
//!     virt_testkit::corpus::same("<cpu/>", &document)
//! });
//! ```
#![forbid(unsafe_code)]

pub mod corpus;
