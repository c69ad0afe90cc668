//! Comparing a device with what was asked for.

use virt_types::MacAddr;

use crate::{Error, InterfaceName, Link, Result};

/// Compares the properties of one device, and names the first that differs.
pub(crate) struct Readback<'a> {
    kind: &'a str,
    name: &'a InterfaceName,
}

impl<'a> Readback<'a> {
    pub(crate) fn of(kind: &'a str, name: &'a InterfaceName) -> Self {
        Self { kind, name }
    }

    /// A property that was not asked for can be as it likes.
    pub(crate) fn same<T: PartialEq>(
        &self,
        property: &'static str,
        wanted: Option<T>,
        found: &T,
        show: impl Fn(&T) -> String,
    ) -> Result<()> {
        match wanted {
            Some(wanted) if wanted != *found => Err(Error::NotApplied {
                device: format!("{} '{}'", self.kind, self.name),
                property,
                wanted: show(&wanted),
                found: show(found),
            }),
            _ => Ok(()),
        }
    }

    /// As [`same`](Self::same), for what the kernel does not tell in every version.
    pub(crate) fn told<T: PartialEq + Copy>(
        &self,
        property: &'static str,
        wanted: Option<T>,
        found: Option<T>,
        show: impl Fn(&T) -> String,
    ) -> Result<()> {
        self.same(property, wanted.map(Some), &found, |value| {
            value.as_ref().map_or_else(|| "not told".to_owned(), &show)
        })
    }

    /// The properties that every device has. A device that was not asked to be up may be.
    pub(crate) fn common(
        &self,
        link: &Link,
        mac: Option<MacAddr>,
        mtu: Option<u32>,
        up: bool,
        master: Option<u32>,
    ) -> Result<()> {
        self.same("the address", mac.map(Some), &link.mac.map(MacAddr), |mac| {
            mac.map_or_else(|| "none".to_owned(), |mac| mac.to_string())
        })?;
        self.same("the MTU", mtu, &link.mtu, ToString::to_string)?;
        self.same("the state", up.then_some(true), &link.up, |up| {
            if *up { "up" } else { "down" }.to_owned()
        })?;
        self.same("the master", master.map(Some), &link.master, |index| {
            index.map_or_else(|| "none".to_owned(), |index| format!("link number {index}"))
        })
    }
}

/// Refuses an address that no device can have, before anything is done.
pub(crate) fn check_unicast(mac: Option<MacAddr>) -> Result<()> {
    match mac {
        Some(mac) if mac.is_multicast() || mac == MacAddr::default() => Err(Error::NotUnicast(mac)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_difference_is_named() {
        let mut link = Link::default();
        link.mtu = 1500;
        link.mac = Some([2, 0, 0, 0, 0, 1]);
        let name = "br0".parse().unwrap();
        let readback = Readback::of("bridge", &name);
        assert!(readback.common(&link, None, None, false, None).is_ok());
        assert!(readback.common(&link, Some(MacAddr([2, 0, 0, 0, 0, 1])), Some(1500), false, None).is_ok());
        for (outcome, expected) in [
            (
                readback.common(&link, Some(MacAddr([2, 0, 0, 0, 0, 2])), None, false, None),
                "bridge 'br0' came out with the address 02:00:00:00:00:01 instead of 02:00:00:00:00:02",
            ),
            (
                readback.common(&link, None, Some(9000), true, None),
                "bridge 'br0' came out with the MTU 1500 instead of 9000",
            ),
            (
                readback.common(&link, None, None, true, Some(3)),
                "bridge 'br0' came out with the state down instead of up",
            ),
            (
                readback.common(&link, None, None, false, Some(3)),
                "bridge 'br0' came out with the master none instead of link number 3",
            ),
        ] {
            assert_eq!(outcome.unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn addresses_of_groups_and_the_empty_one_are_refused() {
        for mac in [[1, 0, 0, 0, 0, 0], [0; 6], [0xff; 6]] {
            assert!(matches!(check_unicast(Some(MacAddr(mac))), Err(Error::NotUnicast(_))));
        }
        assert!(check_unicast(Some(MacAddr([0xfe, 0, 0, 0, 0, 0]))).is_ok());
        assert!(check_unicast(None).is_ok());
    }
}
