//! The driver's part of a status file, in libvirt's form.

use std::path::PathBuf;

use virt_conf::domain::{Cpu, CpuDescription};
use virt_types::{Error, ErrorCode, ErrorDomain, Result};
use virt_xml::{Document, Writer};

use super::connections::Connections;
use super::files::GuestFiles;

/// Writes what is needed to find the guest again.
pub(super) fn format(w: &mut Writer, files: &GuestFiles) {
    w.element("monitor", |w| {
        w.attr("path", files.monitor.display());
        w.attr("type", "unix");
    });
    w.element("libDir", |w| w.attr("path", files.dir.display()));
    w.element("channelTargetDir", |w| w.attr("path", files.channel_dir.display()));
}

/// The elements of [`format()`] as text, one a line, and what a start or an end has to release.
pub(super) fn text(files: &GuestFiles, connections: &Connections) -> String {
    let mut w = Writer::new();
    format(&mut w, files);
    connections.format(&mut w);
    w.finish()
}

/// What a status file says of the guest's files; what it does not say follows from the configuration.
pub(super) fn parse(status_xml: &str, mut files: GuestFiles) -> Result<GuestFiles> {
    let document = Document::parse(status_xml)?;
    let root = document.root();
    if let Some(monitor) = root.child("monitor") {
        if monitor.attr("type").is_some_and(|kind| kind != "unix") {
            let detail = format!("unsupported monitor type '{}'", monitor.attr("type").unwrap_or_default());
            return Err(Error::new(ErrorCode::InternalError, ErrorDomain::Qemu, detail).at(monitor.place()));
        }
        files.monitor = PathBuf::from(monitor.attr_required("path")?);
    }
    if let Some(path) = root.child("libDir").and_then(|dir| dir.attr("path")) {
        files.dir = PathBuf::from(path);
    }
    if let Some(path) = root.child("channelTargetDir").and_then(|dir| dir.attr("path")) {
        files.channel_dir = PathBuf::from(path);
    }
    Ok(files)
}

/// The CPU that the document asked for, where the guest got something else.
pub(super) fn asked_cpu(status_xml: &str) -> Result<Option<Cpu>> {
    let document = Document::parse(status_xml)?;
    let cpu = document.root().child("cpu").map(|cpu| CpuDescription::parse(cpu.source())).transpose()?;
    Ok(cpu.map(|description| description.cpu))
}

#[cfg(test)]
mod tests {
    use virt_conf::domain::Domain;

    use super::*;
    use crate::config::Config;

    #[test]
    fn what_is_written_is_found_again() {
        let config = Config::system();
        let live = Domain { id: Some(3), name: "web".into(), ..Domain::default() };
        let files = GuestFiles::of(&config, &live);
        let status = format!("<domstatus>{}</domstatus>", text(&files, &Connections::default()));
        let other = GuestFiles::of(&config, &Domain { id: Some(9), ..live });
        let found = parse(&status, other).unwrap();
        assert_eq!(
            (found.monitor, found.dir, found.channel_dir),
            (files.monitor, files.dir, files.channel_dir)
        );
    }
}
