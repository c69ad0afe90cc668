//! Flags of calls: refusing those that a call does not know, and what a listing's filter asks for.

use virt_types::{ErrorDomain, Result};

/// Refuses every bit outside `allowed`, in the name of libvirt's function of the call.
pub(crate) fn check(flags: u32, allowed: u32, function: &str) -> Result<()> {
    virt_driver::flags::check_bits(flags, allowed, ErrorDomain::Test, function)
}

/// Whether an object matches a filter: in every group of bits in which one is set, it has one of them.
/// A group is its bits, and those that the object has.
pub(crate) fn matches(flags: u32, groups: &[(u32, u32)]) -> bool {
    groups.iter().all(|(group, has)| flags & group == 0 || flags & has != 0)
}

/// The group of two bits that says yes or no.
pub(crate) const fn either(yes: u32, no: u32, is: bool) -> (u32, u32) {
    (yes | no, if is { yes } else { no })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_without_a_bit_do_not_matter() {
        for (flags, expected) in
            [(0, true), (1, true), (2, false), (1 | 4, false), (1 | 8, true), (1 | 2, true)]
        {
            let groups = [either(1, 2, true), either(4, 8, false)];
            assert_eq!(matches(flags, &groups), expected, "{flags}");
        }
    }
}
