//! Calls on devices of the host.

use virt_driver::{Delivery, NodeDevices, ObjectEventFilter, StoragePools};

use crate::domains::host;
use crate::support::now;

const VPORT: &str = "<device>
  <parent>scsi_host1</parent>
  <capability type='scsi_host'>
    <capability type='fc_host'>
      <wwnn>2000000012349999</wwnn>
      <wwpn>1000000012349999</wwpn>
    </capability>
  </capability>
</device>";

#[test]
fn devices_are_found_by_what_they_can_do() {
    let host = host("devices");
    let c: &dyn NodeDevices = &host.connection;
    let hosts = r#"["scsi_host1", "scsi_host2", "scsi_host11"]"#;
    answers! {
        c.list(0) => r#"["computer", "scsi_host1", "scsi_host2", "scsi_host11"]"#;
        c.list(1) => r#"["computer"]"#;
        c.list(1 << 9) => hosts;
        c.list(1 << 10) => r#"["scsi_host1", "scsi_host2"]"#;
        c.list(1 << 30) => "8 12 unsupported flags (0x40000000) in function testConnectListAllNodeDevices";
        c.list_with_capability(Some("fc_host"), 0) => hosts;
        c.list_with_capability(Some("scsi_host"), 0) => hosts;
        c.lookup_by_name("x") => "53 12 Node device not found: no node device with matching name 'x'";
        c.capabilities("scsi_host1") => r#"["scsi_host"]"#;
        c.parent("scsi_host1") => r#"Some("computer")"#;
        c.parent("computer") => "None";
        c.xml_desc("computer", 1) => "8 12 unsupported flags (0x1) in function testNodeDeviceGetXMLDesc";
        c.lookup_scsi_host_by_wwn("2000000012341234", "1000000012341234", 0) => "3 0 this function is not supported by the connection driver: virNodeDeviceLookupSCSIHostByWWN";
    }
}

#[test]
fn virtual_hosts_are_made() {
    let host = host("vports");
    let c: &dyn NodeDevices = &host.connection;
    let mut events = now(c.subscribe(ObjectEventFilter::default(), 32)).unwrap();
    let under = |parent: &str| VPORT.replace("scsi_host1", parent);
    let (nobody, leaf) = (under("nope"), under("scsi_host11"));
    answers! {
        c.create_xml(VPORT, 0) => r#""scsi_host12""#;
        c.create_xml(&nobody, 0) => "1 22 internal error: Could not find parent device for 'new device'";
        c.create_xml(&leaf, 0) => "1 22 internal error: Parent device scsi_host11 is not capable of vport operations";
    }
    let xml = now(c.xml_desc("scsi_host12", 0)).unwrap();
    for part in ["<parent>scsi_host1</parent>", "<unique_id>10</unique_id>", "<wwnn>2000000012349999</wwnn>"]
    {
        assert!(xml.contains(part), "{part} in {xml}");
    }
    answers! {
        c.destroy("scsi_host12") => "()";
        c.destroy("scsi_host12") => "53 12 Node device not found: no node device with matching name 'scsi_host12'";
        c.destroy("computer") => "()";
        c.lookup_by_name("computer") => r#""computer""#;
    }
    let pools: &dyn StoragePools = &host.connection;
    let pool = "<pool type='scsi'>
      <name>fc</name>
      <source><adapter type='fc_host' wwnn='20000000c9831b4b' wwpn='10000000c9831b4b'/></source>
      <target><path>/dev/disk/by-path</path></target>
    </pool>";
    let pool = now(pools.create_xml(pool, 0)).unwrap();
    assert!(now(c.xml_desc("scsi_host12", 0)).unwrap().contains("20000000c9831b4b"));
    answers! {
        pools.destroy(&pool) => "()";
        c.lookup_by_name("scsi_host12") => "53 12 Node device not found: no node device with matching name 'scsi_host12'";
    }
    let told = std::iter::from_fn(|| events.try_next()).map(|delivery| match delivery {
        Delivery::Event(event) => format!("{} {:?}", event.device, event.kind),
        Delivery::Lagged(lost) => panic!("{lost} lost"),
    });
    assert_eq!(told.collect::<Vec<_>>(), [0, 1, 0, 1].map(|step| format!("scsi_host12 Lifecycle({step})")));
}
