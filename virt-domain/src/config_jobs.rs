//! The jobs that change what is on the disk of a domain: its configuration, its name, its link.

use virt_conf::domain::Domain;
use virt_driver::{DomainEventKind, Lifecycle};
use virt_types::{
    DefinedDetail, DomainName, Error, ErrorCode, ErrorDomain, Result, UndefineFlags, UndefinedDetail,
};

use crate::context::{JobContext, transient};
use crate::ownership::Request;
use crate::store::StoredConfig;

/// Replaces the configuration of a domain that is in the list.
pub(crate) async fn redefine(context: JobContext, config: Domain) -> Result<()> {
    let root = context.engine.ownership.root(context.deadline).await?;
    context.engine.catch_up(&root);
    context.refresh_config()?;
    let stored = context.blocking(move |engine| engine.store.write_config(config)).await?;
    drop(root);
    let mut state = context.state();
    if state.removed {
        return Err(crate::task::no_domain(&context.snapshot()));
    }
    let autostart = state.config.as_ref().is_some_and(|stored| stored.autostart);
    // A running domain may get its first configuration here.
    let detail = if state.was_defined { DefinedDetail::Updated } else { DefinedDetail::Added };
    state.set_config(Some(StoredConfig { autostart, ..stored }));
    state.tell_lifecycle(Lifecycle::Defined(detail));
    Ok(())
}

/// `virDomainUndefineFlags`
pub(crate) async fn undefine(context: JobContext, flags: UndefineFlags) -> Result<()> {
    let driver = context.backend().error_domain();
    let refuse = |words: &str| Error::new(ErrorCode::OperationInvalid, driver, words);
    if flags.contains(UndefineFlags::NVRAM | UndefineFlags::KEEP_NVRAM) {
        return Err(refuse("cannot both keep and delete nvram"));
    }
    if flags.contains(UndefineFlags::TPM | UndefineFlags::KEEP_TPM) {
        return Err(refuse("cannot both keep and delete TPM"));
    }
    let root = context.engine.ownership.root(context.deadline).await?;
    context.engine.catch_up(&root);
    context.refresh_config()?;
    let (config, name, active) = {
        let state = context.state();
        (state.config.clone(), state.name.clone(), state.is_active())
    };
    let Some(config) = config else { return Err(refuse("cannot undefine transient domain")) };
    context.backend().undefine(&*config.config.model()?, active, flags).await?;
    context.blocking(move |engine| engine.store.remove_config(name.as_str())).await?;
    drop(root);
    let mut state = context.state();
    state.set_config(None);
    state.tell_lifecycle(Lifecycle::Undefined(UndefinedDetail::Removed));
    Ok(())
}

/// `virDomainSetAutostart`
pub(crate) async fn set_autostart(context: JobContext, autostart: bool) -> Result<()> {
    let root = context.engine.ownership.root(context.deadline).await?;
    context.engine.catch_up(&root);
    context.refresh_config()?;
    let (stored, name) = {
        let state = context.state();
        (state.config.clone(), state.name.clone())
    };
    let Some(mut stored) = stored else {
        let words = "cannot set autostart for transient domain";
        return Err(Error::new(ErrorCode::OperationInvalid, context.backend().error_domain(), words));
    };
    context.blocking(move |engine| engine.store.set_autostart(name.as_str(), autostart)).await?;
    drop(root);
    stored.autostart = autostart;
    context.state().set_config(Some(stored));
    Ok(())
}

/// `virDomainRename`
pub(crate) async fn rename(context: JobContext, to: DomainName) -> Result<()> {
    // The name of the lock changes too: nobody else may hold the domain.
    context.own(Request::Yield).await?;
    let driver = context.backend().error_domain();
    let refuse = |words: &str| Err(Error::new(ErrorCode::OperationInvalid, driver, words));
    let root = context.engine.ownership.root(context.deadline).await?;
    context.engine.catch_up(&root);
    context.refresh_config()?;
    let (stored, from, active, uuid) = {
        let state = context.state();
        (state.config.clone(), state.name.clone(), state.is_active(), state.uuid)
    };
    if active {
        return refuse("cannot rename active domain");
    }
    let Some(stored) = stored else { return refuse("cannot rename a transient domain") };
    if context.backend().has_managed_save(from.as_str()) {
        return refuse("domain with a managed saved state can't be renamed");
    }
    if from == to {
        return Err(transient("Can't rename domain to itself"));
    }
    if context.engine.maps().name(&to).is_some() || context.engine.store.layout.config(to.as_str()).exists() {
        return Err(transient(&format!("domain with name '{to}' already exists")));
    }
    let mut renamed = (*stored.config.model()?).clone();
    to.as_str().clone_into(&mut renamed.name);
    let (journal_from, journal_to) = (from.clone(), to.clone());
    context
        .blocking(move |engine| engine.store.begin_rename(journal_from.as_str(), journal_to.as_str()))
        .await?;
    let moved = context.backend().rename(&from, &to).await;
    if let Err(error) = moved {
        context.blocking(|engine| engine.store.end_rename()).await?;
        return Err(error);
    }
    let (old_name, autostart) = (from.clone(), stored.autostart);
    let stored =
        context.blocking(move |engine| engine.store.rename(old_name.as_str(), renamed, autostart)).await?;
    // The lock of the old name goes; the new one is taken when it is needed.
    let old_lock = context.state().lock.take();
    if let Some(lock) = old_lock {
        lock.retire(&root);
    }
    let mut maps = context.engine.maps_mut();
    maps.rename(uuid, to.clone());
    let mut state = context.state();
    drop(maps);
    state.tell([DomainEventKind::Lifecycle(Lifecycle::Undefined(UndefinedDetail::Renamed))]);
    state.name = to;
    state.set_config(Some(stored));
    state.tell_lifecycle(Lifecycle::Defined(DefinedDetail::Renamed));
    drop(state);
    // Only now: whoever reads of the new file must find that this domain has the name already.
    drop(root);
    Ok(())
}

/// The refusal of a definition whose UUID another domain has.
pub(crate) fn defined_with(name: &str, uuid: virt_types::Uuid) -> Error {
    let detail = format!("domain '{name}' is already defined with uuid {uuid}");
    Error::new(ErrorCode::OperationFailed, ErrorDomain::Domain, detail)
}
