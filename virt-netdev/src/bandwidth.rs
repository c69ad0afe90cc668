//! Bandwidth: how fast a guest, or a whole network, may send and receive.
//!
//! What leaves a device waits in a hierarchical token bucket; what it receives beyond the rate is dropped. On the bridge
//! of a network, guests can be given a floor: a class each, beside the one that all others share.
//!
//! ```text
//!             1:  htb
//!             |
//!            1:1  the network's rate
//!             |
//!     +-------+-------+-- …
//!    1:2     1:3     1:4
//!  the rest  a floor  a floor
//!     |       |       |
//!    sfq     sfq     sfq
//! ```

use virt_netlink::tc::{self, Filter, FilterKind, Handle, HtbClass, Qdisc};
use virt_types::MacAddr;

use crate::link::get;
use crate::readback::Readback;
use crate::{Error, InterfaceName, Result, Socket};

/// The first number for a guest with a floor: 1 and 2 are the network's own.
pub const FIRST_FLOOR: u16 = 3;

/// The discipline of a device.
const ROOT: Handle = Handle::new(1, 0);

/// The network's whole rate, or a device's.
const WHOLE: Handle = Handle::new(1, 1);

/// What is left by the floors.
const REST: Handle = Handle::new(1, 2);

/// The filter by the mark that a firewall gives.
const MARK: Filter = Filter {
    parent: ROOT,
    priority: 1,
    handle: 1,
    // As `tc` reads a class of one number.
    kind: FilterKind::Mark { class: Handle::new(0, 1) },
};

/// The largest frame that policing knows.
const LARGEST_FRAME: u32 = 64 * 1024;

/// How fast, in one direction. All rates are kilobytes (1000 bytes) per second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rate {
    /// What may pass on average.
    pub average: u64,
    /// What may pass at most.
    pub peak: Option<u64>,
    /// What is sure to pass, for one guest of a network that has a rate itself.
    pub floor: Option<u64>,
    /// Kibibytes that may pass at once after a pause.
    pub burst: Option<u64>,
}

impl Rate {
    fn most(&self) -> u64 {
        self.peak.unwrap_or(self.average)
    }

    /// The bytes that a class sends before it is a sibling's turn, so that a slow one still sends a frame.
    fn quantum(&self) -> u32 {
        const FRAME: u64 = 1500;
        u32::try_from((self.average.saturating_mul(1024 / 8) / FRAME).max(1)).unwrap_or(u32::MAX)
    }
}

fn bytes(kilobytes: u64) -> u64 {
    kilobytes.saturating_mul(1000)
}

/// How fast, in both directions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bandwidth {
    /// To the guest, or into the network.
    pub inbound: Option<Rate>,
    /// From the guest, or out of the network.
    pub outbound: Option<Rate>,
}

/// Whose inbound is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// The device's own: a macvtap receives what its guest receives.
    Same,
    /// That of who is at the other end: a tap sends what its guest receives, a bridge what its network receives.
    Opposite,
}

/// Whether guests can be given a floor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Floors {
    /// No: the device is one guest's.
    No,
    /// Yes: the device is the bridge of a network.
    Yes,
}

/// Sets the bandwidth of a device, in the place of any that it had, and reads it back.
///
/// # Errors
///
/// [`Error::Netlink`] when the kernel refuses or lacks a part (`sch_htb`, `cls_fw`, `cls_u32`, `act_police`),
/// [`Error::NotApplied`]. The device has no bandwidth set then.
pub fn set(
    socket: &mut Socket,
    device: &InterfaceName,
    bandwidth: &Bandwidth,
    floors: Floors,
    view: View,
) -> Result<()> {
    clear(socket, device)?;
    let (sent, received) = match view {
        View::Same => (bandwidth.outbound, bandwidth.inbound),
        View::Opposite => (bandwidth.inbound, bandwidth.outbound),
    };
    let sent = sent.filter(|rate| rate.average > 0);
    let shaped = sent.map_or(Ok(()), |rate| shape(socket, device, &rate, floors));
    let outcome = shaped.and_then(|()| received.map_or(Ok(()), |rate| police(socket, device, &rate)));
    outcome.map_err(|error| {
        let undo = clear(socket, device);
        error.after_undo(undo)
    })
}

/// What the device sends.
fn shape(socket: &mut Socket, device: &InterfaceName, rate: &Rate, floors: Floors) -> Result<()> {
    let default = if floors == Floors::Yes { REST } else { WHOLE };
    tc::add_qdisc(socket, device.into(), Handle::ROOT, ROOT, Qdisc::Htb { default: default.minor })?;
    let mut parent = ROOT;
    if floors == Floors::Yes {
        let whole = HtbClass {
            rate: bytes(rate.average),
            ceil: Some(bytes(rate.most())),
            burst: 0,
            quantum: rate.quantum(),
        };
        add_class(socket, device, ROOT, WHOLE, &whole)?;
        parent = WHOLE;
    }
    let class = HtbClass {
        rate: bytes(rate.average),
        ceil: rate.peak.map(bytes),
        burst: rate.burst.unwrap_or(0).saturating_mul(1024),
        quantum: rate.quantum(),
    };
    add_class(socket, device, parent, default, &class)?;
    add_leaf(socket, device, default, Handle::new(2, 0))?;
    Ok(tc::add_filter(socket, device.into(), &MARK)?)
}

/// What the device receives.
fn police(socket: &mut Socket, device: &InterfaceName, rate: &Rate) -> Result<()> {
    // The kernel counts bursts in 32 bits of bytes.
    let burst = rate.burst.unwrap_or_else(|| rate.average.min(u64::from(u32::MAX) / 1024));
    let ingress = Handle::new(0xffff, 0);
    tc::add_qdisc(socket, device.into(), Handle::INGRESS, ingress, Qdisc::Ingress)?;
    let kind = FilterKind::Police {
        rate: bytes(rate.average),
        burst: burst.saturating_mul(1024),
        mtu: LARGEST_FRAME,
    };
    Ok(tc::add_filter(socket, device.into(), &Filter { parent: ingress, priority: 0, handle: 0, kind })?)
}

fn add_class(
    socket: &mut Socket,
    device: &InterfaceName,
    parent: Handle,
    handle: Handle,
    class: &HtbClass,
) -> Result<()> {
    tc::add_class(socket, device.into(), parent, handle, class)?;
    check_class(socket, device, handle, class)
}

fn check_class(socket: &mut Socket, device: &InterfaceName, handle: Handle, class: &HtbClass) -> Result<()> {
    let classes = tc::classes(socket, device.into())?;
    let found = classes.iter().find(|found| found.handle == handle);
    let found = found.map(|found| (found.rate, found.ceil, found.quantum));
    let wanted = (class.rate, class.ceil.unwrap_or(class.rate), class.quantum);
    Readback::of("device", device)
        .same("rate, peak and quantum", Some(Some(wanted)), &found, |rates| format!("{rates:?}"))
}

/// Gives a class the discipline in which its flows take turns: the one that libvirt uses, or else a newer one that does
/// the same, where the kernel has one of them.
fn add_leaf(socket: &mut Socket, device: &InterfaceName, class: Handle, handle: Handle) -> Result<()> {
    for leaf in [Qdisc::Sfq { perturb: 10 }, Qdisc::FqCodel] {
        match tc::add_qdisc(socket, device.into(), class, handle, leaf) {
            Err(error)
                if error.refusal().is_some_and(|refusal| refusal.errno() == rustix::io::Errno::NOENT) =>
            {
                log::debug!("{error}");
            }
            outcome => return Ok(outcome?),
        }
    }
    // The class keeps its frames in order then; the rates hold all the same.
    log::warn!("this kernel has neither sfq nor fq_codel: the flows of '{device}' do not take turns");
    Ok(())
}

/// Takes the bandwidth of a device away: all its traffic control but the kernel's default.
///
/// # Errors
///
/// [`Error::Netlink`] when there is no such device or the kernel refuses.
pub fn clear(socket: &mut Socket, device: &InterfaceName) -> Result<()> {
    get(socket, device)?;
    for qdisc in tc::qdiscs(socket, device.into())? {
        // The kernel's own have no number and can not be deleted.
        let ours = qdisc.handle != Handle::default()
            && (qdisc.parent == Handle::ROOT || qdisc.parent == Handle::INGRESS);
        if ours {
            tc::delete_qdisc(socket, device.into(), qdisc.parent)?;
        }
    }
    Ok(())
}

/// Gives one guest of a network its floor, as the class `1:id` of the network's bridge.
///
/// `network` is the network's inbound rate, `guest` the guest's; `id` is [`FIRST_FLOOR`] or more and nobody else's.
/// The class that all others share should then be made [smaller](set_rate).
///
/// # Errors
///
/// [`Error::Netlink`], for example when the bridge has no bandwidth; nothing of the class is left then.
///
/// # Panics
///
/// When `id` is one of the network's own.
pub fn add_floor(
    socket: &mut Socket,
    bridge: &InterfaceName,
    network: &Rate,
    mac: MacAddr,
    guest: &Rate,
    id: u16,
) -> Result<()> {
    assert!(id >= FIRST_FLOOR, "{id} is the network's own class");
    let class = Handle::new(1, id);
    let wanted = HtbClass {
        rate: bytes(guest.floor.unwrap_or(0)),
        ceil: Some(bytes(network.most())),
        burst: 0,
        quantum: guest.quantum(),
    };
    let outcome = add_class(socket, bridge, WHOLE, class, &wanted)
        .and_then(|()| add_leaf(socket, bridge, class, Handle::new(id, 0)))
        .and_then(|()| Ok(tc::add_filter(socket, bridge.into(), &guest_filter(mac, id))?));
    outcome.map_err(|error| {
        let undo = remove_floor(socket, bridge, id);
        error.after_undo(undo)
    })
}

fn guest_filter(mac: MacAddr, id: u16) -> Filter {
    Filter {
        parent: ROOT,
        priority: 2,
        // The number that libvirt counts from, read as hexadecimal by `tc`.
        handle: Filter::entry(decimal_as_hex(800 + id)),
        kind: FilterKind::Destination { mac: mac.0, class: Handle::new(1, id) },
    }
}

fn decimal_as_hex(number: u16) -> u16 {
    u16::from_str_radix(&number.to_string(), 16).unwrap_or(number) & 0xfff
}

/// Takes a guest's floor away; what is gone already is passed by.
///
/// # Errors
///
/// [`Error::Netlink`].
pub fn remove_floor(socket: &mut Socket, bridge: &InterfaceName, id: u16) -> Result<()> {
    let gone = |outcome: virt_netlink::Result<()>| match outcome {
        Err(error)
            if error.refusal().is_some_and(|refusal| {
                matches!(refusal.errno(), rustix::io::Errno::NOENT | rustix::io::Errno::INVAL)
            }) =>
        {
            Ok(())
        }
        outcome => outcome,
    };
    gone(tc::delete_filter(socket, bridge.into(), &guest_filter(MacAddr::default(), id)))?;
    gone(tc::delete_class(socket, bridge.into(), Handle::new(1, id)))?;
    Ok(())
}

/// Changes the rate of a class of a network's bridge, in kilobytes per second: of the class that all guests without a
/// floor share ([`REST_CLASS`]), or of a guest's.
///
/// # Errors
///
/// [`Error::Netlink`], [`Error::NotApplied`].
pub fn set_rate(
    socket: &mut Socket,
    bridge: &InterfaceName,
    id: u16,
    network: &Rate,
    rate: u64,
) -> Result<()> {
    let handle = Handle::new(1, id);
    let class = HtbClass {
        rate: bytes(rate),
        ceil: Some(bytes(network.most())),
        burst: 0,
        quantum: network.quantum(),
    };
    tc::set_class(socket, bridge.into(), handle, &class)?;
    check_class(socket, bridge, handle, &class)
}

/// The class that all guests without a floor share.
pub const REST_CLASS: u16 = REST.minor;

/// Changes the hardware address that a guest's floor is for.
///
/// # Errors
///
/// [`Error::Netlink`].
pub fn set_floor_mac(socket: &mut Socket, bridge: &InterfaceName, mac: MacAddr, id: u16) -> Result<()> {
    let filter = guest_filter(mac, id);
    tc::delete_filter(socket, bridge.into(), &filter)?;
    Ok(tc::add_filter(socket, bridge.into(), &filter)?)
}

/// Has the frames that a device sends not wait at all. A tap's reader takes them as fast as it can, so that a queue before
/// it only costs time.
///
/// # Errors
///
/// [`Error::Netlink`].
pub fn set_no_queue(socket: &mut Socket, device: &InterfaceName) -> Result<()> {
    tc::add_qdisc(socket, device.into(), Handle::ROOT, Handle::default(), Qdisc::NoQueue).map_err(Error::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quanta_follow_the_average() {
        for (average, expected) in [(0, 1), (1, 1), (100, 8), (1000, 85), (u64::MAX, u32::MAX)] {
            assert_eq!(Rate { average, ..Rate::default() }.quantum(), expected, "{average}");
        }
    }

    #[test]
    fn the_numbers_of_filters_are_libvirt_s() {
        // `tc … handle 800::803`
        assert_eq!(guest_filter(MacAddr::default(), 3).handle, 0x8000_0803);
        assert_eq!(guest_filter(MacAddr::default(), 10).handle, 0x8000_0810);
    }
}
