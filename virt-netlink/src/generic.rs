//! Generic netlink: families of messages that kernel modules register by name, `ethtool` among them.
//!
//! `linux/genetlink.h`.

use std::fmt;
use std::os::fd::{AsFd, BorrowedFd};

use netlink_packet_core::{
    DecodeError, DefaultNla, Emitable, NLA_TYPE_MASK, NLM_F_ACK, NetlinkDeserializable, NetlinkHeader,
    NetlinkSerializable, NlasIterator,
};
use netlink_sys::protocols::NETLINK_GENERIC;

use crate::channel::{Channel, in_namespace};
use crate::{Error, Result};

/// A message of a family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The number that the kernel gave the family, see [`GenericSocket::family`].
    pub family: u16,
    /// What is asked, or what is told.
    pub command: u8,
    /// The version of the family.
    pub version: u8,
    /// The attributes, encoded.
    pub payload: Vec<u8>,
}

/// An attribute to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute(DefaultNla);

impl Attribute {
    /// An attribute of these bytes.
    #[must_use]
    pub fn bytes(number: u16, value: &[u8]) -> Self {
        Self(DefaultNla::new(number, value.to_vec()))
    }

    /// A text with the NUL that ends it.
    #[must_use]
    pub fn text(number: u16, value: &str) -> Self {
        let mut bytes = value.as_bytes().to_vec();
        bytes.push(0);
        Self(DefaultNla::new(number, bytes))
    }

    /// A number of 32 bits.
    #[must_use]
    pub fn number(number: u16, value: u32) -> Self {
        Self::bytes(number, &value.to_ne_bytes())
    }

    /// A flag: it is there.
    #[must_use]
    pub fn flag(number: u16) -> Self {
        Self::bytes(number, &[])
    }

    /// Attributes within one.
    #[must_use]
    pub fn nest(number: u16, inner: &[Self]) -> Self {
        const NLA_F_NESTED: u16 = 1 << 15;
        Self(DefaultNla::new(number | NLA_F_NESTED, encode(inner)))
    }
}

fn encode(attributes: &[Attribute]) -> Vec<u8> {
    let all: Vec<_> = attributes.iter().map(|attribute| attribute.0.clone()).collect();
    let all = &all[..];
    let mut bytes = vec![0; all.buffer_len()];
    all.emit(&mut bytes);
    bytes
}

/// The attributes in encoded form: number and value. What is damaged ends the list.
pub fn attributes(payload: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    NlasIterator::new(payload).map_while(Result::ok).map(|attribute| {
        let length = usize::from(attribute.length()).max(4);
        (attribute.kind() & NLA_TYPE_MASK, attribute.into_inner().get(4..length).unwrap_or_default())
    })
}

/// A number of 32 bits, a text without the NUL that ends it.
pub fn read_number(value: &[u8]) -> Option<u32> {
    Some(u32::from_ne_bytes(value.try_into().ok()?))
}

/// A text without the NUL that ends it.
pub fn read_text(value: &[u8]) -> Option<&str> {
    std::str::from_utf8(value.strip_suffix(&[0]).unwrap_or(value)).ok()
}

impl NetlinkSerializable for Message {
    fn message_type(&self) -> u16 {
        self.family
    }

    fn buffer_len(&self) -> usize {
        4 + self.payload.len()
    }

    fn serialize(&self, buffer: &mut [u8]) {
        buffer[..4].copy_from_slice(&[self.command, self.version, 0, 0]);
        buffer[4..].copy_from_slice(&self.payload);
    }
}

impl NetlinkDeserializable for Message {
    type Error = DecodeError;

    fn deserialize(header: &NetlinkHeader, bytes: &[u8]) -> Result<Self, DecodeError> {
        match bytes {
            [command, version, _, _, payload @ ..] => Ok(Self {
                family: header.message_type,
                command: *command,
                version: *version,
                payload: payload.to_vec(),
            }),
            _ => Err(DecodeError::from("a generic message is shorter than its header")),
        }
    }
}

/// A synchronous socket for generic netlink.
#[derive(Debug)]
pub struct GenericSocket {
    channel: Channel,
}

/// A family that is registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Family {
    /// Its number.
    pub id: u16,
    /// Its version.
    pub version: u8,
}

impl GenericSocket {
    /// Opens a socket in the calling thread's network namespace.
    ///
    /// # Errors
    ///
    /// [`Error::Open`] when the system has no descriptor left or no generic netlink.
    pub fn open() -> Result<Self> {
        // Where an attribute of a family lies, only the family knows.
        Ok(Self { channel: Channel::open(NETLINK_GENERIC, |_, _| None)? })
    }

    /// Opens a socket in another network namespace, as [`Socket::open_in`](crate::Socket::open_in) does.
    ///
    /// # Errors
    ///
    /// [`Error::Namespace`], or what [`GenericSocket::open`] answers.
    pub fn open_in(namespace: BorrowedFd<'_>) -> Result<Self> {
        in_namespace(namespace, Self::open)?
    }

    /// Looks a family up by its name.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] with `ENOENT` when the kernel has no such family.
    pub fn family(&mut self, name: &str) -> Result<Family> {
        const CONTROLLER: u16 = 16;
        const CTRL_CMD_GETFAMILY: u8 = 3;
        const CTRL_ATTR_FAMILY_ID: u16 = 1;
        const CTRL_ATTR_FAMILY_NAME: u16 = 2;
        const CTRL_ATTR_VERSION: u16 = 3;
        let controller = Family { id: CONTROLLER, version: 2 };
        let wanted = [Attribute::text(CTRL_ATTR_FAMILY_NAME, name)];
        let operation = format_args!("look up the netlink family '{name}'");
        let answer = self
            .request(controller, CTRL_CMD_GETFAMILY, 0, &wanted, operation)?
            .ok_or_else(|| Error::Empty { operation: operation.to_string() })?;
        let mut family = Family { id: 0, version: 1 };
        for (number, value) in attributes(&answer.payload) {
            match (number, value) {
                (CTRL_ATTR_FAMILY_ID, &[a, b]) => family.id = u16::from_ne_bytes([a, b]),
                (CTRL_ATTR_VERSION, value) => {
                    let version = read_number(value).and_then(|version| version.try_into().ok());
                    family.version = version.unwrap_or(family.version);
                }
                _ => {}
            }
        }
        Ok(family)
    }

    /// Sends a request and waits for its acknowledgement; gives the answer that came before it.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] with the kernel's reason; [`Error::Transport`] or [`Error::Overrun`] when the answer is lost.
    pub fn request(
        &mut self,
        family: Family,
        command: u8,
        flags: u16,
        attributes: &[Attribute],
        operation: fmt::Arguments<'_>,
    ) -> Result<Option<Message>> {
        let payload = encode(attributes);
        let message = Message { family: family.id, command, version: family.version, payload };
        self.channel.call(message, NLM_F_ACK | flags, operation)
    }

    /// Reads a whole list.
    ///
    /// # Errors
    ///
    /// As [`Socket::dump`](crate::Socket::dump).
    pub fn dump(
        &mut self,
        family: Family,
        command: u8,
        attributes: &[Attribute],
        operation: fmt::Arguments<'_>,
    ) -> Result<Vec<Message>> {
        let payload = encode(attributes);
        let message = Message { family: family.id, command, version: family.version, payload };
        self.channel.dump(&message, operation)
    }
}

impl AsFd for GenericSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.channel.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_read_as_they_are_written() {
        let written = encode(&[
            Attribute::text(2, "nlctrl"),
            Attribute::nest(3, &[Attribute::number(1, 7), Attribute::flag(9)]),
        ]);
        let read: Vec<_> = attributes(&written).collect();
        assert_eq!(read.len(), 2);
        assert_eq!((read[0].0, read_text(read[0].1)), (2, Some("nlctrl")));
        let inner: Vec<_> = attributes(read[1].1).collect();
        assert_eq!((inner[0].0, read_number(inner[0].1)), (1, Some(7)));
        assert_eq!(inner[1], (9, &[][..]));
        for length in 0..written.len() {
            assert!(attributes(&written[..length]).count() < 2 || length > 12);
        }
    }

    #[test]
    fn the_controller_knows_itself() {
        let mut socket = GenericSocket::open().unwrap();
        assert_eq!(socket.family("nlctrl").unwrap(), Family { id: 16, version: 2 });
        let absent = socket.family("virt-no-such").unwrap_err();
        assert_eq!(
            absent.to_string(),
            "cannot look up the netlink family 'virt-no-such': there is no such object (ENOENT)"
        );
    }
}
