//! Measures how many cheap calls daemons answer: `load SOCKET... [--clients N,N] [--calls N] [--rounds N] [--uri URI]`.
//!
//! Each client opens a connection of its own and makes its calls one after the other, as programs do. The call is
//! `CONNECT_GET_LIB_VERSION`, which every daemon of the protocol answers without asking a hypervisor. Works with libvirtd
//! too. Several daemons take turns within each round, so that what else the machine does hits all of them alike; printed
//! are the medians over the rounds of calls per second, and of the median and 99th percentile of the time that a call
//! takes, for each number of clients, and how many times as many calls as the first daemon each of the others answers: the
//! median of the rounds' ratios.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Barrier;
use virt_proto::{Procedure, remote, xdr};
use virt_rpc::client::Request;
use virt_rpc::{Io, RpcClient};

struct Options {
    sockets: Vec<PathBuf>,
    clients: Vec<usize>,
    calls: usize,
    rounds: usize,
    uri: String,
}

const USAGE: &str = "usage: load SOCKET... [--clients N,N] [--calls N] [--rounds N] [--uri URI]";

impl Options {
    fn parse(mut args: impl Iterator<Item = String>) -> Result<Self, Box<dyn Error>> {
        let mut options = Self {
            sockets: Vec::new(),
            clients: vec![1, 32],
            calls: 500,
            rounds: 11,
            uri: "qemu:///system".to_owned(),
        };
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value"));
            match arg.as_str() {
                "--clients" => {
                    options.clients = value()?.split(',').map(str::parse).collect::<Result<_, _>>()?;
                }
                "--calls" => options.calls = value()?.parse()?,
                "--rounds" => options.rounds = value()?.parse()?,
                "--uri" => options.uri = value()?,
                path => options.sockets.push(path.into()),
            }
        }
        if options.sockets.is_empty() || options.rounds == 0 || options.clients.contains(&0) {
            return Err(USAGE.into());
        }
        Ok(options)
    }
}

/// What one daemon did in one round.
#[derive(Clone, Copy)]
struct Sample {
    rate: f64,
    median: f64,
    p99: f64,
}

async fn call<P: Procedure>(client: &RpcClient, args: &P::Args) -> Result<P::Reply, Failure> {
    let row = P::ROW;
    let request = Request {
        program: row.program.number,
        version: row.program.version,
        procedure: row.number,
        payload: xdr::encode(args)?,
        fds: Vec::new(),
    };
    Ok(xdr::decode(&client.call(request).await?.payload)?)
}

type Failure = Box<dyn Error + Send + Sync>;

/// One client's calls: when it began, when it ended, and how long each took.
async fn client(
    socket: PathBuf,
    uri: String,
    calls: usize,
    start: Arc<Barrier>,
) -> Result<(Instant, Instant, Vec<Duration>), Failure> {
    let (client, _events) = RpcClient::new(Io::unix(virt_sys::unix::connect(&socket)?)?);
    call::<remote::AuthList>(&client, &()).await?;
    call::<remote::ConnectOpen>(&client, &remote::ConnectOpenArgs { name: Some(uri), flags: 0 }).await?;
    start.wait().await;
    let begin = Instant::now();
    let mut times = Vec::with_capacity(calls);
    for _ in 0..calls {
        let before = Instant::now();
        call::<remote::ConnectGetLibVersion>(&client, &()).await?;
        times.push(before.elapsed());
    }
    let end = Instant::now();
    call::<remote::ConnectClose>(&client, &()).await?;
    Ok((begin, end, times))
}

async fn measure(options: &Options, socket: &Path, clients: usize) -> Result<Sample, Box<dyn Error>> {
    let start = Arc::new(Barrier::new(clients));
    let one = || client(socket.to_owned(), options.uri.clone(), options.calls, Arc::clone(&start));
    let tasks: Vec<_> = (0..clients).map(|_| tokio::spawn(one())).collect();
    let (mut times, mut span) = (Vec::new(), None::<(Instant, Instant)>);
    for (number, task) in tasks.into_iter().enumerate() {
        let (began, ended, mut some) = task.await?.map_err(|error| format!("client {number}: {error}"))?;
        span = Some(span.map_or((began, ended), |(from, to)| (from.min(began), to.max(ended))));
        times.append(&mut some);
    }
    let seconds = span.map_or(0.0, |(from, to)| (to - from).as_secs_f64());
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e6;
    Ok(Sample { rate: times.len() as f64 / seconds, median: at(0.5), p99: at(0.99) })
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse(std::env::args().skip(1))?;
    for &clients in &options.clients {
        let mut rounds: Vec<Vec<Sample>> = Vec::new();
        for round in 0..options.rounds {
            let mut samples = vec![None; options.sockets.len()];
            for turn in 0..samples.len() {
                // Each goes first as often as the others.
                let which = (turn + round) % samples.len();
                samples[which] = Some(measure(&options, &options.sockets[which], clients).await?);
            }
            rounds.push(samples.into_iter().flatten().collect());
        }
        for (which, socket) in options.sockets.iter().enumerate() {
            let of = |part: fn(&Sample) -> f64| median(rounds.iter().map(|round| part(&round[which])));
            let ratio = median(rounds.iter().map(|round| round[which].rate / round[0].rate));
            println!(
                "{clients} clients of {}: {:.0} calls/s ({ratio:.2} x), median {:.0} us, 99 % within {:.0} us",
                socket.display(),
                of(|sample| sample.rate),
                of(|sample| sample.median),
                of(|sample| sample.p99),
            );
        }
    }
    Ok(())
}
