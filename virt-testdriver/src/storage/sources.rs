//! Where pools could come from.

use virt_conf::storage_pool::{
    LogicalFormat, NetfsFormat, PoolDevice, PoolFormat, PoolHost, PoolSource, PoolType,
};
use virt_types::{Error, ErrorCode, ErrorDomain, Result, TextEnum};
use virt_xml::Document;

use crate::error::{internal, invalid_arg, refuse};

/// The pretended volume groups, and a share of whatever server the specification names.
pub(super) fn find(kind: &str, specification: Option<&str>) -> Result<String> {
    let known = PoolType::from_text(kind);
    if known == Some(PoolType::Dir) {
        return Err(internal(format!("unknown storage pool type {kind}")));
    }
    let source = specification.map(|xml| read(xml, known)).transpose()?.flatten();
    match known {
        Some(kind @ PoolType::Logical) => {
            let group = |name: &str, device: &str| PoolSource {
                devices: vec![PoolDevice { path: device.into(), ..PoolDevice::default() }],
                name: Some(name.into()),
                format: Some(PoolFormat::Logical(LogicalFormat::Lvm2)),
                ..PoolSource::default()
            };
            let groups = [group("testvg1", "/dev/sda20"), group("testvg2", "/dev/sda21")];
            Ok(PoolSource::format_list(&groups, kind))
        }
        Some(kind @ PoolType::Netfs) => {
            let host = source
                .and_then(|source| source.hosts.into_iter().next())
                .filter(|host| !host.name.is_empty());
            let host = host.ok_or_else(|| invalid_arg("hostname must be specified for netfs sources"))?;
            let share = PoolSource {
                hosts: vec![PoolHost { name: host.name, ..PoolHost::default() }],
                dir: Some("/testshare".into()),
                format: Some(PoolFormat::Netfs(NetfsFormat::Nfs)),
                ..PoolSource::default()
            };
            Ok(PoolSource::format_list(&[share], kind))
        }
        _ => {
            let detail = format!("pool type '{kind}' does not support source discovery");
            Err(refuse(ErrorCode::NoSupport, detail))
        }
    }
}

/// Reads a specification; that of an unknown kind of pool says nothing.
fn read(xml: &str, kind: Option<PoolType>) -> Result<Option<PoolSource>> {
    let named = |error: Error| match error.detail().strip_prefix("(document)") {
        Some(rest) if error.code() == ErrorCode::XmlDetail => {
            Error::new(error.code(), ErrorDomain::Storage, format!("(storage_source_specification){rest}"))
        }
        _ => error,
    };
    match kind {
        Some(kind) => PoolSource::parse(xml, kind).map(Some).map_err(named),
        None => Document::parse(xml)
            .and_then(|document| document.root_named("source").map(|_| None))
            .map_err(named),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_made_up_for_groups_and_shares() {
        let said = |kind, specification| match find(kind, specification) {
            Ok(xml) => xml,
            Err(error) => format!("{} {error}", error.code().number()),
        };
        assert!(said("logical", None).contains("<name>testvg2</name>"));
        assert!(said("netfs", Some("<source><host name='h'/></source>")).contains("<host name='h'/>"));
        for (kind, specification, expected) in [
            ("netfs", None, "8 invalid argument: hostname must be specified for netfs sources"),
            ("dir", None, "1 internal error: unknown storage pool type dir"),
            (
                "foo",
                None,
                "3 this function is not supported by the connection driver: pool type 'foo' does not support source discovery",
            ),
            ("netfs", Some("<foo/>"), "27 XML error: expecting root element of 'source', not 'foo'"),
        ] {
            assert_eq!(said(kind, specification), expected);
        }
        assert!(said("foo", Some("nothing")).starts_with("35 (storage_source_specification):1: "));
    }
}
