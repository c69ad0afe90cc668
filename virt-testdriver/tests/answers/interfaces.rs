//! Calls on interfaces of the host.

use virt_driver::Interfaces;

use crate::domains::host;
use crate::support::now;

const OTHER: &str = "<interface type='ethernet' name='eth2'><start mode='none'/><mac address='00:11:22:33:44:55'/></interface>";

#[test]
fn changes_can_be_taken_back() {
    let host = host("interfaces");
    let c: &dyn Interfaces = &host.connection;
    let names = |flags| {
        let found = now(c.list(flags)).unwrap().into_iter().map(|interface| interface.name);
        found.collect::<Vec<_>>().join(" ")
    };
    answers! {
        c.change_commit(0) => "55 12 Requested operation is not valid: no transaction running, nothing to be committed.";
        c.change_rollback(0) => "55 12 Requested operation is not valid: no transaction running, nothing to rollback.";
        c.change_begin(1) => "8 12 unsupported flags (0x1) in function testInterfaceChangeBegin";
        c.change_begin(0) => "()";
        c.change_begin(0) => "55 12 Requested operation is not valid: there is another transaction running.";
    }
    let i = now(c.define_xml(OTHER, 0)).unwrap();
    assert_eq!([names(0), names(1), names(2)], ["eth1 eth2", "eth2", "eth1"]);
    let (third, fourth) = (OTHER.replace("eth2", "eth3"), OTHER.replace(":55", ":57"));
    answers! {
        c.lookup_by_name("x") => "57 12 Interface not found: no interface with matching name 'x'";
        c.lookup_by_mac("zz") => "57 12 Interface not found: no interface with matching mac 'zz'";
        c.is_active(&i) => "false";
        c.destroy(&i, 0) => "55 12 Requested operation is not valid";
        c.create(&i, 0) => "()";
        c.create(&i, 0) => "55 12 Requested operation is not valid";
        c.define_xml(&third, 0) => r#"InterfaceRef { name: "eth3", mac: "00:11:22:33:44:55" }"#;
        c.lookup_by_mac("00:11:22:33:44:55") => "59 12 multiple matching interfaces found";
        c.define_xml(&fourth, 0) => r#"InterfaceRef { name: "eth2", mac: "00:11:22:33:44:57" }"#;
        c.is_active(&i) => "true";
        c.undefine(&i) => "()";
        c.undefine(&i) => "57 12 Interface not found: no interface with matching name 'eth2'";
        c.change_rollback(0) => "()";
    }
    assert_eq!(names(0), "eth1");
    answers! {
        c.change_begin(0) => "()";
        c.define_xml(OTHER, 0) => r#"InterfaceRef { name: "eth2", mac: "00:11:22:33:44:55" }"#;
        c.change_commit(0) => "()";
    }
    assert_eq!(names(0), "eth1 eth2");
    let xml = now(c.xml_desc(&now(c.lookup_by_name("eth1")).unwrap(), 0)).unwrap();
    assert!(xml.contains("  <mtu size='1492'/>\n  <protocol family='ipv4'>\n"), "{xml}");
}
