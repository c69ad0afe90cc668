//! The life of pools, and what is told of it.

use virt_conf::storage_pool::{Adapter, PoolType, StoragePool};
use virt_driver::{ObjectRef, StoragePoolEvent, StoragePoolEventKind, StoragePoolInfo};
use virt_types::Result;

use super::{Pool, completed};
use crate::error::invalid_arg;
use crate::flags::{either, matches};
use crate::host::Host;

/// `virStoragePoolEventLifecycleType`
const DEFINED: i32 = 0;
const UNDEFINED: i32 = 1;
const STARTED: i32 = 2;
const STOPPED: i32 = 3;
const CREATED: i32 = 4;
const DELETED: i32 = 5;

/// Every flag of a listing.
pub(super) const FILTERS: u32 = PoolType::LIST_FLAGS | 0x3f;

impl Pool {
    pub(super) fn to_ref(&self) -> ObjectRef {
        ObjectRef { uuid: self.config.uuid.unwrap_or_default(), name: self.config.name.clone() }
    }

    pub(super) fn matches(&self, flags: u32) -> bool {
        let groups = [
            either(2, 1, self.active),
            either(4, 8, self.persistent),
            either(16, 32, self.autostart),
            (PoolType::LIST_FLAGS, self.config.kind.list_flag()),
        ];
        matches(flags, &groups)
    }

    pub(super) const fn info(&self) -> StoragePoolInfo {
        StoragePoolInfo {
            state: if self.active { 2 } else { 0 },
            capacity: self.config.capacity,
            allocation: self.config.allocation,
            available: self.config.available,
        }
    }

    pub(super) fn set_autostart(&mut self, autostart: bool) -> Result<()> {
        if !self.persistent {
            return Err(invalid_arg("pool has no config file"));
        }
        self.autostart = autostart;
        Ok(())
    }
}

/// The names of the virtual Fibre Channel host that a pool is behind.
fn vport(config: &StoragePool) -> Option<(String, String)> {
    match &config.source.adapter {
        Some(Adapter::FcHost(host)) => host.wwnn.clone().zip(host.wwpn.clone()),
        _ => None,
    }
}

impl Host {
    fn tell_pool(&mut self, pool: ObjectRef, kind: StoragePoolEventKind) {
        let event = StoragePoolEvent { pool, kind };
        self.pool_events.publish(&event, |filter| filter.wants(&event.pool.uuid, event.kind.id()));
    }

    fn tell_step(&mut self, pool: ObjectRef, step: i32) {
        self.tell_pool(pool, StoragePoolEventKind::Lifecycle(step));
    }

    pub(super) fn define_pool(&mut self, xml: &str) -> Result<ObjectRef> {
        let pool = self.pools.add(completed(StoragePool::parse(xml)?)?, false)?;
        pool.reset();
        pool.persistent = true;
        let reference = pool.to_ref();
        self.tell_step(reference.clone(), DEFINED);
        Ok(reference)
    }

    pub(super) fn create_pool(&mut self, xml: &str) -> Result<ObjectRef> {
        let config = completed(StoragePool::parse(xml)?)?;
        let vport = vport(&config);
        let pool = self.pools.add(config, true)?;
        pool.reset();
        pool.persistent = false;
        pool.active = true;
        let reference = pool.to_ref();
        if let Some((wwnn, wwpn)) = vport
            && let Err(error) = self.make_vport(&wwnn, &wwpn)
        {
            self.pools.forget(&reference.name);
            return Err(error);
        }
        self.tell_step(reference.clone(), STARTED);
        Ok(reference)
    }

    pub(super) fn start_pool(&mut self, pool: &ObjectRef) -> Result<()> {
        self.pools.inactive(&pool.name)?.active = true;
        self.tell_step(pool.clone(), STARTED);
        Ok(())
    }

    pub(super) fn stop_pool(&mut self, pool: &ObjectRef) -> Result<()> {
        let found = self.pools.active(&pool.name)?;
        found.active = false;
        let (reference, persistent) = (found.to_ref(), found.persistent);
        if vport(&found.config).is_some() {
            self.remove_vport()?;
        }
        if !persistent {
            self.pools.forget(&pool.name);
        }
        self.tell_step(reference, STOPPED);
        Ok(())
    }

    pub(super) fn undefine_pool(&mut self, pool: &ObjectRef) -> Result<()> {
        self.pools.inactive(&pool.name)?;
        self.pools.forget(&pool.name);
        self.tell_step(pool.clone(), UNDEFINED);
        Ok(())
    }

    pub(super) fn build_pool(&mut self, pool: &ObjectRef) -> Result<()> {
        self.pools.inactive(&pool.name)?;
        self.tell_step(pool.clone(), CREATED);
        Ok(())
    }

    pub(super) fn delete_pool(&mut self, pool: &ObjectRef) -> Result<()> {
        self.pools.inactive(&pool.name)?;
        self.tell_step(pool.clone(), DELETED);
        Ok(())
    }

    pub(super) fn refresh_pool(&mut self, pool: &ObjectRef) -> Result<()> {
        self.pools.active(&pool.name)?;
        self.tell_pool(pool.clone(), StoragePoolEventKind::Refresh);
        Ok(())
    }
}
