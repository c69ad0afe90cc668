//! Where controllers are mounted: the table of mounts (proc_pid_mounts(5)).

use crate::{Controller, Error, Result};

/// Where controllers are mounted, as the table of mounts says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mounts {
    legacy: [Option<String>; Controller::ALL.len()],
    unified: Option<String>,
}

impl Mounts {
    /// Reads a table of mounts. Of several mounts of a controller the last one counts.
    ///
    /// ```
    /// use virt_cgroup::{Controller, Mounts};
    ///
    /// let table = "cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,cpuacct,cpu 0 0\n\
    ///              cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0";
    /// let mounts = Mounts::parse(table)?;
    /// assert_eq!(mounts.legacy(Controller::Cpu), Some("/sys/fs/cgroup/cpu,cpuacct"));
    /// assert_eq!(mounts.unified(), Some("/sys/fs/cgroup/unified"));
    /// # Ok::<(), virt_cgroup::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::None`] where no controller is mounted, nor v2.
    pub fn parse(table: &str) -> Result<Self> {
        let mut mounts = Self::default();
        for line in table.lines() {
            let mut fields = line.split_ascii_whitespace().skip(1);
            let (Some(place), Some(kind), Some(options)) = (fields.next(), fields.next(), fields.next())
            else {
                continue;
            };
            match kind {
                "cgroup" => mounts.take(&unescape(place), options),
                "cgroup2" => mounts.unified = Some(unescape(place)),
                _ => {}
            }
        }
        let limits = |controller: &Controller| *controller != Controller::Systemd;
        let any = Controller::ALL.iter().filter(|c| limits(c)).any(|c| mounts.legacy(*c).is_some());
        if any || mounts.unified.is_some() { Ok(mounts) } else { Err(Error::None) }
    }

    fn take(&mut self, place: &str, options: &str) {
        for (controller, mount) in Controller::ALL.into_iter().zip(&mut self.legacy) {
            if options.split(',').any(|option| option == controller.name()) {
                *mount = Some(place.to_owned());
            }
        }
    }

    /// Where v1 has a controller.
    #[must_use]
    pub fn legacy(&self, controller: Controller) -> Option<&str> {
        self.legacy.get(controller as usize)?.as_deref()
    }

    /// Where v2 is.
    #[must_use]
    pub fn unified(&self) -> Option<&str> {
        self.unified.as_deref()
    }
}

/// Undoes `\040` and the like, which stand for space, tab, newline and backslash.
fn unescape(field: &str) -> String {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..3).filter(|_| *first == b'\\');
        let code = digits
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match code {
            Some(code) => {
                bytes.push(code);
                rest = &after[3..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_mount_counts_and_names_are_whole() {
        let table = "\
tmpfs /sys/fs/cgroup tmpfs rw 0 0
cgroup /a/cpuset cgroup rw,cpuset 0 0
cgroup /b/my\\040cpuset cgroup rw,cpuset,clone_children 0 0
cgroup /a/systemd cgroup rw,xattr,name=systemd 0 0
broken
";
        let mounts = Mounts::parse(table).unwrap();
        assert_eq!(mounts.legacy(Controller::Cpuset), Some("/b/my cpuset"));
        assert_eq!(mounts.legacy(Controller::Cpu), None);
        assert_eq!(mounts.legacy(Controller::Systemd), Some("/a/systemd"));
        assert_eq!(mounts.unified(), None);
    }

    #[test]
    fn a_host_without_controllers_is_told() {
        for table in ["", "cgroup /a/systemd cgroup rw,name=systemd 0 0", "proc /proc proc rw 0 0"] {
            assert!(matches!(Mounts::parse(table), Err(Error::None)), "{table}");
        }
    }

    #[test]
    fn escapes_that_are_none_stay() {
        for (field, plain) in
            [("/a\\040b", "/a b"), ("/a\\", "/a\\"), ("/a\\9zz", "/a\\9zz"), ("\\134", "\\")]
        {
            assert_eq!(unescape(field), plain);
        }
    }
}
