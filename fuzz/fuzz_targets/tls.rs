//! Any bytes from a client that has no certificate: it never comes in.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use virt_rpc::tls::{Credentials, Side, TlsServer, TlsServerSettings};

fn server() -> TlsServer {
    let directory = std::env::temp_dir().join(format!("virt-fuzz-tls-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new(["localhost".to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
    std::fs::write(directory.join("cacert.pem"), authority.pem()).unwrap();
    std::fs::write(directory.join("servercert.pem"), certificate.pem()).unwrap();
    std::fs::write(directory.join("serverkey.pem"), key.serialize_pem()).unwrap();
    let settings = TlsServerSettings { verify: true, allowed_dnames: None };
    let server = TlsServer::new(&Credentials::in_directory(&directory, Side::Server), settings).unwrap();
    std::fs::remove_dir_all(&directory).unwrap();
    server
}

static SERVER: OnceLock<TlsServer> = OnceLock::new();

fuzz_target!(|data: &[u8]| virt_rpc::fuzz::tls(SERVER.get_or_init(server), data));
