//! Devices that come and go, and guests that go into files and come back, with real guests.

use std::path::Path;

use virt_core::driver::{DomainEventKind, DomainRef};
use virt_core::{Connection, CreateFlags, Delivery, DomainEvent, DomainEventFilter, Subscription};

use crate::support::{Lab, PATIENCE, bare, enabled, runtime};

/// `VIR_DOMAIN_AFFECT_LIVE`
const LIVE: u32 = 1;

fn linux(guest: &Path) -> String {
    let cmdline = std::fs::read_to_string(guest.join("cmdline")).unwrap();
    format!(
        "<domain type='qemu'><name>p</name><memory unit='MiB'>192</memory><vcpu current='1'>2</vcpu><os>\
         <type arch='x86_64' machine='pc'>hvm</type><kernel>{0}/vmlinuz</kernel><initrd>{0}/initrd</initrd>\
         <cmdline>{1}</cmdline></os><features><acpi/></features><devices><serial type='pty'/>\
         <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>\
         </devices></domain>",
        guest.display(),
        cmdline.trim()
    )
}

/// What of the events in between is told of devices, until one is as wanted.
async fn heard(
    events: &mut Subscription<DomainEvent>,
    wanted: impl Fn(&DomainEventKind) -> bool,
) -> Vec<DomainEventKind> {
    let wait = async {
        let mut before = Vec::new();
        loop {
            match events.next().await {
                Some(Delivery::Event(event)) if wanted(&event.kind) => return before,
                Some(Delivery::Event(event)) => before.push(event.kind),
                Some(Delivery::Lagged(_)) => {}
                None => panic!("no more events"),
            }
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.expect("the event")
}

async fn xml(connection: &Connection, domain: &DomainRef) -> String {
    let domains = connection.domains().unwrap();
    domains.xml_desc(domain, virt_core::XmlFlags::empty()).await.unwrap()
}

#[test]
fn a_linux_guest_gets_devices_and_lets_them_go() {
    if !enabled("plug") {
        return;
    }
    let guest = std::env::var_os("VIRT_GUEST_DIR").expect("the test guest");
    let lab = Lab::new("plug");
    let image = lab.path().join("b.img");
    std::fs::write(&image, vec![0; 1 << 20]).unwrap();
    runtime().block_on(async {
        let connection = Connection::open(&lab.uri()).await.unwrap();
        let mut events = connection.events(DomainEventFilter::default()).await.unwrap();
        let domain = connection.create(&linux(Path::new(&guest)), CreateFlags::empty()).await.unwrap();
        heard(&mut events, |kind| matches!(kind, DomainEventKind::AgentLifecycle { connected: true, .. })).await;
        let domains = connection.domains().unwrap();
        let reference = domain.reference();
        for (device, alias, mark) in [
            (
                format!(
                    "<disk type='file' device='disk'><source file='{}'/><target dev='vdb' bus='virtio'/></disk>",
                    image.display()
                ),
                "virtio-disk1",
                "<target dev='vdb' bus='virtio'/>",
            ),
            (
                "<rng model='virtio'><backend model='builtin'/><alias name='ua-r'/></rng>".to_owned(),
                "ua-r",
                "<alias name='ua-r'/>",
            ),
            (
                "<channel type='unix'><target type='virtio' name='org.example.0'/></channel>".to_owned(),
                "channel1",
                "name='org.example.0'",
            ),
        ] {
            domains.attach_device(reference, &device, LIVE).await.unwrap();
            assert!(xml(&connection, reference).await.contains(mark), "{alias}");
            let added = |kind: &DomainEventKind| matches!(kind, DomainEventKind::DeviceAdded { alias: found } if found == alias);
            heard(&mut events, added).await;
            domains.detach_device_alias(reference, alias, LIVE).await.unwrap();
            let removed = |kind: &DomainEventKind| matches!(kind, DomainEventKind::DeviceRemoved { alias: found } if found == alias);
            heard(&mut events, removed).await;
            assert!(!xml(&connection, reference).await.contains(mark), "{alias}");
        }
        domains.set_vcpus(reference, 2, LIVE).await.unwrap();
        assert_eq!(domains.vcpus(reference, LIVE).await.unwrap(), 2);
        domain.destroy().await.unwrap();
        connection.close().await;
    });
}

#[test]
fn a_device_that_can_not_come_leaves_nothing_behind() {
    if !enabled("plug_refused") {
        return;
    }
    let lab = Lab::new("plug-refused");
    runtime().block_on(async {
        let connection = Connection::open(&lab.uri()).await.unwrap();
        let domain = connection.create(&bare("r"), CreateFlags::empty()).await.unwrap();
        let reference = domain.reference();
        let before = xml(&connection, reference).await;
        let domains = connection.domains().unwrap();
        // The file is there, but no image of that format: QEMU refuses when the first node is made already.
        let image = lab.path().join("no.qcow2");
        std::fs::write(&image, b"no image").unwrap();
        let disk = format!(
            "<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='{}'/><target dev='vdz' bus='virtio'/></disk>",
            image.display()
        );
        let error = domains.attach_device(reference, &disk, LIVE).await.unwrap_err();
        assert!(error.detail().contains("unable to execute QEMU command 'blockdev-add'"), "{error}");
        assert_eq!(xml(&connection, reference).await, before);
        let nodes = domains
            .monitor_command(reference, r#"{"execute":"query-named-block-nodes"}"#, virt_core::driver::MonitorCommandFlags::empty())
            .await
            .unwrap();
        assert!(!nodes.contains("no.qcow2"), "{nodes}");
        domain.destroy().await.unwrap();
        connection.close().await;
    });
}

#[test]
fn a_guest_goes_into_a_file_and_comes_back() {
    if !enabled("saved") {
        return;
    }
    let lab = Lab::new("saved");

    runtime().block_on(async {
        let connection = Connection::open(&lab.uri()).await.unwrap();
        let saved = connection.driver().saved_states().unwrap();
        let domain = connection.define(&bare("s")).await.unwrap();
        domain.start().await.unwrap();
        let reference = domain.reference();
        let file = lab.path().join("s.save");
        let file = file.to_str().unwrap();
        saved.save(reference, file, None, 0).await.unwrap();
        assert!(!domain.is_active().await.unwrap());
        assert!(saved.image_xml_desc(file, 0).await.unwrap().contains("<name>s</name>"));
        saved.restore(file, None, 0).await.unwrap();
        assert_eq!(
            domain.state().await.unwrap(),
            virt_core::DomainStatus::Running(virt_core::RunningReason::Restored)
        );
        saved.managed_save(reference, 0).await.unwrap();
        assert!(saved.has_managed_save(reference, 0).await.unwrap());
        domain.start().await.unwrap();
        assert!(
            !saved.has_managed_save(reference, 0).await.unwrap(),
            "it is of the past once the guest runs"
        );
        // A file whose writer died is no state.
        domain.destroy().await.unwrap();
        let managed = lab.root().join("lib/save");
        std::fs::create_dir_all(&managed).unwrap();
        std::fs::write(managed.join("s.save"), b"LibvirtQemudPart").unwrap();
        domain.start().await.unwrap();
        assert_eq!(
            domain.state().await.unwrap(),
            virt_core::DomainStatus::Running(virt_core::RunningReason::Booted)
        );
        domain.destroy().await.unwrap();
        connection.close().await;
    });
}
