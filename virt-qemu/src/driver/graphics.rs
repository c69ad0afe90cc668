//! Connections to a guest's displays that go through the engine.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use virt_conf::domain::Domain;
use virt_conf::domain::device::Graphics;
use virt_domain::{JobKind, JobSpec};
use virt_driver::DomainRef;
use virt_qmp::command::{AddClient, CloseFd, DisplayReload, GetFd};
use virt_types::{Error, ErrorCode, ErrorDomain, Result, TextEnum};

use super::refusal::{failed, internal, invalid_argument, known_bits};
use super::{QemuConnection, hold, sides};

/// `VIR_DOMAIN_OPEN_GRAPHICS_SKIPAUTH`
const SKIP_AUTH: u32 = 1;

/// `virDomainOpenGraphicsFD`
pub(super) async fn open_fd(
    connection: &QemuConnection,
    domain: &DomainRef,
    index: u32,
    flags: u32,
) -> Result<OwnedFd> {
    known_bits(flags, SKIP_AUTH, "qemuDomainOpenGraphicsFD")?;
    let (ours, theirs) =
        UnixStream::pair().map_err(|error| failed("cannot make a pair of sockets").caused_by(error))?;
    let words = "Can only open VNC, SPICE or D-Bus p2p graphics backends, not";
    hand_over(connection, domain, index, theirs.into(), flags, ("virDomainOpenGraphicsFD", words)).await?;
    Ok(ours.into())
}

/// `virDomainOpenGraphics`
pub(super) async fn open(
    connection: &QemuConnection,
    domain: &DomainRef,
    index: u32,
    socket: OwnedFd,
    flags: u32,
) -> Result<()> {
    known_bits(flags, SKIP_AUTH, "qemuDomainOpenGraphics")?;
    let words = "Can only open VNC or SPICE graphics backends, not";
    hand_over(connection, domain, index, socket, flags, ("virDomainOpenGraphics", words)).await
}

async fn hand_over(
    connection: &QemuConnection,
    domain: &DomainRef,
    index: u32,
    socket: OwnedFd,
    flags: u32,
    (api, words): (&'static str, &str),
) -> Result<()> {
    let handle = connection.find(domain).await?;
    let snapshot = handle.snapshot();
    let live = snapshot.live.as_ref().ok_or_else(sides::not_running)?;
    let protocol = protocol(live, index, words)?;
    handle
        .job(JobSpec::active(api, JobKind::Modify), move |context| async move {
            let guest = hold::guest(&context).await?;
            let name = "graphicsfd".to_owned();
            guest.execute_with_fds(&GetFd { fdname: name.clone() }, vec![socket]).await?;
            let client = AddClient {
                protocol: protocol.to_owned(),
                fdname: name.clone(),
                skipauth: Some(flags & SKIP_AUTH != 0),
                tls: None,
            };
            let added = guest.execute(&client).await.map(drop);
            if added.is_err() {
                // QEMU still has the descriptor then, or never had it.
                let _ = guest.attempt(&CloseFd { fdname: name }).await;
            }
            added
        })
        .await
}

fn protocol(live: &Domain, index: u32, words: &str) -> Result<&'static str> {
    let found = live.devices.graphics.get(index as usize);
    match found.ok_or_else(|| internal(format!("No graphics backend with index {index}")))? {
        Graphics::Vnc(_) => Ok("vnc"),
        Graphics::Spice(_) => Ok("spice"),
        other => {
            let detail = format!("{words} {}", other.kind().text());
            Err(Error::new(ErrorCode::ConfigUnsupported, ErrorDomain::Qemu, detail))
        }
    }
}

/// `virDomainGraphicsReload`
pub(super) async fn reload(
    connection: &QemuConnection,
    domain: &DomainRef,
    kind: u32,
    flags: u32,
) -> Result<()> {
    if flags != 1 {
        known_bits(flags, 1, "qemuDomainGraphicsReload")?;
        return Err(invalid_argument("No graphics reload flag was given"));
    }
    if kind > 1 {
        return Err(invalid_argument(format!("type of graphics reload '{kind}' is not supported")));
    }
    let handle = connection.find(domain).await?;
    let command = DisplayReload { kind: "vnc".to_owned(), tls_certs: Some(true) };
    hold::ask(&handle, "virDomainGraphicsReload", JobKind::Modify, command).await.map(drop)
}
