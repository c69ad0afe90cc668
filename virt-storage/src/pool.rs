//! A pool as the driver knows it, and the list of them.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use virt_conf::storage_pool::{PoolType, StoragePool};
use virt_conf::storage_volume::Volume;
use virt_driver::flags::{either, matches};
use virt_driver::{ObjectRef, VolumeRef};
use virt_types::{Result, Uuid};

use crate::error::{failed, internal, invalid, no_volume, refuse};
use crate::work::Turns;

/// A pool. Its name and identity never change.
#[derive(Debug)]
pub(crate) struct Pool {
    pub(crate) uuid: Uuid,
    pub(crate) name: String,
    pub(crate) turns: Turns,
    state: Mutex<State>,
}

/// What changes of a pool. Nobody waits for anything while having it locked.
#[derive(Debug)]
pub(crate) struct State {
    /// The configuration in force.
    pub(crate) config: StoragePool,
    /// The one that will be when the pool has stopped.
    pub(crate) next: Option<StoragePool>,
    pub(crate) active: bool,
    /// Whether there is a configuration file.
    pub(crate) persistent: bool,
    pub(crate) autostart: bool,
    /// Volumes that are being made, copied or wiped.
    pub(crate) jobs: usize,
    pub(crate) volumes: Volumes,
}

/// A volume, and who is at it.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) volume: Volume,
    /// It is not complete.
    pub(crate) building: bool,
    /// So many read or wipe it.
    pub(crate) users: usize,
}

/// The volumes of a pool, by name, key and path.
#[derive(Debug, Default)]
pub(crate) struct Volumes {
    by_name: BTreeMap<String, Entry>,
    by_key: HashMap<String, String>,
    by_path: HashMap<String, String>,
}

impl Volumes {
    /// Takes a volume in, unless one has its name.
    pub(crate) fn add(&mut self, volume: Volume, building: bool) -> bool {
        if self.by_name.contains_key(&volume.name) {
            return false;
        }
        let name = volume.name.clone();
        if let Some(key) = &volume.key {
            self.by_key.insert(key.clone(), name.clone());
        }
        if let Some(path) = &volume.target.path {
            self.by_path.insert(path.clone(), name.clone());
        }
        self.by_name.insert(name, Entry { volume, building, users: 0 });
        true
    }

    pub(crate) fn remove(&mut self, name: &str) -> Option<Entry> {
        let entry = self.by_name.remove(name)?;
        if let Some(key) = &entry.volume.key {
            self.by_key.remove(key);
        }
        if let Some(path) = &entry.volume.target.path {
            self.by_path.remove(path);
        }
        Some(entry)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Entry> {
        self.by_name.get(name)
    }

    pub(crate) fn get_mut(&mut self, name: &str) -> Option<&mut Entry> {
        self.by_name.get_mut(name)
    }

    pub(crate) fn with_key(&self, key: &str) -> Option<&Entry> {
        self.get(self.by_key.get(key)?)
    }

    pub(crate) fn with_path(&self, path: &str) -> Option<&Entry> {
        self.get(self.by_path.get(path)?)
    }

    /// In the order of their names.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Volume> {
        self.by_name.values().map(|entry| &entry.volume)
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

impl FromIterator<Volume> for Volumes {
    fn from_iter<I: IntoIterator<Item = Volume>>(volumes: I) -> Self {
        let mut all = Self::default();
        for volume in volumes {
            all.add(volume, false);
        }
        all
    }
}

/// Every flag of a listing.
pub(crate) const FILTERS: u32 = PoolType::LIST_FLAGS | 0x3f;

impl Pool {
    fn new(config: StoragePool, uuid: Uuid) -> Self {
        Self {
            uuid,
            name: config.name.clone(),
            turns: Turns::default(),
            state: Mutex::new(State {
                config,
                next: None,
                active: false,
                persistent: false,
                autostart: false,
                jobs: 0,
                volumes: Volumes::default(),
            }),
        }
    }

    // A panic while it is held leaves a pool whose volumes the next refresh finds again.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn to_ref(&self) -> ObjectRef {
        ObjectRef { uuid: self.uuid, name: self.name.clone() }
    }

    pub(crate) fn volume_ref(&self, volume: &Volume) -> VolumeRef {
        VolumeRef {
            pool: self.name.clone(),
            name: volume.name.clone(),
            key: volume.key.clone().unwrap_or_default(),
        }
    }

    pub(crate) fn matches(&self, flags: u32) -> bool {
        let state = self.state();
        let groups = [
            either(2, 1, state.active),
            either(4, 8, state.persistent),
            either(16, 32, state.autostart),
            (PoolType::LIST_FLAGS, state.config.kind.list_flag()),
        ];
        matches(flags, &groups)
    }

    /// The state of a pool that runs.
    pub(crate) fn running(&self) -> Result<MutexGuard<'_, State>> {
        let state = self.state();
        if state.active { Ok(state) } else { Err(self.not_active()) }
    }

    pub(crate) fn not_active(&self) -> virt_types::Error {
        invalid(format!("storage pool '{}' is not active", self.name))
    }

    /// Refuses what would lose a volume that somebody is at.
    pub(crate) fn check_idle(&self) -> Result<()> {
        if self.state().jobs > 0 {
            return Err(internal(format!("pool '{}' has asynchronous jobs running.", self.name)));
        }
        Ok(())
    }
}

impl State {
    pub(crate) fn volume(&self, name: &str) -> Result<&Entry> {
        self.volumes.get(name).ok_or_else(|| no_volume(format!("no storage vol with matching name '{name}'")))
    }

    /// What a volume takes, or gives back.
    pub(crate) const fn account(&mut self, taken: u64) {
        self.config.allocation = self.config.allocation.saturating_add(taken);
        self.config.available = self.config.available.saturating_sub(taken);
    }

    pub(crate) const fn give_back(&mut self, taken: u64) {
        self.config.allocation = self.config.allocation.saturating_sub(taken);
        self.config.available = self.config.available.saturating_add(taken);
    }
}

/// The pools of a host.
#[derive(Debug, Default)]
pub(crate) struct PoolList {
    by_name: BTreeMap<String, Arc<Pool>>,
    by_uuid: HashMap<Uuid, Arc<Pool>>,
}

/// How a configuration comes to the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Adding {
    /// As the one that is kept.
    Defined,
    /// As the one of a pool that is to be started now.
    Live,
}

impl PoolList {
    pub(crate) fn by_uuid(&self, uuid: Uuid) -> Option<&Arc<Pool>> {
        self.by_uuid.get(&uuid)
    }

    pub(crate) fn by_name(&self, name: &str) -> Option<&Arc<Pool>> {
        self.by_name.get(name)
    }

    /// In the order of their names.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Pool>> {
        self.by_name.values()
    }

    pub(crate) fn remove(&mut self, pool: &Pool) {
        self.by_name.remove(&pool.name);
        self.by_uuid.remove(&pool.uuid);
    }

    /// Takes a pool in, or its configuration over.
    pub(crate) fn add(&mut self, config: StoragePool, adding: Adding) -> Result<Arc<Pool>> {
        let conflicting =
            |pool: &&Arc<Pool>| pool.name != config.name && pool.state().config.conflicts_with(&config);
        if let Some(other) = self.iter().find(conflicting) {
            return Err(failed(format!("Storage source conflict with pool: '{}'", other.name)));
        }
        let uuid = config.uuid.unwrap_or_default();
        let Some(pool) = self.by_uuid.get(&uuid) else {
            if let Some(twin) = self.by_name(&config.name) {
                let detail = format!("pool '{}' already exists with uuid {}", config.name, twin.uuid);
                return Err(failed(detail));
            }
            let pool = Arc::new(Pool::new(config, uuid));
            self.by_name.insert(pool.name.clone(), Arc::clone(&pool));
            self.by_uuid.insert(uuid, Arc::clone(&pool));
            return Ok(pool);
        };
        if pool.name != config.name {
            return Err(failed(format!("pool '{}' is already defined with uuid {uuid}", pool.name)));
        }
        let mut state = pool.state();
        if state.active {
            if adding == Adding::Live {
                return Err(invalid(format!("pool is already active as '{}'", pool.name)));
            }
            state.next = Some(config);
        } else {
            let before = std::mem::replace(&mut state.config, config);
            if adding == Adding::Live && state.next.is_none() {
                state.next = Some(before);
            }
        }
        drop(state);
        Ok(Arc::clone(pool))
    }
}

/// No pool is called so, or has this identity.
pub(crate) fn no_pool(detail: impl Into<String>) -> virt_types::Error {
    refuse(virt_types::ErrorCode::NoStoragePool, detail)
}
