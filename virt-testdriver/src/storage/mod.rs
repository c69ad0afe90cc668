//! Storage pools and their volumes, which hold nothing.

mod calls;
mod pool;
mod sources;
mod volume;

use virt_conf::storage_pool::StoragePool;
use virt_conf::storage_volume::{Capacity, Volume};
use virt_types::{Error, ErrorCode, ErrorDomain, Result, Uuid};
use virt_xml::Element;

use crate::document::Source;
use crate::error::{invalid, refuse};
use crate::random;

/// The size of every pool, bytes.
const CAPACITY: u64 = 100 << 30;

/// A pool.
#[derive(Debug)]
struct Pool {
    config: StoragePool,
    volumes: Vec<Volume>,
    active: bool,
    persistent: bool,
    autostart: bool,
}

/// The pools of a host.
#[derive(Debug, Default)]
pub(crate) struct PoolList(Vec<Pool>);

fn refused(code: ErrorCode, detail: impl Into<String>) -> Error {
    Error::new(code, ErrorDomain::Storage, detail)
}

fn no_pool(detail: String) -> Error {
    refuse(ErrorCode::NoStoragePool, detail)
}

/// Completes a pool's document.
fn completed(mut config: StoragePool) -> Result<StoragePool> {
    let uuid = if config.uuid.is_none() { Some(random::uuid()?) } else { None };
    config.fill(uuid);
    Ok(config)
}

impl Pool {
    fn new(config: StoragePool) -> Self {
        Self { config, volumes: Vec::new(), active: false, persistent: true, autostart: false }
    }

    fn name(&self) -> &str {
        &self.config.name
    }

    /// Makes it an empty pool of the usual size.
    const fn reset(&mut self) {
        self.config.capacity = CAPACITY;
        self.set_allocation(0);
    }

    const fn set_allocation(&mut self, allocation: u64) {
        self.config.allocation = allocation;
        self.config.available = self.config.capacity.saturating_sub(allocation);
    }

    /// Where its volumes are.
    fn path(&self) -> &str {
        self.config.target_path()
    }
}

impl PoolList {
    fn by_uuid(&mut self, uuid: Uuid) -> Result<&mut Pool> {
        let found = self.0.iter_mut().find(|pool| pool.config.uuid == Some(uuid));
        found.ok_or_else(|| no_pool(format!("no storage pool with matching uuid '{uuid}'")))
    }

    fn by_name(&mut self, name: &str) -> Result<&mut Pool> {
        let found = self.0.iter_mut().find(|pool| pool.name() == name);
        found.ok_or_else(|| no_pool(format!("no storage pool with matching name '{name}'")))
    }

    fn active(&mut self, name: &str) -> Result<&mut Pool> {
        let pool = self.by_name(name)?;
        if pool.active { Ok(pool) } else { Err(invalid(format!("storage pool '{name}' is not active"))) }
    }

    fn inactive(&mut self, name: &str) -> Result<&mut Pool> {
        let pool = self.by_name(name)?;
        if pool.active { Err(invalid(format!("storage pool '{name}' is active"))) } else { Ok(pool) }
    }

    fn forget(&mut self, name: &str) {
        self.0.retain(|pool| pool.name() != name);
    }

    /// Takes a pool in, or its configuration over; with `start` it is refused if it runs.
    fn add(&mut self, config: StoragePool, start: bool) -> Result<&mut Pool> {
        let failed = |detail| refused(ErrorCode::OperationFailed, detail);
        let others = self.0.iter().filter(|pool| pool.name() != config.name);
        if let Some(other) = others.into_iter().find(|pool| pool.config.conflicts_with(&config)) {
            return Err(failed(format!("Storage source conflict with pool: '{}'", other.name())));
        }
        let Some(position) = self.0.iter().position(|pool| pool.config.uuid == config.uuid) else {
            if let Some(twin) = self.0.iter().find(|pool| pool.name() == config.name) {
                let uuid = twin.config.uuid.unwrap_or_default();
                return Err(failed(format!("pool '{}' already exists with uuid {uuid}", config.name)));
            }
            self.0.push(Pool::new(config));
            let last = self.0.len() - 1;
            return Ok(&mut self.0[last]);
        };
        let pool = &mut self.0[position];
        let name = pool.name();
        if name != config.name {
            let uuid = config.uuid.unwrap_or_default();
            return Err(failed(format!("pool '{name}' is already defined with uuid {uuid}")));
        }
        if start && pool.active {
            let detail = format!("pool is already active as '{name}'");
            return Err(refused(ErrorCode::OperationInvalid, detail));
        }
        // What runs stays as it is until it ends.
        if !pool.active {
            pool.config = config;
        }
        Ok(pool)
    }

    /// Takes in a pool of the host's document, which runs.
    pub(crate) fn read(&mut self, el: Element<'_>, source: Source<'_>) -> Result<()> {
        let pool = self.add(completed(StoragePool::parse_element(el)?)?, false)?;
        pool.reset();
        pool.active = true;
        for volume in el.children_named("volume") {
            source.read(volume, |el| pool.read_volume(el))?;
        }
        Ok(())
    }
}

impl Pool {
    fn read_volume(&mut self, el: Element<'_>) -> Result<()> {
        let mut volume = Volume::parse_element(el, self.config.kind, Capacity::Required)?;
        let path = volume.target.path.clone().unwrap_or_else(|| format!("{}/{}", self.path(), volume.name));
        volume.key.get_or_insert_with(|| path.clone());
        volume.target.path = Some(path);
        self.put(volume);
        Ok(())
    }

    /// Takes a volume in.
    fn put(&mut self, volume: Volume) {
        self.set_allocation(self.config.allocation.wrapping_add(volume::allocation(&volume)));
        self.volumes.push(volume);
    }
}
