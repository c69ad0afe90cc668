//! Stopping, and ending, everything in a group.

use std::collections::BTreeSet;

use virt_sys::{Pid, PidFd, Signal};

use crate::{Controller, Group, Result, Version};

impl Group {
    /// Stops everything in the group, or lets it go on.
    ///
    /// # Errors
    /// Without the controller; when the kernel refuses.
    pub fn set_frozen(&self, frozen: bool) -> Result<()> {
        let (version, dir) = self.place(Controller::Freezer)?;
        let (key, value) = match (version, frozen) {
            (Version::Legacy, true) => ("freezer.state", "FROZEN"),
            (Version::Legacy, false) => ("freezer.state", "THAWED"),
            (Version::Unified, true) => ("cgroup.freeze", "1"),
            (Version::Unified, false) => ("cgroup.freeze", "0"),
        };
        self.put(&dir.join(key), value)
    }

    /// Whether everything in it is stopped, or about to be.
    ///
    /// # Errors
    /// Without the controller.
    pub fn is_frozen(&self) -> Result<bool> {
        let (version, dir) = self.place(Controller::Freezer)?;
        Ok(match version {
            Version::Legacy => self.get(&dir.join("freezer.state"))? != "THAWED",
            Version::Unified => self.get(&dir.join("cgroup.freeze"))? != "0",
        })
    }

    /// Ends every process of the group itself; those that they start meanwhile too. Tells how many there were.
    pub fn kill(&self) -> usize {
        let mut seen = BTreeSet::new();
        loop {
            let new: Vec<u32> = self.processes().into_iter().filter(|pid| seen.insert(*pid)).collect();
            if new.is_empty() {
                return seen.len();
            }
            for pid in new.into_iter().filter_map(|pid| Pid::from_raw(i32::try_from(pid).ok()?)) {
                // One that is gone by now is what was wanted.
                if let Err(error) = PidFd::open(pid).and_then(|process| process.send_signal(Signal::KILL)) {
                    log::debug!("the process {pid} of the group {} is not ended: {error}", self.path());
                }
            }
        }
    }
}
