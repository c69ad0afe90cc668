//! `<driver>` of a virtio interface: who moves the packets, and what is left to the hardware.

use virt_types::{TextEnum, text_enum};
use virt_xml::number::Base;
use virt_xml::{Element, Writer};

use crate::Result;

text_enum! {
    /// Who moves the packets.
    pub enum DriverName { #[default] Default = "default", Qemu = "qemu", Vhost = "vhost" }
}

text_enum! {
    /// When packets that the guest sent are taken.
    pub enum TxMode { #[default] Default = "default", Iothread = "iothread", Timer = "timer" }
}

/// The driver of a virtio interface; what is absent or 0 is left to the hypervisor.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InterfaceDriver {
    /// `name`.
    pub name: DriverName,
    /// `txmode`.
    pub txmode: TxMode,
    /// `ioeventfd`.
    pub ioeventfd: Option<bool>,
    /// `event_idx`.
    pub event_idx: Option<bool>,
    /// `queues`: pairs of queues, 0 for one.
    pub queues: u32,
    /// `rx_queue_size`, in packets.
    pub rx_queue_size: u32,
    /// `tx_queue_size`, in packets.
    pub tx_queue_size: u32,
    /// `rss`: receive side scaling.
    pub rss: Option<bool>,
    /// `rss_hash_report`.
    pub rss_hash_report: Option<bool>,
    /// `<host>`: what the host does for the guest.
    pub host: Offloads,
    /// `<guest>`: what the guest does itself.
    pub guest: Offloads,
}

/// Work on packets that is put off; `gso` and `mrg_rxbuf` are the host's only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Offloads {
    /// `csum`: checksums.
    pub csum: Option<bool>,
    /// `gso`: segmentation of any kind.
    pub gso: Option<bool>,
    /// `tso4`: segmentation of TCP over IPv4.
    pub tso4: Option<bool>,
    /// `tso6`: segmentation of TCP over IPv6.
    pub tso6: Option<bool>,
    /// `ecn`: explicit congestion notification with segmentation.
    pub ecn: Option<bool>,
    /// `ufo`: fragmentation of UDP.
    pub ufo: Option<bool>,
    /// `mrg_rxbuf`: receive buffers are merged.
    pub mrg_rxbuf: Option<bool>,
}

impl InterfaceDriver {
    /// Reads the options that virtio interfaces have from `<driver>`.
    pub(super) fn parse(el: Element<'_>) -> Result<Self> {
        let number = |name| el.attr_u32(name, Base::Ten).map(|value| value.unwrap_or(0));
        Ok(Self {
            name: el.attr_enum_but("name", DriverName::Default)?.unwrap_or_default(),
            txmode: el.attr_enum_but("txmode", TxMode::Default)?.unwrap_or_default(),
            ioeventfd: el.attr_on_off("ioeventfd")?,
            event_idx: el.attr_on_off("event_idx")?,
            // One pair is what every interface has.
            queues: Some(number("queues")?).filter(|queues| *queues != 1).unwrap_or(0),
            rx_queue_size: number("rx_queue_size")?,
            tx_queue_size: number("tx_queue_size")?,
            rss: el.attr_on_off("rss")?,
            rss_hash_report: el.attr_on_off("rss_hash_report")?,
            host: el.child("host").map(|host| Offloads::parse(host, true)).transpose()?.unwrap_or_default(),
            guest: el
                .child("guest")
                .map(|guest| Offloads::parse(guest, false))
                .transpose()?
                .unwrap_or_default(),
        })
    }

    /// Writes the attributes of `<driver>`.
    pub(super) fn format_attributes(&self, w: &mut Writer) {
        let number = |w: &mut Writer, name, value: u32| w.attr_opt(name, (value > 0).then_some(value));
        if self.name != DriverName::Default {
            w.attr("name", self.name.text());
        }
        if self.txmode != TxMode::Default {
            w.attr("txmode", self.txmode.text());
        }
        w.attr_on_off("ioeventfd", self.ioeventfd);
        w.attr_on_off("event_idx", self.event_idx);
        number(w, "queues", self.queues);
        number(w, "rx_queue_size", self.rx_queue_size);
        number(w, "tx_queue_size", self.tx_queue_size);
        w.attr_on_off("rss", self.rss);
        w.attr_on_off("rss_hash_report", self.rss_hash_report);
    }

    /// Writes the children of `<driver>`.
    pub(super) fn format_children(&self, w: &mut Writer) {
        self.host.format(w, "host");
        self.guest.format(w, "guest");
    }
}

impl Offloads {
    fn parse(el: Element<'_>, host: bool) -> Result<Self> {
        Ok(Self {
            csum: el.attr_on_off("csum")?,
            gso: if host { el.attr_on_off("gso")? } else { None },
            tso4: el.attr_on_off("tso4")?,
            tso6: el.attr_on_off("tso6")?,
            ecn: el.attr_on_off("ecn")?,
            ufo: el.attr_on_off("ufo")?,
            mrg_rxbuf: if host { el.attr_on_off("mrg_rxbuf")? } else { None },
        })
    }

    fn format(&self, w: &mut Writer, name: &str) {
        w.element_if_any(name, |w| {
            w.attr_on_off("csum", self.csum);
            w.attr_on_off("gso", self.gso);
            w.attr_on_off("tso4", self.tso4);
            w.attr_on_off("tso6", self.tso6);
            w.attr_on_off("ecn", self.ecn);
            w.attr_on_off("ufo", self.ufo);
            w.attr_on_off("mrg_rxbuf", self.mrg_rxbuf);
        });
    }
}

grammar! {
    pub(super) GRAMMAR = [
        Attr("name", OneOf(&["qemu", "vhost", "kvm", "vfio", "xen"])), Attr("txmode", OneOf(&["iothread", "timer"])),
        Attr("ioeventfd", OnOff), Attr("event_idx", OnOff), Attr("queues", POSITIVE), Attr("rx_queue_size", U32),
        Attr("tx_queue_size", U32), Attr("rss", OnOff), Attr("rss_hash_report", OnOff),
        Opt("host", &[
            Attr("csum", OnOff), Attr("gso", OnOff), Attr("tso4", OnOff), Attr("tso6", OnOff), Attr("ecn", OnOff),
            Attr("ufo", OnOff), Attr("mrg_rxbuf", OnOff),
        ]),
        Opt("guest", &[Attr("csum", OnOff), Attr("tso4", OnOff), Attr("tso6", OnOff), Attr("ecn", OnOff), Attr("ufo", OnOff)]),
        With(crate::common::virtio_driver::VIRTIO),
    ];
}
