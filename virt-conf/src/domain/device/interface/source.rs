//! What an interface is connected to on the host: its type and `<source>`.

use virt_types::{TextEnum, Uuid, text_enum};
use virt_xml::number::Base;
use virt_xml::{Element, Writer};

use crate::common::chardev::{Reconnect, UnixSource};
use crate::common::{Address, Chardev, ChardevSource};
use crate::error::{unsupported, xml_error};
use crate::{ParseFlags, Result};

text_enum! {
    /// The kinds of connection, as `type` spells them.
    pub enum InterfaceType {
        #[default] User = "user", Ethernet = "ethernet", Vhostuser = "vhostuser", Server = "server",
        Client = "client", Mcast = "mcast", Network = "network", Bridge = "bridge", Internal = "internal",
        Direct = "direct", Hostdev = "hostdev", Udp = "udp", Vdpa = "vdpa", Null = "null", Vds = "vds",
    }
}

text_enum! {
    /// How guests on one link see each other.
    pub enum DirectMode {
        #[default] Vepa = "vepa", Private = "private", Bridge = "bridge", Passthrough = "passthrough",
    }
}

text_enum! {
    /// Which end of a vhost-user socket listens.
    pub enum VhostUserMode { Client = "client", Server = "server" }
}

text_enum! {
    /// Who hands a passed-through PCI device to the guest.
    pub enum PciBackend { #[default] Default = "default", Kvm = "kvm", Vfio = "vfio", Xen = "xen" }
}

/// What an interface is connected to.
#[derive(Debug, Clone, PartialEq)]
pub enum InterfaceSource {
    /// A network inside the emulator's process, or of a `passt` process.
    User {
        /// `dev`: the host's link that `passt` takes its address from.
        dev: Option<String>,
    },
    /// A tap device of its own, which nothing else of the engine looks after.
    Ethernet,
    /// A switch in another process.
    Vhostuser(Chardev),
    /// Waits for a guest's TCP connection.
    Server(SocketSource),
    /// Connects to a guest that waits.
    Client(SocketSource),
    /// A multicast group of guests.
    Mcast(SocketSource),
    /// A virtual network.
    Network {
        /// `network`.
        network: String,
        /// `portgroup`.
        portgroup: Option<String>,
        /// `portid`, of running domains only.
        portid: Option<Uuid>,
    },
    /// A bridge of the host.
    Bridge {
        /// `bridge`.
        bridge: String,
    },
    /// A network of other hypervisors.
    Internal {
        /// `name`.
        name: String,
    },
    /// A macvtap device on a link of the host.
    Direct {
        /// `dev`.
        dev: String,
        /// `mode`.
        mode: DirectMode,
    },
    /// A network device that is handed to the guest.
    Hostdev(InterfaceHostdev),
    /// A tunnel of datagrams to one other guest.
    Udp {
        /// Where datagrams go.
        remote: SocketSource,
        /// `<local>`: where they are received.
        local: SocketSource,
    },
    /// A vDPA device.
    Vdpa {
        /// `dev`: the character device.
        dev: String,
    },
    /// No connection at all.
    Null,
    /// A distributed switch of VMware.
    Vds {
        /// `switchid`.
        switch_id: Uuid,
        /// `portid`.
        port_id: i64,
        /// `portgroupid`.
        portgroup_id: String,
        /// `connectionid`.
        connection_id: i64,
    },
}

impl Default for InterfaceSource {
    fn default() -> Self {
        Self::User { dev: None }
    }
}

/// One end of a socket.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SocketSource {
    /// `address`; absent where all addresses are meant.
    pub address: Option<String>,
    /// `port`.
    pub port: i32,
}

/// A network device that is handed to the guest.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct InterfaceHostdev {
    /// `managed`: the engine detaches it from its driver and gives it back.
    pub managed: bool,
    /// `<driver name='…'/>`.
    pub backend: PciBackend,
    /// `<source><address/></source>`: its place on the host's PCI bus.
    pub address: Address,
}

impl InterfaceSource {
    /// The kind.
    #[must_use]
    pub const fn kind(&self) -> InterfaceType {
        match self {
            Self::User { .. } => InterfaceType::User,
            Self::Ethernet => InterfaceType::Ethernet,
            Self::Vhostuser(_) => InterfaceType::Vhostuser,
            Self::Server(_) => InterfaceType::Server,
            Self::Client(_) => InterfaceType::Client,
            Self::Mcast(_) => InterfaceType::Mcast,
            Self::Network { .. } => InterfaceType::Network,
            Self::Bridge { .. } => InterfaceType::Bridge,
            Self::Internal { .. } => InterfaceType::Internal,
            Self::Direct { .. } => InterfaceType::Direct,
            Self::Hostdev(_) => InterfaceType::Hostdev,
            Self::Udp { .. } => InterfaceType::Udp,
            Self::Vdpa { .. } => InterfaceType::Vdpa,
            Self::Null => InterfaceType::Null,
            Self::Vds { .. } => InterfaceType::Vds,
        }
    }

    /// Reads what the interface is connected to from its element.
    pub(super) fn parse(el: Element<'_>, kind: InterfaceType, flags: ParseFlags) -> Result<Self> {
        let source = || {
            el.child("source").ok_or_else(|| {
                xml_error(format!("interface type='{kind}' requires a 'source' element")).at(el.place())
            })
        };
        let text = |name: &'static str| -> Result<String> { Ok(source()?.attr_required(name)?.to_owned()) };
        Ok(match kind {
            InterfaceType::User => Self::User {
                dev: el.child("source").and_then(|source| source.attr("dev")).map(str::to_owned),
            },
            InterfaceType::Ethernet => Self::Ethernet,
            InterfaceType::Null => Self::Null,
            InterfaceType::Vhostuser => Self::Vhostuser(parse_vhost_user(source()?)?),
            InterfaceType::Server => Self::Server(SocketSource::parse(source()?, false)?),
            InterfaceType::Client => Self::Client(SocketSource::parse(source()?, true)?),
            InterfaceType::Mcast => Self::Mcast(SocketSource::parse(source()?, true)?),
            InterfaceType::Udp => {
                let source = source()?;
                let remote = SocketSource::parse(source, true)?;
                let Some(local) = source.child("local") else {
                    let detail = "'<local>' element missing for 'udp' socket interface";
                    return Err(xml_error(detail).at(source.place()));
                };
                Self::Udp { remote, local: SocketSource::parse(local, true)? }
            }
            InterfaceType::Network => {
                let source = source()?;
                let portid = match flags.contains(ParseFlags::INACTIVE) {
                    true => None,
                    false => source.attr_uuid("portid")?,
                };
                Self::Network {
                    network: text("network")?,
                    portgroup: source.attr("portgroup").map(str::to_owned),
                    portid,
                }
            }
            InterfaceType::Bridge => Self::Bridge { bridge: text("bridge")? },
            InterfaceType::Internal => Self::Internal { name: text("name")? },
            InterfaceType::Vdpa => Self::Vdpa { dev: text("dev")? },
            InterfaceType::Direct => {
                Self::Direct { dev: text("dev")?, mode: source()?.attr_enum("mode")?.unwrap_or_default() }
            }
            InterfaceType::Hostdev => Self::Hostdev(InterfaceHostdev::parse(el)?),
            InterfaceType::Vds => {
                let source = source()?;
                Self::Vds {
                    switch_id: source.required("switchid", source.attr_uuid("switchid")?)?,
                    port_id: source.required("portid", source.attr_i64("portid", Base::Any)?)?,
                    portgroup_id: text("portgroupid")?,
                    connection_id: source
                        .required("connectionid", source.attr_i64("connectionid", Base::Any)?)?,
                }
            }
        })
    }

    /// Writes the attributes of `<source>`.
    pub(super) fn format_attributes(&self, w: &mut Writer, inactive: bool, passt: bool) {
        match self {
            Self::User { dev } => w.attr_opt("dev", dev.as_ref().filter(|_| passt)),
            Self::Ethernet | Self::Null | Self::Hostdev(_) => {}
            Self::Vhostuser(chardev) => {
                if let ChardevSource::Unix(unix) = &chardev.source {
                    w.attr("type", "unix");
                    w.attr_opt("path", unix.path.as_ref());
                    let mode = if unix.listen { VhostUserMode::Server } else { VhostUserMode::Client };
                    w.attr("mode", mode.text());
                }
            }
            Self::Server(socket) | Self::Client(socket) | Self::Mcast(socket) => socket.format(w),
            Self::Udp { remote, .. } => remote.format(w),
            Self::Network { network, portgroup, portid } => {
                w.attr("network", network);
                w.attr_opt("portgroup", portgroup.as_ref());
                w.attr_opt("portid", portid.filter(|_| !inactive));
            }
            Self::Bridge { bridge } => w.attr("bridge", bridge),
            Self::Internal { name } => w.attr("name", name),
            Self::Direct { dev, mode } => {
                w.attr("dev", dev);
                w.attr("mode", mode.text());
            }
            Self::Vdpa { dev } => w.attr("dev", dev),
            Self::Vds { switch_id, port_id, portgroup_id, connection_id } => {
                w.attr("switchid", switch_id);
                w.attr("portid", port_id);
                w.attr("portgroupid", portgroup_id);
                w.attr("connectionid", connection_id);
            }
        }
    }

    /// Writes the children of `<source>`.
    pub(super) fn format_children(&self, w: &mut Writer) {
        match self {
            Self::Vhostuser(Chardev { source: ChardevSource::Unix(unix), .. }) => unix.reconnect.format(w),
            Self::Udp { local, .. } => w.element("local", |w| local.format(w)),
            _ => {}
        }
    }
}

fn parse_vhost_user(source: Element<'_>) -> Result<Chardev> {
    let kind = source.attr_required("type")?;
    if kind != "unix" {
        let detail = format!("Type='{kind}' unsupported for <interface type='vhostuser'>");
        return Err(unsupported(detail).at(source.place()));
    }
    let path = source.attr_required("path")?.to_owned();
    let mode = source.required("mode", source.attr_enum::<VhostUserMode>("mode")?)?;
    let listen = mode == VhostUserMode::Server;
    let unix = UnixSource { listen, path: Some(path), reconnect: Reconnect::parse_child(source)? };
    Ok(Chardev { source: ChardevSource::Unix(unix), ..Chardev::default() })
}

impl SocketSource {
    fn parse(el: Element<'_>, address_required: bool) -> Result<Self> {
        let address = match address_required {
            true => Some(el.attr_required("address")?),
            false => el.attr("address"),
        };
        let port = el.required("port", el.attr_i32("port", Base::Ten)?)?;
        Ok(Self { address: address.map(str::to_owned), port })
    }

    fn format(&self, w: &mut Writer) {
        w.attr_opt("address", self.address.as_ref());
        w.attr("port", self.port);
    }
}

impl InterfaceHostdev {
    /// Reads the device from the element of an interface, or of its actual form.
    pub(super) fn parse(el: Element<'_>) -> Result<Self> {
        let source = el.child("source");
        let address = source.and_then(|source| source.child("address"));
        match address.and_then(|address| address.attr("type")) {
            Some("pci") => {}
            kind => {
                let kind = kind.unwrap_or("<null>");
                let detail = format!("unknown host device source address type '{kind}'");
                return Err(unsupported(detail)
                    .with_hint(
                        "an interface can hand over PCI devices: <address type='pci' …/> within <source>",
                    )
                    .at(el.place()));
            }
        }
        if source.is_some_and(|source| source.attr("startupPolicy").is_some()) {
            return Err(unsupported("Setting startupPolicy is only allowed for USB devices").at(el.place()));
        }
        let backend = match el.child("driver") {
            Some(driver) => driver.attr_enum_but("name", PciBackend::Default)?,
            None => None,
        };
        Ok(Self {
            managed: el.attr_yes_no("managed")?.unwrap_or(false),
            backend: backend.unwrap_or_default(),
            address: address.map_or_else(|| Ok(Address::None), Address::parse)?,
        })
    }

    /// Writes `<driver>` and `<source>`.
    pub(super) fn format(&self, w: &mut Writer) {
        if self.backend != PciBackend::Default {
            w.element("driver", |w| w.attr("name", self.backend.text()));
        }
        w.element("source", |w| self.address.format(w));
    }
}

grammar! {
    pub(super) GRAMMAR = [
        Attr("network", Str), Attr("portgroup", Str), Attr("portid", UUID), Attr("bridge", Str), Attr("dev", Str),
        Attr("mode", Str), Attr("address", Str), Attr("port", U16), Attr("name", Str), Attr("type", Str), Attr("path", Str),
        Attr("startupPolicy", Str), Attr("switchid", UUID), Attr("portgroupid", Str), Attr("connectionid", Integer),
        Opt("local", &[Must("address", Str), Must("port", U16)]), Opt("reconnect", crate::common::chardev::RECONNECT),
        Opt("address", crate::common::address::ADDRESS), With(crate::common::ip::IP),
    ];
}
