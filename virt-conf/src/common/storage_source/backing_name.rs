//! An image as the image before it names it: a path, a URL, QEMU's `json:` pseudo-protocol (its block/ documentation,
//! "pseudo-protocol"), or the older `nbd:` and `rbd:` with colons.

use serde_json::{Map, Value};
use virt_types::{Error, ErrorCode, ErrorDomain, TextEnum};
use virt_xml::number::{Base, parse_u32, parse_u64};

use super::network::{Cookie, NetworkHost, NetworkSource, Protocol, Transport};
use super::{Location, Nvme, Slice, StorageSource};
use crate::Result;
use crate::common::address::Pci;
use crate::error::Refuse;

const REFUSE: Refuse = Refuse(ErrorDomain::Storage);

fn invalid_arg(detail: impl Into<String>) -> Error {
    Error::new(ErrorCode::InvalidArg, ErrorDomain::Storage, detail)
}

/// What a name says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BackingName {
    /// The image; its format is not part of such a name.
    pub source: StorageSource,
    /// The name holds a user's name or password, which the model has no place for.
    pub has_login: bool,
}

impl BackingName {
    /// Reads a name that is not relative to another image.
    ///
    /// ```
    /// use virt_conf::common::storage_source::{BackingName, Location};
    /// let name = BackingName::parse(r#"json:{"file":{"driver":"file","filename":"/a"}}"#)?;
    /// assert_eq!(name.source.location.local_path(), Some("/a"));
    /// assert!(matches!(BackingName::parse("nbd:host:10809")?.source.location, Location::Network(_)));
    /// # Ok::<(), virt_conf::Error>(())
    /// ```
    ///
    /// # Errors
    /// `VIR_ERR_INVALID_ARG` for descriptions that lack something, `VIR_ERR_INTERNAL_ERROR` for protocols that are not known.
    pub fn parse(name: &str) -> Result<Self> {
        let mut found = Self::parse_parts(name)?;
        if let Location::Network(network) = &mut found.source.location {
            let default = network.protocol.default_port();
            for host in
                network.hosts.iter_mut().filter(|host| host.port == 0 && host.transport == Transport::Tcp)
            {
                host.port = default;
            }
        }
        Ok(found)
    }

    fn parse_parts(name: &str) -> Result<Self> {
        if let Some(json) = name.strip_prefix("json:") {
            return Self::parse_json(json);
        }
        if name.starts_with('/') {
            return Ok(Self::at(Location::File { path: Some(name.to_owned()), fdgroup: None }));
        }
        if name.contains("://") {
            return Self::parse_url(name);
        }
        let Some((protocol, rest)) = name.split_once(':') else {
            return Err(REFUSE.internal(format!("invalid backing protocol string '{name}'")));
        };
        match Protocol::from_text(protocol) {
            Some(Protocol::Nbd) => nbd_with_colons(name, rest),
            Some(Protocol::Rbd) => Ok(rbd_with_colons(rest)),
            Some(_) => Err(REFUSE.internal(format!("malformed backing store path for protocol {protocol}"))),
            None => Err(REFUSE.internal(format!("invalid backing protocol '{protocol}'"))),
        }
    }

    fn at(location: Location) -> Self {
        Self { source: StorageSource { location, ..StorageSource::default() }, has_login: false }
    }

    fn on(network: NetworkSource) -> Self {
        Self::at(Location::Network(Box::new(network)))
    }

    fn parse_json(json: &str) -> Result<Self> {
        let invalid = || REFUSE.internal(format!("cannot parse json {json}"));
        let flat: Map<String, Value> = serde_json::from_str(json).map_err(|_| invalid())?;
        let whole = nested(flat).ok_or_else(invalid)?;
        let object = match whole.get("file") {
            Some(Value::Object(file)) if !whole.contains_key("driver") => file,
            _ => &whole,
        };
        described(&Object { members: object, whole: json }, true)
    }

    fn parse_url(url: &str) -> Result<Self> {
        let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
        let (name, transport) =
            scheme.split_once('+').map_or((scheme, None), |(name, way)| (name, Some(way)));
        let Some(protocol) = Protocol::from_text(name) else {
            return Err(REFUSE.internal(format!("invalid backing protocol '{name}'")));
        };
        let transport = match transport {
            None => Transport::Tcp,
            Some(text) => Transport::from_text(text)
                .ok_or_else(|| REFUSE.internal(format!("invalid protocol transport type '{text}'")))?,
        };
        let (rest, query) = rest.split_once('?').map_or((rest, None), |(rest, query)| (rest, Some(query)));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (login, server) =
            authority.rsplit_once('@').map_or((None, authority), |(login, at)| (Some(login), at));
        let malformed = || REFUSE.internal(format!("failed to parse backing file location '{url}'"));
        let (server, port) = host_and_port(server).ok_or_else(malformed)?;
        let mut host = NetworkHost {
            name: Some(server).filter(|server| !server.is_empty()),
            port,
            transport,
            ..NetworkHost::default()
        };
        let path = unescaped(path);
        let mut network = NetworkSource { protocol, ..NetworkSource::default() };
        match query {
            Some(query) if matches!(protocol, Protocol::Http | Protocol::Https) => {
                network.query = Some(query.to_owned());
            }
            Some(query) => host.socket = query.strip_prefix("socket=").map(str::to_owned),
            None => {}
        }
        let has_volume = path.split_once('/').is_some_and(|(volume, _)| !volume.is_empty());
        if protocol == Protocol::Gluster && !has_volume {
            let detail = format!("missing volume name or file name in gluster source path '{path}'");
            return Err(REFUSE.unsupported(detail));
        }
        network.name = Some(path).filter(|path| !path.is_empty());
        network.hosts.push(host);
        Ok(Self { has_login: login.is_some(), ..Self::on(network) })
    }
}

/// Members `a.b` become members of `a`; those of consecutive numbers a list. `None` where a name is used twice.
fn nested(flat: Map<String, Value>) -> Option<Map<String, Value>> {
    let mut whole = Map::new();
    for (name, value) in flat {
        let value = match value {
            Value::Object(inner) => Value::Object(nested(inner)?),
            other => other,
        };
        let mut place = &mut whole;
        let mut parts = name.split('.').peekable();
        while let Some(part) = parts.next() {
            if parts.peek().is_none() {
                if place.insert(part.to_owned(), value).is_some() {
                    return None;
                }
                break;
            }
            let inner = place.entry(part).or_insert_with(|| Value::Object(Map::new()));
            place = inner.as_object_mut()?;
        }
    }
    Some(whole.into_iter().map(|(name, value)| (name, listed(value))).collect())
}

fn listed(value: Value) -> Value {
    let Value::Object(members) = value else { return value };
    let numbered = !members.is_empty() && (0..members.len()).all(|at| members.contains_key(&at.to_string()));
    if numbered {
        return (0..members.len())
            .filter_map(|at| members.get(&at.to_string()).cloned())
            .map(listed)
            .collect();
    }
    Value::Object(members.into_iter().map(|(name, value)| (name, listed(value))).collect())
}

/// QEMU's description of a block device, within the text that holds it.
#[derive(Clone, Copy)]
struct Object<'a> {
    members: &'a Map<String, Value>,
    whole: &'a str,
}

impl<'a> Object<'a> {
    fn text(self, name: &str) -> Option<&'a str> {
        self.members.get(name)?.as_str()
    }

    fn required(self, name: &str, missing: &str) -> Result<String> {
        self.text(name).map(str::to_owned).ok_or_else(|| invalid_arg(missing))
    }

    fn inner(self, name: &str) -> Option<Self> {
        Some(Self { members: self.members.get(name)?.as_object()?, whole: self.whole })
    }

    /// A number, or a text of one.
    fn number(self, name: &str) -> Result<Option<u64>> {
        let number = match self.members.get(name) {
            None => return Ok(None),
            Some(Value::String(text)) => parse_u64(text, Base::Ten),
            Some(value) => value.as_u64(),
        };
        let whole = self.whole;
        let wrong = || invalid_arg(format!("malformed '{name}' field in backing store definition '{whole}'"));
        number.map(Some).ok_or_else(wrong)
    }

    fn servers(self) -> impl Iterator<Item = Self> {
        let all = self.members.get("server").and_then(Value::as_array).into_iter().flatten();
        all.filter_map(move |one| Some(Self { members: one.as_object()?, whole: self.whole }))
    }
}

const NO_SERVER: &str = "missing remote server specification in JSON backing volume definition";

fn described(object: &Object<'_>, format_too: bool) -> Result<BackingName> {
    let object = *object;
    let lacks = |what: &str| format!("JSON backing volume definition '{}' {what}", object.whole);
    let driver = object.required("driver", &lacks("lacks driver name"))?;
    let path = |object: Object<'_>| {
        object.required("filename", "missing 'filename' field in JSON backing volume definition").map(Some)
    };
    match driver.as_str() {
        "file" => Ok(BackingName::at(Location::File { path: path(object)?, fdgroup: None })),
        "host_device" | "host_cdrom" => Ok(BackingName::at(Location::Block { path: path(object)? })),
        "nvme" => nvme(object),
        "raw" if !format_too => Err(invalid_arg(lacks("must not have nested format drivers"))),
        "raw" => raw(object, &lacks("lacks 'file' object")),
        other => match Protocol::from_text(other) {
            Some(protocol) => on_server(protocol, object),
            None => {
                let detail =
                    format!("missing parser implementation for JSON backing volume driver '{other}'");
                Err(REFUSE.internal(detail))
            }
        },
    }
}

fn raw(object: Object<'_>, no_file: &str) -> Result<BackingName> {
    let (offset, size) = (object.number("offset")?, object.number("size")?);
    let file = object.inner("file").ok_or_else(|| invalid_arg(no_file))?;
    let mut name = described(&file, false)?;
    if offset.is_some() || size.is_some() {
        name.source.slice = Some(Slice { offset: offset.unwrap_or(0), size: size.unwrap_or(0) });
    }
    Ok(name)
}

fn nvme(object: Object<'_>) -> Result<BackingName> {
    let wrong = |name: &str| invalid_arg(format!("missing or malformed '{name}' field of 'nvme' storage"));
    let address = object.text("device").and_then(|text| text.parse().ok()).ok_or_else(|| wrong("device"))?;
    let namespace = object.number("namespace").ok().flatten().filter(|number| *number > 0);
    let namespace = namespace.ok_or_else(|| wrong("namespace"))?;
    let address = Pci { at: address, ..Pci::default() };
    Ok(BackingName::at(Location::Nvme(Nvme { managed: None, namespace, address })))
}

fn on_server(protocol: Protocol, object: Object<'_>) -> Result<BackingName> {
    let mut network = NetworkSource { protocol, ..NetworkSource::default() };
    let server = || object.inner("server").ok_or_else(|| invalid_arg(NO_SERVER));
    let mut login = false;
    if let Some(url) = object.text("filename") {
        return match protocol {
            Protocol::Rbd => Ok(rbd_with_colons(url.strip_prefix("rbd:").unwrap_or(url))),
            Protocol::Gluster | Protocol::Iscsi | Protocol::Sheepdog => of_protocol(protocol, url),
            _ => Err(invalid_arg(NO_SERVER)),
        };
    }
    match protocol {
        Protocol::Http | Protocol::Https | Protocol::Ftp | Protocol::Ftps | Protocol::Tftp => {
            return web(protocol, object);
        }
        Protocol::Gluster => {
            let missing = "missing 'volume', 'path' or 'server' attribute in JSON backing definition for gluster volume";
            let (volume, path) = (object.required("volume", missing)?, object.required("path", missing)?);
            network.name = Some(format!("{volume}/{path}"));
            network.hosts = object.servers().map(socket_address).collect::<Result<_>>()?;
            if network.hosts.is_empty() {
                return Err(invalid_arg(missing));
            }
        }
        Protocol::Iscsi => {
            if object.text("transport") != Some("tcp") {
                return Err(invalid_arg("only TCP transport is supported for iSCSI volumes"));
            }
            let portal = object.required("portal", "missing 'portal' address in iSCSI backing definition")?;
            let target = object.required("target", "missing 'target' in iSCSI backing definition")?;
            let (name, port) = portal_and_port(&portal)?;
            network.hosts = vec![NetworkHost { name: Some(name), port, ..NetworkHost::default() }];
            network.name = Some(format!("{target}/{}", object.number("lun")?.unwrap_or(0)));
            login = object.text("user").or_else(|| object.text("password")).is_some();
        }
        Protocol::Nbd => {
            network.name = object.text("export").map(str::to_owned);
            network.hosts = vec![match (object.inner("server"), object.text("path")) {
                (Some(server), _) => socket_address(server)?,
                (None, Some(path)) => unix(path),
                (None, None) => inet_address(object)?,
            }];
        }
        Protocol::Sheepdog => {
            network.name = Some(object.required("vdi", "missing sheepdog vdi name")?);
            network.hosts = vec![socket_address(server()?)?];
        }
        Protocol::Ssh => {
            let missing = "missing host/server or path of SSH JSON backing volume definition";
            network.name = Some(object.required("path", missing)?);
            network.hosts = vec![inet_address(object.inner("server").unwrap_or(object))?];
        }
        Protocol::Rbd => {
            let missing = "missing pool or image name in ceph backing volume JSON specification";
            let (pool, image) = (object.required("pool", missing)?, object.required("image", missing)?);
            network.name = Some(format!("{pool}/{image}"));
            network.snapshot = object.text("snapshot").map(str::to_owned);
            network.config_file = object.text("conf").map(str::to_owned);
            network.hosts = object.servers().map(inet_address).collect::<Result<_>>()?;
        }
        Protocol::Vxhs => {
            let missing =
                "missing 'vdisk-id' or 'server' attribute in JSON backing definition for VxHS volume";
            network.name = Some(object.required("vdisk-id", missing)?);
            network.hosts = vec![inet_address(server()?)?];
        }
        Protocol::Nfs => {
            let missing = "missing 'path' attribute in JSON backing definition for NFS volume";
            network.name = Some(object.required("path", missing)?);
            network.hosts = vec![inet_address(server()?)?];
            let id = |name: &str| Ok(object.number(name)?.map(|id| format!("+{id}")));
            (network.nfs_user, network.nfs_group) = (id("user")?, id("group")?);
        }
    }
    Ok(BackingName { has_login: login, ..BackingName::on(network) })
}

/// A URL of this very protocol.
fn of_protocol(protocol: Protocol, url: &str) -> Result<BackingName> {
    let name = BackingName::parse_url(url)?;
    match &name.source.location {
        Location::Network(network) if network.protocol != protocol => {
            let found = network.protocol;
            let detail =
                format!("expected protocol '{protocol}' but got '{found}' in URI JSON volume definition");
            Err(invalid_arg(detail))
        }
        _ => Ok(name),
    }
}

fn web(protocol: Protocol, object: Object<'_>) -> Result<BackingName> {
    let url = object.required("url", "missing 'url' in JSON backing volume definition")?;
    let mut name = of_protocol(protocol, &url)?;
    let Location::Network(network) = &mut name.source.location else { return Ok(name) };
    let wrong = |what: &str, it: &str| {
        invalid_arg(format!("{what} in backing store definition '{}'{it}", object.whole))
    };
    if matches!(protocol, Protocol::Https | Protocol::Ftps) {
        network.ssl_verify = match object.members.get("sslverify") {
            None => None,
            // An undocumented word that libguestfs wrote.
            Some(Value::String(text)) if text == "off" => Some(false),
            Some(Value::Bool(verify)) => Some(*verify),
            Some(_) => return Err(wrong("malformed 'sslverify' field", "")),
        };
    }
    if matches!(protocol, Protocol::Http | Protocol::Https) {
        for cookie in object.text("cookie").into_iter().flat_map(|text| text.split(';')) {
            let (name, value) = cookie
                .trim_start()
                .split_once('=')
                .ok_or_else(|| wrong(&format!("malformed http cookie '{cookie}'"), ""))?;
            network.cookies.push(Cookie { name: name.to_owned(), value: value.to_owned() });
        }
    }
    network.readahead = object.number("readahead")?.unwrap_or(0);
    network.timeout = object.number("timeout")?.unwrap_or(0);
    Ok(name)
}

fn unix(path: &str) -> NetworkHost {
    NetworkHost { transport: Transport::Unix, socket: Some(path.to_owned()), ..NetworkHost::default() }
}

fn socket_address(object: Object<'_>) -> Result<NetworkHost> {
    let missing = "missing socket address type in JSON backing volume definition";
    match object.required("type", missing)?.as_str() {
        "tcp" | "inet" => inet_address(object),
        "unix" => {
            let path = object.text("path").or_else(|| object.text("socket"));
            let missing = "missing socket path for udp backing server in JSON backing volume definition";
            path.map(unix).ok_or_else(|| invalid_arg(missing))
        }
        other => Err(REFUSE.internal(format!("backing store protocol '{other}' is not yet supported"))),
    }
}

fn inet_address(object: Object<'_>) -> Result<NetworkHost> {
    let missing = "missing hostname for tcp backing server in JSON backing volume definition";
    let name = object.required("host", missing)?;
    let port = match object.text("port") {
        Some(text) => port(text)?,
        None => 0,
    };
    Ok(NetworkHost { name: Some(name), port, ..NetworkHost::default() })
}

fn port(text: &str) -> Result<u32> {
    let port = parse_u32(text, Base::Ten).filter(|port| *port <= 65_535);
    port.ok_or_else(|| invalid_arg(format!("failed to parse port number '{text}'")))
}

/// A name or bracketed address, and the port behind it, or 0.
fn host_and_port(text: &str) -> Option<(String, u32)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, behind) = rest.split_once(']')?;
            (host, if behind.is_empty() { "" } else { behind.strip_prefix(':')? })
        }
        None => text.split_once(':').unwrap_or((text, "")),
    };
    let port = if port.is_empty() { 0 } else { parse_u32(port, Base::Ten).filter(|port| *port <= 65_535)? };
    Some((host.to_owned(), port))
}

fn portal_and_port(portal: &str) -> Result<(String, u32)> {
    match portal.rsplit_once(':') {
        Some((name, number)) if !number.contains(']') => Ok((name.to_owned(), port(number)?)),
        _ => Ok((portal.to_owned(), 0)),
    }
}

/// `HOST:PORT` or `unix:PATH`, each with `:exportname=NAME` behind it.
fn nbd_with_colons(whole: &str, rest: &str) -> Result<BackingName> {
    let malformed = || REFUSE.internal(format!("malformed nbd string '{whole}'"));
    let (server, export) =
        rest.split_once(":exportname=").map_or((rest, None), |(at, name)| (at, Some(name)));
    let host = match server.strip_prefix("unix:") {
        Some("") => return Err(malformed()),
        Some(path) => unix(path),
        None => {
            let split = match server.strip_prefix('[') {
                Some(rest) => rest.split_once("]:"),
                None => server.split_once(':'),
            };
            let (name, number) = split.filter(|(name, _)| !name.is_empty()).ok_or_else(malformed)?;
            NetworkHost { name: Some(name.to_owned()), port: port(number)?, ..NetworkHost::default() }
        }
    };
    let name = export.map(str::to_owned);
    Ok(BackingName::on(NetworkSource {
        protocol: Protocol::Nbd,
        name,
        hosts: vec![host],
        ..NetworkSource::default()
    }))
}

/// `POOL/IMAGE@SNAPSHOT:OPTION=VALUE:…`, `\` before what is no separator.
fn rbd_with_colons(rest: &str) -> BackingName {
    let mut parts = split_unescaped(rest, ':').into_iter();
    let image = parts.next().unwrap_or_default();
    let (image, snapshot) =
        image.split_once('@').map_or((image.as_str(), None), |(image, at)| (image, Some(at)));
    let mut network = NetworkSource {
        protocol: Protocol::Rbd,
        name: Some(image.to_owned()),
        snapshot: snapshot.map(str::to_owned),
        ..NetworkSource::default()
    };
    let mut login = false;
    for option in parts {
        let Some((name, value)) = option.split_once('=') else { continue };
        match name {
            // Who it is says nothing of the secret that goes with it.
            "id" => login = true,
            "conf" => network.config_file = Some(value.to_owned()),
            "mon_host" => {
                let all = value.replace("\\;", "\\,").replace("\\ ", "\\,").replace("\\:", ":");
                network.hosts = all.split("\\,").filter_map(monitor).collect();
            }
            _ => {}
        }
    }
    BackingName { has_login: login, ..BackingName::on(network) }
}

/// A monitor of Ceph: a name or address, and a port behind the only colon or behind the brackets.
fn monitor(text: &str) -> Option<NetworkHost> {
    let many = text.matches(':').count() > 1 && !text.starts_with('[');
    let (name, port) = if many { (text.to_owned(), 0) } else { host_and_port(text)? };
    Some(NetworkHost { name: Some(name), port, ..NetworkHost::default() })
}

/// Parts between separators that no `\` is before.
fn split_unescaped(text: &str, separator: char) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut escaped = false;
    for c in text.chars() {
        if c == separator && !escaped {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(c);
        }
        escaped = c == '\\' && !escaped;
    }
    parts
}

/// A path with its `%XX` as bytes; as it stands where those are no text.
fn unescaped(path: &str) -> String {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let hex = tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.filter(|_| *first == b'%').and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(name: &str) -> NetworkSource {
        match BackingName::parse(name).unwrap().source.location {
            Location::Network(network) => *network,
            other => panic!("{name}: {other:?}"),
        }
    }

    #[test]
    fn servers_are_found_in_every_spelling() {
        for (name, protocol, image, host, port) in [
            ("nbd:h:10809", Protocol::Nbd, None, "h", 10809),
            ("nbd:[::1]:1:exportname=e:x", Protocol::Nbd, Some("e:x"), "::1", 1),
            ("nbd://h", Protocol::Nbd, None, "h", 10809),
            ("gluster+rdma://[fe80::2]:7/v/a%20b", Protocol::Gluster, Some("v/a b"), "fe80::2", 7),
            ("iscsi://h/iqn.x/0", Protocol::Iscsi, Some("iqn.x/0"), "h", 3260),
            ("rbd:p/i@s:mon_host=a\\:1\\;b:conf=/c", Protocol::Rbd, Some("p/i"), "a", 1),
            (r#"json:{"driver":"nbd","host":"h","port":"9"}"#, Protocol::Nbd, None, "h", 9),
            (
                r#"json:{"file.driver":"ssh","file.host":"h","file.path":"p"}"#,
                Protocol::Ssh,
                Some("p"),
                "h",
                22,
            ),
            (
                r#"json:{"driver":"gluster","volume":"v","path":"p","server.0.type":"tcp","server.0.host":"h"}"#,
                Protocol::Gluster,
                Some("v/p"),
                "h",
                24007,
            ),
            (
                r#"json:{"driver":"iscsi","transport":"tcp","portal":"h:3","target":"t","lun":2}"#,
                Protocol::Iscsi,
                Some("t/2"),
                "h",
                3,
            ),
        ] {
            let found = network(name);
            assert_eq!((found.protocol, found.name.as_deref()), (protocol, image), "{name}");
            let server = &found.hosts[0];
            assert_eq!((server.name.as_deref(), server.port), (Some(host), port), "{name}");
        }
        assert_eq!(network("rbd:p/i@s:mon_host=a\\:1\\;b:conf=/c").hosts.len(), 2);
    }

    #[test]
    fn slices_and_logins_are_told() {
        let name = BackingName::parse(
            r#"json:{"driver":"raw","offset":512,"size":1024,"file":{"driver":"host_device","filename":"/d"}}"#,
        );
        assert_eq!(name.unwrap().source.slice, Some(Slice { offset: 512, size: 1024 }));
        assert!(BackingName::parse("https://me:word@h/i").unwrap().has_login);
        let web = network(
            r#"json:{"driver":"https","url":"https://h/i?q=1","sslverify":"off","cookie":"a=1; b=2"}"#,
        );
        assert_eq!((web.ssl_verify, web.cookies.len(), web.query.as_deref()), (Some(false), 2, Some("q=1")));
    }

    #[test]
    fn what_lacks_something_is_refused() {
        for name in [
            "json:{",
            "json:[]",
            "json:{}",
            r#"json:{"driver":"what"}"#,
            r#"json:{"driver":"file"}"#,
            r#"json:{"driver":"raw","file":{"driver":"raw","file":{"driver":"file","filename":"/a"}}}"#,
            r#"json:{"a":1,"a.b":2}"#,
            r#"json:{"driver":"nvme","device":"0000:01:00.0"}"#,
            "nbd:",
            "nbd:unix:",
            "nbd:h",
            "what://h/p",
            "gluster://h/v",
            "http:x",
            "relative",
        ] {
            assert!(BackingName::parse(name).is_err(), "{name}");
        }
    }
}
