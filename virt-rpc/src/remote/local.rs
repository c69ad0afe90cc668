//! Sockets of this host.

use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use virt_types::{Error, ErrorCode, ErrorDomain, Result};

use super::failed;
use super::uri::{Mode, RemoteUri};
use crate::Io;

pub(super) fn connect(uri: &RemoteUri, read_only: bool) -> Result<Io> {
    let paths = match &uri.socket {
        Some(path) => vec![path.clone()],
        None => {
            let folder = if uri.is_session() { runtime_dir()? } else { PathBuf::from("/run") };
            candidates(uri, read_only, &folder)
        }
    };
    let mut outcome = Err(Error::new(ErrorCode::NoConnect, ErrorDomain::Rpc, uri.to_string()));
    for path in paths {
        match UnixStream::connect(&path) {
            Ok(stream) => return Io::unix(stream).map_err(|error| failed("use the socket", error)),
            Err(error) => {
                let gone = error.kind() == std::io::ErrorKind::NotFound;
                let said = error.to_string();
                let said = said.split(" (os error").next().unwrap_or_default();
                let text = format!("Failed to connect socket to '{}': {said}", path.display());
                outcome = Err(Error::new(ErrorCode::SystemError, ErrorDomain::Rpc, text).caused_by(error));
                // A socket that is there and refuses is the one that was meant.
                if !gone {
                    break;
                }
            }
        }
    }
    outcome
}

/// The sockets that may lead to the driver, the likeliest first: libvirt's names, then those of this project's own
/// daemon.
fn candidates(uri: &RemoteUri, read_only: bool, folder: &Path) -> Vec<PathBuf> {
    // The driver of a user has no socket for those who only look.
    let end = if read_only && !uri.is_session() { "sock-ro" } else { "sock" };
    let direct = folder.join("libvirt").join(format!("virt{}d-{end}", uri.driver));
    let legacy = folder.join("libvirt").join(format!("libvirt-{end}"));
    let own = folder.join("virt").join(format!("virt-{end}"));
    match uri.mode {
        Mode::Auto => vec![direct, legacy, own],
        Mode::Legacy => vec![legacy, own],
        Mode::Direct => vec![direct],
    }
}

fn runtime_dir() -> Result<PathBuf> {
    match std::env::var_os("XDG_RUNTIME_DIR") {
        Some(directory) if !directory.is_empty() => Ok(directory.into()),
        _ => Ok(PathBuf::from("/run/user").join(rustix::process::getuid().as_raw().to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_socket_for_the_driver_comes_before_the_one_for_all() {
        for (uri, read_only, expected) in [
            ("qemu+unix:///system", false, &["virtqemud-sock", "libvirt-sock", "virt-sock"][..]),
            ("qemu+unix:///system", true, &["virtqemud-sock-ro", "libvirt-sock-ro", "virt-sock-ro"]),
            ("qemu+unix:///session", true, &["virtqemud-sock", "libvirt-sock", "virt-sock"]),
            ("lxc+unix:///system?mode=legacy", false, &["libvirt-sock", "virt-sock"]),
            ("lxc+unix:///system?mode=direct", false, &["virtlxcd-sock"]),
        ] {
            let found = candidates(&uri.parse().unwrap(), read_only, Path::new("/run"));
            let names: Vec<_> = found.iter().filter_map(|path| path.file_name()?.to_str()).collect();
            assert_eq!(names, expected, "{uri}");
        }
    }
}
