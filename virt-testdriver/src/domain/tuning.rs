//! The calls that place and limit domains.

use virt_driver::{DomainRef, DomainTuning, IothreadInfo, VcpuInfo};
use virt_types::{Impact, TypedParams};

use super::{block, interface, memory, numa, perf, weight};
use crate::connection::{Answer, TestConnection};
use crate::flags::check;

/// Refuses flags that choose no configuration.
fn known(impact: Impact, function: &str) -> virt_types::Result<()> {
    check(impact.bits(), Impact::all().bits(), function)
}

impl DomainTuning for TestConnection {
    fn vcpu_infos<'a>(&'a self, domain: &'a DomainRef) -> Answer<'a, Vec<VcpuInfo>> {
        self.answer(|host| host.vcpu_infos(domain))
    }

    fn vcpu_pins<'a>(&'a self, domain: &'a DomainRef, impact: Impact) -> Answer<'a, Vec<Vec<u8>>> {
        self.answer(|host| host.vcpu_pins(domain, impact))
    }

    fn pin_vcpu<'a>(
        &'a self,
        domain: &'a DomainRef,
        vcpu: u32,
        cpu_map: &'a [u8],
        impact: Impact,
    ) -> Answer<'a, ()> {
        self.answer(|host| {
            // What runs is pinned in any case, which callers may say as well.
            check(impact.bits(), Impact::LIVE.bits(), "testDomainPinVcpuFlags")?;
            host.guest(domain)?.pin_vcpu(vcpu, cpu_map)
        })
    }

    fn emulator_pin<'a>(&'a self, domain: &'a DomainRef, impact: Impact) -> Answer<'a, Option<Vec<u8>>> {
        self.answer(|host| {
            known(impact, "testDomainGetEmulatorPinInfo")?;
            host.emulator_pin(domain, impact).map(Some)
        })
    }

    fn pin_emulator<'a>(
        &'a self,
        domain: &'a DomainRef,
        cpu_map: &'a [u8],
        impact: Impact,
    ) -> Answer<'a, ()> {
        self.answer(|host| {
            known(impact, "testDomainPinEmulator")?;
            host.guest(domain)?.pin_emulator(cpu_map, impact)
        })
    }

    fn iothreads<'a>(&'a self, domain: &'a DomainRef, impact: Impact) -> Answer<'a, Vec<IothreadInfo>> {
        self.answer(|host| {
            known(impact, "testDomainGetIOThreadInfo")?;
            host.guest(domain)?.iothreads(impact)
        })
    }

    fn pin_iothread<'a>(
        &'a self,
        domain: &'a DomainRef,
        id: u32,
        cpu_map: &'a [u8],
        impact: Impact,
    ) -> Answer<'a, ()> {
        self.answer(|host| {
            known(impact, "testDomainPinIOThread")?;
            host.guest(domain)?.pin_iothread(id, cpu_map, impact)
        })
    }

    fn add_iothread<'a>(&'a self, domain: &'a DomainRef, id: u32, impact: Impact) -> Answer<'a, ()> {
        self.answer(|host| {
            known(impact, "testDomainAddIOThread")?;
            host.guest(domain)?.add_iothread(id, impact)
        })
    }

    fn delete_iothread<'a>(&'a self, domain: &'a DomainRef, id: u32, impact: Impact) -> Answer<'a, ()> {
        self.answer(|host| {
            known(impact, "testDomainDelIOThread")?;
            host.guest(domain)?.delete_iothread(id, impact)
        })
    }

    fn set_iothread_parameters<'a>(
        &'a self,
        domain: &'a DomainRef,
        id: u32,
        params: &'a TypedParams,
        impact: Impact,
    ) -> Answer<'a, ()> {
        self.answer(|host| {
            check(impact.bits(), Impact::LIVE.bits(), "testDomainSetIOThreadParams")?;
            host.guest(domain)?.set_iothread_parameters(id, params, impact)
        })
    }

    fn memory_parameters<'a>(&'a self, domain: &'a DomainRef, impact: Impact) -> Answer<'a, TypedParams> {
        self.answer(|host| {
            known(impact, "testDomainGetMemoryParameters")?;
            host.guest(domain)?.memory_parameters(impact)
        })
    }

    fn set_memory_parameters<'a>(
        &'a self,
        domain: &'a DomainRef,
        params: &'a TypedParams,
        impact: Impact,
    ) -> Answer<'a, ()> {
        self.answer(|host| {
            known(impact, "testDomainSetMemoryParameters")?;
            memory::check_parameters(params)?;
            host.guest(domain)?.set_memory_parameters(params, impact)
        })
    }

    fn numa_parameters<'a>(&'a self, domain: &'a DomainRef, impact: Impact) -> Answer<'a, TypedParams> {
        self.answer(|host| {
            known(impact, "testDomainGetNumaParameters")?;
            host.guest(domain)?.numa_parameters(impact)
        })
    }

    fn set_numa_parameters<'a>(
        &'a self,
        domain: &'a DomainRef,
        params: &'a TypedParams,
        impact: Impact,
    ) -> Answer<'a, ()> {
        self.answer(|host| {
            known(impact, "testDomainSetNumaParameters")?;
            numa::check_parameters(params)?;
            host.guest(domain)?.set_numa_parameters(params, impact)
        })
    }

    fn blkio_parameters<'a>(&'a self, domain: &'a DomainRef, impact: Impact) -> Answer<'a, TypedParams> {
        self.answer(|host| {
            known(impact, "testDomainGetBlkioParameters")?;
            host.guest(domain)?.blkio_parameters(impact)
        })
    }

    fn set_blkio_parameters<'a>(
        &'a self,
        domain: &'a DomainRef,
        params: &'a TypedParams,
        impact: Impact,
    ) -> Answer<'a, ()> {
        self.answer(|host| {
            known(impact, "testDomainSetBlkioParameters")?;
            weight::check_parameters(params)?;
            host.guest(domain)?.set_blkio_parameters(params, impact)
        })
    }

    fn perf_events<'a>(&'a self, domain: &'a DomainRef, impact: Impact) -> Answer<'a, TypedParams> {
        self.answer(|host| {
            known(impact, "testDomainGetPerfEvents")?;
            host.guest(domain)?.perf_events(impact)
        })
    }

    fn set_perf_events<'a>(
        &'a self,
        domain: &'a DomainRef,
        params: &'a TypedParams,
        impact: Impact,
    ) -> Answer<'a, ()> {
        self.answer(|host| {
            known(impact, "testDomainSetPerfEvents")?;
            perf::check_parameters(params)?;
            host.guest(domain)?.set_perf_events(params, impact)
        })
    }

    fn block_io_tune<'a>(
        &'a self,
        domain: &'a DomainRef,
        disk: Option<&'a str>,
        impact: Impact,
    ) -> Answer<'a, TypedParams> {
        self.answer(|host| {
            known(impact, "testDomainGetBlockIoTune")?;
            host.guest(domain)?.block_io_tune(disk, impact)
        })
    }

    fn set_block_io_tune<'a>(
        &'a self,
        domain: &'a DomainRef,
        disk: &'a str,
        params: &'a TypedParams,
        impact: Impact,
    ) -> Answer<'a, ()> {
        self.answer(|host| {
            known(impact, "testDomainSetBlockIoTune")?;
            block::check_parameters(params)?;
            host.guest(domain)?.set_block_io_tune(disk, params, impact)
        })
    }

    fn interface_parameters<'a>(
        &'a self,
        domain: &'a DomainRef,
        device: &'a str,
        impact: Impact,
    ) -> Answer<'a, TypedParams> {
        self.answer(|host| {
            known(impact, "testDomainGetInterfaceParameters")?;
            host.guest(domain)?.interface_parameters(device, impact)
        })
    }

    fn set_interface_parameters<'a>(
        &'a self,
        domain: &'a DomainRef,
        device: &'a str,
        params: &'a TypedParams,
        impact: Impact,
    ) -> Answer<'a, ()> {
        self.answer(|host| {
            known(impact, "testDomainSetInterfaceParameters")?;
            interface::check_parameters(params)?;
            host.guest(domain)?.set_interface_parameters(device, params, impact)
        })
    }
}
