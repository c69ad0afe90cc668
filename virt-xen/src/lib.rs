//! The Xen driver.
#![forbid(unsafe_code)]
