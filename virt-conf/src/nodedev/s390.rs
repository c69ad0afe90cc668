//! Channel-attached devices, subchannels and cryptographic cards of s390x.

use virt_xml::number::{Base, parse_u32};
use virt_xml::{Element, Writer};

use super::REFUSE;
use super::mdev::{self, MdevType};
use crate::Result;

/// Where a channel-attached device is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CcwAddress {
    /// `<cssid>`: the channel subsystem.
    pub cssid: u32,
    /// `<ssid>`: the set of subchannels.
    pub ssid: u32,
    /// `<devno>`: the number in it.
    pub devno: u32,
}

/// A subchannel.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Css {
    /// Where it is.
    pub address: CcwAddress,
    /// `<channel_dev_addr>`: the device on it.
    pub channel_device: Option<CcwAddress>,
    /// `<capability type='mdev_types'>`
    pub mdev_types: Option<Vec<MdevType>>,
}

fn number(el: Element<'_>, child: &'static str, base: Base, device: &str) -> Result<u32> {
    let refuse = |detail: String| REFUSE.unsupported(detail).at(el.place());
    let text = el.child_text(child).ok_or_else(|| refuse(format!("missing {child} value for '{device}'")))?;
    parse_u32(&text, base).ok_or_else(|| refuse(format!("invalid {child} value '{text}' for '{device}'")))
}

impl CcwAddress {
    pub(super) fn parse(el: Element<'_>, device: &str) -> Result<Self> {
        Ok(Self {
            cssid: number(el, "cssid", Base::Any, device)?,
            ssid: number(el, "ssid", Base::Any, device)?,
            devno: number(el, "devno", Base::Sixteen, device)?,
        })
    }

    pub(super) fn format(self, w: &mut Writer) {
        w.text_element("cssid", format_args!("0x{:x}", self.cssid));
        w.text_element("ssid", format_args!("0x{:x}", self.ssid));
        w.text_element("devno", format_args!("0x{:04x}", self.devno));
    }
}

impl Css {
    pub(super) fn parse(el: Element<'_>, device: &str) -> Result<Self> {
        let channel = |channel| CcwAddress::parse(channel, device);
        Ok(Self {
            address: CcwAddress::parse(el, device)?,
            mdev_types: mdev::parse_inner_types(el)?,
            channel_device: el.child("channel_dev_addr").map(channel).transpose()?,
        })
    }

    pub(super) fn format(&self, w: &mut Writer) {
        self.address.format(w);
        if let Some(device) = self.channel_device {
            w.element("channel_dev_addr", |w| device.format(w));
        }
        if let Some(types) = &self.mdev_types {
            mdev::format_types(types, w);
        }
    }
}

pub(super) fn parse_adapter(el: Element<'_>, device: &str) -> Result<u32> {
    number(el, "ap-adapter", Base::Any, device)
}

pub(super) fn parse_domain(el: Element<'_>, device: &str) -> Result<u32> {
    let domain = number(el, "ap-domain", Base::Any, device)?;
    if domain > 255 {
        let text = el.child_text("ap-domain").unwrap_or_default();
        let detail = format!("ap-domain value '{text}' is out of range for '{device}'");
        return Err(REFUSE.unsupported(detail).at(el.place()));
    }
    Ok(domain)
}
