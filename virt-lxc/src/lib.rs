//! The container driver.
#![forbid(unsafe_code)]
