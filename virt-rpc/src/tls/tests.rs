//! Both ends over loopback, with certificates made for the test.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType, IsCa,
    KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber, date_time_ymd,
};

use super::*;

/// A directory of certificates; it goes away with its value.
struct Pki {
    path: PathBuf,
    authority: CertifiedIssuer<'static, KeyPair>,
}

impl Pki {
    fn new() -> Self {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let count = COUNTER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("virt-rpc-tls-{}-{count}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.distinguished_name.push(DnType::CommonName, "authority");
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        std::fs::write(path.join("cacert.pem"), authority.pem()).unwrap();
        Self { path, authority }
    }

    fn issue(&self, kind: &str, hosts: &[&str], common_name: &str, serial: u64) {
        let hosts: Vec<_> = hosts.iter().map(|host| (*host).to_owned()).collect();
        let mut params = CertificateParams::new(hosts).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CountryName, "GB");
        params.distinguished_name.push(DnType::OrganizationName, "Example, Inc");
        params.distinguished_name.push(DnType::CommonName, common_name);
        params.serial_number = Some(SerialNumber::from(serial));
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.authority).unwrap();
        std::fs::write(self.path.join(format!("{kind}cert.pem")), certificate.pem()).unwrap();
        std::fs::write(self.path.join(format!("{kind}key.pem")), key.serialize_pem()).unwrap();
    }

    fn revoke(&self, serial: u64) {
        let revoked = RevokedCertParams {
            serial_number: SerialNumber::from(serial),
            revocation_time: date_time_ymd(2024, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(2024, 1, 1),
            next_update: date_time_ymd(2124, 1, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: vec![revoked],
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let pem = list.signed_by(&self.authority).unwrap().pem().unwrap();
        std::fs::write(self.path.join("cacrl.pem"), pem).unwrap();
    }

    fn server(&self, settings: TlsServerSettings) -> TlsServer {
        TlsServer::new(&Credentials::in_directory(&self.path, Side::Server), settings).unwrap()
    }

    fn client(&self, verify: bool) -> TlsClient {
        TlsClient::new(&Credentials::in_directory(&self.path, Side::Client), verify).unwrap()
    }
}

impl Drop for Pki {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

fn strict(allowed: Option<&str>) -> TlsServerSettings {
    let allowed_dnames = allowed.map(|pattern| vec!["CN=nobody".to_owned(), pattern.to_owned()]);
    TlsServerSettings { verify: true, allowed_dnames }
}

async fn meet(
    server: &TlsServer,
    client: &TlsClient,
    host: &str,
) -> (Result<Option<String>, Error>, Result<Io, Error>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let outgoing = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (incoming, _) = listener.accept().unwrap();
    let (server, client) = tokio::join!(server.accept(incoming), client.connect(outgoing, host));
    (server.map(|(_, dname)| dname), client)
}

/// What the row shows, who comes to whom by which name, and the name in the certificate of who is let in.
type Row<'a> = (&'a str, &'a Pki, TlsServerSettings, &'a str, Option<Option<&'a str>>);

const DNAME: &str = "C=GB,O=Example\\, Inc,CN=me";

#[tokio::test]
async fn who_is_let_in() {
    let pki = Pki::new();
    pki.issue("server", &["localhost"], "server", 1);
    pki.issue("client", &[], "me", 2);
    let stranger = Pki::new();
    stranger.issue("client", &[], "me", 3);
    std::fs::copy(pki.path.join("cacert.pem"), stranger.path.join("cacert.pem")).unwrap();
    let bare = Pki::new();
    std::fs::copy(pki.path.join("cacert.pem"), bare.path.join("cacert.pem")).unwrap();

    let rows: &[Row<'_>] = &[
        ("a client of the authority", &pki, strict(None), "localhost", Some(Some(DNAME))),
        ("one on the list", &pki, strict(Some("C=GB,*,CN=m?")), "localhost", Some(Some(DNAME))),
        ("one not on the list", &pki, strict(Some("C=DE,*")), "localhost", None),
        ("a server by another name", &pki, strict(None), "elsewhere", None),
        ("a client of another authority", &stranger, strict(None), "localhost", None),
        ("a client without a certificate", &bare, strict(None), "localhost", None),
        (
            "one where nothing is verified",
            &bare,
            TlsServerSettings { verify: false, allowed_dnames: None },
            "localhost",
            Some(None),
        ),
    ];
    for (what, who, settings, host, expected) in rows {
        let (dname, io) = meet(&pki.server(settings.clone()), &who.client(true), host).await;
        match expected {
            Some(expected) => {
                assert_eq!(dname.unwrap().as_deref(), *expected, "{what}");
                io.unwrap();
            }
            None => assert!(io.is_err(), "{what}: {dname:?}"),
        }
    }
    let text = meet(&pki.server(strict(Some("CN=x"))), &pki.client(true), "localhost")
        .await
        .1
        .unwrap_err()
        .to_string();
    assert_eq!(text, "server verification (of our certificate or IP address) failed");

    // The client's own doubts can be switched off.
    let (_, io) = meet(&pki.server(strict(None)), &pki.client(false), "elsewhere").await;
    io.unwrap();

    pki.revoke(2);
    let (_, io) = meet(&pki.server(strict(None)), &pki.client(true), "localhost").await;
    assert!(io.is_err(), "the certificate is revoked");
}

#[tokio::test]
async fn a_certificate_without_host_names_is_known_by_its_subject() {
    let pki = Pki::new();
    pki.issue("server", &[], "LocalHost", 1);
    pki.issue("client", &[], "me", 2);
    meet(&pki.server(strict(None)), &pki.client(true), "localhost").await.1.unwrap();
    assert!(meet(&pki.server(strict(None)), &pki.client(true), "other").await.1.is_err());
}

#[test]
fn missing_files_are_named() {
    let credentials = Credentials::in_directory(Path::new("/nonexistent"), Side::Server);
    let text = TlsServer::new(&credentials, strict(None)).unwrap_err().to_string();
    assert!(text.contains("/nonexistent/cacert.pem"), "{text}");
}
