//! The `virt` command.
#![forbid(unsafe_code)]

mod cli;
mod command;
mod containers;
mod context;
mod documents;
mod elsewhere;
mod failure;
mod input;
mod lint;
mod output;
mod terminal;
mod timing;

use std::process::ExitCode;

use clap::Parser;

use cli::Cli;
use context::Context;
use failure::Failure;
use output::Output;

fn main() -> ExitCode {
    env_logger::init();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return failure::wrong_usage(&error),
    };
    let output = Output::new(cli.global.json, cli.global.quiet);
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("virt")
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return Failure::of_system("start a runtime", error).tell(&output),
    };
    let outcome = runtime.block_on(async {
        let context = Context::new(cli.global, output);
        let outcome = cli.command.run(&context).await;
        // What is bound to the connection ends before the process does.
        context.close().await;
        outcome
    });
    // The engine's tasks let go of their sockets. What does not come to an end does not hold up the process.
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.tell(&output),
    }
}
