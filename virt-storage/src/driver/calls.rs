//! The contract's calls.

use std::sync::{Arc, PoisonError};

use virt_conf::common::sanitize_path;
use virt_conf::storage_pool::{PoolSource, PoolType};
use virt_driver::{
    BoxFuture, ByteStream, ObjectEventFilter, ObjectRef, StoragePoolEvent, StoragePoolInfo, StoragePools,
    Subscription, VolumeInfo, VolumeRef,
};
use virt_types::{Result, TextEnum, Uuid};

use super::pools::check;
use super::{Shared, StorageDriver};
use crate::backend;
use crate::capabilities::capabilities;
use crate::error::{cannot, internal, no_volume};
use crate::pool::{FILTERS, Pool, no_pool};
use crate::volume::Direction;

type Answer<'a, T> = BoxFuture<'a, Result<T>>;

/// `VIR_STORAGE_XML_INACTIVE`
const INACTIVE: u32 = 0x1;
/// `virStoragePoolState`
const STATE_INACTIVE: u8 = 0;
const STATE_RUNNING: u8 = 2;

impl StorageDriver {
    /// Answers from what is known.
    fn at<'a, T: Send + 'a>(
        &'a self,
        answer: impl FnOnce(&Shared) -> Result<T> + Send + 'a,
    ) -> Answer<'a, T> {
        Box::pin(async move { answer(self.ready().await?) })
    }

    /// Does what needs more than that.
    fn work<'a, T: Send + 'a>(&'a self, work: impl Future<Output = Result<T>> + Send + 'a) -> Answer<'a, T> {
        Box::pin(async move {
            self.ready().await?;
            work.await
        })
    }

    async fn sources(&self, kind: &str, specification: Option<&str>, flags: u32) -> Result<String> {
        let known =
            PoolType::from_text(kind).ok_or_else(|| internal(format!("unknown storage pool type {kind}")))?;
        known.check_known(&|kind| backend::of(kind).is_some())?;
        let finder = backend::of(known).filter(|backend| backend.finds_sources(known));
        let finder =
            finder.ok_or_else(|| cannot(format!("pool type '{kind}' does not support source discovery")))?;
        check(flags, 0, "virStorageBackendFindPoolSources")?;
        let specification = specification.map(|xml| PoolSource::parse(xml, known)).transpose()?;
        let found = self.shared.workers.run(move || finder.find_sources(specification.as_ref())).await?;
        Ok(PoolSource::format_list(&found, known))
    }
}

impl StoragePools for StorageDriver {
    fn capabilities<'a>(&'a self, flags: u32) -> Answer<'a, String> {
        self.at(move |_| {
            check(flags, 0, "storageConnectGetStoragePoolCapabilities")?;
            Ok(capabilities(&|kind| backend::of(kind).is_some()))
        })
    }

    fn find_sources<'a>(
        &'a self,
        kind: &'a str,
        specification: Option<&'a str>,
        flags: u32,
    ) -> Answer<'a, String> {
        self.work(self.sources(kind, specification, flags))
    }

    fn list<'a>(&'a self, flags: u32) -> Answer<'a, Vec<ObjectRef>> {
        self.at(move |shared| {
            check(flags, FILTERS, "storageConnectListAllStoragePools")?;
            let pools = shared.pools();
            Ok(pools.iter().filter(|pool| pool.matches(flags)).map(|pool| pool.to_ref()).collect())
        })
    }

    fn lookup_by_uuid<'a>(&'a self, uuid: Uuid) -> Answer<'a, ObjectRef> {
        self.at(move |shared| {
            let found = shared.pools().by_uuid(uuid).map(|pool| pool.to_ref());
            found.ok_or_else(|| no_pool(format!("no storage pool with matching uuid '{uuid}'")))
        })
    }

    fn lookup_by_name<'a>(&'a self, name: &'a str) -> Answer<'a, ObjectRef> {
        self.at(move |shared| shared.find_by_name(name).map(|pool| pool.to_ref()))
    }

    fn lookup_by_volume<'a>(&'a self, volume: &'a VolumeRef) -> Answer<'a, ObjectRef> {
        self.lookup_by_name(&volume.pool)
    }

    fn lookup_by_target_path<'a>(&'a self, path: &'a str) -> Answer<'a, ObjectRef> {
        self.at(move |shared| {
            let clean = sanitize_path(path);
            let is_there = |pool: &&Arc<Pool>| {
                let state = pool.state();
                state.active && state.config.target.as_ref().is_some_and(|target| target.path == clean)
            };
            let found = shared.pools().iter().find(is_there).map(|pool| pool.to_ref());
            found.ok_or_else(|| {
                let shown = if clean == path { String::new() } else { format!(" ({clean})") };
                no_pool(format!("no storage pool with matching target path '{path}'{shown}"))
            })
        })
    }

    fn subscribe<'a>(
        &'a self,
        filter: ObjectEventFilter<Uuid>,
        capacity: usize,
    ) -> Answer<'a, Subscription<StoragePoolEvent>> {
        self.at(move |shared| {
            let mut events = shared.events.lock().unwrap_or_else(PoisonError::into_inner);
            Ok(events.subscribe(filter, capacity))
        })
    }

    fn define_xml<'a>(&'a self, xml: &'a str, flags: u32) -> Answer<'a, ObjectRef> {
        self.work(async move {
            check(flags, 0x1, "storagePoolDefineXML")?;
            self.define_pool(xml).await
        })
    }

    fn create_xml<'a>(&'a self, xml: &'a str, flags: u32) -> Answer<'a, ObjectRef> {
        self.work(self.create_pool(xml, flags))
    }

    fn create<'a>(&'a self, pool: &'a ObjectRef, flags: u32) -> Answer<'a, ()> {
        self.work(self.start_pool(pool, flags))
    }

    fn build<'a>(&'a self, pool: &'a ObjectRef, flags: u32) -> Answer<'a, ()> {
        self.work(self.build_pool(pool, flags))
    }

    fn destroy<'a>(&'a self, pool: &'a ObjectRef) -> Answer<'a, ()> {
        self.work(self.stop_pool(pool))
    }

    fn delete<'a>(&'a self, pool: &'a ObjectRef, flags: u32) -> Answer<'a, ()> {
        self.work(self.delete_pool(pool, flags))
    }

    fn undefine<'a>(&'a self, pool: &'a ObjectRef) -> Answer<'a, ()> {
        self.work(self.undefine_pool(pool))
    }

    fn refresh<'a>(&'a self, pool: &'a ObjectRef, flags: u32) -> Answer<'a, ()> {
        self.work(async move {
            check(flags, 0, "storagePoolRefresh")?;
            self.refresh_pool(&self.shared.find(pool)?).await
        })
    }

    fn info<'a>(&'a self, pool: &'a ObjectRef) -> Answer<'a, StoragePoolInfo> {
        self.at(move |shared| {
            let pool = shared.find(pool)?;
            let state = pool.state();
            Ok(StoragePoolInfo {
                state: if state.active { STATE_RUNNING } else { STATE_INACTIVE },
                capacity: state.config.capacity,
                allocation: state.config.allocation,
                available: state.config.available,
            })
        })
    }

    fn xml_desc<'a>(&'a self, pool: &'a ObjectRef, flags: u32) -> Answer<'a, String> {
        self.at(move |shared| {
            check(flags, INACTIVE, "storagePoolGetXMLDesc")?;
            let pool = shared.find(pool)?;
            let state = pool.state();
            let next = state.next.as_ref().filter(|_| flags & INACTIVE != 0);
            Ok(next.unwrap_or(&state.config).format())
        })
    }

    fn is_active<'a>(&'a self, pool: &'a ObjectRef) -> Answer<'a, bool> {
        self.at(move |shared| Ok(shared.find(pool)?.state().active))
    }

    fn is_persistent<'a>(&'a self, pool: &'a ObjectRef) -> Answer<'a, bool> {
        self.at(move |shared| Ok(shared.find(pool)?.state().persistent))
    }

    fn autostart<'a>(&'a self, pool: &'a ObjectRef) -> Answer<'a, bool> {
        self.at(move |shared| Ok(shared.find(pool)?.state().autostart))
    }

    fn set_autostart<'a>(&'a self, pool: &'a ObjectRef, autostart: bool) -> Answer<'a, ()> {
        self.work(self.autostart_pool(pool, autostart))
    }

    fn volumes<'a>(&'a self, pool: &'a ObjectRef, flags: u32) -> Answer<'a, Vec<VolumeRef>> {
        self.at(move |shared| {
            check(flags, 0, "storagePoolListAllVolumes")?;
            let pool = shared.find(pool)?;
            let state = pool.running()?;
            Ok(state.volumes.iter().map(|volume| pool.volume_ref(volume)).collect())
        })
    }

    fn volume_by_name<'a>(&'a self, pool: &'a ObjectRef, name: &'a str) -> Answer<'a, VolumeRef> {
        self.at(move |shared| {
            let pool = shared.find(pool)?;
            let state = pool.running()?;
            Ok(pool.volume_ref(&state.volume(name)?.volume))
        })
    }

    fn volume_by_key<'a>(&'a self, key: &'a str) -> Answer<'a, VolumeRef> {
        self.at(move |shared| shared.with_key(key))
    }

    fn volume_by_path<'a>(&'a self, path: &'a str) -> Answer<'a, VolumeRef> {
        self.work(self.with_path(path))
    }

    fn create_volume<'a>(&'a self, pool: &'a ObjectRef, xml: &'a str, flags: u32) -> Answer<'a, VolumeRef> {
        self.work(self.create_volume_xml(pool, xml, flags))
    }

    fn create_volume_from<'a>(
        &'a self,
        pool: &'a ObjectRef,
        xml: &'a str,
        original: &'a VolumeRef,
        flags: u32,
    ) -> Answer<'a, VolumeRef> {
        self.work(self.copy_volume(pool, xml, original, flags))
    }

    fn delete_volume<'a>(&'a self, volume: &'a VolumeRef, flags: u32) -> Answer<'a, ()> {
        self.work(self.remove_volume(volume, flags))
    }

    fn wipe_volume<'a>(&'a self, volume: &'a VolumeRef, algorithm: u32, flags: u32) -> Answer<'a, ()> {
        self.work(self.overwrite_volume(volume, algorithm, flags))
    }

    fn resize_volume<'a>(&'a self, volume: &'a VolumeRef, capacity: u64, flags: u32) -> Answer<'a, ()> {
        self.work(self.resize(volume, capacity, flags))
    }

    fn volume_info<'a>(&'a self, volume: &'a VolumeRef, flags: u32) -> Answer<'a, VolumeInfo> {
        self.work(self.describe(volume, flags))
    }

    fn volume_xml_desc<'a>(&'a self, volume: &'a VolumeRef, flags: u32) -> Answer<'a, String> {
        self.work(async move {
            check(flags, 0, "storageVolGetXMLDesc")?;
            Ok(self.current(volume).await?.format())
        })
    }

    fn volume_path<'a>(&'a self, volume: &'a VolumeRef) -> Answer<'a, String> {
        self.at(move |shared| {
            let pool = shared.find_by_name(&volume.pool)?;
            let state = pool.running()?;
            let path = state.volume(&volume.name)?.volume.target.path.clone();
            path.ok_or_else(|| no_volume(format!("volume '{}' has no path", volume.name)))
        })
    }

    fn upload<'a>(
        &'a self,
        volume: &'a VolumeRef,
        offset: u64,
        length: u64,
        flags: u32,
    ) -> Answer<'a, Arc<dyn ByteStream>> {
        self.work(self.stream(volume, Direction::Upload, (offset, length), flags))
    }

    fn download<'a>(
        &'a self,
        volume: &'a VolumeRef,
        offset: u64,
        length: u64,
        flags: u32,
    ) -> Answer<'a, Arc<dyn ByteStream>> {
        self.work(self.stream(volume, Direction::Download, (offset, length), flags))
    }
}
