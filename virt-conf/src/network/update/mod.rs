//! `virNetworkUpdate`: one element added to a network, replaced in it or removed from it.

mod dhcp;
mod dns;
mod pool;

use virt_types::{Error, ErrorCode, ErrorDomain};
use virt_xml::{Document, Element};

use super::{Network, REFUSE};
use crate::{FormatFlags, Result};

/// What is done with the element (`virNetworkUpdateCommand`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpdateCommand {
    /// It takes the place of the one that it matches.
    Modify,
    /// The one that it matches is removed.
    Delete,
    /// It becomes the last of its list.
    AddLast,
    /// It becomes the first of its list.
    AddFirst,
}

impl UpdateCommand {
    /// The command with this number.
    ///
    /// # Errors
    /// `VIR_ERR_OPERATION_UNSUPPORTED` for another number.
    pub fn from_number(number: u32) -> Result<Self> {
        Ok(match number {
            1 => Self::Modify,
            2 => Self::Delete,
            3 => Self::AddLast,
            4 => Self::AddFirst,
            _ => return Err(unsupported(format!("unrecognized network update command code {number}"))),
        })
    }

    /// The command's number.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Self::Modify => 1,
            Self::Delete => 2,
            Self::AddLast => 3,
            Self::AddFirst => 4,
        }
    }

    const fn is_add(self) -> bool {
        matches!(self, Self::AddLast | Self::AddFirst)
    }

    /// Puts an item at the end of a list where it is added.
    fn insert<T>(self, list: &mut Vec<T>, item: T) {
        match self {
            Self::AddFirst => list.insert(0, item),
            Self::AddLast | Self::Modify | Self::Delete => list.push(item),
        }
    }
}

/// Which list the element is of (`virNetworkUpdateSection`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpdateSection {
    /// `<bridge>`, which can not be updated.
    Bridge,
    /// `<domain>`, which can not be updated.
    Domain,
    /// `<ip>`, which can not be updated.
    Ip,
    /// `<ip><dhcp><host>`
    IpDhcpHost,
    /// `<ip><dhcp><range>`
    IpDhcpRange,
    /// `<forward>`, which can not be updated.
    Forward,
    /// `<forward><interface>`
    ForwardInterface,
    /// `<forward><pf>`, which can not be updated.
    ForwardPf,
    /// `<portgroup>`
    Portgroup,
    /// `<dns><host>`
    DnsHost,
    /// `<dns><txt>`
    DnsTxt,
    /// `<dns><srv>`
    DnsSrv,
}

impl UpdateSection {
    const ALL: [Self; 12] = [
        Self::Bridge,
        Self::Domain,
        Self::Ip,
        Self::IpDhcpHost,
        Self::IpDhcpRange,
        Self::Forward,
        Self::ForwardInterface,
        Self::ForwardPf,
        Self::Portgroup,
        Self::DnsHost,
        Self::DnsTxt,
        Self::DnsSrv,
    ];

    /// The section with this number.
    ///
    /// # Errors
    /// `VIR_ERR_OPERATION_UNSUPPORTED` for another number.
    pub fn from_number(number: u32) -> Result<Self> {
        let position = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
        position
            .and_then(|position| Self::ALL.get(position).copied())
            .ok_or_else(|| unsupported("can't update unrecognized section of network".to_owned()))
    }

    /// The section's number.
    #[must_use]
    pub fn number(self) -> u32 {
        Self::ALL.iter().zip(1..).find(|(section, _)| **section == self).map_or(0, |(_, number)| number)
    }
}

impl Network {
    /// The network with one element changed, if that still is a network; `parent` is the position of the `<ip>` that a
    /// DHCP entry belongs to, or negative for the one that gives out addresses.
    ///
    /// # Errors
    /// As [`Network::update`], and what [`Network::parse`] refuses in the whole.
    pub fn updated(
        &self,
        command: UpdateCommand,
        section: UpdateSection,
        parent: i32,
        xml: &str,
    ) -> Result<Self> {
        let mut next = self.clone();
        next.update(command, section, parent, xml)?;
        next.settled()
    }

    /// Changes one element, without a look at the whole; nothing is changed where it is refused.
    ///
    /// # Errors
    /// `VIR_ERR_OPERATION_UNSUPPORTED` for sections and commands that do not go together, `VIR_ERR_OPERATION_INVALID`
    /// for entries that exist already or do not exist, and what [`Network::parse`] refuses in the element.
    pub fn update(
        &mut self,
        command: UpdateCommand,
        section: UpdateSection,
        parent: i32,
        xml: &str,
    ) -> Result<()> {
        let document = Document::parse(xml)?;
        let el = document.root();
        match section {
            UpdateSection::Bridge => Err(self.fixed("bridge")),
            UpdateSection::Domain => Err(self.fixed("domain")),
            UpdateSection::Ip => Err(self.fixed("ip")),
            UpdateSection::Forward => Err(self.fixed("forward")),
            UpdateSection::ForwardPf => Err(self.fixed("forward pf")),
            UpdateSection::IpDhcpHost => self.update_dhcp_host(command, parent, el),
            UpdateSection::IpDhcpRange => self.update_dhcp_range(command, parent, el),
            UpdateSection::ForwardInterface => self.update_forward_interface(command, el),
            UpdateSection::Portgroup => self.update_portgroup(command, el),
            UpdateSection::DnsHost => self.update_dns_host(command, el),
            UpdateSection::DnsTxt => self.update_dns_txt(command, el),
            UpdateSection::DnsSrv => self.update_dns_srv(command, el),
        }
    }

    /// The network as its own document gives it, with what documents never say.
    fn settled(&self) -> Result<Self> {
        let mut settled = Self::parse(&self.format(FormatFlags::INACTIVE))?;
        settled.connections = self.connections;
        for interface in &mut settled.forward.interfaces {
            let before = self.forward.interfaces.iter().find(|before| before.device == interface.device);
            interface.connections = before.map_or(0, |before| before.connections);
        }
        Ok(settled)
    }

    fn fixed(&self, section: &str) -> Error {
        unsupported(format!("can't update '{section}' section of network '{}'", self.name))
    }

    fn expect_element(&self, el: Element<'_>, name: &str) -> Result<()> {
        if el.name() == name {
            return Ok(());
        }
        let detail = format!(
            "unexpected element <{}>, expecting <{name}>, while updating network '{}'",
            el.name(),
            self.name
        );
        Err(REFUSE.xml(detail).at(el.place()))
    }
}

fn unsupported(detail: String) -> Error {
    Error::new(ErrorCode::OperationUnsupported, ErrorDomain::Network, detail)
}

fn invalid(detail: String) -> Error {
    Error::new(ErrorCode::OperationInvalid, ErrorDomain::Network, detail)
}
