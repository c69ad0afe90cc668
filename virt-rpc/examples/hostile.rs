//! Measures what hostile clients do to the others of a daemon: `hostile SOCKET [--idle N] [--rate N] [--seconds N]`.
//!
//! A client makes a call every millisecond, and the median and 99th percentile of what they take are printed, alone and
//! while others
//!
//! - hold `N` connections and say nothing,
//! - subscribe to events and never read them, while there is a storm of them,
//! - send a message one byte a second,
//! - connect and send nonsense, `N` times a second for so many seconds,
//!
//! each with the memory of the daemon. The daemon has to allow that many clients (`max_clients`), and this process that
//! many open files. The domain `test` of `test:///default` is suspended and resumed for the storm. Works with libvirtd too.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::error::Error;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use virt_proto::{Procedure, remote, xdr};
use virt_rpc::client::Request;
use virt_rpc::{Io, RpcClient};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

#[derive(Clone)]
struct Options {
    socket: PathBuf,
    idle: usize,
    rate: usize,
    seconds: u64,
}

impl Options {
    fn parse(mut args: impl Iterator<Item = String>) -> Outcome<Self> {
        let mut options = Self { socket: PathBuf::new(), idle: 10_000, rate: 1000, seconds: 30 };
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value"));
            match arg.as_str() {
                "--idle" => options.idle = value()?.parse()?,
                "--rate" => options.rate = value()?.parse()?,
                "--seconds" => options.seconds = value()?.parse()?,
                path => options.socket = path.into(),
            }
        }
        if options.socket.as_os_str().is_empty() {
            return Err("usage: hostile SOCKET [--idle N] [--rate N] [--seconds N]".into());
        }
        Ok(options)
    }
}

/// A client that behaves.
struct Client(RpcClient);

impl Client {
    async fn open(socket: &Path) -> Outcome<Self> {
        let (client, _) = RpcClient::new(Io::unix(virt_sys::unix::connect(socket)?)?);
        let client = Self(client);
        client.call::<remote::AuthList>(&()).await?;
        let name = Some("test:///default".to_owned());
        client.call::<remote::ConnectOpen>(&remote::ConnectOpenArgs { name, flags: 0 }).await?;
        Ok(client)
    }

    async fn call<P: Procedure>(&self, args: &P::Args) -> Outcome<P::Reply> {
        let row = P::ROW;
        let request = Request {
            program: row.program.number,
            version: row.program.version,
            procedure: row.number,
            payload: xdr::encode(args)?,
            fds: Vec::new(),
        };
        Ok(xdr::decode(&self.0.call(request).await?.payload)?)
    }

    async fn domain(&self) -> Outcome<remote::Domain> {
        let name = "test".to_owned();
        Ok(self.call::<remote::DomainLookupByName>(&remote::DomainLookupByNameArgs { name }).await?.dom)
    }
}

/// The resident memory of the daemon, in MiB.
fn memory(pid: i32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().split(' ').next()?.parse::<f64>().ok());
    kib.unwrap_or(f64::NAN) / 1024.0
}

/// Calls once a millisecond until `until` is done, and prints how long they took.
async fn measured<T>(
    what: &str,
    client: &Client,
    pid: i32,
    until: impl Future<Output = Outcome<T>>,
) -> Outcome<T> {
    let mut times = Vec::new();
    let mut most = memory(pid);
    let mut until = std::pin::pin!(until);
    let mut ticks = tokio::time::interval(Duration::from_millis(1));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let outcome = loop {
        tokio::select! {
            outcome = &mut until => break outcome?,
            _ = ticks.tick() => {}
        }
        let before = Instant::now();
        client.call::<remote::ConnectGetLibVersion>(&()).await?;
        times.push(before.elapsed());
        if times.len() % 100 == 0 {
            most = most.max(memory(pid));
        }
    };
    most = most.max(memory(pid));
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e6;
    println!(
        "{what:34} {:6} calls, median {:5.0} us, 99 % within {:6.0} us, daemon at most {most:6.1} MiB",
        times.len(),
        at(0.5),
        at(0.99)
    );
    Ok(outcome)
}

async fn connect(socket: &Path) -> Outcome<UnixStream> {
    loop {
        match UnixStream::connect(socket).await {
            // The daemon has not yet taken all that came before.
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            other => return Ok(other?),
        }
    }
}

async fn idle(options: &Options) -> Outcome<Vec<UnixStream>> {
    let mut streams = Vec::with_capacity(options.idle);
    while streams.len() < options.idle {
        streams.push(connect(&options.socket).await?);
    }
    Ok(streams)
}

/// The calls that a client makes before it waits for events, as bytes.
fn subscription() -> Outcome<Vec<u8>> {
    fn message<P: Procedure>(serial: u32, args: &P::Args) -> Outcome<Vec<u8>> {
        let payload = xdr::encode(args)?;
        let row = P::ROW;
        let words = [row.program.number, row.program.version, row.number as u32, 0, serial, 0];
        let length = u32::try_from(28 + payload.len())?;
        let mut bytes = length.to_be_bytes().to_vec();
        bytes.extend(words.iter().flat_map(|word| word.to_be_bytes()));
        bytes.extend(payload);
        Ok(bytes)
    }
    let name = Some("test:///default".to_owned());
    let register = remote::ConnectDomainEventCallbackRegisterAnyArgs { event_id: 0, dom: None };
    let mut bytes = message::<remote::AuthList>(1, &())?;
    bytes.extend(message::<remote::ConnectOpen>(2, &remote::ConnectOpenArgs { name, flags: 0 })?);
    bytes.extend(message::<remote::ConnectDomainEventCallbackRegisterAny>(3, &register)?);
    Ok(bytes)
}

/// A client that never reads its events, and the storm of them; how many there were until it was cut off, if it was.
async fn deaf(socket: &Path) -> Outcome<Option<u32>> {
    const MOST: u32 = 100_000;
    let mut deaf = connect(socket).await?;
    deaf.write_all(&subscription()?).await?;
    let client = Client::open(socket).await?;
    let dom = client.domain().await?;
    for pair in 0..MOST / 2 {
        client.call::<remote::DomainSuspend>(&remote::DomainSuspendArgs { dom: dom.clone() }).await?;
        client.call::<remote::DomainResume>(&remote::DomainResumeArgs { dom: dom.clone() }).await?;
        if deaf.ready(tokio::io::Interest::WRITABLE).await?.is_write_closed() {
            return Ok(Some(2 * (pair + 1)));
        }
    }
    Ok(None)
}

/// A client that sends a byte a second.
async fn slow(options: &Options) -> Outcome<()> {
    let mut stream = connect(&options.socket).await?;
    let bytes = subscription()?;
    for byte in bytes.iter().take(options.seconds.try_into()?) {
        stream.write_all(&[*byte]).await?;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    Ok(())
}

/// Nonsense of different kinds: lengths that are none, programs that are none, and noise.
fn nonsense(number: usize) -> Vec<u8> {
    let mut state = number as u64 ^ 0x9e37_79b9_7f4a_7c15;
    let mut noise = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_be_bytes()
    };
    let mut bytes: Vec<u8> = (0..16).flat_map(|_| noise()).collect();
    let head: &[u32] = match number % 5 {
        0 => &[0xffff_ffff],
        1 => &[0],
        2 => &[128, 0x1234_5678, 1, 1, 0, 1, 0],
        3 => &[128, 0x2000_8086, 1, 1, 0, 1, 0],
        _ => &[32 << 20, 0x2000_8086, 1, 66, 0, 0, 0],
    };
    for (at, word) in head.iter().enumerate() {
        bytes[4 * at..4 * at + 4].copy_from_slice(&word.to_be_bytes());
    }
    bytes
}

async fn garbage(options: &Options) -> Outcome<usize> {
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / u32::try_from(options.rate.max(1))?);
    let end = Instant::now() + Duration::from_secs(options.seconds);
    let mut sent = 0;
    while Instant::now() < end {
        ticks.tick().await;
        let bytes = nonsense(sent);
        sent += 1;
        let mut stream = connect(&options.socket).await?;
        tokio::spawn(async move {
            let _ = stream.write_all(&bytes).await;
            let mut answer = [0; 512];
            // The daemon answers or hangs up; who waits for the rest of a message is left.
            let _ = tokio::time::timeout(Duration::from_millis(200), stream.read(&mut answer)).await;
        });
    }
    Ok(sent)
}

async fn nothing(seconds: u64) -> Outcome<()> {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let options = Options::parse(std::env::args().skip(1))?;
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })?;
    let first = UnixStream::connect(&options.socket).await?;
    let pid = rustix::net::sockopt::socket_peercred(first.as_fd())?.pid.as_raw_nonzero().get();
    drop(first);
    let client = Client::open(&options.socket).await?;
    measured("alone", &client, pid, nothing(5)).await?;
    let held = measured(&format!("{} clients come", options.idle), &client, pid, idle(&options)).await?;
    measured("while they say nothing", &client, pid, nothing(5)).await?;
    drop(held);
    measured("after they left", &client, pid, nothing(5)).await?;
    let cut_off = measured("a client reads no events", &client, pid, deaf(&options.socket)).await?;
    match cut_off {
        Some(events) => println!("{:34} it was cut off after {events} events", ""),
        None => println!("{:34} it was not cut off", ""),
    }
    measured("a byte a second", &client, pid, slow(&options)).await?;
    let rate = format!("{} times nonsense a second", options.rate);
    let sent = measured(&rate, &client, pid, garbage(&options)).await?;
    println!("{:34} {sent} connections", "");
    measured("alone again", &client, pid, nothing(5)).await?;
    Ok(())
}
