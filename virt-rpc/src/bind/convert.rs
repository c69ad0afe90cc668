//! Between the contract's types and those of the wire.

use virt_driver::{
    BlockInfo, BlockJobInfo, BlockStats, CheckpointRef, ControlInfo, ControlState, CpuComparison, DhcpLease,
    DiskError, DomainInfo, DomainRef, DomainStatsRecord, FileSystemInfo, GuestAddress, GuestInterface,
    InterfaceRef, InterfaceStats, IothreadInfo, JobInfo, KeycodeSet, MemoryStat, MetadataKind,
    MigrationStart, MigrationTarget, MonitorCommandFlags, NetworkPortRef, NodeCpuMap, NodeInfo, NodeStat,
    NwFilterBindingRef, ObjectRef, OpenConsoleFlags, SecretRef, SecurityLabel, SecurityModel, SnapshotRef,
    StoragePoolInfo, VolumeInfo, VolumeRef,
};
use virt_proto::remote as wire;
use virt_proto::xdr::{Chars, FixedChars};
use virt_types::{
    CreateFlags, DefineFlags, DestroyFlags, DomainState, DomainStatus, Error, ErrorCode, ErrorDomain, Impact,
    ListFlags, RebootFlags, Result, ShutdownFlags, TypedParams, UndefineFlags, Uuid, XmlFlags,
};

/// A type of the contract that has the wire's type `W`.
pub(crate) trait Wire<W>: Sized {
    /// As it is sent.
    fn to_wire(self) -> W;

    /// As it came; fails where the number has no meaning.
    fn from_wire(wire: W) -> Result<Self>;
}

/// An argument of the contract, which may be borrowed, and what it is borrowed from.
pub(crate) trait Lend<'a>: Sized {
    /// What is held while the call runs.
    type Held;

    /// Lends it to the call.
    fn lend(held: &'a Self::Held) -> Self;

    /// Copies it, to be sent.
    fn held(self) -> Self::Held;
}

/// Types that are the same on both sides.
macro_rules! same {
    ($($type:ty),+ $(,)?) => {$(
        impl Wire<$type> for $type {
            fn to_wire(self) -> $type {
                self
            }

            fn from_wire(wire: $type) -> Result<Self> {
                Ok(wire)
            }
        }
    )+};
}

same! {
    (), u8, i32, u32, i64, u64, Uuid, String, Option<String>, Vec<String>, Vec<u8>, Vec<u32>, Vec<u64>,
}

/// The most bytes of a parameter's name (`VIR_TYPED_PARAM_FIELD_LENGTH`, without the zero).
const PARAM_NAME: usize = 79;

impl Wire<Self> for TypedParams {
    fn to_wire(self) -> Self {
        self
    }

    fn from_wire(wire: Self) -> Result<Self> {
        match wire.0.iter().find(|param| param.field.len() > PARAM_NAME) {
            Some(param) => {
                let detail = format!("parameter {} too big for destination", param.field);
                Err(Error::new(ErrorCode::InternalError, ErrorDomain::None, detail))
            }
            None => Ok(wire),
        }
    }
}

/// Values that are lent as they are.
macro_rules! copied {
    ($($type:ty),+ $(,)?) => {$(
        impl Lend<'_> for $type {
            type Held = Self;

            fn lend(held: &Self) -> Self {
                *held
            }

            fn held(self) -> Self {
                self
            }
        }
    )+};
}

copied! {
    bool, i32, u32, i64, u64, usize, Uuid, CreateFlags, DefineFlags, DestroyFlags, UndefineFlags, ShutdownFlags,
    RebootFlags, XmlFlags, ListFlags, Impact, OpenConsoleFlags, MonitorCommandFlags, MetadataKind, KeycodeSet,
}

/// References, and what they are copied into.
macro_rules! borrowed {
    ($($type:ty => $held:ty),+ $(,)?) => {$(
        impl<'a> Lend<'a> for &'a $type {
            type Held = $held;

            fn lend(held: &'a $held) -> Self {
                held
            }

            fn held(self) -> $held {
                self.to_owned()
            }
        }
    )+};
}

borrowed! {
    str => String, [u8] => Vec<u8>, [u32] => Vec<u32>, [u64] => Vec<u64>, [String] => Vec<String>,
    [DomainRef] => Vec<DomainRef>,
    TypedParams => TypedParams, DomainRef => DomainRef, ObjectRef => ObjectRef, SecretRef => SecretRef,
    VolumeRef => VolumeRef, InterfaceRef => InterfaceRef, NetworkPortRef => NetworkPortRef,
    NwFilterBindingRef => NwFilterBindingRef, SnapshotRef => SnapshotRef, CheckpointRef => CheckpointRef,
}

impl<'a> Lend<'a> for Option<&'a str> {
    type Held = Option<String>;

    fn lend(held: &'a Option<String>) -> Self {
        held.as_deref()
    }

    fn held(self) -> Option<String> {
        self.map(str::to_owned)
    }
}

/// Flags travel as their bits; the driver refuses those that it does not know.
macro_rules! flags {
    ($($type:ty),+ $(,)?) => {$(
        impl Wire<u32> for $type {
            fn to_wire(self) -> u32 {
                self.bits()
            }

            fn from_wire(wire: u32) -> Result<Self> {
                Ok(Self::from_bits_retain(wire))
            }
        }
    )+};
}

flags! {
    CreateFlags, DefineFlags, DestroyFlags, UndefineFlags, ShutdownFlags, RebootFlags, XmlFlags, ListFlags, Impact,
    OpenConsoleFlags, MonitorCommandFlags,
}

/// Enumerations whose numbers a peer may not know.
macro_rules! numbered {
    ($($type:ty as $wire:ty: $what:literal),+ $(,)?) => {$(
        impl Wire<$wire> for $type {
            fn to_wire(self) -> $wire {
                self.number()
            }

            fn from_wire(wire: $wire) -> Result<Self> {
                Self::from_number(wire).ok_or_else(|| unknown($what, i64::from(wire)))
            }
        }
    )+};
}

numbered! {
    MetadataKind as i32: "metadata type", KeycodeSet as u32: "keycode set", ControlState as u32: "control state",
    CpuComparison as i32: "result of a comparison",
}

fn unknown(what: &str, number: i64) -> Error {
    Error::new(ErrorCode::InvalidArg, ErrorDomain::Rpc, format!("unknown {what} '{number}'"))
}

/// Numbers that the protocol carries in another type. What does not fit becomes the nearest that does.
macro_rules! number {
    ($($type:ty as $wire:ty),+ $(,)?) => {$(
        impl Wire<$wire> for $type {
            fn to_wire(self) -> $wire {
                <$wire>::try_from(self).unwrap_or(<$wire>::MAX)
            }

            fn from_wire(wire: $wire) -> Result<Self> {
                Self::try_from(wire).map_err(|_| unknown("number", wire.into()))
            }
        }
    )+};
}

number! { u32 as i32, usize as u32 }

impl Wire<i32> for bool {
    fn to_wire(self) -> i32 {
        self.into()
    }

    fn from_wire(wire: i32) -> Result<Self> {
        Ok(wire != 0)
    }
}

impl<T: Wire<W>, W> Wire<Vec<W>> for Vec<T>
where
    T: Listed,
{
    fn to_wire(self) -> Vec<W> {
        self.into_iter().map(T::to_wire).collect()
    }

    fn from_wire(wire: Vec<W>) -> Result<Self> {
        wire.into_iter().map(T::from_wire).collect()
    }
}

/// Text that the protocol lets clients leave out.
impl Wire<Option<Self>> for String {
    fn to_wire(self) -> Option<Self> {
        Some(self)
    }

    fn from_wire(wire: Option<Self>) -> Result<Self> {
        Ok(wire.unwrap_or_default())
    }
}

/// What lists are made of, other than plain values.
pub(crate) trait Listed {}

/// Structures whose fields are named alike on both sides but for the wire's name in front of a colon.
macro_rules! structures {
    ($($type:ident as $wire:path { $($field:ident: $name:ident),+ $(,)? })+) => {$(
        impl Wire<$wire> for $type {
            fn to_wire(self) -> $wire {
                $wire { $($name: self.$field.to_wire()),+ }
            }

            fn from_wire(wire: $wire) -> Result<Self> {
                Ok(Self { $($field: Wire::from_wire(wire.$name)?),+ })
            }
        }

        impl Listed for $type {}
    )+};
}

structures! {
    SecretRef as wire::Secret { uuid: uuid, usage_type: usage_type, usage_id: usage_id }
    VolumeRef as wire::StorageVol { pool: pool, name: name, key: key }
    InterfaceRef as wire::Interface { name: name, mac: mac }
    NetworkPortRef as wire::NetworkPort { network: net, uuid: uuid }
    NwFilterBindingRef as wire::NwfilterBinding { port_device: portdev, filter: filtername }
    SnapshotRef as wire::DomainSnapshot { domain: dom, name: name }
    CheckpointRef as wire::DomainCheckpoint { domain: dom, name: name }
    NodeStat as wire::NodeCpuStat { field: field, value: value }
    StoragePoolInfo as wire::StoragePoolGetInfoRet {
        state: state, capacity: capacity, allocation: allocation, available: available,
    }
    BlockStats as wire::DomainBlockStatsRet {
        read_requests: rd_req, read_bytes: rd_bytes, write_requests: wr_req, write_bytes: wr_bytes, errors: errs,
    }
    BlockInfo as wire::DomainGetBlockInfoRet { capacity: capacity, allocation: allocation, physical: physical }
    InterfaceStats as wire::DomainInterfaceStatsRet {
        rx_bytes: rx_bytes, rx_packets: rx_packets, rx_errors: rx_errs, rx_drops: rx_drop,
        tx_bytes: tx_bytes, tx_packets: tx_packets, tx_errors: tx_errs, tx_drops: tx_drop,
    }
    MemoryStat as wire::DomainMemoryStat { tag: tag, value: val }
    DiskError as wire::DomainDiskError { disk: disk, error: error }
    DomainStatsRecord as wire::DomainStatsRecord { domain: dom, params: params }
    IothreadInfo as wire::DomainIothreadInfo { id: iothread_id, cpu_map: cpumap }
    FileSystemInfo as wire::DomainFsinfo { mountpoint: mountpoint, name: name, kind: fstype, disks: dev_aliases }
    GuestAddress as wire::DomainIpAddr { family: kind, address: addr, prefix: prefix }
    GuestInterface as wire::DomainInterface { name: name, mac: hwaddr, addresses: addrs }
    DhcpLease as wire::NetworkDhcpLease {
        interface: iface, expiry: expirytime, family: kind, mac: mac, iaid: iaid, address: ipaddr, prefix: prefix,
        hostname: hostname, client_id: clientid,
    }
    MigrationStart as wire::DomainMigrateBegin3ParamsRet { cookie: cookie_out, xml: xml }
    MigrationTarget as wire::DomainMigratePrepare3ParamsRet { cookie: cookie_out, uri: uri_out }
    JobInfo as wire::DomainGetJobInfoRet {
        kind: kind, time_elapsed: time_elapsed, time_remaining: time_remaining,
        data_total: data_total, data_processed: data_processed, data_remaining: data_remaining,
        memory_total: mem_total, memory_processed: mem_processed, memory_remaining: mem_remaining,
        file_total: file_total, file_processed: file_processed, file_remaining: file_remaining,
    }
    NodeCpuMap as wire::NodeGetCpuMapRet { present: ret, online: online, map: cpumap }
    SecurityModel as wire::NodeGetSecurityModelRet { model: model, doi: doi }
}

/// Objects of which only name and identity are told.
macro_rules! objects {
    ($($wire:path),+ $(,)?) => {$(
        impl Wire<$wire> for ObjectRef {
            fn to_wire(self) -> $wire {
                $wire { name: self.name, uuid: self.uuid }
            }

            fn from_wire(wire: $wire) -> Result<Self> {
                Ok(Self { name: wire.name, uuid: wire.uuid })
            }
        }
    )+};
}

objects! { wire::Network, wire::StoragePool, wire::Nwfilter }

impl Listed for ObjectRef {}

impl Wire<wire::Domain> for DomainRef {
    fn to_wire(self) -> wire::Domain {
        let id = self.id.and_then(|id| i32::try_from(id).ok()).unwrap_or(-1);
        wire::Domain { name: self.name, uuid: self.uuid, id }
    }

    fn from_wire(wire: wire::Domain) -> Result<Self> {
        Ok(Self { name: wire.name, uuid: wire.uuid, id: u32::try_from(wire.id).ok() })
    }
}

impl Listed for DomainRef {}

impl Wire<wire::NodeDevice> for String {
    fn to_wire(self) -> wire::NodeDevice {
        wire::NodeDevice { name: self }
    }

    fn from_wire(wire: wire::NodeDevice) -> Result<Self> {
        Ok(wire.name)
    }
}

impl Wire<Vec<wire::NodeDevice>> for Vec<String> {
    fn to_wire(self) -> Vec<wire::NodeDevice> {
        self.into_iter().map(Wire::to_wire).collect()
    }

    fn from_wire(wire: Vec<wire::NodeDevice>) -> Result<Self> {
        wire.into_iter().map(Wire::from_wire).collect()
    }
}

impl Wire<wire::NodeMemoryStat> for NodeStat {
    fn to_wire(self) -> wire::NodeMemoryStat {
        wire::NodeMemoryStat { field: self.field, value: self.value }
    }

    fn from_wire(wire: wire::NodeMemoryStat) -> Result<Self> {
        Ok(Self { field: wire.field, value: wire.value })
    }
}

/// Text that the protocol carries as characters with a zero behind them.
impl Wire<Chars> for String {
    fn to_wire(self) -> Chars {
        let mut bytes = self.into_bytes();
        bytes.push(0);
        Chars(bytes)
    }

    fn from_wire(wire: Chars) -> Result<Self> {
        let bytes = wire.0.split(|byte| *byte == 0).next().unwrap_or_default();
        Ok(Self::from_utf8_lossy(bytes).into_owned())
    }
}

impl Wire<wire::DomainGetSecurityLabelRet> for SecurityLabel {
    fn to_wire(self) -> wire::DomainGetSecurityLabelRet {
        wire::DomainGetSecurityLabelRet { label: self.label.to_wire(), enforcing: self.enforcing.into() }
    }

    fn from_wire(wire: wire::DomainGetSecurityLabelRet) -> Result<Self> {
        Ok(Self { label: Wire::from_wire(wire.label)?, enforcing: wire.enforcing != 0 })
    }
}

impl Listed for SecurityLabel {}

/// Every call with a volume's figures has a type of its own for them.
macro_rules! volume_info {
    ($($wire:path),+ $(,)?) => {$(
        impl Wire<$wire> for VolumeInfo {
            fn to_wire(self) -> $wire {
                $wire { kind: self.kind as i8, capacity: self.capacity, allocation: self.allocation }
            }

            fn from_wire(wire: $wire) -> Result<Self> {
                Ok(Self { kind: wire.kind as u8, capacity: wire.capacity, allocation: wire.allocation })
            }
        }
    )+};
}

volume_info! { wire::StorageVolGetInfoRet, wire::StorageVolGetInfoFlagsRet }

impl Wire<wire::NodeGetInfoRet> for NodeInfo {
    fn to_wire(self) -> wire::NodeGetInfoRet {
        wire::NodeGetInfoRet {
            model: FixedChars::cut(&self.model),
            memory: self.memory,
            cpus: self.cpus.to_wire(),
            mhz: self.mhz.to_wire(),
            nodes: self.nodes.to_wire(),
            sockets: self.sockets.to_wire(),
            cores: self.cores.to_wire(),
            threads: self.threads.to_wire(),
        }
    }

    fn from_wire(wire: wire::NodeGetInfoRet) -> Result<Self> {
        Ok(Self {
            model: String::from_utf8_lossy(wire.model.until_zero()).into_owned(),
            memory: wire.memory,
            cpus: Wire::from_wire(wire.cpus)?,
            mhz: Wire::from_wire(wire.mhz)?,
            nodes: Wire::from_wire(wire.nodes)?,
            sockets: Wire::from_wire(wire.sockets)?,
            cores: Wire::from_wire(wire.cores)?,
            threads: Wire::from_wire(wire.threads)?,
        })
    }
}

impl Wire<wire::DomainGetInfoRet> for DomainInfo {
    fn to_wire(self) -> wire::DomainGetInfoRet {
        wire::DomainGetInfoRet {
            state: self.state.number() as u8,
            max_mem: self.max_memory,
            memory: self.memory,
            nr_virt_cpu: u16::try_from(self.vcpus).unwrap_or(u16::MAX),
            cpu_time: self.cpu_time,
        }
    }

    fn from_wire(wire: wire::DomainGetInfoRet) -> Result<Self> {
        let state = DomainState::from_number(wire.state.into());
        Ok(Self {
            state: state.ok_or_else(|| unknown("domain state", wire.state.into()))?,
            max_memory: wire.max_mem,
            memory: wire.memory,
            vcpus: wire.nr_virt_cpu.into(),
            cpu_time: wire.cpu_time,
        })
    }
}

impl Wire<wire::DomainGetStateRet> for DomainStatus {
    fn to_wire(self) -> wire::DomainGetStateRet {
        wire::DomainGetStateRet { state: self.state().number(), reason: self.reason_number() }
    }

    fn from_wire(wire: wire::DomainGetStateRet) -> Result<Self> {
        // A newer peer may know more reasons; the first of a state says that the reason is unknown.
        Self::from_numbers(wire.state, wire.reason)
            .or_else(|| Self::from_numbers(wire.state, 0))
            .ok_or_else(|| unknown("domain state", wire.state.into()))
    }
}

impl Wire<wire::DomainGetControlInfoRet> for ControlInfo {
    fn to_wire(self) -> wire::DomainGetControlInfoRet {
        wire::DomainGetControlInfoRet {
            state: self.state.number(),
            details: self.details,
            state_time: self.state_time,
        }
    }

    fn from_wire(wire: wire::DomainGetControlInfoRet) -> Result<Self> {
        Ok(Self {
            state: Wire::from_wire(wire.state)?,
            details: wire.details,
            state_time: wire.state_time,
            held_by: None,
        })
    }
}

impl Wire<wire::DomainGetBlockJobInfoRet> for Option<BlockJobInfo> {
    fn to_wire(self) -> wire::DomainGetBlockJobInfoRet {
        let found = self.is_some().into();
        let BlockJobInfo { kind, bandwidth, current: cur, end } =
            self.unwrap_or(BlockJobInfo { kind: 0, bandwidth: 0, current: 0, end: 0 });
        wire::DomainGetBlockJobInfoRet { found, kind, bandwidth, cur, end }
    }

    fn from_wire(wire: wire::DomainGetBlockJobInfoRet) -> Result<Self> {
        let wire::DomainGetBlockJobInfoRet { found, kind, bandwidth, cur: current, end } = wire;
        Ok((found != 0).then_some(BlockJobInfo { kind, bandwidth, current, end }))
    }
}

impl Wire<wire::DomainGetSchedulerTypeRet> for (String, u32) {
    fn to_wire(self) -> wire::DomainGetSchedulerTypeRet {
        wire::DomainGetSchedulerTypeRet { kind: self.0, nparams: self.1.to_wire() }
    }

    fn from_wire(wire: wire::DomainGetSchedulerTypeRet) -> Result<Self> {
        Ok((wire.kind, Wire::from_wire(wire.nparams)?))
    }
}

impl Wire<wire::DomainGetTimeRet> for (i64, u32) {
    fn to_wire(self) -> wire::DomainGetTimeRet {
        wire::DomainGetTimeRet { seconds: self.0, nseconds: self.1 }
    }

    fn from_wire(wire: wire::DomainGetTimeRet) -> Result<Self> {
        Ok((wire.seconds, wire.nseconds))
    }
}

impl Wire<wire::DomainGetJobStatsRet> for (i32, TypedParams) {
    fn to_wire(self) -> wire::DomainGetJobStatsRet {
        wire::DomainGetJobStatsRet { kind: self.0, params: self.1 }
    }

    fn from_wire(wire: wire::DomainGetJobStatsRet) -> Result<Self> {
        Ok((wire.kind, wire.params))
    }
}

impl Wire<wire::DomainMigrateFinish3ParamsRet> for (DomainRef, Vec<u8>) {
    fn to_wire(self) -> wire::DomainMigrateFinish3ParamsRet {
        wire::DomainMigrateFinish3ParamsRet { dom: self.0.to_wire(), cookie_out: self.1 }
    }

    fn from_wire(wire: wire::DomainMigrateFinish3ParamsRet) -> Result<Self> {
        Ok((Wire::from_wire(wire.dom)?, wire.cookie_out))
    }
}
