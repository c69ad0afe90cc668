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
}
