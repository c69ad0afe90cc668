//! Names for guests' devices, counted up: `vnet0`, `vnet1`, …
//!
//! A number is not used again soon after its device is gone, so that what still knows the old device (a packet filter, a
//! monitoring tool) does not take the new one for it. The kernel's own templates (`vnet%d`) do not see to that.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::{Error, InterfaceName, Result, Socket, link};

/// Counts up the names of one prefix, in one process.
#[derive(Debug)]
pub struct Names {
    prefix: &'static str,
    next: AtomicU32,
}

impl Names {
    /// Names that begin with `prefix`, from 0.
    #[must_use]
    pub const fn new(prefix: &'static str) -> Self {
        Self { prefix, next: AtomicU32::new(0) }
    }

    /// What comes before the number.
    #[must_use]
    pub fn prefix(&self) -> &'static str {
        self.prefix
    }

    /// The number in a name of ours.
    fn number(&self, name: &str) -> Option<u32> {
        let digits = name.strip_prefix(self.prefix)?;
        let plain = digits.len() == 1 || !digits.starts_with('0');
        (plain && digits.bytes().all(|digit| digit.is_ascii_digit())).then(|| digits.parse().ok())?
    }

    /// Sees to it that a name that is in use, by a guest that ran before this process did, does not come up.
    pub fn reserve(&self, name: &str) {
        if let Some(number) = self.number(name) {
            self.next.fetch_max(number.saturating_add(1), Ordering::Relaxed);
        }
    }

    /// The number below which all names fit the kernel's 15 bytes.
    fn end(&self) -> u32 {
        let digits = u32::try_from(15_usize.saturating_sub(self.prefix.len())).unwrap_or(0).min(9);
        10_u32.pow(digits)
    }

    /// The next name that no device has, not even one that another program made. After the largest number come the
    /// small ones again.
    ///
    /// Somebody else may take it before it is used: create the device exclusively and, on `EEXIST` or `EBUSY`, ask for
    /// the next.
    ///
    /// # Errors
    ///
    /// [`Error::NoName`] when every number is taken, [`Error::Netlink`] when the kernel can not be asked.
    pub fn next(&self, socket: &mut Socket) -> Result<InterfaceName> {
        let end = self.end();
        for _ in 0..end {
            let number = self.next.fetch_add(1, Ordering::Relaxed) % end;
            let name: InterfaceName = format!("{}{number}", self.prefix).parse()?;
            if link::find(socket, &name)?.is_none() {
                return Ok(name);
            }
        }
        Err(Error::NoName(self.prefix))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_count_up_past_those_in_use() {
        let names = Names::new("virt-t");
        let mut socket = Socket::open().unwrap();
        assert_eq!(names.next(&mut socket).unwrap().as_str(), "virt-t0");
        names.reserve("virt-t7");
        names.reserve("virt-t3");
        for foreign in ["virt-t", "virt-t08", "virt-t+9", "virt-t9x", "vnet99", "virt-t99999999999"] {
            names.reserve(foreign);
        }
        assert_eq!(names.next(&mut socket).unwrap().as_str(), "virt-t8");
    }

    #[test]
    fn the_largest_number_is_followed_by_the_smallest() {
        let names = Names::new("a-long-prefix-");
        let mut socket = Socket::open().unwrap();
        assert_eq!(names.end(), 10);
        names.reserve("a-long-prefix-8");
        assert_eq!(names.next(&mut socket).unwrap().as_str(), "a-long-prefix-9");
        assert_eq!(names.next(&mut socket).unwrap().as_str(), "a-long-prefix-0");
    }
}
