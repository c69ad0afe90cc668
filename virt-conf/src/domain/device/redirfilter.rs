//! `<redirfilter>`: which redirected USB devices the guest may have.

use virt_types::{ErrorCode, ErrorDomain};
use virt_xml::number::{Base, parse_u32};
use virt_xml::{Element, Writer};

use super::{Device, FormatContext, ParseContext};
use crate::Result;
use crate::common::DeviceInfo;
use crate::error::{unsupported, xml_error};
use crate::grammar::Part;

/// Rules, of which the first that fits decides.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Redirfilter {
    /// `<usbdev>`.
    pub rules: Vec<RedirRule>,
}

/// A rule about devices; absent parts fit every device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RedirRule {
    /// `class`: the device's class code, at most 0xff.
    pub class: Option<u32>,
    /// `vendor`.
    pub vendor: Option<u32>,
    /// `product`.
    pub product: Option<u32>,
    /// `version` as USB has it: decimal digits, two before the point and two after.
    pub version: Option<u32>,
    /// `allow`.
    pub allow: bool,
}

impl RedirRule {
    fn parse(el: Element<'_>) -> Result<Self> {
        let number = |name| -> Result<Option<i32>> { el.attr_i32(name, Base::Any) };
        let class = number("class")?;
        if let Some(class) = class.filter(|class| *class != -1 && !(0..=0xff).contains(class)) {
            let detail = format!("Invalid USB Class code 0x{class:x}");
            return Err(el.attr_error("class", ErrorCode::InternalError, ErrorDomain::Domain, detail));
        }
        let vendor = number("vendor")?;
        let product = number("product")?;
        let version = match el.attr("version") {
            None | Some("-1") => None,
            Some(text) => Some(parse_version(text).ok_or_else(|| {
                xml_error(format!("Cannot parse USB device version {text}")).at(el.place())
            })?),
        };
        let allow = el.required("allow", el.attr_yes_no("allow")?)?;
        let known = |value: Option<i32>| value.and_then(|value| u32::try_from(value).ok());
        Ok(Self { class: known(class), vendor: known(vendor), product: known(product), version, allow })
    }

    fn format(&self, w: &mut Writer) {
        w.element("usbdev", |w| {
            w.attr_opt("class", self.class.map(|class| format!("0x{class:02X}")));
            w.attr_opt("vendor", self.vendor.map(|vendor| format!("0x{vendor:04X}")));
            w.attr_opt("product", self.product.map(|product| format!("0x{product:04X}")));
            w.attr_opt("version", self.version.map(format_version));
            w.attr_yes_no("allow", Some(self.allow));
        });
    }
}

/// `JJ.MN` in the form that USB has: a decimal digit in every four bits.
fn parse_version(text: &str) -> Option<u32> {
    let (major, minor) = text.split_once('.')?;
    let (high, low) = (parse_u32(major, Base::Ten)?, parse_u32(minor, Base::Ten)?);
    if high >= 100 || low >= 100 {
        return None;
    }
    // A single digit after the point counts tenths.
    let low = if minor.len() == 1 { low * 10 } else { low };
    Some((high / 10) << 12 | (high % 10) << 8 | (low / 10) << 4 | (low % 10))
}

fn format_version(version: u32) -> String {
    let digit = |shift: u32| (version >> shift) & 0xf;
    format!("{}.{:02}", digit(12) * 10 + digit(8), digit(4) * 10 + digit(0))
}

impl Device for Redirfilter {
    const ELEMENT: &'static str = "redirfilter";
    const GRAMMAR: &'static [Part] = GRAMMAR;

    fn parse(el: Element<'_>, _cx: &ParseContext<'_>) -> Result<Self> {
        Ok(Self { rules: el.children_named("usbdev").map(RedirRule::parse).collect::<Result<_>>()? })
    }

    fn format(&self, w: &mut Writer, _cx: &FormatContext<'_>) {
        if self.rules.is_empty() {
            return;
        }
        w.element(Self::ELEMENT, |w| {
            for rule in &self.rules {
                rule.format(w);
            }
        });
    }

    fn info(&self) -> Option<&DeviceInfo> {
        None
    }

    fn info_mut(&mut self) -> Option<&mut DeviceInfo> {
        None
    }

    fn check_abi(&self, target: &Self) -> Result<()> {
        let (source, wanted) = (self.rules.len(), target.rules.len());
        if source != wanted {
            return Err(unsupported(format!(
                "Target USB redirection filter rule count {wanted} does not match source {source}"
            )));
        }
        for (source, target) in self.rules.iter().zip(&target.rules) {
            let part = [
                ("Class code", source.class != target.class),
                ("vendor ID", source.vendor != target.vendor),
                ("product ID", source.product != target.product),
                ("version", source.version != target.version),
                ("allow", source.allow != target.allow),
            ];
            if let Some((name, _)) = part.into_iter().find(|(_, differs)| *differs) {
                return Err(unsupported(format!("Target USB {name} does not match source")));
            }
        }
        Ok(())
    }
}

grammar! {
    GRAMMAR = [Many("usbdev", &[
        Attr("class", Str), Attr("vendor", Str), Attr("product", Str), Attr("version", Str), Must("allow", YesNo),
    ])];
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;
    use super::*;

    #[test]
    fn rules_keep_their_order_and_their_wildcards() {
        for (xml, expected) in [
            (
                "<redirfilter><usbdev class='8' vendor='0x1234' product='0xBEEF' version='2.0' allow='yes'/><usbdev vendor='-1' version='4.07' allow='no'/></redirfilter>",
                "<redirfilter>\n  <usbdev class='0x08' vendor='0x1234' product='0xBEEF' version='2.00' allow='yes'/>\n  <usbdev version='4.07' allow='no'/>\n</redirfilter>",
            ),
            ("<redirfilter/>", ""),
            (
                "<redirfilter><usbdev class='0x100' allow='yes'/></redirfilter>",
                "internal error: Invalid USB Class code 0x100",
            ),
            (
                "<redirfilter><usbdev version='2' allow='yes'/></redirfilter>",
                "XML error: Cannot parse USB device version 2",
            ),
            (
                "<redirfilter><usbdev/></redirfilter>",
                "XML error: Missing required attribute 'allow' in element 'usbdev'",
            ),
        ] {
            check::<Redirfilter>(xml, expected);
        }
    }
}
