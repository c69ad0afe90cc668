//! One device's files in `/sys`, and what udev knows of it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// The most that is read of one file, in bytes.
const LIMIT: u64 = 64 << 10;

/// A device: a directory below `/sys/devices`.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    root: &'a Path,
    dir: PathBuf,
    /// Name of the kernel's group of drivers.
    pub(crate) subsystem: String,
    /// What the kernel tells in its events, and over it what udev's rules found.
    properties: BTreeMap<String, String>,
    /// Names below `/dev` that udev gave.
    links: Vec<String>,
}

impl<'a> Entry<'a> {
    /// The device with this directory.
    pub(crate) fn open(root: &'a Path, dir: PathBuf) -> Self {
        let subsystem = link_name(&dir.join("subsystem")).unwrap_or_default();
        let mut entry = Self { root, dir, subsystem, properties: BTreeMap::new(), links: Vec::new() };
        let uevent = entry.attribute_text("uevent").unwrap_or_default();
        entry.properties = uevent.lines().filter_map(pair).collect();
        entry.ask_udev();
        entry
    }

    /// udev's file: lines with a letter, and for `E` a property, for `S` a link.
    fn ask_udev(&mut self) {
        let file = self.root.join("run/udev/data").join(self.udev_name());
        let Ok(bytes) = virt_sys::fs::read_bounded(&file, LIMIT) else { return };
        for line in String::from_utf8_lossy(&bytes).lines() {
            match line.split_once(':') {
                Some(("E", rest)) => self.properties.extend(pair(rest)),
                Some(("S", rest)) => self.links.push(format!("/dev/{rest}")),
                _ => {}
            }
        }
        self.links.sort();
    }

    /// The name of udev's file: by number for nodes and interfaces, by name for others.
    fn udev_name(&self) -> String {
        let property = |name| self.property(name);
        if let (Some(major), Some(minor)) = (property("MAJOR"), property("MINOR")) {
            let kind = if self.subsystem == "block" { 'b' } else { 'c' };
            return format!("{kind}{major}:{minor}");
        }
        match property("IFINDEX") {
            Some(index) => format!("n{index}"),
            None => format!("+{}:{}", self.subsystem, self.name()),
        }
    }

    /// Its name in the kernel.
    pub(crate) fn name(&self) -> &str {
        self.dir.file_name().and_then(|name| name.to_str()).unwrap_or_default()
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The path as the host calls it.
    pub(crate) fn path(&self) -> String {
        let below = self.dir.strip_prefix(self.root).unwrap_or(&self.dir);
        format!("/{}", below.display())
    }

    pub(crate) fn root(&self) -> &Path {
        self.root
    }

    fn attribute_text(&self, name: &str) -> Option<String> {
        let bytes = virt_sys::fs::read_bounded(&self.dir.join(name), LIMIT).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// An attribute's text without blanks around it and control characters within, if there is any.
    pub(crate) fn attribute(&self, name: &str) -> Option<String> {
        let text: String = self.attribute_text(name)?.chars().filter(|c| !c.is_control()).collect();
        Some(text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    pub(crate) fn number<T: FromStr>(&self, name: &str) -> Option<T> {
        self.attribute(name)?.parse().ok()
    }

    /// A hexadecimal number, with `0x` or without.
    pub(crate) fn hex(&self, name: &str) -> Option<u32> {
        let text = self.attribute(name)?;
        u32::from_str_radix(text.strip_prefix("0x").unwrap_or(&text), 16).ok()
    }

    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        virt_sys::fs::read_bounded(&self.dir.join(name), LIMIT).unwrap_or_default()
    }

    pub(crate) fn property(&self, name: &str) -> Option<&str> {
        self.properties.get(name).map(String::as_str)
    }

    pub(crate) fn has(&self, file: &str) -> bool {
        self.dir.join(file).exists()
    }

    /// The last part of what one of its links leads to.
    pub(crate) fn link(&self, name: &str) -> Option<String> {
        link_name(&self.dir.join(name))
    }

    /// The names of the files in one of its directories, in order.
    pub(crate) fn entries(&self, directory: &str) -> Vec<String> {
        names_in(&self.dir.join(directory))
    }

    /// Its node below `/dev`.
    pub(crate) fn node(&self) -> Option<String> {
        self.property("DEVNAME").map(|name| format!("/dev/{}", name.trim_start_matches("/dev/")))
    }

    pub(crate) fn node_links(&self) -> &[String] {
        &self.links
    }
}

fn pair(line: &str) -> Option<(String, String)> {
    line.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()))
}

fn link_name(link: &Path) -> Option<String> {
    fs::read_link(link).ok()?.file_name()?.to_str().map(str::to_owned)
}

/// The names of the files in a directory, in order.
pub(crate) fn names_in(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten();
    let mut names: Vec<_> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.sort();
    names
}
