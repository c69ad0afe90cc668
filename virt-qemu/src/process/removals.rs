//! Who waits for a guest to let go of a device.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// What came of the wish that a device goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Removal {
    /// The guest has let it go.
    Gone,
    /// The guest keeps it.
    Refused,
}

/// The waiting calls, by the device's alias.
#[derive(Debug, Default)]
pub(crate) struct Removals(Mutex<HashMap<String, oneshot::Sender<Removal>>>);

impl Removals {
    /// From now on what becomes of a device is told here.
    pub(crate) fn expect(&self, alias: &str) -> oneshot::Receiver<Removal> {
        let (sender, receiver) = oneshot::channel();
        self.lock().insert(alias.to_owned(), sender);
        receiver
    }

    /// Nobody waits any longer: from now on the engine is told.
    pub(crate) fn forget(&self, alias: &str) {
        self.lock().remove(alias);
    }

    /// Whether somebody waited for this.
    pub(super) fn tell(&self, alias: &str, removal: Removal) -> bool {
        self.lock().remove(alias).is_some_and(|waiting| waiting.send(removal).is_ok())
    }

    // What is done under it is one insertion or removal.
    fn lock(&self) -> MutexGuard<'_, HashMap<String, oneshot::Sender<Removal>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_who_waits_is_told_once_and_others_never() {
        let removals = Removals::default();
        assert!(!removals.tell("net0", Removal::Gone));
        let mut waits = removals.expect("net0");
        assert!(!removals.tell("net1", Removal::Gone));
        assert!(removals.tell("net0", Removal::Refused));
        assert_eq!(waits.try_recv(), Ok(Removal::Refused));
        assert!(!removals.tell("net0", Removal::Gone));
        let waits = removals.expect("net0");
        removals.forget("net0");
        assert!(!removals.tell("net0", Removal::Gone));
        drop(waits);
        drop(removals.expect("net0"));
        assert!(!removals.tell("net0", Removal::Gone), "who went away does not wait");
    }
}
