//! Changes of a guest's limits, in its control group and in its documents.

use virt_cgroup::{Controller, Group};
use virt_conf::domain::Domain;
use virt_domain::{JobKind, JobSpec};
use virt_driver::{DomainEventKind, DomainRef};
use virt_types::{Error, ErrorCode, ErrorDomain, Impact, Result};

use super::super::refusal::{invalid, known};
use super::super::sides::{self, Side, Sides};
use super::super::{QemuConnection, hold};
use super::IMPACT;
use crate::process::QemuBackend;

/// Limits that a controller keeps, in libvirt's words where they can not be had.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Who keeps them.
    pub(super) controller: Controller,
    /// Where the guest is not under the controller.
    pub(super) unmounted: &'static str,
    /// Where the engine is a user's own.
    pub(super) session: Option<(ErrorCode, &'static str)>,
}

impl Limits {
    /// Refuses an engine that makes no groups.
    pub(super) fn check_session(self, connection: &QemuConnection) -> Result<()> {
        match self.session.filter(|_| !connection.backend.config().privileged) {
            Some((code, words)) => {
                Err(Error::new(code, ErrorDomain::Qemu, words).with_hint("use the host's own engine"))
            }
            None => Ok(()),
        }
    }

    /// The guest's group, if it is under the controller.
    pub(super) fn group(self, backend: &QemuBackend, live: &Domain) -> Result<Group> {
        let group = backend.control_group(live).filter(|group| group.has(self.controller));
        group.ok_or_else(|| {
            let hint = format!("mount the controller {}, and start the guest anew", self.controller);
            invalid(self.unmounted).with_hint(hint)
        })
    }
}

/// A change of limits.
pub(super) struct Change<S, D> {
    /// libvirt's names of the call, and of its driver's function.
    pub(super) names: (&'static str, &'static str),
    /// Which limits.
    pub(super) limits: Limits,
    /// Sets them in the group of a guest that runs, and says what subscribers are told.
    pub(super) set: S,
    /// Writes them into a document.
    pub(super) write: D,
}

impl<S, D> Change<S, D>
where
    S: FnOnce(&Group, &Domain) -> Result<Option<DomainEventKind>> + Send + 'static,
    D: Fn(&mut Domain, Side) -> Result<()> + Send + Sync + 'static,
{
    /// Makes the change on the sides that are meant: what a document refuses is refused before anything is set.
    pub(super) async fn make(
        self,
        connection: &QemuConnection,
        domain: &DomainRef,
        impact: Impact,
    ) -> Result<()> {
        let Self { names: (api, function), limits, set, write } = self;
        known(impact, IMPACT, function)?;
        let handle = connection.find(domain).await?;
        limits.check_session(connection)?;
        let backend = std::sync::Arc::clone(&connection.backend);
        handle
            .job(JobSpec::any(api, JobKind::ModifyConfig), move |context| async move {
                let snapshot = context.snapshot();
                let sides = Sides::of(&snapshot, impact)?;
                if let Some(config) = sides::config_of(&snapshot)?.filter(|_| sides.config) {
                    write(&mut (*config).clone(), Side::Config)?;
                }
                let mut event = None;
                if let Some(live) = snapshot.live.as_ref().filter(|_| sides.live) {
                    // Another process that holds the guest would overwrite what is changed here.
                    hold::guest(&context).await?;
                    write(&mut (**live).clone(), Side::Live)?;
                    let group = limits.group(&backend, live)?;
                    event = set(&group, live)?;
                }
                sides::apply(&context, sides, write).await?;
                if let Some(event) = event {
                    context.tell(event);
                }
                Ok(())
            })
            .await
    }
}
