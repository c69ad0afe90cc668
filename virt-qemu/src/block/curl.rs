//! Images on web and FTP servers.

use std::fmt::Write as _;

use virt_conf::common::Auth;
use virt_conf::common::storage_source::{NetworkSource, Transport};
use virt_types::{Result, TextEnum};

use super::backend::only_host;
use super::secret;
use crate::plan::Props;

pub(super) fn props(network: &NetworkSource, auth: Option<&Auth>, node: &str) -> Result<Props> {
    let positive = |number: u64| Some(number).filter(|number| *number > 0);
    Ok(Props::new()
        .str("url", url(network)?)
        .opt_str("username", auth.map(|auth| auth.username.clone()))
        .opt_str("password-secret", auth.map(|_| secret::auth_secret(node)))
        .opt_bool("sslverify", network.ssl_verify)
        .opt_str("cookie-secret", (!network.cookies.is_empty()).then(|| secret::cookie_secret(node)))
        .opt_u64("timeout", positive(network.timeout))
        .opt_u64("readahead", positive(network.readahead)))
}

pub(super) fn url(network: &NetworkSource) -> Result<String> {
    let protocol = network.protocol.text();
    let host = only_host(network, &format!("protocol '{protocol}'"))
        .map_err(|_| crate::error::internal(format!("protocol '{protocol}' accepts only one host")))?;
    let mut url = match host.transport {
        Transport::Tcp => format!("{protocol}://"),
        transport => format!("{protocol}+{transport}://"),
    };
    let server = host.name.as_deref().unwrap_or_default();
    match server.contains(':') {
        true => url.push_str(&format!("[{server}]")),
        false => url.push_str(server),
    }
    if host.transport == Transport::Tcp && host.port > 0 {
        url.push_str(&format!(":{}", host.port));
    }
    let path = network.name.as_deref().unwrap_or_default();
    if !path.starts_with('/') {
        url.push('/');
    }
    escape_path(&mut url, path);
    if let Some(query) = &network.query {
        url.push_str(&format!("?{query}"));
    }
    Ok(url)
}

/// Appends a path with every byte escaped that a URL may not hold.
fn escape_path(url: &mut String, path: &str) {
    for byte in path.bytes() {
        match byte {
            b if b.is_ascii_alphanumeric() || b"-_.!~*'()/;@&=+$,".contains(&b) => url.push(char::from(b)),
            b => {
                let _ = write!(url, "%{b:02X}");
            }
        }
    }
}
