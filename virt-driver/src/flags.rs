//! Refusing flag bits that a call does not know.

use bitflags::Flags;
use virt_types::{Error, ErrorCode, ErrorDomain};

/// Refuses every bit outside `allowed`, in libvirt's words.
///
/// `function` is the name that the sentence ends with; libvirt's drivers put their own function there.
///
/// # Errors
/// `VIR_ERR_INVALID_ARG` naming the unknown bits.
///
/// ```
/// use virt_types::{CreateFlags, ErrorDomain};
/// let flags = CreateFlags::from_bits_retain(0x1001);
/// let error = virt_driver::flags::check(flags, CreateFlags::all(), ErrorDomain::Qemu, "qemuDomainCreateWithFlags").unwrap_err();
/// assert_eq!(error.to_string(), "unsupported flags (0x1000) in function qemuDomainCreateWithFlags");
/// ```
pub fn check<F: Flags<Bits = u32> + Copy>(
    flags: F,
    allowed: F,
    domain: ErrorDomain,
    function: &str,
) -> Result<(), Error> {
    check_bits(flags.bits(), allowed.bits(), domain, function)
}

/// The same for flags that have no type.
///
/// # Errors
/// As [`check`].
pub fn check_bits(flags: u32, allowed: u32, domain: ErrorDomain, function: &str) -> Result<(), Error> {
    let unknown = flags & !allowed;
    if unknown == 0 {
        return Ok(());
    }
    let detail = format!("unsupported flags (0x{unknown:x}) in function {function}");
    Err(Error::new(ErrorCode::InvalidArg, domain, detail).verbatim())
}

/// Whether an object matches a filter: in every group of bits in which one is set, it has one of them.
/// A group is its bits, and those that the object has.
#[must_use]
pub fn matches(flags: u32, groups: &[(u32, u32)]) -> bool {
    groups.iter().all(|(group, has)| flags & group == 0 || flags & has != 0)
}

/// The group of two bits that says yes or no.
#[must_use]
pub const fn either(yes: u32, no: u32, is: bool) -> (u32, u32) {
    (yes | no, if is { yes } else { no })
}

/// Refuses two flags that cannot go together, in libvirt's words.
///
/// # Errors
/// `VIR_ERR_INVALID_ARG` naming both.
pub fn exclusive<F: Flags<Bits = u32> + Copy>(
    flags: F,
    (one, one_name): (F, &str),
    (other, other_name): (F, &str),
    domain: ErrorDomain,
) -> Result<(), Error> {
    if !(flags.contains(one) && flags.contains(other)) {
        return Ok(());
    }
    let detail = format!("Flags '{one_name}' and '{other_name}' are mutually exclusive");
    Err(Error::new(ErrorCode::InvalidArg, domain, detail).verbatim())
}

#[cfg(test)]
mod tests {
    use super::*;
    use virt_types::UndefineFlags;

    #[test]
    fn known_bits_pass_and_unknown_ones_are_named() {
        let check =
            |bits| check(UndefineFlags::from_bits_retain(bits), UndefineFlags::NVRAM, ErrorDomain::Qemu, "f");
        assert!(check(0).is_ok() && check(4).is_ok());
        assert_eq!(check(0xc).unwrap_err().detail(), "unsupported flags (0x8) in function f");
    }

    #[test]
    fn exclusive_flags_are_refused_only_together() {
        let pair = |flags| {
            exclusive(
                flags,
                (UndefineFlags::NVRAM, "NVRAM"),
                (UndefineFlags::KEEP_NVRAM, "KEEP"),
                ErrorDomain::Qemu,
            )
        };
        assert!(pair(UndefineFlags::NVRAM).is_ok() && pair(UndefineFlags::KEEP_NVRAM).is_ok());
        let both = pair(UndefineFlags::NVRAM | UndefineFlags::KEEP_NVRAM).unwrap_err();
        assert_eq!(both.to_string(), "Flags 'NVRAM' and 'KEEP' are mutually exclusive");
    }

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
