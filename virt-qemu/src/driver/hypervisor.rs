//! Calls on the hypervisor and its host.

use virt_driver::{BoxFuture, CpuComparison, Hypervisor, NodeCpuMap, NodeInfo, NodeStat, SecurityModel};
use virt_host::{cpu, memory, sleep, sysinfo};
use virt_types::{Arch, Error, ErrorCode, ErrorDomain, Result, TextEnum, TypedParams};

use super::QemuConnection;
use super::capabilities::Named;
use super::host;
use super::refusal::no_flags;
use crate::caps::emulator::default_emulator;

/// The release of the API whose features are there: libvirt 9.0.0.
pub const API_VERSION: u64 = 9_000_000;

impl Hypervisor for QemuConnection {
    fn type_name(&self) -> BoxFuture<'_, Result<String>> {
        Box::pin(async { Ok("QEMU".to_owned()) })
    }

    fn version(&self) -> BoxFuture<'_, Result<u64>> {
        Box::pin(async {
            let arch = self.backend.host().arch;
            let binary = default_emulator(arch, arch).ok_or_else(|| host::no_emulator(arch))?;
            Ok(u64::from(self.backend.capabilities_of(&binary).await?.version))
        })
    }

    fn lib_version(&self) -> BoxFuture<'_, Result<u64>> {
        Box::pin(async { Ok(API_VERSION) })
    }

    fn hostname(&self) -> BoxFuture<'_, Result<String>> {
        Box::pin(async { Ok(virt_sys::host::hostname()) })
    }

    fn uri(&self) -> BoxFuture<'_, Result<String>> {
        Box::pin(async { Ok(self.uri.clone()) })
    }

    fn max_vcpus<'a>(&'a self, virt_type: Option<&'a str>) -> BoxFuture<'a, Result<u32>> {
        Box::pin(async move {
            match virt_type {
                None => Ok(16),
                Some(name) if name.eq_ignore_ascii_case("qemu") => Ok(16),
                Some(name) if name.eq_ignore_ascii_case("kvm") => {
                    host::ask(|_| Ok(virt_sys::kvm::max_vcpus())).await?.ok_or_else(host::no_kvm)
                }
                Some(other) => {
                    let detail = format!("unknown type '{other}'");
                    Err(Error::new(ErrorCode::InvalidArg, ErrorDomain::Qemu, detail))
                }
            }
        })
    }

    fn capabilities(&self) -> BoxFuture<'_, Result<String>> {
        Box::pin(self.capabilities_of_host())
    }

    fn domain_capabilities<'a>(
        &'a self,
        emulator: Option<&'a str>,
        arch: Option<&'a str>,
        machine: Option<&'a str>,
        virt_type: Option<&'a str>,
        flags: u32,
    ) -> BoxFuture<'a, Result<String>> {
        Box::pin(self.domain_capabilities_of(Named { emulator, arch, machine, virt_type }, flags))
    }

    fn compare_hypervisor_cpu<'a>(
        &'a self,
        emulator: Option<&'a str>,
        arch: Option<&'a str>,
        machine: Option<&'a str>,
        virt_type: Option<&'a str>,
        xml: &'a str,
        flags: u32,
    ) -> BoxFuture<'a, Result<CpuComparison>> {
        Box::pin(self.compare_hypervisor(Named { emulator, arch, machine, virt_type }, xml, flags))
    }

    fn baseline_hypervisor_cpu<'a>(
        &'a self,
        emulator: Option<&'a str>,
        arch: Option<&'a str>,
        machine: Option<&'a str>,
        virt_type: Option<&'a str>,
        xmls: &'a [String],
        flags: u32,
    ) -> BoxFuture<'a, Result<String>> {
        Box::pin(self.baseline_hypervisor(Named { emulator, arch, machine, virt_type }, xmls, flags))
    }

    fn node_info(&self) -> BoxFuture<'_, Result<NodeInfo>> {
        Box::pin(host::node_info(self.backend.host().arch))
    }

    fn free_memory(&self) -> BoxFuture<'_, Result<u64>> {
        Box::pin(host::ask(memory::free))
    }

    fn cells_free_memory(&self, start: i32, count: i32) -> BoxFuture<'_, Result<Vec<u64>>> {
        Box::pin(host::ask(move |root| memory::cells_free(root, start, count)))
    }

    fn cpu_stats(&self, cpu: i32, flags: u32) -> BoxFuture<'_, Result<Vec<NodeStat>>> {
        Box::pin(host::cpu_stats(cpu, flags))
    }

    fn memory_stats(&self, cell: i32, flags: u32) -> BoxFuture<'_, Result<Vec<NodeStat>>> {
        Box::pin(host::memory_stats(cell, flags))
    }

    fn free_pages<'a>(
        &'a self,
        sizes: &'a [u32],
        start: i32,
        count: u32,
        flags: u32,
    ) -> BoxFuture<'a, Result<Vec<u64>>> {
        Box::pin(async move {
            host::only_flags(flags, 0, "qemuNodeGetFreePages")?;
            let sizes = sizes.to_vec();
            host::ask(move |root| memory::free_pages(root, &sizes, start, count)).await
        })
    }

    fn allocate_pages<'a>(
        &'a self,
        sizes: &'a [u32],
        counts: &'a [u64],
        start: i32,
        count: u32,
        flags: u32,
    ) -> BoxFuture<'a, Result<u32>> {
        Box::pin(async move {
            /// `VIR_NODE_ALLOC_PAGES_SET`
            const SET: u32 = 1;
            host::only_flags(flags, SET, "qemuNodeAllocPages")?;
            let pages: Vec<(u32, u64)> = sizes.iter().copied().zip(counts.iter().copied()).collect();
            host::ask(move |root| memory::allocate(root, &pages, start, count, flags & SET == 0)).await
        })
    }

    fn cpu_map(&self, flags: u32) -> BoxFuture<'_, Result<NodeCpuMap>> {
        Box::pin(async move {
            let (present, online) = host::ask(move |root| cpu::map(root, flags)).await?;
            let mut map = vec![0; online.iter().last().map_or(0, |last| last as usize / 8 + 1)];
            online.iter().for_each(|cpu| map[cpu as usize / 8] |= 1 << (cpu % 8));
            let count = u32::try_from(online.0.len()).unwrap_or(u32::MAX);
            Ok(NodeCpuMap { present, online: count, map })
        })
    }

    fn security_model(&self) -> BoxFuture<'_, Result<SecurityModel>> {
        let model = self.backend.config().security_model.clone();
        Box::pin(async { Ok(SecurityModel { model, doi: "0".to_owned() }) })
    }

    fn memory_parameters(&self, flags: u32) -> BoxFuture<'_, Result<TypedParams>> {
        Box::pin(host::ask(move |root| memory::parameters(root, flags)))
    }

    fn set_memory_parameters<'a>(&'a self, params: &'a TypedParams, flags: u32) -> BoxFuture<'a, Result<()>> {
        let params = params.clone();
        Box::pin(host::ask(move |root| memory::set_parameters(root, &params, flags)))
    }

    fn suspend_host(&self, target: u32, duration: u64, flags: u32) -> BoxFuture<'_, Result<()>> {
        Box::pin(host::ask(move |root| sleep::suspend(root, target, duration, flags)))
    }

    fn sysinfo(&self, flags: u32) -> BoxFuture<'_, Result<String>> {
        Box::pin(async move {
            host::only_flags(flags, 0, "qemuConnectGetSysinfo")?;
            let arch = self.backend.host().arch;
            let found = host::ask(move |root| Ok(sysinfo::read(root, arch))).await?;
            match found {
                Ok(sysinfo) => Ok(sysinfo.format()),
                Err(error) => {
                    Err(Error::new(ErrorCode::ConfigUnsupported, ErrorDomain::Qemu, error.to_string()))
                }
            }
        })
    }

    fn cpu_models<'a>(&'a self, arch: &'a str, flags: u32) -> BoxFuture<'a, Result<Vec<String>>> {
        Box::pin(async move {
            host::only_flags(flags, 0, "qemuConnectGetCPUModelNames")?;
            let known = Arch::from_text(arch).filter(|arch| *arch != Arch::None);
            let known = known.ok_or_else(|| {
                let detail = format!("cannot find architecture {arch}");
                Error::new(ErrorCode::InvalidArg, ErrorDomain::Qemu, detail)
            })?;
            Ok(virt_cpu::models(known)?.into_iter().map(str::to_owned).collect())
        })
    }

    fn compare_cpu<'a>(&'a self, xml: &'a str, flags: u32) -> BoxFuture<'a, Result<CpuComparison>> {
        Box::pin(host::compare(self.backend.host().arch, xml, flags))
    }

    fn baseline_cpu<'a>(&'a self, xmls: &'a [String], flags: u32) -> BoxFuture<'a, Result<String>> {
        Box::pin(async move { host::baseline(xmls, flags) })
    }

    fn is_alive(&self) -> BoxFuture<'_, Result<bool>> {
        Box::pin(async { Ok(true) })
    }

    fn is_encrypted(&self) -> BoxFuture<'_, Result<bool>> {
        Box::pin(async { Ok(false) })
    }

    fn is_secure(&self) -> BoxFuture<'_, Result<bool>> {
        // Nothing leaves this process.
        Box::pin(async { Ok(true) })
    }

    fn domain_xml_to_native<'a>(
        &'a self,
        format: &'a str,
        xml: &'a str,
        flags: u32,
    ) -> BoxFuture<'a, Result<String>> {
        Box::pin(async move {
            no_flags(flags, "qemuConnectDomainXMLToNative")?;
            if format != "qemu-argv" {
                let detail = format!("unsupported config type {format}");
                return Err(Error::new(ErrorCode::InvalidArg, ErrorDomain::Qemu, detail));
            }
            Ok(self.backend.plan(xml).await?.to_shell())
        })
    }
}
