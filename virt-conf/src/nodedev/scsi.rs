//! SCSI hosts, targets and devices.

use virt_xml::number::{Base, parse_i32};
use virt_xml::{Element, Writer};

use super::{Origin, REFUSE, inner_capabilities, number, supplied};
use crate::Result;

/// A SCSI host.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScsiHost {
    /// `<host>`: its number; 0 of one that is to be made.
    pub host: u32,
    /// `<unique_id>`: its number among those of the same device.
    pub unique_id: Option<i32>,
    /// `<capability type='fc_host'>`
    pub fc_host: Option<FcHost>,
    /// `<capability type='vport_ops'>`
    pub vport_ops: Option<VportOps>,
}

/// A host of Fibre Channel.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FcHost {
    /// `<wwnn>`; absent until the engine makes one up.
    pub wwnn: Option<String>,
    /// `<wwpn>`; absent until the engine makes one up.
    pub wwpn: Option<String>,
    /// `<fabric_wwn>`
    pub fabric_wwn: Option<String>,
}

/// How many virtual hosts there can be and are. Never read from a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct VportOps {
    /// `<max_vports>`
    pub max_vports: i32,
    /// `<vports>`
    pub vports: i32,
}

/// A SCSI target.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScsiTarget {
    /// `<target>`: its name.
    pub target: String,
    /// `<capability type='fc_remote_port'>`
    pub remote_port: Option<RemotePort>,
}

/// The port of Fibre Channel behind which a target is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RemotePort {
    /// `<rport>`: its name.
    pub rport: String,
    /// `<wwpn>`
    pub wwpn: String,
}

/// A SCSI device.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scsi {
    /// `<host>`
    pub host: u32,
    /// `<bus>`
    pub bus: u32,
    /// `<target>`
    pub target: u32,
    /// `<lun>`
    pub lun: u32,
    /// `<type>`, such as `disk`.
    pub kind: Option<String>,
}

impl ScsiHost {
    pub(super) fn parse(el: Element<'_>, device: &str, origin: Origin) -> Result<Self> {
        let mut host = Self::default();
        match origin {
            Origin::New => el.pass_over(&["host", "unique_id"]),
            Origin::Existing => {
                host.host = number(el, "host", "SCSI host ID", device)?;
                if let Some(text) = el.child_text("unique_id") {
                    let id = parse_i32(&text, Base::Ten)
                        .ok_or_else(|| supplied("invalid", "unique_id", device, el))?;
                    host.unique_id = Some(id).filter(|id| *id != -1);
                }
            }
        }
        let missing = REFUSE.internal(format!("missing SCSI host capability type for '{device}'"));
        for (kind, inner) in inner_capabilities(el, &missing)? {
            match kind {
                "vport_ops" => {
                    inner.pass_over(&["max_vports", "vports"]);
                    host.vport_ops = Some(VportOps::default());
                }
                "fc_host" => {
                    host.fc_host = Some(FcHost {
                        wwnn: inner.child_text("wwnn"),
                        wwpn: inner.child_text("wwpn"),
                        fabric_wwn: inner.child_text("fabric_wwn"),
                    });
                }
                kind => {
                    let detail = format!("unknown SCSI host capability type '{kind}' for '{device}'");
                    return Err(REFUSE.internal(detail).at(inner.place()));
                }
            }
        }
        Ok(host)
    }

    pub(super) fn format(&self, w: &mut Writer) {
        w.text_element("host", self.host);
        w.text_element_opt("unique_id", self.unique_id);
        if let Some(fc) = &self.fc_host {
            w.open_element("capability", |w| {
                w.attr("type", "fc_host");
                w.text_element_opt("wwnn", fc.wwnn.as_ref());
                w.text_element_opt("wwpn", fc.wwpn.as_ref());
                w.text_element_opt("fabric_wwn", fc.fabric_wwn.as_ref());
            });
        }
        if let Some(ops) = &self.vport_ops {
            w.element("capability", |w| {
                w.attr("type", "vport_ops");
                w.text_element("max_vports", ops.max_vports);
                w.text_element("vports", ops.vports);
            });
        }
    }
}

impl ScsiTarget {
    pub(super) fn parse(el: Element<'_>, device: &str) -> Result<Self> {
        let target = el.child_text("target").ok_or_else(|| supplied("no", "target name", device, el))?;
        let mut remote_port = None;
        let missing = REFUSE.internal(format!("missing type for SCSI target capability for '{device}'"));
        for (kind, inner) in inner_capabilities(el, &missing)? {
            let refuse = |detail: String| REFUSE.internal(detail).at(inner.place());
            if kind != "fc_remote_port" {
                return Err(refuse(format!("unknown SCSI target capability type '{kind}' for '{device}'")));
            }
            let text = |name: &'static str, what: &str| {
                inner.child_text(name).ok_or_else(|| refuse(format!("missing {what} for '{device}'")))
            };
            let port =
                RemotePort { rport: text("rport", "rport name")?, wwpn: text("wwpn", "wwpn identifier")? };
            remote_port = Some(port);
        }
        Ok(Self { target, remote_port })
    }

    pub(super) fn format(&self, w: &mut Writer) {
        w.text_element("target", &self.target);
        if let Some(port) = &self.remote_port {
            w.element("capability", |w| {
                w.attr("type", "fc_remote_port");
                w.text_element("rport", &port.rport);
                w.text_element("wwpn", &port.wwpn);
            });
        }
    }
}

impl Scsi {
    pub(super) fn parse(el: Element<'_>, device: &str) -> Result<Self> {
        Ok(Self {
            host: number(el, "host", "SCSI host ID", device)?,
            bus: number(el, "bus", "SCSI bus ID", device)?,
            target: number(el, "target", "SCSI target ID", device)?,
            lun: number(el, "lun", "SCSI LUN ID", device)?,
            kind: el.child_text("type"),
        })
    }

    pub(super) fn format(&self, w: &mut Writer) {
        w.text_element("host", self.host);
        w.text_element("bus", self.bus);
        w.text_element("target", self.target);
        w.text_element("lun", self.lun);
        w.text_element_opt("type", self.kind.as_ref());
    }
}
