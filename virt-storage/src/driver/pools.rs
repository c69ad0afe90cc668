//! The life of pools.

use std::sync::Arc;

use virt_conf::storage_pool::StoragePool;
use virt_driver::flags::check_bits;
use virt_driver::{ObjectRef, StoragePoolEventKind};
use virt_types::{ErrorDomain, Result};

use super::{CREATED, DEFINED, DELETED, STARTED, STOPPED, Shared, StorageDriver, UNDEFINED, backend_of};
use crate::backend::{NO_OVERWRITE, OVERWRITE};
use crate::error::{internal, invalid, system};
use crate::pool::{Adding, Pool};
use crate::store::random_uuid;

/// `virStoragePoolCreateFlags`
const WITH_BUILD: u32 = 0x1;
const WITH_BUILD_OVERWRITE: u32 = 0x2;
const WITH_BUILD_NO_OVERWRITE: u32 = 0x4;

pub(super) fn check(flags: u32, allowed: u32, function: &str) -> Result<()> {
    check_bits(flags, allowed, ErrorDomain::Storage, function)
}

/// What a start makes first; `None` for nothing.
fn build_flags(flags: u32, function: &str) -> Result<Option<u32>> {
    let known = WITH_BUILD | WITH_BUILD_OVERWRITE | WITH_BUILD_NO_OVERWRITE;
    check(flags, known, function)?;
    Ok(if flags & WITH_BUILD_OVERWRITE != 0 {
        Some(OVERWRITE)
    } else if flags & WITH_BUILD_NO_OVERWRITE != 0 {
        Some(NO_OVERWRITE)
    } else {
        (flags & WITH_BUILD != 0).then_some(0)
    })
}

/// Reads and completes a document.
fn read(xml: &str) -> Result<StoragePool> {
    let mut config = StoragePool::parse(xml)?;
    let uuid = if config.uuid.is_none() { Some(random_uuid()?) } else { None };
    config.fill(uuid);
    Ok(config)
}

impl StorageDriver {
    /// Does work on a pool that others have to wait for.
    pub(super) async fn with_turn<T: Send + 'static>(
        &self,
        pool: &Arc<Pool>,
        work: impl FnOnce(&Shared, &Pool) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let turn = pool.turns.take().await?;
        let (shared, pool) = (Arc::clone(&self.shared), Arc::clone(pool));
        let work = move || {
            let done = work(&shared, &pool);
            drop(turn);
            done
        };
        self.shared.workers.run(work).await
    }

    pub(super) async fn define_pool(&self, xml: &str) -> Result<ObjectRef> {
        let config = read(xml)?;
        config.validate(&|kind| crate::backend::of(kind).is_some())?;
        let shared = Arc::clone(&self.shared);
        self.shared.workers.run(move || shared.define(&config)).await
    }

    pub(super) async fn create_pool(&self, xml: &str, flags: u32) -> Result<ObjectRef> {
        let build = build_flags(flags, "storagePoolCreateXML")?;
        let config = read(xml)?;
        backend_of(&config)?;
        let pool = self.shared.pools().add(config, Adding::Live)?;
        let started = self.with_turn(&pool, move |shared, pool| {
            if pool.state().active {
                return Err(invalid(format!("pool is already active as '{}'", pool.name)));
            }
            shared.start(pool, build)
        });
        started.await?;
        Ok(pool.to_ref())
    }

    pub(super) async fn start_pool(&self, pool: &ObjectRef, flags: u32) -> Result<()> {
        let build = build_flags(flags, "storagePoolCreate")?;
        let pool = self.shared.find(pool)?;
        self.with_turn(&pool, move |shared, pool| {
            check_inactive(pool, "already")?;
            shared.start(pool, build)
        })
        .await
    }

    pub(super) async fn build_pool(&self, pool: &ObjectRef, flags: u32) -> Result<()> {
        let pool = self.shared.find(pool)?;
        self.with_turn(&pool, move |shared, pool| {
            let config = check_inactive(pool, "already")?;
            let built = backend_of(&config)?.build(&config, flags);
            if built.is_ok() {
                shared.tell_step(pool, CREATED);
            }
            built
        })
        .await
    }

    pub(super) async fn stop_pool(&self, pool: &ObjectRef) -> Result<()> {
        let pool = self.shared.find(pool)?;
        self.with_turn(&pool, |shared, pool| {
            let config = pool.running()?.config.clone();
            pool.check_idle()?;
            shared.layout.remove_state(&pool.name);
            backend_of(&config)?.stop(&config)?;
            shared.tell_step(pool, STOPPED);
            shared.ended(pool);
            Ok(())
        })
        .await
    }

    pub(super) async fn delete_pool(&self, pool: &ObjectRef, flags: u32) -> Result<()> {
        let pool = self.shared.find(pool)?;
        self.with_turn(&pool, move |shared, pool| {
            let config = check_inactive(pool, "still")?;
            check(flags, 0, "virStorageBackendDeleteLocal")?;
            shared.layout.remove_state(&pool.name);
            backend_of(&config)?.delete(&config, flags)?;
            shared.tell_step(pool, DELETED);
            Ok(())
        })
        .await
    }

    pub(super) async fn undefine_pool(&self, pool: &ObjectRef) -> Result<()> {
        let pool = self.shared.find(pool)?;
        self.with_turn(&pool, |shared, pool| {
            check_inactive(pool, "still")?;
            shared.layout.remove_config(&pool.name)?;
            if let Err(error) = shared.layout.unlink_autostart(&pool.name) {
                log::error!("{error}");
            }
            shared.pools().remove(pool);
            shared.tell_step(pool, UNDEFINED);
            Ok(())
        })
        .await
    }

    pub(super) async fn refresh_pool(&self, pool: &Arc<Pool>) -> Result<()> {
        self.with_turn(pool, |shared, pool| {
            let mut config = pool.running()?.config.clone();
            pool.check_idle()?;
            match backend_of(&config)?.refresh(&mut config) {
                Ok(volumes) => {
                    let mut state = pool.state();
                    (state.config, state.volumes) = (config, volumes);
                    drop(state);
                    shared.tell(pool.to_ref(), StoragePoolEventKind::Refresh);
                    Ok(())
                }
                Err(error) => {
                    shared.give_up(pool, &config);
                    shared.tell_step(pool, STOPPED);
                    Err(error)
                }
            }
        })
        .await
    }

    pub(super) async fn autostart_pool(&self, pool: &ObjectRef, autostart: bool) -> Result<()> {
        let pool = self.shared.find(pool)?;
        self.with_turn(&pool, move |shared, pool| {
            let (persistent, before) = {
                let state = pool.state();
                (state.persistent, state.autostart)
            };
            if !persistent {
                return Err(internal("pool has no config file"));
            }
            match (before, autostart) {
                (false, true) => shared.layout.link_autostart(&pool.name)?,
                (true, false) => shared.layout.unlink_autostart(&pool.name)?,
                _ => {}
            }
            pool.state().autostart = autostart;
            Ok(())
        })
        .await
    }
}

/// The configuration of a pool that does not run.
fn check_inactive(pool: &Pool, adverb: &str) -> Result<StoragePool> {
    let state = pool.state();
    if state.active {
        return Err(invalid(format!("storage pool '{}' is {adverb} active", pool.name)));
    }
    Ok(state.config.clone())
}

impl Shared {
    fn define(&self, config: &StoragePool) -> Result<ObjectRef> {
        let pool = self.pools().add(config.clone(), Adding::Defined)?;
        if let Err(error) = self.layout.write_config(config) {
            let state = pool.state();
            let known = state.active || state.persistent;
            drop(state);
            if !known {
                self.pools().remove(&pool);
            }
            return Err(error);
        }
        pool.state().persistent = true;
        self.tell_step(&pool, DEFINED);
        Ok(pool.to_ref())
    }

    /// Starts a pool; one that can not be started is as it was, or gone if it was not kept.
    fn start(&self, pool: &Pool, build: Option<u32>) -> Result<()> {
        let started = self.try_start(pool, build);
        match &started {
            Ok(()) => self.tell_step(pool, STARTED),
            Err(_) => self.ended(pool),
        }
        started
    }

    fn try_start(&self, pool: &Pool, build: Option<u32>) -> Result<()> {
        let mut config = pool.state().config.clone();
        let backend = backend_of(&config)?;
        if let Some(flags) = build {
            backend.build(&config, flags)?;
        }
        backend.start(&config)?;
        self.layout.write_state(&config)?;
        match backend.refresh(&mut config) {
            Ok(volumes) => {
                let mut state = pool.state();
                (state.config, state.volumes) = (config, volumes);
                state.active = true;
                Ok(())
            }
            Err(error) => {
                self.give_up(pool, &config);
                Err(error)
            }
        }
    }

    /// A pool whose volumes can not be found is stopped.
    fn give_up(&self, pool: &Pool, config: &StoragePool) {
        self.layout.remove_state(&pool.name);
        let stopped = backend_of(config).and_then(|backend| backend.stop(config));
        if let Err(error) = stopped {
            log::warn!("pool '{}' can not be stopped: {error}", pool.name);
        }
        self.ended(pool);
    }
}

/// The path under which a volume of a pool would be, of a path that leads to the same device.
pub(super) fn stable_path(config: &StoragePool, path: &str) -> Result<String> {
    use virt_conf::storage_pool::PoolType;
    let directory = config.target_path();
    let by_links = matches!(
        config.kind,
        PoolType::Disk | PoolType::Iscsi | PoolType::IscsiDirect | PoolType::Scsi | PoolType::Mpath
    );
    if !by_links || !directory.starts_with("/dev/") || directory == "/dev/" {
        return Ok(path.to_owned());
    }
    let entries = std::fs::read_dir(directory)
        .map_err(|error| system(format_args!("cannot read dir '{directory}'"), error))?;
    let Ok(device) = std::fs::canonicalize(path) else { return Ok(path.to_owned()) };
    let leads_there = |link: &std::path::Path| std::fs::canonicalize(link).is_ok_and(|real| real == device);
    let found = entries.flatten().map(|entry| entry.path()).find(|link| leads_there(link));
    Ok(found.and_then(|link| link.to_str().map(str::to_owned)).unwrap_or_else(|| path.to_owned()))
}
