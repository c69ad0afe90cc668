//! Rules of others.

use std::fmt;

use serde_json::Value;

use crate::Backend;
use crate::nftables::TABLE;

/// A chain of somebody else's that refuses what nobody has let through: in netfilter each table has its own say, so that
/// rules of another table do not help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocker {
    /// The family: `ip`, `ip6`, `inet`.
    pub family: String,
    /// The table.
    pub table: String,
    /// The chain.
    pub chain: String,
    /// Which packets: `forward` those of guests to others, `input` those to the host's own services.
    pub hook: String,
}

impl fmt::Display for Blocker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { family, table, chain, hook } = self;
        write!(
            f,
            "chain '{chain}' of table '{family} {table}' drops {hook} packets that no rule of its own accepts"
        )
    }
}

impl Blocker {
    /// What people can do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        let Self { family, table, chain, .. } = self;
        if self.hook == "forward" && self.table == "filter" && self.chain == "FORWARD" {
            return "Docker sets this policy: let it use other rules (\"ip-forward-no-drop\": true in daemon.json), or accept \
                    the bridge in its chain DOCKER-USER"
                .to_owned();
        }
        format!("nft insert rule {family} {table} {chain} iifname BRIDGE accept")
    }
}

/// The chains that refuse by their policy, from what `nft -j list chains` says.
///
/// # Errors
/// Where the text is no JSON.
pub fn blockers(listing: &str, backend: Backend) -> serde_json::Result<Vec<Blocker>> {
    let listing: Value = serde_json::from_str(listing)?;
    let drops = chains(&listing).filter(|chain| {
        let in_our_way = matches!(chain["hook"].as_str(), Some("forward" | "input"));
        in_our_way && chain["policy"] == "drop" && !is_preceded(chain, backend)
    });
    let text = |chain: &Value, key: &str| chain[key].as_str().unwrap_or_default().to_owned();
    Ok(drops
        .map(|chain| Blocker {
            family: text(chain, "family"),
            table: text(chain, "table"),
            chain: text(chain, "name"),
            hook: text(chain, "hook"),
        })
        .collect())
}

/// Whether our rules are asked before this chain's policy.
fn is_preceded(chain: &Value, backend: Backend) -> bool {
    let ours = chain["table"] == TABLE;
    let beside_iptables = is_of_iptables(chain) && backend == Backend::Iptables;
    ours || beside_iptables
}

fn is_of_iptables(chain: &Value) -> bool {
    let family = matches!(chain["family"].as_str(), Some("ip" | "ip6"));
    family
        && chain["table"] == "filter"
        && matches!(chain["name"].as_str(), Some("INPUT" | "FORWARD" | "OUTPUT"))
}

fn chains(listing: &Value) -> impl Iterator<Item = &Value> {
    listing["nftables"].as_array().into_iter().flatten().map(|item| &item["chain"]).filter(|c| c.is_object())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTING: &str = r#"{"nftables": [{"metainfo": {"version": "1.0.6"}},
        {"chain": {"family": "ip", "table": "filter", "name": "FORWARD", "type": "filter", "hook": "forward", "policy": "drop"}},
        {"chain": {"family": "ip", "table": "filter", "name": "DOCKER-USER"}},
        {"chain": {"family": "inet", "table": "site", "name": "in", "type": "filter", "hook": "input", "policy": "drop"}},
        {"chain": {"family": "ip", "table": "libvirt_network", "name": "forward", "hook": "forward", "policy": "accept"}}]}"#;

    #[test]
    fn policies_that_refuse_are_named() {
        let found = blockers(LISTING, Backend::Nftables).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!(
            found[0].to_string(),
            "chain 'FORWARD' of table 'ip filter' drops forward packets that no rule of its own accepts"
        );
        assert!(found[0].hint().contains("Docker"));
        let found = blockers(LISTING, Backend::Iptables).unwrap();
        assert_eq!(found.iter().map(|found| found.table.as_str()).collect::<Vec<_>>(), ["site"]);
        assert!(blockers("no", Backend::Iptables).is_err());
    }
}
