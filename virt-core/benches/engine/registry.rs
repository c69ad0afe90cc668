//! Many defined domains: what each costs in time and memory.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use virt_core::{ListFlags, blocking::Connection};

use crate::harness::{Table, Unit};
use crate::{Result, Scratch, Setting, minimal};

/// The word with which this program measures itself in a process that has done nothing else.
pub(crate) const CHILD: &str = "--defined";

const DEFINE: &str = "define each of 1,000";
const PEER_DEFINE: &str = "define each of 1,000, libvirt";
const LIST: &str = "list 1,000";
const PEER_LIST: &str = "list 1,000, libvirt";

/// This process's resident memory, in kB.
fn resident() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}

pub(crate) fn run(setting: &mut Setting, table: &mut Table) -> Result<()> {
    // Where nothing waits for a disk, what is measured is the engine.
    let memory = Path::new("/dev/shm");
    let fast = Scratch::below(if memory.is_dir() { memory } else { &setting.dir.0 })?;
    for (count, root, times) in [
        (1_000, setting.dir.path("thousand"), 1),
        (1_000, fast.path("thousand"), 3),
        (10_000, fast.path("ten-thousand"), 1),
    ] {
        for _ in 0..times {
            let kind = if root.starts_with(&setting.dir.0) && times == 1 && count == 1_000 {
                " (on disk)"
            } else {
                ""
            };
            for verb in ["define", "open", "undefine"] {
                let program = std::env::current_exe()?;
                let output =
                    Command::new(program).args([CHILD, verb, &count.to_string()]).arg(&root).output()?;
                if !output.status.success() {
                    return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
                }
                take(table, &String::from_utf8_lossy(&output.stdout), kind);
            }
        }
    }
    if let Some(peer) = &mut setting.peer {
        // Its memory is not compared: what a daemon that has worked before needs now comes from what it has freed.
        table.add(PEER_DEFINE, Unit::Microseconds, peer.ask("define 1000")?.as_secs_f64() * 1e6 / 1e3);
        for _ in 0..5 {
            table.time(PEER_LIST, Unit::Microseconds, peer.ask("list")?);
        }
        peer.ask("undefine")?;
    }
    table.compare(&format!("{DEFINE} (on disk)"), PEER_DEFINE, 1.0);
    table.compare(LIST, PEER_LIST, 1.0);
    Ok(())
}

/// Takes in what the child has printed: unit, value and name in each line.
fn take(table: &mut Table, lines: &str, kind: &str) {
    for line in lines.lines() {
        let mut parts = line.splitn(3, ' ');
        let (Some(unit), Some(value), Some(name)) = (parts.next(), parts.next(), parts.next()) else {
            continue;
        };
        let unit = match unit {
            "kB" => Unit::Kilobytes,
            "ms" => Unit::Milliseconds,
            _ => Unit::Microseconds,
        };
        if let Ok(value) = value.parse() {
            table.add(&format!("{name}{kind}"), unit, value);
        }
    }
}

/// Does one thing with this many domains, and prints what it cost.
pub(crate) fn child(words: &[String]) -> Result<()> {
    let [verb, count, root] = words else { return Err("wrong words".into()) };
    let count: u32 = count.parse()?;
    let each = f64::from(count);
    let many = if count == 1_000 { "1,000" } else { "10,000" };
    let uri = format!("qemu:///embed?root={root}");
    if verb == "open" {
        let before = resident().unwrap_or(0.0);
        let begin = Instant::now();
        let connection = Connection::open(&uri)?;
        println!("ms {} open an engine with {many}", begin.elapsed().as_secs_f64() * 1e3);
        println!("kB {} memory of each of {many} read", (resident().unwrap_or(0.0) - before) / each);
        connection.close();
        return Ok(());
    }
    let connection = Connection::open(&uri)?;
    if verb == "undefine" {
        let domains = connection.list(ListFlags::empty())?;
        let begin = Instant::now();
        for domain in &domains {
            domain.undefine()?;
        }
        println!("µs {} undefine each of {many}", begin.elapsed().as_secs_f64() * 1e6 / each);
        connection.close();
        return Ok(());
    }
    // The first one loads what the binary can do.
    connection.define(&minimal("first"))?.undefine()?;
    let before = resident().unwrap_or(0.0);
    let begin = Instant::now();
    let mut part = Instant::now();
    for i in 0..count {
        connection.define(&minimal(&format!("guest-{i}")))?;
        if i + 1 == count / 10 {
            println!(
                "µs {} define each of the first tenth of {many}",
                part.elapsed().as_secs_f64() * 1e7 / each
            );
        }
        if i + 1 == count - count / 10 {
            part = Instant::now();
        }
    }
    println!("µs {} define each of the last tenth of {many}", part.elapsed().as_secs_f64() * 1e7 / each);
    println!("µs {} define each of {many}", begin.elapsed().as_secs_f64() * 1e6 / each);
    println!("kB {} memory of each of {many} defined", (resident().unwrap_or(0.0) - before) / each);
    for _ in 0..5 {
        let begin = Instant::now();
        let listed = connection.list(ListFlags::empty())?;
        println!("µs {} list {many}", begin.elapsed().as_secs_f64() * 1e6);
        if listed.len() != count as usize {
            return Err(format!("{} domains are listed", listed.len()).into());
        }
    }
    connection.close();
    Ok(())
}
