//! The most entries of lists.

/// Domains in a list.
pub const DOMAIN_LIST_MAX: u32 = 16384;
