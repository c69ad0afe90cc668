//! Talking to the guest's agent.

use std::time::Duration;

use serde_json::value::RawValue;
use tokio::time::Instant;
use virt_qmp::agent::command::GuestShutdown;
use virt_qmp::call::{Call, read_reply};
use virt_qmp::command::Command;
use virt_qmp::{Agent, CommandError, Error as QmpError};
use virt_types::{Error, ErrorCode, ErrorDomain, Result};

use super::guest::Guest;
use super::monitor;

/// What an agent said: its answer, or its refusal.
pub(crate) type Said<T> = std::result::Result<T, CommandError>;

impl Guest {
    /// Asks the agent. `patience` is how long it may take, which is never longer than a monitor's command may.
    pub(crate) async fn ask_agent<C: Command + Sync>(
        &self,
        command: &C,
        patience: Option<Duration>,
    ) -> Result<Said<C::Reply>> {
        let call = Call::new(command).map_err(|error| misunderstood(&error))?;
        Ok(match self.call_agent(call, patience).await? {
            Ok(value) => Ok(read_reply::<C>(&value).map_err(|error| misunderstood(&error))?),
            Err(refusal) => Err(refusal),
        })
    }

    /// The same with a command that somebody else wrote.
    pub(crate) async fn call_agent(
        &self,
        call: Call,
        patience: Option<Duration>,
    ) -> Result<Said<Box<RawValue>>> {
        let agent = self.connect_agent()?;
        let limit = self.monitor.deadline();
        let deadline = patience.map_or(limit, |patience| (Instant::now() + patience).min(limit));
        match agent.call(call, deadline).await {
            Ok(value) => Ok(Ok(value)),
            Err(QmpError::Command { error, .. }) => Ok(Err(error)),
            Err(error @ QmpError::Deadline { .. }) => {
                Err(unresponsive("Guest agent not available for now").caused_by(error))
            }
            Err(error) => {
                Err(unresponsive("Guest agent disappeared while executing command").caused_by(error))
            }
        }
    }

    /// Asks the agent for what has no answer if it works; `effect` tells that it does.
    pub(crate) async fn order_agent<C: Command + Sync>(
        &self,
        command: &C,
        effect: impl Future<Output = ()>,
    ) -> Result<()> {
        let agent = self.connect_agent()?;
        tokio::select! {
            () = effect => Ok(()),
            answer = agent.execute(command, self.monitor.deadline()) => match answer {
                Ok(_) => Ok(()),
                Err(QmpError::Command { error, .. }) => Err(refused(C::NAME, &error)),
                Err(error) if error.is_closed() => Ok(()),
                Err(error) => Err(unresponsive("Guest agent is not responding").caused_by(error)),
            },
            () = self.process.ended() => Ok(()),
        }
    }

    fn connect_agent(&self) -> Result<Agent> {
        let path = self.agent.as_ref().ok_or_else(not_configured)?;
        let watch = |source| virt_sys::Error::System { action: "watch the agent's socket", source };
        let stream = virt_sys::unix::connect(path)
            .and_then(|stream| {
                stream.set_nonblocking(true).map_err(watch)?;
                tokio::net::UnixStream::from_std(stream).map_err(watch)
            })
            .map_err(|error| unresponsive("QEMU guest agent is not connected").caused_by(error))?;
        Ok(Agent::start(stream))
    }

    pub(super) async fn power_by_agent(&self, reboot: bool) -> Result<()> {
        let command = GuestShutdown { mode: Some(if reboot { "reboot" } else { "powerdown" }.to_owned()) };
        // The agent does not answer a shutdown that works: the guest's end is the answer.
        // Nor does it answer a reboot, of which a reset tells.
        let reset = self.monitor.next_reset();
        let effect = async move {
            if reboot {
                reset.await;
            } else {
                std::future::pending::<()>().await;
            }
        };
        self.order_agent(&command, effect).await
    }
}

/// The refusal of a call to the agent of a guest that has none.
pub(crate) fn not_configured() -> Error {
    Error::new(ErrorCode::ArgumentUnsupported, ErrorDomain::Qemu, "QEMU guest agent is not configured")
        .with_hint("add <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>")
}

/// The error of an agent that does not answer.
pub(crate) fn unresponsive(detail: &str) -> Error {
    Error::new(ErrorCode::AgentUnresponsive, ErrorDomain::Qemu, detail)
}

/// A command that the agent refused, in libvirt's words.
pub(crate) fn refused(command: &str, error: &CommandError) -> Error {
    monitor::failed(format!("unable to execute QEMU agent command '{command}': {}", error.desc))
}

fn misunderstood(error: &QmpError) -> Error {
    monitor::failed(error.to_string())
        .with_hint("the agent in the guest is of another kind, or not to be trusted")
}
