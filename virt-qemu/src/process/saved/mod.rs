//! Guests that go into files, and come back from them.

mod compressor;
mod file;
mod stream;

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use virt_conf::domain::{CpuDescription, CpuMode, Domain};
use virt_conf::{FormatFlags, ParseFlags};
use virt_domain::{JobContext, Saved};
use virt_driver::MonitorEventFilter;
use virt_qmp::command::{MigrationInfo, QueryMigrate};
use virt_types::{
    CreateFlags, Error, ErrorCode, ErrorDomain, PausedReason, Result, RunningReason, UndefineFlags, Uuid,
};
use virt_xml::{Document, Writer};

pub(crate) use file::rewrite;
use stream::outcome;
pub(super) use stream::receive;
pub(crate) use stream::send;

use super::backend::QemuBackend;
use super::guest::Guest;
use crate::save_image::{Broken, Compression, SaveImage};
use compressor::Compressor;

/// How a guest is saved.
#[derive(Debug, Clone)]
pub(crate) struct SaveOptions {
    /// The file.
    pub(crate) path: PathBuf,
    /// Another document in place of the guest's own, already compared with it.
    pub(crate) xml: Option<String>,
    /// Whether it runs on when it is restored; as it does now where nothing is said.
    pub(crate) running: Option<bool>,
    /// How the state is compressed.
    pub(crate) compression: Compression,
    /// Nothing of the file stays in the host's cache.
    pub(crate) bypass_cache: bool,
}

impl QemuBackend {
    /// The file of the state that waits for a domain's next start.
    pub(crate) fn managed_save(&self, name: &str) -> PathBuf {
        self.config().lib_dir.join("save").join(format!("{name}.save"))
    }

    /// Puts the guest into a file. It stands still then; after a failure it runs on, and there is no file.
    ///
    /// # Errors
    /// Where the file can not be written, for a guest that can not be saved, and for a save that was given up.
    pub(crate) async fn save(
        &self,
        context: &JobContext,
        guest: &Guest,
        options: &SaveOptions,
    ) -> Result<MigrationInfo> {
        let uuid = context.snapshot().uuid;
        let ran = context.pause(PausedReason::Save).await?;
        let saved = self.write(context, guest, uuid, ran, options).await;
        context.settle();
        if saved.is_err() && ran {
            context.go_on_as(RunningReason::SaveCanceled).await?;
        }
        saved
    }

    async fn write(
        &self,
        context: &JobContext,
        guest: &Guest,
        uuid: Uuid,
        ran: bool,
        options: &SaveOptions,
    ) -> Result<MigrationInfo> {
        let live = context.snapshot().live.clone().ok_or_else(gone)?;
        let image = SaveImage {
            xml: options.xml.clone().unwrap_or_else(|| document(&live)),
            cookie: cookie(&live),
            running: options.running.unwrap_or(ran),
            compression: options.compression,
            room: 0,
        };
        let compressor = Compressor::find(image.compression)?;
        let filter = MonitorEventFilter { domain: Some(uuid), event: Some("MIGRATION".to_owned()), flags: 0 };
        let events = self.raw_events.subscribe(&filter, 64)?;
        let file = file::NewFile::create(&options.path, &image)?;
        let done = async {
            match compressor {
                None => {
                    send(guest, file.state()?).await?;
                    outcome(guest, events).await
                }
                Some(compressor) => {
                    let (running, input) = compressor.start(file.state()?)?;
                    send(guest, input).await?;
                    outcome(guest, events).await?;
                    running.finished().await
                }
            }
        };
        done.await?;
        file.finish(options.bypass_cache)?;
        guest.execute(&QueryMigrate {}).await
    }

    /// Opens a file for a restore.
    ///
    /// # Errors
    /// As [`SaveImage::read`], and where the file can not be opened.
    pub(crate) fn open_saved(&self, path: &Path) -> std::result::Result<(SaveImage, OwnedFd), Broken> {
        file::open(path)
    }

    /// The state that waits for a domain's next start. What is not whole is no state: its writer died, and the guest ran on or
    /// was lost with it.
    pub(super) async fn waiting_state(&self, config: &Domain, flags: CreateFlags) -> Result<Option<Saved>> {
        let path = self.managed_save(&config.name);
        if !path.exists() {
            return Ok(None);
        }
        if flags.contains(CreateFlags::START_FORCE_BOOT) {
            remove(&path)?;
            return Ok(None);
        }
        let (image, state) = match self.open_saved(&path) {
            Ok(opened) => opened,
            Err(Broken::Incomplete(error)) => {
                log::warn!("{} is not used: {}", path.display(), error.report());
                remove(&path)?;
                return Ok(None);
            }
            Err(broken) => return Err(broken.into()),
        };
        let saved = self.resumption(&image, state, Some(path.clone())).await?;
        if saved.domain.uuid != config.uuid || saved.domain.name != config.name {
            let other = saved.domain.uuid.unwrap_or_default();
            let detail = format!(
                "cannot restore domain '{}' uuid {} from a file which belongs to domain '{}' uuid {other}",
                config.name,
                config.uuid.unwrap_or_default(),
                saved.domain.name
            );
            return Err(Error::new(ErrorCode::OperationFailed, ErrorDomain::Qemu, detail));
        }
        Ok(Some(saved))
    }

    /// Removes the state that waits for a domain which goes away, as the flags say.
    pub(super) fn undefine_managed_save(&self, name: &str, flags: UndefineFlags) -> Result<()> {
        let path = self.managed_save(name);
        if !path.exists() {
            return Ok(());
        }
        if !flags.contains(UndefineFlags::MANAGED_SAVE) {
            return Err(Error::new(
                ErrorCode::OperationInvalid,
                ErrorDomain::Qemu,
                "Refusing to undefine while domain managed save image exists",
            )
            .with_hint("--managed-save removes it too"));
        }
        remove(&path)
    }

    /// What a start needs to go on from a file.
    ///
    /// # Errors
    /// For a document that is none, and a program that is missing.
    pub(crate) async fn resumption(
        &self,
        image: &SaveImage,
        state: OwnedFd,
        removes: Option<PathBuf>,
    ) -> Result<Saved> {
        let mut domain = Domain::parse(&image.xml, ParseFlags::INACTIVE | ParseFlags::SKIP_VALIDATE)?;
        let caps = self.capabilities(&domain).await?;
        self.complete_again(&mut domain, &caps)?;
        // The host may have got another processor since, or QEMU another idea of it.
        let of_host = domain.cpu.as_ref().is_some_and(|cpu| cpu.mode == CpuMode::HostModel);
        if let Some(cookie) = image.cookie.as_ref().filter(|_| of_host) {
            let document = Document::parse(cookie)?;
            if let Some(cpu) = document.root().child("cpu") {
                let found = CpuDescription::parse(cpu.source())?.cpu;
                domain.asked_cpu = domain.cpu.replace(found).map(Box::new);
            }
        }
        let state = match Compressor::find(image.compression)? {
            None => state,
            Some(compressor) => compressor.expand(state)?,
        };
        Ok(Saved { domain, state, running: image.running, removes })
    }
}

fn remove(path: &Path) -> Result<()> {
    std::fs::remove_file(path).map_err(|error| {
        let detail = format!("cannot remove managed save file {}", path.display());
        Error::new(ErrorCode::OperationFailed, ErrorDomain::Qemu, detail).caused_by(error)
    })
}

/// The guest's document, as another start needs it.
pub(crate) fn document(live: &Domain) -> String {
    let mut written = live.clone();
    if let Some(cpu) = written.asked_cpu.take() {
        written.cpu = Some(*cpu);
    }
    written.format(FormatFlags::INACTIVE | FormatFlags::SECURE | FormatFlags::MIGRATABLE)
}

/// What a document does not say.
fn cookie(live: &Domain) -> Option<String> {
    let cpu = live.cpu.as_ref()?;
    let mut w = Writer::new();
    w.open_element("cookie", |w| cpu.format_element(w));
    Some(w.finish())
}

fn gone() -> Error {
    Error::new(ErrorCode::OperationInvalid, ErrorDomain::Qemu, "domain is not running")
}
