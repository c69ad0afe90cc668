//! `<video>` as graphics devices.

use virt_conf::common::Address;
use virt_conf::domain::device::{Video, VideoBackend, VideoModel};
use virt_conf::domain::passes::address::Connect;
use virt_types::{Error, ErrorCode, ErrorDomain, Result};

use super::common::{address, vhost_user_chardev, virtio};
use super::{QemuContext, QemuDevice};
use crate::caps::{Cap, Capabilities};
use crate::error::{internal, unsupported, xml_error};
use crate::machine;
use crate::plan::{DevicePlan, FdSource, Part, PlanContext, Props};
use crate::policy::{AttachContext, Attachment};

/// The largest memory whose size in bytes fits QEMU's property, KiB.
const MAX_MEMORY: u32 = u32::MAX / 1024;

impl QemuDevice for Video {
    fn complete(&mut self, cx: &QemuContext<'_>) -> Result<()> {
        if self.model == VideoModel::Default {
            self.model = default_model(cx);
        }
        if self.model == VideoModel::Qxl && self.vgamem == 0 {
            self.vgamem = 16 * 1024;
        }
        Ok(())
    }

    fn check(&self, cx: &QemuContext<'_>) -> Result<()> {
        let model = self.model;
        if model == VideoModel::None {
            return Ok(());
        }
        if !model_cap(model).is_some_and(|cap| cx.caps.has(cap)) {
            return Err(unsupported(format!("domain configuration does not support video model '{model}'")));
        }
        if !matches!(model, VideoModel::Qxl | VideoModel::Virtio) {
            if !self.primary {
                return Err(unsupported(format!(
                    "video type '{model}' is only valid as primary video device"
                )));
            }
            if self.heads != 1 {
                return Err(unsupported(format!("video type '{model}' doesn't support multiple 'heads'")));
            }
        }
        self.check_memory()?;
        self.check_rendering(cx)
    }

    fn attachment(&self, cx: &AttachContext<'_>) -> Attachment {
        match self.model {
            VideoModel::Virtio => Attachment::virtio(cx.express()),
            VideoModel::Bochs => Attachment::pci(cx.express()),
            VideoModel::Vga
            | VideoModel::Cirrus
            | VideoModel::Vmvga
            | VideoModel::Xen
            | VideoModel::Vbox
            | VideoModel::Qxl
            | VideoModel::Parallels => Attachment::pci(AttachContext::CONVENTIONAL),
            VideoModel::Default | VideoModel::Gop => Attachment::pci(Connect::empty()),
            VideoModel::None | VideoModel::Ramfb => Attachment::default(),
        }
    }

    fn plan(&self, cx: &mut PlanContext<'_>) -> Result<DevicePlan> {
        let mut plan = DevicePlan::default();
        if self.model == VideoModel::None {
            return Ok(plan);
        }
        let id = self.info.alias.clone().unwrap_or_default();
        let vhost_user = self.backend == Some(VideoBackend::Vhostuser);
        if vhost_user {
            let drawn = self.acceleration.as_ref().filter(|acceleration| acceleration.accel3d == Some(true));
            let render = drawn.and_then(|acceleration| {
                acceleration.rendernode.clone().or_else(|| cx.host.render_node.clone())
            });
            let fd = cx.fd(FdSource::VhostUserGpu { device: id.clone(), render: render.map(Into::into) });
            plan.parts.push(Part::Chardev(format!("socket,id={},fd={fd}", vhost_user_chardev(&id))));
        }
        let mut props = self.driver_props(cx.caps)?.str("id", id.clone());
        if matches!(self.model, VideoModel::Qxl | VideoModel::Virtio) {
            props = props.opt_u64("max_outputs", Some(self.heads).filter(|heads| *heads > 0));
        }
        props = match self.model {
            VideoModel::Qxl => props
                .opt_u64("ram_size", positive(u64::from(self.ram) * 1024))
                .opt_u64("vram_size", positive(u64::from(self.vram) * 1024))
                .u64("vram64_size_mb", self.vram64 / 1024)
                .u64("vgamem_mb", self.vgamem / 1024),
            _ if vhost_user => props.str("chardev", vhost_user_chardev(&id)),
            VideoModel::Vga | VideoModel::Vmvga => {
                props.opt_u64("vgamem_mb", positive(u64::from(self.vram) / 1024))
            }
            VideoModel::Bochs => props.opt_u64("vgamem", positive(u64::from(self.vram) * 1024)),
            VideoModel::Virtio => props.opt_bool("blob", self.blob),
            _ => props,
        };
        if let Some((x, y)) = self.resolution {
            props = props.u64("xres", x).u64("yres", y);
        }
        plan.device(&self.info, props.extend(address::props(cx.domain, &self.info)?));
        Ok(plan)
    }
}

trait Rules {
    fn check_memory(&self) -> Result<()>;
    fn check_rendering(&self, cx: &QemuContext<'_>) -> Result<()>;
    fn driver_props(&self, caps: &Capabilities) -> Result<Props>;
}

impl Rules for Video {
    fn check_memory(&self) -> Result<()> {
        if self.model == VideoModel::Qxl {
            for (name, value) in [("vram", self.vram), ("ram", self.ram)] {
                if value > MAX_MEMORY {
                    let detail = format!("value for '{name}' must be less than '{MAX_MEMORY}'");
                    return Err(Error::new(ErrorCode::Overflow, ErrorDomain::Qemu, detail));
                }
            }
            if self.vgamem != 0 && self.vgamem < 1024 {
                return Err(unsupported("value for 'vgamem' must be at least 1 MiB (1024 KiB)"));
            }
            if self.vgamem != 0 && !self.vgamem.is_power_of_two() {
                return Err(unsupported("value for 'vgamem' must be power of two"));
            }
        }
        let sized =
            matches!(self.model, VideoModel::Vga | VideoModel::Qxl | VideoModel::Virtio | VideoModel::Bochs);
        if self.resolution.is_some() && !sized {
            return Err(xml_error("model resolution is not supported"));
        }
        if matches!(self.model, VideoModel::Vga | VideoModel::Vmvga) && (1..1024).contains(&self.vram) {
            return Err(unsupported("value for 'vram' must be at least 1 MiB (1024 KiB)"));
        }
        Ok(())
    }

    fn check_rendering(&self, cx: &QemuContext<'_>) -> Result<()> {
        let acceleration = self.acceleration.clone().unwrap_or_default();
        if acceleration.accel2d == Some(true) {
            return Err(unsupported("qemu does not support the accel2d setting"));
        }
        if self.backend == Some(VideoBackend::Vhostuser) {
            if self.model == VideoModel::Virtio && !cx.caps.has(Cap::VhostUserGpu) {
                return Err(unsupported("this QEMU does not support 'vhost-user' video device"));
            }
        } else if acceleration.accel3d == Some(true) {
            if self.model != VideoModel::Virtio {
                return Err(unsupported("3d acceleration is supported only with 'virtio' video device"));
            }
            let caps = [Cap::VirtioGpuVirgl, Cap::VirtioGpuGlPci, Cap::VirtioVgaGl];
            if !caps.into_iter().any(|cap| cx.caps.has(cap)) {
                return Err(unsupported("3d acceleration is not supported by this QEMU binary"));
            }
        }
        if self.blob.is_some() && !cx.caps.has(Cap::VirtioGpuBlob) {
            return Err(unsupported("this QEMU does not support 'blob' for virtio-gpu devices"));
        }
        if self.model == VideoModel::Ramfb && self.info.address != Address::None {
            return Err(unsupported("'address' is not supported for 'ramfb' video devices"));
        }
        Ok(())
    }

    fn driver_props(&self, caps: &Capabilities) -> Result<Props> {
        let accelerated =
            self.acceleration.as_ref().is_some_and(|acceleration| acceleration.accel3d == Some(true));
        let vhost_user = self.backend == Some(VideoBackend::Vhostuser);
        let vga = self.primary
            && match (self.model, vhost_user) {
                (VideoModel::Virtio, true) => caps.has(Cap::VhostUserVga),
                (VideoModel::Virtio, false) => caps.has(Cap::VirtioVga),
                _ => true,
            };
        // A device with VGA compatibility is taken where there is one: firmware and boot loaders need it.
        let plain = |name: &str| Ok(Props::new().str("driver", name));
        let on_bus = |name: &str| virtio::props(name, virtio::Revision::Any, &self.info, &self.virtio);
        let virgl = match (&self.acceleration, vhost_user, caps.has(Cap::VirtioGpuVirgl)) {
            (Some(acceleration), false, true) => Props::new().opt_bool("virgl", acceleration.accel3d),
            _ => Props::new(),
        };
        match (self.model, vga, vhost_user) {
            (_, true, true) => plain("vhost-user-vga"),
            (_, false, true) => on_bus("vhost-user-gpu"),
            (VideoModel::Virtio, true, false) => {
                let gl = accelerated && caps.has(Cap::VirtioVgaGl);
                let props = plain(if gl { "virtio-vga-gl" } else { "virtio-vga" })?;
                Ok(props.extend(virtio::option_props(&self.virtio)).extend(virgl))
            }
            (VideoModel::Virtio, false, false) => {
                let gl = accelerated && caps.has(Cap::VirtioGpuGlPci);
                Ok(on_bus(if gl { "virtio-gpu-gl" } else { "virtio-gpu" })?.extend(virgl))
            }
            (VideoModel::Qxl, true, false) => plain("qxl-vga"),
            (VideoModel::Qxl, false, false) => plain("qxl"),
            (VideoModel::Vga, true, false) => plain("VGA"),
            (VideoModel::Cirrus, true, false) => plain("cirrus-vga"),
            (VideoModel::Vmvga, true, false) => plain("vmware-svga"),
            (VideoModel::Bochs, true, false) => plain("bochs-display"),
            (VideoModel::Ramfb, true, false) => plain("ramfb"),
            _ => Err(internal(format!("invalid model for video type '{}'", self.model))),
        }
    }
}

/// The capability behind a model; models without one are of other hypervisors.
const fn model_cap(model: VideoModel) -> Option<Cap> {
    match model {
        VideoModel::Vga => Some(Cap::Vga),
        VideoModel::Cirrus => Some(Cap::CirrusVga),
        VideoModel::Vmvga => Some(Cap::VmwareSvga),
        VideoModel::Qxl => Some(Cap::Qxl),
        VideoModel::Virtio => Some(Cap::VirtioGpu),
        VideoModel::Bochs => Some(Cap::BochsDisplay),
        VideoModel::Ramfb => Some(Cap::Ramfb),
        VideoModel::Default
        | VideoModel::Xen
        | VideoModel::Vbox
        | VideoModel::Parallels
        | VideoModel::Gop
        | VideoModel::None => None,
    }
}

fn default_model(cx: &QemuContext<'_>) -> VideoModel {
    let domain = cx.domain;
    if domain.os.arch.is_ppc64() {
        VideoModel::Vga
    } else if machine::is_arm_virt(domain) || machine::is_riscv_virt(domain) || domain.os.arch.is_s390() {
        VideoModel::Virtio
    } else if cx.caps.has(Cap::CirrusVga) {
        VideoModel::Cirrus
    } else if cx.caps.has(Cap::Vga) {
        VideoModel::Vga
    } else {
        VideoModel::Default
    }
}

fn positive(value: u64) -> Option<u64> {
    Some(value).filter(|value| *value > 0)
}
