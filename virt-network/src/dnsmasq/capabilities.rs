//! What a dnsmasq can do.

/// What a dnsmasq can do, from its own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// It listens on a bridge whatever addresses that has, and nowhere else (`--bind-dynamic`, since 2.63).
    pub bind_dynamic: bool,
    /// It tells IPv6 guests where they are without giving them addresses (`ra-only`, since 2.64).
    pub router: bool,
    /// It can say that it is no router (`--ra-param`, since 2.73).
    pub ra_param: bool,
}

impl Capabilities {
    /// Those of every dnsmasq that distributions still have.
    pub const CURRENT: Self = Self { bind_dynamic: true, router: true, ra_param: true };

    /// What the program says for `--version` and `--help`.
    ///
    /// ```
    /// use virt_network::dnsmasq::Capabilities;
    /// let old = Capabilities::read("Dnsmasq version 2.48");
    /// assert!(!old.bind_dynamic && !old.ra_param);
    /// assert!(Capabilities::read("dnsmasq 2.63 with --bind-dynamic").bind_dynamic);
    /// ```
    #[must_use]
    pub fn read(words: &str) -> Self {
        Self {
            bind_dynamic: words.contains("--bind-dynamic"),
            router: version(words) >= Some((2, 64)),
            ra_param: words.contains("--ra-param"),
        }
    }
}

/// The first two numbers of the first version in a text.
fn version(words: &str) -> Option<(u32, u32)> {
    words.split_whitespace().find_map(|word| {
        let (major, minor) = word.split_once('.')?;
        let digits = minor.find(|c: char| !c.is_ascii_digit()).unwrap_or(minor.len());
        Some((major.parse().ok()?, minor[..digits].parse().ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found() {
        for (words, expected) in [
            ("Dnsmasq version 2.89  Copyright", Some((2, 89))),
            ("dnsmasq 2.64rc1", Some((2, 64))),
            ("dnsmasq", None),
        ] {
            assert_eq!(version(words), expected);
        }
    }
}
