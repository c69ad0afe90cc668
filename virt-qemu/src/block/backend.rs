//! The node that reaches an image's bytes.

use serde_json::{Value, json};
use virt_conf::common::encryption::{Encryption, EncryptionEngine};
use virt_conf::common::storage_source::{Location, NetworkHost, NetworkSource, Protocol, Transport};
use virt_types::{Error, ErrorCode, ErrorDomain, Result, TextEnum};

use super::secret::{self, MANAGED_HELPER};
use super::{Image, curl};
use crate::error::internal;
use crate::plan::{PlanContext, Props};

/// The storage node's own properties.
pub(super) fn props(image: &Image<'_>, node: &str, cx: &PlanContext<'_>) -> Result<Props> {
    Ok(match image.source.location.actual() {
        Location::File { path, .. } => file("file", path.as_deref(), image, node),
        Location::Block { path } => file("host_device", path.as_deref(), image, node),
        Location::Dir { path } => Props::new()
            .str("driver", "vvfat")
            .opt_str("dir", path.clone())
            .bool("floppy", image.options.floppy)
            .bool("rw", !image.source.readonly),
        Location::Nvme(nvme) => Props::new()
            .str("driver", "nvme")
            .str("device", nvme.address.at.to_string())
            .u64("namespace", nvme.namespace),
        Location::VhostVdpa { path } => Props::new().str("driver", "virtio-blk-vhost-vdpa").str("path", path),
        Location::VhostUser { .. } => {
            return Err(internal("unable to create blockdev props for vhostuser disk type"));
        }
        Location::Volume(volume) => {
            let text = |part: &Option<String>| part.clone().unwrap_or_default();
            return Err(internal(format!(
                "storage source pool '{}' volume '{}' is not translated",
                text(&volume.pool),
                text(&volume.volume)
            )));
        }
        Location::Network(network) => network_props(network, image, node, cx)?,
    })
}

fn file(driver: &str, path: Option<&str>, image: &Image<'_>, node: &str) -> Props {
    let helper = image.source.reservations.as_ref().map(|reservations| match reservations.managed {
        true => MANAGED_HELPER.to_owned(),
        false => format!("pr-helper-{node}"),
    });
    Props::new()
        .str("driver", driver)
        .opt_str("filename", path)
        .opt_str("aio", image.options.io.map(TextEnum::text))
        .opt_str("pr-manager", helper)
}

fn network_props(
    network: &NetworkSource,
    image: &Image<'_>,
    node: &str,
    cx: &PlanContext<'_>,
) -> Result<Props> {
    let auth = image.source.auth.as_ref();
    let protocol = network.protocol;
    let name = network.name.clone();
    let props = Props::new().str("driver", protocol.text());
    Ok(match protocol {
        Protocol::Gluster => {
            let (volume, path) = network.pool_and_image().unwrap_or_default();
            let servers = network.hosts.iter().map(socket_address).collect::<Result<_>>()?;
            props
                .str("volume", volume)
                .str("path", path)
                .value("server", Value::Array(servers))
                .u64("debug", cx.config.gluster_debug_level)
        }
        Protocol::Vxhs => {
            let server = inet_address(only_host(network, "VxHS")?)?;
            let tls = secret::uses_tls(protocol, network.tls, cx)?;
            props
                .opt_str("tls-creds", tls.then(|| secret::tls_object(node)))
                .opt_str("vdisk-id", name)
                .value("server", server)
        }
        Protocol::Http | Protocol::Https | Protocol::Ftp | Protocol::Ftps | Protocol::Tftp => {
            props.extend(curl::props(network, auth, node)?)
        }
        Protocol::Iscsi => props
            .extend(iscsi(network)?)
            .extend(match auth {
                None => Props::new(),
                Some(auth) => Props::new()
                    .str("user", auth.username.clone())
                    .str("password-secret", secret::auth_secret(node)),
            })
            .opt_str("initiator-name", network.initiator.clone()),
        Protocol::Nbd => {
            let tls = secret::uses_tls(protocol, network.tls, cx)?;
            props
                .value("server", socket_address(only_host(network, "nbd")?)?)
                .opt_str("export", name)
                .opt_str("tls-creds", tls.then(|| secret::tls_object(node)))
                .opt_str("tls-hostname", network.tls_hostname.clone())
                .opt_u64("reconnect-delay", Some(network.reconnect_delay).filter(|delay| *delay > 0))
        }
        Protocol::Rbd => {
            let props = props.extend(rbd(network, image)?);
            match auth {
                None => props,
                Some(auth) => props
                    .str("user", auth.username.clone())
                    .value("auth-client-required", json!(["cephx", "none"]))
                    .str("key-secret", secret::auth_secret(node)),
            }
        }
        Protocol::Sheepdog => {
            props.value("server", socket_address(only_host(network, "sheepdog")?)?).opt_str("vdi", name)
        }
        Protocol::Ssh => {
            let server = inet_address(only_host(network, "ssh")?)?;
            let user = auth.map(|auth| auth.username.clone());
            let user =
                user.or_else(|| network.ssh_identity.as_ref().map(|identity| identity.username.clone()));
            props.opt_str("path", name).value("server", server).opt_str("user", user)
        }
        Protocol::Nfs => {
            let host = network.hosts.first().and_then(|host| host.name.clone()).unwrap_or_default();
            props
                .value("server", json!({"host": host, "type": "inet"}))
                .opt_str("path", name)
                .opt_u64("user", nfs_id("user", network.nfs_user.as_deref())?)
                .opt_u64("group", nfs_id("group", network.nfs_group.as_deref())?)
        }
    })
}

/// The number of a user or group; `+7` is libvirt's spelling of the number 7.
fn nfs_id(kind: &str, text: Option<&str>) -> Result<Option<u32>> {
    let Some(text) = text else { return Ok(None) };
    text.strip_prefix('+').unwrap_or(text).parse().map(Some).map_err(|_| {
        Error::new(ErrorCode::InvalidArg, ErrorDomain::Qemu, format!("Failed to parse {kind} '{text}'"))
            .with_hint("give its number, such as user='+107'")
    })
}

/// The only server, of protocols that take one.
pub(super) fn only_host<'a>(network: &'a NetworkSource, protocol: &str) -> Result<&'a NetworkHost> {
    match network.hosts.as_slice() {
        [host] => Ok(host),
        _ => Err(internal(format!("{protocol} protocol accepts only one host"))),
    }
}

/// QEMU's `SocketAddress`.
fn socket_address(host: &NetworkHost) -> Result<Value> {
    match host.transport {
        Transport::Tcp => {
            let name = host.name.as_deref().unwrap_or_default();
            Ok(json!({"type": "inet", "host": name, "port": host.port.to_string()}))
        }
        Transport::Unix => Ok(json!({"type": "unix", "path": host.socket.as_deref().unwrap_or_default()})),
        Transport::Rdma => Err(internal("transport protocol 'rdma' is not yet supported")),
    }
}

/// QEMU's `InetSocketAddress`.
fn inet_address(host: &NetworkHost) -> Result<Value> {
    if host.transport != Transport::Tcp {
        return Err(internal("only TCP protocol can be converted to InetSocketAddress"));
    }
    Ok(json!({"host": host.name.as_deref().unwrap_or_default(), "port": host.port.to_string()}))
}

/// What an iSCSI session is told, but for credentials.
pub(crate) fn iscsi(network: &NetworkSource) -> Result<Props> {
    let name = network.name.as_deref().unwrap_or_default();
    let (target, lun) = name.split_once('/').unwrap_or((name, "0"));
    let lun: u32 = lun.parse().map_err(|_| internal(format!("cannot parse target for lunStr '{target}'")))?;
    let host = network.hosts.first().cloned().unwrap_or_default();
    let server = host.name.unwrap_or_default();
    let portal = match server.parse::<std::net::Ipv6Addr>() {
        Ok(_) => format!("[{server}]:{}", host.port),
        Err(_) => format!("{server}:{}", host.port),
    };
    Ok(Props::new().str("portal", portal).str("target", target).u64("lun", lun).str("transport", "tcp"))
}

fn rbd(network: &NetworkSource, image: &Image<'_>) -> Result<Props> {
    let (pool, name) = network.pool_and_image().unwrap_or_default();
    let props = Props::new()
        .str("pool", pool)
        .str("image", name)
        .opt_str("snapshot", network.snapshot.clone())
        .opt_str("conf", network.config_file.clone());
    let props = match network.hosts.is_empty() {
        true => props,
        false => props
            .value("server", Value::Array(network.hosts.iter().map(inet_address).collect::<Result<_>>()?)),
    };
    Ok(match image.source.encryption.as_ref().and_then(|encryption| librbd(encryption, image)) {
        Some(encrypt) => props.object("encrypt", encrypt),
        None => props,
    })
}

/// Encryption that the Ceph library undoes itself, one layer within the other.
fn librbd(encryption: &Encryption, image: &Image<'_>) -> Option<Props> {
    if encryption.engine != Some(EncryptionEngine::Librbd) {
        return None;
    }
    let mut layers: Option<Props> = None;
    for n in (0..encryption.secrets.len()).rev() {
        let layer = Props::new()
            .str("format", encryption.format.text())
            .str("key-secret", secret::encryption_secret(&image.format_node(), n));
        layers = Some(match layers {
            Some(parent) => layer.object("parent", parent),
            None => layer,
        });
    }
    layers
}
