//! The calls, over a directory of their own.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use virt_driver::{Delivery, ObjectEventFilter, SecretEventKind, SecretSelector, Secrets as _};
use virt_types::ErrorCode;

use crate::SecretDriver;

/// A directory that goes with the test.
struct Dir(PathBuf);

impl Dir {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("virt-secret-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        Self(dir)
    }

    fn driver(&self) -> SecretDriver {
        SecretDriver::new(self.0.join("secrets"))
    }

    fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.join("secrets")).into_iter().flatten();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const UUID: &str = "0a81f5b2-8403-7b23-c8d6-21ccc2f80d6f";

fn xml(attributes: &str, uuid: &str, usage: &str) -> String {
    let uuid = if uuid.is_empty() { String::new() } else { format!("<uuid>{uuid}</uuid>") };
    format!("<secret {attributes}>{uuid}<usage type='ceph'><name>{usage}</name></usage></secret>")
}

#[tokio::test]
async fn a_secret_outlives_its_engine_in_files_that_only_its_owner_reads() {
    let dir = Dir::new("files");
    let secrets = dir.driver();
    let secret = secrets.define_xml(&xml("", UUID, "pool"), 0).await.unwrap();
    let none = secrets.value(&secret, 0).await.unwrap_err();
    assert_eq!(
        (none.code(), none.detail()),
        (ErrorCode::NoSecret, "secret '0a81f5b2-8403-7b23-c8d6-21ccc2f80d6f' does not have a value")
    );
    secrets.set_value(&secret, b"\0binary\xff", 0).await.unwrap();
    assert_eq!(dir.files(), [format!("{UUID}.base64"), format!("{UUID}.xml")]);
    for name in dir.files() {
        let mode = std::fs::metadata(dir.0.join("secrets").join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let text = std::fs::read_to_string(dir.0.join(format!("secrets/{UUID}.base64"))).unwrap();
    assert_eq!(text, "AGJpbmFyef8=");
    let later = dir.driver();
    let found = later.lookup_by_usage(2, "pool").await.unwrap();
    assert_eq!((found.uuid.to_string().as_str(), found.usage_type), (UUID, 2));
    assert_eq!(later.value(&found, 0).await.unwrap(), b"\0binary\xff");
    later.undefine(&found).await.unwrap();
    assert!(dir.files().is_empty());
    assert_eq!(later.lookup_by_uuid(found.uuid).await.unwrap_err().code(), ErrorCode::NoSecret);
}

#[tokio::test]
async fn what_contradicts_another_secret_is_refused() {
    let dir = Dir::new("refusals");
    let secrets = dir.driver();
    secrets.define_xml(&xml("private='yes'", UUID, "pool"), 0).await.unwrap();
    for (xml, expected) in [
        (xml("", "", "pool"), format!("a secret with UUID {UUID} already defined for use with pool")),
        (
            xml("private='yes'", UUID, "other"),
            format!("a secret with UUID {UUID} is already defined for use with pool"),
        ),
        (xml("", UUID, "pool"), "cannot change private flag on existing secret".to_owned()),
    ] {
        let error = secrets.define_xml(&xml, 0).await.unwrap_err();
        assert_eq!((error.code(), error.detail()), (ErrorCode::InternalError, expected.as_str()));
    }
    let error = secrets.define_xml(&xml("", "", "new"), 2).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidArg);
    assert_eq!(secrets.list(0).await.unwrap().len(), 1);
}

#[tokio::test]
async fn private_values_are_for_drivers_only() {
    let dir = Dir::new("private");
    let secrets = dir.driver();
    let secret = secrets.define_xml(&xml("private='yes' ephemeral='yes'", "", "pool"), 0).await.unwrap();
    secrets.set_value(&secret, b"x", 0).await.unwrap();
    assert!(dir.files().is_empty(), "what is ephemeral is in no file");
    let error = virt_driver::Secrets::value(&secrets, &secret, 0).await.unwrap_err();
    assert_eq!((error.code(), error.detail()), (ErrorCode::InvalidSecret, "secret is private"));
    let by_usage = SecretSelector::Usage { usage_type: 2, id: "pool".into() };
    for selector in [SecretSelector::Uuid(secret.uuid), by_usage] {
        assert_eq!(virt_driver::SecretValues::value(&secrets, &selector).await.unwrap(), b"x");
    }
    let other = SecretSelector::Usage { usage_type: 1, id: "pool".into() };
    let error = virt_driver::SecretValues::value(&secrets, &other).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::NoSecret);
    for (flags, count) in [(0, 1), (1, 1), (2, 0), (4, 1), (8, 0), (1 | 8, 0), (1 | 2, 1)] {
        assert_eq!(secrets.list(flags).await.unwrap().len(), count, "{flags}");
    }
}

#[tokio::test]
async fn a_secret_that_is_kept_from_now_on_goes_into_files_with_its_value() {
    let dir = Dir::new("keep");
    let secrets = dir.driver();
    let secret = secrets.define_xml(&xml("ephemeral='yes'", UUID, "pool"), 0).await.unwrap();
    secrets.set_value(&secret, b"x", 0).await.unwrap();
    secrets.define_xml(&xml("", UUID, "pool"), 0).await.unwrap();
    assert_eq!(dir.files().len(), 2);
    secrets.define_xml(&xml("ephemeral='yes'", UUID, "pool"), 0).await.unwrap();
    assert!(dir.files().is_empty());
    assert_eq!(virt_driver::Secrets::value(&secrets, &secret, 0).await.unwrap(), b"x");
}

#[tokio::test]
async fn events_tell_what_became_of_a_secret() {
    let dir = Dir::new("events");
    let secrets = dir.driver();
    let mut all = secrets.subscribe(ObjectEventFilter::default(), 8).await.unwrap();
    let values = ObjectEventFilter { object: None, kinds: vec![1] };
    let mut values = secrets.subscribe(values, 8).await.unwrap();
    let secret = secrets.define_xml(&xml("", "", "pool"), 0).await.unwrap();
    secrets.set_value(&secret, b"x", 0).await.unwrap();
    secrets.undefine(&secret).await.unwrap();
    let mut kinds = Vec::new();
    while let Some(Delivery::Event(event)) = all.try_next() {
        assert_eq!(event.secret, secret);
        kinds.push(event.kind);
    }
    let expected =
        [SecretEventKind::Lifecycle(0), SecretEventKind::ValueChanged, SecretEventKind::Lifecycle(1)];
    assert_eq!(kinds, expected);
    assert!(
        matches!(values.try_next(), Some(Delivery::Event(event)) if event.kind == SecretEventKind::ValueChanged)
    );
    assert_eq!(values.try_next(), None);
}

#[tokio::test]
async fn a_file_that_is_no_secret_is_left_out() {
    let dir = Dir::new("bad");
    std::fs::create_dir_all(dir.0.join("secrets")).unwrap();
    std::fs::write(dir.0.join("secrets/a.xml"), "<secret/>").unwrap();
    std::fs::write(dir.0.join(format!("secrets/{UUID}.xml")), xml("", UUID, "pool")).unwrap();
    assert_eq!(dir.driver().list(0).await.unwrap().len(), 1);
}
