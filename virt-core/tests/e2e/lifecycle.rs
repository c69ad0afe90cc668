//! States, reasons and events of a machine's life, against what libvirt 9.0.0 was seen to do
//! (`fixtures/lifecycle/README.md`).

use std::collections::{HashMap, VecDeque};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use virt_core::types::Uuid;
use virt_core::{
    Connection, CreateFlags, DestroyFlags, Domain, Error, RebootFlags, Result, ShutdownFlags, UndefineFlags,
};
use virt_sys::Signal;

use crate::sector::{self, Line, UP};
use crate::support::{Ear, Lab, PATIENCE, enabled, pid_of, runtime, signal};

const SEQUENCES: &str = include_str!("../../../fixtures/lifecycle/sequences.txt");
const TEMPLATE: &str = include_str!("../../../fixtures/lifecycle/guest.xml");
const ID: &str = "6f1d4c1e-9f3b-4d43-8d0a-2f6f3c9b7a10";

#[test]
fn machines_live_as_they_do_under_libvirt() {
    if !enabled("lifecycle") {
        return;
    }
    run(|options| options.get("guest") != Some(&"linux"));
}

#[test]
fn linux_obeys_power_button_and_agent() {
    if !enabled("lifecycle of a Linux guest") {
        return;
    }
    run(|options| options.get("guest") == Some(&"linux"));
}

fn run(wanted: impl Fn(&HashMap<&str, &str>) -> bool) {
    let runtime = runtime();
    let mut differences = String::new();
    let mut done = 0;
    let only = std::env::var("LIFECYCLE_ONLY").ok();
    for text in SEQUENCES.split("\n\n").map(str::trim).filter(|text| !text.is_empty()) {
        let sequence = Sequence::parse(text);
        if !wanted(&sequence.options) || only.as_deref().is_some_and(|only| only != sequence.name) {
            continue;
        }
        let begun = Instant::now();
        let found = runtime.block_on(Stage::play(&sequence));
        println!("{:7.2} s  {}", begun.elapsed().as_secs_f64(), sequence.name);
        if let Err(difference) = found {
            let _ = writeln!(differences, "[{}]\n{difference}", sequence.name);
        }
        done += 1;
    }
    assert!(done > 0, "no sequence was played");
    assert!(differences.is_empty(), "\n{differences}");
}

/// One sequence of the table: `[name] option=value …`, then steps.
struct Sequence<'a> {
    name: &'a str,
    options: HashMap<&'a str, &'a str>,
    steps: Vec<Step<'a>>,
}

/// `> call`, and the lines that follow from it.
struct Step<'a> {
    words: Vec<&'a str>,
    expected: Vec<&'a str>,
}

impl<'a> Sequence<'a> {
    fn parse(text: &'a str) -> Self {
        let mut lines = text.lines();
        let (name, options) = lines.next().unwrap()[1..].split_once(']').unwrap();
        let options = options.split_whitespace().map(|pair| pair.split_once('=').unwrap()).collect();
        let mut steps: Vec<Step<'_>> = Vec::new();
        for line in lines {
            match line.strip_prefix("> ") {
                Some(call) => {
                    steps.push(Step { words: call.split_whitespace().collect(), expected: Vec::new() })
                }
                None => steps.last_mut().unwrap().expected.push(line.trim()),
            }
        }
        Self { name, options, steps }
    }
}

/// What a sequence is played on.
struct Stage<'a> {
    lab: Lab,
    sequence: &'a Sequence<'a>,
    connection: Connection,
    ear: Ear,
    other: Option<Connection>,
    line: Option<Line>,
}

impl<'a> Stage<'a> {
    async fn play(sequence: &'a Sequence<'a>) -> std::result::Result<(), String> {
        let lab = Lab::new("lifecycle");
        sector::disk(&lab.path().join("sector.img"));
        let connection = Connection::open(&lab.uri()).await.unwrap();
        let ear = Ear::on(&connection).await;
        let mut stage = Self { lab, sequence, connection, ear, other: None, line: None };
        for (number, step) in sequence.steps.iter().enumerate() {
            let call = step.words.join(" ");
            let got = stage.step(step).await;
            let expected: Vec<&str> = step.expected.iter().map(|line| line.trim_end_matches(" ?")).collect();
            let matches = got.iter().map(String::as_str).eq(expected.iter().copied())
                || got.iter().map(String::as_str).eq(without_optional(&step.expected, &got));
            if !matches {
                let got = got.join("\n      ");
                return Err(format!(
                    "  step {number}: {call}\n    expected\n      {}\n    got\n      {got}\n",
                    step.expected.join("\n      ")
                ));
            }
        }
        stage.connection.close().await;
        Ok(())
    }

    /// Does a step; its error, its events and the state after it, as lines.
    async fn step(&mut self, step: &Step<'_>) -> Vec<String> {
        let mut lines = Vec::new();
        if let Err(error) = self.act(&step.words).await {
            let text = error.to_string().replace(&self.lab.path().display().to_string(), "@DIR@");
            lines.push(format!("error {}: {text}", error.code().number()));
        }
        let mut wanted: VecDeque<&str> =
            step.expected.iter().copied().filter(|line| line.starts_with("event ")).collect();
        let hears = step.words.contains(&"hear");
        while let Some(next) = wanted.front().copied() {
            let failed = lines
                .iter()
                .any(|line| line.starts_with("error ") && !step.expected.contains(&line.as_str()));
            let patience = if failed || next.ends_with(" ?") { Duration::from_secs(2) } else { PATIENCE };
            let Some(event) = self.ear.next(patience).await else {
                if !next.ends_with(" ?") {
                    break;
                }
                wanted.pop_front();
                continue;
            };
            // A firmware may reset once more on its way: how often is not the engine's affair.
            if event == "event reboot" && lines.contains(&event) {
                continue;
            }
            while wanted.front().is_some_and(|line| line.strip_suffix(" ?").is_some_and(|line| line != event))
            {
                wanted.pop_front();
            }
            let as_wanted = wanted.pop_front().is_some_and(|line| line.trim_end_matches(" ?") == event);
            lines.push(event);
            if !as_wanted {
                break;
            }
        }
        if hears {
            self.line.as_mut().unwrap().hear(UP, PATIENCE).await;
        }
        while let Some(event) = self.ear.next(Duration::ZERO).await {
            if event != "event reboot" || !lines.contains(&event) {
                lines.push(event);
            }
        }
        // What follows an event is done when its state shows.
        let wanted = step.expected.last().copied().unwrap_or_default();
        let deadline = Instant::now() + PATIENCE;
        loop {
            let state = self.state().await;
            if state == wanted || Instant::now() > deadline {
                lines.push(state);
                return lines;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn domain(&self) -> Result<Domain> {
        self.connection.domain_by_uuid(id()).await
    }

    async fn state(&self) -> String {
        let Ok(domain) = self.domain().await else { return "gone".to_owned() };
        let Ok(status) = domain.state().await else { return "gone".to_owned() };
        let mut line = format!("state {}: {}", status.state().word(), status.reason_name());
        if !domain.is_persistent().await.unwrap() {
            line.push_str(", transient");
        }
        if domain.is_persistent().await.unwrap() && domain.autostart().await.unwrap() {
            line.push_str(", autostart");
        }
        if self.lab.path().join("vars.fd").exists() {
            line.push_str(", variables");
        }
        line
    }

    async fn act(&mut self, words: &[&str]) -> Result<()> {
        let has = |word| words.contains(&word);
        match words[0] {
            "define" => drop(self.connection.define(&self.xml()).await?),
            "create" | "start" => {
                let mut flags = CreateFlags::empty();
                flags.set(CreateFlags::START_PAUSED, has("paused") || has("listening"));
                flags.set(CreateFlags::START_AUTODESTROY, has("autodestroy"));
                if has("autodestroy") {
                    self.other = Some(Connection::open(&self.lab.uri()).await?);
                }
                let connection = self.other.as_ref().unwrap_or(&self.connection);
                if words[0] == "create" {
                    connection.create(&self.xml(), flags).await?;
                } else {
                    connection.domain_by_uuid(id()).await?.start_with(flags).await?;
                }
                if has("listening") {
                    let mut line = Line::connect(self.lab.path().join("com1")).await;
                    self.domain().await?.resume().await?;
                    line.hear(UP, PATIENCE).await;
                    self.line = Some(line);
                }
            }
            "disconnect" => self.other.take().unwrap().close().await,
            "guest" => self.line.as_mut().unwrap().say(words[1]).await,
            "kill" => signal(pid_of(&self.lab.root(), "guest").unwrap(), Signal::KILL),
            "suspend" => self.domain().await?.suspend().await?,
            "resume" => self.domain().await?.resume().await?,
            "reset" => self.domain().await?.reset().await?,
            "wakeup" => {
                let domain = self.domain().await?;
                self.connection.domains()?.pm_wakeup(domain.reference(), 0).await?;
            }
            "shutdown" => {
                let flags = match words.get(1) {
                    Some(&"acpi") => ShutdownFlags::ACPI_POWER_BTN,
                    Some(&"agent") => ShutdownFlags::GUEST_AGENT,
                    _ => ShutdownFlags::empty(),
                };
                self.domain().await?.shutdown(flags).await?;
            }
            "reboot" => {
                let flags = match words.get(1) {
                    Some(&"acpi") => RebootFlags::ACPI_POWER_BTN,
                    Some(&"agent") => RebootFlags::GUEST_AGENT,
                    _ => RebootFlags::empty(),
                };
                self.domain().await?.reboot(flags).await?;
            }
            "destroy" => {
                let graceful = if has("graceful") { DestroyFlags::GRACEFUL } else { DestroyFlags::empty() };
                self.domain().await?.destroy_with(graceful).await?;
            }
            "undefine" => {
                let mut flags = UndefineFlags::empty();
                for (word, flag) in [
                    ("managed-save", UndefineFlags::MANAGED_SAVE),
                    ("snapshots-metadata", UndefineFlags::SNAPSHOTS_METADATA),
                    ("checkpoints-metadata", UndefineFlags::CHECKPOINTS_METADATA),
                    ("nvram", UndefineFlags::NVRAM),
                    ("keep-nvram", UndefineFlags::KEEP_NVRAM),
                    ("tpm", UndefineFlags::TPM),
                    ("keep-tpm", UndefineFlags::KEEP_TPM),
                ] {
                    flags.set(flag, has(word));
                }
                self.domain().await?.undefine_with(flags).await?;
            }
            "autostart" => self.domain().await?.set_autostart(has("on")).await?,
            "rename" => self.domain().await?.rename(words[1]).await?,
            // Its events are what the step is about.
            "await" => {}
            other => panic!("the table has a step '{other}'"),
        }
        Ok(())
    }

    fn xml(&self) -> String {
        let option = |name, default| self.sequence.options.get(name).copied().unwrap_or(default);
        let dir = self.lab.path().display().to_string();
        let machine = option("machine", "q35");
        let mut boot = String::new();
        let (memory, devices) = if option("guest", "sector") == "linux" {
            let guest = PathBuf::from(std::env::var_os("VIRT_GUEST_DIR").expect("VIRT_GUEST_DIR"));
            boot = linux_boot(&guest);
            let agent = "<target type='virtio' name='org.qemu.guest_agent.0'/>";
            ("256", format!("<channel type='unix'>{agent}</channel>"))
        } else {
            let image = if option("disk", "") == "missing" { "none.img" } else { "sector.img" };
            let target = if machine == "q35" { "dev='sda' bus='sata'" } else { "dev='hda' bus='ide'" };
            let disk = format!(
                "<disk type='file' device='disk'><driver name='qemu' type='raw'/>\
                 <source file='{dir}/{image}'/><target {target}/></disk>"
            );
            ("16", format!("{disk}<panic model='isa'/>"))
        };
        if option("nvram", "no") == "yes" {
            // Two flash chips of which nothing is ever executed: the guest stays paused.
            for chip in ["code.fd", "template.fd"] {
                std::fs::write(self.lab.path().join(chip), vec![0xff; 64 << 10]).unwrap();
            }
            boot = format!(
                "<loader readonly='yes' type='pflash'>{dir}/code.fd</loader>\
                 <nvram template='{dir}/template.fd'>{dir}/vars.fd</nvram>"
            );
        }
        [
            ("@MEMORY@", memory),
            ("@MACHINE@", machine),
            ("@BOOT@", &boot),
            ("@POWEROFF@", option("poweroff", "destroy")),
            ("@REBOOT@", option("reboot", "restart")),
            ("@CRASH@", option("crash", "destroy")),
            ("@DEVICES@", &devices),
            ("@DIR@", &dir),
        ]
        .into_iter()
        .fold(TEMPLATE.to_owned(), |text, (name, value)| text.replace(name, value))
    }
}

/// The expected lines, but for those that may be missing and are.
fn without_optional<'e>(expected: &[&'e str], got: &[String]) -> impl Iterator<Item = &'e str> {
    let mut left: VecDeque<&String> = got.iter().collect();
    let mut kept = Vec::new();
    for line in expected {
        let bare = line.trim_end_matches(" ?");
        if left.front().is_some_and(|got| *got == bare) {
            left.pop_front();
        } else if bare != *line {
            continue;
        }
        kept.push(bare);
    }
    kept.into_iter()
}

fn linux_boot(guest: &Path) -> String {
    let cmdline = std::fs::read_to_string(guest.join("cmdline")).unwrap();
    format!(
        "<kernel>{0}/vmlinuz</kernel><initrd>{0}/initrd</initrd><cmdline>{1}</cmdline>",
        guest.display(),
        cmdline.trim()
    )
}

fn id() -> Uuid {
    ID.parse().map_err(|_| Error::no_support("the identity of the table's guest")).unwrap()
}
