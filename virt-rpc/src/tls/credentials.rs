//! libvirt's certificate files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};

use crate::error::Error;

/// Which end a certificate is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// `servercert.pem` and `serverkey.pem`.
    Server,
    /// `clientcert.pem` and `clientkey.pem`.
    Client,
}

/// Where the files of one end are (PEM).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The authority whose certificates are believed.
    pub authority: PathBuf,
    /// What it has revoked; the file need not be there.
    pub revoked: PathBuf,
    /// The own certificate, and those above it.
    pub certificate: PathBuf,
    /// The own key.
    pub key: PathBuf,
}

impl Credentials {
    /// The host's files: `/etc/pki/CA` and `/etc/pki/libvirt`.
    #[must_use]
    pub fn of_host(side: Side) -> Self {
        let (certificate, key) = side.names();
        Self {
            authority: "/etc/pki/CA/cacert.pem".into(),
            revoked: "/etc/pki/CA/cacrl.pem".into(),
            certificate: Path::new("/etc/pki/libvirt").join(certificate),
            key: Path::new("/etc/pki/libvirt/private").join(key),
        }
    }

    /// All files in one directory, as `?pkipath=` in a URI says.
    #[must_use]
    pub fn in_directory(directory: &Path, side: Side) -> Self {
        let (certificate, key) = side.names();
        Self {
            authority: directory.join("cacert.pem"),
            revoked: directory.join("cacrl.pem"),
            certificate: directory.join(certificate),
            key: directory.join(key),
        }
    }

    /// The files of a user with this home, `~/.pki/libvirt`; those that are not there, of the host. Certificate and key
    /// come from the same place.
    #[must_use]
    pub fn of_user(home: &Path, side: Side) -> Self {
        let user = Self::in_directory(&home.join(".pki/libvirt"), side);
        let mut files = Self::of_host(side);
        if user.authority.exists() {
            files.authority = user.authority;
        }
        if user.revoked.exists() {
            files.revoked = user.revoked;
        }
        if user.certificate.exists() && user.key.exists() {
            files.certificate = user.certificate;
            files.key = user.key;
        }
        files
    }

    /// Whether certificate and key are there.
    pub(super) fn has_own(&self) -> bool {
        self.certificate.exists() && self.key.exists()
    }

    pub(super) fn authorities(&self) -> Result<Arc<RootCertStore>, Error> {
        let mut store = RootCertStore::empty();
        for certificate in certificates(&self.authority)? {
            store.add(certificate).map_err(Error::tls(format!("use {}", self.authority.display())))?;
        }
        Ok(Arc::new(store))
    }

    pub(super) fn revoked(&self) -> Result<Vec<CertificateRevocationListDer<'static>>, Error> {
        if !self.revoked.exists() {
            return Ok(Vec::new());
        }
        CertificateRevocationListDer::pem_file_iter(&self.revoked)
            .and_then(Iterator::collect)
            .map_err(Error::tls(format!("read {}", self.revoked.display())))
    }

    pub(super) fn own(&self) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), Error> {
        let key = PrivateKeyDer::from_pem_file(&self.key)
            .map_err(Error::tls(format!("read a key from {}", self.key.display())))?;
        Ok((certificates(&self.certificate)?, key))
    }
}

impl Side {
    const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Server => ("servercert.pem", "serverkey.pem"),
            Self::Client => ("clientcert.pem", "clientkey.pem"),
        }
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let read = || CertificateDer::pem_file_iter(path)?.collect::<Result<Vec<_>, _>>();
    let certificates = read().map_err(Error::tls(format!("read certificates from {}", path.display())))?;
    if certificates.is_empty() {
        return Err(Error::tls(format!("read certificates from {}", path.display()))("there is none"));
    }
    Ok(certificates)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_users_files_come_before_the_hosts_but_in_pairs() {
        let home = std::env::temp_dir().join(format!("virt-rpc-pki-{}", std::process::id()));
        let pki = home.join(".pki/libvirt");
        std::fs::create_dir_all(&pki).unwrap();
        let host = Credentials::of_host(Side::Client);
        assert_eq!(host.key, Path::new("/etc/pki/libvirt/private/clientkey.pem"));
        assert_eq!(Credentials::of_user(&home, Side::Client), host);
        std::fs::write(pki.join("clientcert.pem"), "").unwrap();
        assert_eq!(Credentials::of_user(&home, Side::Client), host);
        std::fs::write(pki.join("clientkey.pem"), "").unwrap();
        std::fs::write(pki.join("cacert.pem"), "").unwrap();
        let user = Credentials::in_directory(&pki, Side::Client);
        assert_eq!(Credentials::of_user(&home, Side::Client), Credentials { revoked: host.revoked, ..user });
        std::fs::remove_dir_all(&home).unwrap();
    }

    #[test]
    fn what_is_wrong_with_a_file_names_it() {
        let credentials = Credentials::in_directory(Path::new("/nonexistent"), Side::Server);
        let text = credentials.own().unwrap_err().to_string();
        assert!(text.contains("/nonexistent/serverkey.pem"), "{text}");
        assert!(credentials.authorities().unwrap_err().to_string().contains("/nonexistent/cacert.pem"));
    }
}
