//! Deleting devices, one or many at once.
//!
//! A deletion waits until every processor has let go of the device, some tens of milliseconds. [`many`] has the
//! kernel wait once for all: it puts the devices in a group of their own and deletes the group.

use std::sync::atomic::{AtomicU32, Ordering};

use virt_netlink::link::{self as request, Change};

use crate::link::get;
use crate::{Error, InterfaceName, Link, Result, Socket};

/// First of the groups that [`many`] borrows, far from those that people number by hand.
const PRIVATE_GROUPS: u32 = 0x7669_0000;

/// Deletes a device by `RTM_DELLINK`.
///
/// # Errors
///
/// [`Error::NotDeletable`] for a device that no request has made, [`Error::Netlink`] when there is none or the
/// kernel refuses.
pub fn one(socket: &mut Socket, name: &InterfaceName) -> Result<()> {
    let link = deletable(get(socket, name)?)?;
    Ok(request::delete(socket, (link.index, name).into())?)
}

/// Deletes all of these devices at once, or none.
///
/// # Errors
///
/// As [`one`], before any is deleted. The devices are then in the groups that they were in.
pub fn many(socket: &mut Socket, names: &[InterfaceName]) -> Result<()> {
    let links = names.iter().map(|name| get(socket, name).and_then(deletable)).collect::<Result<Vec<_>>>()?;
    match &links[..] {
        [] => Ok(()),
        [link] => Ok(request::delete(socket, (link.index, &names[0]).into())?),
        links => {
            let group = unused_group(socket)?;
            let outcome = set_groups(socket, links.iter().map(|link| (link, group)))
                .and_then(|()| Ok(request::delete_group(socket, group)?));
            outcome.map_err(|error: Error| {
                let undo = set_groups(socket, links.iter().map(|link| (link, link.group)));
                error.after_undo(undo)
            })
        }
    }
}

fn deletable(link: Link) -> Result<Link> {
    if link.kind.is_some() { Ok(link) } else { Err(Error::NotDeletable(link.name)) }
}

/// Puts devices into groups, by few system calls. What is gone meanwhile is passed by.
fn set_groups<'a>(socket: &mut Socket, links: impl Iterator<Item = (&'a Link, u32)>) -> Result<()> {
    let requests = links.map(|(link, group)| {
        let change = Change { group: Some(group), ..Change::default() };
        request::change_request(link.index.into(), &change, format!("move '{}' to group {group}", link.name))
    });
    for outcome in socket.batch(requests.collect())? {
        match outcome {
            Err(error) if !error.is_no_device() => return Err(error.into()),
            _ => {}
        }
    }
    Ok(())
}

/// A group without links, that no other thread of this process is about to use, and probably no other process.
fn unused_group(socket: &mut Socket) -> Result<u32> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let taken: Vec<u32> = request::list(socket)?.into_iter().map(|link| link.group).collect();
    let process = std::process::id() << 8;
    (0..=taken.len())
        .map(|_| PRIVATE_GROUPS | (process ^ NEXT.fetch_add(1, Ordering::Relaxed)) & 0xffff)
        .find(|group| !taken.contains(group))
        .ok_or(Error::NoGroup)
}
