//! The whole plan, in the order in which libvirt tells QEMU of a guest.

use virt_conf::domain::Domain;
use virt_types::Result;

use super::{Monitor, Plan, PlanContext};
use crate::caps::Capabilities;
use crate::config::Config;
use crate::device;
use crate::host::Host;

/// Plans the start of a filled and validated domain.
///
/// # Errors
/// For what shows only now, such as a missing secret.
pub fn build(
    domain: &Domain,
    caps: &Capabilities,
    config: &Config,
    host: &Host,
    monitor: Monitor,
) -> Result<Plan> {
    let mut cx = PlanContext { monitor, ..PlanContext::new(domain, caps, config, host) };
    cx.plan.program.clone_from(&caps.binary);
    for device in domain.devices.iter() {
        let plan = device::plan(device, &mut cx)?;
        cx.plan.needs.extend(plan.needs);
        cx.plan.parts.extend(plan.parts);
    }
    Ok(cx.plan)
}
