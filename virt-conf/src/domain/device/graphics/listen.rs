//! `<listen>`: where a remote display waits for clients.

use virt_types::text_enum;
use virt_xml::number::Base;
use virt_xml::{Element, Writer};

use crate::domain::{FormatContext, ParseContext};
use crate::error::{unsupported, xml_error};
use crate::{FormatFlags, ParseFlags, Result};

text_enum! {
    /// The kinds of place.
    pub enum ListenType { None = "none", Address = "address", Network = "network", Socket = "socket" }
}

/// A place where a remote display waits for clients.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listen {
    /// The place.
    pub at: ListenAt,
    /// Whether it was chosen by the driver's settings. Kept in status documents only.
    pub from_config: bool,
    /// Whether the socket's path was made up by the driver. Kept in status documents only.
    pub auto_generated: bool,
}

/// The place itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ListenAt {
    /// Nowhere: clients come through the engine.
    #[default]
    None,
    /// A host address; absent where the driver's settings decide.
    Address(Option<String>),
    /// The host's address in a virtual network.
    Network {
        /// Name of the network.
        network: Option<String>,
        /// Its address, of a running domain.
        address: Option<String>,
    },
    /// A unix socket; absent where the driver makes up a path.
    Socket(Option<String>),
}

impl ListenAt {
    /// The kind of place.
    #[must_use]
    pub const fn kind(&self) -> ListenType {
        match self {
            Self::None => ListenType::None,
            Self::Address(_) => ListenType::Address,
            Self::Network { .. } => ListenType::Network,
            Self::Socket(_) => ListenType::Socket,
        }
    }

    /// The host address, where there is one.
    #[must_use]
    pub fn address(&self) -> Option<&str> {
        match self {
            Self::Address(address) | Self::Network { address, .. } => address.as_deref(),
            Self::None | Self::Socket(_) => None,
        }
    }

    /// Whether clients come over TCP.
    #[must_use]
    pub const fn is_tcp(&self) -> bool {
        matches!(self, Self::Address(_) | Self::Network { .. })
    }
}

impl From<ListenAt> for Listen {
    fn from(at: ListenAt) -> Self {
        Self { at, from_config: false, auto_generated: false }
    }
}

fn filled(text: Option<&str>) -> Option<String> {
    text.filter(|text| !text.is_empty()).map(str::to_owned)
}

impl Listen {
    /// Reads all places of a display. Old documents have one, as attributes of the display itself; `old_socket` says
    /// whether the display could have had a socket there.
    pub(super) fn parse_all(
        graphics: Element<'_>,
        old_socket: bool,
        cx: &ParseContext<'_>,
    ) -> Result<Vec<Self>> {
        let mut list = Vec::new();
        for el in graphics.children_named("listen") {
            let parent = list.is_empty().then_some(graphics);
            list.push(Self::parse(el, parent, cx)?);
        }
        let socket = graphics.attr("socket").filter(|_| old_socket);
        let address = filled(graphics.attr("listen"));
        match (list.first_mut(), socket) {
            (None, Some(socket)) => list.push(ListenAt::Socket(Some(socket.to_owned())).into()),
            (None, None) => list.push(ListenAt::Address(address).into()),
            (Some(first), Some(socket)) if first.at.is_tcp() => {
                *first = ListenAt::Socket(Some(socket.to_owned())).into();
            }
            (Some(_), _) => {}
        }
        Ok(list)
    }

    fn parse(el: Element<'_>, parent: Option<Element<'_>>, cx: &ParseContext<'_>) -> Result<Self> {
        let kind = el.required("type", el.attr_enum::<ListenType>("type")?)?;
        let mut address = el.attr("address");
        let network = filled(el.attr("network"));
        let mut socket = el.attr("socket");
        // What an old client repeats on the display has to agree.
        let repeated = |own: &mut Option<_>, old: &'static str, name: &str| {
            let outer = parent.and_then(|parent| parent.attr(old));
            if let (Some(inner), Some(outer)) = (*own, outer)
                && inner != outer
            {
                return Err(unsupported(format!(
                    "graphics '{old}' attribute '{outer}' must match '{name}' attribute of first listen element (found '{inner}')"
                ))
                .at(el.place()));
            }
            *own = own.or(outer);
            Ok(())
        };
        match kind {
            ListenType::Address => repeated(&mut address, "listen", "address")?,
            ListenType::Socket => repeated(&mut socket, "socket", "socket")?,
            ListenType::None | ListenType::Network => {}
        }
        let (address, socket) = (filled(address), filled(socket));
        if network.is_some() && kind != ListenType::Network {
            return Err(
                xml_error("'network' attribute is valid only for listen type 'network'").at(el.place())
            );
        }
        if socket.is_some() && kind != ListenType::Socket {
            return Err(xml_error("'socket' attribute is valid only for listen type 'socket'").at(el.place()));
        }
        let active = !cx.flags.contains(ParseFlags::INACTIVE);
        let mut listen = Self::from(match kind {
            ListenType::None => ListenAt::None,
            ListenType::Address => ListenAt::Address(address),
            ListenType::Network => ListenAt::Network { network, address: address.filter(|_| active) },
            ListenType::Socket => ListenAt::Socket(socket),
        });
        if cx.flags.contains(ParseFlags::STATUS) {
            listen.from_config = el.attr_i32("fromConfig", Base::Ten)?.unwrap_or(0) != 0;
            listen.auto_generated = match el.attr("autoGenerated") {
                None | Some("no") => false,
                Some("yes") => true,
                Some(other) => {
                    return Err(xml_error(format!("Invalid autoGenerated value: {other}")).at(el.place()));
                }
            };
        }
        Ok(listen)
    }

    pub(super) fn format(&self, w: &mut Writer, cx: &FormatContext<'_>) {
        w.element("listen", |w| {
            w.attr("type", self.at.kind());
            match &self.at {
                ListenAt::None => {}
                ListenAt::Address(address) => w.attr_opt("address", address.as_ref()),
                ListenAt::Network { network, address } => {
                    w.attr_opt("address", address.as_ref().filter(|_| !cx.inactive()));
                    w.attr_opt("network", network.as_ref());
                }
                ListenAt::Socket(socket) => {
                    let keep = !(self.auto_generated && cx.flags.contains(FormatFlags::MIGRATABLE));
                    w.attr_opt("socket", socket.as_ref().filter(|_| keep));
                }
            }
            if cx.flags.contains(FormatFlags::STATUS) {
                w.attr("fromConfig", u8::from(self.from_config));
                w.attr("autoGenerated", if self.auto_generated { "yes" } else { "no" });
            }
        });
    }

    /// Writes the address once more as an attribute of the display, where old clients look for it.
    pub(super) fn format_on_display(&self, w: &mut Writer, cx: &FormatContext<'_>) {
        let migratable = cx.flags.contains(FormatFlags::MIGRATABLE);
        let hidden = match &self.at {
            ListenAt::Network { .. } => cx.inactive() || migratable,
            ListenAt::None | ListenAt::Address(_) | ListenAt::Socket(_) => false,
        };
        if !(hidden || migratable && self.from_config) {
            w.attr_opt("listen", self.at.address());
        }
    }

    pub(super) fn validate_all(list: &[Self], graphics: &str, remote: bool) -> Result<()> {
        for listen in list {
            match &listen.at {
                ListenAt::Network { network: None, .. } => {
                    return Err(xml_error("'network' attribute is required for listen type 'network'"));
                }
                ListenAt::Socket(_) | ListenAt::None if !remote => {
                    return Err(unsupported(format!(
                        "listen type '{}' is not available for graphics type '{graphics}'",
                        listen.at.kind()
                    )));
                }
                ListenAt::None | ListenAt::Socket(_) | ListenAt::Address(_) | ListenAt::Network { .. } => {}
            }
        }
        Ok(())
    }
}

grammar! {
    pub(super) GRAMMAR = [
        Attr("listen", Str),
        Many("listen", &[
            Must("type", OneOf(ListenType::NAMES)), When("type", &["address", "network"], &[Attr("address", Str)]),
            When("type", &["network"], &[Attr("network", Str)]), When("type", &["socket"], &[Attr("socket", Str)]),
        ]),
    ];
}
