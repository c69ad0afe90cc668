//! The contract between the facade, the wire and the drivers.
//!
//! One object-safe async trait per kind of object. A driver implements them; the remote server calls them, the
//! remote client implements them for a peer, and the facade's handles call them, so that in-process and remote are the same
//! code for the caller. At this boundary configuration is XML text, and open-ended values are typed parameters, as in
//! libvirt's API.
//!
//! Every method has a default body that answers `VIR_ERR_NO_SUPPORT` with libvirt's name of the call: a driver
//! writes down what it can do and nothing else, and clients degrade on the rest.
//!
//! ```
//! use virt_driver::{BoxFuture, Hypervisor};
//! use virt_types::{ErrorCode, Result};
//!
//! struct Minimal;
//! impl Hypervisor for Minimal {
//!     fn type_name(&self) -> BoxFuture<'_, Result<String>> {
//!         Box::pin(async { Ok("MINIMAL".to_owned()) })
//!     }
//! }
//!
//! # fn block_on<F: Future>(future: F) -> F::Output {
//! #     let mut future = std::pin::pin!(future);
//! #     let mut context = std::task::Context::from_waker(std::task::Waker::noop());
//! #     loop { if let std::task::Poll::Ready(value) = future.as_mut().poll(&mut context) { return value } }
//! # }
//! let driver: &dyn Hypervisor = &Minimal;
//! assert_eq!(block_on(driver.type_name())?, "MINIMAL");
//! let refusal = block_on(driver.capabilities()).unwrap_err();
//! assert_eq!(refusal.code(), ErrorCode::NoSupport);
//! assert_eq!(refusal.detail(), "virConnectGetCapabilities");
//! # Ok::<(), virt_types::Error>(())
//! ```
#![forbid(unsafe_code)]

mod beside;
mod block_jobs;
mod bus;
mod checkpoints;
mod connection;
mod contract;
mod domain;
mod domain_event;
mod domains;
pub mod flags;
mod future;
mod guests;
mod hypervisor;
mod interfaces;
mod jobs;
mod migration;
mod networks;
mod node_devices;
mod nwfilters;
mod object;
mod saved_states;
mod secrets;
mod service;
mod shared;
mod snapshots;
mod statistics;
mod storage_pools;
mod stream;
mod subscription;
mod tuning;

pub use beside::{Beside, WithBeside};
pub use block_jobs::{BlockJobInfo, BlockJobs};
pub use bus::Bus;
pub use checkpoints::{CheckpointRef, Checkpoints};
pub use connection::{Connection, Nothing};
pub use domain::{
    ControlInfo, ControlState, DomainInfo, DomainRef, KeycodeSet, MetadataKind, MonitorCommandFlags,
    OpenConsoleFlags, SecurityLabel,
};
pub use domain_event::{
    AgentReason, BalloonChange, DomainEvent, DomainEventFilter, DomainEventKind, GraphicsAddress,
    GraphicsPhase, IoErrorAction, Lifecycle, MonitorEvent, MonitorEventFilter, TrayChange, WatchdogAction,
};
pub use domains::Domains;
pub use future::BoxFuture;
pub use guests::{FileSystemInfo, GuestAddress, GuestInterface, Guests};
pub use hypervisor::{CloseReason, CpuComparison, Hypervisor, NodeCpuMap, NodeInfo, NodeStat, SecurityModel};
pub use interfaces::{InterfaceRef, Interfaces};
pub use jobs::{DomainJobs, JobInfo};
pub use migration::{Migration, MigrationStart, MigrationTarget};
pub use networks::{DhcpLease, NetworkEvent, NetworkEventKind, NetworkPortRef, Networks};
pub use node_devices::{NodeDeviceEvent, NodeDeviceEventKind, NodeDevices};
pub use nwfilters::{NwFilterBindingRef, NwFilters};
pub use object::{ObjectEventFilter, ObjectFilter, ObjectRef};
pub use saved_states::SavedStates;
pub use secrets::{SecretEvent, SecretEventKind, SecretRef, Secrets};
pub use service::{
    FoundVolume, NetworkPorts, PortFilters, SecretSelector, SecretValues, Services, VolumePaths,
};
pub use shared::Shared;
pub use snapshots::{SnapshotRef, Snapshots};
pub use statistics::{
    BlockInfo, BlockStats, DiskError, DomainStatistics, DomainStatsRecord, InterfaceStats, MemoryStat,
};
pub use storage_pools::{
    StoragePoolEvent, StoragePoolEventKind, StoragePoolInfo, StoragePools, VolumeInfo, VolumeRef,
};
pub use stream::{ByteStream, Chunk, fd_stream_error};
pub use subscription::{Delivery, Publisher, Subscription, channel};
pub use tuning::{DomainTuning, IothreadInfo, VcpuInfo};
