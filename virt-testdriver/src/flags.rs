//! Flags of calls: refusing those that a call does not know.

use virt_types::{ErrorDomain, Result};

pub(crate) use virt_driver::flags::{either, matches};

/// Refuses every bit outside `allowed`, in the name of libvirt's function of the call.
pub(crate) fn check(flags: u32, allowed: u32, function: &str) -> Result<()> {
    virt_driver::flags::check_bits(flags, allowed, ErrorDomain::Test, function)
}
