//! `BRIDGE.macs`: which addresses the interfaces of which guest have. Name services look guests up in it.

use serde::{Deserialize, Serialize};
use virt_types::{Error, ErrorCode, ErrorDomain, Result};

use crate::json;

/// The most that a file may be; as in libvirt.
pub(crate) const LIMIT: u64 = 32 << 20;

/// The addresses of the guests on a bridge.
///
/// ```
/// use virt_network::MacMap;
/// let mut map = MacMap::default();
/// map.add("web", "52:54:00:00:00:01");
/// assert_eq!(map.lookup("web"), ["52:54:00:00:00:01"]);
/// map.remove("web", "52:54:00:00:00:01");
/// assert_eq!(map.to_text()?, "[\n\n]\n");
/// # Ok::<(), virt_types::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MacMap(Vec<Guest>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Guest {
    domain: String,
    macs: Vec<String>,
}

impl MacMap {
    /// Reads a file's text, which may be empty.
    ///
    /// # Errors
    /// For what is no such list.
    pub fn parse(text: &str) -> Result<Self> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        serde_json::from_str(text).map(Self).map_err(|error| {
            Error::new(ErrorCode::InternalError, ErrorDomain::Network, "invalid json in the map of addresses")
                .caused_by(error)
        })
    }

    /// The file's text.
    ///
    /// # Errors
    /// Never in practice.
    pub fn to_text(&self) -> Result<String> {
        json::list(&self.0)
    }

    /// A guest's addresses.
    #[must_use]
    pub fn lookup(&self, domain: &str) -> &[String] {
        self.0.iter().find(|guest| guest.domain == domain).map_or(&[], |guest| &guest.macs)
    }

    /// Adds an address, once.
    pub fn add(&mut self, domain: &str, mac: &str) {
        let position = self.0.iter().position(|guest| guest.domain == domain).unwrap_or_else(|| {
            self.0.push(Guest { domain: domain.to_owned(), macs: Vec::new() });
            self.0.len() - 1
        });
        let macs = &mut self.0[position].macs;
        if !macs.iter().any(|known| known == mac) {
            macs.push(mac.to_owned());
        }
    }

    /// Takes an address out, and the guest with its last one.
    pub fn remove(&mut self, domain: &str, mac: &str) {
        for guest in self.0.iter_mut().filter(|guest| guest.domain == domain) {
            guest.macs.retain(|known| known != mac);
        }
        self.0.retain(|guest| !guest.macs.is_empty());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guests_come_and_go() {
        let mut map = MacMap::parse("").unwrap();
        for (domain, mac) in [("a", "1"), ("b", "2"), ("a", "3"), ("a", "1")] {
            map.add(domain, mac);
        }
        assert_eq!(map.lookup("a"), ["1", "3"]);
        let text = map.to_text().unwrap();
        assert_eq!(MacMap::parse(&text).unwrap(), map);
        map.remove("a", "1");
        map.remove("b", "2");
        map.remove("c", "2");
        assert_eq!(
            map.to_text().unwrap(),
            "[\n  {\n    \"domain\": \"a\",\n    \"macs\": [\n      \"3\"\n    ]\n  }\n]\n"
        );
        MacMap::parse("{}").unwrap_err();
    }
}
