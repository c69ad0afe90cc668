//! Opening what a plan needs of the host, and handing it to the process.

use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::path::Path;

use virt_conf::domain::Domain;
use virt_conf::domain::device::{Interface, InterfaceSource};
use virt_netdev::Socket;
use virt_netdev::tap::{self, Tap};
use virt_sys::{Spawn, unix};
use virt_types::{Error, Result};

use super::launch::cannot;
use super::monitor;
use crate::plan::{FdSource, HostNeed, Plan};

/// Flash chips are at most this large.
const MAX_TEMPLATE: u64 = 256 << 20;

/// Opens everything, in order; `monitor` is the listening socket of the guest's monitor. The live domain gets the names of
/// devices that the kernel chose.
pub(super) fn open(plan: &Plan, live: &mut Domain, spawn: &mut Spawn, monitor: OwnedFd) -> Result<()> {
    let mut opener = Opener { live, monitor: Some(monitor), taps: HashMap::new() };
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
            HostNeed::Passt { .. }
            | HostNeed::MessageBus(_)
            | HostNeed::Swtpm { .. }
            | HostNeed::Virtiofsd { .. } => {
                return Err(Error::no_support(&format!("starting a guest that needs {need}")));
            }
        }
    }
    Ok(())
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
            FdSource::VhostUserGpu { .. } | FdSource::TpmCancel { .. } => {
                Err(Error::no_support(&format!("starting a guest that needs a {source}")))
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

/// Makes the tap of an interface that has one of its own, on or off a bridge, and writes down its name.
fn open_tap(interface: &mut Interface) -> Result<Vec<OwnedFd>> {
    let bridge = match &interface.source {
        InterfaceSource::Ethernet => None,
        InterfaceSource::Bridge { bridge } => Some(bridge.parse().map_err(bad_name)?),
        _ => return Err(Error::no_support("starting a guest with an interface of this type")),
    };
    let name = interface.target.as_deref().unwrap_or("vnet%d");
    let mut wanted = Tap::new(name.parse().map_err(bad_name)?);
    wanted.queues = u16::try_from(interface.driver.queues.max(1)).unwrap_or(u16::MAX);
    wanted.vnet_hdr = interface.model.as_ref().is_some_and(|model| model.is_virtio());
    wanted.mac = interface.mac.map(tap::host_side_mac);
    wanted.mtu = Some(interface.mtu).filter(|mtu| *mtu > 0);
    wanted.master = bridge;
    wanted.up = true;
    let mut socket = Socket::open().map_err(|error| refused(error.into()))?;
    let tap = tap::open(&mut socket, &wanted).map_err(refused)?;
    interface.target = Some(tap.link.name.to_string());
    Ok(tap.queues)
}

fn refused(error: virt_netdev::Error) -> Error {
    error.into()
}

fn bad_name(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    crate::error::xml_error(error.to_string()).caused_by(error)
}
