//! World wide names of Fibre Channel ports and nodes.

use virt_types::{Error, ErrorDomain};

use crate::error::Refuse;

/// Refuses what is no world wide name: 16 hexadecimal digits, `0x` before them allowed.
pub(crate) fn check_wwn(wwn: &str) -> Result<(), Error> {
    let digits = wwn.strip_prefix("0x").unwrap_or(wwn);
    if digits.len() == 16 && digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Ok(());
    }
    Err(Refuse(ErrorDomain::None).internal(format!("Malformed wwn: {wwn}")))
}
