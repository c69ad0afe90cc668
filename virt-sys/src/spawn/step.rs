use std::fmt;

/// What a child was doing when it failed, in the order in which it does them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
#[non_exhaustive]
pub enum Step {
    /// Creating the process.
    Clone = 1,
    /// Becoming the leader of a new session.
    Session,
    /// Mapping the user and the group into the user namespace.
    IdMap,
    /// Making the mounts private, or mounting `/proc`.
    Mount,
    /// Making the pid file.
    PidFile,
    /// The pid file is locked by a running process.
    PidFileLocked,
    /// Writing one of the files of [`write_file`](super::Spawn::write_file).
    WriteFile,
    /// Setting the nice value.
    Nice,
    /// Binding to processors.
    Affinity,
    /// Putting the descriptors at their numbers.
    Descriptors,
    /// Setting a resource limit.
    Limit,
    /// Setting the supplementary groups.
    Groups,
    /// Setting the group.
    Group,
    /// Setting the user.
    User,
    /// Binding its life to the parent's.
    ParentDeath,
    /// Changing the working directory.
    Directory,
    /// Executing the program.
    Exec,
}

impl Step {
    const ALL: [Self; 17] = [
        Self::Clone,
        Self::Session,
        Self::IdMap,
        Self::Mount,
        Self::PidFile,
        Self::PidFileLocked,
        Self::WriteFile,
        Self::Nice,
        Self::Affinity,
        Self::Descriptors,
        Self::Limit,
        Self::Groups,
        Self::Group,
        Self::User,
        Self::ParentDeath,
        Self::Directory,
        Self::Exec,
    ];

    pub(super) fn from_raw(raw: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|step| *step as i32 == raw)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Clone => "create a process",
            Self::Session => "start a new session",
            Self::IdMap => "map the user into the user namespace",
            Self::Mount => "set the mount namespace up",
            Self::PidFile => "make the pid file",
            Self::PidFileLocked => "take the pid file over from the running process that holds it",
            Self::WriteFile => "write a file of the process",
            Self::Nice => "set the nice value",
            Self::ParentDeath => "bind its life to the parent's",
            Self::Affinity => "bind to the processors",
            Self::Descriptors => "arrange the file descriptors",
            Self::Limit => "set a resource limit",
            Self::Groups => "set the supplementary groups",
            Self::Group => "change the group",
            Self::User => "change the user",
            Self::Directory => "change to the working directory",
            Self::Exec => "execute the program",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Step;

    #[test]
    fn every_number_is_known() {
        for (index, step) in Step::ALL.into_iter().enumerate() {
            assert_eq!(step as usize, index + 1);
            assert_eq!(Step::from_raw(step as i32), Some(step));
        }
        assert_eq!(Step::from_raw(0), None);
        assert_eq!(Step::from_raw(Step::Exec as i32 + 1), None);
    }
}
