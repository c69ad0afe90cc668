//! Which side of a domain a call is about: the running instance, the configuration, or both.

use std::sync::Arc;

use virt_conf::domain::Domain;
use virt_domain::{DomainHandle, JobContext, JobKind, JobSpec, Snapshot};
use virt_types::{Error, ErrorCode, ErrorDomain, Impact, Result};

/// A side of a domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// The running instance.
    Live,
    /// The configuration.
    Config,
}

/// The sides that a call is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sides {
    pub(super) live: bool,
    pub(super) config: bool,
}

impl Sides {
    /// What the flags mean for the domain as it is: without any it is the running instance, if there is one.
    ///
    /// # Errors
    /// `VIR_ERR_OPERATION_INVALID` for a side that the domain does not have.
    pub(super) fn of(snapshot: &Snapshot, impact: Impact) -> Result<Self> {
        let active = snapshot.is_active();
        let current = !impact.intersects(Impact::LIVE | Impact::CONFIG);
        let sides = Self {
            live: impact.contains(Impact::LIVE) || (current && active),
            config: impact.contains(Impact::CONFIG) || (current && !active),
        };
        if sides.live && !active {
            return Err(not_running());
        }
        if sides.config && !snapshot.is_persistent() {
            return Err(invalid("transient domains do not have any persistent config"));
        }
        Ok(sides)
    }
}

/// The one side that a question is about, and its document.
///
/// # Errors
/// As [`Sides::of`], and `VIR_ERR_INVALID_ARG` for a question about both.
pub(super) fn one(snapshot: &Snapshot, impact: Impact) -> Result<(Side, Arc<Domain>)> {
    not_both(impact)?;
    let sides = Sides::of(snapshot, impact)?;
    let (side, document) =
        if sides.live { (Side::Live, snapshot.live.clone()) } else { (Side::Config, config_of(snapshot)?) };
    document.map(|document| (side, document)).ok_or_else(not_running)
}

/// The configuration of a persistent domain.
pub(super) fn config_of(snapshot: &Snapshot) -> Result<Option<Arc<Domain>>> {
    snapshot.config.as_ref().map(|config| config.model()).transpose()
}

/// Refuses a question about both sides.
pub(super) fn not_both(impact: Impact) -> Result<()> {
    let live = (Impact::LIVE, "VIR_DOMAIN_AFFECT_LIVE");
    virt_driver::flags::exclusive(
        impact,
        live,
        (Impact::CONFIG, "VIR_DOMAIN_AFFECT_CONFIG"),
        ErrorDomain::Domain,
    )
}

/// The bits of a call's flags that say which side is meant.
pub(super) const fn impact_of(flags: u32) -> Impact {
    Impact::from_bits_truncate(flags)
}

/// Changes the document of each side as a job of its own; nothing is changed if one side refuses.
///
/// # Errors
/// As [`Sides::of`], and what `change` answers.
pub(super) async fn edit(
    domain: &DomainHandle,
    api: &'static str,
    impact: Impact,
    change: impl Fn(&mut Domain, Side) -> Result<()> + Send + Sync + 'static,
) -> Result<()> {
    edit_with(domain, JobSpec::any(api, JobKind::ModifyConfig), impact, change, |_, _| {}).await
}

/// The same as a job of another kind, and with something to do once all is changed.
pub(super) async fn edit_with(
    domain: &DomainHandle,
    spec: JobSpec,
    impact: Impact,
    change: impl Fn(&mut Domain, Side) -> Result<()> + Send + Sync + 'static,
    done: impl FnOnce(&JobContext, Sides) + Send + 'static,
) -> Result<()> {
    domain
        .job(spec, move |context| async move {
            let sides = Sides::of(&context.snapshot(), impact)?;
            apply(&context, sides, change).await?;
            done(&context, sides);
            Ok(())
        })
        .await
}

/// The changes of [`edit`], within a job.
pub(super) async fn apply(
    context: &JobContext,
    sides: Sides,
    change: impl Fn(&mut Domain, Side) -> Result<()> + Send + Sync,
) -> Result<()> {
    if sides.live {
        // Another process that holds the guest would overwrite what is changed here.
        context.running().await?;
    }
    if sides.live && sides.config {
        let config = config_of(&context.snapshot())?;
        if let Some(config) = config {
            change(&mut (*config).clone(), Side::Config)?;
        }
    }
    if sides.live {
        context.change_live(|live| change(live, Side::Live))?;
    }
    if sides.config {
        context.change_config(|config| change(config, Side::Config)).await?;
    }
    Ok(())
}

/// The refusal of a call that needs a running guest, in the API's name.
pub(super) fn not_running() -> Error {
    invalid("domain is not running")
}

fn invalid(words: &str) -> Error {
    Error::new(ErrorCode::OperationInvalid, ErrorDomain::Domain, words)
}
