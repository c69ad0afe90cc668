//! The driver: the pools of a host, and the contract's calls on them.

mod calls;
mod pools;
mod volumes;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OnceCell;
use virt_conf::common::SecretLookup;
use virt_conf::storage_pool::StoragePool;
use virt_conf::storage_volume::Volume;
use virt_driver::{
    BoxFuture, Bus, FoundVolume, ObjectEventFilter, ObjectRef, SecretSelector, SecretValues,
    StoragePoolEvent, StoragePoolEventKind, VolumePaths,
};
use virt_types::{Result, Uuid};

use crate::backend::{self, Backend};
use crate::error::{invalid_arg, unsupported};
use crate::layout::Layout;
use crate::pool::{Adding, Pool, PoolList, no_pool};
use crate::volume::{SecretFile, path_of};
use crate::work::Workers;

/// `virStoragePoolEventLifecycleType`
const DEFINED: i32 = 0;
const UNDEFINED: i32 = 1;
const STARTED: i32 = 2;
const STOPPED: i32 = 3;
const CREATED: i32 = 4;
const DELETED: i32 = 5;

/// The storage pools of a host. Clones share them.
#[derive(Clone)]
pub struct StorageDriver {
    shared: Arc<Shared>,
}

struct Shared {
    layout: Layout,
    /// Whether the files were read.
    loaded: OnceCell<()>,
    pools: Mutex<PoolList>,
    events: Mutex<Bus<ObjectEventFilter<Uuid>, StoragePoolEvent>>,
    workers: Arc<Workers>,
    secrets: Mutex<Option<Arc<dyn SecretValues>>>,
}

impl std::fmt::Debug for StorageDriver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StorageDriver").field("layout", &self.shared.layout).finish_non_exhaustive()
    }
}

impl StorageDriver {
    /// The pools that these directories know of, which are read when somebody first asks.
    #[must_use]
    pub fn new(layout: Layout) -> Self {
        let shared = Shared {
            layout,
            loaded: OnceCell::new(),
            pools: Mutex::default(),
            events: Mutex::default(),
            workers: Arc::default(),
            secrets: Mutex::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// The same, read at once. Pools that ran when the last process ended, and whose storage is still there, run.
    ///
    /// # Errors
    /// Where the directories can not be used.
    pub async fn open(layout: Layout) -> Result<Self> {
        let driver = Self::new(layout);
        driver.ready().await?;
        Ok(driver)
    }

    /// Reads what the directories tell of the pools, if that was not done yet.
    ///
    /// # Errors
    /// Where the directories can not be used.
    pub async fn settle(&self) -> Result<()> {
        self.ready().await.map(drop)
    }

    async fn ready(&self) -> Result<&Shared> {
        let load = || {
            let shared = Arc::clone(&self.shared);
            self.shared.workers.run(move || shared.load())
        };
        self.shared.loaded.get_or_try_init(load).await?;
        Ok(&self.shared)
    }

    /// Where the driver's files are.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.shared.layout
    }

    /// Gives the driver the secrets that encrypted volumes need.
    pub fn set_secrets(&self, secrets: Arc<dyn SecretValues>) {
        *self.shared.secrets.lock().unwrap_or_else(PoisonError::into_inner) = Some(secrets);
    }

    /// Starts the pools that are to start with the engine. One that can not is told to the log.
    pub async fn start_autostarted(&self) {
        let pools: Vec<_> = self.shared.pools().iter().cloned().collect();
        for pool in pools {
            let wanted = {
                let state = pool.state();
                state.autostart && !state.active
            };
            if wanted && let Err(error) = self.start_pool(&pool.to_ref(), 0).await {
                log::error!("Failed to autostart storage pool '{}': {error}", pool.name);
            }
        }
    }
}

impl Shared {
    fn pools(&self) -> MutexGuard<'_, PoolList> {
        self.pools.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the subscribers what happened to a pool.
    fn tell(&self, pool: ObjectRef, kind: StoragePoolEventKind) {
        let event = StoragePoolEvent { pool, kind };
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        events.publish(&event, |filter| filter.wants(&event.pool.uuid, event.kind.id()));
    }

    fn tell_step(&self, pool: &Pool, step: i32) {
        self.tell(pool.to_ref(), StoragePoolEventKind::Lifecycle(step));
    }

    fn find(&self, reference: &ObjectRef) -> Result<Arc<Pool>> {
        self.pools().by_uuid(reference.uuid).cloned().ok_or_else(|| {
            let ObjectRef { uuid, name } = reference;
            no_pool(format!("no storage pool with matching uuid '{uuid}' ({name})"))
        })
    }

    fn find_by_name(&self, name: &str) -> Result<Arc<Pool>> {
        let found = self.pools().by_name(name).cloned();
        found.ok_or_else(|| no_pool(format!("no storage pool with matching name '{name}'")))
    }

    /// The pools as the files tell of them.
    fn load(&self) -> Result<()> {
        self.layout.prepare()?;
        let mut running = Vec::new();
        for config in self.layout.states()? {
            let name = config.name.clone();
            match self.pools().add(config, Adding::Live) {
                Ok(pool) => {
                    pool.state().active = true;
                    running.push(pool);
                }
                Err(error) => log::error!("the state of pool '{name}': {error}"),
            }
        }
        for stored in self.layout.configs()? {
            let name = stored.config.name.clone();
            match self.pools().add(stored.config, Adding::Defined) {
                Ok(pool) => {
                    let mut state = pool.state();
                    state.persistent = true;
                    state.autostart = stored.autostart;
                }
                Err(error) => log::error!("the configuration of pool '{name}': {error}"),
            }
        }
        for pool in running {
            if let Err(error) = self.take_up(&pool) {
                log::error!("Failed to restart storage pool '{}': {error}", pool.name);
                self.layout.remove_state(&pool.name);
                self.ended(&pool);
            }
        }
        Ok(())
    }

    /// Looks again at a pool that ran.
    fn take_up(&self, pool: &Pool) -> Result<()> {
        let mut config = pool.state().config.clone();
        let backend = backend_of(&config)?;
        if !backend.is_there(&config)? {
            self.layout.remove_state(&pool.name);
            self.ended(pool);
            return Ok(());
        }
        let volumes = backend.refresh(&mut config)?;
        let mut state = pool.state();
        (state.config, state.volumes) = (config, volumes);
        Ok(())
    }

    /// What is left of a pool that runs no more: its configuration, or nothing.
    fn ended(&self, pool: &Pool) {
        let mut state = pool.state();
        state.active = false;
        state.volumes.clear();
        if let Some(next) = state.next.take() {
            state.config = next;
        }
        let persistent = state.persistent;
        drop(state);
        if !persistent {
            self.pools().remove(pool);
        }
    }

    fn secrets(&self) -> Option<Arc<dyn SecretValues>> {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Writes the passphrase of an encrypted volume where qemu-img reads it.
    async fn passphrase(&self, pool: &str, volume: &Volume) -> Result<Option<SecretFile>> {
        let Some(encryption) = &volume.target.encryption else { return Ok(None) };
        let [secret] = encryption.secrets.as_slice() else {
            let detail =
                "A single <secret type='passphrase'...> element is expected in encryption description";
            return Err(invalid_arg(detail));
        };
        let selector = match secret {
            SecretLookup::Uuid(uuid) => SecretSelector::Uuid(*uuid),
            SecretLookup::Usage(usage) => SecretSelector::Usage { usage_type: VOLUME, id: usage.clone() },
        };
        let services = virt_driver::Services { secrets: self.secrets(), ..virt_driver::Services::default() };
        let value = services.secrets()?.value(&selector).await?;
        SecretFile::write(&self.layout.state_dir, pool, &volume.name, &value).map(Some)
    }
}

/// `VIR_SECRET_USAGE_TYPE_VOLUME`
const VOLUME: i32 = 1;

fn backend_of(pool: &StoragePool) -> Result<&'static dyn Backend> {
    // A type that is not served is refused as a whole document would be.
    pool.validate(&|kind| backend::of(kind).is_some())?;
    backend::of(pool.kind).ok_or_else(|| crate::error::internal("missing backend"))
}

/// How a hypervisor asks.
impl VolumePaths for StorageDriver {
    fn find<'a>(&'a self, pool: &'a str, volume: &'a str) -> BoxFuture<'a, Result<FoundVolume>> {
        Box::pin(async move {
            let found = self.ready().await?.find_by_name(pool)?;
            let state = found.state();
            if !state.active {
                let detail = format!("storage pool '{pool}' containing volume '{volume}' is not active");
                return Err(unsupported(detail));
            }
            let path = path_of(&state.volume(volume)?.volume).to_owned();
            Ok(FoundVolume { pool_type: state.config.kind.to_string(), path })
        })
    }
}
