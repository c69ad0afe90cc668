//! New images: how one names the image behind it, and what QEMU's `blockdev-create` is told (its `BlockdevCreateOptions`).

use virt_conf::common::StorageSource;
use virt_conf::common::encryption::EncryptionFormat;
use virt_conf::common::storage_source::{ImageFormat, Location, NetworkSource, Protocol, Transport};
use virt_types::{Error, ErrorCode, ErrorDomain, Result, TextEnum};

use super::{Image, ImageOptions, backend, curl, effective_format, secret};
use crate::plan::{PlanContext, Props};

/// The name by which another image, or a program, finds this one: its path, a URL where one says it all, or QEMU's `json:`
/// pseudo-protocol. Passwords and other secrets are not in it.
///
/// # Errors
/// For places that QEMU can not reach.
pub fn image_name(source: &StorageSource, cx: &PlanContext<'_>) -> Result<String> {
    let location = source.location.actual();
    if source.slice.is_none() {
        if let Some(path) = location.local_path() {
            let fat =
                matches!(location, Location::Dir { .. }) && effective_format(source) == ImageFormat::Fat;
            return Ok(if fat { format!("fat:{path}") } else { path.to_owned() });
        }
        if let Location::Network(network) = location
            && is_simple(network)
        {
            let url = curl::url(network)?;
            return Ok(match network.name {
                Some(_) => url,
                None => url.trim_end_matches('/').to_owned(),
            });
        }
    }
    let place = place(source, cx)?;
    let file = match source.slice {
        None => place,
        Some(slice) => Props::new()
            .str("driver", "raw")
            .u64("offset", slice.offset)
            .u64("size", slice.size)
            .object("file", place),
    };
    Ok(format!("json:{}", Props::new().object("file", file)))
}

/// Whether a URL says all that there is to say.
fn is_simple(network: &NetworkSource) -> bool {
    let has_urls = matches!(
        network.protocol,
        Protocol::Nbd
            | Protocol::Http
            | Protocol::Https
            | Protocol::Ftp
            | Protocol::Ftps
            | Protocol::Tftp
            | Protocol::Iscsi
            | Protocol::Gluster
    );
    let [host] = network.hosts.as_slice() else { return false };
    has_urls
        && host.transport == Transport::Tcp
        && network.ssl_verify.is_none()
        && network.cookies.is_empty()
        && (network.timeout, network.readahead, network.reconnect_delay) == (0, 0, 0)
}

/// The storage node's properties, but for how it is read and who reads it.
fn place(source: &StorageSource, cx: &PlanContext<'_>) -> Result<Props> {
    let mut bare = StorageSource { location: source.location.actual().clone(), ..StorageSource::default() };
    let mut cookies = None;
    if let Location::Network(network) = &mut bare.location {
        if network.protocol == Protocol::Ssh {
            bare.auth.clone_from(&source.auth);
        }
        let texts = network.cookies.drain(..).map(|cookie| format!("{}={}", cookie.name, cookie.value));
        cookies = Some(texts.collect::<Vec<_>>().join("; ")).filter(|text| !text.is_empty());
        network.tls = network.tls.and(Some(false));
        network.tls_hostname = None;
    }
    let image = Image { source: &bare, prefix: "", options: ImageOptions::default() };
    let mut props = backend::props(&image, "", cx)?;
    props.set("debug", None);
    if let Some(cookies) = cookies {
        // Its place among the others is before these two.
        let behind = ["timeout", "readahead"].map(|name| (name, props.get(name).cloned()));
        behind.iter().for_each(|(name, _)| props.set(name, None));
        props.set("cookie", Some(cookies.into()));
        behind.into_iter().for_each(|(name, value)| props.set(name, value));
    }
    Ok(props)
}

/// What makes the place for an image of so many bytes; nothing where it has to be there already.
///
/// # Errors
/// For places that QEMU can not reach.
pub fn storage(image: &Image<'_>, bytes: u64, cx: &PlanContext<'_>) -> Result<Option<Props>> {
    let props = match image.source.location.actual() {
        Location::File { path, .. } => Props::new().str("driver", "file").opt_str("filename", path.clone()),
        Location::Network(network) => match network.protocol {
            Protocol::Gluster | Protocol::Rbd | Protocol::Sheepdog | Protocol::Ssh | Protocol::Nfs => {
                let mut location = backend::props(image, &image.storage_node(), cx)?;
                location.set("driver", None);
                Props::new().str("driver", network.protocol.text()).object("location", location)
            }
            _ => return Ok(None),
        },
        _ => return Ok(None),
    };
    Ok(Some(props.u64("size", bytes)))
}

/// What makes an image of so many bytes in its place; nothing for formats that need no beginning. `backing` is the image that
/// is behind it.
///
/// # Errors
/// For encryption that QEMU does not make, and as [`image_name`].
pub fn format(
    image: &Image<'_>,
    bytes: u64,
    backing: Option<&StorageSource>,
    cx: &PlanContext<'_>,
) -> Result<Option<Props>> {
    let format = effective_format(image.source);
    let driver = match format {
        ImageFormat::Raw if is_luks(image.source) => {
            let props = luks(image).str("driver", "luks");
            return Ok(Some(props.str("file", effective_storage(image)).u64("size", bytes)));
        }
        ImageFormat::Ploop => "parallels",
        ImageFormat::Vhd => "vhdx",
        ImageFormat::Qcow
        | ImageFormat::Qcow2
        | ImageFormat::Qed
        | ImageFormat::Vdi
        | ImageFormat::Vpc
        | ImageFormat::Vmdk => format.text(),
        _ => return Ok(None),
    };
    let props = Props::new().str("driver", driver).str("file", effective_storage(image)).u64("size", bytes);
    let props = match backing.filter(|_| format.has_backing()) {
        None => props,
        Some(backing) => {
            let says_format = matches!(format, ImageFormat::Qcow2 | ImageFormat::Qed);
            let of_backing = if is_luks(backing) && effective_format(backing) == ImageFormat::Raw {
                "luks"
            } else {
                effective_format(backing).text()
            };
            let props = props.str("backing-file", image_name(backing, cx)?);
            props.opt_str("backing-fmt", says_format.then_some(of_backing))
        }
    };
    if image.source.encryption.is_none() || !matches!(format, ImageFormat::Qcow | ImageFormat::Qcow2) {
        return Ok(Some(props));
    }
    if !is_luks(image.source) {
        let detail = "creation of qcow/qcow2 files supports only 'luks' encryption";
        return Err(Error::new(ErrorCode::OperationUnsupported, ErrorDomain::Qemu, detail));
    }
    Ok(Some(props.object("encrypt", luks(image).str("format", "luks"))))
}

fn effective_storage(image: &Image<'_>) -> String {
    image.slice_node().unwrap_or_else(|| image.storage_node())
}

fn is_luks(source: &StorageSource) -> bool {
    source.encryption.as_ref().is_some_and(|encryption| encryption.format == EncryptionFormat::Luks)
}

/// Key and ciphers of an encrypted image.
fn luks(image: &Image<'_>) -> Props {
    let props = Props::new().str("key-secret", secret::encryption_secret(&image.format_node(), 0));
    let Some(cipher) = image.source.encryption.as_ref().and_then(|encryption| encryption.cipher.as_ref())
    else {
        return props;
    };
    let ivgen = cipher.ivgen.as_ref();
    props
        .str("cipher-alg", format!("{}-{}", cipher.name, cipher.size))
        .opt_str("cipher-mode", cipher.mode.clone())
        .opt_str("hash-alg", cipher.hash.clone())
        .opt_str("ivgen-alg", ivgen.map(|ivgen| ivgen.name.clone()))
        .opt_str("ivgen-hash-alg", ivgen.and_then(|ivgen| ivgen.hash.clone()))
}

#[cfg(test)]
mod tests {
    use virt_conf::common::storage_source::{BackingName, Slice};
    use virt_conf::domain::Domain;

    use super::*;
    use crate::caps::Capabilities;
    use crate::config::Config;
    use crate::host::Host;

    #[test]
    fn a_name_is_read_again_as_it_was_written() {
        let (domain, caps, config, host) =
            (Domain::default(), Capabilities::default(), Config::system(), Host::default());
        let cx = PlanContext::new(&domain, &caps, &config, &host);
        for name in [
            "/a/b.img",
            "nbd://h:10809/e",
            "https://h:443/a%20b?q=1",
            "gluster://h:24007/v/i",
            "iscsi://h:3260/iqn.a%3Ab/1",
            r#"json:{"file":{"driver":"raw","offset":1,"size":2,"file":{"driver":"file","filename":"/a"}}}"#,
            r#"json:{"file":{"driver":"rbd","pool":"p","image":"i","server":[{"host":"h","port":"1"}]}}"#,
            r#"json:{"file":{"driver":"https","url":"https://h:443/i","sslverify":false,"cookie":"a=b; c=d","timeout":3}}"#,
        ] {
            let found = BackingName::parse(name).unwrap();
            assert_eq!(image_name(&found.source, &cx).unwrap(), name);
        }
    }

    #[test]
    fn a_new_image_knows_what_is_behind_it() {
        let (domain, caps, config, host) =
            (Domain::default(), Capabilities::default(), Config::system(), Host::default());
        let cx = PlanContext::new(&domain, &caps, &config, &host);
        let at = |path: &str, format| StorageSource {
            location: Location::File { path: Some(path.to_owned()), fdgroup: None },
            format: Some(format),
            ..StorageSource::default()
        };
        let mut below = at("/below", ImageFormat::Raw);
        below.slice = Some(Slice { offset: 512, size: 1024 });
        let top = at("/top", ImageFormat::Qcow2);
        let image = Image { source: &top, prefix: "libvirt-9", options: ImageOptions::default() };
        let made = storage(&image, 7, &cx).unwrap().unwrap();
        assert_eq!(made.to_string(), r#"{"driver":"file","filename":"/top","size":7}"#);
        let made = format(&image, 8, Some(&below), &cx).unwrap().unwrap();
        assert_eq!(made.get("file").and_then(|file| file.as_str()), Some("libvirt-9-storage"));
        assert_eq!(made.get("backing-fmt").and_then(|format| format.as_str()), Some("raw"));
        let raw = Image { source: &below, ..image };
        assert_eq!(format(&raw, 8, None, &cx).unwrap(), None);
    }
}
