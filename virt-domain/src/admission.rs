//! Which job may begin: a pure function of what runs and what waits.

use virt_types::{Error, ErrorCode, ErrorDomain};

use crate::job::{Held, JobKind, Lane};

/// What the domain must be for a job to make sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Needs {
    /// Anything.
    #[default]
    Nothing,
    /// It must be active.
    Active,
    /// It must not be active; the words for a domain that is.
    Inactive(&'static str),
}

/// The answer to a job that wants to begin.
#[derive(Debug)]
pub enum Admission {
    /// It begins now.
    Run,
    /// It waits for what is in its way.
    Wait,
    /// It makes no sense, now or later.
    Refuse(Error),
}

/// What is known of a domain when a job asks.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// Whether it is active.
    pub active: bool,
    /// What runs.
    pub held: &'a Held,
    /// What waits in front of this job, in order.
    pub ahead: &'a [JobKind],
    /// How many jobs may wait; 0 is no limit.
    pub max_queued: usize,
}

/// Decides about a job of this kind. `refusals` is the error domain for refusals in the driver's name.
#[must_use]
pub fn admit(kind: JobKind, needs: Needs, refusals: ErrorDomain, at: Situation<'_>) -> Admission {
    if blocker(kind, at.held).is_some() || is_behind(kind, at.ahead) {
        let full = at.max_queued != 0 && at.ahead.len() >= at.max_queued;
        // A start or a destroy is never turned away for the length of the queue.
        return if full && !matches!(kind, JobKind::Destroy | JobKind::Long(_)) {
            Admission::Refuse(Error::new(
                ErrorCode::OperationFailed,
                ErrorDomain::None,
                format!("cannot acquire state change lock{} due to max_queued limit", held_by(kind, at.held)),
            ))
        } else {
            Admission::Wait
        };
    }
    match needs {
        // Nothing else may have ended it meanwhile: the question is asked again when the job's turn has come.
        Needs::Active if !at.active => Admission::Refuse(not_running()),
        Needs::Inactive(words) if at.active => {
            Admission::Refuse(Error::new(ErrorCode::OperationInvalid, refusals, words))
        }
        Needs::Nothing | Needs::Active | Needs::Inactive(_) => Admission::Run,
    }
}

/// The refusal of a call that needs a running guest.
pub(crate) fn not_running() -> Error {
    Error::new(ErrorCode::OperationInvalid, ErrorDomain::Domain, "domain is not running")
}

/// The running job that keeps one of this kind from beginning.
#[must_use]
pub fn blocker(kind: JobKind, held: &Held) -> Option<&crate::ActiveJob> {
    held.iter().find(|job| conflicts(kind, job.kind))
}

/// Whether two jobs exclude each other; `kind` wants to begin while `running` runs.
fn conflicts(kind: JobKind, running: JobKind) -> bool {
    match (kind, running) {
        (JobKind::HandOver, _) | (_, JobKind::HandOver) => true,
        // The stuck job that it overtakes is what a destroy is often for.
        (JobKind::Destroy, running) => running == JobKind::Destroy,
        (JobKind::Config | JobKind::ModifyConfig, JobKind::Config)
        | (JobKind::Config, JobKind::ModifyConfig) => true,
        (JobKind::Long(_), running) => matches!(running.lane(), Lane::Hypervisor | Lane::Long),
        (kind, JobKind::Long(long)) => !long.allows(kind),
        (kind, running) => kind.lane() == running.lane(),
    }
}

/// Whether one that waits must go first: those that exclude each other begin in the order in which they came.
fn is_behind(kind: JobKind, ahead: &[JobKind]) -> bool {
    kind != JobKind::Destroy
        && ahead.iter().any(|waiting| conflicts(kind, *waiting) || conflicts(*waiting, kind))
}

/// Who is in the way, in libvirt's words: ` (held by monitor=virDomainShutdown)`.
#[must_use]
pub fn held_by(kind: JobKind, held: &Held) -> String {
    match blocker(kind, held) {
        None => String::new(),
        Some(job) if job.kind.lane() == Lane::Agent => format!(" (held by agent={})", job.api),
        Some(job) => format!(" (held by monitor={})", job.api),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ActiveJob;
    use crate::job::LongJob;
    use tokio::time::Instant;

    fn held(kinds: &[JobKind]) -> Held {
        let mut held = Held::default();
        for (number, kind) in kinds.iter().enumerate() {
            held.begin(ActiveJob {
                number: number as u64,
                api: "virDomainHolder",
                kind: *kind,
                since: Instant::now(),
            });
        }
        held
    }

    fn ask(kind: JobKind, running: &[JobKind], ahead: &[JobKind]) -> bool {
        let held = held(running);
        let at = Situation { active: true, held: &held, ahead, max_queued: 0 };
        match admit(kind, Needs::Nothing, ErrorDomain::Qemu, at) {
            Admission::Run => true,
            Admission::Wait => false,
            Admission::Refuse(error) => panic!("{kind:?} beside {running:?}: {error}"),
        }
    }

    const START: JobKind = JobKind::Long(LongJob::Start);
    const SAVE: JobKind = JobKind::Long(LongJob::Save);
    const DUMP: JobKind = JobKind::Long(LongJob::Dump);
    const BACKUP: JobKind = JobKind::Long(LongJob::Backup);

    const KINDS: [JobKind; 14] = [
        JobKind::Query,
        JobKind::Modify,
        JobKind::ModifyConfig,
        JobKind::Config,
        JobKind::Suspend,
        JobKind::Abort,
        JobKind::Destroy,
        JobKind::AgentQuery,
        JobKind::AgentModify,
        START,
        SAVE,
        DUMP,
        BACKUP,
        JobKind::HandOver,
    ];

    /// One row per running job, one column per job that asks, in the order of `KINDS`: `r` runs, `.` waits.
    const TABLE: [(JobKind, &str); 14] = [
        //                      QMmcSADaaSSDBH
        (JobKind::Query, /*  */ "...r..rrr....."),
        (JobKind::Modify, /* */ "...r..rrr....."),
        (JobKind::ModifyConfig, "......rrr....."),
        (JobKind::Config, /* */ "rr..rrrrrrrrr."),
        (JobKind::Suspend, /**/ "...r..rrr....."),
        (JobKind::Abort, /*  */ "...r..rrr....."),
        (JobKind::Destroy, /**/ "...r...rr....."),
        (JobKind::AgentQuery, "rrrrrrr..rrrr."),
        (JobKind::AgentModify, "rrrrrrr..rrrr."),
        (START, /*           */ "...r..rrr....."),
        (SAVE, /*            */ "r..r.rrrr....."),
        (DUMP, /*            */ "r..rrrrrr....."),
        (BACKUP, /*          */ "rrrrrrrrr....."),
        (JobKind::HandOver, /**/ ".............."),
    ];

    #[test]
    fn every_pair_of_jobs() {
        for (running, row) in TABLE {
            let got: String =
                KINDS.iter().map(|kind| if ask(*kind, &[running], &[]) { 'r' } else { '.' }).collect();
            assert_eq!(got, row, "beside {running:?}");
        }
    }

    #[test]
    fn everything_begins_on_a_free_domain() {
        assert!(KINDS.iter().all(|kind| ask(*kind, &[], &[])));
    }

    #[test]
    fn those_that_exclude_each_other_keep_their_order() {
        // A query could run beside the save, but a modify that waits for it came first.
        assert!(ask(JobKind::Query, &[SAVE], &[]));
        assert!(!ask(JobKind::Query, &[SAVE], &[JobKind::Modify]));
        assert!(!ask(JobKind::Modify, &[], &[JobKind::HandOver]));
        // Other lanes and a destroy go past.
        assert!(ask(JobKind::AgentQuery, &[SAVE], &[JobKind::Modify]));
        assert!(ask(JobKind::Config, &[SAVE], &[JobKind::Modify]));
        assert!(ask(JobKind::Destroy, &[JobKind::Modify, START], &[JobKind::Modify, JobKind::HandOver]));
    }

    #[test]
    fn state_is_looked_at_only_when_the_turn_has_come() {
        let busy = held(&[START]);
        let at = |held, active| Situation { active, held, ahead: &[], max_queued: 0 };
        let refused = |needs, at| match admit(JobKind::Modify, needs, ErrorDomain::Qemu, at) {
            Admission::Refuse(error) => Some((error.domain(), error.to_string())),
            Admission::Run | Admission::Wait => None,
        };
        assert_eq!(refused(Needs::Active, at(&busy, false)), None);
        let free = Held::default();
        assert_eq!(
            refused(Needs::Active, at(&free, false)),
            Some((ErrorDomain::Domain, "Requested operation is not valid: domain is not running".into()))
        );
        assert_eq!(refused(Needs::Active, at(&free, true)), None);
        let inactive = Needs::Inactive("cannot rename active domain");
        assert_eq!(
            refused(inactive, at(&free, true)),
            Some((ErrorDomain::Qemu, "Requested operation is not valid: cannot rename active domain".into()))
        );
    }

    #[test]
    fn a_full_queue_turns_away_all_but_starts_and_ends() {
        let running = held(&[JobKind::Modify]);
        let at = Situation { active: true, held: &running, ahead: &[JobKind::Modify], max_queued: 1 };
        let Admission::Refuse(error) = admit(JobKind::Query, Needs::Nothing, ErrorDomain::Qemu, at) else {
            panic!("the queue is full")
        };
        assert_eq!(error.code(), ErrorCode::OperationFailed);
        assert_eq!(
            error.detail(),
            "cannot acquire state change lock (held by monitor=virDomainHolder) due to max_queued limit"
        );
        assert!(matches!(admit(START, Needs::Nothing, ErrorDomain::Qemu, at), Admission::Wait));
        assert!(matches!(admit(JobKind::Destroy, Needs::Nothing, ErrorDomain::Qemu, at), Admission::Run));
    }

    #[test]
    fn the_holder_is_named_by_lane() {
        assert_eq!(held_by(JobKind::Modify, &held(&[JobKind::Query])), " (held by monitor=virDomainHolder)");
        assert_eq!(
            held_by(JobKind::AgentQuery, &held(&[JobKind::AgentModify])),
            " (held by agent=virDomainHolder)"
        );
        assert_eq!(held_by(JobKind::Query, &held(&[START])), " (held by monitor=virDomainHolder)");
        assert_eq!(held_by(JobKind::Query, &held(&[])), "");
    }
}
