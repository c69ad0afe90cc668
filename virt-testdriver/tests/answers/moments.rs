//! Calls on snapshots and checkpoints.

use virt_driver::{CheckpointRef, Checkpoints, DomainRef, Domains, SnapshotRef, Snapshots};
use virt_testdriver::TestConnection;
use virt_types::{CreateFlags, DestroyFlags, ListFlags, UndefineFlags};

use crate::domains::host;
use crate::support::{now, said};

fn snapshot(name: &str) -> String {
    format!("<domainsnapshot><name>{name}</name></domainsnapshot>")
}

fn take(c: &TestConnection, domain: &DomainRef, name: &str, flags: u32) -> SnapshotRef {
    now(Snapshots::create_xml(c, domain, &snapshot(name), flags)).unwrap()
}

fn names(c: &TestConnection, domain: &DomainRef, flags: u32) -> String {
    let found = now(Snapshots::list(c, domain, flags)).unwrap().into_iter().map(|snapshot| snapshot.name);
    found.collect::<Vec<_>>().join(" ")
}

/// The state in the words of the driver, with its reason.
fn state(c: &TestConnection, domain: &DomainRef) -> String {
    said(c.state(domain))
}

#[test]
fn snapshots_are_taken_and_found() {
    let host = host("snapshots");
    let (connection, d) = (&host.connection, &host.domain);
    let c: &dyn Snapshots = connection;
    answers! {
        c.current(d, 0) => "72 12 Domain snapshot not found: the domain does not have a current snapshot";
        c.lookup_by_name(d, "s", 0) => "72 12 Domain snapshot not found: no domain snapshot with matching name 's'";
        c.create_xml(d, &snapshot("x"), 16) => "8 12 unsupported flags (0x10) in function testDomainSnapshotCreateXML";
        c.create_xml(d, "<foo/>", 0) => "27 5 XML error: expecting root element of 'domainsnapshot', not 'foo'";
    }
    let (s1, s2) = (take(connection, d, "s1", 0), take(connection, d, "s2", 0));
    let disk = |mode: &str| {
        format!(
            "<domainsnapshot><name>m</name><disks><disk name='vda' snapshot='{mode}'/></disks></domainsnapshot>"
        )
    };
    let (manual, external) = (disk("manual"), disk("external"));
    answers! {
        c.create_xml(d, &snapshot("s1"), 0) => "9 20 operation failed: domain moment s1 already exists";
        c.create_xml(d, &manual, 0) => "84 12 Operation not supported: 'manual' snapshot mode is not supported by the test driver";
        c.create_xml(d, &external, 0) => "67 35 unsupported configuration: disk 'vda' must use snapshot mode 'internal'";
        c.is_current(&s1, 0) => "false";
        c.is_current(&s2, 0) => "true";
        c.has_metadata(&s1, 0) => "true";
        c.parent(&s1, 0) => "72 12 Domain snapshot not found: snapshot 's1' does not have a parent";
    }
    assert_eq!(now(c.parent(&s2, 0)).unwrap(), s1);
    assert_eq!(now(c.children(&s1, 0)).unwrap(), [s2]);
    for (flags, expected) in [
        (0, "s1 s2"),
        (1, "s1"),
        (2, "s1 s2"),
        (4, "s2"),
        (8, "s1"),
        (16, ""),
        (32, ""),
        (64, "s1 s2"),
        (128, ""),
        (256, "s1 s2"),
        (512, ""),
        (1024, "s1 s2"),
    ] {
        assert_eq!(names(connection, d, flags), expected, "{flags}");
    }
    let xml = now(c.xml_desc(&s1, 0)).unwrap();
    for part in [
        "  <name>s1</name>\n  <state>running</state>\n  <creationTime>",
        "  <memory snapshot='internal'/>\n  <disks>\n    <disk name='vda' snapshot='internal'/>\n  </disks>\n  <domain type='test'>\n",
    ] {
        assert!(xml.contains(part), "{part} in {xml}");
    }
    assert_eq!(now(Domains::list(connection, ListFlags::HAS_SNAPSHOT)).unwrap().len(), 1);
}

#[test]
fn domains_are_brought_back() {
    let host = host("revert");
    let (connection, d) = (&host.connection, &host.domain);
    let c: &dyn Snapshots = connection;
    let s1 = take(connection, d, "s1", 0);
    take(connection, d, "s2", 0);
    for (flags, expected) in
        [(0, "Running(FromSnapshot)"), (2, "Paused(FromSnapshot)"), (1, "Running(FromSnapshot)")]
    {
        assert_eq!(said(c.revert(&s1, flags)), "()");
        assert_eq!(state(connection, d), expected);
    }
    assert_eq!(now(Domains::lookup_by_name(connection, "test")).unwrap().id, Some(4));
    assert_eq!(now(c.current(d, 0)).unwrap(), s1);
    assert_eq!(now(c.parent(&take(connection, d, "s3", 0), 0)).unwrap(), s1);
    take(connection, d, "s4", 8);
    assert_eq!(state(connection, d), "Shutoff(FromSnapshot)");
    let s5 = take(connection, d, "s5", 0);
    assert_eq!(names(connection, d, 32), "s5");
    answers! {
        connection.undefine(d, UndefineFlags::empty()) => "55 12 Requested operation is not valid: cannot delete inactive domain with 5 snapshots";
        c.revert(&s1, 0) => "()";
        c.revert(&s5, 1) => "()";
    }
    assert_eq!(state(connection, d), "Shutoff(FromSnapshot)");
    answers! {
        c.delete(&s1, 2) => "8 12 unsupported flags (0x2) in function testDomainSnapshotDelete";
        c.delete(&s1, 4) => "()";
        c.delete(&s1, 0) => "()";
        c.delete(&s1, 0) => "72 12 Domain snapshot not found: no domain snapshot with matching name 's1'";
    }
    assert_eq!(names(connection, d, 0), "");
}

#[test]
fn snapshots_are_described_again() {
    let host = host("redefine");
    let (connection, d) = (&host.connection, &host.domain);
    let c: &dyn Snapshots = connection;
    let s1 = take(connection, d, "s1", 0);
    let xml = now(c.xml_desc(&s1, 0)).unwrap();
    let named = |name: &str| xml.replace("<name>s1<", &format!("<name>{name}<"));
    let below = |name: &str, parent: &str| {
        named(name).replacen("<memory", &format!("<parent><name>{parent}</name></parent><memory"), 1)
    };
    let off = xml
        .replace("<state>running", "<state>shutoff")
        .replace("<memory snapshot='internal'/>", "<memory snapshot='no'/>");
    let stranger = xml.replace("6695eb01", "6695eb02");
    let (orphan, own) = (below("r6", "nope"), below("r7", "r7"));
    answers! {
        c.create_xml(d, &off, 1) => "8 35 invalid argument: cannot change between online and offline snapshot state in snapshot s1";
        c.create_xml(d, &stranger, 1) => "8 35 invalid argument: definition for snapshot s1 must use uuid 6695eb01-f6a4-8304-79aa-97f2502e193f";
        c.create_xml(d, &orphan, 1) => "8 20 invalid argument: parent nope for moment r6 not found";
        c.create_xml(d, &own, 1) => "8 20 invalid argument: cannot set moment r7 as its own parent";
    }
    now(c.create_xml(d, &xml, 1)).unwrap();
    now(c.create_xml(d, &below("r5", "s1"), 1 | 2)).unwrap();
    assert_eq!(now(c.current(d, 0)).unwrap().name, "r5");
    assert_eq!(names(connection, d, 0), "s1 r5");
}

fn checkpoint(name: &str) -> String {
    format!("<domaincheckpoint><name>{name}</name></domaincheckpoint>")
}

#[test]
fn checkpoints_follow_each_other() {
    let host = host("checkpoints");
    let (connection, d) = (&host.connection, &host.domain);
    let c: &dyn Checkpoints = connection;
    let k = |name: &str| CheckpointRef { domain: d.clone(), name: name.into() };
    for name in ["k1", "k2"] {
        assert_eq!(now(c.create_xml(d, &checkpoint(name), 0)).unwrap(), k(name));
    }
    answers! {
        Snapshots::create_xml(connection, d, &snapshot("s1"), 0) => "84 12 Operation not supported: cannot create snapshot while checkpoint exists";
        c.create_xml(d, &checkpoint("k1"), 0) => "9 20 operation failed: domain moment k1 already exists";
        c.create_xml(d, &checkpoint("k1"), 8) => "8 12 unsupported flags (0x8) in function testDomainCheckpointCreateXML";
        c.parent(&k("k1"), 0) => "103 12 Domain checkpoint not found: checkpoint 'k1' does not have a parent";
        c.lookup_by_name(d, "zz", 0) => "103 12 Domain checkpoint not found: no domain checkpoint with matching name 'zz'";
    }
    assert_eq!(now(c.children(&k("k1"), 0)).unwrap(), [k("k2")]);
    for (flags, expected) in [(0, "k1 k2"), (1, "k1"), (2, "k1 k2"), (4, "k2"), (8, "k1")] {
        let found = now(c.list(d, flags)).unwrap().into_iter().map(|checkpoint| checkpoint.name);
        assert_eq!(found.collect::<Vec<_>>().join(" "), expected, "{flags}");
    }
    let xml = now(c.xml_desc(&k("k2"), 2 | 4)).unwrap();
    assert!(xml.contains("    <disk name='vda' checkpoint='bitmap' bitmap='k2'/>\n"), "{xml}");
    assert!(!xml.contains("<domain "), "{xml}");
    let again = now(c.xml_desc(&k("k1"), 0)).unwrap();
    let stranger = again.replace("6695eb01", "6695eb02");
    assert_eq!(now(c.create_xml(d, &again, 1)).unwrap(), k("k1"));
    answers! {
        c.create_xml(d, &stranger, 1) => "8 69 invalid argument: definition for checkpoint k1 must use uuid 6695eb01-f6a4-8304-79aa-97f2502e193f";
        c.delete(&k("k1"), 0) => "()";
        c.parent(&k("k2"), 0) => "103 12 Domain checkpoint not found: checkpoint 'k2' does not have a parent";
        connection.destroy(d, DestroyFlags::empty()) => "()";
        c.create_xml(d, &checkpoint("k3"), 0) => "84 12 Operation not supported: cannot create checkpoint for inactive domain";
    }
    assert!(now(connection.create(d, Vec::new(), CreateFlags::empty())).is_ok());
}
