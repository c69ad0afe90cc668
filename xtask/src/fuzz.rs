//! `fuzz`: libFuzzer on the stable toolchain.
//!
//! The fuzz targets are a workspace of their own in `fuzz/`, since every crate that they link has to be built with coverage
//! instrumentation and the address sanitizer. The stable compiler can do both; since the option for the sanitizer is not named
//! as stable, `RUSTC_BOOTSTRAP` lets it through. The sanitizer is not there for its own findings alone: it listens to memcmp, so
//! that the fuzzer learns the words that a parser compares with.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    args::Args,
    process::{During, Failure, Result, find_program, run as run_command, shown},
    workspace::{self, cargo},
};

/// Counters, the table of program counters, the operands of comparisons.
const FLAGS: &[&str] = &[
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    // Conditions that are folded into one give the fuzzer no step to climb.
    "-Cllvm-args=-simplifycfg-branch-fold-threshold=0",
    // Texts are compared by a call that the fuzzer can listen to, not by inlined loads.
    "-Cllvm-args=-max-loads-per-memcmp=0",
    "-Zsanitizer=address",
    "-Ccodegen-units=1",
    "-Cdebug-assertions",
    "-Cdebuginfo=line-tables-only",
    "--cfg=fuzzing",
];

/// Also makes cargo keep the flags from build scripts and macros.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// The verb.
pub(crate) fn run(args: &mut Args) -> Result<()> {
    let seconds = match args.value("--seconds")? {
        Some(text) => text.parse().map_err(|_| Failure::new(format!("--seconds {text}: not a number")))?,
        None => 60u32,
    };
    let chosen = args.word();
    args.end()?;
    if find_program("c++").is_none() {
        return Err(Failure::new("libFuzzer is C++: install g++ (Debian, Ubuntu) or gcc-c++ (Fedora)"));
    }
    let targets = targets()?;
    let wanted: Vec<_> = targets.iter().filter(|name| chosen.as_ref().is_none_or(|c| c == *name)).collect();
    if wanted.is_empty() {
        let chosen = chosen.unwrap_or_default();
        return Err(Failure::new(format!(
            "there is no fuzz target `{chosen}`; there are: {}",
            targets.join(", ")
        )));
    }
    let programs = build()?;
    let mut found = Vec::new();
    for name in wanted {
        if fuzz(name, &programs.join(name), seconds).is_err() {
            found.push(name.as_str());
        }
    }
    if found.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!("findings in {}; the inputs are in fuzz/artifacts/TARGET/", found.join(", "))))
}

fn dir() -> PathBuf {
    workspace::root().join("fuzz")
}

/// Names of the targets, each a file.
fn targets() -> Result<Vec<String>> {
    let files = fs::read_dir(dir().join("fuzz_targets")).during("fuzz/fuzz_targets")?;
    let mut names: Vec<_> = files
        .flatten()
        .filter_map(|file| Some(file.file_name().to_str()?.strip_suffix(".rs")?.to_owned()))
        .collect();
    names.sort();
    Ok(names)
}

/// Builds every target; returns the folder of the programs.
fn build() -> Result<PathBuf> {
    let mut command = cargo();
    let out = workspace::target_dir()?.join("fuzz");
    command.current_dir(dir()).env("CARGO_TARGET_DIR", &out);
    command.env("RUSTC_BOOTSTRAP", "1").env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\u{1f}"));
    command.args(["build", "--release", "--bins", "--target", TARGET]);
    println!("+ {} (instrumented)", shown(&command));
    run_command(&mut command)?;
    Ok(out.join(TARGET).join("release"))
}

/// Runs one target. What it learns is kept in `fuzz/corpus/TARGET`; the tests' fixtures are seeds, read only.
fn fuzz(name: &str, program: &Path, seconds: u32) -> Result<()> {
    let (corpus, artifacts) = (dir().join("corpus").join(name), dir().join("artifacts").join(name));
    for folder in [&corpus, &artifacts] {
        fs::create_dir_all(folder).during(folder.display())?;
    }
    let mut command = Command::new(program);
    command
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-artifact_prefix={}/", artifacts.display()));
    command.args(["-timeout=10", "-rss_limit_mb=2048", "-max_len=16384", "-print_final_stats=1"]);
    command.arg(&corpus).arg(workspace::root().join("fixtures"));
    println!("\n── {name}, {seconds} s\n+ {}", shown(&command));
    run_command(&mut command)
}
