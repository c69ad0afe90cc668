//! Identities that documents leave open.

use rustix::rand::{GetRandomFlags, getrandom};
use virt_types::{Result, Uuid};

use crate::error::system;

/// As many random bytes as the caller has room for.
pub(crate) fn bytes<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    let mut filled = 0;
    while filled < N {
        let got = getrandom(&mut bytes[filled..], GetRandomFlags::empty());
        filled += got.map_err(|errno| system("cannot get random bytes", errno.into()))?;
    }
    Ok(bytes)
}

/// A new identity.
pub(crate) fn uuid() -> Result<Uuid> {
    Ok(Uuid::from_random(bytes()?))
}
