//! What is done alike with devices of every kind.

use std::os::fd::AsFd;

use rustix::io::Errno;
use virt_netlink::link::{self, Change};
pub use virt_netlink::link::{Namespace, OperState, Statistics};
use virt_types::MacAddr;

use crate::ioctl::Control;
use crate::namespace::in_namespace_of;
use crate::readback::{Readback, check_unicast};
use crate::{Error, InterfaceName, Link, Result, Socket};

/// Reads the device of this name.
///
/// # Errors
///
/// [`Error::Netlink`], with `ENODEV` when there is none.
pub fn get(socket: &mut Socket, name: &InterfaceName) -> Result<Link> {
    Ok(link::get(socket, name.into())?)
}

/// Reads the device of this index: who has a [`Link::master`] or [`Link::parent`] can ask which it is.
///
/// # Errors
///
/// [`Error::Netlink`], with `ENODEV` when there is none.
pub fn by_index(socket: &mut Socket, index: u32) -> Result<Link> {
    Ok(link::get(socket, index.into())?)
}

/// Reads the device of this name, `None` if there is none.
///
/// # Errors
///
/// [`Error::Netlink`] when the kernel can not be asked.
pub fn find(socket: &mut Socket, name: &InterfaceName) -> Result<Option<Link>> {
    Ok(link::find(socket, name.into())?)
}

/// Reads all devices of the namespace, with what each kind has.
///
/// # Errors
///
/// [`Error::Netlink`].
pub fn list(socket: &mut Socket) -> Result<Vec<Link>> {
    Ok(link::list(socket)?)
}

/// What went through a device. For a tap it is seen from the host: what the guest sent was received.
///
/// # Errors
///
/// [`Error::Netlink`], with `ENODEV` when there is none.
pub fn statistics(socket: &mut Socket, name: &InterfaceName) -> Result<Statistics> {
    Ok(link::statistics(socket, name.into())?)
}

/// Makes a change, reads it back, and undoes it if it did not come out.
fn change(
    socket: &mut Socket,
    name: &InterfaceName,
    wanted: &Change<'_>,
    check: impl FnOnce(&Readback<'_>, &Link) -> Result<()>,
    undo: impl FnOnce(&Link) -> Change<'static>,
) -> Result<()> {
    let before = get(socket, name)?;
    let outcome = link::change(socket, (before.index, name).into(), wanted)
        .map_err(Error::from)
        .and_then(|()| by_index(socket, before.index))
        .and_then(|link| check(&Readback::of("device", name), &link));
    outcome.map_err(|error| {
        let undo = link::change(socket, (before.index, name).into(), &undo(&before)).map_err(Error::from);
        error.after_undo(undo)
    })
}

fn on_off(on: &bool) -> String {
    if *on { "on" } else { "off" }.to_owned()
}

/// Switches a device on or off.
///
/// # Errors
///
/// [`Error::Netlink`], [`Error::NotApplied`].
pub fn set_up(socket: &mut Socket, name: &InterfaceName, up: bool) -> Result<()> {
    change(
        socket,
        name,
        &Change { up: Some(up), ..Change::default() },
        |readback, link| readback.same("the state", Some(up), &link.up, on_off),
        |before| Change { up: Some(before.up), ..Change::default() },
    )
}

/// Sets the bytes of payload in a frame.
///
/// # Errors
///
/// [`Error::Netlink`], with the kernel's bounds where it tells them; [`Error::NotApplied`].
pub fn set_mtu(socket: &mut Socket, name: &InterfaceName, mtu: u32) -> Result<()> {
    change(
        socket,
        name,
        &Change { mtu: Some(mtu), ..Change::default() },
        |readback, link| readback.common(link, None, Some(mtu), false, None),
        |before| Change { mtu: Some(before.mtu), ..Change::default() },
    )
}

/// Sets the hardware address.
///
/// # Errors
///
/// [`Error::NotUnicast`], [`Error::Netlink`] (`EBUSY` for hardware that has to be switched off first),
/// [`Error::NotApplied`].
pub fn set_mac(socket: &mut Socket, name: &InterfaceName, mac: MacAddr) -> Result<()> {
    check_unicast(Some(mac))?;
    change(
        socket,
        name,
        &Change { mac: Some(mac.0), ..Change::default() },
        |readback, link| readback.common(link, Some(mac), None, false, None),
        |before| Change { mac: before.mac, ..Change::default() },
    )
}

/// Sets how many frames may wait to be sent.
///
/// # Errors
///
/// [`Error::Netlink`], [`Error::NotApplied`].
pub fn set_tx_queue_length(socket: &mut Socket, name: &InterfaceName, length: u32) -> Result<()> {
    change(
        socket,
        name,
        &Change { tx_queue_length: Some(length), ..Change::default() },
        |readback, link| {
            readback.same("the transmit queue's length", Some(length), &link.tx_queue_length, u32::to_string)
        },
        |before| Change { tx_queue_length: Some(before.tx_queue_length), ..Change::default() },
    )
}

/// Sets the text for people; an empty one takes it away.
///
/// # Errors
///
/// [`Error::Netlink`] for more than 255 bytes, [`Error::NotApplied`].
pub fn set_alias(socket: &mut Socket, name: &InterfaceName, alias: &str) -> Result<()> {
    let wanted = Some(alias.to_owned()).filter(|alias| !alias.is_empty());
    change(
        socket,
        name,
        &Change { alias: Some(alias), ..Change::default() },
        |readback, link| readback.same("the alias", Some(wanted), &link.alias, |alias| format!("{alias:?}")),
        |_| Change::default(),
    )
}

/// Has the device hear every frame that passes, or ends that.
///
/// # Errors
///
/// [`Error::Netlink`], [`Error::NotApplied`].
pub fn set_promiscuous(socket: &mut Socket, name: &InterfaceName, on: bool) -> Result<()> {
    change(
        socket,
        name,
        &Change { promiscuous: Some(on), ..Change::default() },
        |readback, link| readback.same("promiscuous mode", Some(on), &link.promiscuous, on_off),
        |before| Change { promiscuous: Some(before.promiscuous), ..Change::default() },
    )
}

/// Has the device hear every multicast frame, or ends that.
///
/// # Errors
///
/// [`Error::Netlink`], [`Error::NotApplied`].
pub fn set_all_multicast(socket: &mut Socket, name: &InterfaceName, on: bool) -> Result<()> {
    change(
        socket,
        name,
        &Change { all_multicast: Some(on), ..Change::default() },
        |readback, link| readback.same("hearing all groups", Some(on), &link.all_multicast, on_off),
        |before| Change { all_multicast: Some(before.all_multicast), ..Change::default() },
    )
}

/// Switches ARP on or off.
///
/// # Errors
///
/// [`Error::Netlink`], [`Error::NotApplied`].
pub fn set_arp(socket: &mut Socket, name: &InterfaceName, on: bool) -> Result<()> {
    change(
        socket,
        name,
        &Change { arp: Some(on), ..Change::default() },
        |readback, link| readback.same("ARP", Some(!on), &link.no_arp, |off| on_off(&!off)),
        |before| Change { arp: Some(!before.no_arp), ..Change::default() },
    )
}

/// Gives a device another name, switching it off and on again where the kernel (before 6.2) wants that.
///
/// # Errors
///
/// [`Error::Netlink`], with `EEXIST` for a name that is taken.
pub fn rename(socket: &mut Socket, name: &InterfaceName, new: &InterfaceName) -> Result<()> {
    let before = get(socket, name)?;
    match link::rename(socket, (before.index, name).into(), new) {
        Err(error) if before.up && error.refusal().is_some_and(|refusal| refusal.errno() == Errno::BUSY) => {
            let switch = |up| Change { up: Some(up), ..Change::default() };
            link::change(socket, (before.index, name).into(), &switch(false))?;
            let renamed = link::rename(socket, (before.index, name).into(), new);
            let restored =
                link::change(socket, (before.index, name).into(), &switch(true)).map_err(Error::from);
            match renamed {
                Ok(()) => restored?,
                Err(error) => return Err(Error::from(error).after_undo(restored)),
            }
        }
        outcome => outcome?,
    }
    let link = by_index(socket, before.index)?;
    Readback::of("device", name).same("the name", Some(new.to_string()), &link.name, Clone::clone)
}

/// Moves a device to another network namespace, where it is off and has no addresses.
///
/// # Errors
///
/// [`Error::Netlink`] when there is no such namespace, the device can not leave its own, or its name is taken there.
pub fn set_namespace(socket: &mut Socket, name: &InterfaceName, namespace: Namespace<'_>) -> Result<()> {
    let index = get(socket, name)?.index;
    Ok(link::change(
        socket,
        (index, name).into(),
        &Change { namespace: Some(namespace), ..Change::default() },
    )?)
}

/// A socket in the network namespace of a process or an open file.
///
/// # Errors
///
/// [`Error::Netlink`] when it may not be entered.
pub fn socket_in(namespace: impl AsFd) -> Result<Socket> {
    Ok(Socket::open_in(namespace.as_fd())?)
}

/// The groups whose frames a device hears, as its drivers were told.
///
/// # Errors
///
/// [`Error::File`] when the list can not be read.
pub fn multicast_groups(socket: &Socket, name: &InterfaceName) -> Result<Vec<MacAddr>> {
    const LIST: &str = "/proc/thread-self/net/dev_mcast";
    let text = in_namespace_of(socket, || {
        std::fs::read_to_string(LIST).map_err(|source| Error::File { path: LIST.into(), source })
    })?;
    Ok(parse_multicast(&text, name.as_str()))
}

/// Lines of index, name, two counts of users, and the address in hexadecimal without separators.
fn parse_multicast(text: &str, name: &str) -> Vec<MacAddr> {
    let line = |line: &str| {
        let mut words = line.split_whitespace().skip(1);
        if words.next()? != name {
            return None;
        }
        let digits = words.nth(2)?;
        let byte = |at: usize| u8::from_str_radix(digits.get(2 * at..2 * at + 2)?, 16).ok();
        if digits.len() != 12 {
            return None;
        }
        Some(MacAddr([byte(0)?, byte(1)?, byte(2)?, byte(3)?, byte(4)?, byte(5)?]))
    };
    text.lines().filter_map(line).collect()
}

/// Adds the address of a group to those whose frames a device hears, or takes it away.
///
/// # Errors
///
/// [`Error::Ioctl`] when there is no such device, it hears no groups, or the address is no group's.
pub fn set_multicast_group(socket: &Socket, name: &InterfaceName, group: MacAddr, heard: bool) -> Result<()> {
    in_namespace_of(socket, || {
        Control::open().and_then(|control| control.hear(name, group.0, heard)).map_err(|errno| Error::Ioctl {
            step: "change the multicast groups of",
            name: name.to_string(),
            source: errno.into(),
        })
    })
}

/// Reads the device of this name and refuses one of another kind.
pub(crate) fn get_kind(socket: &mut Socket, name: &InterfaceName, wanted: &'static str) -> Result<Link> {
    let link = get(socket, name)?;
    if link.kind.as_deref() == Some(wanted) {
        return Ok(link);
    }
    Err(Error::WrongKind { name: link.name, wanted, found: kind_words(link.kind.as_deref()) })
}

fn kind_words(kind: Option<&str>) -> String {
    kind.map_or_else(|| "hardware or loopback".to_owned(), |kind| format!("of kind {kind}"))
}

/// Deletes a device that an operation has created and could not finish.
pub(crate) fn undo_creation(socket: &mut Socket, name: &InterfaceName) -> Result<()> {
    match link::delete(socket, name.into()) {
        Err(error) if !error.is_no_device() => Err(error.into()),
        _ => Ok(()),
    }
}

/// Reads back a device that was just created, unless the kernel has told of it, and checks it; deletes it if it did not
/// come out as asked.
pub(crate) fn verify_creation(
    socket: &mut Socket,
    name: &InterfaceName,
    told: Option<Link>,
    check: impl FnOnce(&Link) -> Result<()>,
) -> Result<Link> {
    let link = told.map_or_else(|| get(socket, name), Ok);
    let outcome = link.and_then(|link| check(&link).map(|()| link));
    outcome.map_err(|error| {
        let undo = undo_creation(socket, name);
        error.after_undo(undo)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_groups_is_read() {
        let text = "1    lo              1     0     01005e000001\n\
                    2    eth0            1     0     333300000001\n\
                    2    eth0            2     0     01005e000001\n\
                    3    ib0             1     0     00ffffffff12401bffff000000000000ffffffff\n\
                    2    eth0\n";
        let groups: Vec<_> = parse_multicast(text, "eth0").iter().map(ToString::to_string).collect();
        assert_eq!(groups, ["33:33:00:00:00:01", "01:00:5e:00:00:01"]);
        assert!(parse_multicast(text, "ib0").is_empty());
        assert!(parse_multicast(text, "eth").is_empty());
    }
}
