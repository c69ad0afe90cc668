//! In which group a process is, under each controller: `/proc/PID/cgroup` (cgroups(7)).

use crate::Controller;

/// The groups of a process.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Placement {
    legacy: [Option<String>; Controller::ALL.len()],
    unified: Option<String>,
}

impl Placement {
    /// Reads the kernel's lines, `number:controllers:path`.
    ///
    /// ```
    /// use virt_cgroup::{Controller, Placement};
    ///
    /// let placement = Placement::parse("3:cpu,cpuacct:/system\n0::/init.scope\n");
    /// assert_eq!(placement.legacy(Controller::Cpuacct), Some("/system"));
    /// assert_eq!(placement.unified(), Some("/init.scope"));
    /// ```
    #[must_use]
    pub fn parse(lines: &str) -> Self {
        let mut placement = Self::default();
        for line in lines.lines() {
            let mut fields = line.splitn(3, ':').skip(1);
            let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else { continue };
            if controllers.is_empty() {
                placement.unified.get_or_insert_with(|| path.to_owned());
                continue;
            }
            for (controller, place) in Controller::ALL.into_iter().zip(&mut placement.legacy) {
                if controllers.split(',').any(|name| name == controller.name()) {
                    place.get_or_insert_with(|| path.to_owned());
                }
            }
        }
        placement
    }

    /// The group under a controller of v1.
    #[must_use]
    pub fn legacy(&self, controller: Controller) -> Option<&str> {
        self.legacy.get(controller as usize)?.as_deref()
    }

    /// The group of v2.
    #[must_use]
    pub fn unified(&self) -> Option<&str> {
        self.unified.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_may_hold_colons() {
        let placement = Placement::parse("9:name=systemd:/a:b\n4:memory:/x\nrubbish\n2:hugetlb:/\n");
        assert_eq!(placement.legacy(Controller::Systemd), Some("/a:b"));
        assert_eq!(placement.legacy(Controller::Memory), Some("/x"));
        assert_eq!(placement.legacy(Controller::Cpu), None);
        assert_eq!(placement.unified(), None);
    }
}
