use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex};

use virt_driver::{
    AgentReason, BalloonChange, BoxFuture, Connection, Delivery, DomainEvent, DomainEventFilter,
    DomainEventKind as Kind, DomainRef, Domains, GraphicsAddress, GraphicsPhase, IoErrorAction, Lifecycle,
    NetworkEvent, NetworkEventKind, Networks, ObjectEventFilter, ObjectRef, Publisher, Subscription,
    TrayChange, WatchdogAction,
};
use virt_proto::Procedure;
use virt_proto::remote::*;
use virt_types::{DomainEventId as Id, Error, Result, StartedDetail, StoppedDetail, TypedParams, Uuid};

use super::{Always, client_of};
use crate::bind::HypervisorService;
use crate::server::{Limits, ListenerSettings, Server};
use crate::{Auth, Io, RpcClient};

/// A driver whose events a test makes.
#[derive(Default)]
struct Noisy {
    domains: Mutex<Vec<Publisher<DomainEvent>>>,
    networks: Mutex<Vec<Publisher<NetworkEvent>>>,
}

#[derive(Clone, Default)]
struct Handle(Arc<Noisy>);

impl Connection for Handle {
    fn domains(&self) -> Option<&dyn Domains> {
        Some(self)
    }

    fn networks(&self) -> Option<&dyn Networks> {
        Some(self)
    }
}

impl Domains for Handle {
    fn subscribe<'a>(
        &'a self,
        _: DomainEventFilter,
        capacity: usize,
    ) -> BoxFuture<'a, Result<Subscription<DomainEvent>>> {
        let (publisher, subscription) = virt_driver::channel(capacity);
        self.0.domains.lock().unwrap().push(publisher);
        Box::pin(std::future::ready(Ok(subscription)))
    }

    fn lookup_by_uuid<'a>(&'a self, uuid: Uuid) -> BoxFuture<'a, Result<DomainRef>> {
        Box::pin(async move { Ok(DomainRef { uuid, name: "by uuid".into(), id: None }) })
    }
}

impl Networks for Handle {
    fn subscribe<'a>(
        &'a self,
        _: ObjectEventFilter<Uuid>,
        capacity: usize,
    ) -> BoxFuture<'a, Result<Subscription<NetworkEvent>>> {
        let (publisher, subscription) = virt_driver::channel(capacity);
        self.0.networks.lock().unwrap().push(publisher);
        Box::pin(std::future::ready(Ok(subscription)))
    }
}

impl Handle {
    /// Tells everybody; answers how many are still there.
    fn tell(&self, domain: u8, kind: &Kind) -> usize {
        let domain =
            DomainRef { uuid: Uuid::from_bytes([domain; 16]), name: format!("vm{domain}"), id: Some(1) };
        let event = DomainEvent { number: 1, domain, kind: kind.clone() };
        let mut publishers = self.0.domains.lock().unwrap();
        publishers.retain(|publisher| publisher.publish(event.clone()));
        publishers.len()
    }
}

fn started() -> Kind {
    Kind::Lifecycle(Lifecycle::Started(StartedDetail::Booted))
}

fn every_kind() -> Vec<Kind> {
    let address = |node: &str| GraphicsAddress { family: 1, node: node.into(), service: "5900".into() };
    let mut params = TypedParams::new();
    params.push("cputune.vcpupin0", "0-1".to_owned());
    vec![
        started(),
        Kind::Lifecycle(Lifecycle::Stopped(StoppedDetail::Destroyed)),
        Kind::Reboot,
        Kind::RtcChange { offset: -3600 },
        Kind::Watchdog { action: WatchdogAction::InjectNmi },
        Kind::IoError {
            source: "/a".into(),
            alias: "disk0".into(),
            action: IoErrorAction::Pause,
            reason: "enospc".into(),
        },
        Kind::Graphics {
            phase: GraphicsPhase::Initialize,
            local: address("::1"),
            remote: address("::2"),
            auth_scheme: "vnc".into(),
            subject: vec![("dname".into(), "CN=x".into())],
        },
        Kind::ControlError,
        Kind::TrayChange { alias: "cd".into(), reason: TrayChange::Close },
        Kind::PmWakeup,
        Kind::PmSuspend,
        Kind::PmSuspendDisk,
        Kind::BalloonChange(BalloonChange { actual: 1 << 40 }),
        Kind::DeviceAdded { alias: "net1".into() },
        Kind::DeviceRemoved { alias: "net1".into() },
        Kind::DeviceRemovalFailed { alias: "net1".into() },
        Kind::AgentLifecycle { connected: true, reason: AgentReason::Channel },
        Kind::AgentLifecycle { connected: false, reason: AgentReason::DomainStarted },
        Kind::BlockJob { path: String::new(), target: "vda".into(), kind: 2, status: 3 },
        Kind::DiskChange { old_source: Some("/a".into()), new_source: None, alias: "cd".into(), reason: 1 },
        Kind::Tunable { params: params.clone() },
        Kind::MigrationIteration { iteration: 4 },
        Kind::JobCompleted { params },
        Kind::BlockThreshold { device: "vda[1]".into(), path: None, threshold: 5, excess: 6 },
        Kind::MemoryFailure { recipient: 1, action: 2, flags: 3 },
        Kind::MemoryDeviceSizeChange { alias: "vm0".into(), size: 7 },
        Kind::MetadataChange { kind: 2, uri: Some("urn:x".into()) },
    ]
}

async fn next(subscription: &mut Subscription<DomainEvent>) -> DomainEvent {
    match subscription.next().await {
        Some(Delivery::Event(event)) => event,
        other => panic!("no event but {other:?}"),
    }
}

#[tokio::test]
async fn every_kind_of_event_arrives_in_order() {
    let driver = Handle::default();
    let connection = client_of(driver.clone()).await;
    let mut events = Domains::subscribe(&connection, DomainEventFilter::default(), 256).await.unwrap();
    for (at, kind) in every_kind().iter().enumerate() {
        assert_eq!(driver.tell(5, kind), 1, "one subscription at the driver");
        let event = next(&mut events).await;
        assert_eq!((event.number, &event.kind, &*event.domain.name), (at as u64 + 1, kind, "vm5"));
    }
    for _ in 0..50 {
        driver.tell(5, &Kind::Reboot);
        driver.tell(5, &started());
    }
    for _ in 0..50 {
        assert_eq!(next(&mut events).await.kind, Kind::Reboot);
        assert_eq!(next(&mut events).await.kind, started());
    }
}

#[tokio::test]
async fn filters_hold_and_who_leaves_is_forgotten() {
    let driver = Handle::default();
    let connection = client_of(driver.clone()).await;
    let filter = DomainEventFilter { domain: Some(Uuid::from_bytes([2; 16])), kinds: vec![Id::Reboot] };
    let mut some = Domains::subscribe(&connection, filter, 8).await.unwrap();
    let filter = DomainEventFilter { domain: None, kinds: vec![Id::Reboot, Id::Lifecycle] };
    let mut more = Domains::subscribe(&connection, filter, 8).await.unwrap();
    driver.tell(1, &Kind::Reboot);
    driver.tell(2, &started());
    driver.tell(2, &Kind::Reboot);
    let names = |event: DomainEvent| (event.domain.name, event.kind);
    assert_eq!(names(next(&mut some).await), ("vm2".into(), Kind::Reboot));
    assert_eq!(names(next(&mut more).await), ("vm1".into(), Kind::Reboot));
    assert_eq!(names(next(&mut more).await), ("vm2".into(), started()));
    assert_eq!(names(next(&mut more).await), ("vm2".into(), Kind::Reboot));
    drop((some, more));
    // The next event of each kind finds nobody, and the registrations are taken back one by one.
    let mut left = 1;
    for _ in 0..2000 {
        left = driver.tell(2, &Kind::Reboot).max(driver.tell(2, &started()));
        if left == 0 {
            break;
        }
        // The peer has to hear of it.
        connection.call::<ConnectIsSecure>(()).await.map(drop).or_else(only_unsupported).unwrap();
    }
    assert_eq!(left, 0, "the server still listens");
}

fn only_unsupported(error: Error) -> Result<()> {
    if error.code() == virt_types::ErrorCode::NoSupport { Ok(()) } else { Err(error) }
}

#[tokio::test]
async fn other_kinds_of_objects_have_numbers_of_their_own() {
    let driver = Handle::default();
    let connection = client_of(driver.clone()).await;
    let domains = Domains::subscribe(&connection, DomainEventFilter::default(), 8).await.unwrap();
    let all = ObjectEventFilter { object: None, kinds: Vec::new() };
    let mut networks = Networks::subscribe(&connection, all, 8).await.unwrap();
    let network = ObjectRef { uuid: Uuid::from_bytes([9; 16]), name: "lan".into() };
    for kind in [
        NetworkEventKind::Lifecycle(2),
        NetworkEventKind::MetadataChange { kind: 1, uri: None },
        NetworkEventKind::Lifecycle(3),
    ] {
        let event = NetworkEvent { network: network.clone(), kind };
        assert!(driver.0.networks.lock().unwrap()[0].publish(event.clone()));
        assert_eq!(networks.next().await, Some(Delivery::Event(event)));
    }
    drop(domains);
    let args = ConnectNetworkEventDeregisterAnyArgs { callback_id: 77 };
    let error = connection.call::<ConnectNetworkEventDeregisterAny>(args).await.unwrap_err();
    assert_eq!(error.to_string(), "internal error: network event callback 77 not registered");
    let args = ConnectDomainEventCallbackRegisterAnyArgs { event_id: 99, dom: None };
    let error = connection.call::<ConnectDomainEventCallbackRegisterAny>(args).await.unwrap_err();
    assert_eq!(error.to_string(), "internal error: unsupported event ID 99");
}

#[tokio::test]
async fn old_clients_get_messages_without_numbers() {
    let driver = Handle::default();
    let service = HypervisorService::new(Arc::new(Always(Arc::new(driver.clone()))));
    let server = Server::new("test", Arc::new(service), Limits::default(), None);
    let (ours, theirs) = UnixStream::pair().unwrap();
    server.adopt(theirs, ListenerSettings { read_only: false, auth: Auth::None }).unwrap();
    let (rpc, mut events) = RpcClient::new(Io::unix(ours).unwrap());
    rpc.invoke::<ConnectOpen>(&ConnectOpenArgs { name: None, flags: 0 }).await.unwrap();
    assert_eq!(rpc.invoke::<ConnectDomainEventRegister>(&()).await.unwrap().cb_registered, 1);
    let of = |id: Id| ConnectDomainEventRegisterAnyArgs { event_id: id.number() };
    rpc.invoke::<ConnectDomainEventRegisterAny>(&of(Id::Pmwakeup)).await.unwrap();
    let newer = rpc.invoke::<ConnectDomainEventRegisterAny>(&of(Id::Tunable)).await.unwrap_err();
    assert_eq!(newer.to_string(), "internal error: unsupported event ID 17");
    driver.tell(3, &started());
    driver.tell(3, &Kind::PmWakeup);
    let mut message = async || match events.next().await {
        Some(Delivery::Event(event)) => (event.procedure, event.payload),
        other => panic!("no message but {other:?}"),
    };
    let dom = Domain { name: "vm3".into(), uuid: Uuid::from_bytes([3; 16]), id: 1 };
    let expected = DomainEventLifecycleMsg { dom: dom.clone(), event: 2, detail: 0 };
    let expected = (DomainEventLifecycle::ROW.number, virt_proto::xdr::encode(&expected).unwrap());
    assert_eq!(message().await, expected);
    let expected = virt_proto::xdr::encode(&DomainEventPmwakeupMsg { dom }).unwrap();
    assert_eq!(message().await, (DomainEventPmwakeup::ROW.number, expected));

    assert_eq!(rpc.invoke::<ConnectDomainEventDeregister>(&()).await.unwrap().cb_registered, -1);
    let again = rpc.invoke::<ConnectDomainEventDeregister>(&()).await.unwrap_err();
    assert_eq!(again.to_string(), "internal error: domain event 0 not registered");
}

#[tokio::test]
async fn a_client_that_reads_late_has_lost_nothing_and_all_is_whole() {
    use std::io::{Read, Write};

    use virt_proto::packet::{Header, Kind as MessageKind, Status};

    let driver = Handle::default();
    let service = HypervisorService::new(Arc::new(Always(Arc::new(driver.clone()))));
    let server = Server::new("test", Arc::new(service), Limits::default(), None);
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    rustix::net::sockopt::set_socket_send_buffer_size(&theirs, 8 << 10).unwrap();
    server.adopt(theirs, ListenerSettings { read_only: false, auth: Auth::None }).unwrap();
    let mut call = |row: &virt_proto::Row, serial: u32, payload: Vec<u8>| {
        let (program, version, procedure) = (row.program.number, row.program.version, row.number);
        let kind = MessageKind::Call;
        let header = Header { program, version, procedure, kind, serial, status: Status::Ok };
        let mut bytes = crate::frame::head(header, payload.len()).to_vec();
        bytes.extend(payload);
        ours.write_all(&bytes).unwrap();
    };
    call(ConnectOpen::ROW, 1, virt_proto::xdr::encode(&ConnectOpenArgs { name: None, flags: 0 }).unwrap());
    let wanted = ConnectDomainEventCallbackRegisterAnyArgs { event_id: Id::Lifecycle.number(), dom: None };
    call(ConnectDomainEventCallbackRegisterAny::ROW, 2, virt_proto::xdr::encode(&wanted).unwrap());
    let subscribed = async {
        while driver.0.domains.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        tokio::task::yield_now().await;
    };
    subscribed.await;
    // Far more than the socket holds; a call's answer among them.
    const EVENTS: usize = 600;
    for at in 0..EVENTS {
        assert_eq!(driver.tell((at % 251) as u8, &started()), 1);
        if at == EVENTS / 2 {
            call(ConnectGetLibVersion::ROW, 3, Vec::new());
            tokio::task::yield_now().await;
        }
    }
    let reader = tokio::task::spawn_blocking(move || {
        let (mut answers, mut domains) = (Vec::new(), Vec::new());
        while answers.len() < 3 || domains.len() < EVENTS {
            let mut length = [0; 4];
            ours.read_exact(&mut length).unwrap();
            let mut message = vec![0; u32::from_be_bytes(length) as usize - 4];
            ours.read_exact(&mut message).unwrap();
            let header = Header::from_bytes(*message.first_chunk().unwrap());
            match header.kind {
                MessageKind::Reply => answers.push(header.serial),
                _ => {
                    let event: DomainEventCallbackLifecycleMsg =
                        virt_proto::xdr::decode(&message[24..]).unwrap();
                    domains.push(event.msg.dom.name);
                }
            }
        }
        (answers, domains)
    });
    let (answers, domains) = reader.await.unwrap();
    assert_eq!(answers, [1, 2, 3]);
    let expected: Vec<String> = (0..EVENTS).map(|at| format!("vm{}", at % 251)).collect();
    assert_eq!(domains, expected);
}
