//! What a client may do before it is authenticated, and how it becomes so.

use virt_proto::packet::{ErrorBody, Header};
use virt_proto::remote;

use super::Client;
use super::service::{Answer, Call, Reply};
use crate::auth::{Auth, method};
use crate::error::protocol;

const AUTH_LIST: i32 = 66;
const AUTH_SASL_INIT: i32 = 67;
const AUTH_SASL_START: i32 = 68;
const AUTH_SASL_STEP: i32 = 69;
const AUTH_POLKIT: i32 = 70;

/// Answers the procedures of authentication, and lets nothing else pass before it is complete.
#[derive(Debug)]
pub(super) struct Gate {
    auth: Auth,
    open: bool,
}

/// What becomes of a call.
pub(super) enum Passage {
    /// It goes on to the session.
    Open,
    /// It was one of authentication.
    Answer(Answer),
    /// It fails.
    Refuse(ErrorBody),
}

impl Gate {
    pub(super) fn new(auth: Auth) -> Self {
        let open = matches!(auth, Auth::None);
        Self { auth, open }
    }

    /// Whether the client is authenticated.
    pub(super) const fn is_open(&self) -> bool {
        self.open
    }

    /// Whether a procedure is one of authentication, whether the session knows it or not.
    pub(super) fn is_authentication(header: &Header) -> bool {
        is_authentication(header.program, header.procedure)
    }

    pub(super) fn pass(&mut self, _client: &Client, call: &Call<'_>) -> Passage {
        if !is_authentication(call.program, call.procedure) {
            if self.open {
                return Passage::Open;
            }
            return Passage::Refuse(ErrorBody::from(&protocol("authentication required")));
        }
        match (call.procedure, &self.auth) {
            (AUTH_LIST, Auth::None) => Passage::Answer(list(method::NONE)),
            // libvirtd names no reason when a method is asked for that is not in use.
            _ => Passage::Refuse(ErrorBody::unset()),
        }
    }
}

const fn is_authentication(program: u32, procedure: i32) -> bool {
    program == remote::PROGRAM.number
        && matches!(procedure, AUTH_LIST | AUTH_SASL_INIT | AUTH_SASL_START | AUTH_SASL_STEP | AUTH_POLKIT)
}

/// The answer to `AUTH_LIST`, which always has one entry.
fn list(method: i32) -> Answer {
    let words = [1, method];
    Answer::Now(Ok(Reply::new(words.into_iter().flat_map(i32::to_be_bytes).collect())))
}
