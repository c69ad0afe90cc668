//! Creation and deletion of 200 bridges, beside `ip -batch` in the same run.
//!
//! Changes the network, so it runs only where `VIRT_NETNS` says that the namespace is its own.
#![allow(clippy::print_stdout)] // the figures are the output

use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use virt_netdev::{InterfaceName, Socket, bridge, dellink};

const BRIDGES: usize = 200;

fn main() -> Result<(), Box<dyn Error>> {
    if std::env::var_os("VIRT_NETNS").is_none() {
        println!("skipped: run by `cargo xtask bench`, in a network namespace of its own");
        return Ok(());
    }
    let names: Vec<InterfaceName> =
        (0..BRIDGES).map(|number| format!("bench{number}").parse()).collect::<Result<_, _>>()?;
    let mut socket = Socket::open()?;

    let create = |socket: &mut Socket| -> Result<Vec<Duration>, Box<dyn Error>> {
        names
            .iter()
            .map(|name| {
                let begin = Instant::now();
                bridge::create(socket, &bridge::Bridge::new(name.clone()))?;
                Ok(begin.elapsed())
            })
            .collect()
    };

    let created = create(&mut socket)?;
    let deleted = names
        .iter()
        .map(|name| {
            let begin = Instant::now();
            bridge::delete(&mut socket, name)?;
            Ok(begin.elapsed())
        })
        .collect::<Result<Vec<_>, virt_netdev::Error>>()?;

    create(&mut socket)?;
    let begin = Instant::now();
    dellink::many(&mut socket, &names)?;
    let grouped = begin.elapsed();

    let ip_created = ip_batch(&names, "link add", "type bridge")?;
    let ip_deleted = ip_batch(&names, "link delete", "")?;

    report("create one by one, read back", &created, ip_created);
    report("delete one by one", &deleted, ip_deleted);
    println!(
        "delete {BRIDGES} at once: {:.1} ms, {:.2} of `ip -batch` ({:.1} ms)",
        milliseconds(grouped),
        grouped.as_secs_f64() / ip_deleted.as_secs_f64(),
        milliseconds(ip_deleted)
    );
    Ok(())
}

/// Runs one `ip` for all the names and gives its time.
fn ip_batch(names: &[InterfaceName], before: &str, after: &str) -> Result<Duration, Box<dyn Error>> {
    let mut script = String::new();
    for name in names {
        writeln!(script, "{before} {name} {after}")?;
    }
    let begin = Instant::now();
    let mut ip = Command::new("ip").args(["-batch", "-"]).stdin(Stdio::piped()).spawn()?;
    ip.stdin.take().ok_or("no pipe to ip")?.write_all(script.as_bytes())?;
    let status = ip.wait()?;
    if !status.success() {
        return Err(format!("ip -batch: {status}").into());
    }
    Ok(begin.elapsed())
}

fn report(what: &str, times: &[Duration], peer: Duration) {
    let total: Duration = times.iter().sum();
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    println!(
        "{what}: p50 {:.3} ms, {BRIDGES} in {:.1} ms, {:.2} of `ip -batch` ({:.1} ms)",
        milliseconds(sorted[sorted.len() / 2]),
        milliseconds(total),
        total.as_secs_f64() / peer.as_secs_f64(),
        milliseconds(peer)
    );
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
