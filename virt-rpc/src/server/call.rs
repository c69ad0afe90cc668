//! From a call to its answer.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use virt_driver::BoxFuture;
use virt_proto::packet::{ErrorBody, Header, Kind, PAYLOAD_MAX, Status};
use virt_types::{Error, ErrorCode, ErrorDomain, Result};

use super::client::{Client, Post, Token};
use super::service::Reply;
use super::stream::{Key, Stream, StreamState};
use crate::error::protocol;
use crate::outgoing::Outgoing;

/// A call that is in progress.
pub(super) struct Running {
    pub(super) header: Header,
    pub(super) high: bool,
    future: BoxFuture<'static, Result<Reply>>,
}

impl Running {
    pub(super) fn new(header: Header, high: bool, future: BoxFuture<'static, Result<Reply>>) -> Self {
        Self { header, high, future }
    }
}

/// A call that panics has failed, and nothing else with it.
impl Future for Running {
    type Output = Result<Reply>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Reply>> {
        let future = &mut self.future;
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
            Ok(poll) => poll,
            Err(_) => Poll::Ready(Err(panicked())),
        }
    }
}

pub(super) fn panicked() -> Error {
    Error::new(ErrorCode::InternalError, ErrorDomain::Rpc, "the call ended abnormally")
}

/// What goes back for a call's outcome.
pub(super) struct Answered {
    pub(super) message: Outgoing<Token>,
    pub(super) stream: Option<(Arc<StreamState>, BoxFuture<'static, ()>)>,
}

pub(super) fn answer(
    client: &Client,
    call: &Header,
    high: bool,
    passes_fds: bool,
    outcome: Result<Reply>,
) -> Answered {
    let reply = match outcome.and_then(|reply| check(reply, passes_fds)) {
        Ok(reply) => reply,
        Err(error) => return refusal(call, high, &ErrorBody::from(&error)),
    };
    if reply.stream.is_some() && !client.open_stream() {
        return refusal(call, high, &ErrorBody::from(&protocol("too many streams are open")));
    }
    let token = if reply.then_close { Token::LastCall } else { Token::Call { high } };
    let message = if reply.fds.is_empty() {
        Outgoing::new(call.answer(Kind::Reply, Status::Ok), reply.payload, token)
    } else {
        let header = call.answer(Kind::ReplyWithDescriptors, Status::Ok);
        Outgoing::with_fds(header, reply.payload, reply.fds, token)
    };
    let stream = reply.stream.map(|run| {
        let state = StreamState::new(Key::of(call));
        let stream = Stream::new(client.clone(), Arc::clone(&state));
        (state, run(stream))
    });
    Answered { message, stream }
}

fn check(reply: Reply, passes_fds: bool) -> Result<Reply> {
    if reply.payload.len() > PAYLOAD_MAX - 4 {
        return Err(protocol("Unable to encode message payload"));
    }
    if !reply.fds.is_empty() && !passes_fds {
        return Err(protocol("Sending file descriptors is not supported on this socket"));
    }
    Ok(reply)
}

/// The answer to a call that failed.
pub(super) fn refusal(call: &Header, high: bool, error: &ErrorBody) -> Answered {
    let header = call.answer(Kind::Reply, Status::Error);
    Answered { message: Outgoing::new(header, error_payload(error), Token::Call { high }), stream: None }
}

pub(super) fn error_payload(error: &ErrorBody) -> Vec<u8> {
    virt_proto::xdr::encode(error)
        .or_else(|_| virt_proto::xdr::encode(&ErrorBody::unset()))
        .unwrap_or_default()
}

/// Goes on with a call whose answer was not there at once.
pub(super) async fn finish(client: Client, passes_fds: bool, running: Running) {
    let (header, high) = (running.header, running.high);
    let outcome = running.await;
    let Answered { message, stream } = answer(&client, &header, high, passes_fds, outcome);
    let Some((state, run)) = stream else {
        client.post(Post::Message(message));
        return;
    };
    client.post(Post::OpenStream(state));
    client.post(Post::Message(message));
    run.await;
}
