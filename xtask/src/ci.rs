//! `ci`: what has to hold before a change is merged.

use std::time::Instant;

use crate::{
    args::Args,
    process::{Failure, Result, run as run_command, shown},
    suites, tidy,
    workspace::cargo,
};

/// A check that is cargo's own: the words after `cargo`, and RUSTDOCFLAGS.
struct Check {
    words: &'static [&'static str],
    rustdoc: &'static str,
}

/// Cheapest first.
const CHECKS: &[Check] = &[
    Check { words: &["fmt", "--all", "--check"], rustdoc: "" },
    Check { words: &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"], rustdoc: "" },
    Check { words: &["doc", "--workspace", "--no-deps", "--document-private-items"], rustdoc: "-D warnings" },
];

/// The verb. Goes on after a check that fails, so that one run shows all there is to mend.
pub(crate) fn run(args: &mut Args) -> Result<()> {
    args.end()?;
    let mut failed = Vec::new();
    for Check { words, rustdoc } in CHECKS {
        let mut command = cargo();
        command.args(*words).env("RUSTDOCFLAGS", rustdoc);
        attempt(words[0], &mut failed, || {
            println!("+ {}", shown(&command));
            run_command(&mut command)
        });
    }
    attempt("tidy", &mut failed, || tidy::run(&mut Args::default()));
    attempt("test", &mut failed, || suites::run_test(&mut Args::default()));
    if failed.is_empty() { Ok(()) } else { Err(Failure::new(format!("failed: {}", failed.join(", ")))) }
}

fn attempt(name: &'static str, failed: &mut Vec<&'static str>, check: impl FnOnce() -> Result<()>) {
    println!("\n══ {name}");
    let started = Instant::now();
    match check() {
        Ok(()) => eprintln!("{name}: ok in {:.1} s", started.elapsed().as_secs_f64()),
        Err(failure) => {
            eprintln!("{name}: {failure}");
            failed.push(name);
        }
    }
}
