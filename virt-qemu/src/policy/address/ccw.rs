//! Channel devices of s390 guests.

use virt_conf::Result;
use virt_conf::common::Address;
use virt_conf::common::address::Ccw;
use virt_conf::domain::Domain;
use virt_conf::domain::passes::address::CcwSet;

use super::virtio;
use crate::machine;
use crate::policy::QemuPolicy;

pub(super) fn assign(domain: &mut Domain, policy: &QemuPolicy<'_>) -> Result<()> {
    if !machine::is_s390_ccw(domain) {
        return Ok(());
    }
    virtio::attach(domain, policy, &Address::Ccw(Ccw::default()), true);
    let visits = domain.placed_visits();
    let mut set = CcwSet::default();
    for (kind, position) in &visits {
        if let Some(info) = domain.devices.info_mut(*kind, *position)
            && let Address::Ccw(ccw) = info.address
        {
            set.reserve(ccw)?;
        }
    }
    for (kind, position) in visits {
        if let Some(info) = domain.devices.info_mut(kind, position)
            && info.address == Address::Ccw(Ccw { at: None })
        {
            info.address = Address::Ccw(set.assign()?);
        }
    }
    Ok(())
}
