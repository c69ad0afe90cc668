//! 200 bridges created and deleted, 200 taps put into a bridge, 1,000 devices listed: beside `ip -batch` and the
//! rtnetlink crate in the same run.
//!
//! Changes the network, so it runs only where `VIRT_NETNS` says that the namespace is its own.
#![allow(clippy::print_stdout)] // the figures are the output

use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;
use std::pin::pin;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use futures_util::TryStreamExt;
use rtnetlink::{Handle, LinkBridge};
use tokio::runtime::Runtime;
use virt_netdev::bridge::Bridge;
use virt_netdev::tap::{self, Tap};
use virt_netdev::veth::{self, Properties, Veth};
use virt_netdev::{InterfaceName, Socket, bridge, dellink, link};

type Outcome<T> = Result<T, Box<dyn Error>>;

const MANY: usize = 200;
const LISTED: usize = 1000;
/// How often what takes no time is done; the median counts.
const ROUNDS: usize = 5;

fn main() -> Outcome<()> {
    if std::env::var_os("VIRT_NETNS").is_none() {
        println!("skipped: run by `cargo xtask bench`, in a network namespace of its own");
        return Ok(());
    }
    let mut socket = Socket::open()?;
    // One thread: with more, rtnetlink is slower.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let peer = Peer::open(&runtime)?;
    bridges(&mut socket, &peer)?;
    taps(&mut socket)?;
    list(&mut socket, &peer)
}

/// The peer in this process.
struct Peer<'a> {
    runtime: &'a Runtime,
    handle: Handle,
}

impl<'a> Peer<'a> {
    fn open(runtime: &'a Runtime) -> Outcome<Self> {
        let _inside = runtime.enter();
        let (connection, handle, _) = rtnetlink::new_connection()?;
        runtime.spawn(connection);
        Ok(Self { runtime, handle })
    }

    fn create(&self, names: &[InterfaceName]) -> Outcome<()> {
        self.runtime.block_on(async {
            for name in names {
                self.handle.link().add(LinkBridge::new(name.as_str()).build()).execute().await?;
            }
            Ok(())
        })
    }

    /// By the index, as its examples do it.
    fn delete(&self, names: &[InterfaceName]) -> Outcome<()> {
        self.runtime.block_on(async {
            for name in names {
                let mut found = pin!(self.handle.link().get().match_name(name.to_string()).execute());
                let message = found.try_next().await?.ok_or("no such bridge")?;
                self.handle.link().del(message.header.index).execute().await?;
            }
            Ok(())
        })
    }

    fn list(&self) -> Outcome<usize> {
        self.runtime.block_on(async {
            let mut all = pin!(self.handle.link().get().execute());
            let mut count = 0;
            while all.try_next().await?.is_some() {
                count += 1;
            }
            Ok(count)
        })
    }
}

fn bridges(socket: &mut Socket, peer: &Peer<'_>) -> Outcome<()> {
    let names: Vec<InterfaceName> =
        (0..MANY).map(|number| format!("bench{number}").parse()).collect::<Result<_, _>>()?;
    let wanted: Vec<_> = names.iter().cloned().map(Bridge::new).collect();
    let (mut one_by_one, mut at_once, mut batch, mut crates) = (vec![], vec![], vec![], vec![]);
    for _ in 0..ROUNDS {
        one_by_one.push(timed(|| {
            for bridge in &wanted {
                bridge::create(socket, bridge)?;
            }
            Ok(())
        })?);
        dellink::many(socket, &names)?;
        at_once.push(timed(|| Ok(bridge::create_many(socket, &wanted).map(drop)?))?);
        dellink::many(socket, &names)?;
        batch.push(ip_batch(&names, "link add", "type bridge")?);
        dellink::many(socket, &names)?;
        crates.push(timed(|| peer.create(&names))?);
        dellink::many(socket, &names)?;
    }
    let (batch, crates) = (median(batch), median(crates));
    report(
        "create 200 bridges one by one, each read back",
        median(one_by_one),
        &[("ip -batch", batch), ("rtnetlink", crates)],
    );
    report(
        "create 200 bridges at once, each read back",
        median(at_once),
        &[("ip -batch", batch), ("rtnetlink", crates)],
    );

    let fill = |socket: &mut Socket| bridge::create_many(socket, &wanted).map(drop);
    fill(socket)?;
    let many = timed(|| Ok(dellink::many(socket, &names)?))?;
    fill(socket)?;
    let one_by_one = timed(|| {
        for name in &names {
            bridge::delete(socket, name)?;
        }
        Ok(())
    })?;
    fill(socket)?;
    let batch = ip_batch(&names, "link delete", "")?;
    fill(socket)?;
    let crates = timed(|| peer.delete(&names))?;
    report("delete 200 bridges one by one", one_by_one, &[("ip -batch", batch), ("rtnetlink", crates)]);
    report("delete 200 bridges at once", many, &[("ip -batch", batch), ("rtnetlink", crates)]);
    Ok(())
}

fn taps(socket: &mut Socket) -> Outcome<()> {
    let below: InterfaceName = "benchbr".parse()?;
    bridge::create(socket, &Bridge { up: true, ..Bridge::new(below.clone()) })?;
    let names: Vec<InterfaceName> =
        (0..MANY).map(|number| format!("benchtap{number}").parse()).collect::<Result<_, _>>()?;
    let mac = tap::host_side_mac("52:54:00:00:00:01".parse()?);
    let wanted: Vec<_> = names
        .iter()
        .map(|name| Tap {
            mac: Some(mac),
            mtu: Some(1400),
            master: Some(below.clone()),
            vnet_hdr: true,
            up: true,
            ..Tap::new(name.clone().into())
        })
        .collect();
    let mut script = String::new();
    for name in &names {
        writeln!(script, "tuntap add {name} mode tap vnet_hdr")?;
        writeln!(script, "link set {name} address fe:54:00:00:00:01 mtu 1400 master {below} up")?;
    }
    let (mut one_by_one, mut at_once, mut batch) = (vec![], vec![], vec![]);
    for _ in 0..ROUNDS {
        let mut opened = Vec::new();
        one_by_one.push(timed(|| {
            for tap in &wanted {
                opened.push(tap::open(socket, tap)?);
            }
            Ok(())
        })?);
        drop(opened);
        let mut opened = Vec::new();
        at_once.push(timed(|| {
            opened = tap::open_many(socket, &wanted)?;
            Ok(())
        })?);
        drop(opened);
        batch.push(ip(&script)?);
        dellink::many(socket, &names)?;
    }
    bridge::delete(socket, &below)?;
    let peers = [("ip -batch", median(batch))];
    report("open 200 taps with address and MTU in a bridge, each read back", median(one_by_one), &peers);
    report("open 200 taps in a bridge at once, each read back", median(at_once), &peers);
    Ok(())
}

fn list(socket: &mut Socket, peer: &Peer<'_>) -> Outcome<()> {
    let before = link::list(socket)?.len();
    for number in 0..(LISTED - before).div_ceil(2) {
        let pair = Veth {
            properties: Properties::default(),
            ..Veth::new(format!("bench{number}a").parse()?, format!("bench{number}b").parse()?)
        };
        veth::create(socket, &pair)?;
    }
    let count = link::list(socket)?.len();
    let (mut ours, mut crates, mut batch) = (vec![], vec![], vec![]);
    for _ in 0..ROUNDS {
        ours.push(timed(|| complete(link::list(socket)?.len(), count))?);
        crates.push(timed(|| complete(peer.list()?, count))?);
        batch.push(timed(|| {
            let output = Command::new("ip").args(["-details", "link", "show"]).output()?;
            if output.status.success() { Ok(()) } else { Err("ip fails".into()) }
        })?);
    }
    let peers = [("ip -details link", median(batch)), ("rtnetlink", median(crates))];
    report(&format!("list {count} devices"), median(ours), &peers);
    Ok(())
}

fn complete(found: usize, wanted: usize) -> Outcome<()> {
    if found == wanted { Ok(()) } else { Err(format!("{found} devices instead of {wanted}").into()) }
}

/// Runs one `ip` for all the names and gives its time.
fn ip_batch(names: &[InterfaceName], before: &str, after: &str) -> Outcome<Duration> {
    let mut script = String::new();
    for name in names {
        writeln!(script, "{before} {name} {after}")?;
    }
    ip(&script)
}

fn ip(script: &str) -> Outcome<Duration> {
    timed(|| {
        let mut ip = Command::new("ip").args(["-batch", "-"]).stdin(Stdio::piped()).spawn()?;
        ip.stdin.take().ok_or("no pipe to ip")?.write_all(script.as_bytes())?;
        let status = ip.wait()?;
        if status.success() { Ok(()) } else { Err(format!("ip -batch: {status}").into()) }
    })
}

fn timed(work: impl FnOnce() -> Outcome<()>) -> Outcome<Duration> {
    let begin = Instant::now();
    work()?;
    Ok(begin.elapsed())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn report(what: &str, ours: Duration, peers: &[(&str, Duration)]) {
    print!("{what}: {:.1} ms", milliseconds(ours));
    for (name, theirs) in peers {
        let factor = ours.as_secs_f64() / theirs.as_secs_f64();
        print!(", {factor:.2} of {name} ({:.1} ms)", milliseconds(*theirs));
    }
    println!();
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
