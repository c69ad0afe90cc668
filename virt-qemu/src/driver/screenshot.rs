//! Pictures of a guest's screens.

use std::sync::Arc;

use virt_conf::domain::Domain;
use virt_domain::{JobKind, JobSpec};
use virt_driver::{ByteStream, DomainRef};
use virt_qmp::command::ScreenDump;
use virt_types::Result;

use super::refusal::{invalid, no_flags};
use super::streams::MemoryStream;
use super::{QemuConnection, hold, temporary};

/// The largest picture that is taken: 8192 by 8192 pixels of four bytes.
const LIMIT: u64 = 256 << 20;

/// `virDomainScreenshot`
pub(super) async fn take(
    connection: &QemuConnection,
    domain: &DomainRef,
    screen: u32,
    flags: u32,
) -> Result<(String, Arc<dyn ByteStream>)> {
    no_flags(flags, "qemuDomainScreenshot")?;
    let handle = connection.find(domain).await?;
    let spec = JobSpec::active("virDomainScreenshot", JobKind::Query);
    let bytes = handle
        .job(spec, move |context| async move {
            let live = context.snapshot().live.clone().unwrap_or_default();
            let source = source(&live, screen)?;
            let guest = hold::guest(&context).await?;
            temporary::written(guest.dir(), "screendump", LIMIT, async |path| {
                let (device, head) = source.clone().unzip();
                let dump = ScreenDump {
                    filename: path.display().to_string(),
                    device,
                    head,
                    format: Some("png".to_owned()),
                };
                match guest.attempt(&dump).await? {
                    Ok(_) => Ok(()),
                    // A QEMU before 7.1, or one built without libpng, has the portable form only.
                    Err(_) => guest.execute(&ScreenDump { format: None, ..dump }).await.map(drop),
                }
            })
            .await
        })
        .await?;
    let kind = if bytes.starts_with(b"\x89PNG") { "image/png" } else { "image/x-portable-pixmap" };
    Ok((kind.to_owned(), Arc::new(MemoryStream::new(bytes))))
}

/// The video device and its head; none where QEMU's first one is meant.
fn source(live: &Domain, screen: u32) -> Result<Option<(String, i64)>> {
    let videos = &live.devices.videos;
    if videos.is_empty() {
        return Err(invalid("no screens to take screenshot from"));
    }
    if screen == 0 {
        return Ok(None);
    }
    let mut head = screen;
    for video in videos {
        let heads = video.heads.max(1);
        if head < heads {
            return Ok(video.info.alias.clone().map(|alias| (alias, i64::from(head))));
        }
        head -= heads;
    }
    Err(invalid("no such screen ID"))
}
