//! The controllers that guests are limited by.

use std::fmt;

/// A controller, in libvirt's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Controller {
    /// Shares of processors.
    Cpu,
    /// Time on processors, counted.
    Cpuacct,
    /// Processors and memory nodes that may be used.
    Cpuset,
    /// Memory.
    Memory,
    /// Device nodes that may be opened.
    Devices,
    /// Stopping everything in a group.
    Freezer,
    /// Input and output of block devices.
    Blkio,
    /// Classes of packets.
    NetCls,
    /// Performance counters.
    PerfEvent,
    /// The hierarchy in which systemd keeps its units; nothing is limited in it.
    Systemd,
}

impl Controller {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Cpu,
        Self::Cpuacct,
        Self::Cpuset,
        Self::Memory,
        Self::Devices,
        Self::Freezer,
        Self::Blkio,
        Self::NetCls,
        Self::PerfEvent,
        Self::Systemd,
    ];

    /// Its name in v1, as a mount's option.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Cpuacct => "cpuacct",
            Self::Cpuset => "cpuset",
            Self::Memory => "memory",
            Self::Devices => "devices",
            Self::Freezer => "freezer",
            Self::Blkio => "blkio",
            Self::NetCls => "net_cls",
            Self::PerfEvent => "perf_event",
            Self::Systemd => "name=systemd",
        }
    }

    /// Its name in v2's `cgroup.controllers`.
    #[must_use]
    pub const fn unified_name(self) -> &'static str {
        match self {
            Self::Blkio => "io",
            other => other.name(),
        }
    }
}

impl fmt::Display for Controller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of controllers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Controllers(u16);

impl Controllers {
    /// What a thread can be limited by on its own.
    pub const OF_THREADS: Self =
        Self(1 << Controller::Cpu as u16 | 1 << Controller::Cpuacct as u16 | 1 << Controller::Cpuset as u16);

    /// Whether a controller is one of them.
    #[must_use]
    pub const fn contains(self, controller: Controller) -> bool {
        self.0 & (1 << controller as u16) != 0
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Adds one.
    pub const fn insert(&mut self, controller: Controller) {
        self.0 |= 1 << controller as u16;
    }

    /// Takes one out.
    pub const fn remove(&mut self, controller: Controller) {
        self.0 &= !(1 << controller as u16);
    }

    /// Those that are in both.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// They in libvirt's order.
    pub fn iter(self) -> impl Iterator<Item = Controller> {
        Controller::ALL.into_iter().filter(move |controller| self.contains(*controller))
    }
}

impl FromIterator<Controller> for Controllers {
    fn from_iter<T: IntoIterator<Item = Controller>>(controllers: T) -> Self {
        let mut set = Self::default();
        controllers.into_iter().for_each(|controller| set.insert(controller));
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_keep_the_order() {
        let mut set: Controllers = [Controller::Blkio, Controller::Cpu].into_iter().collect();
        assert_eq!(set.iter().collect::<Vec<_>>(), [Controller::Cpu, Controller::Blkio]);
        set.remove(Controller::Cpu);
        assert!(!set.contains(Controller::Cpu) && set.contains(Controller::Blkio) && !set.is_empty());
        assert!(set.intersection(Controllers::OF_THREADS).is_empty());
    }
}
