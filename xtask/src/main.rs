//! `cargo xtask VERB`: everything around the code, with cargo alone.
//!
//! A verb is a module; it gets the words that follow it and shells out to cargo, QEMU and the distribution's tools.
//! No `virt-*` crate is used here, so this program builds in seconds on a fresh clone and works while they do not.
#![forbid(unsafe_code)]
// Talking to a terminal is the purpose of this program.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod args;
mod bench;
mod ci;
mod codegen;
mod conformance;
mod corpus;
mod distro;
mod fuzz;
mod guest;
mod namespaces;
mod process;
mod quickstart;
mod setup;
mod suites;
mod support;
mod tally;
mod tidy;
mod untouched;
mod workspace;

use std::process::ExitCode;

use args::Args;
use process::Result;

/// A verb: its name, the form of its arguments, one line of help, and what runs.
struct Verb {
    name: &'static str,
    form: &'static str,
    help: &'static str,
    run: fn(&mut Args) -> Result<()>,
}

const VERBS: &[Verb] = &[
    Verb {
        name: "setup",
        form: "[--check]",
        help: "install the system packages that the project needs",
        run: setup::run,
    },
    Verb {
        name: "quickstart",
        form: "[--release]",
        help: "build virt, boot a Linux guest, run a command in it",
        run: quickstart::run,
    },
    Verb { name: "test", form: "[--no-conformance]", help: "run every test", run: suites::run_test },
    Verb { name: "ci", form: "", help: "fmt, clippy, doc, tidy and every test", run: ci::run },
    Verb { name: "tidy", form: "", help: "check the rules of this repository", run: tidy::run },
    Verb {
        name: "codegen",
        form: "[--check]",
        help: "write the files that are made from the code",
        run: codegen::run,
    },
    Verb {
        name: "support",
        form: "[--check]",
        help: "ask a private virtd what it answers; write README's figures",
        run: support::run,
    },
    Verb {
        name: "guest",
        form: "[--force] [--boot]",
        help: "make the test guest (target/guest); --boot times it",
        run: guest::run,
    },
    Verb {
        name: "netns",
        form: "[-p CRATE] [FILTER]",
        help: "run the `netns` test targets in fresh namespaces, as root and as a plain user",
        run: suites::run_netns,
    },
    Verb {
        name: "e2e",
        form: "[-p CRATE] [FILTER]",
        help: "run the `e2e` test targets with QEMU and the test guest",
        run: suites::run_e2e,
    },
    Verb {
        name: "conformance",
        form: "[--ratchet] [--update] [--family LIST]",
        help: "compare `virt plan` with the recorded answers of stock libvirt",
        run: conformance::run,
    },
    Verb {
        name: "corpus",
        form: "[--list] [--update] [FAMILY…]",
        help: "count the cases of an external corpus that pass",
        run: corpus::run,
    },
    Verb { name: "bench", form: "[--peer] [-p CRATE] [FILTER]", help: "run the benchmarks", run: bench::run },
    Verb {
        name: "fuzz",
        form: "[TARGET] [--seconds N]",
        help: "fuzz one parser or, by default, each for a minute",
        run: fuzz::run,
    },
];

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let name = words.next().unwrap_or_default();
    let Some(verb) = VERBS.iter().find(|verb| verb.name == name) else {
        let asked = matches!(name.as_str(), "" | "help" | "-h" | "--help");
        if asked {
            println!("{}", usage());
        } else {
            eprintln!("cargo xtask: no verb `{name}`\n\n{}", usage());
        }
        return if asked { ExitCode::SUCCESS } else { ExitCode::from(2) };
    };
    match (verb.run)(&mut Args::new(words)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("cargo xtask {name}: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> String {
    let mut text = String::from("cargo xtask VERB\n");
    for Verb { name, form, help, .. } in VERBS {
        text += &format!("\n  {:<52} {help}", format!("{name} {form}"));
    }
    text
}
