//! Which domains a listing holds.

use virt_types::{DomainState, ListFlags};

use crate::Snapshot;

/// Whether a domain matches: in every group of flags in which one is set, it must match one of them.
///
/// Snapshots and checkpoints are not kept here: a domain counts as having none.
#[must_use]
pub(crate) fn matches(
    snapshot: &Snapshot,
    has_managed_save: impl FnOnce() -> bool,
    flags: ListFlags,
) -> bool {
    let state = snapshot.status.state();
    let pair = |yes: ListFlags, no: ListFlags, is: bool| {
        let asked = flags & (yes | no);
        asked.is_empty() || asked.contains(if is { yes } else { no })
    };
    let states = ListFlags::RUNNING | ListFlags::PAUSED | ListFlags::SHUTOFF | ListFlags::OTHER;
    let state_flag = match state {
        DomainState::Running => ListFlags::RUNNING,
        DomainState::Paused => ListFlags::PAUSED,
        DomainState::Shutoff => ListFlags::SHUTOFF,
        _ => ListFlags::OTHER,
    };
    let saves = ListFlags::MANAGEDSAVE | ListFlags::NO_MANAGEDSAVE;
    pair(ListFlags::ACTIVE, ListFlags::INACTIVE, snapshot.is_active())
        && pair(ListFlags::PERSISTENT, ListFlags::TRANSIENT, snapshot.is_persistent())
        && (!flags.intersects(states) || flags.contains(state_flag))
        && pair(ListFlags::AUTOSTART, ListFlags::NO_AUTOSTART, snapshot.autostart)
        && pair(ListFlags::HAS_SNAPSHOT, ListFlags::NO_SNAPSHOT, false)
        && pair(ListFlags::HAS_CHECKPOINT, ListFlags::NO_CHECKPOINT, false)
        && (!flags.intersects(saves)
            || pair(ListFlags::MANAGEDSAVE, ListFlags::NO_MANAGEDSAVE, has_managed_save()))
}
