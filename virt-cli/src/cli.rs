//! The command line as a whole: what every command takes, and which commands there are.

use clap::{Args, Parser};

use crate::command::Command;

/// Virtual machines, run by this process
///
/// Exit status: 0 done, 1 refused or failed, 2 wrong usage.
#[derive(Debug, Parser)]
#[command(name = "virt", version, propagate_version = true, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// The connection, such as qemu:///embed?root=DIR; VIRT_DEFAULT_URI, LIBVIRT_DEFAULT_URI, else qemu:///embed, if it is not given
    #[arg(short = 'c', long, global = true, value_name = "URI")]
    pub(crate) connect: Option<String>,

    /// Answer with one JSON document, errors too (on standard error)
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// Only the answer: no word about connection and progress
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
}
