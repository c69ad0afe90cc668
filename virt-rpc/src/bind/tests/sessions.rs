use std::os::unix::net::UnixStream;
use std::sync::Arc;

use virt_driver::{
    BoxFuture, CloseReason, Connection, Delivery, DomainRef, DomainTuning, Domains, Hypervisor, Networks,
    Nothing, StoragePools, VcpuInfo,
};
use virt_proto::Procedure;
use virt_proto::remote::*;
use virt_types::{CreateFlags, Error, ErrorCode, ErrorDomain, ListFlags, Result, Uuid};

use super::{Always, client_of};
use crate::bind::rehearsal::{Recorder, connected};
use crate::bind::{Channel, HypervisorService, RemoteConnection};
use crate::server::{Limits, ListenerSettings, Server};
use crate::{Auth, Io, RpcClient};

fn web() -> DomainRef {
    DomainRef { uuid: Uuid::from_bytes([7; 16]), name: "web".into(), id: Some(3) }
}

/// A server of the recording driver and a client that has opened nothing yet.
fn unopened(read_only: bool) -> (Server, RpcClient) {
    let service = HypervisorService::new(Arc::new(Always(Arc::new(Recorder::default()))));
    let server = Server::new("test", Arc::new(service), Limits::default(), None);
    let (ours, theirs) = UnixStream::pair().unwrap();
    server.adopt(theirs, ListenerSettings { read_only, auth: Auth::None }).unwrap();
    (server, RpcClient::new(Io::unix(ours).unwrap()).0)
}

fn text(error: &Error) -> (i32, i32, String) {
    (error.code().number(), error.domain().number(), error.to_string())
}

async fn refusal<P: Procedure>(rpc: &RpcClient, args: P::Args) -> (i32, i32, String) {
    match rpc.invoke::<P>(&args).await {
        Ok(reply) => panic!("{:?} was answered: {reply:?}", P::ROW),
        Err(error) => text(&error),
    }
}

#[tokio::test]
async fn nothing_is_answered_before_a_driver_is_open_and_only_one_is_opened() {
    let (_server, rpc) = unopened(false);
    let not_open = |kind: &str| (1, 7, format!("internal error: {kind}connection not open"));
    assert_eq!(refusal::<ConnectGetType>(&rpc, ()).await, not_open("hypervisor "));
    let name = || "x".to_owned();
    assert_eq!(
        refusal::<NetworkLookupByName>(&rpc, NetworkLookupByNameArgs { name: name() }).await,
        not_open("network ")
    );
    assert_eq!(
        refusal::<StoragePoolLookupByName>(&rpc, StoragePoolLookupByNameArgs { name: name() }).await,
        not_open("storage ")
    );
    let feature = |feature| ConnectSupportsFeatureArgs { feature };
    assert_eq!(refusal::<ConnectSupportsFeature>(&rpc, feature(14)).await, not_open(""));
    assert_eq!(rpc.invoke::<ConnectSupportsFeature>(&feature(10)).await.unwrap().supported, 1);

    let open = || ConnectOpenArgs { name: Some("fake:///".into()), flags: 0x800 };
    rpc.invoke::<ConnectOpen>(&open()).await.unwrap();
    let again = (1, 7, "internal error: connection already open".to_owned());
    assert_eq!(refusal::<ConnectOpen>(&rpc, open()).await, again);
    for (number, supported) in [(8, 1), (14, 1), (15, 1)] {
        assert_eq!(
            rpc.invoke::<ConnectSupportsFeature>(&feature(number)).await.unwrap().supported,
            supported,
            "{number}"
        );
    }
    // The end of the connection comes with the answer.
    rpc.invoke::<ConnectClose>(&()).await.unwrap();
    assert_eq!(rpc.closed().await.number(), CloseReason::Eof.number());
}

#[tokio::test]
async fn who_may_only_look_changes_nothing() {
    for by_socket in [false, true] {
        let (_server, rpc) = unopened(by_socket);
        let args = ConnectOpenArgs { name: Some("fake:///".into()), flags: u32::from(!by_socket) };
        rpc.invoke::<ConnectOpen>(&args).await.unwrap();
        let dom = || Domain { name: "web".into(), uuid: Uuid::from_bytes([7; 16]), id: 3 };
        let denied = |domain: i32, what: &str| (29, domain, format!("operation forbidden: {what}"));
        assert_eq!(
            refusal::<DomainCreate>(&rpc, DomainCreateArgs { dom: dom() }).await,
            denied(20, "read only access prevents virDomainCreate")
        );
        assert_eq!(
            refusal::<DomainOpenConsole>(
                &rpc,
                DomainOpenConsoleArgs { dom: dom(), dev_name: None, flags: 0 }
            )
            .await,
            denied(20, "read only access prevents virDomainOpenConsole")
        );
        let net = Network { name: "n".into(), uuid: Uuid::from_bytes([1; 16]) };
        assert_eq!(
            refusal::<NetworkUndefine>(&rpc, NetworkUndefineArgs { net }).await,
            denied(19, "read only access prevents virNetworkUndefine")
        );
        let xml = |flags| DomainGetXmlDescArgs { dom: dom(), flags };
        assert_eq!(
            refusal::<DomainGetXmlDesc>(&rpc, xml(1)).await,
            denied(20, "virDomainGetXMLDesc with secure flag")
        );
        rpc.invoke::<DomainGetXmlDesc>(&xml(0)).await.unwrap();
        let vcpus = |flags| DomainGetVcpusFlagsArgs { dom: dom(), flags };
        assert_eq!(refusal::<DomainGetVcpusFlags>(&rpc, vcpus(8)).await.0, 29);
        rpc.invoke::<DomainGetVcpusFlags>(&vcpus(1)).await.unwrap();
        let addresses = |source| DomainInterfaceAddressesArgs { dom: dom(), source, flags: 0 };
        assert_eq!(refusal::<DomainInterfaceAddresses>(&rpc, addresses(1)).await.0, 29);
        rpc.invoke::<DomainInterfaceAddresses>(&addresses(0)).await.unwrap();
    }
}

#[tokio::test]
async fn surplus_bytes_hide_no_flags() {
    let (_server, rpc) = unopened(true);
    let args = ConnectOpenArgs { name: Some("fake:///".into()), flags: 0 };
    rpc.invoke::<ConnectOpen>(&args).await.unwrap();
    let dom = Domain { name: "web".into(), uuid: Uuid::from_bytes([7; 16]), id: 3 };
    let mut payload = virt_proto::xdr::encode(&DomainGetXmlDescArgs { dom, flags: 1 }).unwrap();
    payload.extend_from_slice(&[0; 8]);
    let request = crate::client::Request {
        program: DomainGetXmlDesc::ROW.program.number,
        version: 1,
        procedure: DomainGetXmlDesc::ROW.number,
        payload,
        fds: Vec::new(),
    };
    assert_eq!(rpc.call(request).await.unwrap_err().code(), ErrorCode::OperationDenied);
}

#[tokio::test]
async fn what_a_driver_lacks_is_named_as_the_client_called_it() {
    let connection = client_of(Nothing).await;
    let error = Networks::list(&connection, 0).await.unwrap_err();
    let sentence = "this function is not supported by the connection driver: ";
    assert_eq!(text(&error), (3, 19, format!("{sentence}virConnectListAllNetworks")));
    let error = Domains::create(&connection, &web(), Vec::new(), CreateFlags::empty()).await.unwrap_err();
    assert_eq!(text(&error), (3, 20, format!("{sentence}virDomainCreateWithFlags")));
    let volume = virt_driver::VolumeRef { pool: "p".into(), name: "v".into(), key: "k".into() };
    let error = connection.download(&volume, 0, 0, 0).await.err().unwrap();
    assert_eq!(text(&error), (3, 18, format!("{sentence}virStorageVolDownload")));
    // Without a driver that says what it has, there are the features of the protocol.
    for (feature, there) in [(9, true), (16, true), (14, true), (3, false), (4096, false)] {
        assert_eq!(connection.supports_feature(feature).await.unwrap(), there, "{feature}");
    }
}

/// More domains and virtual CPUs than the protocol can tell of.
struct Crowded;

impl Connection for Crowded {
    fn domains(&self) -> Option<&dyn Domains> {
        Some(self)
    }

    fn tuning(&self) -> Option<&dyn DomainTuning> {
        Some(self)
    }

    fn hypervisor(&self) -> Option<&dyn Hypervisor> {
        Some(self)
    }
}

impl Domains for Crowded {
    fn list<'a>(&'a self, _: ListFlags) -> BoxFuture<'a, Result<Vec<DomainRef>>> {
        Box::pin(async { Ok(vec![web(); 16_385]) })
    }
}

impl DomainTuning for Crowded {
    fn vcpu_infos<'a>(&'a self, _: &'a DomainRef) -> BoxFuture<'a, Result<Vec<VcpuInfo>>> {
        let info = |number| VcpuInfo { number, state: 1, cpu_time: 5, cpu: 0, cpu_map: vec![0xff, 1, 2] };
        Box::pin(async move { Ok((0..3).map(info).collect()) })
    }
}

impl Hypervisor for Crowded {}

#[tokio::test]
async fn limits_are_told_and_not_broken() {
    let connection = client_of(Crowded).await;
    let error = Domains::list(&connection, ListFlags::empty()).await.unwrap_err();
    assert_eq!((error.code(), error.domain()), (ErrorCode::Rpc, ErrorDomain::Rpc));
    assert_eq!(
        error.to_string(),
        "too many remote domains: 16385 > 16384,in parameter 'domains' for 'virConnectListAllDomains'"
    );
    let dom = Domain { name: "web".into(), uuid: Uuid::from_bytes([7; 16]), id: 3 };
    let vcpus = |maxinfo, maplen| DomainGetVcpusArgs { dom: dom.clone(), maxinfo, maplen };
    for (maxinfo, maplen) in [(16_385, 1), (16_384, i32::MAX)] {
        let error = connection.call::<DomainGetVcpus>(vcpus(maxinfo, maplen)).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::Rpc, "{error}");
    }
    let reply = connection.call::<DomainGetVcpus>(vcpus(2, 2)).await.unwrap();
    assert_eq!((reply.info.len(), &*reply.cpumaps), (2, &[0xff, 1, 0xff, 1][..]));
    let peek = DomainMemoryPeekArgs { dom, offset: 0, size: (4 << 20) + 1, flags: 1 };
    assert_eq!(connection.call::<DomainMemoryPeek>(peek).await.unwrap_err().code(), ErrorCode::Rpc);
}

#[tokio::test]
async fn a_count_is_asked_for_without_entries() {
    let opener = Arc::new(Always(Arc::new(Recorder::default())));
    let connection = connected(opener, "fake:///", false).await.unwrap();
    let args = ConnectListAllDomainsArgs { need_results: 0, flags: 0 };
    let reply = connection.call::<ConnectListAllDomains>(args).await.unwrap();
    assert_eq!((reply.domains.len(), reply.ret), (0, 3));
}

#[tokio::test]
async fn the_end_of_a_connection_is_told() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let service = HypervisorService::new(Arc::new(Always(Arc::new(Recorder::default()))));
    let server = Server::new("test", Arc::new(service), Limits::default(), None);
    server.adopt(theirs, ListenerSettings { read_only: false, auth: Auth::None }).unwrap();
    let (rpc, events) = RpcClient::new(Io::unix(ours).unwrap());
    let channel = Channel { local: true, encrypted: false };
    let connection =
        RemoteConnection::open(rpc, events, "u".into(), "fake:///", false, channel, None).await.unwrap();
    let mut end = connection.subscribe_close().await.unwrap();
    assert!(connection.is_alive().await.unwrap() && !connection.is_encrypted().await.unwrap());
    assert_eq!((end.try_next(), connection.uri()), (None, "u"));
    for client in server.clients() {
        client.close();
    }
    assert_eq!(end.next().await, Some(Delivery::Event(CloseReason::Eof)));
    assert!(!connection.is_alive().await.unwrap());
    assert!(connection.type_name().await.is_err());
}
