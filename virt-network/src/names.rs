//! Names of guests, as name services ask for them: the leases of all networks, and the maps of guests' addresses beside them.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::Path;

use virt_sys::fs::read_bounded;
use virt_types::Result;

use crate::lease::{self, Lease};
use crate::mac_map::{LIMIT, MacMap};

/// What a name is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameOf {
    /// The name that a guest gave itself when it asked for an address: libvirt's module `libvirt`.
    Host,
    /// The domain's name: libvirt's module `libvirt_guest`.
    Guest,
}

/// Which addresses are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Those of IPv4.
    Ipv4,
    /// Those of IPv6.
    Ipv6,
    /// Those of the family of the first that is found.
    Any,
}

/// What the files of a directory say: `BRIDGE.status` and `BRIDGE.macs` of each network.
#[derive(Debug, Clone, Default)]
pub struct Names {
    leases: Vec<Lease>,
    guests: Vec<MacMap>,
}

impl Names {
    /// Reads the files of a directory. One that can not be read hides no other.
    ///
    /// ```
    /// use virt_network::names::{Family, NameOf, Names};
    ///
    /// let names = Names::read("/var/lib/libvirt/dnsmasq".as_ref());
    /// assert!(names.addresses("no-such-guest", NameOf::Host, Family::Any, 0).is_empty());
    /// ```
    #[must_use]
    pub fn read(directory: &Path) -> Self {
        let mut names = Self::default();
        let entries = std::fs::read_dir(directory).into_iter().flatten();
        let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        paths.sort();
        for path in paths {
            if let Err(error) = names.add(&path) {
                log::debug!("{}: {}", path.display(), error.report());
            }
        }
        names
    }

    fn add(&mut self, path: &Path) -> Result<()> {
        let text = || read_bounded(path, LIMIT).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("status") => self.leases.extend(lease::parse(&text().unwrap_or_default())?),
            Some("macs") => self.guests.push(MacMap::parse(&text().unwrap_or_default())?),
            _ => {}
        }
        Ok(())
    }

    /// The addresses of a name at a time, in seconds since 1970; those that last longest come first.
    #[must_use]
    pub fn addresses(&self, name: &str, of: NameOf, family: Family, now: i64) -> Vec<IpAddr> {
        let macs: BTreeSet<&str> = match of {
            NameOf::Host => BTreeSet::new(),
            NameOf::Guest => {
                self.guests.iter().flat_map(|map| map.lookup(name)).map(String::as_str).collect()
            }
        };
        let is_of_name = |lease: &&Lease| match of {
            NameOf::Host => lease.hostname.as_deref() == Some(name),
            NameOf::Guest => macs.contains(lease.mac.as_str()),
        };
        let mut family = family;
        let mut found: Vec<(i64, IpAddr)> = Vec::new();
        for lease in self.leases.iter().filter(|lease| lease.holds_at(now)).filter(is_of_name) {
            let Ok(address) = lease.address.parse::<IpAddr>() else { continue };
            let own = if address.is_ipv4() { Family::Ipv4 } else { Family::Ipv6 };
            if family == Family::Any {
                family = own;
            }
            if family == own && !found.iter().any(|(_, known)| *known == address) {
                // A lease without an end outlasts all others.
                found.push((if lease.expiry > 0 { lease.expiry } else { i64::MAX }, address));
            }
        }
        found.sort_by_key(|(end, _)| std::cmp::Reverse(*end));
        found.into_iter().map(|(_, address)| address).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        let lease = |address: &str, mac: &str, hostname: Option<&str>, expiry| Lease {
            address: address.into(),
            mac: mac.into(),
            hostname: hostname.map(Into::into),
            expiry,
            ..Lease::default()
        };
        let mut guests = MacMap::default();
        guests.add("web", "52:54:00:00:00:01");
        guests.add("web", "52:54:00:00:00:03");
        Names {
            leases: vec![
                lease("10.0.0.1", "52:54:00:00:00:01", Some("a"), 100),
                lease("10.0.0.2", "52:54:00:00:00:02", Some("a"), 200),
                lease("fd00::1", "52:54:00:00:00:01", Some("a"), 300),
                lease("10.0.0.3", "52:54:00:00:00:03", None, 0),
                lease("nonsense", "52:54:00:00:00:03", None, 900),
            ],
            guests: vec![guests],
        }
    }

    #[test]
    fn addresses_are_those_that_hold_the_longest_first() {
        for (name, of, family, now, expected) in [
            ("a", NameOf::Host, Family::Ipv4, 50, &["10.0.0.2", "10.0.0.1"][..]),
            ("a", NameOf::Host, Family::Ipv4, 150, &["10.0.0.2"]),
            ("a", NameOf::Host, Family::Ipv6, 50, &["fd00::1"]),
            ("a", NameOf::Host, Family::Any, 50, &["10.0.0.2", "10.0.0.1"]),
            ("a", NameOf::Host, Family::Any, 250, &["fd00::1"]),
            ("A", NameOf::Host, Family::Any, 50, &[]),
            ("web", NameOf::Guest, Family::Any, 50, &["10.0.0.3", "10.0.0.1"]),
            ("web", NameOf::Guest, Family::Any, 999, &["10.0.0.3"]),
            ("a", NameOf::Guest, Family::Any, 50, &[]),
        ] {
            let found: Vec<_> =
                names().addresses(name, of, family, now).iter().map(ToString::to_string).collect();
            assert_eq!(found, expected, "{name} {of:?} {family:?} {now}");
        }
    }
}
