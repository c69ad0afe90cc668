//! Measures how many cheap calls a daemon answers: `load SOCKET [--clients N] [--calls N] [--uri URI]`.
//!
//! Each client opens a connection of its own and makes its calls one after the other, as programs do. The call is
//! `CONNECT_GET_LIB_VERSION`, which every daemon of the protocol answers without asking a hypervisor. Works with libvirtd
//! too. Prints calls per second, and the median and 99th percentile of the time that a call takes.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Barrier;
use virt_proto::{Procedure, remote, xdr};
use virt_rpc::client::Request;
use virt_rpc::{Io, RpcClient};

struct Options {
    socket: PathBuf,
    clients: usize,
    calls: usize,
    uri: String,
}

impl Options {
    fn parse(mut args: impl Iterator<Item = String>) -> Result<Self, Box<dyn Error>> {
        let mut options =
            Self { socket: PathBuf::new(), clients: 32, calls: 2000, uri: "qemu:///system".to_owned() };
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value"));
            match arg.as_str() {
                "--clients" => options.clients = value()?.parse()?,
                "--calls" => options.calls = value()?.parse()?,
                "--uri" => options.uri = value()?,
                path => options.socket = path.into(),
            }
        }
        if options.socket.as_os_str().is_empty() {
            return Err("usage: load SOCKET [--clients N] [--calls N] [--uri URI]".into());
        }
        Ok(options)
    }
}

async fn call<P: Procedure>(
    client: &RpcClient,
    args: &P::Args,
) -> Result<P::Reply, Box<dyn Error + Send + Sync>> {
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

async fn run(
    options: Arc<Options>,
    start: Arc<Barrier>,
) -> Result<(Instant, Vec<Duration>), Box<dyn Error + Send + Sync>> {
    let (client, _events) = RpcClient::new(Io::unix(virt_sys::unix::connect(&options.socket)?)?);
    call::<remote::AuthList>(&client, &()).await?;
    let open = remote::ConnectOpenArgs { name: Some(options.uri.clone()), flags: 0 };
    call::<remote::ConnectOpen>(&client, &open).await?;
    start.wait().await;
    let begin = Instant::now();
    let mut times = Vec::with_capacity(options.calls);
    for _ in 0..options.calls {
        let before = Instant::now();
        call::<remote::ConnectGetLibVersion>(&client, &()).await?;
        times.push(before.elapsed());
    }
    call::<remote::ConnectClose>(&client, &()).await?;
    Ok((begin, times))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let options = Arc::new(Options::parse(std::env::args().skip(1))?);
    let start = Arc::new(Barrier::new(options.clients));
    let tasks: Vec<_> =
        (0..options.clients).map(|_| tokio::spawn(run(Arc::clone(&options), Arc::clone(&start)))).collect();
    let (mut times, mut begin) = (Vec::new(), Instant::now());
    for (number, task) in tasks.into_iter().enumerate() {
        let (began, mut some) = task.await?.map_err(|error| format!("client {number}: {error}"))?;
        begin = if number == 0 { began } else { begin.min(began) };
        times.append(&mut some);
    }
    let seconds = begin.elapsed().as_secs_f64();
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e6;
    println!(
        "{} clients: {:.0} calls/s, median {:.0} us, 99 % within {:.0} us",
        options.clients,
        times.len() as f64 / seconds,
        at(0.5),
        at(0.99)
    );
    Ok(())
}
