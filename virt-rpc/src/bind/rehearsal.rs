//! Every row of the table over a real connection: what the client was called with is what the driver sees, and what the
//! driver answers is what the client gives.

use std::collections::BTreeSet;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex};

use virt_driver::{
    BlockInfo, BlockJobInfo, BlockStats, BoxFuture, CheckpointRef, Connection, ControlInfo, ControlState,
    CpuComparison, DhcpLease, DomainInfo, DomainRef, DomainStatsRecord, FileSystemInfo, GuestAddress,
    GuestInterface, InterfaceRef, InterfaceStats, IothreadInfo, JobInfo, KeycodeSet, MetadataKind,
    MigrationStart, MigrationTarget, MonitorCommandFlags, NetworkPortRef, NodeInfo, NodeStat,
    NwFilterBindingRef, ObjectRef, SecretRef, SecurityLabel, SecurityModel, SnapshotRef, StoragePoolInfo,
    VolumeInfo, VolumeRef,
};
use virt_proto::Row;
use virt_types::{
    DefineFlags, DestroyFlags, DomainState, Impact, ListFlags, RebootFlags, Result, ShutdownFlags,
    TypedParams, UndefineFlags, Uuid, XmlFlags,
};

use super::{Channel, HypervisorService, Opener, RemoteConnection};
use crate::identity::Identity;
use crate::server::{Limits, ListenerSettings, Server};
use crate::{Io, RpcClient};

/// A driver that writes down what it is asked, and answers something of its own for each call.
#[derive(Default)]
pub(crate) struct Recorder {
    seen: Mutex<Vec<(&'static str, String, String)>>,
}

impl Recorder {
    pub(crate) fn answer<T: Sample + std::fmt::Debug>(&self, call: &'static str, seen: String) -> Result<T> {
        // The same answer each time: some calls come in two steps.
        let mut values = Values(call.bytes().fold(7, |sum, byte| (sum * 31 + u64::from(byte)) % 9973));
        let answer = T::sample(&mut values);
        self.seen.lock().unwrap().push((call, seen, format!("{answer:?}")));
        Ok(answer)
    }
}

macro_rules! all_groups {
    ($($group:ident: $trait:ident),+ $(,)?) => {
        impl Connection for Recorder {
            $(fn $group(&self) -> Option<&dyn virt_driver::$trait> {
                Some(self)
            })+
        }

        async fn rehearse_all(connection: &RemoteConnection, seeds: &mut Seeds) {
            $(super::$group::rehearse(connection, seeds).await;)+
        }
    };
}

all_groups! {
    hypervisor: Hypervisor, domains: Domains, tuning: DomainTuning, statistics: DomainStatistics, guests: Guests,
    jobs: DomainJobs, saved_states: SavedStates, snapshots: Snapshots, checkpoints: Checkpoints,
    block_jobs: BlockJobs, migration: Migration, networks: Networks, storage_pools: StoragePools,
    node_devices: NodeDevices, secrets: Secrets, nwfilters: NwFilters, interfaces: Interfaces,
}

struct Fixed(Arc<Recorder>);

impl Opener for Fixed {
    fn open<'a>(
        &'a self,
        uri: &'a str,
        _: bool,
        _: &'a Identity,
    ) -> BoxFuture<'a, Result<Arc<dyn Connection>>> {
        assert_eq!(uri, "recorder:///");
        let connection: Arc<dyn Connection> = Arc::clone(&self.0) as _;
        Box::pin(std::future::ready(Ok(connection)))
    }
}

/// What the calls are made with, and what became of them.
pub(crate) struct Seeds {
    values: Values,
    recorder: Arc<Recorder>,
    rows: BTreeSet<(u32, i32)>,
}

impl Seeds {
    pub(crate) fn check<T: std::fmt::Debug>(
        &mut self,
        row: &'static Row,
        call: &'static str,
        sent: String,
        answer: Result<T>,
    ) {
        let answer = answer.unwrap_or_else(|error| panic!("{call}: {error}"));
        let seen =
            self.recorder.seen.lock().unwrap().pop().unwrap_or_else(|| panic!("{call} did not arrive"));
        assert_eq!(seen, (call, sent, format!("{answer:?}")), "{row:?}");
        self.rows.insert((row.program.number, row.number));
    }
}

/// Values that are all different.
pub(crate) struct Values(u64);

impl Values {
    fn next(&mut self) -> u64 {
        self.0 += 1;
        self.0
    }
}

pub(crate) trait Sample {
    fn sample_with(values: &mut Values) -> Self;

    fn sample(source: &mut impl Source) -> Self
    where
        Self: Sized,
    {
        Self::sample_with(source.values())
    }
}

pub(crate) trait Source {
    fn values(&mut self) -> &mut Values;
}

impl Source for Seeds {
    fn values(&mut self) -> &mut Values {
        &mut self.values
    }
}

impl Source for Values {
    fn values(&mut self) -> &mut Values {
        self
    }
}

macro_rules! samples {
    ($($type:ty = |$values:ident| $value:expr;)+) => {$(
        impl Sample for $type {
            fn sample_with($values: &mut Values) -> Self {
                let _ = &$values;
                $value
            }
        }
    )+};
}

samples! {
    () = |v| ();
    bool = |v| v.next().is_multiple_of(2);
    // Without the bit that says that typed parameters may be strings.
    u32 = |v| (v.next() * 8 + 3) as u32;
    i32 = |v| v.next() as i32;
    u64 = |v| v.next() << 33;
    i64 = |v| -(v.next() as i64);
    u8 = |v| v.next() as u8;
    String = |v| format!("text {}", v.next());
    Uuid = |v| Uuid::from_bytes([v.next() as u8; 16]);
    DefineFlags = |v| DefineFlags::all();
    UndefineFlags = |v| UndefineFlags::all();
    ShutdownFlags = |v| ShutdownFlags::all();
    RebootFlags = |v| RebootFlags::from_bits_retain(0x1001);
    DestroyFlags = |v| DestroyFlags::all();
    XmlFlags = |v| XmlFlags::all();
    ListFlags = |v| ListFlags::all();
    Impact = |v| Impact::all();
    MonitorCommandFlags = |v| MonitorCommandFlags::all();
    MetadataKind = |v| MetadataKind::Element;
    KeycodeSet = |v| KeycodeSet::Qnum;
    CpuComparison = |v| CpuComparison::Superset;
    TypedParams = |v| {
        let mut params = TypedParams::new();
        params.push("int", v.next() as i32);
        params.push("string", format!("text {}", v.next()));
        params.push("double", v.next() as f64 / 4.0);
        params.push("boolean", true);
        params.push("ullong", u64::MAX - v.next());
        params.push("llong", -5i64);
        params.push("uint", u32::MAX);
        params
    };
    DomainRef = |v| DomainRef { uuid: Uuid::sample_with(v), name: String::sample_with(v), id: Some(v.next() as u32) };
    ObjectRef = |v| ObjectRef { uuid: Uuid::sample_with(v), name: String::sample_with(v) };
    SecretRef = |v| {
        SecretRef { uuid: Uuid::sample_with(v), usage_type: i32::sample_with(v), usage_id: String::sample_with(v) }
    };
    VolumeRef = |v| VolumeRef { pool: String::sample_with(v), name: String::sample_with(v), key: String::sample_with(v) };
    InterfaceRef = |v| InterfaceRef { name: String::sample_with(v), mac: String::sample_with(v) };
    NetworkPortRef = |v| NetworkPortRef { network: ObjectRef::sample_with(v), uuid: Uuid::sample_with(v) };
    NwFilterBindingRef = |v| {
        NwFilterBindingRef { port_device: String::sample_with(v), filter: String::sample_with(v) }
    };
    SnapshotRef = |v| SnapshotRef { domain: DomainRef::sample_with(v), name: String::sample_with(v) };
    CheckpointRef = |v| CheckpointRef { domain: DomainRef::sample_with(v), name: String::sample_with(v) };
    NodeInfo = |v| NodeInfo {
        model: String::sample_with(v), memory: v.next(), cpus: 1, mhz: 2, nodes: 3, sockets: 4, cores: 5, threads: 6,
    };
    NodeStat = |v| NodeStat { field: String::sample_with(v), value: v.next() };
    SecurityModel = |v| SecurityModel { model: String::sample_with(v), doi: String::sample_with(v) };
    SecurityLabel = |v| SecurityLabel { label: String::sample_with(v), enforcing: true };
    DomainInfo = |v| DomainInfo {
        state: DomainState::PmSuspended, max_memory: v.next(), memory: v.next(), vcpus: 77, cpu_time: v.next(),
    };
    ControlInfo = |v| ControlInfo { state: ControlState::Occupied, details: 1, state_time: v.next(), held_by: None };
    StoragePoolInfo = |v| StoragePoolInfo { state: 2, capacity: v.next(), allocation: v.next(), available: v.next() };
    VolumeInfo = |v| VolumeInfo { kind: 3, capacity: v.next(), allocation: v.next() };
    BlockStats = |v| BlockStats {
        read_requests: i64::sample_with(v), read_bytes: i64::sample_with(v), write_requests: i64::sample_with(v),
        write_bytes: i64::sample_with(v), errors: -1,
    };
    BlockInfo = |v| BlockInfo { capacity: v.next(), allocation: v.next(), physical: v.next() };
    BlockJobInfo = |v| BlockJobInfo { kind: 2, bandwidth: v.next(), current: v.next(), end: v.next() };
    InterfaceStats = |v| InterfaceStats {
        rx_bytes: i64::sample_with(v), rx_packets: i64::sample_with(v), rx_errors: i64::sample_with(v),
        rx_drops: i64::sample_with(v), tx_bytes: i64::sample_with(v), tx_packets: i64::sample_with(v),
        tx_errors: i64::sample_with(v), tx_drops: i64::sample_with(v),
    };
    DomainStatsRecord = |v| DomainStatsRecord { domain: DomainRef::sample_with(v), params: TypedParams::sample_with(v) };
    JobInfo = |v| JobInfo {
        kind: 2, time_elapsed: v.next(), time_remaining: v.next(), data_total: v.next(), data_processed: v.next(),
        data_remaining: v.next(), memory_total: v.next(), memory_processed: v.next(), memory_remaining: v.next(),
        file_total: v.next(), file_processed: v.next(), file_remaining: v.next(),
    };
    IothreadInfo = |v| IothreadInfo { id: u32::sample_with(v), cpu_map: Vec::sample_with(v) };
    FileSystemInfo = |v| FileSystemInfo {
        mountpoint: String::sample_with(v), name: String::sample_with(v), kind: String::sample_with(v),
        disks: Vec::sample_with(v),
    };
    GuestAddress = |v| GuestAddress { family: 1, address: String::sample_with(v), prefix: 64 };
    GuestInterface = |v| GuestInterface {
        name: String::sample_with(v), mac: Option::sample_with(v), addresses: Vec::sample_with(v),
    };
    DhcpLease = |v| DhcpLease {
        interface: String::sample_with(v), expiry: i64::sample_with(v), family: 0, mac: Option::sample_with(v),
        iaid: None, address: String::sample_with(v), prefix: 24, hostname: Option::sample_with(v),
        client_id: Option::sample_with(v),
    };
    MigrationStart = |v| MigrationStart { cookie: Vec::sample_with(v), xml: String::sample_with(v) };
    MigrationTarget = |v| MigrationTarget { cookie: Vec::sample_with(v), uri: Option::sample_with(v) };
}

impl<T: Sample> Sample for Vec<T> {
    fn sample_with(values: &mut Values) -> Self {
        (0..3).map(|_| T::sample_with(values)).collect()
    }
}

impl<T: Sample> Sample for Option<T> {
    fn sample_with(values: &mut Values) -> Self {
        (!values.next().is_multiple_of(3)).then(|| T::sample_with(values))
    }
}

impl<A: Sample, B: Sample> Sample for (A, B) {
    fn sample_with(values: &mut Values) -> Self {
        (A::sample_with(values), B::sample_with(values))
    }
}

/// A client of a server with this driver, back to back.
pub(crate) async fn connected(
    opener: Arc<dyn Opener>,
    uri: &str,
    read_only: bool,
) -> Result<RemoteConnection> {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let server = Server::new("test", Arc::new(HypervisorService::new(opener)), Limits::default(), None);
    server.adopt(theirs, ListenerSettings { read_only: false, auth: crate::Auth::None }).unwrap();
    let (rpc, events) = RpcClient::new(Io::unix(ours).unwrap());
    let channel = Channel { local: true, encrypted: false };
    RemoteConnection::open(rpc, events, format!("{uri}!"), uri, read_only, channel, None).await
}

#[tokio::test]
async fn every_row_carries_arguments_and_answers_both_ways() {
    let recorder = Arc::new(Recorder::default());
    let connection = connected(Arc::new(Fixed(Arc::clone(&recorder))), "recorder:///", false).await.unwrap();
    let mut seeds = Seeds { values: Values(0), recorder, rows: BTreeSet::new() };
    for _ in 0..3 {
        rehearse_all(&connection, &mut seeds).await;
    }
    let bound: BTreeSet<_> = super::bound_rows().map(|row| (row.program.number, row.number)).collect();
    assert!(seeds.rows.len() > 240, "only {} rows were tried", seeds.rows.len());
    assert!(seeds.rows.is_subset(&bound));
}

#[test]
fn every_call_of_the_programs_is_bound_once() {
    let mut rows: Vec<_> = super::bound_rows().map(|row| (row.program.number, row.number)).collect();
    let all = rows.len();
    rows.sort_unstable();
    rows.dedup();
    assert_eq!(rows.len(), all, "a row is bound twice");
    let missing: Vec<_> = virt_proto::rows()
        .filter(|row| matches!(row.program.name, "remote" | "qemu" | "lxc"))
        .filter(|row| row.direction == virt_proto::Direction::Call && !row.name.starts_with("Auth"))
        .filter(|row| !rows.contains(&(row.program.number, row.number)))
        .collect();
    assert!(missing.is_empty(), "not bound: {missing:?}");
}
