//! Calls on storage pools and their volumes.

use std::sync::Arc;

use virt_types::Uuid;

use crate::contract::contract;
use crate::{ByteStream, ObjectEventFilter, ObjectFilter, ObjectRef, Subscription};

/// How a caller names a volume.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct VolumeRef {
    /// The pool.
    pub pool: String,
    /// The name in the pool.
    pub name: String,
    /// The key, which is unique on the host.
    pub key: String,
}

/// The figures of `virStoragePoolGetInfo`, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoragePoolInfo {
    /// 0 inactive, 1 building, 2 running, 3 degraded, 4 inaccessible (`virStoragePoolState`).
    pub state: u8,
    /// The size.
    pub capacity: u64,
    /// What is in use.
    pub allocation: u64,
    /// What is free.
    pub available: u64,
}

/// The figures of `virStorageVolGetInfo`, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VolumeInfo {
    /// 0 file, 1 block device, 2 directory, 3 network, 4 network directory, 5 ploop (`virStorageVolType`).
    pub kind: u8,
    /// The size that a guest sees.
    pub capacity: u64,
    /// What it takes.
    pub allocation: u64,
}

/// Something that happened to a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoragePoolEvent {
    /// The pool.
    pub pool: ObjectRef,
    /// What happened.
    pub kind: StoragePoolEventKind,
}

/// What happened to a pool (`virStoragePoolEventID`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoragePoolEventKind {
    /// 0 defined, 1 undefined, 2 started, 3 stopped, 4 created, 5 deleted (`virStoragePoolEventLifecycleType`).
    Lifecycle(i32),
    /// Its volumes were looked at again.
    Refresh,
}

impl StoragePoolEventKind {
    /// The kind under which clients register for it (`virStoragePoolEventID`).
    #[must_use]
    pub const fn id(self) -> i32 {
        match self {
            Self::Lifecycle(_) => 0,
            Self::Refresh => 1,
        }
    }
}

contract! {
    /// Storage pools and their volumes.
    pub trait StoragePools {
        /// What kinds of pools there can be, as XML.
        "virConnectGetStoragePoolCapabilities" fn capabilities(flags: u32) -> String;
        /// Where pools of a kind could come from, as XML; the specification is XML too.
        "virConnectFindStoragePoolSources" fn find_sources(kind: &'a str, specification: Option<&'a str>, flags: u32) -> String;
        /// The pools that match (`virConnectListAllStoragePoolsFlags`).
        "virConnectListAllStoragePools" fn list(flags: ObjectFilter) -> Vec<ObjectRef>;
        /// The pool with this identity.
        "virStoragePoolLookupByUUID" fn lookup_by_uuid(uuid: Uuid) -> ObjectRef;
        /// The pool with this name.
        "virStoragePoolLookupByName" fn lookup_by_name(name: &'a str) -> ObjectRef;
        /// The pool of a volume.
        "virStoragePoolLookupByVolume" fn lookup_by_volume(volume: &'a VolumeRef) -> ObjectRef;
        /// The pool with this target.
        "virStoragePoolLookupByTargetPath" fn lookup_by_target_path(path: &'a str) -> ObjectRef;
        /// Events from now on; at most `capacity` are kept for a slow reader.
        "virConnectStoragePoolEventRegisterAny" fn subscribe(
            filter: ObjectEventFilter<Uuid>, capacity: usize,
        ) -> Subscription<StoragePoolEvent>;
        /// Defines a persistent pool.
        "virStoragePoolDefineXML" fn define_xml(xml: &'a str, flags: u32) -> ObjectRef;
        /// Starts a transient pool.
        "virStoragePoolCreateXML" fn create_xml(xml: &'a str, flags: u32) -> ObjectRef;
        /// Starts a pool.
        "virStoragePoolCreate" fn create(pool: &'a ObjectRef, flags: u32) -> ();
        /// Makes the storage below a pool.
        "virStoragePoolBuild" fn build(pool: &'a ObjectRef, flags: u32) -> ();
        /// Stops a pool.
        "virStoragePoolDestroy" fn destroy(pool: &'a ObjectRef) -> ();
        /// Removes the storage below a pool.
        "virStoragePoolDelete" fn delete(pool: &'a ObjectRef, flags: u32) -> ();
        /// Removes a configuration.
        "virStoragePoolUndefine" fn undefine(pool: &'a ObjectRef) -> ();
        /// Looks at the volumes again.
        "virStoragePoolRefresh" fn refresh(pool: &'a ObjectRef, flags: u32) -> ();
        /// State and sizes.
        "virStoragePoolGetInfo" fn info(pool: &'a ObjectRef) -> StoragePoolInfo;
        /// Its configuration.
        "virStoragePoolGetXMLDesc" fn xml_desc(pool: &'a ObjectRef, flags: u32) -> String;
        /// Whether it runs.
        "virStoragePoolIsActive" fn is_active(pool: &'a ObjectRef) -> bool;
        /// Whether it has a configuration that outlives it.
        "virStoragePoolIsPersistent" fn is_persistent(pool: &'a ObjectRef) -> bool;
        /// Whether it starts with the engine.
        "virStoragePoolGetAutostart" fn autostart(pool: &'a ObjectRef) -> bool;
        /// Makes it start with the engine, or not.
        "virStoragePoolSetAutostart" fn set_autostart(pool: &'a ObjectRef, autostart: bool) -> ();

        /// The volumes of a pool.
        "virStoragePoolListAllVolumes" fn volumes(pool: &'a ObjectRef, flags: u32) -> Vec<VolumeRef>;
        /// The volume of a pool with this name.
        "virStorageVolLookupByName" fn volume_by_name(pool: &'a ObjectRef, name: &'a str) -> VolumeRef;
        /// The volume with this key.
        "virStorageVolLookupByKey" fn volume_by_key(key: &'a str) -> VolumeRef;
        /// The volume at this path.
        "virStorageVolLookupByPath" fn volume_by_path(path: &'a str) -> VolumeRef;
        /// Makes a volume.
        "virStorageVolCreateXML" fn create_volume(pool: &'a ObjectRef, xml: &'a str, flags: u32) -> VolumeRef;
        /// Makes a volume with the content of another one.
        "virStorageVolCreateXMLFrom" fn create_volume_from(
            pool: &'a ObjectRef, xml: &'a str, original: &'a VolumeRef, flags: u32,
        ) -> VolumeRef;
        /// Removes a volume.
        "virStorageVolDelete" fn delete_volume(volume: &'a VolumeRef, flags: u32) -> ();
        /// Overwrites a volume's content (`virStorageVolWipeAlgorithm`).
        "virStorageVolWipePattern" fn wipe_volume(volume: &'a VolumeRef, algorithm: u32, flags: u32) -> ();
        /// Changes the size of a volume, in bytes.
        "virStorageVolResize" fn resize_volume(volume: &'a VolumeRef, capacity: u64, flags: u32) -> ();
        /// Kind and sizes of a volume.
        "virStorageVolGetInfoFlags" fn volume_info(volume: &'a VolumeRef, flags: u32) -> VolumeInfo;
        /// A volume's configuration.
        "virStorageVolGetXMLDesc" fn volume_xml_desc(volume: &'a VolumeRef, flags: u32) -> String;
        /// Where a volume is.
        "virStorageVolGetPath" fn volume_path(volume: &'a VolumeRef) -> String;
        /// A stream that takes the new content from `offset` on, `length` bytes or, if that is 0, all that comes; bit 1 of
        /// `flags` allows holes.
        "virStorageVolUpload" fn upload(volume: &'a VolumeRef, offset: u64, length: u64, flags: u32) -> Arc<dyn ByteStream>;
        /// A stream of the content from `offset` on, `length` bytes or, if that is 0, to the end; bit 1 of `flags` asks for
        /// holes.
        "virStorageVolDownload" fn download(volume: &'a VolumeRef, offset: u64, length: u64, flags: u32) -> Arc<dyn ByteStream>;
    }
}
