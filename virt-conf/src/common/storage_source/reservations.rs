//! `<reservations>`: SCSI persistent reservations through a helper process.

use virt_xml::{Element, Writer};

use crate::error::xml_error;
use crate::{FormatFlags, Result};

/// How the guest's reservations reach the device.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reservations {
    /// `managed`: the engine runs the helper.
    pub managed: bool,
    /// `<source path='…'/>`: the helper's socket.
    pub path: Option<String>,
}

impl Reservations {
    pub(super) fn parse(el: Element<'_>) -> Result<Self> {
        let managed = el.required("managed", el.attr_yes_no("managed")?)?;
        let source = el.child("source");
        let text = |name| source.and_then(|source| source.attr(name)).filter(|text| !text.is_empty());
        let (kind, path, mode) = (text("type"), text("path"), text("mode"));
        let fail = |detail: String| Err(xml_error(detail).at(source.unwrap_or(el).place()));
        if !managed || kind.is_some() || path.is_some() || mode.is_some() {
            for (what, value) in [("connection type", kind), ("path", path), ("connection mode", mode)] {
                if value.is_none() {
                    return fail(format!("missing {what} for <reservations/>"));
                }
            }
        }
        if let Some(kind) = kind.filter(|kind| *kind != "unix") {
            return fail(format!("unsupported connection type for <reservations/>: {kind}"));
        }
        if let Some(mode) = mode.filter(|mode| *mode != "client") {
            return fail(format!("unsupported connection mode for <reservations/>: {mode}"));
        }
        Ok(Self { managed, path: path.map(str::to_owned) })
    }

    pub(super) fn format(&self, w: &mut Writer, flags: FormatFlags) {
        let migratable = flags.contains(FormatFlags::MIGRATABLE);
        w.element("reservations", |w| {
            w.attr_yes_no("managed", Some(self.managed));
            if let Some(path) = self.path.as_ref().filter(|_| !self.managed || !migratable) {
                w.element("source", |w| {
                    w.attr("type", "unix");
                    w.attr("path", path);
                    w.attr("mode", "client");
                });
            }
        });
    }
}

grammar! {
    /// `<reservations>`
    pub(super) RESERVATIONS = [
        Must("managed", YesNo),
        Opt("source", &[Must("type", OneOf(&["unix"])), Must("path", PATH), Must("mode", OneOf(&["client"]))]),
    ];
}
