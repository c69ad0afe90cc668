//! Placement and limits of domains on their host.
//!
//! What a running guest is limited by is what its control group says, and is changed there. Where its threads run is the
//! kernel's affinity too, which needs no group.

mod bandwidth;
mod blkio;
mod io_tune;
pub(super) mod iothreads;
mod live;
mod memory;
mod numa;
pub(super) mod params;
mod perf;
mod pins;
pub(super) mod scheduler;
mod vcpu;

use virt_conf::domain::Domain;
use virt_driver::{DomainRef, DomainTuning, IothreadInfo, VcpuInfo};
use virt_types::{Error, Impact, Result, TypedParams};

use super::calls::calls;
use super::refusal::known;
use super::sides::{self, Sides};
use super::{QemuConnection, interface_named};

/// The two sides.
const IMPACT: Impact = Impact::LIVE.union(Impact::CONFIG);
/// The same, where the caller may say that it takes strings.
const IMPACT_AND_STRINGS: Impact = Impact::from_bits_retain(7);

impl DomainTuning for QemuConnection {
    calls! {
        vcpu_infos(domain: &'a DomainRef) -> Vec<VcpuInfo> = vcpu::infos;
        vcpu_pins(domain: &'a DomainRef, impact: Impact) -> Vec<Vec<u8>> = pins::vcpus;
        pin_vcpu(domain: &'a DomainRef, vcpu: u32, cpu_map: &'a [u8], impact: Impact) -> () = pins::pin_vcpu;
        emulator_pin(domain: &'a DomainRef, impact: Impact) -> Option<Vec<u8>> = pins::emulator;
        pin_emulator(domain: &'a DomainRef, cpu_map: &'a [u8], impact: Impact) -> () = pins::pin_emulator;
        set_vcpu(domain: &'a DomainRef, cpus: &'a str, online: bool, impact: Impact) -> () = vcpu::set;

        iothreads(domain: &'a DomainRef, impact: Impact) -> Vec<IothreadInfo> = iothreads::list;
        pin_iothread(domain: &'a DomainRef, id: u32, cpu_map: &'a [u8], impact: Impact) -> () = iothreads::pin;
        add_iothread(domain: &'a DomainRef, id: u32, impact: Impact) -> () = iothreads::add;
        delete_iothread(domain: &'a DomainRef, id: u32, impact: Impact) -> () = iothreads::delete;
        set_iothread_parameters(
            domain: &'a DomainRef, id: u32, params: &'a TypedParams, impact: Impact,
        ) -> () = iothreads::set;

        memory_parameters(domain: &'a DomainRef, impact: Impact) -> TypedParams = memory::get;
        set_memory_parameters(domain: &'a DomainRef, params: &'a TypedParams, impact: Impact) -> () = memory::set;
        numa_parameters(domain: &'a DomainRef, impact: Impact) -> TypedParams = numa::get;
        set_numa_parameters(domain: &'a DomainRef, params: &'a TypedParams, impact: Impact) -> () = numa::set;
        blkio_parameters(domain: &'a DomainRef, impact: Impact) -> TypedParams = blkio::get;
        set_blkio_parameters(domain: &'a DomainRef, params: &'a TypedParams, impact: Impact) -> () = blkio::set;
        block_io_tune(domain: &'a DomainRef, disk: Option<&'a str>, impact: Impact) -> TypedParams = io_tune::get;
        set_block_io_tune(
            domain: &'a DomainRef, disk: &'a str, params: &'a TypedParams, impact: Impact,
        ) -> () = io_tune::set;
        interface_parameters(domain: &'a DomainRef, device: &'a str, impact: Impact) -> TypedParams = bandwidth::get;
        set_interface_parameters(
            domain: &'a DomainRef, device: &'a str, params: &'a TypedParams, impact: Impact,
        ) -> () = bandwidth::set;
        perf_events(domain: &'a DomainRef, impact: Impact) -> TypedParams = perf::get;
        set_perf_events(domain: &'a DomainRef, params: &'a TypedParams, impact: Impact) -> () = perf::set;
    }
}

/// Answers a question about one side. A question about both is refused before the domain is looked for, as the API's own
/// check does.
async fn read<T>(
    connection: &QemuConnection,
    domain: &DomainRef,
    impact: Impact,
    function: &str,
    read: impl FnOnce(&Domain, sides::Side) -> Result<T>,
) -> Result<T> {
    sides::not_both(impact)?;
    read_late(connection, domain, impact, function, read).await
}

/// The same for the calls whose check is the driver's.
async fn read_late<T>(
    connection: &QemuConnection,
    domain: &DomainRef,
    impact: Impact,
    function: &str,
    read: impl FnOnce(&Domain, sides::Side) -> Result<T>,
) -> Result<T> {
    known(impact, IMPACT_AND_STRINGS, function)?;
    let snapshot = connection.find(domain).await?.snapshot();
    let (side, document) = sides::one(&snapshot, impact)?;
    read(&document, side)
}

/// Changes the configuration; a change of a running guest is refused.
async fn write(
    connection: &QemuConnection,
    domain: &DomainRef,
    impact: Impact,
    (api, function): (&'static str, &str),
    change: impl Fn(&mut Domain) -> Result<()> + Send + Sync + 'static,
) -> Result<()> {
    known(impact, IMPACT, function)?;
    let handle = connection.find(domain).await?;
    let sides = Sides::of(&handle.snapshot(), impact)?;
    if sides.live {
        return Err(Error::no_support(api).with_hint("change its configuration and start it anew"));
    }
    sides::edit(&handle, api, Impact::CONFIG, move |config, _| change(config)).await
}
