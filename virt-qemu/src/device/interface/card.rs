//! The card: `-device`, or `-net nic` where the board has it.

use virt_conf::common::address::AddressType;
use virt_conf::domain::device::{Interface, InterfaceModel, KnownModel, Offloads, TeamingType, TxMode};
use virt_conf::domain::passes::address::Connect;
use virt_types::Result;

use super::{is_device, model_name, netdev};
use crate::device::common::{address, rom_props, virtio};
use crate::error::internal;
use crate::plan::{DevicePlan, Part, PlanContext, Props};
use crate::policy::{AttachContext, Attachment};

/// What kind of place a card needs.
pub(super) fn attachment(model: KnownModel, cx: &AttachContext<'_>) -> Attachment {
    match model {
        KnownModel::Virtio | KnownModel::VirtioNonTransitional => Attachment::virtio(cx.express()),
        KnownModel::VirtioTransitional => Attachment::virtio(AttachContext::CONVENTIONAL),
        KnownModel::E1000e | KnownModel::Igb => Attachment::pci(cx.express()),
        // QEMU could attach it to USB, libvirt does not.
        KnownModel::UsbNet => Attachment::pci(Connect::empty()),
        KnownModel::SpaprVlan => Attachment::default(),
        KnownModel::Netfront
        | KnownModel::Rtl8139
        | KnownModel::E1000
        | KnownModel::Lan9118
        | KnownModel::Smc91c111
        | KnownModel::Vlance
        | KnownModel::Vmxnet
        | KnownModel::Vmxnet2
        | KnownModel::Vmxnet3
        | KnownModel::Am79c970a
        | KnownModel::Am79c973
        | KnownModel::I82540em
        | KnownModel::I82545em
        | KnownModel::I82543gc => Attachment::pci(AttachContext::CONVENTIONAL),
    }
}

pub(super) fn plan(interface: &Interface, cx: &PlanContext<'_>, plan: &mut DevicePlan) -> Result<()> {
    let alias = interface.info.alias.clone().unwrap_or_default();
    let back_end = netdev::id(interface);
    let mac = interface.mac_text();
    if !is_device(interface, cx.domain) {
        if matches!(interface.source, virt_conf::domain::device::InterfaceSource::Vhostuser(_)) {
            return Err(internal("Nicdev support unavailable"));
        }
        let model = model_name(interface).map_or_else(String::new, |model| format!(",model={model}"));
        let nic = format!("nic,macaddr={mac},netdev={back_end}{model},id={alias}");
        plan.parts.push(Part::Option("-net", nic));
        return Ok(());
    }
    let props = match &interface.model {
        Some(model) if model.is_virtio() => virtio_props(interface, model)?,
        Some(model) => Props::new().str("driver", model.name()),
        None => return Err(internal("argument key 'driver' must not have null value")),
    };
    let props = props
        .str("netdev", back_end)
        .str("id", alias)
        .str("mac", mac)
        .opt_u64("bootindex", interface.info.effective_boot_order)
        .extend(address::props(cx.domain, &interface.info)?)
        .extend(rom_props(&interface.info)?);
    plan.device(&interface.info, props);
    Ok(())
}

fn virtio_props(interface: &Interface, model: &InterfaceModel) -> Result<Props> {
    let revision = match model {
        InterfaceModel::Known(KnownModel::VirtioTransitional) => virtio::Revision::Transitional,
        InterfaceModel::Known(KnownModel::VirtioNonTransitional) => virtio::Revision::NonTransitional,
        InterfaceModel::Known(_) | InterfaceModel::Other(_) => virtio::Revision::Any,
    };
    let driver = &interface.driver;
    let positive = |value: u32| Some(value).filter(|value| *value > 0);
    let many = driver.queues > 1;
    // Two vectors per pair of queues, one for changes of the configuration, one for control; channel devices of
    // s390 have no vectors.
    let vectors = (many && interface.info.address.kind() != AddressType::Ccw).then(|| 2 * driver.queues + 2);
    let tx = match driver.txmode {
        TxMode::Default => None,
        TxMode::Iothread => Some("bh"),
        TxMode::Timer => Some("timer"),
    };
    let failover = (interface.teaming == TeamingType::Persistent).then_some(true);
    Ok(virtio::props("virtio-net", revision, &interface.info, &interface.virtio)?
        .opt_str("tx", tx)
        .opt_bool("ioeventfd", driver.ioeventfd)
        .opt_bool("event_idx", driver.event_idx)
        .extend(host_offloads(&driver.host))
        .extend(guest_offloads(&driver.guest))
        .opt_bool("mq", many.then_some(true))
        .opt_u64("vectors", vectors)
        .opt_u64("rx_queue_size", positive(driver.rx_queue_size))
        .opt_u64("tx_queue_size", positive(driver.tx_queue_size))
        .opt_bool("rss", driver.rss)
        .opt_bool("hash", driver.rss_hash_report)
        .opt_u64("host_mtu", positive(interface.mtu))
        .opt_bool("failover", failover))
}

fn host_offloads(host: &Offloads) -> Props {
    Props::new()
        .opt_bool("csum", host.csum)
        .opt_bool("gso", host.gso)
        .opt_bool("host_tso4", host.tso4)
        .opt_bool("host_tso6", host.tso6)
        .opt_bool("host_ecn", host.ecn)
        .opt_bool("host_ufo", host.ufo)
        .opt_bool("mrg_rxbuf", host.mrg_rxbuf)
}

fn guest_offloads(guest: &Offloads) -> Props {
    Props::new()
        .opt_bool("guest_csum", guest.csum)
        .opt_bool("guest_tso4", guest.tso4)
        .opt_bool("guest_tso6", guest.tso6)
        .opt_bool("guest_ecn", guest.ecn)
        .opt_bool("guest_ufo", guest.ufo)
}
