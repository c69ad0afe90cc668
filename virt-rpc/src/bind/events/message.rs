//! An event as bytes that all its readers send.

use std::sync::Arc;

use virt_proto::{Procedure, Row};

use crate::server::{Client, EventBody};

/// What is sent for an event: for each kind of registration, by its number, a message.
pub(in crate::bind) type Messages = Vec<(i32, Message)>;

/// A message whose number of the registration is not filled in.
#[derive(Debug)]
pub(crate) struct Message {
    row: &'static Row,
    bytes: Arc<[u8]>,
    /// The message of clients that know no numbers of registrations, and where its bytes begin.
    old: Option<(&'static Row, usize)>,
}

/// The number of the registration comes first.
const NUMBER: usize = 4;

impl Message {
    /// A message that begins with the number of a registration, whatever that is here.
    pub(super) fn new<P: Procedure>(args: &P::Args) -> Option<Self> {
        match virt_proto::xdr::encode(args) {
            Ok(bytes) => Some(Self { row: P::ROW, bytes: bytes.into(), old: None }),
            Err(error) => {
                log::warn!("an event is left out: {error}");
                None
            }
        }
    }

    /// The same event in the old way, whose bytes begin so far behind the others.
    pub(super) fn also<Old: Procedure>(self, from: usize) -> Self {
        Self { old: Some((Old::ROW, from)), ..self }
    }

    /// Sends it to a registration with this number.
    pub(super) fn send(&self, client: &Client, number: i32) {
        self.send_as(client, self.row, EventBody::new(Some(number), &self.bytes, NUMBER));
    }

    /// Sends it to a registration of the old kind.
    pub(super) fn send_old(&self, client: &Client) {
        if let Some((row, from)) = self.old {
            self.send_as(client, row, EventBody::new(None, &self.bytes, from));
        }
    }

    fn send_as(&self, client: &Client, row: &Row, body: EventBody) {
        client.send_event(row.program.number, row.program.version, row.number, body);
    }
}
