//! Writing and reading typical messages: what a server and a client pay for each call beside the call itself.
#![allow(clippy::print_stdout)] // the figures are the output

use std::fmt::Debug;
use std::hint::black_box;
use std::time::{Duration, Instant};

use virt_proto::{
    Procedure,
    packet::{Header, Kind, Status},
    remote::{self, ConnectListAllDomains, Domain, DomainGetXmlDesc, DomainStatsRecord},
    xdr::{self, Xdr},
};
use virt_types::{TypedParams, Uuid};

fn main() {
    println!("{:<40} {:>10} {:>12} {:>12}", "message", "bytes", "write", "read");
    let domain = |number: u8| Domain {
        name: format!("domain-{number}"),
        uuid: Uuid::from_bytes([number; 16]),
        id: i32::from(number),
    };
    let call = Header::call(DomainGetXmlDesc::ROW, 7);
    measure("call: XML of a domain", call, &remote::DomainGetXmlDescArgs { dom: domain(1), flags: 0 });

    let reply = call.answer(Kind::Reply, Status::Ok);
    let xml = "<disk type='file' device='disk'/>\n".repeat(256);
    measure("reply: XML of a domain", reply, &remote::DomainGetXmlDescRet { xml });

    let list = Header::call(ConnectListAllDomains::ROW, 8).answer(Kind::Reply, Status::Ok);
    let domains: Vec<_> = (0..1000).map(|number| domain(number as u8)).collect();
    let ret = domains.len() as u32;
    measure("reply: 1,000 domains", list, &remote::ConnectListAllDomainsRet { domains, ret });

    let mut params = TypedParams::new();
    for number in 0..50 {
        params.push(format!("vcpu.{number}.time"), 1_000_000_000u64 + number);
    }
    let ret_stats =
        (0..100).map(|number| DomainStatsRecord { dom: domain(number), params: params.clone() }).collect();
    let stats = Header::call(remote::ConnectGetAllDomainStats::ROW, 9).answer(Kind::Reply, Status::Ok);
    measure("reply: 50 statistics of 100 domains", stats, &remote::ConnectGetAllDomainStatsRet { ret_stats });
}

fn measure<T: Xdr + PartialEq + Debug>(name: &str, header: Header, value: &T) {
    let bytes = header.message(value).expect("within the limits");
    assert_eq!(xdr::decode::<T>(&bytes[28..]).as_ref(), Ok(value));
    let write = best(|| header.message(black_box(value)).expect("within the limits"));
    let read = best(|| xdr::decode::<T>(black_box(&bytes[28..])).expect("as it was written"));
    println!("{name:<40} {:>10} {:>9} ns {:>9} ns", bytes.len(), write.as_nanos(), read.as_nanos());
}

/// The shortest mean of several rounds, each long enough to be measured.
fn best<T>(mut once: impl FnMut() -> T) -> Duration {
    let mut times = 1;
    while time(times, &mut once) < Duration::from_millis(20) {
        times *= 2;
    }
    let rounds = (0..10).map(|_| time(times, &mut once) / times);
    rounds.min().unwrap_or_default()
}

fn time<T>(times: u32, once: &mut impl FnMut() -> T) -> Duration {
    let begin = Instant::now();
    for _ in 0..times {
        black_box(once());
    }
    begin.elapsed()
}
