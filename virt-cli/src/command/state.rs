//! States in the words that people know from `virsh`.

use virt_core::{DomainState, DomainStatus};

/// The state, as `virsh list` has it.
pub(crate) const fn words(status: DomainStatus) -> &'static str {
    match status.state() {
        DomainState::NoState => "no state",
        DomainState::Running => "running",
        DomainState::Blocked => "idle",
        DomainState::Paused => "paused",
        DomainState::Shutdown => "in shutdown",
        DomainState::Shutoff => "shut off",
        DomainState::Crashed => "crashed",
        DomainState::PmSuspended => "pmsuspended",
    }
}
