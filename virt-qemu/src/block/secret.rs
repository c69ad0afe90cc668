//! The objects that an image needs beside its nodes: secrets, TLS credentials, the helper for reservations.

use virt_conf::common::SecretLookup;
use virt_conf::common::storage_source::{Location, Protocol};
use virt_types::Result;

use super::Image;
use crate::error::unsupported;
use crate::plan::{Part, PlanContext, Props};

/// The id of the helper that the engine runs for all disks that ask for reservations.
pub const MANAGED_HELPER: &str = "pr-helper0";

/// A secret that QEMU is given, encrypted with the guest's master key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// One that the secret driver keeps.
    Stored {
        /// Which one.
        lookup: SecretLookup,
        /// What it is used for.
        usage: SecretUsage,
    },
    /// A text of the document itself, such as cookies.
    Text(String),
}

/// What a secret is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretUsage {
    /// An encrypted image.
    Volume,
    /// A Ceph cluster.
    Ceph,
    /// An iSCSI target, and every other server with a user and a password.
    Iscsi,
    /// A TLS key.
    Tls,
    /// The state of a virtual TPM.
    Vtpm,
}

/// The id of an image's n-th passphrase.
#[must_use]
pub fn encryption_secret(node: &str, n: usize) -> String {
    format!("{node}-encryption-secret{n}")
}

/// The id of a server's password.
pub(super) fn auth_secret(node: &str) -> String {
    format!("{node}-auth-secret0")
}

/// The id of the cookies.
pub(super) fn cookie_secret(node: &str) -> String {
    format!("{node}-httpcookie-secret0")
}

/// The id of the TLS credentials.
pub(super) fn tls_object(node: &str) -> String {
    format!("obj{node}_tls0")
}

/// The objects, named after the node that reaches the bytes, in the order in which QEMU is told of them.
pub(super) fn objects(image: &Image<'_>, node: &str, cx: &PlanContext<'_>) -> Result<Vec<Part>> {
    let mut parts = Vec::new();
    let source = image.source;
    if let Some(reservations) = source.reservations.as_ref().filter(|reservations| !reservations.managed) {
        let props = Props::new()
            .str("qom-type", "pr-manager-helper")
            .str("id", format!("pr-helper-{node}"))
            .opt_str("path", reservations.path.clone());
        parts.push(Part::Object(props));
    }
    let network = match source.location.actual() {
        Location::Network(network) => Some(network),
        _ => None,
    };
    if let Some(auth) = &source.auth {
        let usage = match network.map(|network| network.protocol) {
            Some(Protocol::Rbd) => SecretUsage::Ceph,
            _ => SecretUsage::Iscsi,
        };
        parts.push(Part::Secret {
            id: auth_secret(node),
            source: SecretSource::Stored { lookup: auth.secret.clone(), usage },
        });
    }
    if let Some(network) = network {
        if !network.cookies.is_empty() {
            let cookies = network.cookies.iter().map(|cookie| format!("{}={}", cookie.name, cookie.value));
            let text = cookies.collect::<Vec<_>>().join("; ");
            parts.push(Part::Secret { id: cookie_secret(node), source: SecretSource::Text(text) });
        }
        parts.extend(tls(network.protocol, network.tls, node, cx)?);
    }
    if let Some(encryption) = &source.encryption {
        for (n, lookup) in encryption.secrets.iter().enumerate() {
            parts.push(Part::Secret {
                id: encryption_secret(&image.format_node(), n),
                source: SecretSource::Stored { lookup: lookup.clone(), usage: SecretUsage::Volume },
            });
        }
    }
    Ok(parts)
}

/// Whether a connection of this protocol is encrypted.
pub(super) fn uses_tls(protocol: Protocol, asked: Option<bool>, cx: &PlanContext<'_>) -> Result<bool> {
    let by_default = match protocol {
        Protocol::Nbd => cx.config.nbd_tls,
        Protocol::Vxhs => cx.config.vxhs_tls,
        _ if asked == Some(true) => {
            return Err(unsupported(format!(
                "TLS transport is not supported for disk protocol '{protocol}'"
            )));
        }
        _ => return Ok(false),
    };
    Ok(asked.unwrap_or(by_default))
}

fn tls(protocol: Protocol, asked: Option<bool>, node: &str, cx: &PlanContext<'_>) -> Result<Vec<Part>> {
    if !uses_tls(protocol, asked, cx)? {
        return Ok(Vec::new());
    }
    let dir = match protocol {
        Protocol::Vxhs => &cx.config.vxhs_tls_x509_cert_dir,
        _ => &cx.config.nbd_tls_x509_cert_dir,
    };
    let props = Props::new()
        .str("qom-type", "tls-creds-x509")
        .str("id", tls_object(node))
        .str("dir", dir.to_string_lossy())
        .str("endpoint", "client")
        .bool("verify-peer", true);
    Ok(vec![Part::Object(props)])
}
