//! One file per command, and the one table of them.

mod power_mode;
mod state;

use clap::Subcommand;

use crate::context::Context;
use crate::failure::Outcome;

/// Lists the commands in the order in which help shows them: each names its file and the structure of its arguments there.
macro_rules! commands {
    ($($file:ident $name:ident,)+) => {
        $(mod $file;)+

        /// The commands.
        #[derive(Debug, Subcommand)]
        pub(crate) enum Command {
            $($name($file::$name),)+
        }

        impl Command {
            /// Does what the command is for.
            pub(crate) async fn run(self, context: &Context) -> Outcome {
                match self {
                    $(Self::$name(command) => Box::pin(command.run(context)).await,)+
                }
            }
        }
    };
}

commands! {
    up Up,
    list List,
    define Define,
    create Create,
    undefine Undefine,
    start Start,
    shutdown Shutdown,
    reboot Reboot,
    reset Reset,
    suspend Suspend,
    resume Resume,
    destroy Destroy,
    console Console,
    dumpxml Dumpxml,
    dominfo Dominfo,
    domstate Domstate,
    autostart Autostart,
    rename Rename,
    events Events,
    plan Plan,
    lint Lint,
    convert Convert,
    schema Schema,
    doctor Doctor,
    uri Uri,
    version Version,
    completions Completions,
    man Man,
}
