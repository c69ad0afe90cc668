//! How fast a network is, and what of that is sure to a guest.

use virt_conf::common::bandwidth::{Bandwidth, Rate};
use virt_conf::network::{Network, NetworkPort};
use virt_netdev::bandwidth::{self, Floors, View};
use virt_netdev::{InterfaceName, Socket};
use virt_types::Result;

use super::{State, bridge};
use crate::error::internal;

fn rate(rate: &Rate) -> bandwidth::Rate {
    let some = |value: u64| Some(value).filter(|value| *value > 0);
    bandwidth::Rate {
        average: rate.average,
        peak: some(rate.peak),
        floor: some(rate.floor),
        burst: some(rate.burst),
    }
}

/// The bridge of a network, and its limits, where it has both.
fn limited(network: &Network) -> Option<(InterfaceName, Bandwidth)> {
    Some((network.bridge.name.as_deref()?.parse().ok()?, network.bandwidth?))
}

fn refused(bridge: &InterfaceName, error: virt_netdev::Error) -> virt_types::Error {
    let detail = format!("cannot limit the bandwidth of bridge '{bridge}' (qdisc htb): {error}");
    internal(detail)
        .with_hint("the kernel needs sch_htb, cls_u32, cls_fw and act_police; or leave out <bandwidth>")
        .caused_by(error)
}

/// Limits the bridge of a network that is to be limited.
pub(super) fn set(network: &Network) -> Result<()> {
    let Some((bridge, limits)) = limited(network) else { return Ok(()) };
    let wanted = bandwidth::Bandwidth {
        inbound: limits.inbound.as_ref().map(rate),
        outbound: limits.outbound.as_ref().map(rate),
    };
    bandwidth::set(&mut bridge::socket()?, &bridge, &wanted, Floors::Yes, View::Opposite)
        .map_err(|error| refused(&bridge, error))
}

/// Lifts the limits of a bridge that stays.
pub(super) fn clear(network: &Network) {
    let Some((bridge, _)) = limited(network) else { return };
    let cleared = bridge::socket().map(|mut socket| bandwidth::clear(&mut socket, &bridge));
    if let Ok(Err(error)) = cleared {
        log::warn!("bridge '{bridge}' stays limited: {error}");
    }
}

/// What is left to ports without a guaranteed rate.
fn rest(socket: &mut Socket, state: &State, bridge: &InterfaceName, whole: &Rate) -> virt_netdev::Result<()> {
    let most = if whole.peak > 0 { whole.peak } else { whole.average };
    let left = most.saturating_sub(state.floor_sum).max(1);
    bandwidth::set_rate(socket, bridge, bandwidth::REST_CLASS, &rate(whole), left)
}

/// Makes sure of a port's guaranteed rate, if it has a class.
pub(super) fn plug(state: &State, port: &NetworkPort) -> Result<()> {
    let (Some((bridge, limits)), true) = (limited(&state.live), port.class_id > 0) else { return Ok(()) };
    let (Some(whole), Some(own)) = (limits.inbound, port.bandwidth.and_then(|limits| limits.inbound)) else {
        return Ok(());
    };
    let class = u16::try_from(port.class_id)
        .map_err(|_| internal(format!("network '{}' has no class of traffic left", state.live.name)))?;
    let socket = &mut bridge::socket()?;
    bandwidth::add_floor(socket, &bridge, &rate(&whole), port.mac, &rate(&own), class)
        .and_then(|()| rest(socket, state, &bridge, &whole))
        .map_err(|error| refused(&bridge, error))
}

/// Gives a port's guaranteed rate back to the others. The state knows already that it is gone.
pub(super) fn unplug(state: &State, port: &NetworkPort) {
    let Some((bridge, limits)) = limited(&state.live) else { return };
    let (Ok(class), Some(whole)) = (u16::try_from(port.class_id), limits.inbound) else { return };
    let Ok(mut socket) = bridge::socket() else { return };
    let removed = bandwidth::remove_floor(&mut socket, &bridge, class)
        .and_then(|()| rest(&mut socket, state, &bridge, &whole));
    if let Err(error) = removed {
        log::warn!("a guaranteed rate on bridge '{bridge}' stays: {error}");
    }
}
