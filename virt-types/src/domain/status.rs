//! A state together with its reason, so that no impossible pair can be written down.

use super::state::{
    BlockedReason, CrashedReason, DomainState, NoStateReason, PausedReason, PmSuspendedReason, RunningReason,
    ShutdownReason, ShutoffReason,
};

macro_rules! status {
    ($($state:ident $reason:ident;)+) => {
        /// The state of a domain and why it is in it.
        ///
        /// ```
        /// use virt_types::{DomainState, DomainStatus, PausedReason};
        /// let status = DomainStatus::Paused(PausedReason::User);
        /// assert_eq!((status.state(), status.reason_number()), (DomainState::Paused, 1));
        /// assert_eq!(status.state_name(), "paused");
        /// ```
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum DomainStatus {
            $(#[doc = concat!("[`DomainState::", stringify!($state), "`] and its reason.")] $state($reason),)+
        }

        impl DomainStatus {
            /// The state alone.
            #[must_use]
            pub const fn state(self) -> DomainState {
                match self { $(Self::$state(_) => DomainState::$state,)+ }
            }

            /// The reason's number on the wire; its meaning depends on the state.
            #[must_use]
            pub const fn reason_number(self) -> i32 {
                match self { $(Self::$state(reason) => reason.number(),)+ }
            }

            /// The pair for two numbers from the wire, if both are known.
            #[must_use]
            pub fn from_numbers(state: i32, reason: i32) -> Option<Self> {
                match DomainState::from_number(state)? {
                    $(DomainState::$state => $reason::from_number(reason).map(Self::$state),)+
                }
            }

            /// The reason in the words of libvirt's status files and `virsh domstate --reason`, such as `booted`.
            #[must_use]
            pub fn reason_name(self) -> String {
                match self { $(Self::$state(reason) => reason.word(),)+ }
            }
        }
    };
}

status! {
    NoState NoStateReason;
    Running RunningReason;
    Blocked BlockedReason;
    Paused PausedReason;
    Shutdown ShutdownReason;
    Shutoff ShutoffReason;
    Crashed CrashedReason;
    PmSuspended PmSuspendedReason;
}

impl DomainStatus {
    /// The state in the words of libvirt's status files: `no state`, `running`, `blocked`, `paused`,
    /// `shutdown`, `shutoff`, `crashed`, `pmsuspended`.
    #[must_use]
    pub const fn state_name(self) -> &'static str {
        match self.state() {
            DomainState::NoState => "no state",
            DomainState::Running => "running",
            DomainState::Blocked => "blocked",
            DomainState::Paused => "paused",
            DomainState::Shutdown => "shutdown",
            DomainState::Shutoff => "shutoff",
            DomainState::Crashed => "crashed",
            DomainState::PmSuspended => "pmsuspended",
        }
    }

    /// Whether a hypervisor process exists for a domain in this state.
    #[must_use]
    pub const fn is_active(self) -> bool {
        !matches!(self.state(), DomainState::Shutoff | DomainState::Crashed | DomainState::NoState)
    }

    /// The pair for the words of a status file.
    #[must_use]
    pub fn from_names(state: &str, reason: &str) -> Option<Self> {
        (0..DomainState::ALL.len() as i32)
            .flat_map(|s| (0..32).filter_map(move |r| Self::from_numbers(s, r)))
            .find(|status| status.state_name() == state && status.reason_name() == reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_lead_back_to_the_same_status() {
        for state in DomainState::ALL {
            for reason in 0..32 {
                let Some(status) = DomainStatus::from_numbers(state.number(), reason) else { continue };
                assert_eq!(status.reason_number(), reason);
                assert_eq!(
                    DomainStatus::from_names(status.state_name(), &status.reason_name()),
                    Some(status)
                );
            }
        }
    }

    #[test]
    fn reason_words_are_those_of_status_files() {
        for (status, word) in [
            (DomainStatus::Paused(PausedReason::StartingUp), "starting up"),
            (DomainStatus::Running(RunningReason::FromSnapshot), "from snapshot"),
            (DomainStatus::Running(RunningReason::MigrationCanceled), "migration canceled"),
            (DomainStatus::Paused(PausedReason::Ioerror), "ioerror"),
            (DomainStatus::Shutoff(ShutoffReason::Daemon), "daemon"),
        ] {
            assert_eq!(status.reason_name(), word);
        }
    }
}
