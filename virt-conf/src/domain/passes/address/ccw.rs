//! The channel subsystem of an s390 guest.

use std::collections::BTreeSet;

use crate::Result;
use crate::common::address::Ccw;
use crate::error::{internal, xml_error};

/// Channel subsystem image that virtio devices have to use.
const VIRTIO_CSSID: u32 = 0xfe;

/// Device numbers in use, as channel subsystem, subchannel set and number.
///
/// ```
/// use virt_conf::domain::passes::address::CcwSet;
/// let mut set = CcwSet::default();
/// assert_eq!(set.assign()?.at, Some((0xfe, 0, 0)));
/// assert_eq!(set.assign()?.at, Some((0xfe, 0, 1)));
/// # Ok::<(), virt_conf::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CcwSet {
    taken: BTreeSet<(u32, u32, u32)>,
    next: u32,
}

impl CcwSet {
    /// Takes the number that the document names, if it names one.
    ///
    /// # Errors
    /// Where it is taken.
    pub fn reserve(&mut self, address: Ccw) -> Result<()> {
        match address.at {
            Some(at) if !self.taken.insert(at) => {
                let (cssid, ssid, devno) = at;
                Err(xml_error(format!("The CCW devno '{cssid:x}.{ssid:x}.{devno:04x}' is in use already")))
            }
            _ => Ok(()),
        }
    }

    /// Takes the next free number.
    ///
    /// # Errors
    /// Where none is free.
    pub fn assign(&mut self) -> Result<Ccw> {
        while self.next <= 0xffff {
            let at = (VIRTIO_CSSID, 0, self.next);
            if self.taken.insert(at) {
                return Ok(Ccw { at: Some(at) });
            }
            self.next += 1;
        }
        Err(internal("There are no more free CCW devnos."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_numbers_are_left_out() {
        let mut set = CcwSet::default();
        set.reserve(Ccw { at: Some((0xfe, 0, 1)) }).unwrap();
        set.reserve(Ccw { at: None }).unwrap();
        let numbers: Vec<_> = (0..2).map(|_| set.assign().unwrap().at.unwrap().2).collect();
        assert_eq!(numbers, [0, 2]);
        let error = set.reserve(Ccw { at: Some((0xfe, 0, 1)) }).unwrap_err();
        assert_eq!(error.to_string(), "XML error: The CCW devno 'fe.0.0001' is in use already");
    }
}
