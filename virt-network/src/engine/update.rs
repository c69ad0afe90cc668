//! `virNetworkUpdate` and metadata: changes of a network that may be running.

use std::sync::Arc;

use virt_conf::common::Metadata;
use virt_conf::network::{Network, UpdateCommand, UpdateSection};
use virt_driver::{MetadataKind, NetworkEventKind};
use virt_types::{ErrorCode, Result};

use super::status::Journal;
use super::{Engine, Net, State, server};
use crate::error::{internal, invalid, refuse};
use crate::{dnsmasq, rules};

/// `VIR_NETWORK_UPDATE_AFFECT_LIVE`
pub(crate) const LIVE: u32 = 0x1;
/// `VIR_NETWORK_UPDATE_AFFECT_CONFIG`
pub(crate) const CONFIG: u32 = 0x2;

/// What a change of a running network is done with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    Nothing,
    /// dnsmasq reads guests and names anew.
    Refresh,
    /// dnsmasq is started anew, since its configuration has changed.
    Restart,
}

impl Effect {
    const fn of(section: UpdateSection, serves: (bool, bool)) -> Self {
        match section {
            UpdateSection::Bridge
            | UpdateSection::Domain
            | UpdateSection::Ip
            | UpdateSection::IpDhcpRange
            | UpdateSection::DnsTxt
            | UpdateSection::DnsSrv => Self::Restart,
            UpdateSection::IpDhcpHost if serves.0 != serves.1 => Self::Restart,
            UpdateSection::IpDhcpHost | UpdateSection::DnsHost => Self::Refresh,
            UpdateSection::Forward
            | UpdateSection::ForwardInterface
            | UpdateSection::ForwardPf
            | UpdateSection::Portgroup => Self::Nothing,
        }
    }
}

/// Which of the two a call means, by what the network is.
fn affected(state: &State, flags: u32) -> Result<u32> {
    let flags = match flags & (LIVE | CONFIG) {
        0 if state.active => LIVE,
        0 => CONFIG,
        asked => asked,
    };
    if flags & LIVE != 0 && !state.active {
        return Err(invalid("network is not running"));
    }
    if flags & CONFIG != 0 && !state.persistent {
        return Err(invalid("cannot change persistent config of a transient network"));
    }
    Ok(flags)
}

fn serves(network: &Network) -> bool {
    network.ips.iter().any(|ip| ip.address.is_ipv4() && (ip.has_dhcp() || ip.tftp_root.is_some()))
}

impl Engine {
    /// `virNetworkUpdate`
    pub(crate) fn update(
        &self,
        net: &Arc<Net>,
        (command, section): (u32, u32),
        parent: i32,
        xml: &str,
        flags: u32,
    ) -> Result<()> {
        let _turn = net.turn();
        let state = net.state().clone();
        let flags = affected(&state, flags)?;
        let (command, section) = (UpdateCommand::from_number(command)?, UpdateSection::from_number(section)?);
        let changed = |network: &Network| network.updated(command, section, parent, xml);
        // Both are made before either is taken.
        let config = (flags & CONFIG != 0).then(|| changed(state.config())).transpose()?;
        let live = (flags & LIVE != 0).then(|| changed(&state.live)).transpose()?;
        if let Some(config) = config {
            self.store.save_config(&config)?;
            let mut state = net.state();
            if state.active {
                state.next = Some(config);
            } else {
                state.live = config;
            }
        }
        let Some(live) = live else { return Ok(()) };
        let former = std::mem::replace(&mut net.state().live, live.clone());
        let status = net.state().status(Journal::Settled);
        self.store.save_status(&status)?;
        let effect = Effect::of(section, (serves(&former), serves(&live)));
        self.take_effect(&former, &live, effect)
    }

    /// Brings a running network to what it is now. Its bridge and the guests on it are not touched.
    fn take_effect(&self, former: &Network, live: &Network, effect: Effect) -> Result<()> {
        if !live.forward.mode.has_bridge() {
            return Ok(());
        }
        let (old, new) = (rules::of(former)?, rules::of(live)?);
        if old != new {
            self.firewall()?.replace(&old, &new)?;
        }
        let config = &self.store.config;
        match effect {
            Effect::Nothing => Ok(()),
            Effect::Refresh if dnsmasq::is_needed(live) => server::refresh(live, config),
            Effect::Restart => {
                server::stop(former, config);
                server::start(live, config)
            }
            Effect::Refresh => Ok(()),
        }
    }

    /// `virNetworkGetMetadata`
    pub(crate) fn metadata(net: &Net, kind: MetadataKind, uri: Option<&str>, flags: u32) -> Result<String> {
        let state = net.state();
        let network = if affected(&state, flags)? & CONFIG != 0 { state.config() } else { &state.live };
        let found = match kind {
            MetadataKind::Description => network.description.clone(),
            MetadataKind::Title => network.title.clone(),
            MetadataKind::Element => {
                network.metadata.as_ref().zip(uri).and_then(|(metadata, uri)| metadata.get(uri))
            }
        };
        found.ok_or_else(|| refuse(ErrorCode::NoNetworkMetadata, "Requested metadata element is not present"))
    }

    /// `virNetworkSetMetadata`
    pub(crate) fn set_metadata(
        &self,
        net: &Arc<Net>,
        kind: MetadataKind,
        value: Option<&str>,
        (key, uri): (Option<&str>, Option<&str>),
        flags: u32,
    ) -> Result<()> {
        let _turn = net.turn();
        let state = net.state().clone();
        let flags = affected(&state, flags)?;
        let change = |network: &Network| -> Result<Network> {
            let mut network = network.clone();
            let text = value.filter(|text| !text.is_empty()).map(str::to_owned);
            match (kind, uri) {
                (MetadataKind::Description, _) => network.description = text,
                (MetadataKind::Title, _) => network.title = text,
                (MetadataKind::Element, None) => return Err(internal("metadata without a name space")),
                (MetadataKind::Element, Some(uri)) => match value {
                    Some(xml) => network.metadata.get_or_insert_with(Metadata::default).set(
                        uri,
                        key.unwrap_or_default(),
                        xml,
                    )?,
                    None => network.metadata.iter_mut().for_each(|metadata| metadata.remove(uri)),
                },
            }
            Ok(network)
        };
        let config = (flags & CONFIG != 0).then(|| change(state.config())).transpose()?;
        let live = (flags & LIVE != 0).then(|| change(&state.live)).transpose()?;
        if let Some(config) = config {
            self.store.save_config(&config)?;
            let mut state = net.state();
            if state.active {
                state.next = Some(config);
            } else {
                state.live = config;
            }
        }
        if let Some(live) = live {
            net.state().live = live;
            let status = net.state().status(Journal::Settled);
            self.store.save_status(&status)?;
        }
        let event = NetworkEventKind::MetadataChange { kind: kind.number(), uri: uri.map(str::to_owned) };
        self.tell(state.reference(), event);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_means_what_there_is() {
        let network = Network::parse("<network><name>n</name></network>").unwrap();
        for (active, persistent, flags, expected) in [
            (true, true, 0, Ok(LIVE)),
            (false, true, 0, Ok(CONFIG)),
            (true, true, LIVE | CONFIG, Ok(LIVE | CONFIG)),
            (false, true, LIVE, Err("network is not running")),
            (true, false, CONFIG, Err("cannot change persistent config of a transient network")),
        ] {
            let state = State { active, persistent, ..State::defined(network.clone()) };
            let found = affected(&state, flags);
            assert_eq!(
                found.as_ref().map_err(virt_types::Error::detail),
                expected.as_ref().map_err(|text| *text)
            );
        }
    }

    #[test]
    fn dnsmasq_is_restarted_only_for_its_configuration() {
        for (section, serves, expected) in [
            (UpdateSection::DnsHost, (true, true), Effect::Refresh),
            (UpdateSection::IpDhcpHost, (true, true), Effect::Refresh),
            (UpdateSection::IpDhcpHost, (false, true), Effect::Restart),
            (UpdateSection::DnsTxt, (true, true), Effect::Restart),
            (UpdateSection::Portgroup, (true, true), Effect::Nothing),
        ] {
            assert_eq!(Effect::of(section, serves), expected);
        }
    }
}
