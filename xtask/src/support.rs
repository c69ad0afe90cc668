//! `support`: which calls the daemon answers, asked of the daemon itself.
//!
//! A private `virtd` in namespaces of its own is asked by virt-proto's example `probe`, which sends every call with arguments
//! that lead nowhere. README gets the figures, `docs/SUPPORT.md` the list. Before that its example `replay` says what stock
//! libvirtd was told in hand-made messages, many of them wrong, and wants the same answers.

use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path, process::Command};

use crate::{
    args::Args,
    namespaces::{Sys, Way},
    process::{During, Failure, Result, output, run as run_command},
    setup,
    workspace::{self, cargo},
};

const README: &str = "README.md";
const PAGE: &str = "docs/SUPPORT.md";

/// The drivers that are asked.
const DRIVERS: &[&str] = &["qemu:///system", "test:///default"];

/// Between these lines of README stand the figures.
const MARKS: (&str, &str) = ("<!-- cargo xtask support writes this -->\n", "<!-- until here -->\n");

/// The longest that all questions may take, in seconds.
const LIMIT: u32 = 600;

/// Messages that are wrong on purpose, and what stock libvirtd answers.
const ODD: &str = "fixtures/protocol/raw-odd.json";

/// Starts the daemon where its folders are empty and its own, and asks it. It ends with the namespaces.
const ASK: &str = r#"for folder in /run /var/lib /var/log /var/cache; do mount -t tmpfs tmpfs $folder || exit 125; done
"$VIRTD" --daemon || exit 1
"$REPLAY" /run/virt/virt-sock "$ODD" >&2 || exit 1
for uri in "$@"; do
    "$PROBE" /run/virt/virt-sock "$uri" > /run/said || exit 1
    sed "s|^|$uri\t|" /run/said
done"#;

/// The verb.
pub(crate) fn run(args: &mut Args) -> Result<()> {
    let check = args.flag("--check");
    args.end()?;
    setup::ensure()?;
    let answers = Answers::read(&ask()?)?;
    let readme = fs::read_to_string(workspace::root().join(README)).during(README)?;
    let readme = with_figures(&readme, &answers.figures()).ok_or_else(|| {
        Failure::new(format!("{README} has no place for the figures: {}", MARKS.0.trim_end()))
    })?;
    let mut stale = Vec::new();
    for (file, text) in [(README, readme), (PAGE, answers.page())] {
        let path = workspace::root().join(file);
        if fs::read_to_string(&path).is_ok_and(|current| current == text) {
            continue;
        }
        if check {
            stale.push(file);
        } else {
            fs::write(&path, text).during(file)?;
            println!("{file}: written");
        }
    }
    println!("{}", answers.summary());
    if stale.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!("not up to date: {}; run cargo xtask support", stale.join(", "))))
}

/// What the probe says of a daemon that is built for it.
fn ask() -> Result<String> {
    let mut build = cargo();
    build.args(["build", "-p", "virt-daemon", "--bin", "virtd", "-p", "virt-proto"]);
    run_command(build.args(["--example", "probe", "--example", "replay"]))?;
    let debug = workspace::target_dir()?.join("debug");
    let way = Way::find().map_err(Failure::new)?;
    let mut inside = Command::new("sh");
    inside.args(["-c", ASK, "sh"]).args(DRIVERS);
    let programs = [("VIRTD", "virtd"), ("PROBE", "examples/probe"), ("REPLAY", "examples/replay")];
    inside.envs(programs.map(|(name, program)| (name, absolute(&debug.join(program)))));
    inside.env("ODD", workspace::root().join(ODD));
    output(&mut way.enter(&inside, Sys::Kept, LIMIT))
}

fn absolute(path: &Path) -> std::path::PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// What came of every call, for each driver.
#[derive(Debug, Default)]
struct Answers {
    /// Subject and procedure, and for each driver whether it answers; `None` where that cannot be told.
    calls: BTreeMap<(String, String), BTreeMap<String, Option<bool>>>,
}

impl Answers {
    fn read(text: &str) -> Result<Self> {
        let mut answers = Self::default();
        for line in text.lines() {
            let mut words = line.split('\t');
            let (Some(driver), Some(subject), Some(name), Some(verdict)) =
                (words.next(), words.next(), words.next(), words.next())
            else {
                return Err(Failure::new(format!("the probe said: {line}")));
            };
            let answered = match verdict {
                "answered" => Some(true),
                "no support" | "unknown" => Some(false),
                "refused" => None,
                _ => {
                    return Err(Failure::new(format!(
                        "{driver}: {name} was {verdict}: {}",
                        words.collect::<String>()
                    )));
                }
            };
            let subject = subject.replace("::", ": ").replace('_', " ");
            let call = answers.calls.entry((subject, name.to_owned())).or_default();
            call.insert(driver.to_owned(), answered);
        }
        if answers.calls.is_empty() {
            return Err(Failure::new("the probe said nothing"));
        }
        Ok(answers)
    }

    /// How many of the calls a driver answers.
    fn answered<'a>(&self, driver: &str, subject: impl Into<Option<&'a str>>) -> usize {
        let subject = subject.into();
        let chosen = self.calls.iter().filter(|((its, _), _)| subject.is_none_or(|subject| subject == its));
        chosen.filter(|(_, verdicts)| verdicts.get(driver) == Some(&Some(true))).count()
    }

    fn subjects(&self) -> BTreeMap<&str, usize> {
        let mut subjects = BTreeMap::new();
        for (subject, _) in self.calls.keys() {
            *subjects.entry(subject.as_str()).or_default() += 1;
        }
        subjects
    }

    fn summary(&self) -> String {
        let drivers =
            DRIVERS.iter().map(|driver| format!("`{driver}` answers {}", self.answered(driver, None)));
        format!("Of {} calls {}.", self.calls.len(), drivers.collect::<Vec<_>>().join(", "))
    }

    /// The table for README.
    fn figures(&self) -> String {
        let mut table = head(&["calls about", "there are"]);
        let row = |subject: &str, count: usize, of: Option<&str>| {
            let mut row = format!("| {subject} | {count} |");
            for driver in DRIVERS {
                _ = write!(row, " {} |", self.answered(driver, of));
            }
            row + "\n"
        };
        for (subject, count) in self.subjects() {
            table += &row(subject, count, Some(subject));
        }
        table + &row("all", self.calls.len(), None)
    }

    /// The list.
    fn page(&self) -> String {
        let mut page = format!(
            "# What the daemon answers\n\nMade by `cargo xtask support`, which asks a `virtd` of its own; do not edit it. \
             A dash is a call that answers\n\"not supported\"; a question mark one that was refused for its arguments \
             before the driver saw it.\n\n{}\n",
            self.summary()
        );
        let mut section = "";
        for ((subject, name), verdicts) in &self.calls {
            if subject != section {
                section = subject;
                _ = write!(page, "\n## {section}\n\n{}", head(&["procedure"]));
            }
            _ = write!(page, "| {name} |");
            for driver in DRIVERS {
                let word = match verdicts.get(*driver) {
                    Some(Some(true)) => "yes",
                    Some(Some(false)) => "–",
                    _ => "?",
                };
                _ = write!(page, " {word} |");
            }
            page.push('\n');
        }
        page
    }
}

/// The head of a table whose last columns are the drivers.
fn head(columns: &[&str]) -> String {
    let drivers = DRIVERS.iter().map(|driver| format!("`{driver}`"));
    let columns: Vec<_> = columns.iter().map(|column| (*column).to_owned()).chain(drivers).collect();
    format!("| {} |\n|{}\n", columns.join(" | "), " --- |".repeat(columns.len()))
}

/// README with these figures, if it has a place for them.
fn with_figures(readme: &str, figures: &str) -> Option<String> {
    let (before, rest) = readme.split_once(MARKS.0)?;
    let (_, after) = rest.split_once(MARKS.1)?;
    Some(format!("{before}{}{figures}{}{after}", MARKS.0, MARKS.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "qemu:///system\tdomain::block\tDomainBlockPull\tno support\t3: x\n\
                        test:///default\tdomain::block\tDomainBlockPull\tanswered\t\n\
                        qemu:///system\tnode_device\tNodeNumOfDevices\tanswered\t\n\
                        test:///default\tnode_device\tNodeNumOfDevices\trefused\t8: x\n";

    #[test]
    fn figures_and_list_come_from_what_the_probe_says() {
        let answers = Answers::read(SAID).unwrap();
        assert_eq!(answers.summary(), "Of 2 calls `qemu:///system` answers 1, `test:///default` answers 1.");
        let figures = answers.figures();
        assert!(
            figures.contains(
                "| domain: block | 1 | 0 | 1 |\n| node device | 1 | 1 | 0 |\n| all | 2 | 1 | 1 |\n"
            )
        );
        let page = answers.page();
        assert!(
            page.contains("| DomainBlockPull | – | yes |") && page.contains("| NodeNumOfDevices | yes | ? |")
        );
        assert!(Answers::read("").is_err());
        assert!(Answers::read("qemu:///system\tconnect\tConnectOpen\tbroken\tclosed\n").is_err());
        assert!(Answers::read("error").is_err());
    }

    #[test]
    fn figures_replace_those_that_stand_there() {
        let readme = format!("a\n{}old\n{}z\n", MARKS.0, MARKS.1);
        assert_eq!(with_figures(&readme, "new\n").unwrap(), format!("a\n{}new\n{}z\n", MARKS.0, MARKS.1));
        assert_eq!(with_figures("a", "new"), None);
    }
}
