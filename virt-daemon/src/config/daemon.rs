//! libvirtd.conf and virtd.conf.

use std::path::PathBuf;

use virt_types::Uuid;

use crate::settings::{Key, Kind, Problem, Remarks, Settings};

/// How clients of a socket prove who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    /// They do not: the socket's permissions are all.
    None,
    /// SASL.
    Sasl,
    /// polkit decides.
    Polkit,
}

/// The sockets for local clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnixConfig {
    /// `unix_sock_dir`: where they are, instead of the usual place.
    pub dir: Option<PathBuf>,
    /// `unix_sock_group`: the group that owns them, a name or a number.
    pub group: Option<String>,
    /// `unix_sock_ro_perms`: permission bits of the read-only socket.
    pub ro_mode: u32,
    /// `unix_sock_rw_perms`: permission bits of the socket.
    pub rw_mode: u32,
    /// `unix_sock_admin_perms`: permission bits of the administration socket.
    pub admin_mode: u32,
    /// `auth_unix_ro`.
    pub auth_ro: Auth,
    /// `auth_unix_rw`.
    pub auth_rw: Auth,
}

/// The sockets for remote clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IpConfig {
    /// `listen_tcp`.
    pub tcp: bool,
    /// `listen_tls`.
    pub tls: bool,
    /// `tcp_port`, a number or a service's name.
    pub tcp_port: String,
    /// `tls_port`.
    pub tls_port: String,
    /// `listen_addr`: the address or name to listen on, all of them without.
    pub address: Option<String>,
    /// `auth_tcp`.
    pub auth_tcp: Auth,
    /// `auth_tls`.
    pub auth_tls: Auth,
    /// `tcp_min_ssf`: the least strength of SASL's encryption over plain TCP, in bits.
    pub min_ssf: u32,
    /// `sasl_allowed_username_list`: patterns of the names that may log in; anybody's without.
    pub sasl_allowed: Option<Vec<String>>,
    /// `sasl_password_file`, a key of our own: where users' secrets are, instead of `sasl-passwords` beside this file.
    pub sasl_passwords: Option<PathBuf>,
}

/// Files with certificates, all three or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// `key_file`.
    pub key: PathBuf,
    /// `cert_file`.
    pub certificate: PathBuf,
    /// `ca_file`.
    pub authority: PathBuf,
}

/// Certificates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsConfig {
    /// The files; libvirt's usual ones without.
    pub files: Option<TlsFiles>,
    /// `crl_file`: revoked certificates.
    pub revoked: Option<PathBuf>,
    /// Without `tls_no_verify_certificate`: clients have to show a certificate of the authority.
    pub verify: bool,
    /// `tls_allowed_dn_list`: patterns of the distinguished names that may connect; anybody's without.
    pub allowed: Option<Vec<String>>,
}

/// How much clients may ask at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerLimits {
    /// `max_clients`.
    pub clients: u32,
    /// `max_queued_clients`: the length of a socket's queue of connections that are not yet accepted.
    pub queued: u32,
    /// `max_anonymous_clients`: connections that are not yet authenticated; 0 for no limit of their own.
    pub anonymous: u32,
    /// `max_client_requests`: calls of one client that are under way.
    pub requests: u32,
    /// `min_workers`.
    pub min_workers: u32,
    /// `max_workers`.
    pub max_workers: u32,
    /// `prio_workers`.
    pub prio_workers: u32,
    /// `keepalive_interval` in seconds; not positive for none.
    pub keepalive_interval: i32,
    /// `keepalive_count`: how many questions may stay without an answer.
    pub keepalive_count: u32,
}

/// The same for the administration socket, `admin_…`.
pub type AdminLimits = ServerLimits;

/// What is logged where.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogConfig {
    /// `log_level`: 1 (everything) to 4 (errors); 0 for the usual one.
    pub level: u8,
    /// `log_filters`.
    pub filters: String,
    /// `log_outputs`.
    pub outputs: String,
}

/// Where the host's UUID comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostUuid {
    /// `host_uuid`.
    Given(Uuid),
    /// The firmware.
    Smbios,
    /// `/etc/machine-id`.
    MachineId,
}

/// The daemon's configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DaemonConfig {
    /// The sockets for local clients.
    pub unix: UnixConfig,
    /// The sockets for remote clients.
    pub ip: IpConfig,
    /// Certificates.
    pub tls: TlsConfig,
    /// Limits of clients.
    pub limits: ServerLimits,
    /// Limits of administrators.
    pub admin: AdminLimits,
    /// Logging.
    pub log: LogConfig,
    /// The host's UUID.
    pub host_uuid: HostUuid,
}

const AUTH: Kind = Kind::OneOf(&["none", "sasl", "polkit"]);
const NO_AUDIT: &str = "the daemon writes no audit records";
const NO_THREADS: &str = "calls wait in tasks, not in threads, and no number of them has to be kept ready";

/// The keys, in the order of libvirt's own file.
const KEYS: &[Key] = &[
    Key::used("listen_tls", Kind::Flag),
    Key::used("listen_tcp", Kind::Flag),
    Key::used("tls_port", Kind::Text),
    Key::used("tcp_port", Kind::Text),
    Key::used("listen_addr", Kind::Text),
    Key::used("unix_sock_group", Kind::Text),
    Key::used("unix_sock_ro_perms", Kind::Mode),
    Key::used("unix_sock_rw_perms", Kind::Mode),
    Key::used("unix_sock_admin_perms", Kind::Mode),
    Key::used("unix_sock_dir", Kind::Text),
    Key::used("auth_unix_ro", AUTH),
    Key::used("auth_unix_rw", AUTH),
    Key::used("auth_tcp", AUTH),
    Key::used("auth_tls", AUTH),
    // Below 56 bits libvirt refuses to call it encryption.
    Key::used("tcp_min_ssf", Kind::Within(56, 1 << 16)),
    Key::used("access_drivers", Kind::Texts),
    Key::used("key_file", Kind::Text),
    Key::used("cert_file", Kind::Text),
    Key::used("ca_file", Kind::Text),
    Key::used("crl_file", Kind::Text),
    Key::used("tls_no_verify_certificate", Kind::Flag),
    Key::ignored("tls_no_sanity_certificate", Kind::Flag, "certificates are checked when they are used"),
    Key::used("tls_allowed_dn_list", Kind::Texts),
    Key::ignored("tls_priority", Kind::Text, "it is in the language of a library that is not used here"),
    Key::used("sasl_allowed_username_list", Kind::Texts),
    Key::used("sasl_password_file", Kind::Text),
    Key::used("max_clients", Kind::Count),
    Key::used("max_queued_clients", Kind::Count),
    Key::used("max_anonymous_clients", Kind::Count),
    Key::ignored("min_workers", Kind::Count, NO_THREADS),
    Key::used("max_workers", Kind::Within(1, u32::MAX as i64)),
    Key::ignored("prio_workers", Kind::Count, NO_THREADS),
    Key::used("max_client_requests", Kind::Count),
    Key::ignored("admin_min_workers", Kind::Count, NO_THREADS),
    Key::used("admin_max_workers", Kind::Within(1, u32::MAX as i64)),
    Key::used("admin_max_clients", Kind::Count),
    Key::used("admin_max_queued_clients", Kind::Count),
    Key::used("admin_max_client_requests", Kind::Count),
    Key::used("log_level", Kind::Within(0, 4)),
    Key::used("log_filters", Kind::Text),
    Key::used("log_outputs", Kind::Text),
    Key::used("audit_level", Kind::Count),
    Key::ignored("audit_logging", Kind::Flag, NO_AUDIT),
    Key::used("host_uuid", Kind::Text),
    Key::used("host_uuid_source", Kind::OneOf(&["smbios", "machine-id"])),
    Key::used("keepalive_interval", Kind::Signed),
    Key::used("keepalive_count", Kind::Count),
    Key::ignored("keepalive_required", Kind::Flag, "every client that can answer is asked"),
    Key::used("admin_keepalive_interval", Kind::Signed),
    Key::used("admin_keepalive_count", Kind::Count),
    Key::ignored("admin_keepalive_required", Kind::Flag, "every client that can answer is asked"),
    Key::ignored("ovs_timeout", Kind::Count, "Open vSwitch is not asked for anything"),
];

/// What the answer to a key that is absent depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Defaults {
    /// Whether polkit decides about local clients: in a system daemon that has it.
    pub polkit: bool,
    /// Whether a daemon that is to listen for remote clients does so over TLS without being told: libvirtd.
    pub tls: bool,
}

impl DaemonConfig {
    /// Takes the settings of a file.
    ///
    /// # Errors
    /// For a value that its key does not take, and for one that promises what this daemon does not do.
    pub fn from_settings(file: &Settings, defaults: Defaults) -> Result<(Self, Remarks), Problem> {
        let mut remarks = file.check(KEYS)?;
        refuse_promises(file, &mut remarks)?;
        let auth = |key: &str, default: Auth| match file.text(key) {
            Some("none") => Auth::None,
            Some("sasl") => Auth::Sasl,
            Some("polkit") => Auth::Polkit,
            _ => default,
        };
        let text = |key: &str, default: &str| file.text(key).unwrap_or(default).to_owned();
        let path = |key: &str| file.text(key).map(PathBuf::from);
        let local = if defaults.polkit { Auth::Polkit } else { Auth::None };
        let auth_rw = auth("auth_unix_rw", local);
        let unix = UnixConfig {
            dir: path("unix_sock_dir"),
            group: file.text("unix_sock_group").map(str::to_owned),
            ro_mode: file.mode("unix_sock_ro_perms").unwrap_or(0o777),
            // Where polkit decides, the socket is open to be asked.
            rw_mode: file.mode("unix_sock_rw_perms").unwrap_or(if auth_rw == Auth::Polkit {
                0o777
            } else {
                0o700
            }),
            admin_mode: file.mode("unix_sock_admin_perms").unwrap_or(0o700),
            auth_ro: auth("auth_unix_ro", local),
            auth_rw,
        };
        let ip = IpConfig {
            tcp: file.flag("listen_tcp").unwrap_or(false),
            tls: file.flag("listen_tls").unwrap_or(defaults.tls),
            tcp_port: text("tcp_port", "16509"),
            tls_port: text("tls_port", "16514"),
            address: file.text("listen_addr").map(str::to_owned),
            auth_tcp: auth("auth_tcp", Auth::Sasl),
            auth_tls: auth("auth_tls", Auth::None),
            min_ssf: file.number("tcp_min_ssf").unwrap_or(56),
            sasl_allowed: file.texts("sasl_allowed_username_list"),
            sasl_passwords: path("sasl_password_file"),
        };
        Ok((
            Self {
                unix,
                ip,
                tls: tls(file)?,
                limits: limits(file, "", 1000, 20),
                admin: limits(file, "admin_", 20, 0),
                log: LogConfig {
                    level: file.number("log_level").unwrap_or(0),
                    filters: text("log_filters", ""),
                    outputs: text("log_outputs", ""),
                },
                host_uuid: host_uuid(file)?,
            },
            remarks,
        ))
    }
}

/// What a key promises must not be left undone in silence.
fn refuse_promises(file: &Settings, remarks: &mut Remarks) -> Result<(), Problem> {
    if let Some(setting) = file.get("access_drivers")
        && let Some(other) =
            file.texts("access_drivers").unwrap_or_default().iter().find(|name| *name != "none")
    {
        let what = format!("access_drivers names '{other}', but only 'none' is there");
        return Err(file.problem(setting.line, what));
    }
    if let Some(setting) = file.get("audit_level") {
        if file.number("audit_level").is_some_and(|level: u32| level > 1) {
            let what = format!("audit_level is {}, but {NO_AUDIT}: it has to be 0 or 1", setting.value);
            return Err(file.problem(setting.line, what));
        }
        remarks.idle.push(file.problem(setting.line, format!("audit_level does nothing: {NO_AUDIT}")));
    }
    Ok(())
}

fn tls(file: &Settings) -> Result<TlsConfig, Problem> {
    const KEYS: [&str; 3] = ["ca_file", "cert_file", "key_file"];
    let named = KEYS.map(|key| file.text(key).map(PathBuf::from));
    let files = match named {
        [None, None, None] => None,
        [Some(authority), Some(certificate), Some(key)] => Some(TlsFiles { key, certificate, authority }),
        _ => {
            let line = KEYS.iter().filter_map(|key| file.get(key)).map(|setting| setting.line).max();
            let missing = KEYS.iter().find(|key| file.get(key).is_none()).copied().unwrap_or_default();
            let what = format!("{missing} is missing: ca_file, cert_file and key_file go together");
            return Err(file.problem(line.unwrap_or(1), what));
        }
    };
    Ok(TlsConfig {
        files,
        revoked: file.text("crl_file").map(PathBuf::from),
        verify: !file.flag("tls_no_verify_certificate").unwrap_or(false),
        allowed: file.texts("tls_allowed_dn_list"),
    })
}

fn limits(file: &Settings, prefix: &str, queued: u32, anonymous: u32) -> ServerLimits {
    let number = |key: &str, default: u32| file.number(&format!("{prefix}{key}")).unwrap_or(default);
    ServerLimits {
        clients: number("max_clients", 5000),
        queued: number("max_queued_clients", queued),
        anonymous: number("max_anonymous_clients", anonymous),
        requests: number("max_client_requests", 5),
        min_workers: number("min_workers", 5),
        max_workers: number("max_workers", 20),
        prio_workers: number("prio_workers", if prefix.is_empty() { 5 } else { 0 }),
        keepalive_interval: file.number(&format!("{prefix}keepalive_interval")).unwrap_or(5),
        keepalive_count: number("keepalive_count", 5),
    }
}

fn host_uuid(file: &Settings) -> Result<HostUuid, Problem> {
    if let Some(setting) = file.get("host_uuid")
        && let Some(text) = file.text("host_uuid")
    {
        // libvirt refuses one of equal digits as the default that firmware makers forget to change.
        let uuid: Option<Uuid> = text.parse().ok().filter(|_| {
            let mut digits = text.chars().filter(char::is_ascii_hexdigit);
            let first = digits.next();
            digits.any(|digit| Some(digit) != first)
        });
        return match uuid {
            Some(uuid) => Ok(HostUuid::Given(uuid)),
            None => {
                let what =
                    format!("host_uuid is '{text}', but has to be a UUID whose digits are not all equal");
                Err(file.problem(setting.line, what))
            }
        };
    }
    Ok(match file.text("host_uuid_source") {
        Some("machine-id") => HostUuid::MachineId,
        _ => HostUuid::Smbios,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Result<DaemonConfig, String> {
        let settings = Settings::parse("f", text).map_err(|problem| problem.to_string())?;
        DaemonConfig::from_settings(&settings, Defaults { polkit: true, tls: true })
            .map(|(config, _)| config)
            .map_err(|problem| problem.to_string())
    }

    #[test]
    fn an_empty_file_gives_libvirts_defaults() {
        let config = config("").unwrap();
        assert_eq!((config.unix.auth_rw, config.unix.rw_mode), (Auth::Polkit, 0o777));
        assert_eq!(
            (config.unix.auth_ro, config.unix.ro_mode, config.unix.admin_mode),
            (Auth::Polkit, 0o777, 0o700)
        );
        assert_eq!((config.ip.tls, config.ip.tcp, config.ip.auth_tcp), (true, false, Auth::Sasl));
        let limits = &config.limits;
        assert_eq!((limits.clients, limits.queued, limits.anonymous, limits.requests), (5000, 1000, 20, 5));
        assert_eq!((limits.min_workers, limits.max_workers, limits.prio_workers), (5, 20, 5));
        assert_eq!((config.admin.queued, config.admin.prio_workers, config.admin.anonymous), (20, 0, 0));
        assert_eq!(config.host_uuid, HostUuid::Smbios);
    }

    #[test]
    fn settings_are_taken() {
        let config = config(
            "auth_unix_rw = 'none'\nunix_sock_group = 'virt'\nmax_clients = 7\nadmin_max_clients = 3\n\
             host_uuid = '6f8c9f3e-5d0b-4b6a-9f3c-0d3f3f2a1b10'\nkeepalive_interval = -1\nlog_level = 1\n\
             ca_file = '/a'\ncert_file = '/b'\nkey_file = '/c'\ntls_allowed_dn_list = ['CN=*']\n",
        )
        .unwrap();
        assert_eq!((config.unix.auth_rw, config.unix.rw_mode), (Auth::None, 0o700));
        assert_eq!((config.limits.clients, config.admin.clients), (7, 3));
        assert_eq!(config.limits.keepalive_interval, -1);
        assert_eq!(config.tls.files.map(|files| files.key), Some(PathBuf::from("/c")));
        assert_eq!(config.tls.allowed.as_deref(), Some(["CN=*".to_owned()].as_slice()));
        assert!(matches!(config.host_uuid, HostUuid::Given(_)));
    }

    #[test]
    fn promises_that_are_not_kept_are_refused() {
        for (text, expected) in [
            ("access_drivers = [ 'none', 'polkit' ]", "f:1: access_drivers names 'polkit'"),
            ("\naudit_level = 2", "f:2: audit_level is 2, but the daemon writes no audit records"),
            ("cert_file = '/b'", "f:1: ca_file is missing"),
            ("host_uuid = 'x'", "f:1: host_uuid is 'x', but has to be a UUID"),
            ("host_uuid = '00000000-0000-0000-0000-000000000000'", "digits are not all equal"),
            ("host_uuid_source = 'smbois'", "did you mean 'smbios'?"),
            ("tcp_min_ssf = 40", "a number from 56"),
            ("max_workers = 0", "a number from 1"),
            ("auth_tcp = 'nine'", "one of 'none', 'sasl', 'polkit'"),
        ] {
            let problem = config(text).unwrap_err();
            assert!(problem.contains(expected), "{text}: {problem}");
        }
    }

    #[test]
    fn no_key_is_there_twice() {
        for (at, key) in KEYS.iter().enumerate() {
            assert!(KEYS[..at].iter().all(|other| other.name != key.name), "{}", key.name);
        }
    }
}
