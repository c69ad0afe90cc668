//! Calls that a running Linux guest, its agent and its devices answer.

use std::path::Path;
use std::time::Duration;

use virt_core::driver::{DomainEventKind, DomainRef, GuestAddress, KeycodeSet, MonitorCommandFlags};
use virt_core::{Connection, Delivery, DomainEventFilter, Subscription, TypedParams, TypedValue};

use crate::support::{Lab, PATIENCE, enabled, runtime};

/// The Linux guest with everything that these calls need.
fn xml(guest: &Path) -> String {
    let cmdline = std::fs::read_to_string(guest.join("cmdline")).unwrap();
    format!(
        "<domain type='qemu'><name>g</name><memory unit='MiB'>192</memory><vcpu>2</vcpu><os>\
         <type arch='x86_64' machine='q35'>hvm</type><kernel>{0}/vmlinuz</kernel><initrd>{0}/initrd</initrd>\
         <cmdline>{1}</cmdline></os><features><acpi/></features><devices>\
         <memballoon model='virtio'><stats period='1'/></memballoon><serial type='pty'/>\
         <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>\
         <video><model type='vga'/></video></devices></domain>",
        guest.display(),
        cmdline.trim()
    )
}

/// Waits for an event.
async fn heard(events: &mut Subscription<virt_core::DomainEvent>, wanted: impl Fn(&DomainEventKind) -> bool) {
    let wait = async {
        loop {
            match events.next().await {
                Some(Delivery::Event(event)) if wanted(&event.kind) => return,
                Some(_) => {}
                None => panic!("no more events"),
            }
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.expect("the event");
}

fn text(params: &TypedParams, field: &str) -> String {
    match params.get(field) {
        Some(TypedValue::String(text)) => text.clone(),
        other => panic!("{field}: {other:?}"),
    }
}

#[test]
fn a_running_guest_answers() {
    if !enabled("guest") {
        return;
    }
    let guest = std::env::var_os("VIRT_GUEST_DIR").expect("the test guest");
    let lab = Lab::new("guest");
    runtime().block_on(async {
        let connection = Connection::open(&lab.uri()).await.unwrap();
        let mut events = connection.events(DomainEventFilter::default()).await.unwrap();
        let domain =
            connection.create(&xml(Path::new(&guest)), virt_core::CreateFlags::empty()).await.unwrap();
        let came =
            |kind: &DomainEventKind| matches!(kind, DomainEventKind::AgentLifecycle { connected: true, .. });
        heard(&mut events, came).await;
        let reference = domain.reference();
        agent(&connection, reference).await;
        devices(&connection, reference).await;
        balloon(&connection, reference, &mut events).await;
        domain.destroy().await.unwrap();
        connection.close().await;
    });
}

async fn agent(connection: &Connection, domain: &DomainRef) {
    let domains = connection.domains().unwrap();
    let guests = connection.driver().guests().unwrap();
    assert_eq!(domains.hostname(domain, 0).await.unwrap(), "guest");
    let info = domains.guest_info(domain, 4 | 8 | 64, 0).await.unwrap();
    assert_eq!(text(&info, "hostname"), "guest");
    assert_eq!(text(&info, "if.0.name"), "lo");
    let interfaces = guests.interface_addresses(domain, 1, 0).await.unwrap();
    let local = GuestAddress { family: 0, address: "127.0.0.1".into(), prefix: 8 };
    assert!(interfaces.iter().any(|found| found.name == "lo" && found.addresses.contains(&local)));
    let vcpus = guests.vcpus(domain, 0).await.unwrap();
    assert_eq!((text(&vcpus, "vcpus"), text(&vcpus, "online")), ("0-1".into(), "0-1".into()));
    assert_eq!(domains.vcpus(domain, 8).await.unwrap(), 2);
    domains.set_time(domain, 1_700_000_000, 0, 0).await.unwrap();
    let (seconds, _) = domains.time(domain, 0).await.unwrap();
    assert!((0..30).contains(&(seconds - 1_700_000_000)), "{seconds}");
    let answer = domains.agent_command(domain, r#"{"execute":"guest-info"}"#, 5, 0).await.unwrap();
    assert!(answer.starts_with("{\"return\":{\"version\":"), "{answer}");
    let refusal = domains.agent_command(domain, r#"{"execute":"no-such"}"#, 5, 0).await.unwrap_err();
    assert!(refusal.detail().contains("unable to execute QEMU agent command 'no-such'"), "{refusal}");
}

async fn devices(connection: &Connection, domain: &DomainRef) {
    let domains = connection.domains().unwrap();
    let (kind, stream) = domains.screenshot(domain, 0, 0).await.unwrap();
    let mut picture = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer).await.unwrap() {
            0 => break,
            count => picture.extend_from_slice(&buffer[..count]),
        }
    }
    assert_eq!(kind, "image/png");
    assert!(
        picture.starts_with(b"\x89PNG") && picture.ends_with(b"IEND\xaeB`\x82"),
        "{} bytes",
        picture.len()
    );
    domains.send_key(domain, KeycodeSet::Linux, 10, &[29, 56, 111], 0).await.unwrap();
    assert_eq!(domains.memory_peek(domain, 0x1000, 64, 2).await.unwrap().len(), 64);
    let qmp = domains.monitor_command(domain, r#"{"execute":"query-name"}"#, MonitorCommandFlags::empty());
    assert_eq!(qmp.await.unwrap(), r#"{"return":{"name":"g"}}"#);
    let messages = domains.messages(domain, 2).await.unwrap();
    assert!(messages.contains(&"tainted: custom monitor control commands issued".to_owned()), "{messages:?}");
    let stats =
        connection.driver().statistics().unwrap().all(std::slice::from_ref(domain), 0, 0).await.unwrap();
    let params = &stats[0].params;
    for field in
        ["state.state", "cpu.time", "balloon.rss", "vcpu.1.time", "block.count", "dirtyrate.calc_status"]
    {
        assert!(params.get(field).is_some(), "{field} of {params:?}");
    }
    let infos = connection.driver().tuning().unwrap().vcpu_infos(domain).await.unwrap();
    assert!(infos.len() == 2 && infos.iter().all(|info| info.cpu_time > 0), "{infos:?}");
}

async fn balloon(
    connection: &Connection,
    domain: &DomainRef,
    events: &mut Subscription<virt_core::DomainEvent>,
) {
    let domains = connection.domains().unwrap();
    let smaller = (192 - 16) << 10;
    domains.set_memory(domain, smaller, 1).await.unwrap();
    let shrunk = |kind: &DomainEventKind| matches!(kind, DomainEventKind::BalloonChange(change) if change.actual <= smaller);
    heard(events, shrunk).await;
    assert!(domains.info(domain).await.unwrap().memory <= smaller);
    let statistics = connection.driver().statistics().unwrap();
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let mut ticks = tokio::time::interval(Duration::from_millis(500));
    // The guest reports once a second.
    while !statistics.memory(domain, 0).await.unwrap().iter().any(|stat| stat.tag == 5 && stat.value > 50_000)
    {
        assert!(tokio::time::Instant::now() < deadline, "the guest's own figures");
        ticks.tick().await;
    }
}
