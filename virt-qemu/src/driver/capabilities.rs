//! What the host and its emulators can do, as documents.

use std::path::Path;
use std::sync::Arc;

use virt_conf::capabilities as document;
use virt_conf::capabilities::Guest;
use virt_conf::domain::{Cpu, CpuMode, VirtType};
use virt_cpu::Description;
use virt_driver::CpuComparison;
use virt_host::{memory, sleep, topology, uuid};
use virt_types::{Arch, Error, ErrorCode, ErrorDomain, Result, TextEnum};

use super::QemuConnection;
use super::host::{self, EXPAND, FAIL_INCOMPATIBLE, MIGRATABLE, VALIDATE};
use crate::caps::Capabilities;
use crate::caps::domain_capabilities::Question;
use crate::caps::emulator::default_emulator;
use crate::process::QemuBackend;

/// How many binaries are asked at a time, where none has been asked before.
const AT_A_TIME: usize = 4;

/// What a client names of an emulator, and may leave out.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Named<'a> {
    pub(super) emulator: Option<&'a str>,
    pub(super) arch: Option<&'a str>,
    pub(super) machine: Option<&'a str>,
    pub(super) virt_type: Option<&'a str>,
}

/// The emulator that is meant.
struct Chosen {
    caps: Arc<Capabilities>,
    arch: Arch,
    virt_type: VirtType,
    machine: Option<String>,
}

fn invalid(detail: String) -> Error {
    Error::new(ErrorCode::InvalidArg, ErrorDomain::Qemu, detail)
}

fn unsupported(detail: String) -> Error {
    Error::new(ErrorCode::OperationUnsupported, ErrorDomain::Qemu, detail)
}

/// Whether a binary may be asked about guests of an architecture: both are of one family.
fn is_of_family(binary: Arch, guest: Arch) -> bool {
    let is_ppc = |arch: Arch| arch.is_ppc64() || matches!(arch, Arch::Ppc | Arch::Ppcle);
    binary == guest
        || (binary.is_x86() && guest.is_x86())
        || (binary.is_arm() && guest.is_arm())
        || (binary.is_s390() && guest.is_s390())
        || (is_ppc(binary) && is_ppc(guest))
}

impl QemuConnection {
    /// The emulator that is meant: what is left out is the host's architecture, the installed binary for it, the fastest
    /// accelerator and the machine that a domain gets which names none.
    async fn choose(&self, named: Named<'_>) -> Result<Chosen> {
        let host = self.backend.host().arch;
        let virt_type = named.virt_type.map(|text| {
            VirtType::from_text(text).ok_or_else(|| invalid(format!("unknown virttype: {text}")))
        });
        let virt_type = virt_type.transpose()?;
        let arch = match named.arch {
            None => host,
            Some(text) => Arch::from_text(text)
                .filter(|arch| *arch != Arch::None)
                .ok_or_else(|| invalid(format!("unknown architecture: {text}")))?,
        };
        let binary = match named.emulator {
            Some(path) => path.to_owned(),
            None => default_emulator(host, arch).ok_or_else(|| host::no_emulator(arch))?,
        };
        let caps = self.backend.capabilities_of(&binary).await?;
        if !is_of_family(caps.arch, arch) {
            let of_binary = caps.arch;
            return Err(invalid(format!(
                "architecture from emulator '{of_binary}' doesn't match given architecture '{arch}'"
            )));
        }
        let best = if caps.supports(VirtType::Kvm) { VirtType::Kvm } else { VirtType::Qemu };
        let virt_type = virt_type.unwrap_or(best);
        if virt_type == VirtType::Kvm && best != VirtType::Kvm {
            let error = invalid(format!("KVM is not supported by '{binary}' on this host"));
            return Err(match crate::host::kvm_refusal() {
                Some(refusal) => error.with_hint(refusal.hint),
                None => error,
            });
        }
        if !caps.supports(virt_type) {
            return Err(invalid(format!("Emulator '{binary}' does not support virt type '{virt_type}'")));
        }
        let machine = match named.machine {
            None => caps.default_machine(virt_type).map(|machine| machine.name.clone()),
            Some(name) => {
                let known = caps.machine(virt_type, name).ok_or_else(|| {
                    invalid(format!("the machine '{name}' is not supported by emulator '{binary}'"))
                        .with_nearest(name, caps.machine_names(virt_type))
                })?;
                Some(known.name.clone())
            }
        };
        Ok(Chosen { caps, arch, virt_type, machine })
    }

    pub(super) async fn domain_capabilities_of(&self, named: Named<'_>, flags: u32) -> Result<String> {
        host::only_flags(flags, 0, "qemuConnectGetDomainCapabilities")?;
        let Chosen { caps, arch, virt_type, machine } = self.choose(named).await?;
        let backend = Arc::clone(&self.backend);
        host::ask(move |_| {
            let question = Question {
                caps: &caps,
                host: backend.host(),
                arch,
                virt_type,
                machine: machine.as_deref(),
                kvm_max_vcpus: virt_sys::kvm::max_vcpus().unwrap_or(u32::MAX),
            };
            Ok(question.answer(&Path::exists).format())
        })
        .await
    }

    pub(super) async fn capabilities_of_host(&self) -> Result<String> {
        let arch = self.backend.host().arch;
        let cpu = host::host_cpu(arch).await?;
        let given = self.backend.config().host_uuid;
        let mut host = host::ask(move |root| {
            let (cache, memory_bandwidth) = topology::caches(root)?;
            Ok(document::Host {
                uuid: given.or_else(|| uuid::of_host(root)),
                cpu: document::HostCpu {
                    page_sizes: memory::page_sizes(root)?,
                    ..document::HostCpu::clone(&cpu)
                },
                power_management: sleep::states(root),
                iommu: topology::has_iommu(root),
                migration: Some(document::Migration { live: true, transports: vec!["tcp", "rdma"] }),
                cells: Some(topology::cells(root, arch)?),
                interconnects: topology::interconnects(root)?,
                cache,
                memory_bandwidth,
                security: Vec::new(),
            })
        })
        .await?;
        host.security.push(document::SecurityModel {
            model: self.backend.config().security_model.clone(),
            doi: "0".to_owned(),
            base_labels: Vec::new(),
        });
        let guests = guests(&self.backend, arch).await;
        Ok(document::Capabilities { host, guests }.format())
    }

    pub(super) async fn compare_hypervisor(
        &self,
        named: Named<'_>,
        xml: &str,
        flags: u32,
    ) -> Result<CpuComparison> {
        host::only_flags(flags, FAIL_INCOMPATIBLE | VALIDATE, "qemuConnectCompareHypervisorCPU")?;
        let Chosen { caps, arch, virt_type, .. } = self.choose(named).await?;
        let cpu = caps.host_model(virt_type, self.backend.host().arch).ok_or_else(|| {
            let binary = &caps.binary;
            unsupported(format!(
                "QEMU '{binary}' does not support reporting CPU model for virttype '{virt_type}'"
            ))
        })?;
        if arch.is_s390() {
            return compare_models(&caps, &cpu, xml, flags).await;
        }
        if !arch.is_x86() {
            let detail = format!("comparing with the hypervisor CPU is not supported for arch {arch}");
            return Err(unsupported(detail));
        }
        let offered = Description { host: false, arch, cpu };
        host::compare_with(arch, Some(&offered), xml, flags)
    }

    pub(super) async fn baseline_hypervisor(
        &self,
        named: Named<'_>,
        xmls: &[String],
        flags: u32,
    ) -> Result<String> {
        host::some_cpus(xmls, "virConnectBaselineHypervisorCPU")?;
        host::only_flags(flags, EXPAND | MIGRATABLE, "qemuConnectBaselineHypervisorCPU")?;
        let cpus: Vec<Description> = xmls
            .iter()
            .map(|xml| Description::parse(xml).map_err(|error| host::of_cpu(&error)))
            .collect::<Result<_>>()?;
        let Chosen { caps, arch, virt_type, .. } = self.choose(named).await?;
        let models = caps.hypervisor_models(virt_type);
        if models.is_empty() {
            let binary = &caps.binary;
            return Err(unsupported(format!(
                "QEMU '{binary}' does not support any CPU models for virttype '{virt_type}'"
            )));
        }
        if arch.is_s390() {
            let cpus: Vec<Cpu> = cpus.into_iter().map(|description| description.cpu).collect();
            return caps.baseline_by_binary(&cpus, &models, flags & EXPAND != 0).await;
        }
        if !arch.is_x86() {
            let detail = format!("computing baseline hypervisor CPU is not supported for arch {arch}");
            return Err(unsupported(detail));
        }
        let migratable = flags & MIGRATABLE != 0;
        let features = caps.cpu_features(virt_type, migratable);
        // QEMU's own word on what can be moved is better than the table's.
        let by_table = migratable && !caps.tells_migratability(virt_type);
        let mut cpu = virt_cpu::hypervisor_baseline(arch, &cpus, &models, features.as_deref(), by_table)?;
        if flags & EXPAND != 0 {
            virt_cpu::expand(arch, &mut cpu)?;
        }
        Ok(cpu.to_xml())
    }
}

/// Compares a model with what the binary offers, by its own word.
async fn compare_models(caps: &Capabilities, offered: &Cpu, xml: &str, flags: u32) -> Result<CpuComparison> {
    let mut wanted = Description::parse(xml).map_err(|error| host::of_cpu(&error))?.cpu;
    if wanted.model.is_none() {
        let own = match wanted.mode {
            CpuMode::HostPassthrough => "host",
            CpuMode::Maximum => "max",
            CpuMode::Custom | CpuMode::HostModel => {
                return Err(invalid("cpu parameter is missing a model name".to_owned()));
            }
        };
        wanted.model = Some(own.to_owned());
    }
    let comparison = caps.compare_by_binary(offered, &wanted).await?;
    host::comparison(comparison, flags)
}

/// A guest for each architecture that an installed binary runs.
async fn guests(backend: &Arc<QemuBackend>, host: Arch) -> Vec<Guest> {
    let binaries: Vec<(Arch, String)> = Arch::SPELLINGS
        .iter()
        .filter_map(|(arch, _)| Some((*arch, default_emulator(host, *arch)?)))
        .collect();
    let mut guests = Vec::new();
    for some in binaries.chunks(AT_A_TIME) {
        let asked: Vec<_> = some
            .iter()
            .map(|(arch, binary)| {
                let (backend, arch, binary) = (Arc::clone(backend), *arch, binary.clone());
                tokio::spawn(async move { (arch, backend.capabilities_of(&binary).await) })
            })
            .collect();
        for answer in asked {
            match answer.await {
                Ok((arch, Ok(caps))) => guests.push(caps.guest(arch)),
                Ok((arch, Err(error))) => log::warn!("no guests of {arch}: {}", error.report()),
                Err(error) => log::error!("a binary could not be asked: {error}"),
            }
        }
    }
    guests
}
