//! Ports of virtio-serial controllers.

use virt_conf::Result;
use virt_conf::domain::Domain;

pub(super) fn assign(_domain: &mut Domain) -> Result<()> {
    Ok(())
}
