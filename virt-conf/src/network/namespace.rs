//! `<dnsmasq:options>`: lines for dnsmasq's configuration.

use virt_xml::{Element, Writer};

use super::REFUSE;
use crate::Result;

const URI: &str = "http://libvirt.org/schemas/network/dnsmasq/1.0";

pub(super) fn parse(network: Element<'_>) -> Result<Vec<String>> {
    let named = |el: Element<'_>, name: &str| el.name() == name;
    let groups = network.children_in_namespace(URI).filter(|el| named(*el, "options"));
    let options = groups.flat_map(|el| el.children_in_namespace(URI)).filter(|el| named(*el, "option"));
    let value = |option: Element<'_>| {
        let missing = || REFUSE.internal("No dnsmasq options value specified").at(option.place());
        option.attr("value").map(str::to_owned).ok_or_else(missing)
    };
    options.map(value).collect()
}

pub(super) fn format_declaration(w: &mut Writer) {
    w.attr("xmlns:dnsmasq", URI);
}

pub(super) fn format(options: &[String], w: &mut Writer) {
    if options.is_empty() {
        return;
    }
    w.element("dnsmasq:options", |w| {
        for option in options {
            w.element("dnsmasq:option", |w| w.attr("value", option));
        }
    });
}
