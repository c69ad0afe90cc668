//! Calls on networks.

use virt_driver::{Delivery, Guests, Networks, ObjectEventFilter, ObjectRef};

use crate::domains::host;
use crate::support::now;

const OTHER: &str = "<network>
  <name>n2</name>
  <uuid>0b6a1d6c-4b5e-4d0e-9a3b-3d6c2f1e0a12</uuid>
  <bridge name='br9'/>
  <ip address='10.0.0.1' prefix='24'/>
</network>";

#[test]
fn networks_come_and_go() {
    let host = host("networks");
    let c: &dyn Networks = &host.connection;
    let mut events = now(c.subscribe(ObjectEventFilter::default(), 32)).unwrap();
    let n = now(c.define_xml(OTHER, 0)).unwrap();
    let names = |flags| {
        let found = now(c.list(flags)).unwrap().into_iter().map(|network| network.name);
        found.collect::<Vec<_>>().join(" ")
    };
    for (flags, expected) in [(0, "default n2"), (1, "n2"), (2, "default"), (4, "default n2"), (16, "")] {
        assert_eq!(names(flags), expected, "{flags}");
    }
    let (twin, renamed) = (OTHER.replace("0a12", "0a13"), OTHER.replace("n2", "n3"));
    answers! {
        c.list(64) => "8 12 unsupported flags (0x40) in function testConnectListAllNetworks";
        c.xml_desc(&n, 1) => "8 12 unsupported flags (0x1) in function testNetworkGetXMLDesc";
        c.create(&n) => "()";
        c.create(&n) => "55 12 Requested operation is not valid: Network 'n2' is already running";
        c.undefine(&n) => "55 12 Requested operation is not valid: Network 'n2' is still running";
        c.create_xml(OTHER, 0) => "55 19 Requested operation is not valid: network is already active as 'n2'";
        c.create_xml(&twin, 0) => "9 19 operation failed: network 'n2' already exists with uuid 0b6a1d6c-4b5e-4d0e-9a3b-3d6c2f1e0a12";
        c.define_xml(&renamed, 0) => "9 19 operation failed: network 'n2' is already defined with uuid 0b6a1d6c-4b5e-4d0e-9a3b-3d6c2f1e0a12";
        c.bridge_name(&n) => r#""br9""#;
        c.update(&n, 3, 4, 0, "<host mac='52:54:00:00:00:01' ip='10.0.0.5'/>", 0) => "()";
        c.set_autostart(&n, true) => "()";
        c.autostart(&n) => "true";
        c.destroy(&n) => "()";
        c.update(&n, 3, 4, 0, "<host/>", 1) => "55 19 Requested operation is not valid: network is not running";
        c.undefine(&n) => "()";
        c.create(&n) => "43 12 Network not found: no network with matching name 'n2'";
        c.is_active(&n) => "43 12 Network not found: no network with matching uuid '0b6a1d6c-4b5e-4d0e-9a3b-3d6c2f1e0a12'";
        c.dhcp_leases(&n, None, 0) => "3 0 this function is not supported by the connection driver: virNetworkGetDHCPLeases";
    }
    let transient = now(c.create_xml(&OTHER.replace("<bridge name='br9'/>", ""), 0)).unwrap();
    answers! {
        c.is_persistent(&transient) => "false";
        c.bridge_name(&transient) => "1 12 internal error: network 'n2' does not have a bridge name.";
        c.update(&transient, 3, 4, 0, "<host/>", 2) => "55 19 Requested operation is not valid: cannot change persistent config of a transient network";
        c.destroy(&transient) => "()";
        c.lookup_by_uuid(transient.uuid) => "43 12 Network not found: no network with matching uuid '0b6a1d6c-4b5e-4d0e-9a3b-3d6c2f1e0a12'";
    }
    let told = std::iter::from_fn(|| events.try_next()).map(|delivery| match delivery {
        Delivery::Event(event) => format!("{} {:?}", event.network, event.kind),
        Delivery::Lagged(lost) => panic!("{lost} lost"),
    });
    let steps = [0, 2, 3, 1, 2, 3].map(|step| format!("n2 Lifecycle({step})"));
    assert_eq!(told.collect::<Vec<_>>(), steps);
}

#[test]
fn guests_have_addresses_of_their_network() {
    let host = host("addresses");
    let (c, d) = (&host.connection, &host.domain);
    let expected = r#"[GuestInterface { name: "testnet0", mac: Some("aa:bb:cc:dd:ee:ff"), addresses: [GuestAddress { family: 0, address: "192.168.122.3", prefix: 24 }] }]"#;
    answers! {
        c.interface_addresses(d, 0, 0) => expected;
        c.interface_addresses(d, 9, 0) => "74 12 argument unsupported: Unknown IP address data source 9";
    }
    let network: ObjectRef = now(Networks::lookup_by_name(c, "default")).unwrap();
    let xml = now(Networks::xml_desc(c, &network, 0)).unwrap();
    assert!(xml.contains("  <bridge name='virbr0' stp='on' delay='0'/>\n"), "{xml}");
}
