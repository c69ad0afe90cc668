//! What is done to volumes.

use std::sync::Arc;

use virt_conf::common::storage_source::ImageFormat;
use virt_conf::storage_volume::{Capacity, Volume, VolumeType};
use virt_driver::{ByteStream, ObjectRef, VolumeInfo, VolumeRef};
use virt_types::{ErrorCode, Result};

use super::pools::{check, stable_path};
use super::{Shared, StorageDriver, backend_of};
use crate::error::{cannot, failed, internal, invalid, invalid_arg, no_volume, refuse};
use crate::pool::{Entry, Pool, State};
use crate::volume::{
    Build, Direction, Resize, SecretFile, VolumeStream, check_algorithm, image_format, path_of,
    wanted_allocation,
};
use crate::work::Turn;

/// `virStorageVolCreateFlags`
const PREALLOCATE: u32 = 0x1;
const REFLINK: u32 = 0x2;
const VALIDATE: u32 = 0x4;
/// `virStorageVolResizeFlags`
const ALLOCATE: u32 = 0x1;
const DELTA: u32 = 0x2;
const SHRINK: u32 = 0x4;
/// `VIR_STORAGE_VOL_GET_PHYSICAL`
const PHYSICAL: u32 = 0x1;
/// `VIR_STORAGE_VOL_UPLOAD_SPARSE_STREAM`, and of downloads.
const SPARSE: u32 = 0x1;

/// Something goes on in a pool for as long as this lives, and its volumes must not be forgotten meanwhile.
struct Job(Arc<Pool>);

impl Job {
    fn begin(pool: &Arc<Pool>, state: &mut State) -> Self {
        state.jobs += 1;
        Self(Arc::clone(pool))
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.jobs = state.jobs.saturating_sub(1);
    }
}

/// Refuses what must not happen while somebody is at a volume.
fn check_unused(entry: &Entry) -> Result<()> {
    if entry.users > 0 {
        return Err(invalid(format!("volume '{}' is still in use.", entry.volume.name)));
    }
    check_complete(entry)
}

fn check_complete(entry: &Entry) -> Result<()> {
    if entry.building {
        return Err(invalid(format!("volume '{}' is still being allocated.", entry.volume.name)));
    }
    Ok(())
}

/// A volume that is to be made, and what it takes to make it.
struct Creation {
    volume: Volume,
    original: Option<(Arc<Pool>, Volume)>,
    preallocate: bool,
    reflink: bool,
    secret: Option<SecretFile>,
    original_secret: Option<SecretFile>,
}

impl StorageDriver {
    pub(super) async fn create_volume_xml(
        &self,
        pool: &ObjectRef,
        xml: &str,
        flags: u32,
    ) -> Result<VolumeRef> {
        check(flags, PREALLOCATE | VALIDATE, "storageVolCreateXML")?;
        let pool = self.shared.find(pool)?;
        let config = pool.running()?.config.clone();
        let backend = backend_of(&config)?;
        let mut volume = Volume::parse(xml, config.kind, Capacity::UnlessBacked)?;
        volume.fill(None);
        if volume.capacity.unwrap_or(0) == 0 && backend.makes_at_once() {
            return Err(cannot("volume capacity required for this storage pool"));
        }
        check_new(&pool, &volume)?;
        if !backend.makes_volumes() {
            return Err(cannot("storage pool does not support volume creation"));
        }
        let secret = self.shared.passphrase(&pool.name, &volume).await?;
        let preallocate = flags & PREALLOCATE != 0;
        let creation =
            Creation { volume, original: None, preallocate, reflink: false, secret, original_secret: None };
        self.create(&pool, creation).await
    }

    pub(super) async fn copy_volume(
        &self,
        pool: &ObjectRef,
        xml: &str,
        original: &VolumeRef,
        flags: u32,
    ) -> Result<VolumeRef> {
        check(flags, PREALLOCATE | REFLINK | VALIDATE, "storageVolCreateXMLFrom")?;
        let pool = self.shared.find(pool)?;
        let from = if original.pool == pool.name {
            Arc::clone(&pool)
        } else {
            self.shared.find_by_name(&original.pool)?
        };
        let config = pool.running()?.config.clone();
        let backend = backend_of(&config)?;
        let (from_config, entry) = {
            let state = from.running()?;
            (state.config.clone(), state.volume(&original.name)?.clone())
        };
        let mut volume = Volume::parse(xml, config.kind, Capacity::Optional)?;
        volume.fill(None);
        if pool.state().volumes.get(&volume.name).is_some() {
            return Err(internal(format!("storage volume name '{}' already in use.", volume.name)));
        }
        if !backend.makes_volumes() {
            return Err(cannot("storage pool does not support volume creation from an existing volume"));
        }
        check_complete(&entry)?;
        let source = entry.volume;
        let source = self
            .shared
            .workers
            .run(move || {
                let mut source = source;
                backend_of(&from_config)?.refresh_volume(&from_config, &mut source)?;
                Ok(source)
            })
            .await?;
        let least = source.capacity.unwrap_or(0);
        volume.capacity = Some(volume.capacity.unwrap_or(0).max(least));
        volume.allocation = volume.allocation.or(volume.capacity);
        let secret = self.shared.passphrase(&pool.name, &volume).await?;
        let original_secret = self.shared.passphrase(&from.name, &source).await?;
        let creation = Creation {
            volume,
            original: Some((from, source)),
            preallocate: flags & PREALLOCATE != 0,
            reflink: flags & REFLINK != 0,
            secret,
            original_secret,
        };
        self.create(&pool, creation).await
    }

    /// The name is taken while others wait; the volume is made when they no longer have to.
    async fn create(&self, pool: &Arc<Pool>, creation: Creation) -> Result<VolumeRef> {
        let turn = pool.turns.take().await?;
        let pool = Arc::clone(pool);
        self.shared.workers.run(move || make(&pool, turn, creation)).await
    }

    pub(super) async fn remove_volume(&self, volume: &VolumeRef, flags: u32) -> Result<()> {
        let pool = self.shared.find_by_name(&volume.pool)?;
        let name = volume.name.clone();
        self.with_turn(&pool, move |_, pool| {
            let (config, entry) = entry_of(pool, &name)?;
            check_unused(&entry)?;
            check(flags, 0, "virStorageBackendVolDeleteLocal")?;
            backend_of(&config)?.delete_volume(&config, &entry.volume)?;
            let mut state = pool.state();
            state.volumes.remove(&name);
            state.give_back(wanted_allocation(&entry.volume));
            Ok(())
        })
        .await
    }

    pub(super) async fn overwrite_volume(
        &self,
        volume: &VolumeRef,
        algorithm: u32,
        flags: u32,
    ) -> Result<()> {
        check(flags, 0, "storageVolWipePattern")?;
        check_algorithm(algorithm)?;
        let pool = self.shared.find_by_name(&volume.pool)?;
        let name = volume.name.clone();
        let turn = pool.turns.take().await?;
        let work = move || {
            let (config, entry) = entry_of(&pool, &name)?;
            check_unused(&entry)?;
            let backend = backend_of(&config)?;
            let job = {
                let mut state = pool.state();
                if let Some(entry) = state.volumes.get_mut(&name) {
                    entry.users += 1;
                }
                Job::begin(&pool, &mut state)
            };
            drop(turn);
            let mut volume = entry.volume;
            let wiped =
                backend.wipe_volume(&volume, algorithm).and_then(|()| backend.after_wipe(&mut volume));
            let mut state = pool.state();
            if let Some(entry) = state.volumes.get_mut(&name) {
                entry.users = entry.users.saturating_sub(1);
                if wiped.is_ok() {
                    entry.volume = volume;
                }
            }
            drop(state);
            drop(job);
            wiped
        };
        self.shared.workers.run(work).await
    }

    pub(super) async fn resize(&self, volume: &VolumeRef, capacity: u64, flags: u32) -> Result<()> {
        check(flags, ALLOCATE | DELTA | SHRINK, "storageVolResize")?;
        let pool = self.shared.find_by_name(&volume.pool)?;
        let encrypted = {
            let (_, entry) = entry_of(&pool, &volume.name)?;
            entry.volume
        };
        let secret = match self.shared.passphrase(&pool.name, &encrypted).await {
            Ok(secret) => secret,
            Err(error) if encrypted.target.encryption.is_some() => return Err(error),
            Err(_) => None,
        };
        let name = volume.name.clone();
        self.with_turn(&pool, move |_, pool| {
            let (config, entry) = entry_of(pool, &name)?;
            check_unused(&entry)?;
            let volume = entry.volume;
            let (current, allocation) = (volume.capacity.unwrap_or(0), wanted_allocation(&volume));
            let wanted = match (flags & DELTA != 0, flags & SHRINK != 0) {
                (true, true) => current.saturating_sub(capacity),
                (true, false) => current.saturating_add(capacity),
                (false, _) => capacity,
            };
            if wanted < allocation {
                return Err(invalid_arg("can't shrink capacity below existing allocation"));
            }
            if wanted < current && flags & SHRINK == 0 {
                let detail =
                    "Can't shrink capacity below current capacity unless shrink flag explicitly specified";
                return Err(invalid_arg(detail));
            }
            let allocate = flags & ALLOCATE != 0;
            let taken = if allocate { wanted - allocation } else { 0 };
            if taken > config.available {
                return Err(failed("Not enough space left in storage pool"));
            }
            let resize = Resize { volume, capacity: wanted, allocate, secret };
            backend_of(&config)?.resize_volume(&resize)?;
            let mut state = pool.state();
            if let Some(entry) = state.volumes.get_mut(&name) {
                entry.volume.capacity = Some(wanted);
                if allocate {
                    entry.volume.allocation = Some(wanted);
                }
            }
            state.account(taken);
            Ok(())
        })
        .await
    }

    /// A volume as it is now.
    pub(super) async fn current(&self, volume: &VolumeRef) -> Result<Volume> {
        let pool = self.shared.find_by_name(&volume.pool)?;
        let name = volume.name.clone();
        let (config, _) = entry_of(&pool, &name)?;
        let backend = backend_of(&config)?;
        let work = move || {
            let (config, entry) = entry_of(&pool, &name)?;
            let mut volume = entry.volume;
            backend.refresh_volume(&config, &mut volume)?;
            let mut state = pool.state();
            if let Some(entry) = state.volumes.get_mut(&name) {
                entry.volume = volume.clone();
            }
            Ok(volume)
        };
        self.shared.workers.run(work).await
    }

    pub(super) async fn describe(&self, volume: &VolumeRef, flags: u32) -> Result<VolumeInfo> {
        check(flags, PHYSICAL, "storageVolGetInfoFlags")?;
        let volume = self.current(volume).await?;
        let allocation = if flags & PHYSICAL != 0 { volume.physical } else { volume.allocation.unwrap_or(0) };
        Ok(VolumeInfo { kind: number_of(volume.kind), capacity: volume.capacity.unwrap_or(0), allocation })
    }

    pub(super) async fn with_path(&self, path: &str) -> Result<VolumeRef> {
        let clean = virt_conf::common::sanitize_path(path);
        let running: Vec<_> =
            self.shared.pools().iter().filter(|pool| pool.state().active).cloned().collect();
        let look = |pool: &Arc<Pool>, path: &str| {
            let state = pool.state();
            state.volumes.with_path(path).map(|entry| pool.volume_ref(&entry.volume))
        };
        if let Some(found) = running.iter().find_map(|pool| look(pool, &clean)) {
            return Ok(found);
        }
        let through_links = {
            let clean = clean.clone();
            move || {
                let found = running.iter().find_map(|pool| {
                    let config = pool.state().config.clone();
                    let stable = stable_path(&config, &clean)
                        .inspect_err(|error| log::warn!("pool '{}': {error}", pool.name))
                        .ok()?;
                    look(pool, &stable)
                });
                Ok(found)
            }
        };
        let found = self.shared.workers.run(through_links).await?;
        found.ok_or_else(|| {
            let clean = if clean == path { String::new() } else { format!(" ({clean})") };
            no_volume(format!("no storage vol with matching path '{path}'{clean}"))
        })
    }

    pub(super) async fn stream(
        &self,
        volume: &VolumeRef,
        direction: Direction,
        (offset, length): (u64, u64),
        flags: u32,
    ) -> Result<Arc<dyn ByteStream>> {
        let upload = direction == Direction::Upload;
        check(flags, SPARSE, if upload { "storageVolUpload" } else { "storageVolDownload" })?;
        let pool = self.shared.find_by_name(&volume.pool)?;
        let (_, entry) = entry_of(&pool, &volume.name)?;
        if upload {
            check_unused(&entry)?;
        } else {
            check_complete(&entry)?;
        }
        let mut path = path_of(&entry.volume).to_owned();
        if image_format(&entry.volume) == Some(ImageFormat::Ploop) {
            path.push_str("/root.hds");
        }
        let workers = Arc::clone(&self.shared.workers);
        let ended = upload.then(|| self.refresh_later(&pool));
        let open = move || VolumeStream::open(&path, direction, offset, length, workers, ended);
        let stream = self.shared.workers.run(open).await?;
        Ok(Arc::new(stream))
    }

    /// What was written into a volume is seen when the writer has gone.
    fn refresh_later(&self, pool: &Arc<Pool>) -> Box<dyn FnOnce() + Send> {
        let (driver, pool) = (self.clone(), Arc::clone(pool));
        let runtime = tokio::runtime::Handle::current();
        Box::new(move || {
            runtime.spawn(async move {
                if let Err(error) = driver.refresh_pool(&pool).await {
                    log::debug!("pool '{}' is not looked at after an upload: {error}", pool.name);
                }
            });
        })
    }
}

fn check_new(pool: &Pool, volume: &Volume) -> Result<()> {
    if pool.state().volumes.get(&volume.name).is_some() {
        return Err(refuse(ErrorCode::StorageVolExist, format!("'{}'", volume.name)));
    }
    Ok(())
}

/// A volume of a pool that runs.
fn entry_of(pool: &Pool, name: &str) -> Result<(virt_conf::storage_pool::StoragePool, Entry)> {
    let state = pool.running()?;
    let entry = state.volume(name)?.clone();
    Ok((state.config.clone(), entry))
}

fn make(pool: &Arc<Pool>, turn: Turn, creation: Creation) -> Result<VolumeRef> {
    let Creation { mut volume, original, preallocate, reflink, secret, original_secret } = creation;
    let config = pool.running()?.config.clone();
    let backend = backend_of(&config)?;
    check_new(pool, &volume)?;
    backend.place(&config, &mut volume)?;
    let job = {
        let mut state = pool.state();
        if !state.volumes.add(volume.clone(), true) {
            return Err(refuse(ErrorCode::StorageVolExist, format!("'{}'", volume.name)));
        }
        Job::begin(pool, &mut state)
    };
    let using = original.as_ref().map(|(from, source)| Use::begin(from, &source.name));
    drop(turn);
    let build = Build {
        volume: volume.clone(),
        original: original.map(|(_, source)| source),
        preallocate,
        reflink,
        secret,
        original_secret,
        directory: config.target_path().to_owned(),
    };
    let made = backend.build_volume(&config, &build).and_then(|()| {
        backend.refresh_volume(&config, &mut volume).inspect_err(|_| {
            if let Err(error) = backend.delete_volume(&config, &volume) {
                log::warn!("a volume that can not be used is left: {error}");
            }
        })
    });
    drop(using);
    let mut state = pool.state();
    state.volumes.remove(&build.volume.name);
    let reference = match made {
        Ok(()) => {
            state.account(wanted_allocation(&volume));
            let reference = pool.volume_ref(&volume);
            state.volumes.add(volume, false);
            Ok(reference)
        }
        Err(error) => Err(error),
    };
    drop(state);
    drop(job);
    reference
}

/// Somebody reads a volume for as long as this lives.
struct Use {
    job: Job,
    name: String,
}

impl Use {
    fn begin(pool: &Arc<Pool>, name: &str) -> Self {
        let mut state = pool.state();
        if let Some(entry) = state.volumes.get_mut(name) {
            entry.users += 1;
        }
        Self { job: Job::begin(pool, &mut state), name: name.to_owned() }
    }
}

impl Drop for Use {
    fn drop(&mut self) {
        if let Some(entry) = self.job.0.state().volumes.get_mut(&self.name) {
            entry.users = entry.users.saturating_sub(1);
        }
    }
}

/// `virStorageVolType`
const fn number_of(kind: VolumeType) -> u8 {
    match kind {
        VolumeType::File => 0,
        VolumeType::Block => 1,
        VolumeType::Dir => 2,
        VolumeType::Network => 3,
        VolumeType::Netdir => 4,
        VolumeType::Ploop => 5,
    }
}

impl Shared {
    pub(super) fn with_key(&self, key: &str) -> Result<VolumeRef> {
        let found = self.pools().iter().find_map(|pool| {
            let state = pool.state();
            let entry = state.volumes.with_key(key).filter(|_| state.active)?;
            Some(pool.volume_ref(&entry.volume))
        });
        found.ok_or_else(|| no_volume(format!("no storage vol with matching key {key}")))
    }
}
