//! `BRIDGE.status`: the addresses that a network's dnsmasq has given out.

use serde::{Deserialize, Serialize};
use virt_types::{Error, ErrorCode, ErrorDomain, Result};

use crate::json;

/// An address that was given out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Lease {
    /// The identity association, of IPv6 only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iaid: Option<String>,
    /// The address.
    #[serde(rename = "ip-address")]
    pub address: String,
    /// The interface's own address.
    #[serde(rename = "mac-address", default, skip_serializing_if = "String::is_empty")]
    pub mac: String,
    /// The name that the guest gave itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// The guest's identity.
    #[serde(rename = "client-id", skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The server's identity, of IPv6 only.
    #[serde(rename = "server-duid", skip_serializing_if = "Option::is_none")]
    pub server_duid: Option<String>,
    /// When it ends, in seconds since 1970; 0 never.
    #[serde(rename = "expiry-time")]
    pub expiry: i64,
}

impl Lease {
    /// Whether the address is one of IPv6.
    #[must_use]
    pub fn is_ipv6(&self) -> bool {
        self.address.contains(':')
    }

    /// Whether it holds at a time, in seconds since 1970.
    #[must_use]
    pub const fn holds_at(&self, now: i64) -> bool {
        self.expiry <= 0 || self.expiry >= now
    }
}

/// Reads a file's text, which may be empty.
///
/// # Errors
/// For what is no such list.
pub fn parse(text: &str) -> Result<Vec<Lease>> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    serde_json::from_str(text).map_err(|error| {
        Error::new(ErrorCode::InternalError, ErrorDomain::Network, "invalid json in the file of leases")
            .caused_by(error)
    })
}

/// The file's text.
///
/// # Errors
/// Never in practice.
pub fn to_text(leases: &[Lease]) -> Result<String> {
    json::list(leases)
}

/// The leases as dnsmasq reads them back when it starts (dnsmasq(8), `--leasefile-ro`).
#[must_use]
pub fn for_dnsmasq(leases: &[Lease], server_duid: Option<&str>) -> String {
    let or_star = |text: &Option<String>| text.clone().unwrap_or_else(|| "*".to_owned());
    let line = |lease: &Lease, who: &str| {
        let (name, client) = (or_star(&lease.hostname), or_star(&lease.client_id));
        format!("{} {who} {} {name} {client}\n", lease.expiry, lease.address)
    };
    let mut text: String =
        leases.iter().filter(|lease| !lease.is_ipv6()).map(|lease| line(lease, &lease.mac)).collect();
    let known = leases.iter().find_map(|lease| lease.server_duid.as_deref());
    if let Some(duid) = server_duid.or(known) {
        text.push_str(&format!("duid {duid}\n"));
        let v6 = leases.iter().filter(|lease| lease.is_ipv6());
        text.extend(v6.map(|lease| line(lease, lease.iaid.as_deref().unwrap_or_default())));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leases_are_kept_in_libvirts_form_and_told_in_dnsmasqs() {
        let v4 = Lease {
            address: "10.0.0.2".into(),
            mac: "52:54:00:00:00:01".into(),
            hostname: Some("a".into()),
            expiry: 7,
            ..Lease::default()
        };
        let v6 = Lease {
            iaid: Some("99".into()),
            address: "fd00::2".into(),
            mac: "52:54:00:00:00:01".into(),
            client_id: Some("00:01".into()),
            server_duid: Some("00:02".into()),
            expiry: 0,
            ..Lease::default()
        };
        let text = to_text(&[v6.clone(), v4.clone()]).unwrap();
        assert!(text.contains("{\n    \"ip-address\": \"10.0.0.2\",\n    \"mac-address\": \"52:54:00:00:00:01\",\n    \"hostname\": \"a\",\n    \"expiry-time\": 7\n  }"), "{text}");
        assert_eq!(parse(&text).unwrap(), [v6.clone(), v4.clone()]);
        assert_eq!(
            for_dnsmasq(&[v6.clone(), v4.clone()], None),
            "7 52:54:00:00:00:01 10.0.0.2 a *\nduid 00:02\n0 99 fd00::2 * 00:01\n"
        );
        assert!(v6.holds_at(1 << 40) && v4.holds_at(7) && !v4.holds_at(8));
        assert!(parse(" \n").unwrap().is_empty() && parse("{}").is_err());
    }
}
