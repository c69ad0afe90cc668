//! Calls that the guest's agent answers.

mod clock;
mod command;
mod disks;
mod file_systems;
mod guest_info;
mod interfaces;
mod keys;
mod power;
pub(super) mod vcpus;

use std::time::Duration;

use virt_conf::domain::Domain;
use virt_conf::domain::device::{ChannelState, ChannelTarget};
use virt_domain::admission::Needs;
use virt_domain::{DomainHandle, JobContext, JobKind, JobSpec, Snapshot};
use virt_driver::{DomainRef, FileSystemInfo, GuestInterface, Guests};
use virt_qmp::agent::command::GuestSetUserPassword;
use virt_qmp::command::Command;
use virt_types::{DomainState, Error, ErrorCode, ErrorDomain, Result, TypedParams};

use super::calls::calls;
use super::refusal::{invalid, invalid_argument, known_bits, no_flags};
use super::{QemuConnection, hold};
use crate::process::{Said, not_configured, refused, unresponsive};

pub(super) use clock::{set_time, time};
pub(super) use command::raw as command;
pub(super) use guest_info::get as guest_info;
pub(super) use interfaces::hostname;
pub(super) use power::suspend as pm_suspend;

/// The virtio port through which an agent talks.
const CHANNEL: &str = "org.qemu.guest_agent.0";

/// The answer of an agent that may take its time, which is never longer than the engine's own limit.
const FOR_EVER: i32 = -2;
/// libvirt's default where a caller asks for the default, in seconds.
const DEFAULT_SECONDS: u64 = 5;

/// A call to the agent: its name, what it may run beside, and in whose name a domain that does not run is refused.
#[derive(Debug, Clone, Copy)]
pub(super) struct AgentCall {
    api: &'static str,
    kind: JobKind,
    needs: Needs,
}

impl AgentCall {
    /// A call that is refused in the API's name.
    pub(super) const fn new(api: &'static str, kind: JobKind) -> Self {
        Self { api, kind, needs: Needs::Active }
    }

    /// A call that is refused in the driver's name.
    pub(super) const fn of_driver(api: &'static str, kind: JobKind) -> Self {
        Self { api, kind, needs: Needs::Nothing }
    }
}

/// A job's way to the agent.
pub(super) struct Agent {
    context: JobContext,
    guest: std::sync::Arc<crate::process::Guest>,
    patience: Option<Duration>,
}

impl Agent {
    /// Executes a command.
    pub(super) async fn ask<C: Command + Sync>(&self, command: &C) -> Result<C::Reply> {
        self.attempt(command).await?.map_err(|error| refused(C::NAME, &error))
    }

    /// The same, where a refusal is an answer too.
    pub(super) async fn attempt<C: Command + Sync>(&self, command: &C) -> Result<Said<C::Reply>> {
        self.guest.ask_agent(command, self.patience).await
    }

    /// The domain as it is now.
    pub(super) fn snapshot(&self) -> std::sync::Arc<Snapshot> {
        self.context.snapshot()
    }
}

/// Runs a job that talks to the agent.
pub(super) async fn with<T, W>(
    connection: &QemuConnection,
    domain: &DomainHandle,
    call: AgentCall,
    work: impl FnOnce(Agent) -> W + Send + 'static,
) -> Result<T>
where
    T: Send + 'static,
    W: Future<Output = Result<T>> + Send + 'static,
{
    let patience = patience_of(connection.backend.agent_timeout(domain.snapshot().uuid));
    let spec = JobSpec { api: call.api, kind: call.kind, needs: call.needs };
    domain
        .job(spec, move |context| async move {
            check(&context.snapshot())?;
            let guest = hold::guest(&context).await?;
            work(Agent { context, guest, patience }).await
        })
        .await
}

/// Asks the agent one thing.
async fn ask<C: Command + Send + Sync + 'static>(
    connection: &QemuConnection,
    domain: &DomainRef,
    call: AgentCall,
    command: C,
) -> Result<C::Reply>
where
    C::Reply: Send,
{
    let handle = connection.find(domain).await?;
    with(connection, &handle, call, move |agent| async move { agent.ask(&command).await }).await
}

/// Whether the agent can be asked, in libvirt's order.
fn check(snapshot: &Snapshot) -> Result<()> {
    if snapshot.status.state() != DomainState::Running {
        return Err(invalid("domain is not running"));
    }
    let channel = snapshot.live.as_ref().and_then(|live| channel_state(live));
    match channel {
        None => Err(not_configured()),
        Some(ChannelState::Connected) => Ok(()),
        Some(_) => Err(unresponsive("QEMU guest agent is not connected")
            .with_hint("start qemu-guest-agent in the guest")),
    }
}

fn channel_state(live: &Domain) -> Option<ChannelState> {
    live.devices.channels.iter().find_map(|channel| match &channel.target {
        ChannelTarget::Virtio { name, state, .. } if name.as_deref() == Some(CHANNEL) => Some(*state),
        _ => None,
    })
}

/// How long an agent may take, for a number of libvirt's.
fn patience_of(seconds: i32) -> Option<Duration> {
    match seconds {
        ..=FOR_EVER => None,
        -1 => Some(Duration::from_secs(DEFAULT_SECONDS)),
        seconds => Some(Duration::from_secs(seconds.unsigned_abs().into())),
    }
}

/// Refuses a number of seconds that means nothing.
fn check_timeout(seconds: i32) -> Result<()> {
    if seconds < FOR_EVER {
        let detail = format!("guest agent timeout '{seconds}' is less than the minimum '{FOR_EVER}'");
        return Err(invalid_argument(detail));
    }
    Ok(())
}

async fn set_timeout(
    connection: &QemuConnection,
    domain: &DomainRef,
    seconds: i32,
    flags: u32,
) -> Result<()> {
    no_flags(flags, "qemuDomainAgentSetResponseTimeout")?;
    check_timeout(seconds)?;
    let uuid = connection.find(domain).await?.snapshot().uuid;
    connection.backend.set_agent_timeout(uuid, seconds);
    Ok(())
}

async fn set_user_password(
    connection: &QemuConnection,
    domain: &DomainRef,
    user: &str,
    password: &str,
    flags: u32,
) -> Result<()> {
    known_bits(flags, 1, "qemuDomainSetUserPassword")?;
    let command = GuestSetUserPassword {
        username: user.to_owned(),
        password: base64(password.as_bytes()),
        crypted: flags & 1 != 0,
    };
    let call = AgentCall::new("virDomainSetUserPassword", JobKind::AgentModify);
    ask(connection, domain, call, command).await.map(drop)
}

/// Base64 of RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits =
            group.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for digit in 0..4 {
            let value = (bits >> (18 - 6 * digit)) & 63;
            text.push(if digit > group.len() { '=' } else { char::from(DIGITS[value as usize]) });
        }
    }
    text
}

async fn send_signal(_: &QemuConnection, _: &DomainRef, _pid: i64, _signal: u32, _flags: u32) -> Result<()> {
    // QEMU's guests have no processes that the host could see.
    Err(Error::no_support("virDomainSendProcessSignal"))
}

async fn launch_security(connection: &QemuConnection, domain: &DomainRef, flags: u32) -> Result<TypedParams> {
    known_bits(flags, 7, "qemuDomainGetLaunchSecurityInfo")?;
    let snapshot = connection.find(domain).await?.snapshot();
    match snapshot.current()?.is_some_and(|current| current.launch_security.is_some()) {
        false => Ok(TypedParams::new()),
        true => Err(Error::no_support("virDomainGetLaunchSecurityInfo")),
    }
}

impl Guests for QemuConnection {
    calls! {
        set_user_password(domain: &'a DomainRef, user: &'a str, password: &'a str, flags: u32) -> () = set_user_password;
        freeze(domain: &'a DomainRef, mountpoints: &'a [String], flags: u32) -> u32 = file_systems::freeze;
        thaw(domain: &'a DomainRef, mountpoints: &'a [String], flags: u32) -> u32 = file_systems::thaw;
        trim(domain: &'a DomainRef, mountpoint: Option<&'a str>, minimum: u64, flags: u32) -> () = file_systems::trim;
        file_systems(domain: &'a DomainRef, flags: u32) -> Vec<FileSystemInfo> = file_systems::list;
        interface_addresses(domain: &'a DomainRef, source: u32, flags: u32) -> Vec<GuestInterface> = interfaces::addresses;
        vcpus(domain: &'a DomainRef, flags: u32) -> TypedParams = vcpus::get;
        set_vcpus(domain: &'a DomainRef, cpus: &'a str, online: bool, flags: u32) -> () = vcpus::set;
        ssh_keys(domain: &'a DomainRef, user: &'a str, flags: u32) -> Vec<String> = keys::get;
        set_ssh_keys(domain: &'a DomainRef, user: &'a str, keys: &'a [String], flags: u32) -> () = keys::set;
        set_agent_timeout(domain: &'a DomainRef, timeout: i32, flags: u32) -> () = set_timeout;
        send_signal(domain: &'a DomainRef, pid: i64, signal: u32, flags: u32) -> () = send_signal;
        launch_security(domain: &'a DomainRef, flags: u32) -> TypedParams = launch_security;
    }
}

/// The error of a guest whose data make no sense.
fn nonsense(detail: impl Into<String>) -> Error {
    Error::new(ErrorCode::InternalError, ErrorDomain::Qemu, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_of_the_standard_s_own_examples() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }

    #[test]
    fn how_long_an_agent_may_take() {
        assert_eq!(patience_of(-2), None);
        assert_eq!(patience_of(-1), Some(Duration::from_secs(5)));
        assert_eq!((patience_of(0), patience_of(7)), (Some(Duration::ZERO), Some(Duration::from_secs(7))));
        assert!(check_timeout(-2).is_ok());
        assert_eq!(
            check_timeout(-3).unwrap_err().to_string(),
            "invalid argument: guest agent timeout '-3' is less than the minimum '-2'"
        );
    }
}
