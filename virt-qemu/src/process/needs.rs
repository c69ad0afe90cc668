//! Opening what a plan needs of the host, and handing it to the process.

use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use virt_conf::domain::Domain;
use virt_conf::domain::device::{ActualSource, DirectMode, Interface, InterfaceSource};
use virt_netdev::bandwidth::{self, Floors, View};
use virt_netdev::bridge::port;
use virt_netdev::macvtap::{self, Kind, Macvlan, Mode};
use virt_netdev::tap::{self, Tap};
use virt_netdev::{Socket, link};
use virt_sys::spawn::{Resource, UNLIMITED};
use virt_sys::{Spawn, unix};
use virt_types::{Error, Result};

use super::launch::cannot;
use super::monitor;
use crate::plan::{FdSource, HostNeed, LockedMemory, Plan};

/// Flash chips are at most this large.
const MAX_TEMPLATE: u64 = 256 << 20;

/// Opens everything, in order; `monitor` is the listening socket of the guest's monitor. The live domain gets the names of
/// devices that the kernel chose. Returns the other ends of sockets, by the device that they serve.
pub(super) fn open(
    plan: &Plan,
    live: &mut Domain,
    spawn: &mut Spawn,
    monitor: OwnedFd,
) -> Result<HashMap<String, OwnedFd>> {
    let mut opener = Opener { live, monitor: Some(monitor), taps: HashMap::new(), ends: HashMap::new() };
    for need in &plan.needs {
        match need {
            HostNeed::Directory(dir) => virt_sys::fs::create_dir_all(dir, 0o700)
                .map_err(|error| cannot("create a directory", error))?,
            HostNeed::CopyOf { template, path } => copy_if_missing(template, path)?,
            HostNeed::RandomKey(path) => {
                let key: [u8; 32] = crate::random::bytes()?;
                write_key(path, &key)?;
            }
            HostNeed::Fd { number, source } => {
                spawn.pass_fd_as(opener.open(source)?, *number);
            }
            HostNeed::LockedMemory(limit) => {
                let bytes = match limit {
                    LockedMemory::Bytes(bytes) => *bytes,
                    LockedMemory::Unlimited => UNLIMITED,
                };
                spawn.rlimit(Resource::Memlock, bytes, bytes);
            }
            HostNeed::Companion(_) => {}
            HostNeed::MessageBus(_) => {
                return Err(Error::no_support(&format!("starting a guest that needs {need}")));
            }
        }
    }
    Ok(opener.ends)
}

/// Opens what devices need that a running guest gets: descriptors with the numbers that the parts have for them.
pub(super) fn open_for_plug(needs: &[HostNeed], live: &mut Domain) -> Result<Vec<(i32, OwnedFd)>> {
    let mut opener = Opener { live, monitor: None, taps: HashMap::new(), ends: HashMap::new() };
    let mut fds = Vec::new();
    for need in needs {
        match need {
            HostNeed::Fd { number, source } => fds.push((*number, opener.open(source)?)),
            HostNeed::Directory(dir) => virt_sys::fs::create_dir_all(dir, 0o700)
                .map_err(|error| cannot("create a directory", error))?,
            other => return Err(Error::no_support(&format!("plugging in what needs a {other}"))),
        }
    }
    Ok(fds)
}

/// What a guest's firmware has written is kept: only a file that is not there is made, whole or not at all.
fn copy_if_missing(template: &Path, path: &Path) -> Result<()> {
    if path.exists() {
        return Ok(());
    }
    let failed = |error| cannot(&format!("make {} from {}", path.display(), template.display()), error);
    let bytes = virt_sys::fs::read_bounded(template, MAX_TEMPLATE).map_err(failed)?;
    if let Some(dir) = path.parent() {
        virt_sys::fs::create_dir_all(dir, 0o700).map_err(failed)?;
    }
    virt_sys::fs::atomic_write(path, &bytes, 0o600).map_err(failed)
}

/// The key lives as long as its guest: nothing has to reach the disk.
fn write_key(path: &Path, key: &[u8]) -> Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    options
        .open(path)
        .and_then(|mut file| std::io::Write::write_all(&mut file, key))
        .map_err(|error| cannot(&format!("write {}", path.display()), error))
}

struct Opener<'a> {
    live: &'a mut Domain,
    monitor: Option<OwnedFd>,
    /// Queues that are open already, by the alias of their interface, last first.
    taps: HashMap<String, Vec<OwnedFd>>,
    /// Ends of sockets for processes beside QEMU.
    ends: HashMap<String, OwnedFd>,
}

impl Opener<'_> {
    fn open(&mut self, source: &FdSource) -> Result<OwnedFd> {
        match source {
            FdSource::Monitor => {
                self.monitor.take().ok_or_else(|| monitor::failed("the monitor's socket is wanted twice"))
            }
            FdSource::VhostNet(path) | FdSource::File(path) => device(path),
            FdSource::VhostVsock => device("/dev/vhost-vsock".as_ref()),
            FdSource::UnixListener(path) => listen(path),
            FdSource::Tap { interface, .. } => self.tap_queue(interface),
            FdSource::TpmCancel { device: path } => device(&cancel_file(path, Path::new("/sys/class"))),
            FdSource::VhostUserGpu { device, .. } => {
                let (ours, theirs) = UnixStream::pair().map_err(|error| cannot("make a socket", error))?;
                self.ends.insert(device.clone(), theirs.into());
                Ok(ours.into())
            }
        }
    }

    /// The next queue of an interface's tap, all of which are opened with the first.
    fn tap_queue(&mut self, alias: &str) -> Result<OwnedFd> {
        if !self.taps.contains_key(alias) {
            let interfaces = &mut self.live.devices.interfaces;
            let interface = interfaces
                .iter_mut()
                .find(|interface| interface.info.alias.as_deref() == Some(alias))
                .ok_or_else(|| monitor::failed(format!("no interface with alias {alias}")))?;
            let mut queues = open_tap(interface)?;
            queues.reverse();
            self.taps.insert(alias.to_owned(), queues);
        }
        let queue = self.taps.get_mut(alias).and_then(Vec::pop);
        queue.ok_or_else(|| monitor::failed(format!("interface {alias} has too few queues")))
    }
}

/// The file that cancels a command of the host's TPM; old kernels have it elsewhere, and some devices have none.
fn cancel_file(device: &Path, classes: &Path) -> PathBuf {
    let name = device.file_name().unwrap_or_default();
    let known = ["tpm", "misc"].map(|class| classes.join(class).join(name).join("device/cancel"));
    known.into_iter().find(|path| path.exists()).unwrap_or_else(|| "/dev/null".into())
}

/// A listening socket, in a directory that is made for it.
fn listen(path: &Path) -> Result<OwnedFd> {
    let failed = |error| cannot(&format!("listen on {}", path.display()), error);
    if let Some(dir) = path.parent() {
        virt_sys::fs::create_dir_all(dir, 0o700).map_err(failed)?;
    }
    unix::bind_stale(path, 0o600).map(OwnedFd::from).map_err(failed)
}

fn device(path: &Path) -> Result<OwnedFd> {
    std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .map(OwnedFd::from)
        .map_err(|error| cannot(&format!("open {}", path.display()), error))
}

/// What an interface is connected to on the host.
enum Plugged<'a> {
    /// A tap that nobody looks after.
    Alone,
    /// A tap on this bridge.
    Bridge(&'a str),
    /// A macvtap on this link.
    Direct(&'a str, DirectMode),
}

impl<'a> Plugged<'a> {
    fn of(interface: &'a Interface) -> Result<Self> {
        let other = || Error::no_support("starting a guest with an interface of this type");
        Ok(match &interface.source {
            InterfaceSource::Ethernet => Self::Alone,
            InterfaceSource::Bridge { bridge } => Self::Bridge(bridge),
            InterfaceSource::Direct { dev, mode } => Self::Direct(dev, *mode),
            InterfaceSource::Network { .. } => {
                match interface.actual.as_ref().map(|actual| &actual.source).ok_or_else(other)? {
                    ActualSource::Network(port) | ActualSource::Bridge(port) => {
                        Self::Bridge(port.bridge.as_deref().ok_or_else(other)?)
                    }
                    ActualSource::Direct { dev, mode } => {
                        Self::Direct(dev.as_deref().ok_or_else(other)?, *mode)
                    }
                    ActualSource::Hostdev(_) => return Err(other()),
                }
            }
            _ => return Err(other()),
        })
    }
}

/// Makes the tap or macvtap of an interface, and writes down its name.
fn open_tap(interface: &mut Interface) -> Result<Vec<OwnedFd>> {
    let mut socket = Socket::open().map_err(|error| refused(error.into()))?;
    let queues = u16::try_from(interface.driver.queues.max(1)).unwrap_or(u16::MAX);
    let vnet_hdr = interface.model.as_ref().is_some_and(|model| model.is_virtio());
    let mtu = Some(interface.mtu).filter(|mtu| *mtu > 0);
    let (name, queues, view) = match Plugged::of(interface)? {
        Plugged::Direct(dev, mode) => {
            let missing = || monitor::failed("a macvtap has no name");
            let name = interface.target.as_deref().ok_or_else(missing)?.parse().map_err(bad_name)?;
            let mode = match mode {
                DirectMode::Vepa => Mode::Vepa,
                DirectMode::Private => Mode::Private,
                DirectMode::Bridge => Mode::Bridge,
                DirectMode::Passthrough => Mode::Passthru,
            };
            let parent = dev.parse().map_err(bad_name)?;
            let mut wanted = Macvlan::new(name, Kind::Macvtap, parent, mode);
            (wanted.mac, wanted.mtu, wanted.up) = (interface.mac, mtu, true);
            let opened = macvtap::create(&mut socket, &wanted, queues, vnet_hdr).map_err(refused)?;
            (opened.link.name, opened.queues, View::Same)
        }
        plugged => {
            let name = interface.target.as_deref().unwrap_or("vnet%d");
            let mut wanted = Tap::new(name.parse().map_err(bad_name)?);
            wanted.queues = queues;
            wanted.vnet_hdr = vnet_hdr;
            wanted.mac = interface.mac.map(tap::host_side_mac);
            wanted.mtu = mtu;
            wanted.up = true;
            if let Plugged::Bridge(bridge) = plugged {
                let bridge = bridge.parse().map_err(bad_name)?;
                // A port with another payload than its bridge would lose the larger frames.
                wanted.mtu = match mtu {
                    None => Some(link::get(&mut socket, &bridge).map_err(refused)?.mtu),
                    given => given,
                };
                wanted.master = Some(bridge);
            }
            let opened = tap::open(&mut socket, &wanted).map_err(refused)?;
            (opened.link.name, opened.queues, View::Opposite)
        }
    };
    let actual = interface.actual.as_ref();
    let isolated = actual.map_or(interface.port_isolated, |actual| actual.port_isolated);
    let limits = actual.map_or(interface.bandwidth, |actual| actual.bandwidth);
    let device = name.parse().map_err(bad_name)?;
    if isolated == Some(true) {
        let settings = port::Settings { isolated: Some(true), ..port::Settings::default() };
        port::change(&mut socket, &device, &settings).map_err(refused)?;
    }
    if let Some(limits) = limits {
        bandwidth::set(&mut socket, &device, &shaping(&limits), Floors::No, view).map_err(|error| {
            monitor::failed(format!("cannot limit the bandwidth of {device} (qdisc htb): {error}"))
                .caused_by(error)
        })?;
    }
    interface.target = Some(name);
    Ok(queues)
}

/// Limits as the kernel is told of them.
fn shaping(limits: &virt_conf::common::Bandwidth) -> bandwidth::Bandwidth {
    let some = |value: u64| Some(value).filter(|value| *value > 0);
    let rate = |rate: virt_conf::common::bandwidth::Rate| bandwidth::Rate {
        average: rate.average,
        peak: some(rate.peak),
        floor: some(rate.floor),
        burst: some(rate.burst),
    };
    bandwidth::Bandwidth { inbound: limits.inbound.map(rate), outbound: limits.outbound.map(rate) }
}

fn refused(error: virt_netdev::Error) -> Error {
    error.into()
}

fn bad_name(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    crate::error::xml_error(error.to_string()).caused_by(error)
}
