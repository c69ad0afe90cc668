//! `virt up`: from a kernel, a disk image or a document to a running guest and its console.

mod acceleration;
mod login;
mod machine;
mod serial;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};
use virt_core::conf::domain::VirtType;
use virt_core::driver::OpenConsoleFlags;
use virt_core::{
    ByteStream, CreateFlags, Delivery, Domain, DomainEvent, DomainEventFilter, DomainEventKind, Error, ErrorCode,
    ErrorDomain, Lifecycle, ShutdownFlags, Subscription,
};

use crate::command::console::{Ends, Left, attach_watched};
use crate::context::{Context, reference};
use crate::failure::{Failure, Outcome};
use crate::timing::Phases;
use acceleration::{Acceleration, Wish};
use login::Login;
use machine::{Hardware, Source};
use serial::Serial;

/// How long a guest may take to power off after it was asked to.
const POWER_OFF: Duration = Duration::from_secs(30);

/// Boot something at once: a kernel, a disk image or a domain's document
///
/// The guest is transient, and ends with this command unless --keep or --detach says otherwise. Its console is attached to
/// the terminal; ^] leaves it. With --exec the guest is logged in to, runs the command and is powered off. How far the start
/// is, and after how many seconds, is told on standard error; the console and the command's output go to standard output, with
/// --quiet the output alone.
#[derive(Debug, Args)]
pub(crate) struct Up {
    /// A disk image (raw, qcow2, ISO 9660), which the guest may write to, or a domain's XML
    #[arg(required_unless_present = "kernel", value_name = "FILE")]
    file: Option<PathBuf>,

    #[command(flatten)]
    hardware: Hardware,

    /// What runs the guest's processors
    #[arg(long, value_enum, default_value = "auto")]
    accel: Wish,

    /// Log in on the serial console
    #[arg(long, value_name = "USER[:PASSWORD]")]
    login: Option<Login>,

    /// Run this command in the guest, then power it off
    #[arg(long, value_name = "COMMAND", requires = "login")]
    exec: Option<String>,

    /// The longest that the login prompt, and then the command, may take
    #[arg(long, value_name = "SECONDS", default_value = "120")]
    timeout: u64,

    /// Leave the guest running when this command ends
    #[arg(long)]
    keep: bool,

    /// Start it, and do not wait for anything
    #[arg(long, conflicts_with_all = ["login", "exec"])]
    detach: bool,
}

/// What is booted, and what was chosen to run it if the document does not say.
struct Plan {
    source: Source,
    acceleration: Option<Acceleration>,
}

impl Plan {
    fn document(&self, hardware: &Hardware) -> String {
        let virt_type = self.acceleration.as_ref().map_or(VirtType::Qemu, Acceleration::virt_type);
        self.source.document(hardware, virt_type)
    }
}

/// A command that ran in the guest.
struct Executed {
    output: String,
    status: i32,
}

impl Up {
    pub(crate) async fn run(&self, context: &Context) -> Outcome {
        let mut phases = Phases::start(context.output);
        let mut plan = self.plan(context)?;
        let mut ends = Ends::new()?;
        // Whatever is dropped half way: the guest is bound to the connection, which is closed in any case.
        let (domain, executed) = tokio::select! {
            outcome = self.boot(context, &mut plan, &mut phases) => outcome?,
            () = ends.next() => return Err(self.interrupted()),
        };
        if context.output.is_json() {
            let exec = |Executed { status, output }| json!({ "command": self.exec, "status": status, "output": output });
            let status = executed.as_ref().map_or(0, |executed| executed.status);
            let document = json!({
                "connection": context.about_json(),
                "domain": reference(domain.reference()),
                "acceleration": plan.acceleration.as_ref().map(Acceleration::as_json),
                "phases": phases.as_json(),
                "exec": executed.map_or(Value::Null, exec),
            });
            context.output.answer(String::new, || document)?;
            return if status == 0 { Ok(()) } else { Err(Failure::Told) };
        }
        match executed {
            Some(Executed { status, .. }) if status != 0 => {
                context.output.note(&format!("the command ended with status {status}"));
                Err(Failure::Told)
            }
            _ => Ok(()),
        }
    }

    fn interrupted(&self) -> Failure {
        let detail = if self.keep { "interrupted" } else { "interrupted: the guest was ended" };
        Error::new(ErrorCode::OperationAborted, ErrorDomain::None, detail).verbatim().into()
    }

    /// What is booted, and how.
    fn plan(&self, context: &Context) -> Outcome<Plan> {
        let source = Source::of(self.file.as_deref(), &self.hardware)?;
        let acceleration = match &source {
            Source::Document(xml) => {
                if let Some(file) = &self.file {
                    crate::lint::warn(&context.output, xml, file);
                }
                None
            }
            Source::Machine(_) => {
                let acceleration = Acceleration::choose(self.accel);
                context.output.note(&acceleration.to_string());
                Some(acceleration)
            }
        };
        Ok(Plan { source, acceleration })
    }

    /// Makes the guest. Where KVM was not asked for and QEMU does not come up with it, the guest is emulated.
    async fn make(&self, context: &Context, plan: &mut Plan, flags: CreateFlags) -> Outcome<Domain> {
        let connection = context.connection().await?;
        let error = match connection.create(&plan.document(&self.hardware), flags).await {
            Ok(domain) => return Ok(domain),
            Err(error) => error,
        };
        let fails_with_kvm = self.accel == Wish::Auto && plan.acceleration == Some(Acceleration::Kvm);
        if !fails_with_kvm || error.code() != ErrorCode::InternalError {
            return Err(error.into());
        }
        let emulated = Acceleration::after(&error);
        let first = plan.acceleration.replace(emulated);
        match connection.create(&plan.document(&self.hardware), flags).await {
            Ok(domain) => {
                let chosen = plan.acceleration.as_ref().map(Acceleration::to_string);
                context.output.note(&chosen.unwrap_or_default());
                Ok(domain)
            }
            // It was not for KVM.
            Err(_) => {
                plan.acceleration = first;
                Err(error.into())
            }
        }
    }

    async fn boot(
        &self,
        context: &Context,
        plan: &mut Plan,
        phases: &mut Phases,
    ) -> Outcome<(Domain, Option<Executed>)> {
        let connection = context.connection().await?;
        phases.reach("engine ready");
        // Where it can not be asked, the start will say why.
        if let Ok(version) = connection.hypervisor()?.version().await {
            phases.reach(format!("QEMU {} probed", super::version::dotted(version)));
        }
        let mut flags = CreateFlags::empty();
        flags.set(CreateFlags::START_AUTODESTROY, !self.keep && !self.detach);
        // The console has to be open before the guest says its first word.
        flags.set(CreateFlags::START_PAUSED, !self.detach);
        let domain = self.make(context, plan, flags).await?;
        phases.reach(format!("guest '{}' made: its process runs and its monitor answers", domain.name()));
        if self.detach {
            context.output.note(&format!("`virt console {}` attaches to its console", domain.name()));
            return Ok((domain, None));
        }
        let console = domain.console(None, OpenConsoleFlags::empty()).await?;
        let filter = DomainEventFilter { domain: Some(domain.uuid()), kinds: Vec::new() };
        let events = connection.events(filter).await?;
        domain.resume().await?;
        phases.reach("running");
        let Some(login) = &self.login else {
            self.attach(context, &domain, &*console, phases).await?;
            return Ok((domain, None));
        };
        let limit = Duration::from_secs(self.timeout);
        let mut serial = Serial::new(Arc::clone(&console), context.output, phases, &domain);
        serial.log_in(login, limit).await?;
        let Some(command) = &self.exec else {
            drop(serial);
            self.attach(context, &domain, &*console, phases).await?;
            return Ok((domain, None));
        };
        let executed = serial.execute(command, limit).await?;
        if self.keep {
            context.output.note(&format!("the guest '{}' is left running", domain.name()));
        } else {
            power_off(context, &domain, serial, events).await?;
        }
        let executed = Some(executed);
        Ok((domain, executed))
    }

    /// Gives the console to the person, until one of them leaves.
    async fn attach(
        &self,
        context: &Context,
        domain: &Domain,
        console: &dyn ByteStream,
        phases: &mut Phases,
    ) -> Outcome {
        let said = phases.len();
        let mut screen = serial::Screen::default();
        let left = attach_watched(context, console, domain.name(), &mut |bytes| {
            screen.take(bytes);
            screen.note(phases, Phases::reach_silently);
        })
        .await?;
        phases.say_since(said);
        match left {
            Left::GuestEnded => phases.reach("guest ended"),
            Left::Signal => return Err(self.interrupted()),
            Left::Escape if self.keep => {
                context.output.note(&format!("the guest '{}' is left running", domain.name()));
            }
            Left::Escape => context.output.note("the guest ends with this command; --keep would have left it running"),
        }
        Ok(())
    }
}

/// Asks the guest to power off, and pulls the plug if it does not in time.
async fn power_off(
    context: &Context,
    domain: &Domain,
    mut serial: Serial<'_>,
    mut events: Subscription<DomainEvent>,
) -> Outcome {
    let deadline = Instant::now() + POWER_OFF;
    domain.shutdown(ShutdownFlags::empty()).await?;
    let off = async {
        while let Some(delivery) = events.next().await {
            if let Delivery::Event(event) = delivery
                && matches!(event.kind, DomainEventKind::Lifecycle(Lifecycle::Stopped(_))) {
                    return;
                }
        }
    };
    let last_words = async {
        // The guest ends whether or not its words can be shown.
        let _ = serial.drain().await;
        std::future::pending::<()>().await;
    };
    let off = async {
        tokio::select! {
            () = off => {}
            () = last_words => {}
        }
    };
    if timeout_at(deadline, off).await.is_ok() {
        serial.phases().reach("powered off");
        return Ok(());
    }
    context.output.note(&format!("the guest did not power off within {} s of being asked to: it is ended", POWER_OFF.as_secs()));
    match domain.destroy().await {
        // It has ended by itself meanwhile.
        Err(error) if matches!(error.code(), ErrorCode::OperationInvalid | ErrorCode::NoDomain) => {}
        outcome => outcome?,
    }
    serial.phases().reach("destroyed");
    Ok(())
}
