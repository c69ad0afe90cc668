//! How each kind of device is brought into a guest: one file each, of the same name as in virt-conf.

mod audio;
mod channel;
pub mod common;
mod console;
pub mod controller;
mod crypto;
pub mod disk;
mod filesystem;
mod graphics;
pub mod hostdev;
mod hub;
mod input;
pub mod interface;
mod iommu;
mod lease;
mod memballoon;
pub mod memory;
mod nvram;
mod panic;
mod parallel;
mod redirdev;
mod redirfilter;
mod rng;
mod serial;
mod shmem;
mod smartcard;
mod sound;
pub(crate) mod tpm;
mod video;
mod vsock;
mod watchdog;

use virt_conf::ParseFlags;
use virt_conf::domain::{Device, DeviceMut, DeviceRef, Domain, device};
use virt_types::Result;

use crate::caps::Capabilities;
use crate::plan::{DevicePlan, PlanContext};
use crate::policy::{AttachContext, Attachment};

/// What the QEMU driver knows while it completes or checks a domain.
#[derive(Debug, Clone, Copy)]
pub struct QemuContext<'a> {
    /// The domain; while a device is completed, without that one device.
    pub domain: &'a Domain,
    /// What the binary can do.
    pub caps: &'a Capabilities,
    /// The driver's settings.
    pub config: &'a crate::config::Config,
    /// The host.
    pub host: &'a crate::host::Host,
    /// What form of document is completed; [`ParseFlags::ABI_UPDATE`] lets a new guest have today's defaults.
    pub flags: ParseFlags,
}

/// What the driver asks of a kind of device. Defaults: nothing to add, nothing to refuse.
pub trait QemuDevice: Device {
    /// Adds QEMU's defaults.
    ///
    /// # Errors
    /// For what can not be completed.
    fn complete(&mut self, _cx: &QemuContext<'_>) -> Result<()> {
        Ok(())
    }

    /// Refuses what QEMU, or this build of it, can not do.
    ///
    /// # Errors
    /// With libvirt's code and sentence.
    fn check(&self, _cx: &QemuContext<'_>) -> Result<()> {
        Ok(())
    }

    /// What kind of place the device needs.
    fn attachment(&self, _cx: &AttachContext<'_>) -> Attachment {
        Attachment::default()
    }

    /// What the device adds to `-machine`, such as `nvdimm=on`.
    ///
    /// # Errors
    /// For what shows only now.
    fn machine_option(&self, _cx: &PlanContext<'_>) -> Result<Option<String>> {
        Ok(None)
    }

    /// What the device needs to be there.
    ///
    /// # Errors
    /// For what shows only now, such as a missing secret.
    fn plan(&self, cx: &mut PlanContext<'_>) -> Result<DevicePlan>;
}

macro_rules! expand_qemu_devices {
    ($($field:ident: $slot:ident $type:ident $element:literal;)+) => {
        /// Adds QEMU's defaults to a device of any kind.
        ///
        /// # Errors
        /// As [`QemuDevice::complete`].
        pub fn complete(device: &mut DeviceMut<'_>, cx: &QemuContext<'_>) -> Result<()> {
            match device { $(DeviceMut::$type(device) => QemuDevice::complete(*device, cx),)+ }
        }

        /// Refuses what QEMU can not do with a device of any kind.
        ///
        /// # Errors
        /// As [`QemuDevice::check`].
        pub fn check(device: DeviceRef<'_>, cx: &QemuContext<'_>) -> Result<()> {
            match device { $(DeviceRef::$type(device) => QemuDevice::check(device, cx),)+ }
        }

        /// What kind of place a device of any kind needs.
        #[must_use]
        pub fn attachment(device: DeviceRef<'_>, cx: &AttachContext<'_>) -> Attachment {
            match device { $(DeviceRef::$type(device) => QemuDevice::attachment(device, cx),)+ }
        }

        /// What a device of any kind adds to `-machine`.
        ///
        /// # Errors
        /// As [`QemuDevice::machine_option`].
        pub fn machine_option(device: DeviceRef<'_>, cx: &PlanContext<'_>) -> Result<Option<String>> {
            match device { $(DeviceRef::$type(device) => QemuDevice::machine_option(device, cx),)+ }
        }

        /// What a device of any kind needs to be there.
        ///
        /// # Errors
        /// As [`QemuDevice::plan`].
        pub fn plan(device: DeviceRef<'_>, cx: &mut PlanContext<'_>) -> Result<DevicePlan> {
            match device { $(DeviceRef::$type(device) => QemuDevice::plan(device, cx),)+ }
        }

        // A kind without a file here does not compile.
        const _: () = {
            const fn planned<T: QemuDevice>() {}
            $(planned::<device::$type>();)+
        };
    };
}

pub use audio::driver as audio_driver;

virt_conf::for_each_device!(expand_qemu_devices);
