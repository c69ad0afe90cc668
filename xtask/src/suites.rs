//! `test`, `netns`, `e2e`: building the test programs once and running each the way that it needs.
//!
//! The name of a test target says what it needs: `netns` runs in fresh namespaces with `VIRT_NETNS=1`, `e2e` also finds
//! QEMU and a guest (`VIRT_E2E=1`, `VIRT_GUEST_DIR`); every other is run as cargo would.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Command, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    args::Args,
    conformance,
    guest::{self, Guest},
    namespaces::{Sys, Way},
    process::{During, Failure, Result},
    setup,
    tally::Tally,
    untouched::{Host, MARK, Scratch},
    workspace::{cargo, packages},
};

/// The longest that one test program may take, in seconds.
const LIMIT: u32 = 900;

/// What a test program needs, told by the name of its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Netns,
    EndToEnd,
}

impl Kind {
    fn of(target: &str) -> Self {
        match target {
            "netns" => Self::Netns,
            "e2e" => Self::EndToEnd,
            _ => Self::Plain,
        }
    }
}

/// A test program that cargo has built.
struct Suite {
    package: String,
    target: String,
    program: PathBuf,
    /// The package's directory, where cargo would run it.
    dir: PathBuf,
}

/// Which suites to run, and which tests of them.
#[derive(Default)]
struct Selection {
    package: Option<String>,
    filter: Option<String>,
}

impl Selection {
    fn take(args: &mut Args) -> Result<Self> {
        let selection = Self { package: args.value("-p")?, filter: args.word() };
        args.end()?;
        Ok(selection)
    }
}

/// `test`: every test there is.
pub(crate) fn run_test(args: &mut Args) -> Result<()> {
    let no_conformance = args.flag("--no-conformance");
    let selection = Selection::take(args)?;
    let tally = test(&selection, !no_conformance)?;
    println!("\n{tally}");
    verdict(tally)
}

/// `netns`: the test targets of that name.
pub(crate) fn run_netns(args: &mut Args) -> Result<()> {
    run_kind(args, Kind::Netns, "netns")
}

/// `e2e`: the test targets of that name.
pub(crate) fn run_e2e(args: &mut Args) -> Result<()> {
    setup::ensure()?;
    run_kind(args, Kind::EndToEnd, "e2e")
}

fn run_kind(args: &mut Args, kind: Kind, target: &str) -> Result<()> {
    let selection = Selection::take(args)?;
    let mut tally = Tally::default();
    if packages()?.iter().any(|package| package.has_target("test", target)) {
        let suites = build(&["--test", target], &selection)?;
        tally += match kind {
            Kind::Netns => run_every_way(&suites, &selection)?,
            kind => run_all(&suites, kind, &selection)?,
        };
    } else {
        println!("No crate has a test target named {target}.");
    }
    println!("\n{tally}");
    verdict(tally)
}

fn verdict(tally: Tally) -> Result<()> {
    if tally.failed == 0 { Ok(()) } else { Err(Failure::new(format!("{} tests failed", tally.failed))) }
}

/// Everything that `test` runs, counted together.
fn test(selection: &Selection, with_conformance: bool) -> Result<Tally> {
    setup::ensure()?;
    let mut tally = Tally::default();
    let suites = build(&[], selection)?;
    for kind in [Kind::Plain, Kind::Netns, Kind::EndToEnd] {
        tally += run_all(&suites, kind, selection)?;
    }
    if selection.package.is_none() && selection.filter.is_none() {
        tally += doc_tests()?;
        if with_conformance {
            tally += conformance::ratchet()?;
        }
    }
    Ok(tally)
}

/// Builds test programs; cargo shows its progress and the compiler's words.
fn build(targets: &[&str], selection: &Selection) -> Result<Vec<Suite>> {
    let mut command = cargo();
    command.args(["test", "--no-run", "--message-format=json-render-diagnostics"]);
    match &selection.package {
        Some(package) => command.args(["-p", package]),
        None => command.arg("--workspace"),
    };
    let mut child = command.args(targets).stdout(Stdio::piped()).spawn().during("cargo test")?;
    let names: BTreeMap<_, _> =
        packages()?.into_iter().map(|package| (package.text("id"), package)).collect();
    let mut suites = Vec::new();
    for line in child.stdout.take().into_iter().flat_map(|out| BufReader::new(out).lines()) {
        let message: Value = serde_json::from_str(&line.during("cargo test")?).unwrap_or_default();
        let (Some(program), true) = (message["executable"].as_str(), message["profile"]["test"] == true)
        else {
            continue;
        };
        let Some(package) = names.get(&message["package_id"].as_str()) else { continue };
        suites.push(Suite {
            package: package.name().to_owned(),
            target: message["target"]["name"].as_str().unwrap_or_default().to_owned(),
            program: program.into(),
            dir: package.dir().into(),
        });
    }
    if !child.wait().during("cargo test")?.success() {
        return Err(Failure::new("the tests do not build"));
    }
    suites.sort_by(|a, b| (&a.package, &a.target, &a.program).cmp(&(&b.package, &b.target, &b.program)));
    Ok(suites)
}

/// Runs the suites of one kind.
fn run_all(suites: &[Suite], kind: Kind, selection: &Selection) -> Result<Tally> {
    let chosen: Vec<_> = suites.iter().filter(|suite| Kind::of(&suite.target) == kind).collect();
    let mut tally = Tally::default();
    if chosen.is_empty() {
        return Ok(tally);
    }
    let way = match kind {
        Kind::Plain => Ok(None),
        Kind::Netns => Way::find().map(Some),
        Kind::EndToEnd => Way::strongest().map(Some),
    };
    let way = match way {
        Ok(way) => way,
        Err(why) => {
            println!("SKIPPED {} test programs: {why}", chosen.len());
            return Ok(chosen.iter().fold(tally, |sum, _| sum + Tally::SKIPPED));
        }
    };
    let guest = if kind == Kind::EndToEnd { Some(guest::ensure()?) } else { None };
    for suite in chosen {
        tally += suite.run(way, guest.as_ref(), selection)?;
    }
    Ok(tally)
}

/// Runs the suites that need namespaces as root and as a plain user, as many at once as there are processors, and looks
/// afterwards whether the machine is as it was.
fn run_every_way(suites: &[Suite], selection: &Selection) -> Result<Tally> {
    let jobs: Vec<_> = suites
        .iter()
        .flat_map(|suite| Way::all(&suite.program).into_iter().map(move |way| (suite, way)))
        .collect();
    if jobs.is_empty() {
        // Which says why there is no way, if that is so.
        return run_all(suites, Kind::Netns, selection);
    }
    let mark = std::process::id().to_string();
    let before = Host::look();
    let next = AtomicUsize::new(0);
    let total = Mutex::new(Ok(Tally::default()));
    thread::scope(|scope| {
        let workers = thread::available_parallelism().map_or(1, usize::from).min(jobs.len());
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some((suite, way)) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let said = Arc::new(Mutex::new(String::new()));
                    let outcome = suite.run_marked(*way, selection, &mark, &said);
                    let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
                    print!("{}", said.lock().unwrap_or_else(PoisonError::into_inner));
                    *total = match (std::mem::replace(&mut *total, Ok(Tally::default())), outcome) {
                        (Ok(sum), Ok(tally)) => Ok(sum + tally),
                        (Err(failure), _) | (_, Err(failure)) => Err(failure),
                    };
                }
            });
        }
    });
    let mut tally = total.into_inner().unwrap_or_else(PoisonError::into_inner)?;
    let changes = before.changes(&mark);
    for change in &changes {
        println!("FAILED: after the tests, {change}");
    }
    tally += if changes.is_empty() { Tally::PASSED } else { Tally::FAILED };
    Ok(tally)
}

impl Suite {
    /// Runs it in namespaces, keeping what it says for later.
    fn run_marked(
        &self,
        way: Way,
        selection: &Selection,
        mark: &str,
        said: &Arc<Mutex<String>>,
    ) -> Result<Tally> {
        // Process numbers come again in every process namespace, and with them the names of temporary files.
        let scratch = Scratch::new()?;
        let mut program = self.command(selection);
        program.env("VIRT_NETNS", "1").env("TMPDIR", scratch.dir());
        let mut command = way.enter(&program, Sys::Fresh, LIMIT);
        command.env(MARK, mark);
        let add = {
            let said = Arc::clone(said);
            move |line: &str| {
                let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
                said.push_str(line);
                said.push('\n');
            }
        };
        add(&format!("\n── {} {}, {}", self.package, self.target, way.words()));
        let (reported, success) = watch_with(&mut command, add.clone())?;
        let tally = Tally::of_program(reported, success);
        if tally.failed > 0 {
            add(&format!("FAILED: {} {}, {}", self.package, self.target, way.words()));
        }
        Ok(tally)
    }

    /// The program as cargo would run it.
    fn command(&self, selection: &Selection) -> Command {
        let mut program = Command::new(&self.program);
        program.args(&selection.filter).current_dir(&self.dir);
        program.env("CARGO_MANIFEST_DIR", &self.dir).env("CARGO_PKG_NAME", &self.package);
        program
    }

    /// Runs it as it is, or in namespaces, or in namespaces with a guest.
    fn run(&self, way: Option<Way>, guest: Option<&Guest>, selection: &Selection) -> Result<Tally> {
        println!("\n── {} {}", self.package, self.target);
        let mut program = self.command(selection);
        let mut command = match (way, guest) {
            (None, _) => program,
            (Some(way), None) => way.enter(program.env("VIRT_NETNS", "1"), Sys::Fresh, LIMIT),
            (Some(way), Some(guest)) => {
                let program = program.env("VIRT_E2E", "1").env("VIRT_GUEST_DIR", &guest.dir);
                way.enter(program, Sys::FreshWithGroups, LIMIT)
            }
        };
        let started = Instant::now();
        let (reported, success) = watch(&mut command)?;
        let tally = Tally::of_program(reported, success);
        if tally.failed > 0 {
            println!(
                "FAILED after {:.1} s: {} {}",
                started.elapsed().as_secs_f64(),
                self.package,
                self.target
            );
        }
        Ok(tally)
    }
}

fn doc_tests() -> Result<Tally> {
    println!("\n── documentation examples");
    let (reported, success) =
        watch(cargo().args(["test", "--workspace", "--doc", "--no-fail-fast", "--quiet"]))?;
    // A workspace without examples prints no result.
    if reported.is_none() && success {
        Ok(Tally::default())
    } else {
        Ok(Tally::of_program(reported, success))
    }
}

/// Runs to the end, passing the output on; returns the sum of the results in it and whether it ended well. A program that
/// leaves a process behind has not ended well, and that process, which holds its output open, does not hold us up.
fn watch(command: &mut Command) -> Result<(Option<Tally>, bool)> {
    watch_with(command, |line| println!("{line}"))
}

/// As [`watch`], with the output's lines passed on to `show`.
fn watch_with(
    command: &mut Command,
    show: impl Fn(&str) + Clone + Send + 'static,
) -> Result<(Option<Tally>, bool)> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().during("a test program")?;
    let (sender, results) = mpsc::channel();
    let output = child.stdout.take();
    let show_line = show.clone();
    // Not joined: it may wait for the process left behind.
    thread::spawn(move || {
        for line in
            output.into_iter().flat_map(|output| BufReader::new(output).split(b'\n')).map_while(Result::ok)
        {
            let line = String::from_utf8_lossy(&line);
            show_line(&line);
            if let Some(tally) = Tally::of_line(&line) {
                // Nobody listens any more once the program has long ended.
                let _ = sender.send(tally);
            }
        }
    });
    let status = child.wait().during("a test program")?;
    let mut reported: Option<Tally> = None;
    let clean = loop {
        match results.recv_timeout(Duration::from_secs(2)) {
            Ok(tally) => *reported.get_or_insert_default() += tally,
            Err(mpsc::RecvTimeoutError::Disconnected) => break true,
            Err(mpsc::RecvTimeoutError::Timeout) => break false,
        }
    };
    if !clean {
        show("FAILED: it has ended and left a process behind");
    }
    Ok((reported, clean && status.success()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_output_of_programs_is_summed_and_their_end_is_seen() {
        let script = "echo 'test result: ok. 2 passed; 0 failed; 0 ignored'; \
                      echo 'test result: ok. 3 passed; 0 failed; 1 ignored'; exit 1";
        let (reported, success) = watch(Command::new("sh").args(["-c", script])).unwrap();
        assert_eq!(reported, Some(Tally { passed: 5, failed: 0, skipped: 1 }));
        assert!(!success);
    }

    #[test]
    fn a_process_that_is_left_behind_is_a_failure_and_does_not_hold_us_up() {
        let script = "echo 'test result: ok. 2 passed; 0 failed; 0 ignored'; sleep 4 & exit 0";
        let (reported, success) = watch(Command::new("sh").args(["-c", script])).unwrap();
        assert_eq!(reported, Some(Tally { passed: 2, failed: 0, skipped: 0 }));
        assert!(!success);
    }

    #[test]
    fn a_target_s_name_says_what_it_needs() {
        assert_eq!(Kind::of("netns"), Kind::Netns);
        assert_eq!(Kind::of("e2e"), Kind::EndToEnd);
        assert_eq!(Kind::of("virt_xml"), Kind::Plain);
    }
}
