//! The filters that come with the engine, under the names that libvirt's have.

/// A filter's name and its document.
pub type Shipped = (&'static str, &'static str);

macro_rules! shipped {
    ($($name:literal,)+) => {
        /// Every filter that comes with the engine. They have no identities: each host gives them its own.
        pub const SHIPPED: &[Shipped] =
            &[$(($name, include_str!(concat!("../filters/", $name, ".xml")))),+];
    };
}

shipped! {
    "allow-arp",
    "allow-dhcp",
    "allow-dhcp-server",
    "allow-dhcpv6",
    "allow-dhcpv6-server",
    "allow-incoming-ipv4",
    "allow-incoming-ipv6",
    "allow-ipv4",
    "allow-ipv6",
    "clean-traffic",
    "clean-traffic-gateway",
    "no-arp-ip-spoofing",
    "no-arp-mac-spoofing",
    "no-arp-spoofing",
    "no-ip-multicast",
    "no-ip-spoofing",
    "no-ipv6-multicast",
    "no-ipv6-spoofing",
    "no-mac-broadcast",
    "no-mac-spoofing",
    "no-other-l2-traffic",
    "no-other-rarp-traffic",
    "qemu-announce-self",
    "qemu-announce-self-rarp",
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use virt_conf::nwfilter::Filter;
    use virt_types::Result;

    use super::*;
    use crate::{Filters, Interface, StateMatch, Variables, missing_variables, resolve};

    struct All;

    impl Filters for All {
        fn find(&self, name: &str) -> Result<Arc<Filter>> {
            let (_, text) = SHIPPED.iter().find(|(known, _)| *known == name).expect("it comes along");
            Filter::parse(text).map(Arc::new)
        }
    }

    #[test]
    fn each_becomes_rules_with_no_more_than_the_variables_that_its_words_name() {
        let value = |name: &str, value: &str| (name.to_owned(), vec![value.to_owned()]);
        for (name, text) in SHIPPED {
            let filter = Filter::parse(text).unwrap();
            assert_eq!(filter.name, *name);
            let server = if name.contains("v6") { "fd00::1" } else { "10.0.0.1" };
            let variables = Variables::from([
                value("MAC", "52:54:00:00:00:01"),
                value("IP", "10.0.0.2"),
                value("IPV6", "fd00::2"),
                value("DHCPSERVER", server),
                value("GATEWAY_MAC", "52:54:00:00:00:02"),
            ]);
            assert!(missing_variables(&filter, &variables, &All).unwrap().is_empty(), "{name}");
            let rules = resolve(&filter, &variables, &All).unwrap();
            assert!(
                !Interface::new("vnet0").build(rules, StateMatch::Conntrack).unwrap().is_empty(),
                "{name}"
            );
        }
    }

    #[test]
    fn clean_traffic_asks_for_the_address_alone() {
        let variables = Variables::from([("MAC".to_owned(), vec!["52:54:00:00:00:01".to_owned()])]);
        let filter = All.find("clean-traffic").unwrap();
        let missing = missing_variables(&filter, &variables, &All).unwrap();
        assert!(missing.iter().eq(["IP"]), "{missing:?}");
    }
}
