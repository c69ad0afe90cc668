//! Placement and limits of domains.

use virt_driver::{BoxFuture, DomainRef, IothreadInfo, VcpuInfo};
use virt_proto::remote::*;
use virt_types::{Impact, Result, TypedParam, TypedParams, TypedValue};

use super::convert::Wire;
use super::cpu_maps::{checked, joined, split};
use super::macros::binding;
use super::params::{STRING_OKAY, in_two_steps};

/// The flag that asks for all virtual CPUs that there can be (`VIR_DOMAIN_VCPU_MAXIMUM`).
const MAXIMUM: u32 = 4;

binding! {
    /// Placement and limits of domains.
    tuning: DomainTuning;
    both {
        DomainPinVcpuFlags = pin_vcpu(dom: &'a DomainRef, vcpu: u32, cpumap: &'a [u8], flags: Impact);
        DomainPinEmulator = pin_emulator(dom: &'a DomainRef, cpumap: &'a [u8], flags: Impact);
        DomainSetVcpu = set_vcpu(dom: &'a DomainRef, cpumap: &'a str, state: bool, flags: Impact);
        [all] DomainGetIothreadInfo = iothreads(dom: &'a DomainRef, flags: Impact) -> Vec<IothreadInfo> as info;
        DomainPinIothread = pin_iothread(dom: &'a DomainRef, iothreads_id: u32, cpumap: &'a [u8], flags: Impact);
        DomainAddIothread = add_iothread(dom: &'a DomainRef, iothread_id: u32, flags: Impact);
        DomainDelIothread = delete_iothread(dom: &'a DomainRef, iothread_id: u32, flags: Impact);
        DomainSetIothreadParams = set_iothread_parameters(
            dom: &'a DomainRef, iothread_id: u32, params: &'a TypedParams, flags: Impact,
        );
        [params] DomainGetMemoryParameters = memory_parameters(dom: &'a DomainRef, flags: Impact) -> TypedParams as params;
        DomainSetMemoryParameters = set_memory_parameters(dom: &'a DomainRef, params: &'a TypedParams, flags: Impact);
        [params] DomainGetNumaParameters = numa_parameters(dom: &'a DomainRef, flags: Impact) -> TypedParams as params;
        DomainSetNumaParameters = set_numa_parameters(dom: &'a DomainRef, params: &'a TypedParams, flags: Impact);
        [params] DomainGetBlkioParameters = blkio_parameters(dom: &'a DomainRef, flags: Impact) -> TypedParams as params;
        DomainSetBlkioParameters = set_blkio_parameters(dom: &'a DomainRef, params: &'a TypedParams, flags: Impact);
        DomainSetBlockIoTune = set_block_io_tune(
            dom: &'a DomainRef, disk: &'a str, params: &'a TypedParams, flags: Impact,
        );
        DomainSetThrottleGroup = set_throttle_group(
            dom: &'a DomainRef, group: &'a str, params: &'a TypedParams, flags: Impact,
        );
        DomainDelThrottleGroup = delete_throttle_group(dom: &'a DomainRef, group: Option<&'a str>, flags: Impact);
        [params] DomainGetInterfaceParameters = interface_parameters(dom: &'a DomainRef, device: &'a str, flags: Impact)
            -> TypedParams as params;
        DomainSetInterfaceParameters = set_interface_parameters(
            dom: &'a DomainRef, device: &'a str, params: &'a TypedParams, flags: Impact,
        );
        [strings] DomainGetPerfEvents = perf_events(dom: &'a DomainRef, flags: Impact) -> TypedParams as params;
        DomainSetPerfEvents = set_perf_events(dom: &'a DomainRef, params: &'a TypedParams, flags: Impact);
    }
    served {
        DomainGetBlockIoTune(dom: DomainRef, disk: Option<String>, nparams: i32, flags: u32)
            = block_io_tune(&dom, disk.as_deref(), Impact::from_bits_retain(flags & !STRING_OKAY)) => |params| {
                let (params, nparams) = in_two_steps(params, nparams.into(), flags & STRING_OKAY != 0);
                Reply { params, nparams }
            };
        DomainGetVcpus(dom: DomainRef, maxinfo: i32, maplen: i32) = vcpu_infos(checked(&dom, maxinfo, maplen)?)
            => |mut infos| {
                infos.truncate(usize::try_from(maxinfo).unwrap_or(0));
                Reply { cpumaps: joined(infos.iter().map(|info| &*info.cpu_map), maplen), info: infos.to_wire() }
            };
        DomainPinVcpu(dom: DomainRef, vcpu: u32, cpumap: Vec<u8>) = pin_vcpu(&dom, vcpu, &cpumap, Impact::LIVE) => |()| ();
        DomainGetVcpuPinInfo(dom: DomainRef, ncpumaps: i32, maplen: i32, flags: u32)
            = vcpu_pins(checked(&dom, ncpumaps, maplen)?, Impact::from_bits_retain(flags)) => |mut pins| {
                pins.truncate(usize::try_from(ncpumaps).unwrap_or(0));
                let num = super::listing::count(&pins);
                Reply { cpumaps: joined(pins.iter().map(|map| &**map), maplen), num }
            };
        DomainGetEmulatorPinInfo(dom: DomainRef, maplen: i32, flags: u32)
            = emulator_pin(checked(&dom, 1, maplen)?, Impact::from_bits_retain(flags)) => |map| {
                let ret = map.is_some().into();
                Reply { cpumaps: joined(map.as_deref().into_iter(), maplen), ret }
            };
    }
    client {
        fn block_io_tune<'a>(
            &'a self,
            domain: &'a DomainRef,
            disk: Option<&'a str>,
            impact: Impact,
        ) -> BoxFuture<'a, Result<TypedParams>> {
            Box::pin(async move {
                let flags = impact.bits() | STRING_OKAY;
                let disk = disk.map(str::to_owned);
                let mut args = DomainGetBlockIoTuneArgs { dom: domain.clone().to_wire(), disk, nparams: 0, flags };
                args.nparams = self.call::<DomainGetBlockIoTune>(args.clone()).await?.nparams;
                // Without a disk peers tell how many there are, and not which.
                if args.disk.is_none() {
                    let unnamed = TypedParam { field: String::new(), value: TypedValue::ULLong(0) };
                    return Ok(TypedParams(vec![unnamed; usize::try_from(args.nparams).unwrap_or(0)]));
                }
                Ok(self.call::<DomainGetBlockIoTune>(args).await?.params)
            })
        }

        fn vcpu_infos<'a>(&'a self, domain: &'a DomainRef) -> BoxFuture<'a, Result<Vec<VcpuInfo>>> {
            Box::pin(async move {
                let dom = domain.clone().to_wire();
                let info = self.call::<DomainGetInfo>(DomainGetInfoArgs { dom: dom.clone() }).await?;
                let maplen = self.map_length().await?;
                let args = DomainGetVcpusArgs { dom, maxinfo: info.nr_virt_cpu.into(), maplen };
                let reply = self.call::<DomainGetVcpus>(args).await?;
                let maps = split(&reply.cpumaps, maplen).chain(std::iter::repeat(Vec::new()));
                let infos = reply.info.into_iter().zip(maps).map(|(info, cpu_map)| VcpuInfo {
                    number: info.number,
                    state: info.state,
                    cpu_time: info.cpu_time,
                    cpu: info.cpu,
                    cpu_map,
                });
                Ok(infos.collect())
            })
        }

        fn vcpu_pins<'a>(&'a self, domain: &'a DomainRef, impact: Impact) -> BoxFuture<'a, Result<Vec<Vec<u8>>>> {
            Box::pin(async move {
                let dom = domain.clone().to_wire();
                let flags = impact.bits();
                // Those that are offline have their places too.
                let vcpus = DomainGetVcpusFlagsArgs { dom: dom.clone(), flags: flags | MAXIMUM };
                let ncpumaps = self.call::<DomainGetVcpusFlags>(vcpus).await?.num;
                let maplen = self.map_length().await?;
                let args = DomainGetVcpuPinInfoArgs { dom, ncpumaps, maplen, flags };
                let reply = self.call::<DomainGetVcpuPinInfo>(args).await?;
                Ok(split(&reply.cpumaps, maplen).take(usize::try_from(reply.num).unwrap_or(0)).collect())
            })
        }

        fn emulator_pin<'a>(&'a self, domain: &'a DomainRef, impact: Impact) -> BoxFuture<'a, Result<Option<Vec<u8>>>> {
            Box::pin(async move {
                let maplen = self.map_length().await?;
                let args =
                    DomainGetEmulatorPinInfoArgs { dom: domain.clone().to_wire(), maplen, flags: impact.bits() };
                let reply = self.call::<DomainGetEmulatorPinInfo>(args).await?;
                Ok((reply.ret != 0).then_some(reply.cpumaps))
            })
        }
    }
}

impl Wire<virt_proto::remote::VcpuInfo> for VcpuInfo {
    fn to_wire(self) -> virt_proto::remote::VcpuInfo {
        let Self { number, state, cpu_time, cpu, .. } = self;
        virt_proto::remote::VcpuInfo { number, state, cpu_time, cpu }
    }

    fn from_wire(wire: virt_proto::remote::VcpuInfo) -> Result<Self> {
        let virt_proto::remote::VcpuInfo { number, state, cpu_time, cpu } = wire;
        Ok(Self { number, state, cpu_time, cpu, cpu_map: Vec::new() })
    }
}

impl super::convert::Listed for VcpuInfo {}
