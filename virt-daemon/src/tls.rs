//! The daemon's certificates.

use std::path::PathBuf;
use std::sync::Arc;

use virt_rpc::tls::{Credentials, Side, TlsServer, TlsServerSettings};
use virt_sys::user::Directories;

use crate::admin::Certificates;
use crate::config::{TlsConfig, TlsFiles};
use crate::failure::Failure;

/// Where the files are: the configuration's, else the host's or, for a user's daemon, the user's.
fn credentials(config: &TlsConfig, privileged: bool) -> Result<Credentials, virt_sys::Error> {
    let mut credentials = match &config.files {
        Some(TlsFiles { key, certificate, authority }) => Credentials {
            authority: authority.clone(),
            certificate: certificate.clone(),
            key: key.clone(),
            // Nothing is revoked where no file says so.
            revoked: PathBuf::new(),
        },
        None if privileged => Credentials::of_host(Side::Server),
        None => Credentials::of_user(&Directories::of_this_process()?.home, Side::Server),
    };
    if let Some(revoked) = &config.revoked {
        credentials.revoked.clone_from(revoked);
    }
    Ok(credentials)
}

/// The server's side of TLS, and what reads the files again.
///
/// # Errors
/// For a file that is missing or wrong, by its name.
pub(crate) fn server(config: &TlsConfig, privileged: bool) -> Result<(TlsServer, Certificates), Failure> {
    let credentials = credentials(config, privileged)?;
    let settings = TlsServerSettings { verify: config.verify, allowed_dnames: config.allowed.clone() };
    let server = TlsServer::new(&credentials, settings)?;
    let renewed = server.clone();
    let certificates = Certificates(Arc::new(move || Ok(renewed.renew(&credentials)?)));
    Ok((server, certificates))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configurations_files_go_first() {
        let mut config = TlsConfig { files: None, revoked: None, verify: true, allowed: None };
        assert_eq!(credentials(&config, true).unwrap(), Credentials::of_host(Side::Server));
        config.revoked = Some("/crl".into());
        assert_eq!(credentials(&config, true).unwrap().revoked, PathBuf::from("/crl"));
        config.files = Some(TlsFiles { key: "/k".into(), certificate: "/c".into(), authority: "/a".into() });
        let found = credentials(&config, true).unwrap();
        assert_eq!((found.key, found.authority), (PathBuf::from("/k"), PathBuf::from("/a")));
        let Err(Failure::Rpc(error)) = server(&config, true) else { panic!("there are no such files") };
        assert!(error.to_string().contains("'/a'") || error.to_string().contains("/a"), "{error}");
    }
}
