//! Displays.

use super::{Empty, Object};

commands! {
    /// Sets a display's password.
    "set_password" SetPassword {
        /// `vnc` or `spice`.
        protocol: String,
        /// The password, in clear.
        password: String;
        /// What happens to those connected: `keep`, `fail`, `disconnect`.
        connected: String,
    } -> Empty;
    /// Sets when a display's password ends.
    "expire_password" ExpirePassword {
        /// `vnc` or `spice`.
        protocol: String,
        /// `now`, `never`, `+SECONDS`, or seconds since 1970.
        time: String,
    } -> Empty;
    /// VNC's address and those connected.
    "query-vnc" QueryVnc {} -> VncInfo;
    /// All VNC servers.
    "query-vnc-servers" QueryVncServers {} -> Vec<Object>;
    /// SPICE's address and those connected.
    "query-spice" QuerySpice {} -> SpiceInfo;
    /// The kind of display.
    "query-display-options" QueryDisplayOptions {} -> Object;
    /// Takes a picture of the screen.
    "screendump" ScreenDump {
        /// The file that QEMU writes.
        filename: String;
        /// The video device; the first without it.
        device: String,
        /// Its screen.
        head: i64,
        /// `ppm` or `png`.
        format: String,
    } -> Empty;
    /// Hands over a descriptor of a connected client, passed before as `fdname`.
    "add_client" AddClient {
        /// `vnc`, `spice`, or a character device.
        protocol: String,
        /// The descriptor's name.
        fdname: String;
        /// Without authentication.
        skipauth: bool,
        /// With TLS.
        tls: bool,
    } -> Empty;
    /// Changes a running display: `{"type": "vnc", …}`.
    "display-update" DisplayUpdate {
        /// `vnc`.
        #[serde(rename = "type")]
        kind: String;
        /// New addresses.
        addresses: Vec<Object>,
    } -> Empty;
    /// Renews the certificates.
    "display-reload" DisplayReload {
        /// `vnc`.
        #[serde(rename = "type")]
        kind: String;
        /// Whether the certificates are read again.
        #[serde(rename = "tls-certs")]
        tls_certs: bool,
    } -> Empty;
    /// Tells a SPICE client where its guest has gone.
    "client_migrate_info" ClientMigrateInfo {
        /// `spice`.
        protocol: String,
        /// The host.
        hostname: String;
        /// Its port.
        port: i64,
        /// Its port for TLS.
        #[serde(rename = "tls-port")]
        tls_port: i64,
        /// The subject of its certificate.
        #[serde(rename = "cert-subject")]
        cert_subject: String,
    } -> Empty;
}

replies! {
    /// Answer to [`QueryVnc`].
    VncInfo {
        /// Whether there is a server.
        enabled: bool;
        /// Its address.
        host: String,
        /// Its port, or the path of its socket.
        service: String,
        /// `ipv4`, `ipv6`, `unix`.
        family: String,
        /// The kind of authentication.
        auth: String,
        /// Those connected.
        clients: Vec<Object>,
    }
    /// Answer to [`QuerySpice`].
    SpiceInfo {
        /// Whether there is a server.
        enabled: bool;
        /// Its address.
        host: String,
        /// Its port.
        port: i64,
        /// Its port for TLS.
        tls_port: i64,
        /// The kind of authentication.
        auth: String,
        /// Whether a migration has been handed over.
        migrated: bool,
        /// Those connected.
        channels: Vec<Object>,
    }
}
