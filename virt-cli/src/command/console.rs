//! `virt console`, and attaching to a console.

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use virt_core::ByteStream;
use virt_core::driver::OpenConsoleFlags;

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::terminal::{Keyboard, Raw};

/// Attach to the console of a domain; ^] leaves it
#[derive(Debug, Args)]
pub(crate) struct Console {
    /// Name, UUID or number of the domain
    domain: String,

    /// The alias of another port than the first console, such as serial1
    #[arg(long, value_name = "ALIAS")]
    devname: Option<String>,

    /// Take it from whoever has it
    #[arg(long)]
    force: bool,

    /// Only if the driver can tell that nobody else has it
    #[arg(long)]
    safe: bool,
}

impl Console {
    pub(crate) async fn run(&self, context: &Context) -> Outcome {
        let mut flags = OpenConsoleFlags::empty();
        flags.set(OpenConsoleFlags::FORCE, self.force);
        flags.set(OpenConsoleFlags::SAFE, self.safe);
        let domain = context.domain(&self.domain).await?;
        let console = domain.console(self.devname.as_deref(), flags).await?;
        attach(context, &*console, domain.name()).await?;
        Ok(())
    }
}

/// Why somebody is not attached any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Left {
    /// By ^].
    Escape,
    /// The guest's side is closed.
    GuestEnded,
    /// A signal asked this process to end.
    Signal,
}

/// The key that leaves a console, as with telnet and `virsh`.
const ESCAPE: u8 = 0x1d;

/// Joins the terminal with a console until one of them is left.
pub(crate) async fn attach(context: &Context, console: &dyn ByteStream, name: &str) -> Outcome<Left> {
    attach_watched(context, console, name, &mut |_| {}).await
}

/// As [`attach`]; `watch` sees what the guest says.
pub(crate) async fn attach_watched(
    context: &Context,
    console: &dyn ByteStream,
    name: &str,
    watch: &mut dyn FnMut(&[u8]),
) -> Outcome<Left> {
    let raw = Raw::enter().map_err(|error| Failure::of_system("use the terminal", error))?;
    if raw.is_some() {
        context.output.note(&format!("Connected to domain '{name}'; ^] leaves\r"));
    }
    let left = join(context, console, watch).await;
    drop(raw);
    if matches!(left, Ok(Left::Escape | Left::Signal)) {
        context.output.note("");
    }
    left
}

async fn join(context: &Context, console: &dyn ByteStream, watch: &mut dyn FnMut(&[u8])) -> Outcome<Left> {
    let mut keyboard = Keyboard::open();
    let mut ends = Ends::new()?;
    let mut buffer = [0; 4096];
    loop {
        tokio::select! {
            count = console.read(&mut buffer) => match count? {
                0 => return Ok(Left::GuestEnded),
                count => {
                    context.output.raw(&buffer[..count])?;
                    watch(&buffer[..count]);
                }
            },
            keys = keyboard.next() => {
                let escape = keys.iter().position(|&key| key == ESCAPE);
                write_all(console, &keys[..escape.unwrap_or(keys.len())]).await?;
                if escape.is_some() {
                    return Ok(Left::Escape);
                }
            }
            () = ends.next() => return Ok(Left::Signal),
        }
    }
}

/// Writes all of it.
pub(crate) async fn write_all(console: &dyn ByteStream, mut bytes: &[u8]) -> virt_core::Result<()> {
    while !bytes.is_empty() {
        bytes = &bytes[console.write(bytes).await?..];
    }
    Ok(())
}

/// The signals that ask this process to end.
#[derive(Debug)]
pub(crate) struct Ends([tokio::signal::unix::Signal; 3]);

impl Ends {
    pub(crate) fn new() -> Outcome<Self> {
        let watch = |kind| signal(kind).map_err(|error| Failure::of_system("watch for signals", error));
        Ok(Self([
            watch(SignalKind::interrupt())?,
            watch(SignalKind::terminate())?,
            watch(SignalKind::hangup())?,
        ]))
    }

    /// Until one came.
    pub(crate) async fn next(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}
