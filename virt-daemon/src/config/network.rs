//! network.conf.

use virt_firewall::Backend;
use virt_network::Config;

use crate::settings::{Key, Kind, Problem, Remarks, Settings};

const KEYS: &[Key] = &[Key::used("firewall_backend", Kind::OneOf(&["iptables", "nftables"]))];

/// Takes the settings of networks over.
///
/// # Errors
/// For a value that its key does not take.
pub fn apply_network(settings: &Settings, config: &mut Config) -> Result<Remarks, Problem> {
    let remarks = settings.check(KEYS)?;
    match settings.text("firewall_backend") {
        Some("iptables") => config.firewall = Some(Backend::Iptables),
        Some("nftables") => config.firewall = Some(Backend::Nftables),
        _ => {}
    }
    Ok(remarks)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_firewall_is_chosen() {
        for (text, expected) in [
            ("", Ok(None)),
            ("firewall_backend = \"nftables\"\n", Ok(Some(Backend::Nftables))),
            ("firewall_backend = \"iptables\"\n", Ok(Some(Backend::Iptables))),
            ("firewall_backend = \"pf\"\n", Err(())),
        ] {
            let settings = Settings::parse(Path::new("network.conf"), text).unwrap();
            let mut config = Config::host();
            let outcome = apply_network(&settings, &mut config).map(|_| config.firewall);
            assert_eq!(outcome.map_err(drop), expected, "{text}");
        }
    }
}
