//! `<bandwidth>`: limits of a port, in KiB per second and KiB.

use virt_types::{Error, ErrorCode, ErrorDomain};
use virt_xml::number::Base;
use virt_xml::{Element, Writer};

use crate::Result;
use crate::error::unsupported;

/// Limits in both directions, as the guest sees them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bandwidth {
    /// `<inbound>`: what the guest receives.
    pub inbound: Option<Rate>,
    /// `<outbound>`: what the guest sends.
    pub outbound: Option<Rate>,
}

/// The limits of one direction; 0 where not given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rate {
    /// `average`: KiB per second in the long run.
    pub average: u64,
    /// `peak`: KiB per second within a burst.
    pub peak: u64,
    /// `burst`: KiB that may pass at peak rate.
    pub burst: u64,
    /// `floor`: KiB per second that are guaranteed.
    pub floor: u64,
}

impl Bandwidth {
    /// Reads a `<bandwidth>` element; `None` where it limits nothing.
    ///
    /// # Errors
    /// For rates without `average` or `floor`, and for a `floor` where it can not be kept.
    pub fn parse(el: Element<'_>, allow_floor: bool) -> Result<Option<Self>> {
        match Self::parse_with_class(el, allow_floor)? {
            (bandwidth, None) => Ok(bandwidth),
            (_, Some(_)) => {
                let words = "classID attribute not supported on <bandwidth> in this usage context";
                Err(detail(words).at(el.place()))
            }
        }
    }

    /// Reads a `<bandwidth>` element, and the number of its traffic class.
    ///
    /// # Errors
    /// As [`Bandwidth::parse`], but for the class.
    pub fn parse_with_class(el: Element<'_>, allow_floor: bool) -> Result<(Option<Self>, Option<u32>)> {
        let class_id = el.attr_u32("classID", Base::Ten)?;
        let inbound = el.child("inbound").map(|rate| Rate::parse(rate, allow_floor)).transpose()?;
        let outbound = el.child("outbound").map(|rate| Rate::parse(rate, false)).transpose()?;
        Ok(((inbound.is_some() || outbound.is_some()).then_some(Self { inbound, outbound }), class_id))
    }

    /// Writes the element.
    pub fn format(&self, w: &mut Writer) {
        self.format_with_class(w, 0);
    }

    /// Writes the element with the number of a traffic class; 0 for none.
    pub fn format_with_class(&self, w: &mut Writer, class_id: u32) {
        w.element("bandwidth", |w| {
            w.attr_opt("classID", (class_id > 0).then_some(class_id));
            for (name, rate) in [("inbound", &self.inbound), ("outbound", &self.outbound)] {
                if let Some(rate) = rate {
                    rate.format(w, name);
                }
            }
        });
    }
}

impl Rate {
    fn parse(el: Element<'_>, allow_floor: bool) -> Result<Self> {
        let average = el.attr_u64("average", Base::Ten)?;
        let peak = el.attr_u64("peak", Base::Ten)?;
        let burst = el.attr_u64("burst", Base::Ten)?;
        let floor = el.attr_u64("floor", Base::Ten)?;
        if average.is_none() && floor.is_none() {
            return Err(detail("Missing mandatory average or floor attributes").at(el.place()));
        }
        if (peak.is_some() || burst.is_some()) && average.is_none() {
            return Err(unsupported("'peak' and 'burst' require 'average' attribute").at(el.place()));
        }
        if floor.is_some() && !allow_floor {
            return Err(unsupported("floor attribute is not supported for this config").at(el.place()));
        }
        Ok(Self {
            average: average.unwrap_or(0),
            peak: peak.unwrap_or(0),
            burst: burst.unwrap_or(0),
            floor: floor.unwrap_or(0),
        })
    }

    fn format(&self, w: &mut Writer, name: &str) {
        if self.average == 0 && self.floor == 0 {
            return;
        }
        w.element(name, |w| {
            for (name, value) in
                [("average", self.average), ("peak", self.peak), ("floor", self.floor), ("burst", self.burst)]
            {
                w.attr_opt(name, (value > 0).then_some(value));
            }
        });
    }
}

fn detail(text: &str) -> Error {
    Error::new(ErrorCode::XmlDetail, ErrorDomain::Network, text)
}

grammar! {
    /// `<bandwidth>`
    pub BANDWIDTH = [
        Attr("classID", U32),
        Opt("inbound", &[Attr("average", U64), Attr("peak", U64), Attr("floor", U64), Attr("burst", U64)]),
        Opt("outbound", &[Attr("average", U64), Attr("peak", U64), Attr("burst", U64)]),
    ];
}

#[cfg(test)]
mod tests {
    use virt_xml::Document;

    use super::*;

    #[test]
    fn rates_need_an_average_or_a_floor() {
        for (xml, floor, expected) in [
            ("<bandwidth/>", true, ""),
            (
                "<bandwidth><inbound average='1000' burst='1' floor='9'/></bandwidth>",
                true,
                "<bandwidth>\n  <inbound average='1000' floor='9' burst='1'/>\n</bandwidth>\n",
            ),
            ("<bandwidth><inbound average='0'/></bandwidth>", true, "<bandwidth/>\n"),
            (
                "<bandwidth><inbound floor='9'/></bandwidth>",
                false,
                "unsupported configuration: floor attribute is not supported for this config",
            ),
            (
                "<bandwidth><inbound floor='9' peak='1'/></bandwidth>",
                true,
                "unsupported configuration: 'peak' and 'burst' require 'average' attribute",
            ),
        ] {
            let document = Document::parse(xml).unwrap();
            let mut w = Writer::new();
            let written = match Bandwidth::parse(document.root(), floor) {
                Ok(bandwidth) => {
                    bandwidth.iter().for_each(|bandwidth| bandwidth.format(&mut w));
                    w.finish()
                }
                Err(error) => error.to_string(),
            };
            assert_eq!(written, expected, "{xml}");
        }
    }
}
