// tidy: table
//! Storage pools and volumes.

use virt_types::Uuid;

use crate::remote::{PROGRAM, STORAGE_POOL_LIST_MAX, STORAGE_VOL_LIST_MAX, StoragePool, StorageVol};
use crate::table::procedures;

procedures! { PROGRAM:
    /// How many storage pools are active.
    71 ConnectNumOfStoragePools "virConnectNumOfStoragePools" {
        reply ConnectNumOfStoragePoolsRet { num: i32 }
        priority High
        access [Connect.search_storage_pools]
        filter StoragePool.getattr
        since "<=1.2.7"
    }

    /// Names of the active storage pools.
    72 ConnectListStoragePools "virConnectListStoragePools" {
        args ConnectListStoragePoolsArgs { maxnames: i32 }
        reply ConnectListStoragePoolsRet { names: Vec<String>[STORAGE_POOL_LIST_MAX] }
        priority High
        access [Connect.search_storage_pools]
        filter StoragePool.getattr
        since "<=1.2.7"
    }

    /// How many storage pools are defined and not active.
    73 ConnectNumOfDefinedStoragePools "virConnectNumOfDefinedStoragePools" {
        reply ConnectNumOfDefinedStoragePoolsRet { num: i32 }
        priority High
        access [Connect.search_storage_pools]
        filter StoragePool.getattr
        since "<=1.2.7"
    }

    /// Names of the storage pools that are defined and not active.
    74 ConnectListDefinedStoragePools "virConnectListDefinedStoragePools" {
        args ConnectListDefinedStoragePoolsArgs { maxnames: i32 }
        reply ConnectListDefinedStoragePoolsRet { names: Vec<String>[STORAGE_POOL_LIST_MAX] }
        priority High
        access [Connect.search_storage_pools]
        filter StoragePool.getattr
        since "<=1.2.7"
    }

    /// What pools of a kind could be made of, as a document.
    75 ConnectFindStoragePoolSources "virConnectFindStoragePoolSources" {
        args ConnectFindStoragePoolSourcesArgs { kind: String, src_spec: Option<String>, flags: u32 }
        reply ConnectFindStoragePoolSourcesRet { xml: String }
        write Always
        access [Connect.detect_storage_pools]
        since "<=1.2.7"
    }

    /// Starts a pool from a document, without defining it.
    76 StoragePoolCreateXml "virStoragePoolCreateXML" {
        args StoragePoolCreateXmlArgs { xml: String, flags: u32 }
        reply StoragePoolCreateXmlRet { pool: StoragePool }
        access [StoragePool.start, StoragePool.write]
        since "<=1.2.7"
    }

    /// Defines a pool, or changes its definition.
    77 StoragePoolDefineXml "virStoragePoolDefineXML" {
        args StoragePoolDefineXmlArgs { xml: String, flags: u32 }
        reply StoragePoolDefineXmlRet { pool: StoragePool }
        priority High
        access [StoragePool.write, StoragePool.save]
        since "<=1.2.7"
    }

    /// Starts a defined pool.
    78 StoragePoolCreate "virStoragePoolCreate" {
        args StoragePoolCreateArgs { pool: StoragePool, flags: u32 }
        access [StoragePool.start]
        since "<=1.2.7"
    }

    /// Makes what the pool lies on, such as its folder or file system.
    79 StoragePoolBuild "virStoragePoolBuild" {
        args StoragePoolBuildArgs { pool: StoragePool, flags: u32 }
        access [StoragePool.format]
        since "<=1.2.7"
    }

    /// Stops a pool; its data stays.
    80 StoragePoolDestroy "virStoragePoolDestroy" {
        args StoragePoolDestroyArgs { pool: StoragePool }
        priority High
        access [StoragePool.stop]
        since "<=1.2.7"
    }

    /// Removes what the pool lies on.
    81 StoragePoolDelete "virStoragePoolDelete" {
        args StoragePoolDeleteArgs { pool: StoragePool, flags: u32 }
        access [StoragePool.format]
        since "<=1.2.7"
    }

    /// Removes a pool's definition.
    82 StoragePoolUndefine "virStoragePoolUndefine" {
        args StoragePoolUndefineArgs { pool: StoragePool }
        priority High
        access [StoragePool.delete]
        since "<=1.2.7"
    }

    /// Looks again at which volumes the pool has.
    83 StoragePoolRefresh "virStoragePoolRefresh" {
        args StoragePoolRefreshArgs { pool: StoragePool, flags: u32 }
        access [StoragePool.refresh]
        since "<=1.2.7"
    }

    /// Finds a pool by its name.
    84 StoragePoolLookupByName "virStoragePoolLookupByName" {
        args StoragePoolLookupByNameArgs { name: String }
        reply StoragePoolLookupByNameRet { pool: StoragePool }
        priority High
        access [StoragePool.getattr]
        since "<=1.2.7"
    }

    /// Finds a pool by its UUID.
    85 StoragePoolLookupByUuid "virStoragePoolLookupByUUID" {
        args StoragePoolLookupByUuidArgs { uuid: Uuid }
        reply StoragePoolLookupByUuidRet { pool: StoragePool }
        priority High
        access [StoragePool.getattr]
        since "<=1.2.7"
    }

    /// Finds the pool of a volume.
    86 StoragePoolLookupByVolume "virStoragePoolLookupByVolume" {
        args StoragePoolLookupByVolumeArgs { vol: StorageVol }
        reply StoragePoolLookupByVolumeRet { pool: StoragePool }
        priority High
        access [StoragePool.getattr]
        since "<=1.2.7"
    }

    /// State of a pool, and its sizes in bytes.
    87 StoragePoolGetInfo "virStoragePoolGetInfo" {
        args StoragePoolGetInfoArgs { pool: StoragePool }
        reply StoragePoolGetInfoRet { state: u8, capacity: u64, allocation: u64, available: u64 }
        priority High
        access [StoragePool.read]
        since "<=1.2.7"
    }

    /// The pool's document.
    88 StoragePoolGetXmlDesc "virStoragePoolGetXMLDesc" {
        args StoragePoolGetXmlDescArgs { pool: StoragePool, flags: u32 }
        reply StoragePoolGetXmlDescRet { xml: String }
        priority High
        access [StoragePool.read]
        since "<=1.2.7"
    }

    /// Whether the pool is started with the host.
    89 StoragePoolGetAutostart "virStoragePoolGetAutostart" {
        args StoragePoolGetAutostartArgs { pool: StoragePool }
        reply StoragePoolGetAutostartRet { autostart: i32 }
        priority High
        access [StoragePool.read]
        since "<=1.2.7"
    }

    /// Sets whether the pool is started with the host.
    90 StoragePoolSetAutostart "virStoragePoolSetAutostart" {
        args StoragePoolSetAutostartArgs { pool: StoragePool, autostart: i32 }
        priority High
        access [StoragePool.write]
        since "<=1.2.7"
    }

    /// How many volumes the pool has.
    91 StoragePoolNumOfVolumes "virStoragePoolNumOfVolumes" {
        args StoragePoolNumOfVolumesArgs { pool: StoragePool }
        reply StoragePoolNumOfVolumesRet { num: i32 }
        priority High
        access [StoragePool.search_storage_vols]
        filter StorageVol.getattr
        since "<=1.2.7"
    }

    /// Names of the pool's volumes.
    92 StoragePoolListVolumes "virStoragePoolListVolumes" {
        args StoragePoolListVolumesArgs { pool: StoragePool, maxnames: i32 }
        reply StoragePoolListVolumesRet { names: Vec<String>[STORAGE_VOL_LIST_MAX] }
        priority High
        access [StoragePool.search_storage_vols]
        filter StorageVol.getattr
        since "<=1.2.7"
    }

    /// Makes a volume from a document.
    93 StorageVolCreateXml "virStorageVolCreateXML" {
        args StorageVolCreateXmlArgs { pool: StoragePool, xml: String, flags: u32 }
        reply StorageVolCreateXmlRet { vol: StorageVol }
        access [StorageVol.create]
        since "<=1.2.7"
    }

    /// Removes a volume and its data.
    94 StorageVolDelete "virStorageVolDelete" {
        args StorageVolDeleteArgs { vol: StorageVol, flags: u32 }
        access [StorageVol.delete]
        since "<=1.2.7"
    }

    /// Finds a volume by its name in a pool.
    95 StorageVolLookupByName "virStorageVolLookupByName" {
        args StorageVolLookupByNameArgs { pool: StoragePool, name: String }
        reply StorageVolLookupByNameRet { vol: StorageVol }
        priority High
        access [StorageVol.getattr]
        since "<=1.2.7"
    }

    /// Finds a volume by its key.
    96 StorageVolLookupByKey "virStorageVolLookupByKey" {
        args StorageVolLookupByKeyArgs { key: String }
        reply StorageVolLookupByKeyRet { vol: StorageVol }
        priority High
        access [StorageVol.getattr]
        since "<=1.2.7"
    }

    /// Finds a volume by its path.
    97 StorageVolLookupByPath "virStorageVolLookupByPath" {
        args StorageVolLookupByPathArgs { path: String }
        reply StorageVolLookupByPathRet { vol: StorageVol }
        priority High
        access [StorageVol.getattr]
        since "<=1.2.7"
    }

    /// Kind of a volume, and its sizes in bytes.
    98 StorageVolGetInfo "virStorageVolGetInfo" {
        args StorageVolGetInfoArgs { vol: StorageVol }
        reply StorageVolGetInfoRet { kind: i8, capacity: u64, allocation: u64 }
        priority High
        access [StorageVol.read]
        since "<=1.2.7"
    }

    /// The volume's document.
    99 StorageVolGetXmlDesc "virStorageVolGetXMLDesc" {
        args StorageVolGetXmlDescArgs { vol: StorageVol, flags: u32 }
        reply StorageVolGetXmlDescRet { xml: String }
        priority High
        access [StorageVol.read]
        since "<=1.2.7"
    }

    /// Path of a volume.
    100 StorageVolGetPath "virStorageVolGetPath" {
        args StorageVolGetPathArgs { vol: StorageVol }
        reply StorageVolGetPathRet { name: String }
        priority High
        access [StorageVol.read]
        since "<=1.2.7"
    }

    /// Makes a volume from a document, with the data of another one.
    125 StorageVolCreateXmlFrom "virStorageVolCreateXMLFrom" {
        args StorageVolCreateXmlFromArgs { pool: StoragePool, xml: String, clonevol: StorageVol, flags: u32 }
        reply StorageVolCreateXmlFromRet { vol: StorageVol }
        access [StorageVol.create]
        since "<=1.2.7"
    }

    /// Whether the pool is active.
    154 StoragePoolIsActive "virStoragePoolIsActive" {
        args StoragePoolIsActiveArgs { pool: StoragePool }
        reply StoragePoolIsActiveRet { active: i32 }
        priority High
        access [StoragePool.read]
        since "<=1.2.7"
    }

    /// Whether the pool is defined.
    155 StoragePoolIsPersistent "virStoragePoolIsPersistent" {
        args StoragePoolIsPersistentArgs { pool: StoragePool }
        reply StoragePoolIsPersistentRet { persistent: i32 }
        priority High
        access [StoragePool.read]
        since "<=1.2.7"
    }

    /// Overwrites a volume's data with zeros.
    165 StorageVolWipe "virStorageVolWipe" {
        args StorageVolWipeArgs { vol: StorageVol, flags: u32 }
        access [StorageVol.format]
        since "<=1.2.7"
    }

    /// Writes data from the client into a volume.
    208 StorageVolUpload "virStorageVolUpload" {
        args StorageVolUploadArgs { vol: StorageVol, offset: u64, length: u64, flags: u32 }
        stream Write sparse VOL_UPLOAD_SPARSE
        access [StorageVol.data_write]
        since "<=1.2.7"
    }

    /// Sends a volume's data to the client.
    209 StorageVolDownload "virStorageVolDownload" {
        args StorageVolDownloadArgs { vol: StorageVol, offset: u64, length: u64, flags: u32 }
        stream Read sparse VOL_DOWNLOAD_SPARSE
        access [StorageVol.data_read]
        since "<=1.2.7"
    }

    /// Overwrites a volume's data in a given way.
    259 StorageVolWipePattern "virStorageVolWipePattern" {
        args StorageVolWipePatternArgs { vol: StorageVol, algorithm: u32, flags: u32 }
        access [StorageVol.format]
        since "<=1.2.7"
    }

    /// Changes a volume's size.
    260 StorageVolResize "virStorageVolResize" {
        args StorageVolResizeArgs { vol: StorageVol, capacity: u64, flags: u32 }
        access [StorageVol.resize]
        since "<=1.2.7"
    }

    /// The pools that the flags select, or how many there are.
    281 ConnectListAllStoragePools "virConnectListAllStoragePools" {
        args ConnectListAllStoragePoolsArgs { need_results: i32, flags: u32 }
        reply ConnectListAllStoragePoolsRet { pools: Vec<StoragePool>[STORAGE_POOL_LIST_MAX], ret: u32 }
        priority High
        access [Connect.search_storage_pools]
        filter StoragePool.getattr
        since "<=1.2.7"
    }

    /// The pool's volumes, or how many there are.
    282 StoragePoolListAllVolumes "virStoragePoolListAllVolumes" {
        args StoragePoolListAllVolumesArgs { pool: StoragePool, need_results: i32, flags: u32 }
        reply StoragePoolListAllVolumesRet { vols: Vec<StorageVol>[STORAGE_VOL_LIST_MAX], ret: u32 }
        priority High
        access [StoragePool.search_storage_vols]
        filter StorageVol.getattr
        since "<=1.2.7"
    }

    /// Kind of a volume, and the sizes that the flags ask for, in bytes.
    378 StorageVolGetInfoFlags "virStorageVolGetInfoFlags" {
        args StorageVolGetInfoFlagsArgs { vol: StorageVol, flags: u32 }
        reply StorageVolGetInfoFlagsRet { kind: i8, capacity: u64, allocation: u64 }
        priority High
        access [StorageVol.read]
        since "3.6.0"
    }

    /// Finds the pool that is at a path.
    391 StoragePoolLookupByTargetPath "virStoragePoolLookupByTargetPath" {
        args StoragePoolLookupByTargetPathArgs { path: String }
        reply StoragePoolLookupByTargetPathRet { pool: StoragePool }
        priority High
        access [StoragePool.getattr]
        since "4.5.0"
    }

    /// Which kinds of pools the server has, as a document.
    403 ConnectGetStoragePoolCapabilities "virConnectGetStoragePoolCapabilities" {
        args ConnectGetStoragePoolCapabilitiesArgs { flags: u32 }
        reply ConnectGetStoragePoolCapabilitiesRet { capabilities: String }
        access [Connect.read]
        since "5.6.0"
    }
}
