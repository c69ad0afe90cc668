//! Tests against the kernel, in a network namespace that belongs to them alone; `ip`, `bridge` and `tc` are independent
//! witnesses.
#![allow(clippy::print_stderr)] // a skipped test says so

mod addresses;
mod bandwidth;
mod bridges;
mod devices;
mod kinds;
mod links;

use std::fmt::Debug;
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind};
use std::process::{Child, Command, Stdio};

use virt_netdev::bridge::Bridge;
use virt_netdev::veth::{Properties, Veth};
use virt_netdev::{InterfaceName, Link, Socket};

/// A socket where the test may do as it likes with the network.
fn namespace() -> Option<Socket> {
    if std::env::var_os("VIRT_NETNS").is_some() {
        return Some(Socket::open().expect("a netlink socket"));
    }
    eprintln!("skipped: run by `cargo xtask netns`");
    None
}

fn name(name: &str) -> InterfaceName {
    name.parse().expect("a valid name")
}

/// As [`namespace`], where this user may also make taps.
fn namespace_with_taps() -> Option<Socket> {
    let socket = namespace()?;
    match File::options().read(true).write(true).open("/dev/net/tun") {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            eprintln!("skipped: this user may not open /dev/net/tun");
            None
        }
        _ => Some(socket),
    }
}

/// A new network namespace, and the process that keeps it until its standard input ends.
fn another_namespace() -> (File, Child) {
    let mut other = Command::new("unshare")
        .args(["--net", "sh", "-c", "echo ready; read end"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(other.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let file = File::open(format!("/proc/{}/ns/net", other.id())).unwrap();
    (file, other)
}

/// What `ip` tells of a device.
fn witness(name: &str) -> String {
    say("ip", &["-details", "link", "show", "dev", name])
}

/// What a program says, on both of its outputs. A list that changed while it was read is read again.
fn say(program: &str, args: &[&str]) -> String {
    let mut said = String::new();
    for _ in 0..100 {
        let output = Command::new(program).args(args).output().expect("iproute2 is installed");
        said =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        if !said.contains(INTERRUPTED) || !args.contains(&"show") {
            break;
        }
    }
    said
}

/// What iproute2 says of a list that changed while it was read.
const INTERRUPTED: &str = "Dump was interrupted and may be inconsistent.";

/// What stays of a device while nobody changes it: not whether the kernel has looked at its carrier yet.
fn lasting(link: &Link) -> impl PartialEq + Debug + use<> {
    (
        link.index,
        link.name.clone(),
        link.mac,
        link.mtu,
        link.up,
        link.master,
        link.group,
        link.details.clone(),
    )
}

/// That all of these are in a text.
#[track_caller]
fn assert_has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part} in {text}");
    }
}

/// A bridge for a test, switched on.
fn bridge(socket: &mut Socket, bridge: &str) -> InterfaceName {
    let bridge = Bridge { up: true, ..Bridge::new(name(bridge)) };
    virt_netdev::bridge::create(socket, &bridge).expect("a bridge");
    bridge.name
}

/// A pair of veths, switched on.
fn veth(socket: &mut Socket, end: &str, other: &str) -> (InterfaceName, InterfaceName) {
    let pair = Veth {
        properties: Properties { up: true, ..Properties::default() },
        ..Veth::new(name(end), name(other))
    };
    virt_netdev::veth::create(socket, &pair).expect("a pair of veths");
    virt_netdev::link::set_up(socket, &pair.peer, true).expect("the other end");
    (pair.name, pair.peer)
}
