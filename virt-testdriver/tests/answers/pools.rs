//! Calls on pools and volumes.

use virt_driver::{Delivery, ObjectEventFilter, ObjectRef, StoragePools};

use crate::domains::host;
use crate::support::{now, said};

const OTHER: &str = "<pool type='dir'>
  <name>p2</name>
  <uuid>0b6a1d6c-4b5e-4d0e-9a3b-3d6c2f1e0a12</uuid>
  <target><path>/p2</path></target>
</pool>";

fn volume(name: &str, allocation: u64) -> String {
    format!(
        "<volume><name>{name}</name><capacity>1000</capacity><allocation>{allocation}</allocation></volume>"
    )
}

fn names(c: &dyn StoragePools, flags: u32) -> String {
    let found = now(c.list(flags)).unwrap().into_iter().map(|pool| pool.name);
    found.collect::<Vec<_>>().join(" ")
}

#[test]
fn pools_come_and_go() {
    let host = host("pools");
    let c: &dyn StoragePools = &host.connection;
    let mut events = now(c.subscribe(ObjectEventFilter::default(), 32)).unwrap();
    let p = now(c.define_xml(OTHER, 0)).unwrap();
    for (flags, expected) in
        [(0, "default-pool p2"), (1, "p2"), (2, "default-pool"), (0x40, "default-pool p2"), (0x80, "")]
    {
        assert_eq!(names(c, flags), expected, "{flags}");
    }
    let twin = OTHER.replace("0a12", "0a13");
    let rival = OTHER.replace("0a12", "0a13").replace("p2</name", "p3</name");
    answers! {
        c.list(1 << 30) => "8 12 unsupported flags (0x40000000) in function testConnectListAllStoragePools";
        c.info(&p) => "StoragePoolInfo { state: 0, capacity: 107374182400, allocation: 0, available: 107374182400 }";
        c.destroy(&p) => "55 12 Requested operation is not valid: storage pool 'p2' is not active";
        c.refresh(&p, 0) => "55 12 Requested operation is not valid: storage pool 'p2' is not active";
        c.volumes(&p, 0) => "55 12 Requested operation is not valid: storage pool is not active";
        c.build(&p, 1) => "8 12 unsupported flags (0x1) in function testStoragePoolBuild";
        c.build(&p, 0) => "()";
        c.delete(&p, 0) => "()";
        c.create(&p, 0) => "()";
        c.create(&p, 0) => "55 12 Requested operation is not valid: storage pool 'p2' is active";
        c.undefine(&p) => "55 12 Requested operation is not valid: storage pool 'p2' is active";
        c.create_xml(OTHER, 0) => "55 18 Requested operation is not valid: pool is already active as 'p2'";
        c.define_xml(&twin, 0) => "9 18 operation failed: pool 'p2' already exists with uuid 0b6a1d6c-4b5e-4d0e-9a3b-3d6c2f1e0a12";
        c.define_xml(&rival, 0) => "9 18 operation failed: Storage source conflict with pool: 'p2'";
        c.set_autostart(&p, true) => "()";
        c.autostart(&p) => "true";
        c.refresh(&p, 0) => "()";
        c.destroy(&p) => "()";
        c.undefine(&p) => "()";
        c.info(&p) => "49 12 Storage pool not found: no storage pool with matching name 'p2'";
        c.capabilities(0) => "3 0 this function is not supported by the connection driver: virConnectGetStoragePoolCapabilities";
    }
    let p = now(c.create_xml(OTHER, 0)).unwrap();
    answers! {
        c.is_persistent(&p) => "false";
        c.set_autostart(&p, true) => "8 12 invalid argument: pool has no config file";
        c.destroy(&p) => "()";
        c.is_active(&p) => "49 12 Storage pool not found: no storage pool with matching uuid '0b6a1d6c-4b5e-4d0e-9a3b-3d6c2f1e0a12'";
    }
    let told = std::iter::from_fn(|| events.try_next()).map(|delivery| match delivery {
        Delivery::Event(event) => format!("{:?}", event.kind),
        Delivery::Lagged(lost) => panic!("{lost} lost"),
    });
    let told: Vec<_> = told.collect();
    let step = |number| format!("Lifecycle({number})");
    assert_eq!(
        told,
        [step(0), step(4), step(5), step(2), "Refresh".into(), step(3), step(1), step(2), step(3)]
    );
}

#[test]
fn volumes_take_room() {
    let host = host("volumes");
    let c: &dyn StoragePools = &host.connection;
    let p: ObjectRef = now(c.lookup_by_name("default-pool")).unwrap();
    let v = now(c.create_volume(&p, &volume("v1", 10), 0)).unwrap();
    assert_eq!((v.pool.as_str(), v.key.as_str()), ("default-pool", "/default-pool/v1"));
    answers! {
        c.create_volume(&p, &volume("v1", 10), 0) => "9 12 operation failed: storage vol already exists";
        c.create_volume(&p, &volume("v2", 200 << 30), 0) => "1 12 internal error: Not enough free space in pool for volume 'v2'";
        c.volume_info(&v, 0) => "VolumeInfo { kind: 0, capacity: 1000, allocation: 10 }";
        c.volume_path(&v) => r#""/default-pool/v1""#;
        c.volume_by_key("/default-pool/v9") => "50 12 Storage volume not found: no storage vol with matching key '/default-pool/v9'";
        c.volume_by_name(&p, "v9") => "50 12 Storage volume not found: no storage vol with matching name 'v9'";
        c.lookup_by_volume(&v) => r#"ObjectRef { uuid: dfe224cb-28fb-8dd0-c4b2-64eb3f0f4566, name: "default-pool" }"#;
        c.resize_volume(&v, 5, 0) => "3 0 this function is not supported by the connection driver: virStorageVolResize";
    }
    assert_eq!(now(c.volume_by_path("/default-pool/v1")).unwrap(), v);
    now(c.create_volume_from(&p, &volume("v3", 5), &v, 0)).unwrap();
    assert!(now(c.xml_desc(&p, 0)).unwrap().contains("<allocation unit='bytes'>15</allocation>"));
    assert_eq!(said(c.delete_volume(&v, 0)), "()");
    assert!(said(c.delete_volume(&v, 0)).starts_with("50 12 "));
    assert_eq!(now(c.info(&p)).unwrap().allocation, 5);
    let xml = now(c.volume_xml_desc(&now(c.volume_by_name(&p, "v3")).unwrap(), 0)).unwrap();
    for part in
        ["<volume type='file'>\n  <name>v3</name>\n  <key>/default-pool/v3</key>", "<format type='raw'/>"]
    {
        assert!(xml.contains(part), "{part} in {xml}");
    }
}
