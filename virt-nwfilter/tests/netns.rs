//! Filters in the kernel: what a guest may send over a bridge, in a network namespace of its own.
#![allow(clippy::print_stderr)] // a skipped test says so

use std::fs::File;
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use tokio::sync::{Mutex, MutexGuard};
use virt_driver::{NwFilters, PortFilters};
use virt_netdev::Socket;
use virt_netdev::tap::{self, Tap};
use virt_nwfilter::{Directories, NwFilterDriver};

/// The guest's addresses, and those that it has no right to.
const MAC: [u8; 6] = [0x52, 0x54, 0, 0, 0, 1];
const IP: [u8; 4] = [10, 0, 0, 7];
const OTHER_MAC: [u8; 6] = [0x52, 0x54, 0, 0, 0, 9];
const OTHER_IP: [u8; 4] = [10, 0, 0, 9];

/// The longest that anything is waited for.
const LIMIT: Duration = Duration::from_secs(60);

/// Two guests' ends of taps on one bridge, and the driver that filters the first one's.
struct Fixture {
    guest: File,
    peer: File,
    driver: NwFilterDriver,
    root: PathBuf,
    _alone: MutexGuard<'static, ()>,
}

/// The programs of the tables stand no others beside them.
static ALONE: Mutex<()> = Mutex::const_new(());

impl Drop for Fixture {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.root);
    }
}

fn tap(name: &str, bridge: &str) -> File {
    let mut wanted = Tap::new(name.parse().unwrap());
    wanted.master = Some(bridge.parse().unwrap());
    wanted.up = true;
    let opened = tap::open(&mut Socket::open().unwrap(), &wanted).unwrap();
    let queue: OwnedFd = opened.queues.into_iter().next().unwrap();
    fcntl_setfl(&queue, fcntl_getfl(&queue).unwrap() | OFlags::NONBLOCK).unwrap();
    queue.into()
}

impl Fixture {
    async fn new(name: &str) -> Option<Self> {
        if std::env::var_os("VIRT_NETNS").is_none() {
            eprintln!("skipped: run by `cargo xtask netns`");
            return None;
        }
        let tun = File::options().read(true).write(true).open("/dev/net/tun");
        if tun.is_err_and(|error| error.kind() == ErrorKind::PermissionDenied) {
            eprintln!("skipped: this user may not open /dev/net/tun");
            return None;
        }
        let alone = ALONE.lock().await;
        for program in ["ebtables", "iptables", "ip6tables"] {
            if Command::new(program).arg("--version").output().is_err() {
                eprintln!("skipped: {program} is not installed");
                return None;
            }
        }
        let bridge = format!("{name}-br");
        for args in [
            &["link", "add", &bridge, "type", "bridge", "forward_delay", "0", "mcast_snooping", "0"][..],
            &["link", "set", &bridge, "up"],
        ] {
            assert!(Command::new("ip").args(args).status().unwrap().success(), "{args:?}");
        }
        let root = std::env::temp_dir().join(format!("virt-nwfilter-{name}-{}", std::process::id()));
        let directories = Directories { filters: root.join("f"), bindings: root.join("b") };
        let driver = NwFilterDriver::new(directories, true);
        driver.start().await.unwrap();
        let (guest, peer) = (tap(&format!("{name}-g"), &bridge), tap(&format!("{name}-p"), &bridge));
        Some(Self { guest, peer, driver, root, _alone: alone })
    }

    async fn bind(&self, port: &str, more: &str) {
        let mac: Vec<_> = MAC.iter().map(|byte| format!("{byte:02x}")).collect();
        let xml = format!(
            "<filterbinding>
               <owner><name>guest</name><uuid>c7a5fdbd-edaf-9455-926a-d65c16db1809</uuid></owner>
               <portdev name='{port}'/><mac address='{}'/>
               <filterref filter='clean-traffic'>{more}</filterref>
             </filterbinding>",
            mac.join(":")
        );
        self.driver.bind(&xml).await.unwrap();
    }

    /// Sends frames one after the other, and one that passes every filter; tells which of the others came through. They are
    /// told apart by their last bytes, and none overtakes another.
    fn pass(&mut self, frames: &[Vec<u8>]) -> Vec<bool> {
        for (number, frame) in (0u8..).zip(frames.iter().chain([&arp(MAC, IP)])) {
            self.guest.write_all(&[&frame[..], &[number]].concat()).unwrap();
        }
        let mut came = vec![false; frames.len()];
        let deadline = Instant::now() + LIMIT;
        loop {
            let frame = self.receive(deadline);
            // The host itself sends frames, too; those of the test are for a group of their own.
            let Some(number) = frame.last().filter(|_| frame.starts_with(&GROUP)) else { continue };
            match came.get_mut(usize::from(*number)) {
                Some(came) => *came = true,
                None => return came,
            }
        }
    }

    fn receive(&mut self, deadline: Instant) -> Vec<u8> {
        let mut buffer = [0; 2048];
        loop {
            match self.peer.read(&mut buffer) {
                Ok(length) => return buffer[..length].to_vec(),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => panic!("{error}"),
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "the frame that may pass did not come");
            let left = Timespec { tv_sec: left.as_secs().try_into().unwrap(), tv_nsec: 0 };
            poll(&mut [PollFd::new(&self.peer, PollFlags::IN)], Some(&left)).unwrap();
        }
    }
}

/// To whom the test's frames go: a group, which bridges send to every port.
const GROUP: [u8; 6] = [0x03, 0, 0, 0, 0, 1];

fn frame(source: [u8; 6], kind: u16, payload: &[u8]) -> Vec<u8> {
    [&GROUP[..], &source, &kind.to_be_bytes(), payload].concat()
}

fn arp(mac: [u8; 6], ip: [u8; 4]) -> Vec<u8> {
    frame(mac, 0x0806, &[&[0, 1, 8, 0, 6, 4, 0, 1][..], &mac, &ip, &[0; 6], &[10, 0, 0, 1]].concat())
}

/// A packet of an experimental protocol (RFC 3692) with one byte in it: the one that the frame ends with. Its checksum is right
/// (RFC 1071), since bridges look at it too where packets on them pass the firewall of IP.
fn ipv4(mac: [u8; 6], ip: [u8; 4]) -> Vec<u8> {
    let mut header = [&[0x45, 0, 0, 21, 0, 0, 0, 0, 64, 253, 0, 0][..], &ip, &[10, 0, 0, 1]].concat();
    let words = header.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1]));
    let sum: u32 = words.sum();
    let sum = !u16::try_from((sum & 0xffff) + (sum >> 16)).unwrap();
    header[10..12].copy_from_slice(&sum.to_be_bytes());
    frame(mac, 0x0800, &header)
}

fn ipv6(mac: [u8; 6]) -> Vec<u8> {
    frame(mac, 0x86dd, &[&[0x60, 0, 0, 0, 0, 1, 59, 64][..], &[0; 32]].concat())
}

fn tried() -> Vec<Vec<u8>> {
    vec![
        ipv4(MAC, IP),
        arp(MAC, IP),
        ipv4(OTHER_MAC, IP),
        ipv4(MAC, OTHER_IP),
        arp(MAC, OTHER_IP),
        arp(OTHER_MAC, IP),
        ipv6(MAC),
    ]
}

/// What of that clean traffic is.
const CLEAN: [bool; 7] = [true, true, false, false, false, false, false];

#[tokio::test]
async fn clean_traffic_stops_what_is_not_the_guests_own() {
    let Some(mut fixture) = Fixture::new("nwa").await else { return };
    assert_eq!(fixture.pass(&tried()), [true; 7], "without a filter");
    fixture.bind("nwa-g", "<parameter name='IP' value='10.0.0.7'/>").await;
    assert_eq!(fixture.pass(&tried()), CLEAN, "with the filter");
    fixture.driver.reload().await.unwrap();
    assert_eq!(fixture.pass(&tried()), CLEAN, "laid anew");
    fixture.driver.unbind("nwa-g").await.unwrap();
    assert_eq!(fixture.pass(&tried()), [true; 7], "without it again");
    let left = Command::new("ebtables").args(["-t", "nat", "-L"]).output().unwrap();
    assert!(!String::from_utf8_lossy(&left.stdout).contains("nwa-g"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_is_learned_from_what_the_guest_sends() {
    let Some(mut fixture) = Fixture::new("nwb").await else { return };
    fixture.bind("nwb-g", "").await;
    // Only the right address is sent until it is known: the first one counts.
    let deadline = Instant::now() + LIMIT;
    loop {
        let came = fixture.pass(&[ipv4(MAC, IP), ipv6(MAC), arp(OTHER_MAC, OTHER_IP)]);
        assert_eq!(came, [true, false, false], "before and after");
        let chain = ["-t", "nat", "-L", "I-nwb-g-ipv4-ip"];
        let listing = Command::new("ebtables").args(chain).output().unwrap();
        if String::from_utf8_lossy(&listing.stdout).contains("--ip-src 10.0.0.7") {
            break;
        }
        assert!(Instant::now() < deadline, "no address was learned");
    }
    assert_eq!(fixture.pass(&tried()), CLEAN);
    assert_eq!(fixture.driver.bindings(0).await.unwrap().len(), 1);
    fixture.driver.unbind("nwb-g").await.unwrap();
}
