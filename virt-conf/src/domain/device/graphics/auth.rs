//! The password of a remote display.

use virt_types::{TextEnum, text_enum};
use virt_xml::{Element, Writer};

use super::GraphicsType;
use crate::common::UtcTime;
use crate::domain::FormatContext;
use crate::error::{internal, unsupported, unsupported_value};
use crate::{FormatFlags, Result};

text_enum! {
    /// What happens to clients that are connected when the password changes.
    pub enum Connected { Fail = "fail", Disconnect = "disconnect", Keep = "keep" }
}

/// A password and what goes with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphicsAuth {
    /// `passwd`.
    pub password: String,
    /// `passwdValidTo`.
    pub valid_to: Option<UtcTime>,
    /// `connected`.
    pub connected: Option<Connected>,
}

impl GraphicsAuth {
    pub(super) fn parse(graphics: Element<'_>, kind: GraphicsType) -> Result<Option<Self>> {
        let [valid_to, connected] = [graphics.attr("passwdValidTo"), graphics.attr("connected")];
        let Some(password) = graphics.attr("passwd") else { return Ok(None) };
        let valid_to = valid_to
            .map(|text| {
                text.parse().map_err(|expected| {
                    let detail = format!("cannot parse password validity time '{text}', {expected}");
                    internal(detail).at(graphics.place())
                })
            })
            .transpose()?;
        let connected = connected
            .map(|text| {
                Connected::from_text(text).ok_or_else(|| {
                    unsupported_value(graphics, "connected", format!("unknown connected value {text}"))
                })
            })
            .transpose()?;
        if kind == GraphicsType::Vnc && connected.is_some_and(|connected| connected != Connected::Keep) {
            return Err(unsupported("VNC supports connected='keep' only").at(graphics.place()));
        }
        Ok(Some(Self { password: password.to_owned(), valid_to, connected }))
    }

    pub(super) fn format(&self, w: &mut Writer, cx: &FormatContext<'_>) {
        if cx.flags.contains(FormatFlags::SECURE) {
            w.attr("passwd", &self.password);
        }
        w.attr_opt("passwdValidTo", self.valid_to);
        w.attr_opt("connected", self.connected);
    }
}

grammar! {
    pub(super) GRAMMAR = [
        Attr("passwd", Str), Attr("passwdValidTo", Str), Attr("connected", OneOf(Connected::NAMES)),
    ];
}
