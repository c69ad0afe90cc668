//! `<node>`: the document that describes a host, and everything on it.

mod domain;
mod node;
mod user;

use std::path::Path;

use virt_types::{Error, ErrorCode, ErrorDomain, Result};
use virt_xml::{Document, Element};

use crate::error::{internal, refuse};
use crate::host::Host;
use crate::node::Node;

pub use user::{Credentials, Question};
pub(crate) use user::{User, authenticate};

/// The host of `test:///default`.
pub(crate) fn default_host() -> Result<Host> {
    read(include_str!("default.xml"), Path::new("/"), Node::with_cells())
}

/// The host that a file describes.
pub(crate) fn from_file(path: &str) -> Result<Host> {
    let place = Path::new(path);
    let text = text_of(place)?;
    read(&text, place.parent().unwrap_or(place), Node::plain()).map_err(|error| in_file(error, path))
}

/// The content of a file.
fn text_of(path: &Path) -> Result<String> {
    let path = path.display();
    std::fs::read_to_string(path.to_string()).map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::PermissionDenied => {
            refuse(ErrorCode::XmlError, format!("failed to parse xml document '{path}'")).caused_by(source)
        }
        _ => refuse(ErrorCode::XmlDetail, format!("{path}:1: Document is empty")).caused_by(source),
    })
}

/// Names the file of what is no XML.
fn in_file(error: Error, path: &str) -> Error {
    match error.detail().strip_prefix("(document)") {
        Some(rest) if error.code() == ErrorCode::XmlDetail => {
            let named = Error::new(ErrorCode::XmlDetail, ErrorDomain::Test, format!("{path}{rest}"));
            match error.place() {
                Some(place) => named.at(place.clone()),
                None => named,
            }
        }
        _ => error,
    }
}

fn read(text: &str, directory: &Path, node: Node) -> Result<Host> {
    let document = Document::parse(text)?;
    let root = document.root_named("node")?;
    let mut host = Host::new(node);
    node::read(root, &mut host.node.info)?;
    let source = Source { directory };
    for el in root.children_named("domain") {
        source.read(el, |el| domain::add(&mut host, el, source))?;
    }
    for el in root.children_named("network") {
        source.read(el, |el| host.networks.read(el))?;
    }
    for el in root.children_named("interface") {
        source.read(el, |el| host.interfaces.read(el))?;
    }
    for el in root.children_named("pool") {
        source.read(el, |el| host.pools.read(el, source))?;
    }
    for el in root.children_named("device") {
        source.read(el, |el| host.devices.read(el))?;
    }
    host.users = user::read(root)?;
    Ok(host)
}

/// Where the files that a document names are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source<'a> {
    directory: &'a Path,
}

impl Source<'_> {
    /// Reads an element: as it stands, or from the file that its attribute `file` names.
    pub(crate) fn read<T>(self, el: Element<'_>, read: impl FnOnce(Element<'_>) -> Result<T>) -> Result<T> {
        let Some(file) = el.attr("file") else { return read(el) };
        let path = self.directory.join(file);
        let text = text_of(&path)?;
        let parsed = Document::parse(&text).and_then(|document| read(document.root_named(el.name())?));
        parsed.map_err(|error| in_file(error, &path.to_string_lossy()))
    }
}

/// `VIR_ERR_XML_ERROR`
fn xml_error(detail: impl Into<String>) -> Error {
    refuse(ErrorCode::XmlError, detail)
}

/// Refuses a text that is too long for its place.
fn too_big(what: &str, text: &str) -> Error {
    internal(format!("{what} {text} too big for destination"))
}
