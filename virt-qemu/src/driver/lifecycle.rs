//! Starting and ending guests, and what is between.

use std::os::fd::OwnedFd;

use virt_conf::domain::{Domain, LifecycleAction};
use virt_domain::{JobContext, JobKind, JobSpec, StartOptions};
use virt_driver::DomainRef;
use virt_qmp::command::SetAction;
use virt_types::{
    CreateFlags, DestroyFlags, Error, ErrorCode, ErrorDomain, Impact, RebootFlags, Result, ShutdownFlags,
};

use super::refusal::{invalid_call, known, no_flags, unsupported};
use super::sides::{self, Sides};
use super::{QemuConnection, hold};

/// How a domain is started on this connection.
pub(super) fn options(connection: &QemuConnection, flags: CreateFlags, files: Vec<OwnedFd>) -> StartOptions {
    let bound_to = flags.contains(CreateFlags::START_AUTODESTROY).then(|| connection.lease.0.id());
    StartOptions { flags, files, bound_to, saved: None }
}

/// `virDomainCreateWithFiles`
pub(super) async fn start(
    connection: &QemuConnection,
    domain: &DomainRef,
    files: Vec<OwnedFd>,
    flags: CreateFlags,
) -> Result<DomainRef> {
    let allowed = CreateFlags::all() - CreateFlags::START_VALIDATE;
    known(flags, allowed, "qemuDomainCreateWithFlags")?;
    let handle = connection.find(domain).await?;
    handle.start(options(connection, flags, files)).await?;
    Ok(handle.snapshot().reference())
}

/// `virDomainShutdownFlags`
pub(super) async fn shutdown(
    connection: &QemuConnection,
    domain: &DomainRef,
    flags: ShutdownFlags,
) -> Result<()> {
    let allowed = ShutdownFlags::ACPI_POWER_BTN | ShutdownFlags::GUEST_AGENT;
    known(flags, allowed, "qemuDomainShutdownFlags")?;
    connection.find(domain).await?.shutdown(flags).await
}

/// `virDomainReboot`
pub(super) async fn reboot(
    connection: &QemuConnection,
    domain: &DomainRef,
    flags: RebootFlags,
) -> Result<()> {
    known(flags, RebootFlags::ACPI_POWER_BTN | RebootFlags::GUEST_AGENT, "qemuDomainReboot")?;
    connection.find(domain).await?.reboot(flags).await
}

/// `virDomainReset`
pub(super) async fn reset(connection: &QemuConnection, domain: &DomainRef, flags: u32) -> Result<()> {
    no_flags(flags, "qemuDomainReset")?;
    connection.find(domain).await?.reset().await
}

/// `virDomainSuspend`
pub(super) async fn suspend(connection: &QemuConnection, domain: &DomainRef) -> Result<()> {
    connection.find(domain).await?.suspend().await
}

/// `virDomainResume`
pub(super) async fn resume(connection: &QemuConnection, domain: &DomainRef) -> Result<()> {
    connection.find(domain).await?.resume().await
}

/// `virDomainDestroyFlags`
pub(super) async fn destroy(
    connection: &QemuConnection,
    domain: &DomainRef,
    flags: DestroyFlags,
) -> Result<()> {
    known(flags, DestroyFlags::all(), "qemuDomainDestroyFlags")?;
    connection.find(domain).await?.destroy_flags(flags).await
}

/// `virDomainPMWakeup`
pub(super) async fn wake_up(connection: &QemuConnection, domain: &DomainRef, flags: u32) -> Result<()> {
    no_flags(flags, "qemuDomainPMWakeup")?;
    connection.find(domain).await?.wake_up().await
}

/// What can have a wish of its own (`virDomainLifecycle`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Occasion {
    Poweroff,
    Reboot,
    Crash,
}

/// `virDomainSetLifecycleAction`
pub(super) async fn set_action(
    connection: &QemuConnection,
    domain: &DomainRef,
    event: u32,
    action: u32,
    impact: Impact,
) -> Result<()> {
    let occasion = match event {
        0 => Occasion::Poweroff,
        1 => Occasion::Reboot,
        2 => Occasion::Crash,
        _ => return Err(invalid_call(format!("invalid lifecycle action type '{event}'"))),
    };
    let wish =
        action_of(action).ok_or_else(|| invalid_call(format!("invalid lifecycle action '{action}'")))?;
    known(impact, Impact::LIVE | Impact::CONFIG, "qemuDomainSetLifecycleAction")?;
    let core_dump = matches!(wish, LifecycleAction::CoredumpDestroy | LifecycleAction::CoredumpRestart);
    if core_dump && occasion != Occasion::Crash {
        let words = match occasion {
            Occasion::Poweroff => "poweroff",
            Occasion::Reboot | Occasion::Crash => "reboot",
        };
        let detail = format!(
            "Lifecycle event '{words}' doesn't support '{}' action",
            virt_types::TextEnum::text(wish)
        );
        return Err(Error::new(ErrorCode::InvalidArg, ErrorDomain::Domain, detail).verbatim());
    }
    let handle = connection.find(domain).await?;
    let spec = JobSpec::any("virDomainSetLifecycleAction", JobKind::ModifyConfig);
    handle
        .job(spec, move |context| async move {
            let sides = Sides::of(&context.snapshot(), impact)?;
            if sides.live && occasion == Occasion::Reboot {
                tell_reboot(&context, wish).await?;
            }
            sides::apply(&context, sides, |domain, _| {
                set(domain, occasion, wish);
                Ok(())
            })
            .await
        })
        .await
}

/// A guest that is not to reboot powers off instead, which QEMU does by itself.
async fn tell_reboot(context: &JobContext, wish: LifecycleAction) -> Result<()> {
    let reboot = if wish == LifecycleAction::Destroy { "shutdown" } else { "reset" };
    let action = SetAction { reboot: Some(reboot.to_owned()), shutdown: None, panic: None, watchdog: None };
    match hold::guest(context).await?.attempt(&action).await? {
        Ok(_) => Ok(()),
        Err(error) if error.is_unknown_command() => {
            Err(unsupported("cannot update lifecycle action because QEMU was started with -no-reboot option"))
        }
        Err(error) => Err(super::refusal::internal(format!(
            "unable to execute QEMU command 'set-action': {}",
            error.desc
        ))),
    }
}

fn set(domain: &mut Domain, occasion: Occasion, wish: LifecycleAction) {
    let wishes = &mut domain.lifecycle;
    match occasion {
        Occasion::Poweroff => wishes.on_poweroff = Some(wish),
        Occasion::Reboot => wishes.on_reboot = Some(wish),
        Occasion::Crash => wishes.on_crash = Some(wish),
    }
}

/// `virDomainLifecycleAction`
const fn action_of(number: u32) -> Option<LifecycleAction> {
    Some(match number {
        0 => LifecycleAction::Destroy,
        1 => LifecycleAction::Restart,
        2 => LifecycleAction::RestartRename,
        3 => LifecycleAction::Preserve,
        4 => LifecycleAction::CoredumpDestroy,
        5 => LifecycleAction::CoredumpRestart,
        _ => return None,
    })
}
