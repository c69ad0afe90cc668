//! Calls on domains, with the answers of libvirt 9.0.0.
//!
//! The shared host is one for the process, so each test has a host of its own from a file.

use std::path::PathBuf;

use crate::support::{now, params, said, set};
use virt_driver::{
    Delivery, DomainEventFilter, DomainRef, DomainStatistics, DomainTuning, Domains, Guests, KeycodeSet,
    MetadataKind, SavedStates,
};
use virt_testdriver::TestConnection;
use virt_types::{
    CreateFlags, DefineFlags, DestroyFlags, Impact, ListFlags, RebootFlags, ShutdownFlags, UndefineFlags,
    XmlFlags,
};

const LIVE: Impact = Impact::LIVE;
const CONFIG: Impact = Impact::CONFIG;
const CURRENT: Impact = Impact::empty();

/// A host with what `test:///default` has of domains, in a file that is gone afterwards.
pub(crate) struct Host {
    pub(crate) connection: TestConnection,
    pub(crate) domain: DomainRef,
    file: PathBuf,
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.file);
    }
}

pub(crate) fn host(name: &str) -> Host {
    let file = std::env::temp_dir().join(format!("virt-testdriver-{name}-{}.xml", std::process::id()));
    std::fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/src/document/default.xml"), &file).unwrap();
    let connection = TestConnection::open(file.to_str().unwrap()).unwrap();
    let domain = now(connection.lookup_by_name("test")).unwrap();
    Host { connection, domain, file }
}

const OTHER: &str = "<domain type='test'>
  <name>other</name>
  <uuid>0b6a1d6c-4b5e-4d0e-9a3b-3d6c2f1e0a11</uuid>
  <memory>1024</memory>
  <os><type>hvm</type></os>
</domain>";

#[test]
fn lookups_and_lists() {
    let host = host("lookups");
    let c = &host.connection;
    answers! {
        c.lookup_by_name("nobody") => "42 12 Domain not found";
        c.lookup_by_id(99) => "42 12 Domain not found";
        c.list(ListFlags::from_bits_retain(1 << 20)) => "8 12 unsupported flags (0x100000) in function testConnectListAllDomains";
        c.define_xml("<domain><name>a</name></domain>", DefineFlags::empty()) => "1 20 internal error: missing domain type attribute";
        c.define_xml("<doma/>", DefineFlags::empty()) => "27 5 XML error: expecting root element of 'domain', not 'doma'";
    }
    let other = now(c.define_xml(OTHER, DefineFlags::empty())).unwrap();
    assert_eq!(other.id, None);
    for (flags, names) in [
        (ListFlags::empty(), "test other"),
        (ListFlags::ACTIVE, "test"),
        (ListFlags::INACTIVE, "other"),
        (ListFlags::INACTIVE | ListFlags::RUNNING, ""),
        (ListFlags::SHUTOFF | ListFlags::PERSISTENT, "other"),
        (ListFlags::AUTOSTART, ""),
        (ListFlags::HAS_SNAPSHOT | ListFlags::NO_SNAPSHOT, "test other"),
    ] {
        let found: Vec<_> = now(c.list(flags)).unwrap().into_iter().map(|domain| domain.name).collect();
        assert_eq!(found.join(" "), names, "{flags:?}");
    }
    let twin = OTHER.replace("0b6a1d6c", "0b6a1d6d");
    let renamed = OTHER.replace("<name>other", "<name>third");
    answers! {
        c.define_xml(&twin, DefineFlags::empty()) => "9 20 operation failed: domain 'other' already exists with uuid 0b6a1d6c-4b5e-4d0e-9a3b-3d6c2f1e0a11";
        c.define_xml(&renamed, DefineFlags::empty()) => "9 20 operation failed: domain 'other' is already defined with uuid 0b6a1d6c-4b5e-4d0e-9a3b-3d6c2f1e0a11";
        c.rename(&other, "test", 0) => "55 20 Requested operation is not valid: domain with name 'test' already exists";
        c.rename(&other, "other", 0) => "55 20 Requested operation is not valid: Can't rename domain to itself";
        c.rename(&other, "a/b", 0) => "27 12 XML error: name a/b cannot contain '/'";
        c.rename(&host.domain, "b", 0) => "55 12 Requested operation is not valid: cannot rename active domain";
        c.rename(&other, "third", 0) => "()";
        c.undefine(&other, UndefineFlags::NVRAM) => "8 12 unsupported flags (0x4) in function testDomainUndefineFlags";
        c.undefine(&other, UndefineFlags::empty()) => "()";
        c.info(&other) => "42 12 Domain not found: no domain with matching uuid '0b6a1d6c-4b5e-4d0e-9a3b-3d6c2f1e0a11' (other)";
    }
}

#[test]
fn the_life_of_a_domain() {
    let host = host("life");
    let (c, d) = (&host.connection, &host.domain);
    let mut events = now(c.subscribe(DomainEventFilter::default(), 32)).unwrap();
    answers! {
        c.state(d) => "Running(Unknown)";
        c.resume(d) => "1 12 internal error: domain 'test' not paused";
        c.suspend(d) => "()";
        c.state(d) => "Paused(User)";
        c.suspend(d) => "1 12 internal error: domain 'test' not running";
        c.time(d, 0) => "55 12 Requested operation is not valid: domain is not running";
        c.resume(d) => "()";
        c.state(d) => "Running(Unpaused)";
        c.create(d, Vec::new(), CreateFlags::empty()) => "1 12 internal error: Domain 'test' is already running";
        c.create(d, Vec::new(), CreateFlags::START_PAUSED) => "8 12 unsupported flags (0x1) in function testDomainCreateWithFlags";
        c.reboot(d, RebootFlags::empty()) => "()";
        c.state(d) => "Running(Booted)";
        c.shutdown(d, ShutdownFlags::empty()) => "()";
        c.state(d) => "Shutoff(Shutdown)";
        c.shutdown(d, ShutdownFlags::empty()) => "1 12 internal error: domain 'test' not running";
        c.reboot(d, RebootFlags::empty()) => "55 20 Requested operation is not valid: domain is not running";
        c.destroy(d, DestroyFlags::empty()) => "55 20 Requested operation is not valid: domain is not running";
    }
    assert_eq!(now(c.create(d, Vec::new(), CreateFlags::empty())).unwrap().id, Some(2));
    answers! {
        c.set_lifecycle_action(d, 0, 1, LIVE) => "()";
        c.shutdown(d, ShutdownFlags::empty()) => "()";
        c.state(d) => "Running(Booted)";
        c.destroy(d, DestroyFlags::GRACEFUL) => "()";
        c.state(d) => "Shutoff(Destroyed)";
        c.set_lifecycle_action(d, 0, 4, CURRENT) => "67 20 unsupported configuration: Lifecycle event 'poweroff' doesn't support 'coredump-destroy' action";
        c.set_lifecycle_action(d, 9, 1, CURRENT) => "8 20 invalid argument: invalid lifecycle type '9'";
        c.set_lifecycle_action(d, 1, 19, CURRENT) => "8 20 invalid argument: invalid lifecycle action '19'";
    }
    let xml = now(c.xml_desc(d, XmlFlags::empty())).unwrap();
    assert!(xml.contains("<on_poweroff>destroy</on_poweroff>"), "the change was to what ran: {xml}");
    let told = std::iter::from_fn(|| events.try_next()).map(|delivery| match delivery {
        Delivery::Event(event) => format!("{:?} {:?}", event.domain.id, event.kind),
        Delivery::Lagged(lost) => panic!("{lost} lost"),
    });
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            "Some(1) Lifecycle(Suspended(Paused))",
            "Some(1) Lifecycle(Resumed(Unpaused))",
            "None Lifecycle(Stopped(Shutdown))",
            "Some(2) Lifecycle(Started(Booted))",
            "None Lifecycle(Stopped(Destroyed))",
        ]
    );
}

#[test]
fn a_transient_domain_goes_when_it_ends() {
    let host = host("transient");
    let c = &host.connection;
    let d = now(c.create_xml(OTHER, Vec::new(), CreateFlags::empty())).unwrap();
    answers! {
        c.create_xml(OTHER, Vec::new(), CreateFlags::empty()) => "55 20 Requested operation is not valid: domain 'other' is already active";
        c.is_persistent(&d) => "false";
        c.set_memory(&d, 512, 2) => "55 20 Requested operation is not valid: transient domains do not have any persistent config";
        c.managed_save(&d, 0) => "55 12 Requested operation is not valid: cannot do managed save for transient domain";
        c.destroy(&d, DestroyFlags::empty()) => "()";
        c.state(&d) => "42 12 Domain not found: no domain with matching uuid '0b6a1d6c-4b5e-4d0e-9a3b-3d6c2f1e0a11' (other)";
        c.undefine(&host.domain, UndefineFlags::empty()) => "()";
        c.is_persistent(&host.domain) => "false";
        c.is_active(&host.domain) => "true";
        c.destroy(&host.domain, DestroyFlags::empty()) => "()";
        c.list(ListFlags::empty()) => "[]";
    }
}

#[test]
fn memory_and_cpus() {
    let host = host("memory");
    let (c, d) = (&host.connection, &host.domain);
    answers! {
        c.set_memory(d, 1000, 3) => "8 20 Flags 'VIR_DOMAIN_AFFECT_LIVE' and 'VIR_DOMAIN_AFFECT_CONFIG' are mutually exclusive";
        c.set_memory(d, 100_000_000, 1) => "8 12 invalid argument: cannot set memory higher than max memory";
        c.set_memory(d, 100, 4) => "55 12 Requested operation is not valid: cannot resize the maximum memory on an active domain";
        c.set_memory(d, 1000, 1) => "()";
        c.max_memory(d) => "8388608";
        Domains::set_vcpus(c, d, 40, 1) => "8 12 invalid argument: requested cpu amount exceeds maximum supported amount (40 > 32)";
        Domains::set_vcpus(c, d, 3, 3) => "8 12 invalid argument: requested cpu amount exceeds maximum (3 > 2)";
        Domains::set_vcpus(c, d, 1, 3) => "()";
        Domains::vcpus(c, d, 0) => "1";
        Domains::vcpus(c, d, 4) => "2";
        Domains::set_vcpus(c, d, 6, 6) => "()";
        Domains::vcpus(c, d, 6) => "6";
        c.pin_vcpu(d, 9, &[1], CURRENT) => "8 12 invalid argument: requested vcpu '9' is not present in the domain";
        c.pin_vcpu(d, 0, &[5], CURRENT) => "()";
        c.vcpu_pins(d, CURRENT) => "[[5], [255, 255]]";
        c.emulator_pin(d, CURRENT) => "Some([255, 255])";
        c.pin_emulator(d, &[0], CURRENT) => "8 12 invalid argument: Empty cpu list for pinning";
        c.pin_emulator(d, &[3], CURRENT) => "()";
        c.emulator_pin(d, CURRENT) => "Some([3])";
    }
    let cpus = now(c.vcpu_infos(d)).unwrap();
    assert_eq!(
        (cpus.len(), cpus[0].cpu, cpus[0].state, cpus[0].cpu_map.as_slice()),
        (1, 2, 1, [5].as_slice())
    );
    let info = now(c.info(d)).unwrap();
    assert_eq!((info.max_memory, info.memory, info.vcpus), (8_388_608, 1000, 1));
}

#[test]
fn limits() {
    let host = host("limits");
    let (c, d) = (&host.connection, &host.domain);
    let both = params(&[("hard_limit", 10u64), ("swap_hard_limit", 20)]);
    answers! {
        c.set_memory_parameters(d, &params(&[("x", 1u64)]), LIVE) => "74 0 argument unsupported: parameter 'x' not supported";
        c.set_memory_parameters(d, &both, LIVE) => "()";
        c.set_memory_parameters(d, &params(&[("hard_limit", 30u64)]), LIVE) => "8 12 invalid argument: memory hard_limit tunable value must be lower than or equal to swap_hard_limit";
        c.set_numa_parameters(d, &params(&[("numa_mode", 9)]), LIVE) => "8 12 invalid argument: unsupported numatune mode: '9'";
        c.set_numa_parameters(d, &params(&[("numa_nodeset", "0-1".to_owned())]), LIVE) => "()";
        c.set_numa_parameters(d, &params(&[("numa_mode", 2)]), LIVE) => "55 12 Requested operation is not valid: can't change numatune mode for running domain";
        c.set_blkio_parameters(d, &params(&[("device_weight", "/dev/sda".to_owned())]), LIVE) => "8 20 invalid argument: unable to parse blkio device 'device_weight' '/dev/sda'";
        c.set_blkio_parameters(d, &params(&[("device_weight", "/dev/sda,300,/dev/sdb,400".to_owned())]), LIVE) => "()";
        c.set_blkio_parameters(d, &params(&[("device_weight", "/dev/sda,0".to_owned())]), LIVE) => "()";
        c.interface_parameters(d, "nope", LIVE) => "8 20 invalid argument: 'nope' is not a known interface";
        c.set_interface_parameters(d, "testnet0", &params(&[("inbound.average", 10u32), ("outbound.peak", 3)]), LIVE) => "()";
        c.block_io_tune(d, Some("vdb"), LIVE) => "8 12 invalid argument: disk 'vdb' was not found in the domain config";
        c.set_block_io_tune(d, "vda", &params(&[("total_bytes_sec", 10u64), ("read_bytes_sec", 3)]), LIVE) => "8 12 invalid argument: total and read/write of bytes_sec cannot be set at the same time";
        c.set_block_io_tune(d, "vda", &params(&[("total_bytes_sec", 10u64)]), LIVE) => "8 12 invalid argument: total_bytes_sec cannot be set higher than total_bytes_sec_max ";
        c.set_block_io_tune(d, "vda", &params(&[("total_bytes_sec", 10_000_000_000_000_000u64)]), LIVE) => "74 12 argument unsupported: block I/O throttle limit value must be no more than 1000000000000000";
        c.set_block_io_tune(d, "/guest/diskimage1", &params(&[("total_bytes_sec", 5u64), ("total_bytes_sec_max", 7)]), LIVE) => "()";
        c.set_perf_events(d, &params(&[("cmt", true)]), LIVE) => "()";
    }
    let unlimited = "9007199254740991";
    for (shown, expected) in [
        (
            now(c.memory_parameters(d, LIVE)),
            format!("hard_limit=10 soft_limit={unlimited} swap_hard_limit=20"),
        ),
        (
            now(c.memory_parameters(d, CONFIG)),
            format!("hard_limit={unlimited} soft_limit={unlimited} swap_hard_limit={unlimited}"),
        ),
        (now(c.numa_parameters(d, LIVE)), "numa_nodeset=0-1".into()),
        (now(c.blkio_parameters(d, LIVE)), "device_weight=/dev/sdb,400".into()),
        (now(c.interface_parameters(d, "aa:bb:cc:dd:ee:ff", LIVE)), "inbound.average=10".into()),
        (now(c.block_io_tune(d, Some("vda"), LIVE)), "total_bytes_sec=5 total_bytes_sec_max=7".into()),
        (now(c.perf_events(d, LIVE)), "cmt=true".into()),
        (now(c.scheduler_parameters(d, CURRENT)), "weight=50".into()),
    ] {
        assert_eq!(set(&shown.unwrap()), expected);
    }
    // Clients count the limits before they ask for those of a disk.
    let count = |disk| now(c.block_io_tune(d, disk, LIVE)).unwrap().0.len();
    assert_eq!(count(None), count(Some("vda")));
}

#[test]
fn titles_and_what_applications_keep() {
    let host = host("metadata");
    let (c, d) = (&host.connection, &host.domain);
    let (uri, key) = (Some("urn:x"), Some("k"));
    let absent = "80 20 metadata not found: Requested metadata element is not present";
    answers! {
        c.metadata(d, MetadataKind::Description, None, CURRENT) => absent;
        c.metadata(d, MetadataKind::Element, uri, CURRENT) => absent;
        c.set_metadata(d, MetadataKind::Element, Some("<a/>"), key, uri, LIVE) => "()";
        c.metadata(d, MetadataKind::Element, uri, CURRENT) => r#""<a/>""#;
        c.metadata(d, MetadataKind::Element, uri, CONFIG) => absent;
        c.set_metadata(d, MetadataKind::Description, Some("words"), None, None, LIVE | CONFIG) => "()";
        c.metadata(d, MetadataKind::Description, None, CONFIG) => r#""words""#;
        c.set_metadata(d, MetadataKind::Title, Some(""), None, None, LIVE) => "()";
        c.metadata(d, MetadataKind::Title, None, LIVE) => absent;
    }
    let xml = now(c.xml_desc(d, XmlFlags::empty())).unwrap();
    assert!(xml.contains("  <metadata>\n    <k:a xmlns:k=\"urn:x\"/>\n  </metadata>\n"), "{xml}");
    let refusal = said(c.set_metadata(d, MetadataKind::Element, Some("<a"), key, uri, LIVE));
    assert!(refusal.starts_with("35 20 (metadata_xml):1: "), "{refusal}");
    answers! {
        c.set_metadata(d, MetadataKind::Element, None, None, uri, LIVE) => "()";
        c.metadata(d, MetadataKind::Element, uri, LIVE) => absent;
    }
}

#[test]
fn io_threads() {
    let host = host("iothreads");
    let (c, d) = (&host.connection, &host.domain);
    answers! {
        c.add_iothread(d, 1, CURRENT) => "()";
        c.add_iothread(d, 1, CURRENT) => "8 20 invalid argument: an IOThread is already using iothread_id '1'";
        c.add_iothread(d, 0, CURRENT) => "8 12 invalid argument: invalid value of 0 for iothread_id";
        c.iothreads(d, CURRENT) => "[IothreadInfo { id: 1, cpu_map: [3] }]";
        c.delete_iothread(d, 4, CURRENT) => "8 20 invalid argument: cannot find IOThread '4' in iothreadids list";
        c.pin_iothread(d, 1, &[1], CURRENT) => "()";
        c.pin_iothread(d, 2, &[1], CURRENT) => "8 12 invalid argument: iothreadid 2 not found";
        c.set_iothread_parameters(d, 1, &params(&[("poll_max_ns", 5u64)]), CURRENT) => "()";
        c.set_iothread_parameters(d, 1, &params(&[("x", 5u64)]), CURRENT) => "74 0 argument unsupported: parameter 'x' not supported";
        c.set_iothread_parameters(d, 2, &params(&[("poll_max_ns", 5u64)]), CURRENT) => "8 12 invalid argument: cannot find IOThread '2' in iothreadids";
        c.all(&[], 4, 0x8000_0000) => "74 12 argument unsupported: Stats types bits 0x4 are not supported by this daemon";
    }
    let all = now(c.all(&[], 0, 0)).unwrap();
    assert_eq!(set(&all[0].params), "state.state=1 iothread.count=1 iothread.1.poll-max-ns=5");
    assert_eq!(said(c.delete_iothread(d, 1, CURRENT)), "()");
    assert_eq!(set(&now(c.all(std::slice::from_ref(d), 0, 0)).unwrap()[0].params), "state.state=1");
}

#[test]
fn figures() {
    let host = host("figures");
    let (c, d) = (&host.connection, &host.domain);
    answers! {
        c.cpu(d, -1, 1, 0).map_all(set) => r#"["cpu_time=48772617035 user_time=5540000000 system_time=6460000000"]"#;
        c.cpu(d, 0, 9, 0).map_all(set) => r#"["cpu_time=24386308517 vcpu_time=23151740627", "cpu_time=24386308518 vcpu_time=23151740628"]"#;
        c.cpu(d, 2, 1, 0) => "8 12 invalid argument: start_cpu 2 larger than maximum of 1";
        c.disk_errors(d, 0) => r#"[DiskError { disk: "vda", error: 1 }]"#;
        c.block(d, "") => "84 12 Operation not supported: summary statistics are not supported yet";
        c.block(d, "vdz") => "8 12 invalid argument: invalid path: vdz";
        c.block_info(d, "vda", 0) => "BlockInfo { capacity: 1099506450432, allocation: 1099511627776, physical: 1099511627776 }";
        c.block_info(d, "zz", 0) => "8 12 invalid argument: invalid path zz not assigned to domain";
        c.memory_peek(d, 250, 8, 1) => "[250, 251, 252, 253, 254, 255, 0, 1]";
        c.memory_peek(d, 0, 8, 3) => "8 20 Flags 'VIR_MEMORY_VIRTUAL' and 'VIR_MEMORY_PHYSICAL' are mutually exclusive";
        c.set_memory_period(d, 5, 0) => "()";
        c.block_parameters(d, "vda", 0) => "3 0 this function is not supported by the connection driver: virDomainBlockStatsFlags";
    }
    let memory: Vec<_> = now(c.memory(d, 0)).unwrap().iter().map(|stat| (stat.tag, stat.value)).collect();
    assert_eq!(memory.len(), 13);
    assert!(memory.contains(&(6, 2_097_152)) && memory.contains(&(10, 262_144)), "{memory:?}");
}

/// The answers of a call, each made a text.
trait MapAll<T> {
    fn map_all(self, text: impl Fn(&T) -> String) -> impl Future<Output = virt_types::Result<Vec<String>>>;
}

impl<T, F: Future<Output = virt_types::Result<Vec<T>>>> MapAll<T> for F {
    async fn map_all(self, text: impl Fn(&T) -> String) -> virt_types::Result<Vec<String>> {
        Ok(self.await?.iter().map(text).collect())
    }
}

#[test]
fn the_guest_answers() {
    let host = host("guest");
    let (c, d) = (&host.connection, &host.domain);
    let root = ["/".to_owned()];
    answers! {
        c.freeze(d, &root, 0) => "1";
        c.freeze(d, &[], 0) => "1";
        c.thaw(d, &["/x".to_owned()], 0) => "55 12 Requested operation is not valid: mount point not found: /x";
        c.thaw(d, &[], 0) => "2";
        c.trim(d, Some("/x"), 0, 0) => "55 12 Requested operation is not valid: mount point not found: /x";
        c.trim(d, None, 0, 0) => "()";
        c.send_signal(d, 2, 3, 0) => "8 12 invalid argument: only sending a signal to pid 1 is supported";
        c.send_signal(d, 1, 300, 0) => "8 12 invalid argument: signum value 300 is out of range";
        c.send_key(d, KeycodeSet::Linux, 1, &[5000], 0) => "1 12 internal error: invalid keycode 5000 of linux codeset";
        c.send_key(d, KeycodeSet::Linux, 1, &[30], 0) => "()";
        c.hostname(d, 0) => r#""testhost""#;
        c.os_type(d) => r#""linux""#;
        c.time(d, 0) => "(627319920, 0)";
        c.set_time(d, 5, 3, 0) => "()";
        c.time(d, 0) => "(5, 3)";
        c.control_info(d, 0) => "ControlInfo { state: Job, details: 0, state_time: 5, held_by: None }";
        c.set_time(d, 30_002, 0, 0) => "()";
        c.control_info(d, 0) => "ControlInfo { state: Error, details: 2, state_time: 2, held_by: None }";
        c.security_label(d) => r#"SecurityLabel { label: "libvirt-test", enforcing: true }"#;
        c.messages(d, 0) => "[]";
    }
    let systems: Vec<_> = now(c.file_systems(d, 0)).unwrap().into_iter().map(|system| system.name).collect();
    assert_eq!(systems, ["vda1", "vda2"]);
    let (mime, stream) = now(c.screenshot(d, 0, 0)).unwrap();
    let mut start = [0; 8];
    assert_eq!(now(stream.read(&mut start)).unwrap(), 8);
    assert_eq!((mime.as_str(), &start), ("image/png", b"\x89PNG\r\n\x1a\n"));
}

#[test]
fn saved_states() {
    let host = host("saved");
    let (c, d) = (&host.connection, &host.domain);
    let file = host.file.with_extension("saved");
    let path = file.to_str().unwrap();
    answers! {
        c.restore("/nonexistent/image", None, 0) => "38 12 cannot read domain image '/nonexistent/image': No such file or directory";
        c.restore(host.file.to_str().unwrap(), None, 0) => "1 12 internal error: mismatched header magic";
        c.save(d, path, Some("<domain/>"), 0) => "74 12 argument unsupported: xml modification unsupported";
        c.save(d, path, None, 0) => "()";
        c.state(d) => "Shutoff(Saved)";
        c.restore(path, None, 0) => "()";
        c.state(d) => "Running(Restored)";
        c.restore(path, None, 0) => "55 20 Requested operation is not valid: domain 'test' is already active";
        c.managed_save(d, 0) => "()";
        c.has_managed_save(d, 0) => "true";
        c.undefine(d, UndefineFlags::empty()) => "55 12 Requested operation is not valid: Refusing to undefine while domain managed save image exists";
        c.create(d, Vec::new(), CreateFlags::empty()).map_id() => "Some(3)";
        c.has_managed_save(d, 0) => "false";
        c.core_dump(d, path, 1, 0) => "84 12 Operation not supported: kdump-compressed format is not supported here";
        c.core_dump(d, path, 0, 1) => "()";
        c.state(d) => "Shutoff(Crashed)";
    }
    assert_eq!(std::fs::read(&file).unwrap(), b"TestGuestMagic\0");
    std::fs::remove_file(&file).unwrap();
}

/// The number of a domain that was started.
trait MapId {
    fn map_id(self) -> impl Future<Output = virt_types::Result<Option<u32>>>;
}

impl<F: Future<Output = virt_types::Result<DomainRef>>> MapId for F {
    async fn map_id(self) -> virt_types::Result<Option<u32>> {
        Ok(self.await?.id)
    }
}
