//! The files: configurations of filters, which outlive the host's power, and bindings, which do not.

use std::collections::BTreeMap;
use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use virt_conf::nwfilter::{Filter, FilterBinding};
use virt_sys::fs::{atomic_write, create_dir_all, read_bounded, remove, replace};
use virt_types::{Error, ErrorCode, Result};
use virt_xml::{Document, Element, Writer};

use crate::error::{internal, refuse};
use crate::shipped::SHIPPED;

/// The most that a document may be, in bytes.
const LIMIT: u64 = 10 << 20;

/// The addresses that an interface was found to have, each with its end in seconds since 1970 where it has one.
pub(crate) type Found = BTreeMap<Ipv4Addr, Option<u64>>;

/// Where the driver's files are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directories {
    /// Filters, one document each.
    pub filters: PathBuf,
    /// Bindings, as they are while the host runs.
    pub bindings: PathBuf,
}

fn cannot(what: &str, path: &Path, error: virt_sys::Error) -> Error {
    refuse(ErrorCode::SystemError, format!("cannot {what} '{}'", path.display())).caused_by(error)
}

impl Directories {
    /// Makes the directories. A new one gets the filters that come with the engine.
    pub(crate) fn create(&self) -> Result<()> {
        let new = !self.filters.exists();
        for directory in [&self.filters, &self.bindings] {
            create_dir_all(directory, 0o700)
                .map_err(|error| cannot("create config directory", directory, error))?;
        }
        for (name, text) in SHIPPED.iter().filter(|_| new) {
            let path = self.filter(name);
            atomic_write(&path, text.as_bytes(), 0o600)
                .map_err(|error| cannot("write config file", &path, error))?;
        }
        Ok(())
    }

    fn filter(&self, name: &str) -> PathBuf {
        self.filters.join(format!("{name}.xml"))
    }

    fn binding(&self, port: &str) -> PathBuf {
        self.bindings.join(format!("{port}.xml"))
    }

    /// Writes a filter's document.
    pub(crate) fn save(&self, filter: &Filter) -> Result<()> {
        let path = self.filter(&filter.name);
        atomic_write(&path, filter.format().as_bytes(), 0o600)
            .map_err(|error| cannot("write config file", &path, error))
    }

    /// Removes a filter's document.
    pub(crate) fn forget(&self, name: &str) -> Result<()> {
        let path = self.filter(name);
        remove(&path).map(drop).map_err(|error| cannot("remove config", &path, error))
    }

    /// Writes a binding's document, with the addresses that its interface was found to have; libvirt passes over them.
    pub(crate) fn save_binding(&self, binding: &FilterBinding, found: &Found) -> Result<()> {
        let path = self.binding(&binding.port_dev);
        let mut w = Writer::new();
        w.open_element("filterbindingstatus", |w| {
            binding.format_into(w);
            for (address, end) in found {
                w.element("address", |w| {
                    w.attr("ip", address);
                    if let Some(end) = end {
                        w.attr("until", end);
                    }
                });
            }
        });
        replace(&path, w.finish().as_bytes(), 0o600)
            .map_err(|error| cannot("write config file", &path, error))
    }

    /// Removes a binding's document.
    pub(crate) fn forget_binding(&self, port: &str) -> Result<()> {
        let path = self.binding(port);
        remove(&path).map(drop).map_err(|error| cannot("remove config", &path, error))
    }

    /// Every filter that can be read. What can not is logged and left out.
    pub(crate) fn load(&self) -> Vec<Filter> {
        documents(&self.filters, |name, text| {
            let filter = Filter::parse(text)?;
            if filter.name != name {
                let detail = format!(
                    "network filter config filename '{name}.xml' does not match name '{}'",
                    filter.name
                );
                return Err(internal(detail));
            }
            Ok(filter)
        })
    }

    /// Every binding that can be read, with what was found of its interface.
    pub(crate) fn load_bindings(&self) -> Vec<(FilterBinding, Found)> {
        documents(&self.bindings, |_, text| {
            let document = Document::parse(text)?;
            let root = document.root_named("filterbindingstatus")?;
            let inner = root.child("filterbinding");
            let inner = inner.ok_or_else(|| internal("the file holds no filter binding"))?;
            let address = |el: Element<'_>| {
                Some((el.attr("ip")?.parse().ok()?, el.attr("until").and_then(|end| end.parse().ok())))
            };
            let found = root.children_named("address").filter_map(address).collect();
            Ok((FilterBinding::parse_element(inner)?, found))
        })
    }
}

/// What the documents of a directory hold, in the order of their names.
fn documents<T>(directory: &Path, read: impl Fn(&str, &str) -> Result<T>) -> Vec<T> {
    let entries = fs::read_dir(directory).into_iter().flatten();
    let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    let mut found = Vec::new();
    for path in paths {
        let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".xml"));
        let Some(name) = name.filter(|name| !name.starts_with('.')) else { continue };
        let text = read_bounded(&path, LIMIT).map_err(|error| cannot("read", &path, error));
        match text.and_then(|bytes| read(name, &String::from_utf8_lossy(&bytes))) {
            Ok(document) => found.push(document),
            Err(error) => log::error!("{}: {}", path.display(), error.report()),
        }
    }
    found
}
