//! The hypervisor and its host.

use virt_driver::{
    BoxFuture, CloseReason, CpuComparison, NodeCpuMap, NodeInfo, NodeStat, SecurityModel, Subscription,
};
use virt_proto::remote::*;
use virt_types::{Result, TypedParams};

use super::macros::binding;

binding! {
    /// The hypervisor of a connection and its host.
    hypervisor: Hypervisor;
    both {
        ConnectGetType = type_name() -> String as kind;
        ConnectGetVersion = version() -> u64 as hv_ver;
        ConnectGetLibVersion = lib_version() -> u64 as lib_ver;
        ConnectGetHostname = hostname() -> String as hostname;
        ConnectGetCapabilities = capabilities() -> String as capabilities;
        ConnectGetDomainCapabilities = domain_capabilities(
            emulatorbin: Option<&'a str>, arch: Option<&'a str>, machine: Option<&'a str>, virttype: Option<&'a str>, flags: u32,
        ) -> String as capabilities;
        ConnectGetSysinfo = sysinfo(flags: u32) -> String as sysinfo;
        ConnectGetMaxVcpus = max_vcpus(kind: Option<&'a str>) -> u32 as max_vcpus;
        [list] ConnectGetCpuModelNames = cpu_models(arch: &'a str, flags: u32) -> Vec<String> as models;
        ConnectCompareCpu = compare_cpu(xml: &'a str, flags: u32) -> CpuComparison as result;
        ConnectCompareHypervisorCpu = compare_hypervisor_cpu(
            emulator: Option<&'a str>, arch: Option<&'a str>, machine: Option<&'a str>, virttype: Option<&'a str>,
            xml_cpu: &'a str, flags: u32,
        ) -> CpuComparison as result;
        ConnectBaselineCpu = baseline_cpu(xml_cpus: &'a [String], flags: u32) -> String as cpu;
        ConnectBaselineHypervisorCpu = baseline_hypervisor_cpu(
            emulator: Option<&'a str>, arch: Option<&'a str>, machine: Option<&'a str>, virttype: Option<&'a str>,
            xml_cpus: &'a [String], flags: u32,
        ) -> String as cpu;
        ConnectDomainXmlFromNative = domain_xml_from_native(native_format: &'a str, native_config: &'a str, flags: u32)
            -> String as domain_xml;
        ConnectDomainXmlToNative = domain_xml_to_native(native_format: &'a str, domain_xml: &'a str, flags: u32)
            -> String as native_config;
        NodeGetInfo = node_info() -> NodeInfo;
        NodeGetFreeMemory = free_memory() -> u64 as free_mem;
        [figures] NodeGetCpuStats = cpu_stats(cpu_num: i32, flags: u32) -> Vec<NodeStat> as params;
        [figures] NodeGetMemoryStats = memory_stats(cell_num: i32, flags: u32) -> Vec<NodeStat> as params;
        NodeGetCellsFreeMemory = cells_free_memory(start_cell: i32, maxcells: i32) -> Vec<u64> as cells;
        NodeGetFreePages = free_pages(pages: &'a [u32], start_cell: i32, cell_count: u32, flags: u32) -> Vec<u64> as counts;
        NodeAllocPages = allocate_pages(
            page_sizes: &'a [u32], page_counts: &'a [u64], start_cell: i32, cell_count: u32, flags: u32,
        ) -> u32 as ret;
        NodeGetSecurityModel = security_model() -> SecurityModel;
        [params] NodeGetMemoryParameters = memory_parameters(flags: u32) -> TypedParams as params;
        NodeSetMemoryParameters = set_memory_parameters(params: &'a TypedParams, flags: u32);
        NodeSuspendForDuration = suspend_host(target: u32, duration: u64, flags: u32);
        [params] NodeGetSevInfo = sev_info(flags: u32) -> TypedParams as params;
    }
    served {
        ConnectGetUri() = uri() => |uri| Reply { uri };
        ConnectIsSecure() = is_secure() => |secure| Reply { secure: secure.to_wire() };
        NodeGetCpuMap(need_map: i32, need_online: i32, flags: u32) = cpu_map(flags) => |found| Reply {
            cpumap: if need_map == 0 { Vec::new() } else { found.map },
            online: if need_online == 0 { 0 } else { found.online },
            ret: found.present.to_wire(),
        };
    }
    by_hand {
        ConnectOpen => super::session::open;
        ConnectClose => super::session::close;
        ConnectSupportsFeature => super::session::supports_feature;
        ConnectSetIdentity => super::session::set_identity;
        ConnectRegisterCloseCallback => super::events::closing::register;
        ConnectUnregisterCloseCallback => super::events::closing::deregister;
    }
    client {
        fn uri(&self) -> BoxFuture<'_, Result<String>> {
            let uri = self.uri().to_owned();
            Box::pin(std::future::ready(Ok(uri)))
        }

        fn is_alive(&self) -> BoxFuture<'_, Result<bool>> {
            Box::pin(std::future::ready(Ok(self.is_open())))
        }

        fn is_encrypted(&self) -> BoxFuture<'_, Result<bool>> {
            Box::pin(std::future::ready(Ok(self.encrypts())))
        }

        fn is_secure(&self) -> BoxFuture<'_, Result<bool>> {
            Box::pin(async move {
                Ok(self.is_private() && self.call::<ConnectIsSecure>(()).await?.secure != 0)
            })
        }

        fn cpu_map(&self, flags: u32) -> BoxFuture<'_, Result<NodeCpuMap>> {
            let args = NodeGetCpuMapArgs { need_map: 1, need_online: 1, flags };
            Box::pin(async move {
                super::convert::Wire::from_wire(self.call::<NodeGetCpuMap>(args).await?)
            })
        }

        fn supports_feature(&self, feature: i32) -> BoxFuture<'_, Result<bool>> {
            let args = ConnectSupportsFeatureArgs { feature };
            Box::pin(async move { Ok(self.call::<ConnectSupportsFeature>(args).await?.supported != 0) })
        }

        fn subscribe_close(&self) -> BoxFuture<'_, Result<Subscription<CloseReason>>> {
            Box::pin(self.watch_close())
        }
    }
}
