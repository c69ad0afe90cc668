//! `<bond>`: several cards that act as one.

use virt_types::{TextEnum, text_enum};
use virt_xml::number::{Base, parse_i32};
use virt_xml::{Element, Writer};

use super::{HostInterface, InterfaceType, REFUSE, parse_ports};
use crate::Result;

text_enum! {
    /// Which card sends what.
    pub enum BondMode {
        BalanceRr = "balance-rr", ActiveBackup = "active-backup", BalanceXor = "balance-xor",
        Broadcast = "broadcast", Lacp = "802.3ad", BalanceTlb = "balance-tlb", BalanceAlb = "balance-alb",
    }
}

text_enum! {
    /// How the state of a card is asked for.
    pub enum MiiCarrier { Ioctl = "ioctl", Netif = "netif" }
}

text_enum! {
    /// Which ARP traffic counts.
    pub enum ArpValidate { Active = "active", Backup = "backup", All = "all" }
}

/// Several cards that act as one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bond {
    /// `mode`
    pub mode: Option<BondMode>,
    /// How cards are watched.
    pub monitor: Option<BondMonitor>,
    /// The cards.
    pub ports: Vec<HostInterface>,
}

/// How cards are watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BondMonitor {
    /// `<miimon>`: by what they say.
    Mii {
        /// `freq`: milliseconds between looks.
        frequency: i32,
        /// `downdelay` in milliseconds.
        down_delay: i32,
        /// `updelay` in milliseconds.
        up_delay: i32,
        /// `carrier`
        carrier: Option<MiiCarrier>,
    },
    /// `<arpmon>`: by the answers of another host.
    Arp {
        /// `interval` in milliseconds.
        interval: i32,
        /// `target`: the host.
        target: String,
        /// `validate`
        validate: Option<ArpValidate>,
    },
}

impl Bond {
    pub(super) fn parse(el: Element<'_>) -> Result<Self> {
        let mode = spelled(el, "mode", "bonding mode")?;
        let ports = parse_ports(el, InterfaceType::Bond)?;
        let monitor = if let Some(mii) = el.child("miimon") {
            Some(parse_mii(mii)?)
        } else {
            el.child("arpmon").map(parse_arp).transpose()?
        };
        Ok(Self { mode, monitor, ports })
    }

    pub(super) fn format(&self, w: &mut Writer) {
        w.open_element("bond", |w| {
            w.attr_opt("mode", self.mode);
            match &self.monitor {
                None => {}
                Some(BondMonitor::Mii { frequency, down_delay, up_delay, carrier }) => {
                    w.element("miimon", |w| {
                        w.attr("freq", frequency);
                        w.attr_opt("downdelay", Some(down_delay).filter(|delay| **delay > 0));
                        w.attr_opt("updelay", Some(up_delay).filter(|delay| **delay > 0));
                        w.attr_opt("carrier", *carrier);
                    });
                }
                Some(BondMonitor::Arp { interval, target, validate }) => w.element("arpmon", |w| {
                    w.attr("interval", interval);
                    w.attr("target", target);
                    w.attr_opt("validate", *validate);
                }),
            }
            self.ports.iter().for_each(|port| port.format_into(w));
        });
    }
}

fn parse_mii(el: Element<'_>) -> Result<BondMonitor> {
    let delay = |name: &'static str| {
        let invalid = || REFUSE.xml(format!("bond interface miimon {name} invalid")).at(el.place());
        el.attr_filled(name).map_or(Ok(0), |text| parse_i32(text, Base::Ten).ok_or_else(invalid))
    };
    let frequency = el.attr("freq").and_then(|text| parse_i32(text, Base::Ten));
    Ok(BondMonitor::Mii {
        frequency: frequency
            .ok_or_else(|| REFUSE.xml("bond interface miimon freq missing or invalid").at(el.place()))?,
        down_delay: delay("downdelay")?,
        up_delay: delay("updelay")?,
        carrier: spelled(el, "carrier", "mii bonding carrier")?,
    })
}

fn parse_arp(el: Element<'_>) -> Result<BondMonitor> {
    let refuse = |detail: &str| REFUSE.xml(detail).at(el.place());
    let interval = el.attr("interval").and_then(|text| parse_i32(text, Base::Ten));
    let interval = interval.ok_or_else(|| refuse("bond interface arpmon interval missing or invalid"))?;
    let target = el.attr_filled("target").ok_or_else(|| refuse("bond interface arpmon target missing"))?;
    let validate = spelled(el, "validate", "arp bonding validate")?;
    Ok(BondMonitor::Arp { interval, target: target.to_owned(), validate })
}

fn spelled<T: TextEnum>(el: Element<'_>, name: &'static str, what: &str) -> Result<Option<T>> {
    let Some(text) = el.attr_filled(name) else { return Ok(None) };
    T::from_text(text)
        .map(Some)
        .ok_or_else(|| REFUSE.xml(format!("unknown {what} {text}")).with_hint(T::hint(text)).at(el.place()))
}
