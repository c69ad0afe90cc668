//! How clients of a socket are to prove who they are.

use std::path::PathBuf;
use std::sync::Arc;

use virt_rpc::auth::{Auth, Mechanism, PasswordFile, SaslServer};

use crate::config::{self, IpConfig};
use crate::failure::Failure;
use crate::places::Places;
use crate::sockets::{Listening, Purpose};

/// Whether polkit decides about local clients where the configuration does not say: where this build can ask it.
pub(crate) const POLKIT: bool = cfg!(feature = "polkit");

/// What the server asks of the clients of a socket.
///
/// # Errors
/// For SASL over plain TCP: no mechanism that is there encrypts, and less is not allowed.
pub(crate) fn of(
    purpose: Purpose,
    listening: &Listening,
    ip: &IpConfig,
    places: &Places,
) -> Result<Auth, Failure> {
    let Purpose::Clients { auth, tls, .. } = purpose else { return Ok(Auth::None) };
    let plain_tcp = !tls && matches!(listening, Listening::Tcp(_));
    match auth {
        config::Auth::None => Ok(Auth::None),
        config::Auth::Polkit => Ok(polkit()),
        config::Auth::Sasl if plain_tcp => Err(Failure::Unserved(
            "auth_tcp is 'sasl', for which SASL would have to encrypt, and no mechanism that is there does: use \
             listen_tls with auth_tls, or set auth_tcp to 'none' where nobody else can listen"
                .to_owned(),
        )),
        config::Auth::Sasl => {
            let passwords = PasswordFile(password_file(ip, places));
            let mechanisms = vec![Mechanism::ScramSha256, Mechanism::Plain];
            let server = SaslServer::new(mechanisms, Arc::new(passwords), ip.sasl_allowed.clone());
            let server = server.ok_or_else(|| Failure::Unserved("SASL can not be set up".to_owned()))?;
            Ok(Auth::Sasl(Arc::new(server)))
        }
    }
}

/// The file of the users' secrets.
pub(crate) fn password_file(ip: &IpConfig, places: &Places) -> PathBuf {
    ip.sasl_passwords.clone().unwrap_or_else(|| places.config_file.with_file_name("sasl-passwords"))
}

#[cfg(feature = "polkit")]
fn polkit() -> Auth {
    Auth::Polkit(Arc::new(virt_rpc::auth::PolkitBus::default()))
}

/// Root is let in; nobody else, since nobody can be asked.
#[cfg(not(feature = "polkit"))]
fn polkit() -> Auth {
    Auth::Polkit(Arc::new(virt_rpc::auth::NoAuthority))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{DaemonConfig, Defaults};
    use crate::places::Role;
    use crate::settings::Settings;

    #[test]
    fn sasl_needs_encryption_below_it() {
        let settings = Settings::parse("f", "").unwrap();
        let (config, _) =
            DaemonConfig::from_settings(&settings, Defaults { polkit: false, tls: false }).unwrap();
        let places = Places::of_host(Role::Libvirtd);
        let tcp = Listening::Tcp(std::net::TcpListener::bind("127.0.0.1:0").unwrap());
        let ask = |auth, tls| {
            let purpose = Purpose::Clients { read_only: false, auth, tls };
            of(purpose, &tcp, &config.ip, &places)
        };
        assert!(matches!(ask(config::Auth::None, false), Ok(Auth::None)));
        assert!(matches!(ask(config::Auth::Sasl, true), Ok(Auth::Sasl(_))));
        assert!(matches!(ask(config::Auth::Polkit, false), Ok(Auth::Polkit(_))));
        let Err(refusal) = ask(config::Auth::Sasl, false) else { panic!("nothing would encrypt") };
        assert!(refusal.to_string().contains("auth_tcp is 'sasl'"), "{refusal}");
    }
}
