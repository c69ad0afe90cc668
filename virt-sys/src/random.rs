//! Random bytes for what the engine makes up.

use rustix::rand::{GetRandomFlags, getrandom};

use crate::error::{Error, Result};

/// As many bytes as the caller has room for.
///
/// # Errors
/// [`Error::System`] where the kernel gives none.
///
/// ```
/// let (one, other): ([u8; 16], [u8; 16]) = (virt_sys::random::bytes()?, virt_sys::random::bytes()?);
/// assert_ne!(one, other);
/// # Ok::<(), virt_sys::Error>(())
/// ```
pub fn bytes<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    let mut filled = 0;
    while filled < N {
        let got = getrandom(&mut bytes[filled..], GetRandomFlags::empty());
        filled += got.map_err(|errno| Error::system("get random bytes", errno))?;
    }
    Ok(bytes)
}
