//! What the kernel's files say of interfaces.

use std::fs;
use std::path::{Path, PathBuf};

use virt_conf::common::{Link, LinkState};
use virt_conf::interface::{HostInterface, InterfaceKind};
use virt_driver::InterfaceRef;
use virt_types::{Result, TextEnum};

use crate::bond;
use crate::error::{internal, not_found};

/// The most that is read of one of the kernel's files, in bytes.
const LIMIT: u64 = 64 << 10;

/// The interfaces of this host, or of one that was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostInterfaces {
    root: PathBuf,
}

impl Default for HostInterfaces {
    fn default() -> Self {
        Self::new()
    }
}

/// An interface's files.
#[derive(Debug, Clone)]
pub(crate) struct Files<'a> {
    root: &'a Path,
    pub(crate) name: &'a str,
}

impl HostInterfaces {
    /// Those of this host.
    #[must_use]
    pub fn new() -> Self {
        Self::below("/")
    }

    /// Those of the host whose `/sys` and `/proc` are below this directory.
    #[must_use]
    pub fn below(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    fn files<'a>(&'a self, name: &'a str) -> Files<'a> {
        Files { root: &self.root, name }
    }

    /// The interface with this name.
    ///
    /// # Errors
    /// `VIR_ERR_NO_INTERFACE`.
    pub(crate) fn find<'a>(&'a self, name: &'a str) -> Result<Files<'a>> {
        // A name is never a path.
        let is_name = !name.is_empty() && !name.contains('/') && name != "." && name != "..";
        let files = self.files(name);
        if is_name && files.dir().is_dir() { Ok(files) } else { Err(not_found(name)) }
    }

    /// Those that are neither ports of bridges nor taps, each with whether it is up. They come in the order of the devices
    /// that they belong to.
    pub(crate) fn listed(&self) -> Vec<(InterfaceRef, bool)> {
        let entries = fs::read_dir(self.root.join("sys/class/net")).into_iter().flatten();
        let mut found: Vec<_> = entries
            .filter_map(|entry| {
                let entry = entry.ok()?;
                let name = entry.file_name().into_string().ok()?;
                let device = fs::canonicalize(entry.path()).ok()?;
                let files = self.files(&name);
                let hidden = files.has("brport/state") || files.has("tun_flags");
                // There is a file among them that is no interface.
                (device.is_dir() && !hidden).then(|| (device, files.reference(), files.is_up()))
            })
            .collect();
        found.sort_by(|(one, ..), (other, ..)| one.cmp(other));
        found.into_iter().map(|(_, reference, up)| (reference, up)).collect()
    }

    /// What an interface is, with the interfaces that are part of it.
    ///
    /// # Errors
    /// `VIR_ERR_NO_INTERFACE`; `VIR_ERR_INTERNAL_ERROR` for what the kernel does not say, or otherwise than expected.
    pub fn describe(&self, name: &str) -> Result<HostInterface> {
        let files = self.find(name)?;
        let link = files.link()?;
        let mtu = files.text("mtu");
        let mtu = mtu.as_deref().and_then(|text| text.parse().ok()).ok_or_else(|| {
            internal(format!("Could not parse MTU value '{}'", mtu.as_deref().unwrap_or("<null>")))
        })?;
        let kind = match files.device_type().as_deref() {
            Some("vlan") => files.vlan()?,
            Some("bridge") => self.bridge(&files)?,
            Some("bond") => InterfaceKind::Bond(bond::describe(self, &files)?),
            _ if files.has("bonding/mode") => InterfaceKind::Bond(bond::describe(self, &files)?),
            _ if name.contains('.') => files.vlan()?,
            _ => InterfaceKind::Ethernet { mac: files.text("address") },
        };
        // A bridge's link is that of its ports.
        let link = if matches!(kind, InterfaceKind::Bridge { .. }) { Link::default() } else { link };
        Ok(HostInterface { name: name.to_owned(), start: None, mtu, protocols: Vec::new(), link, kind })
    }

    fn bridge(&self, files: &Files<'_>) -> Result<InterfaceKind> {
        let delay = files.required("bridge/forward_delay")?;
        let stp = match files.number("bridge/stp_state")? {
            -1 => None,
            0 => Some(false),
            1 => Some(true),
            other => {
                let name = files.name;
                return Err(internal(format!(
                    "Invalid STP state value {other} received for '{name}'. Must be -1, 0, or 1."
                )));
            }
        };
        let mut ports = Vec::new();
        for port in files.entries("brif").into_iter().filter(|port| !is_of_guest(port)) {
            ports.push(self.part(&port, files.name, "a member of bridge")?);
        }
        Ok(InterfaceKind::Bridge { stp, delay: Some(delay), ports })
    }

    /// An interface that is part of another one, and has no MTU of its own.
    pub(crate) fn part(&self, name: &str, whole: &str, what: &str) -> Result<HostInterface> {
        let described = self.describe(name).map_err(|error| {
            let detail =
                format!("Could not get interface information for '{name}', which is {what} '{whole}'");
            internal(detail).caused_by(error)
        })?;
        Ok(HostInterface { mtu: 0, ..described })
    }
}

/// Guests' taps are known by the names that they get.
fn is_of_guest(port: &str) -> bool {
    port.strip_prefix("vnet").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

impl Files<'_> {
    fn dir(&self) -> PathBuf {
        self.root.join("sys/class/net").join(self.name)
    }

    fn has(&self, file: &str) -> bool {
        self.dir().join(file).exists()
    }

    /// The text of one of its files, without the blanks around it; none where it is not there or can not be read.
    pub(crate) fn text(&self, file: &str) -> Option<String> {
        let bytes = virt_sys::fs::read_bounded(&self.dir().join(file), LIMIT).ok()?;
        Some(String::from_utf8_lossy(&bytes).trim().to_owned())
    }

    pub(crate) fn required(&self, file: &str) -> Result<String> {
        self.text(file).ok_or_else(|| internal(format!("Could not retrieve '{file}' for '{}'", self.name)))
    }

    pub(crate) fn number(&self, file: &str) -> Result<i32> {
        let text = self.required(file)?;
        text.parse().map_err(|_| internal(format!("Could not parse '{file}' '{text}' for '{}'", self.name)))
    }

    /// The names of the files in one of its directories, in order.
    pub(crate) fn entries(&self, directory: &str) -> Vec<String> {
        let entries = fs::read_dir(self.dir().join(directory)).into_iter().flatten();
        let mut names: Vec<_> =
            entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
        names.sort();
        names
    }

    pub(crate) fn is_up(&self) -> bool {
        self.text("operstate").as_deref() == Some("up")
    }

    pub(crate) fn reference(&self) -> InterfaceRef {
        InterfaceRef { name: self.name.to_owned(), mac: self.text("address").unwrap_or_default() }
    }

    /// What kind of device the driver says it is (`DEVTYPE` of its uevents).
    fn device_type(&self) -> Option<String> {
        let uevent = self.text("uevent")?;
        uevent.lines().find_map(|line| line.strip_prefix("DEVTYPE=")).map(str::to_owned)
    }

    fn link(&self) -> Result<Link> {
        let text = self.text("operstate").ok_or_else(|| not_found(self.name))?;
        let state = LinkState::from_text(&text);
        let state = state.ok_or_else(|| internal(format!("Unable to parse: {text}")))?;
        // Without a carrier the speed means nothing; some devices have none, or say that they do not know.
        let speed = if state == LinkState::Up { self.text("speed") } else { None };
        Ok(Link { state: Some(state), speed: speed.and_then(|text| text.parse().ok()).unwrap_or(0) })
    }

    fn vlan(&self) -> Result<InterfaceKind> {
        let path = self.root.join("proc/net/vlan").join(self.name);
        let missing =
            |what: &str| internal(format!("failed to find the {what} for the VLAN device '{}'", self.name));
        let bytes =
            virt_sys::fs::read_bounded(&path, LIMIT).map_err(|error| missing("VID").caused_by(error))?;
        let text = String::from_utf8_lossy(&bytes);
        let tag: String = text
            .split_once("VID: ")
            .map(|(_, rest)| rest.chars().take_while(char::is_ascii_digit).collect())
            .unwrap_or_default();
        if tag.is_empty() {
            return Err(missing("VID"));
        }
        let device = text.lines().find_map(|line| line.strip_prefix("Device: ")).map(str::trim);
        let device = device.filter(|device| !device.is_empty()).ok_or_else(|| missing("real device"))?;
        Ok(InterfaceKind::Vlan { tag, dev: device.to_owned() })
    }
}
