//! The channel to QEMU's monitor.

use super::{FdSource, Monitor, Part, PlanContext, keyval};

/// The monitor's socket and the monitor itself; before them, what QEMU must not add on its own.
pub(super) fn monitor(cx: &mut PlanContext<'_>) {
    if !cx.domain.devices.iter().any(|device| device.kind().element() == "graphics") {
        cx.option("-display", "none");
    }
    cx.part(Part::Flag("-no-user-config"));
    cx.part(Part::Flag("-nodefaults"));
    let socket = match cx.monitor {
        Monitor::Path => {
            let path = cx.domain_dir().join("monitor.sock");
            format!("path={}", keyval(&path.to_string_lossy()))
        }
        Monitor::Descriptor => format!("fd={}", cx.fd(FdSource::Monitor)),
    };
    cx.part(Part::Chardev(format!("socket,id=charmonitor,{socket},server=on,wait=off")));
    cx.option("-mon", "chardev=charmonitor,id=monitor,mode=control");
}
