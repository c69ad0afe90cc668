//! What is done alike with devices of every kind.

use virt_netlink::link::{self, Change};

use crate::{Error, InterfaceName, Link, Result, Socket};

/// Reads the device of this name.
///
/// # Errors
///
/// [`Error::Netlink`], with `ENODEV` when there is none.
pub fn get(socket: &mut Socket, name: &InterfaceName) -> Result<Link> {
    Ok(link::get(socket, name.into())?)
}

/// Reads the device of this name, `None` if there is none.
///
/// # Errors
///
/// [`Error::Netlink`] when the kernel can not be asked.
pub fn find(socket: &mut Socket, name: &InterfaceName) -> Result<Option<Link>> {
    Ok(link::find(socket, name.into())?)
}

/// Switches a device on or off.
///
/// # Errors
///
/// [`Error::Netlink`].
pub fn set_up(socket: &mut Socket, name: &InterfaceName, up: bool) -> Result<()> {
    Ok(link::change(socket, name.into(), &Change { up: Some(up), ..Change::default() })?)
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

/// Reads back a device that was just created and checks it; deletes it if it did not come out as asked.
pub(crate) fn verify_creation(
    socket: &mut Socket,
    name: &InterfaceName,
    check: impl FnOnce(&Link) -> Result<()>,
) -> Result<Link> {
    let outcome = get(socket, name).and_then(|link| check(&link).map(|()| link));
    outcome.map_err(|error| {
        let undo = undo_creation(socket, name);
        error.after_undo(undo)
    })
}
