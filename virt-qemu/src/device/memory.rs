//! `<memory>` modules as backends and devices.

use virt_conf::ParseFlags;
use virt_conf::common::Address;
use virt_conf::domain::device::{MemoryDevice, MemoryKind, MemoryModel};
use virt_types::Result;

use super::common::address;
use super::{QemuContext, QemuDevice};
use crate::caps::Cap;
use crate::error::{unsupported, xml_error};
use crate::plan::memory_backend::{self, Backend};
use crate::plan::{DevicePlan, Part, PlanContext, Props};
use crate::policy::{AttachContext, Attachment};

/// What memory of POWER guests is aligned to, KiB.
pub const POWER_ALIGN: u64 = 256 * 1024;

impl QemuDevice for MemoryDevice {
    fn complete(&mut self, cx: &QemuContext<'_>) -> Result<()> {
        if !cx.domain.os.arch.is_ppc64() {
            return Ok(());
        }
        if let MemoryKind::Nvdimm { uuid: uuid @ None, .. } = &mut self.kind {
            *uuid = Some(super::common::new_uuid()?);
        }
        // An existing guest keeps the sizes that it was started with.
        if cx.flags.contains(ParseFlags::ABI_UPDATE) {
            align_on_power(self)?;
        }
        Ok(())
    }

    fn check(&self, cx: &QemuContext<'_>) -> Result<()> {
        let refuse = |what: &str| Err(unsupported(format!("{what} isn't supported by this QEMU binary")));
        match &self.kind {
            MemoryKind::Dimm(_) if !cx.caps.has(Cap::PcDimm) => refuse("memory hotplug"),
            MemoryKind::Nvdimm { .. } if !cx.caps.has(Cap::Nvdimm) => refuse("nvdimm"),
            MemoryKind::Nvdimm { readonly: true, .. } if !cx.caps.has(Cap::NvdimmUnarmed) => {
                Err(unsupported("nvdimm readonly property is not available with this QEMU binary"))
            }
            MemoryKind::VirtioPmem { .. } if !cx.caps.has(Cap::VirtioPmemPci) => refuse("virtio-pmem"),
            MemoryKind::VirtioMem { .. } if !cx.caps.has(Cap::VirtioMemPci) => refuse("virtio-mem"),
            MemoryKind::SgxEpc { .. } if !cx.caps.has(Cap::SgxEpc) => refuse("sgx epc"),
            MemoryKind::SgxEpc { nodes } => {
                let sections = &cx.caps.sgx_sections;
                if sections.is_empty() {
                    return Err(unsupported("this QEMU version didn't provide SGX EPC NUMA info"));
                }
                let nodes = nodes.as_ref().map_or_else(|| vec![0], |nodes| nodes.iter().collect());
                for node in nodes {
                    let there = sections.iter().find(|(of, _)| *of == node).map_or(0, |(_, size)| *size);
                    if self.size > there {
                        return Err(unsupported(format!(
                            "sgx epc size {there} on host node {node} is less than requested size {}",
                            self.size
                        )));
                    }
                }
                Ok(())
            }
            MemoryKind::Dimm(_)
            | MemoryKind::Nvdimm { .. }
            | MemoryKind::VirtioPmem { .. }
            | MemoryKind::VirtioMem { .. } => Ok(()),
        }
    }

    fn attachment(&self, cx: &AttachContext<'_>) -> Attachment {
        match self.model() {
            MemoryModel::VirtioPmem | MemoryModel::VirtioMem => Attachment::virtio(cx.express()),
            MemoryModel::Dimm | MemoryModel::Nvdimm | MemoryModel::SgxEpc => Attachment::default(),
        }
    }

    fn machine_option(&self, cx: &PlanContext<'_>) -> Result<Option<String>> {
        Ok(match self.model() {
            MemoryModel::Nvdimm => Some("nvdimm=on".to_owned()),
            MemoryModel::SgxEpc => {
                let enclaves = cx.domain.devices.memories.iter();
                let mut enclaves = enclaves.filter(|module| module.model() == MemoryModel::SgxEpc);
                let number = enclaves.position(|module| std::ptr::eq(module, self)).unwrap_or(0);
                let alias = self.info.alias.as_deref().unwrap_or_default();
                let node = self.node.unwrap_or(0);
                Some(format!("sgx-epc.{number}.memdev=mem{alias},sgx-epc.{number}.node={node}"))
            }
            MemoryModel::Dimm | MemoryModel::VirtioPmem | MemoryModel::VirtioMem => None,
        })
    }

    fn plan(&self, cx: &mut PlanContext<'_>) -> Result<DevicePlan> {
        let mut plan = DevicePlan::default();
        let alias = self.info.alias.clone().unwrap_or_default();
        let memdev = format!("mem{alias}");
        let backend = Backend {
            node: self.node,
            access: self.access,
            discard: self.discard,
            module: Some(self.kind.clone()),
            file: Some(alias.clone()),
            ..Backend::new(&memdev, self.size)
        };
        plan.parts.extend(memory_backend::parts(cx, &backend)?);
        let positive = |value: u64| Some(value).filter(|value| *value > 0);
        let (driver, before, after) = match &self.kind {
            MemoryKind::Dimm(_) => ("pc-dimm", Props::new(), Props::new()),
            MemoryKind::Nvdimm { uuid, label, readonly, .. } => {
                let props = Props::new()
                    .opt_u64("label-size", positive(label * 1024))
                    .opt_str("uuid", uuid.map(|uuid| uuid.to_string()))
                    .opt_bool("unarmed", readonly.then_some(true));
                ("nvdimm", props, Props::new())
            }
            MemoryKind::VirtioPmem { base, .. } => {
                ("virtio-pmem-pci", Props::new(), Props::new().opt_u64("memaddr", positive(*base)))
            }
            MemoryKind::VirtioMem { block, requested, base, .. } => {
                let prealloc =
                    cx.caps.has(Cap::VirtioMemPciPrealloc) && memory_backend::preallocates(cx, &backend)?;
                let before = Props::new()
                    .opt_u64("block-size", positive(block * 1024))
                    .opt_u64("requested-size", positive(requested * 1024));
                let after = Props::new()
                    .opt_bool("prealloc", prealloc.then_some(true))
                    .opt_u64("memaddr", positive(*base));
                ("virtio-mem-pci", before, after)
            }
            // The machine's own options place it.
            MemoryKind::SgxEpc { .. } => return Ok(plan),
        };
        let props = Props::new()
            .str("driver", driver)
            .opt_u64("node", self.node)
            .extend(before)
            .str("memdev", memdev)
            .extend(after)
            .str("id", alias);
        plan.parts.push(Part::Device(props.extend(address::props(cx.domain, &self.info)?)));
        Ok(plan)
    }
}

/// Rounds the size of a module of a POWER guest.
///
/// # Errors
/// For persistent memory that is too small.
pub fn align_on_power(module: &mut MemoryDevice) -> Result<()> {
    let MemoryKind::Nvdimm { label, .. } = module.kind else {
        module.size = module.size.next_multiple_of(POWER_ALIGN);
        return Ok(());
    };
    // Rounded down, so that the guest does not write past the end of the file.
    let visible = module.size.saturating_sub(label);
    if visible < POWER_ALIGN {
        return Err(xml_error("minimum target size for the NVDIMM must be 256MB plus the label size"));
    }
    module.size = visible / POWER_ALIGN * POWER_ALIGN + label;
    Ok(())
}

/// Whether a module has a place that its model can have.
///
/// # Errors
/// `VIR_ERR_CONFIG_UNSUPPORTED` for an address of another kind, and a slot that there is not.
pub fn check_place(module: &MemoryDevice, slots: u32) -> Result<()> {
    let model = module.model();
    match (model, &module.info.address) {
        (_, Address::None)
        | (MemoryModel::VirtioPmem | MemoryModel::VirtioMem, Address::Pci(_))
        | (MemoryModel::SgxEpc, _) => Ok(()),
        (MemoryModel::Dimm | MemoryModel::Nvdimm, Address::Dimm(dimm)) if dimm.slot < slots => Ok(()),
        (MemoryModel::Dimm | MemoryModel::Nvdimm, Address::Dimm(dimm)) => {
            Err(unsupported(format!("memory device slot '{}' exceeds slots count '{slots}'", dimm.slot)))
        }
        (MemoryModel::Dimm | MemoryModel::Nvdimm, _) => {
            Err(unsupported("only 'dimm' addresses are supported for the pc-dimm device"))
        }
        (MemoryModel::VirtioPmem | MemoryModel::VirtioMem, _) => {
            Err(unsupported(format!("only 'pci' addresses are supported for the {model} device")))
        }
    }
}
