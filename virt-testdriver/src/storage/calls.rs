//! The calls on pools and volumes.

use virt_driver::{
    ObjectEventFilter, ObjectRef, StoragePoolEvent, StoragePoolInfo, StoragePools, Subscription, VolumeInfo,
    VolumeRef,
};
use virt_types::{Error, Uuid};

use super::{Pool, pool, sources};
use crate::connection::{Answer, TestConnection};
use crate::error::invalid;
use crate::flags::check;

impl StoragePools for TestConnection {
    fn find_sources<'a>(
        &'a self,
        kind: &'a str,
        specification: Option<&'a str>,
        flags: u32,
    ) -> Answer<'a, String> {
        self.answer(|_| {
            check(flags, 0, "testConnectFindStoragePoolSources")?;
            sources::find(kind, specification)
        })
    }

    fn list<'a>(&'a self, flags: u32) -> Answer<'a, Vec<ObjectRef>> {
        self.answer(|host| {
            check(flags, pool::FILTERS, "testConnectListAllStoragePools")?;
            Ok(host.pools.0.iter().filter(|pool| pool.matches(flags)).map(Pool::to_ref).collect())
        })
    }

    fn lookup_by_uuid<'a>(&'a self, uuid: Uuid) -> Answer<'a, ObjectRef> {
        self.answer(|host| Ok(host.pools.by_uuid(uuid)?.to_ref()))
    }

    fn lookup_by_name<'a>(&'a self, name: &'a str) -> Answer<'a, ObjectRef> {
        self.answer(|host| Ok(host.pools.by_name(name)?.to_ref()))
    }

    fn lookup_by_volume<'a>(&'a self, volume: &'a VolumeRef) -> Answer<'a, ObjectRef> {
        self.answer(|host| Ok(host.pools.by_name(&volume.pool)?.to_ref()))
    }

    fn subscribe<'a>(
        &'a self,
        filter: ObjectEventFilter<Uuid>,
        capacity: usize,
    ) -> Answer<'a, Subscription<StoragePoolEvent>> {
        self.answer(|host| Ok(host.pool_events.subscribe(filter, capacity)))
    }

    fn define_xml<'a>(&'a self, xml: &'a str, flags: u32) -> Answer<'a, ObjectRef> {
        self.answer(|host| {
            check(flags, 0x1, "testStoragePoolDefineXML")?;
            host.define_pool(xml)
        })
    }

    fn create_xml<'a>(&'a self, xml: &'a str, flags: u32) -> Answer<'a, ObjectRef> {
        self.answer(|host| {
            check(flags, 0, "testStoragePoolCreateXML")?;
            host.create_pool(xml)
        })
    }

    fn create<'a>(&'a self, pool: &'a ObjectRef, flags: u32) -> Answer<'a, ()> {
        self.answer(|host| {
            check(flags, 0, "testStoragePoolCreate")?;
            host.start_pool(pool)
        })
    }

    fn build<'a>(&'a self, pool: &'a ObjectRef, flags: u32) -> Answer<'a, ()> {
        self.answer(|host| {
            check(flags, 0, "testStoragePoolBuild")?;
            host.build_pool(pool)
        })
    }

    fn delete<'a>(&'a self, pool: &'a ObjectRef, flags: u32) -> Answer<'a, ()> {
        self.answer(|host| {
            check(flags, 0, "testStoragePoolDelete")?;
            host.delete_pool(pool)
        })
    }

    fn refresh<'a>(&'a self, pool: &'a ObjectRef, flags: u32) -> Answer<'a, ()> {
        self.answer(|host| {
            check(flags, 0, "testStoragePoolRefresh")?;
            host.refresh_pool(pool)
        })
    }

    fn destroy<'a>(&'a self, pool: &'a ObjectRef) -> Answer<'a, ()> {
        self.answer(|host| host.stop_pool(pool))
    }

    fn undefine<'a>(&'a self, pool: &'a ObjectRef) -> Answer<'a, ()> {
        self.answer(|host| host.undefine_pool(pool))
    }

    fn info<'a>(&'a self, pool: &'a ObjectRef) -> Answer<'a, StoragePoolInfo> {
        self.answer(|host| Ok(host.pools.by_name(&pool.name)?.info()))
    }

    fn xml_desc<'a>(&'a self, pool: &'a ObjectRef, flags: u32) -> Answer<'a, String> {
        self.answer(|host| {
            check(flags, 0, "testStoragePoolGetXMLDesc")?;
            Ok(host.pools.by_name(&pool.name)?.config.format())
        })
    }

    fn is_active<'a>(&'a self, pool: &'a ObjectRef) -> Answer<'a, bool> {
        self.answer(|host| Ok(host.pools.by_uuid(pool.uuid)?.active))
    }

    fn is_persistent<'a>(&'a self, pool: &'a ObjectRef) -> Answer<'a, bool> {
        self.answer(|host| Ok(host.pools.by_uuid(pool.uuid)?.persistent))
    }

    fn autostart<'a>(&'a self, pool: &'a ObjectRef) -> Answer<'a, bool> {
        self.answer(|host| {
            let found = host.pools.by_name(&pool.name)?;
            Ok(found.persistent && found.autostart)
        })
    }

    fn set_autostart<'a>(&'a self, pool: &'a ObjectRef, autostart: bool) -> Answer<'a, ()> {
        self.answer(|host| host.pools.by_name(&pool.name)?.set_autostart(autostart))
    }

    fn volumes<'a>(&'a self, pool: &'a ObjectRef, flags: u32) -> Answer<'a, Vec<VolumeRef>> {
        self.answer(|host| {
            check(flags, 0, "testStoragePoolListAllVolumes")?;
            let pool = host.pools.by_uuid(pool.uuid)?;
            if !pool.active {
                return Err(invalid("storage pool is not active"));
            }
            Ok(pool.volumes.iter().map(|volume| pool.reference(volume)).collect())
        })
    }

    fn volume_by_name<'a>(&'a self, pool: &'a ObjectRef, name: &'a str) -> Answer<'a, VolumeRef> {
        self.answer(|host| {
            let pool = host.pools.active(&pool.name)?;
            Ok(pool.reference(pool.volume(name)?))
        })
    }

    fn volume_by_key<'a>(&'a self, key: &'a str) -> Answer<'a, VolumeRef> {
        self.answer(|host| host.pools.find_volume("key", key, |volume| volume.key.as_deref() == Some(key)))
    }

    fn volume_by_path<'a>(&'a self, path: &'a str) -> Answer<'a, VolumeRef> {
        self.answer(|host| {
            host.pools.find_volume("path", path, |volume| volume.target.path.as_deref() == Some(path))
        })
    }

    fn create_volume<'a>(&'a self, pool: &'a ObjectRef, xml: &'a str, flags: u32) -> Answer<'a, VolumeRef> {
        self.answer(|host| {
            check(flags, VALIDATE, "testStorageVolCreateXML")?;
            host.pools.active(&pool.name)?.create_volume(xml, None)
        })
    }

    fn create_volume_from<'a>(
        &'a self,
        pool: &'a ObjectRef,
        xml: &'a str,
        original: &'a VolumeRef,
        flags: u32,
    ) -> Answer<'a, VolumeRef> {
        self.answer(|host| {
            check(flags, VALIDATE, "testStorageVolCreateXMLFrom")?;
            host.pools.active(&pool.name)?.create_volume(xml, Some(&original.name))
        })
    }

    fn delete_volume<'a>(&'a self, volume: &'a VolumeRef, flags: u32) -> Answer<'a, ()> {
        self.answer(|host| {
            check(flags, 0, "testStorageVolDelete")?;
            host.pools.active(&volume.pool)?.delete_volume(&volume.name)
        })
    }

    fn volume_info<'a>(&'a self, volume: &'a VolumeRef, flags: u32) -> Answer<'a, VolumeInfo> {
        self.answer(|host| {
            if flags != 0 {
                return Err(Error::no_support("virStorageVolGetInfoFlags"));
            }
            host.pools.active(&volume.pool)?.volume_info(&volume.name)
        })
    }

    fn volume_xml_desc<'a>(&'a self, volume: &'a VolumeRef, flags: u32) -> Answer<'a, String> {
        self.answer(|host| {
            check(flags, 0, "testStorageVolGetXMLDesc")?;
            Ok(host.pools.active(&volume.pool)?.volume(&volume.name)?.format())
        })
    }

    fn volume_path<'a>(&'a self, volume: &'a VolumeRef) -> Answer<'a, String> {
        self.answer(|host| {
            let path = host.pools.active(&volume.pool)?.volume(&volume.name)?.target.path.clone();
            Ok(path.unwrap_or_default())
        })
    }
}

/// `VIR_STORAGE_VOL_CREATE_VALIDATE`
const VALIDATE: u32 = 0x4;
