//! `fuzz`: libFuzzer on the stable toolchain.
//!
//! The fuzz targets are a workspace of their own in `fuzz/`, since they need LLVM's coverage instrumentation in every crate
//! that they link. The stable compiler has the pass; only the options are not named as stable, so they are handed to LLVM.
//! `--sanitize` adds the address sanitizer, which costs half of the speed and finds what unsafe code does wrong.

use std::{path::PathBuf, process::Command};

use crate::{
    args::Args,
    process::{Failure, Result, find_program, run as run_command, shown},
    workspace::{self, cargo},
};

/// What cargo-fuzz passes too: counters, the table of program counters, and the operands of comparisons.
const COVERAGE: &[&str] = &[
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Ccodegen-units=1",
    "-Cdebug-assertions",
    "-Cdebuginfo=line-tables-only",
    "--cfg=fuzzing",
];

/// Also makes cargo keep the flags from build scripts and macros.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// The verb.
pub(crate) fn run(args: &mut Args) -> Result<()> {
    let sanitize = args.flag("--sanitize");
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
    let programs = build(sanitize)?;
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
    let files =
        std::fs::read_dir(dir().join("fuzz_targets")).map_err(|error| Failure::new(error.to_string()))?;
    let mut names: Vec<_> = files
        .flatten()
        .filter_map(|file| Some(file.file_name().to_str()?.strip_suffix(".rs")?.to_owned()))
        .collect();
    names.sort();
    Ok(names)
}

/// Builds every target; returns the folder of the programs.
fn build(sanitize: bool) -> Result<PathBuf> {
    let mut flags = COVERAGE.to_vec();
    let mut command = cargo();
    if sanitize {
        flags.push("-Zsanitizer=address");
        command.env("RUSTC_BOOTSTRAP", "1");
    }
    let out = workspace::target_dir()?.join(if sanitize { "fuzz-asan" } else { "fuzz" });
    command
        .current_dir(dir())
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"))
        .env("CARGO_TARGET_DIR", &out);
    command.args(["build", "--release", "--bins", "--target", TARGET]);
    println!("+ {} (with coverage instrumentation)", shown(&command));
    run_command(&mut command)?;
    Ok(out.join(TARGET).join("release"))
}

/// Runs one target. Seeds are committed in `fuzz/seeds/TARGET`; what is found on the way is kept in `fuzz/corpus/TARGET`.
fn fuzz(name: &str, program: &std::path::Path, seconds: u32) -> Result<()> {
    let (corpus, artifacts) = (dir().join("corpus").join(name), dir().join("artifacts").join(name));
    for folder in [&corpus, &artifacts] {
        std::fs::create_dir_all(folder)
            .map_err(|error| Failure::new(format!("{}: {error}", folder.display())))?;
    }
    let mut command = Command::new(program);
    command
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-artifact_prefix={}/", artifacts.display()));
    command.args(["-timeout=10", "-rss_limit_mb=1024", "-print_final_stats=1"]);
    command.arg(&corpus);
    let seeds = dir().join("seeds").join(name);
    if seeds.is_dir() {
        command.arg(seeds);
    }
    println!("\n── {name}, {seconds} s\n+ {}", shown(&command));
    run_command(&mut command)
}
