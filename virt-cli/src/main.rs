//! The `virt` command.
#![forbid(unsafe_code)]
// A command's output is its purpose.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod command;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Virtual machines, in this process or through a daemon.
#[derive(Debug, Parser)]
#[command(name = "virt", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Plan(command::plan::Plan),
}

fn main() -> ExitCode {
    env_logger::init();
    let outcome = match Cli::parse().command {
        Command::Plan(plan) => plan.run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", error.report());
            eprintln!("code: {}", error.code().number());
            ExitCode::FAILURE
        }
    }
}
