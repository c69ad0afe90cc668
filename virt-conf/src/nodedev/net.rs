//! `<capability type='net'>`: a network device.

use std::collections::BTreeSet;

use virt_types::{TextEnum, text_enum};
use virt_xml::{Element, Writer};

use super::{REFUSE, supplied};
use crate::Result;
use crate::common::Link;

text_enum! {
    /// What a network device does by itself.
    pub enum NetFeature {
        Rx = "rx", Tx = "tx", Sg = "sg", Tso = "tso", Gso = "gso", Gro = "gro", Lro = "lro", RxVlan = "rxvlan",
        TxVlan = "txvlan", Ntuple = "ntuple", RxHash = "rxhash", Rdma = "rdma", TxUdpTnl = "txudptnl",
        Switchdev = "switchdev",
    }
}

text_enum! {
    /// The kind of network.
    pub enum NetKind { Ethernet = "80203", Wireless = "80211" }
}

/// A network device.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NetCapability {
    /// `<interface>`: its name.
    pub interface: String,
    /// `<address>`: its Ethernet address as written.
    pub address: Option<String>,
    /// `<link>`
    pub link: Link,
    /// `<feature>`
    pub features: BTreeSet<NetFeature>,
    /// `<capability>`
    pub kind: Option<NetKind>,
}

impl NetCapability {
    pub(super) fn parse(el: Element<'_>, device: &str) -> Result<Self> {
        let interface =
            el.child_text("interface").ok_or_else(|| supplied("no", "network interface", device, el))?;
        let mut features = BTreeSet::new();
        for feature in el.children_named("feature") {
            let refuse = |detail: &str| REFUSE.xml(detail).at(feature.place());
            let name = feature.attr("name").ok_or_else(|| refuse("missing network device feature name"))?;
            let unknown = || refuse(&format!("unknown network device feature '{name}'"));
            features.insert(NetFeature::from_text(name).ok_or_else(unknown)?);
        }
        let kind = match el.child("capability").and_then(|kind| kind.attr_filled("type")) {
            None => None,
            Some(text) => Some(NetKind::from_text(text).ok_or_else(|| {
                REFUSE.unsupported(format!("invalid network type supplied for '{device}'")).at(el.place())
            })?),
        };
        let address = el.child_text("address");
        Ok(Self { interface, address, link: Link::parse_child(el)?, features, kind })
    }

    pub(super) fn format(&self, w: &mut Writer) {
        w.text_element("interface", &self.interface);
        w.text_element_opt("address", self.address.as_ref());
        self.link.format(w);
        for feature in &self.features {
            w.element("feature", |w| w.attr("name", feature));
        }
        if let Some(kind) = self.kind {
            w.element("capability", |w| w.attr("type", kind));
        }
    }
}
