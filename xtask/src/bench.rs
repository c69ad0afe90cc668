//! `bench`: the benchmarks, optionally beside a stock libvirtd. One that is named `netns` changes the network and runs in
//! fresh namespaces with `VIRT_NETNS=1`, as a test of that name does.

use std::{path::PathBuf, process::Command};

use crate::{
    args::Args,
    namespaces::{Sys, Way},
    process::{Failure, Result, output, run as run_command},
    setup,
    workspace::{self, cargo, packages},
};

/// The verb. Benchmarks that compare with a peer find it in `VIRT_PEER_URI` and its process in `VIRT_PEER_PID`.
pub(crate) fn run(args: &mut Args) -> Result<()> {
    let peer = args.flag("--peer");
    let package = args.value("-p")?;
    let filter = args.word();
    args.end()?;
    setup::ensure()?;
    let mut command = cargo();
    command.arg("bench");
    let mut inside = Vec::new();
    let mut has_benches = false;
    for found in packages()?.iter().filter(|found| package.as_deref().is_none_or(|name| name == found.name()))
    {
        // By name: with `--benches` cargo would build every library's unit tests as well.
        for target in found.targets("bench") {
            let name = target["name"].as_str().unwrap_or_default().to_owned();
            if name == "netns" {
                inside.push(found.name().to_owned());
                continue;
            }
            has_benches = true;
            command.args(["-p", found.name(), "--bench", &name]);
        }
    }
    for package in &inside {
        run_inside(package, filter.as_deref())?;
    }
    if !has_benches {
        if inside.is_empty() {
            println!("No benchmark to run.");
        }
        return Ok(());
    }
    let peer = if peer { Some(Peer::start()?) } else { None };
    command.arg("--").args(filter);
    if let Some(peer) = &peer {
        command.env("VIRT_PEER_URI", &peer.uri).env("VIRT_PEER_PID", &peer.pid);
    }
    run_command(&mut command)
}

/// The longest that a benchmark in namespaces may take, in seconds.
const LIMIT: u32 = 900;

/// Runs the benchmark `netns` of a package.
fn run_inside(package: &str, filter: Option<&str>) -> Result<()> {
    let bench = |more: &[&str]| {
        let mut command = cargo();
        command.args(["bench", "-p", package, "--bench", "netns"]).args(more);
        command
    };
    // Inside, there is no network to fetch anything by.
    run_command(&mut bench(&["--no-run"]))?;
    let mut program = bench(&["--offline", "--"]);
    program.args(filter).env("VIRT_NETNS", "1");
    let way = Way::find().map_err(Failure::new)?;
    run_command(&mut way.enter(&program, Sys::Fresh, LIMIT))
}

/// A stock libvirtd in namespaces of its own, ended when dropped.
struct Peer {
    tools: PathBuf,
    dir: PathBuf,
    uri: String,
    pid: String,
}

impl Peer {
    fn start() -> Result<Self> {
        let tools = workspace::root().join("../shared/interop");
        if !tools.join("peer-up").exists() {
            return Err(Failure::new(
                "--peer needs the tools that start a private libvirtd (../shared/interop/peer-up)",
            ));
        }
        let dir = std::env::temp_dir().join(format!("virt-bench-peer-{}", std::process::id()));
        let name = format!("bench-{}", std::process::id());
        let said = output(Command::new(tools.join("peer-up")).args(["-n", &name, "-d"]).arg(&dir))?;
        let value = |key: &str| assignment(&said, key).unwrap_or_default().to_owned();
        let peer = Self { uri: value("PEER_URI"), pid: value("PEER_PID"), tools, dir };
        println!("stock libvirtd: {} (process {})", peer.uri, peer.pid);
        Ok(peer)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let stopped = Command::new(self.tools.join("peer-down")).arg("-d").arg(&self.dir).status();
        if !stopped.is_ok_and(|status| status.success()) {
            eprintln!("the private libvirtd may still run; its files: {}", self.dir.display());
        }
    }
}

/// The value of `KEY=value` or `KEY='value'` on a line of its own.
fn assignment<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let value = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='))?;
    Some(value.trim_matches('\''))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shell_assignments_are_read() {
        let text = "noise\nPEER_URI='qemu:///system?socket=/x'\nPEER_PID=42\n";
        assert_eq!(assignment(text, "PEER_URI"), Some("qemu:///system?socket=/x"));
        assert_eq!(assignment(text, "PEER_PID"), Some("42"));
        assert_eq!(assignment(text, "PEER"), None);
    }
}
