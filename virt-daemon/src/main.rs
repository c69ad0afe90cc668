//! `virtd`, which is `libvirtd` where it is called so.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use virt_daemon::args::Args;
use virt_daemon::failure::Failure;
use virt_daemon::places::Role;
use virt_daemon::{background, passwords, run, version};
use virt_network::leases_helper;

fn main() -> ExitCode {
    let program = std::env::args_os().next().map(PathBuf::from);
    // dnsmasq calls this very program where no other one is installed.
    if program.as_deref().and_then(Path::file_name).is_some_and(|name| name == leases_helper::NAME) {
        return leases_helper::main();
    }
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            let wrong = error.use_stderr();
            let _ = error.print();
            return if wrong { ExitCode::FAILURE } else { ExitCode::SUCCESS };
        }
    };
    let role = Role::of(program.as_deref(), args.drop_in);
    if args.version {
        println!("{}", version(role));
        return ExitCode::SUCCESS;
    }
    let outcome = if let Some(change) = passwords::change(&args) {
        passwords::apply(role, &args, change).map_err(|failure| (failure.report(), failure.exit_code()))
    } else if args.daemon {
        in_background(&args)
    } else {
        in_foreground(role, &args)
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err((problem, code)) => {
            eprintln!("{}: error: {problem}", role.name());
            code
        }
    }
}

type Outcome = Result<(), (String, ExitCode)>;

fn in_foreground(role: Role, args: &Args) -> Outcome {
    run::run(role, args).map_err(|failure: Failure| {
        let problem = failure.report();
        if args.tell_start {
            background::tell(Err(&problem));
        }
        log::error!("{problem}");
        (problem, failure.exit_code())
    })
}

/// The same command line without what brought it here. Relative paths keep their meaning.
fn in_background(args: &Args) -> Outcome {
    let mut line: Vec<OsString> = Vec::new();
    for (set, flag) in [(args.drop_in, "--drop-in"), (args.listen, "--listen"), (args.verbose, "--verbose")] {
        if set {
            line.push(flag.into());
        }
    }
    for (path, flag) in [(&args.config, "--config"), (&args.pid_file, "--pid-file")] {
        if let Some(path) = path {
            let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
            line.extend([flag.into(), path.into_os_string()]);
        }
    }
    if let Some(peer) = &args.forward {
        line.extend(["--forward".into(), peer.to_string().into()]);
    }
    line.extend(["--timeout".into(), args.timeout.to_string().into()]);
    background::start(line).map_err(|error| {
        let mut problem = error.to_string();
        if let Some(cause) = std::error::Error::source(&error) {
            problem.push_str(&format!(": {cause}"));
        }
        (problem, ExitCode::FAILURE)
    })
}
