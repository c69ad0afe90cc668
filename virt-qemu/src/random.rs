//! Random bytes for what the engine makes up: addresses of network cards, identifiers.

use rustix::rand::{GetRandomFlags, getrandom};
use virt_types::{Error, ErrorCode, ErrorDomain, Result};

/// As many bytes as the caller has room for.
///
/// # Errors
/// `VIR_ERR_SYSTEM_ERROR` where the kernel gives none.
pub(crate) fn bytes<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    let mut filled = 0;
    while filled < N {
        filled += getrandom(&mut bytes[filled..], GetRandomFlags::empty()).map_err(|errno| {
            Error::new(ErrorCode::SystemError, ErrorDomain::Qemu, "cannot get random bytes")
                .caused_by(std::io::Error::from(errno))
        })?;
    }
    Ok(bytes)
}
