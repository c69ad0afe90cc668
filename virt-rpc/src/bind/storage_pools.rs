//! Storage pools and volumes.

use std::sync::Arc;

use virt_driver::{
    BoxFuture, ByteStream, ObjectEventFilter, ObjectRef, StoragePoolEvent, StoragePoolInfo, Subscription,
    VolumeInfo, VolumeRef,
};
use virt_proto::remote::*;
use virt_types::{Result, Uuid};

use super::convert::Wire;
use super::listing::{ACTIVE, INACTIVE, count, names};
use super::macros::binding;

binding! {
    /// Storage pools and their volumes.
    storage_pools: StoragePools;
    both {
        ConnectGetStoragePoolCapabilities = capabilities(flags: u32) -> String as capabilities;
        ConnectFindStoragePoolSources = find_sources(kind: &'a str, src_spec: Option<&'a str>, flags: u32) -> String as xml;
        [list] ConnectListAllStoragePools = list(flags: u32) -> Vec<ObjectRef> as pools;
        StoragePoolLookupByUuid = lookup_by_uuid(uuid: Uuid) -> ObjectRef as pool;
        StoragePoolLookupByName = lookup_by_name(name: &'a str) -> ObjectRef as pool;
        StoragePoolLookupByVolume = lookup_by_volume(vol: &'a VolumeRef) -> ObjectRef as pool;
        StoragePoolLookupByTargetPath = lookup_by_target_path(path: &'a str) -> ObjectRef as pool;
        StoragePoolDefineXml = define_xml(xml: &'a str, flags: u32) -> ObjectRef as pool;
        StoragePoolCreateXml = create_xml(xml: &'a str, flags: u32) -> ObjectRef as pool;
        StoragePoolCreate = create(pool: &'a ObjectRef, flags: u32);
        StoragePoolBuild = build(pool: &'a ObjectRef, flags: u32);
        StoragePoolDestroy = destroy(pool: &'a ObjectRef);
        StoragePoolDelete = delete(pool: &'a ObjectRef, flags: u32);
        StoragePoolUndefine = undefine(pool: &'a ObjectRef);
        StoragePoolRefresh = refresh(pool: &'a ObjectRef, flags: u32);
        StoragePoolGetInfo = info(pool: &'a ObjectRef) -> StoragePoolInfo;
        StoragePoolGetXmlDesc = xml_desc(pool: &'a ObjectRef, flags: u32) -> String as xml;
        StoragePoolIsActive = is_active(pool: &'a ObjectRef) -> bool as active;
        StoragePoolIsPersistent = is_persistent(pool: &'a ObjectRef) -> bool as persistent;
        StoragePoolGetAutostart = autostart(pool: &'a ObjectRef) -> bool as autostart;
        StoragePoolSetAutostart = set_autostart(pool: &'a ObjectRef, autostart: bool);
        [list] StoragePoolListAllVolumes = volumes(pool: &'a ObjectRef, flags: u32) -> Vec<VolumeRef> as vols;
        StorageVolLookupByName = volume_by_name(pool: &'a ObjectRef, name: &'a str) -> VolumeRef as vol;
        StorageVolLookupByKey = volume_by_key(key: &'a str) -> VolumeRef as vol;
        StorageVolLookupByPath = volume_by_path(path: &'a str) -> VolumeRef as vol;
        StorageVolCreateXml = create_volume(pool: &'a ObjectRef, xml: &'a str, flags: u32) -> VolumeRef as vol;
        StorageVolCreateXmlFrom = create_volume_from(
            pool: &'a ObjectRef, xml: &'a str, clonevol: &'a VolumeRef, flags: u32,
        ) -> VolumeRef as vol;
        StorageVolDelete = delete_volume(vol: &'a VolumeRef, flags: u32);
        StorageVolWipePattern = wipe_volume(vol: &'a VolumeRef, algorithm: u32, flags: u32);
        StorageVolResize = resize_volume(vol: &'a VolumeRef, capacity: u64, flags: u32);
        StorageVolGetInfoFlags = volume_info(vol: &'a VolumeRef, flags: u32) -> VolumeInfo;
        StorageVolGetXmlDesc = volume_xml_desc(vol: &'a VolumeRef, flags: u32) -> String as xml;
        StorageVolGetPath = volume_path(vol: &'a VolumeRef) -> String as name;
    }
    served {
        ConnectNumOfStoragePools() = list(ACTIVE) => |found| Reply { num: count(&found) };
        ConnectListStoragePools(maxnames: i32) = list(ACTIVE) => |found| Reply { names: names(found, maxnames, |pool| pool.name) };
        ConnectNumOfDefinedStoragePools() = list(INACTIVE) => |found| Reply { num: count(&found) };
        ConnectListDefinedStoragePools(maxnames: i32) = list(INACTIVE)
            => |found| Reply { names: names(found, maxnames, |pool| pool.name) };
        StoragePoolNumOfVolumes(pool: ObjectRef) = volumes(&pool, 0) => |found| Reply { num: count(&found) };
        StoragePoolListVolumes(pool: ObjectRef, maxnames: i32) = volumes(&pool, 0)
            => |found| Reply { names: names(found, maxnames, |volume| volume.name) };
        StorageVolGetInfo(vol: VolumeRef) = volume_info(&vol, 0) => |info| info.to_wire();
        StorageVolWipe(vol: VolumeRef, flags: u32) = wipe_volume(&vol, 0, flags) => |()| ();
    }
    by_hand {
        ConnectStoragePoolEventRegisterAny => super::events::storage_pools::register;
        ConnectStoragePoolEventDeregisterAny => super::events::storage_pools::deregister;
        StorageVolUpload => super::streams::upload;
        StorageVolDownload => super::streams::download;
    }
    client {
        fn subscribe<'a>(
            &'a self,
            filter: ObjectEventFilter<Uuid>,
            capacity: usize,
        ) -> BoxFuture<'a, Result<Subscription<StoragePoolEvent>>> {
            Box::pin(self.subscribe_storage_pools(filter, capacity))
        }

        fn upload<'a>(
            &'a self,
            volume: &'a VolumeRef,
            offset: u64,
            length: u64,
            flags: u32,
        ) -> BoxFuture<'a, Result<Arc<dyn ByteStream>>> {
            let args = StorageVolUploadArgs { vol: volume.clone().to_wire(), offset, length, flags };
            Box::pin(async move { Ok(self.open_stream::<StorageVolUpload>(args).await?.1) })
        }

        fn download<'a>(
            &'a self,
            volume: &'a VolumeRef,
            offset: u64,
            length: u64,
            flags: u32,
        ) -> BoxFuture<'a, Result<Arc<dyn ByteStream>>> {
            let args = StorageVolDownloadArgs { vol: volume.clone().to_wire(), offset, length, flags };
            Box::pin(async move { Ok(self.open_stream::<StorageVolDownload>(args).await?.1) })
        }
    }
}
