//! Processors and memory nodes that may be used, as lists such as `0-3,8`.

use crate::{Controller, Group, Result, Version};

impl Group {
    /// The processors; empty in v2 where nothing was said.
    ///
    /// # Errors
    /// Without the controller.
    pub fn cpus(&self) -> Result<String> {
        let (_, dir) = self.place(Controller::Cpuset)?;
        self.get(&dir.join("cpuset.cpus"))
    }

    /// Sets the processors.
    ///
    /// # Errors
    /// Without the controller; when the kernel refuses.
    pub fn set_cpus(&self, cpus: &str) -> Result<()> {
        let (_, dir) = self.place(Controller::Cpuset)?;
        self.put(&dir.join("cpuset.cpus"), cpus)
    }

    /// The memory nodes.
    ///
    /// # Errors
    /// As [`Group::cpus`].
    pub fn mems(&self) -> Result<String> {
        let (_, dir) = self.place(Controller::Cpuset)?;
        self.get(&dir.join("cpuset.mems"))
    }

    /// Sets the memory nodes.
    ///
    /// # Errors
    /// As [`Group::set_cpus`].
    pub fn set_mems(&self, mems: &str) -> Result<()> {
        let (_, dir) = self.place(Controller::Cpuset)?;
        self.put(&dir.join("cpuset.mems"), mems)
    }

    /// Lets memory that is there already follow the nodes; v2 always does.
    ///
    /// # Errors
    /// As [`Group::set_cpus`].
    pub fn set_memory_migrate(&self, migrate: bool) -> Result<()> {
        match self.place(Controller::Cpuset)? {
            (Version::Unified, _) => Ok(()),
            (Version::Legacy, dir) => {
                self.put(&dir.join("cpuset.memory_migrate"), if migrate { "1" } else { "0" })
            }
        }
    }

    /// Whether memory follows the nodes.
    ///
    /// # Errors
    /// As [`Group::cpus`].
    pub fn memory_migrate(&self) -> Result<bool> {
        match self.place(Controller::Cpuset)? {
            (Version::Unified, _) => Ok(true),
            (Version::Legacy, dir) => Ok(self.number::<u64>(&dir.join("cpuset.memory_migrate"))? != 0),
        }
    }
}
