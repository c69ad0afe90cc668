//! What documents leave open.

use rustix::rand::{GetRandomFlags, getrandom};
use virt_types::{ErrorCode, MacAddr, Result, Uuid};

use crate::error::refuse;

fn bytes<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    let mut filled = 0;
    while filled < N {
        filled += getrandom(&mut bytes[filled..], GetRandomFlags::empty()).map_err(|errno| {
            refuse(ErrorCode::SystemError, "cannot get random bytes").caused_by(std::io::Error::from(errno))
        })?;
    }
    Ok(bytes)
}

/// A new identity.
pub(crate) fn uuid() -> Result<Uuid> {
    Ok(Uuid::from_random(bytes()?))
}

/// A new address for a bridge.
pub(crate) fn mac() -> Result<MacAddr> {
    Ok(MacAddr::qemu(bytes()?))
}
