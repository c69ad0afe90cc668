use super::*;

#[test]
fn contradictions_are_refused_at_their_place() {
    let target = "<target><path>/t</path></target>";
    for (kind, inner, code, words, path) in [
        ("netfs", "", ErrorCode::XmlError, "missing storage pool source host name", "/pool"),
        (
            "netfs",
            "<source><host name='h'/></source>",
            ErrorCode::XmlError,
            "missing storage pool source path",
            "/pool/source",
        ),
        (
            "netfs",
            "<source><host/></source>",
            ErrorCode::XmlError,
            "missing storage pool host name",
            "/pool/source/host",
        ),
        ("fs", "<source/>", ErrorCode::XmlError, "missing storage pool source device name", "/pool/source"),
        ("scsi", "", ErrorCode::XmlError, "missing storage pool source adapter", "/pool"),
        (
            "scsi",
            "<source><adapter type='scsi_host'/></source>",
            ErrorCode::XmlError,
            "Either 'name' or 'parent'",
            "/pool/source",
        ),
        (
            "scsi",
            "<source><adapter type='fc_host' wwnn='1'/></source>",
            ErrorCode::XmlError,
            "'wwnn' and 'wwpn' must be",
            "/pool/source",
        ),
        (
            "scsi",
            "<source><adapter type='fc_host' wwnn='1' wwpn='2'/></source>",
            ErrorCode::InternalError,
            "Malformed wwn: 1",
            "/pool/source",
        ),
        ("rbd", "<source/>", ErrorCode::XmlError, "'name' is mandatory for RBD", "/pool/source"),
        (
            "iscsi-direct",
            "<source><host name='h'/></source>",
            ErrorCode::ConfigUnsupported,
            "missing initiator IQN",
            "/pool",
        ),
        (
            "iscsi",
            "<source><auth username='u'><secret usage='s'/></auth></source>",
            ErrorCode::ConfigUnsupported,
            "missing auth type",
            "/pool/source",
        ),
        (
            "netfs",
            "<source><format type='cifs'/><protocol ver='3'/></source>",
            ErrorCode::ConfigUnsupported,
            "protocol ver unsupported for pool type 'cifs'",
            "/pool/source",
        ),
        (
            "netfs",
            "<source><protocol ver='3,4'/></source>",
            ErrorCode::XmlDetail,
            "must not contain ','",
            "/pool/source",
        ),
        (
            "dir",
            "<refresh><volume allocation='all'/></refresh>",
            ErrorCode::ConfigUnsupported,
            "refresh allocation type all",
            "/pool/refresh/volume",
        ),
        ("dir", "<uuid>x</uuid>", ErrorCode::XmlError, "malformed uuid element", "/pool"),
    ] {
        let xml = format!("<pool type='{kind}'><name>p</name>{target}{inner}</pool>");
        let error = StoragePool::parse(&xml).unwrap_err();
        assert_eq!(error.code(), code, "{inner}: {error}");
        assert!(error.to_string().contains(words), "{inner}: {error}");
        assert_eq!(error.place().unwrap().path, path, "{inner}");
    }
    let unnamed = StoragePool::parse("<pool type='dir'><source><name>s</name></source></pool>").unwrap_err();
    assert_eq!(unnamed.to_string(), "XML error: missing pool source name element");
}

#[test]
fn sources_that_were_found_are_listed() {
    let source =
        PoolSource::parse("<source><host name='h' port='1'/><dir path='/e/'/></source>", PoolType::Netfs);
    let list = PoolSource::format_list(&[source.unwrap()], PoolType::Netfs);
    assert_eq!(
        list,
        "<sources>\n  <source>\n    <host name='h' port='1'/>\n    <dir path='/e'/>\n    <format type='auto'/>\n  </source>\n</sources>\n"
    );
}

#[test]
fn a_type_that_no_driver_has_is_refused() {
    let pool = StoragePool::parse("<pool type='mpath'><name>p</name><target><path>/t</path></target></pool>")
        .unwrap();
    let error = pool.validate(&|kind| kind == PoolType::Dir).unwrap_err();
    assert_eq!(error.to_string(), "internal error: missing backend for pool type 8 (mpath)");
    pool.validate(&|_| true).unwrap();
}
