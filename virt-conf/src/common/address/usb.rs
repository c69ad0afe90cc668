//! `<address type='usb'/>`.

use std::fmt;

use virt_types::{ErrorCode, ErrorDomain};
use virt_xml::number::{self, Base};
use virt_xml::{Element, Writer};

use crate::Result;

/// The deepest chain of hubs that USB allows, plus one.
const MAX_PORT_DEPTH: usize = 4;

/// A port of a USB bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usb {
    /// Index of the USB controller.
    pub bus: u32,
    /// Ports from the root hub down; zeros end the chain, and all zeros ask for any port.
    pub port: [u32; MAX_PORT_DEPTH],
}

impl Usb {
    /// Whether a port is given.
    #[must_use]
    pub fn has_port(&self) -> bool {
        self.port != [0; MAX_PORT_DEPTH]
    }

    /// The port in the form `1.2`.
    #[must_use]
    pub fn port_text(&self) -> String {
        self.port.iter().take_while(|port| **port != 0).map(u32::to_string).collect::<Vec<_>>().join(".")
    }

    pub(super) fn parse(el: Element<'_>) -> Result<Self> {
        let port = match el.attr("port") {
            None => [0; MAX_PORT_DEPTH],
            Some(text) => parse_port(text).ok_or_else(|| {
                let detail = "Cannot parse <address> 'port' attribute";
                el.attr_error("port", ErrorCode::InternalError, ErrorDomain::Device, detail)
            })?,
        };
        Ok(Self { bus: el.attr_u32("bus", Base::Ten)?.unwrap_or(0), port })
    }

    pub(super) fn format(&self, w: &mut Writer) {
        w.attr("bus", self.bus);
        if self.has_port() {
            w.attr("port", self.port_text());
        }
    }
}

fn parse_port(text: &str) -> Option<[u32; MAX_PORT_DEPTH]> {
    let mut port = [0; MAX_PORT_DEPTH];
    let mut parts = text.split('.');
    for slot in &mut port {
        match parts.next() {
            Some(part) => *slot = number::parse_u32(part, Base::Ten)?,
            None => break,
        }
    }
    parts.next().is_none().then_some(port)
}

impl fmt::Display for Usb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.bus, self.port_text())
    }
}
