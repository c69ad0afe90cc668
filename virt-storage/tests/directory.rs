//! Pools of directories, from their definition to their end.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use virt_driver::{
    Chunk, Delivery, ObjectEventFilter, ObjectRef, StoragePoolEventKind, StoragePools, VolumeRef,
};
use virt_storage::{Layout, StorageDriver};
use virt_types::ErrorCode;

/// A directory that goes with the value.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("virt-storage-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    async fn driver(&self) -> StorageDriver {
        StorageDriver::open(Layout::below(&self.0)).await.unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn pool_xml(name: &str, path: &str) -> String {
    format!("<pool type='dir'><name>{name}</name><target><path>{path}</path></target></pool>")
}

fn volume_xml(name: &str, rest: &str) -> String {
    format!("<volume><name>{name}</name>{rest}</volume>")
}

async fn running(driver: &StorageDriver, place: &Place) -> ObjectRef {
    let pool = driver.define_xml(&pool_xml("p", &place.path("images")), 0).await.unwrap();
    driver.build(&pool, 0).await.unwrap();
    driver.create(&pool, 0).await.unwrap();
    pool
}

#[tokio::test]
async fn a_pool_lives_and_outlives_the_process() {
    let place = Place::new("life");
    let driver = place.driver().await;
    let mut events = driver.subscribe(ObjectEventFilter::default(), 16).await.unwrap();
    let pool = driver.define_xml(&pool_xml("p", &place.path("images")), 0).await.unwrap();
    let error = driver.create(&pool, 0).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::SystemError, "{error}");
    driver.build(&pool, 0).await.unwrap();
    assert_eq!(std::fs::metadata(place.path("images")).unwrap().permissions().mode() & 0o777, 0o711);
    driver.create(&pool, 0).await.unwrap();
    driver.set_autostart(&pool, true).await.unwrap();
    for (error, code) in [
        (driver.create(&pool, 0).await.unwrap_err(), ErrorCode::OperationInvalid),
        (driver.undefine(&pool).await.unwrap_err(), ErrorCode::OperationInvalid),
        (driver.delete(&pool, 0).await.unwrap_err(), ErrorCode::OperationInvalid),
        (
            driver.define_xml(&pool_xml("q", &place.path("images")), 0).await.unwrap_err(),
            ErrorCode::OperationFailed,
        ),
        (driver.define_xml(&pool_xml("p", "/other"), 0).await.unwrap_err(), ErrorCode::OperationFailed),
        (driver.refresh(&pool, 1).await.unwrap_err(), ErrorCode::InvalidArg),
    ] {
        assert_eq!(error.code(), code, "{error}");
    }
    let info = driver.info(&pool).await.unwrap();
    assert_eq!((info.state, info.capacity), (2, info.allocation + info.available));
    for (flags, found) in [(0, 1), (1, 0), (2, 1), (4, 1), (8, 0), (16, 1), (32, 0), (64, 1), (128, 0)] {
        assert_eq!(driver.list(flags).await.unwrap().len(), found, "{flags}");
    }

    std::fs::write(place.path("images/found.img"), "x").unwrap();
    drop(driver);
    let driver = place.driver().await;
    assert!(driver.is_active(&pool).await.unwrap() && driver.autostart(&pool).await.unwrap());
    assert_eq!(driver.volumes(&pool, 0).await.unwrap().len(), 1);
    driver.destroy(&pool).await.unwrap();
    assert_eq!(driver.volumes(&pool, 0).await.unwrap_err().code(), ErrorCode::OperationInvalid);
    let error = driver.delete(&pool, 0).await.unwrap_err();
    assert!(error.to_string().ends_with("Directory not empty"), "{error}");
    drop(driver);
    let driver = place.driver().await;
    assert!(!driver.is_active(&pool).await.unwrap());
    driver.start_autostarted().await;
    assert!(driver.is_active(&pool).await.unwrap());
    driver.destroy(&pool).await.unwrap();
    driver.undefine(&pool).await.unwrap();
    assert_eq!(driver.lookup_by_name("p").await.unwrap_err().code(), ErrorCode::NoStoragePool);
    assert!(place.driver().await.list(0).await.unwrap().is_empty());

    let mut seen = Vec::new();
    while let Some(delivery) = events.try_next() {
        let Delivery::Event(event) = delivery else { panic!("events were lost") };
        seen.push(event.kind);
    }
    assert_eq!(seen, [0, 4, 2].map(StoragePoolEventKind::Lifecycle));
}

#[tokio::test]
async fn a_transient_pool_ends_with_its_stop() {
    let place = Place::new("transient");
    let driver = place.driver().await;
    let pool = driver.create_xml(&pool_xml("t", &place.path("images")), 1).await.unwrap();
    assert!(!driver.is_persistent(&pool).await.unwrap());
    let error = driver.create_xml(&pool_xml("u", &place.path("none")), 0).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::SystemError);
    assert_eq!(driver.list(0).await.unwrap().len(), 1);
    driver.destroy(&pool).await.unwrap();
    assert!(driver.list(0).await.unwrap().is_empty());
}

#[tokio::test]
async fn raw_volumes_are_made_copied_resized_and_removed() {
    let place = Place::new("raw");
    let driver = place.driver().await;
    let pool = running(&driver, &place).await;
    let sparse = "<capacity unit='MiB'>4</capacity><allocation>0</allocation>";
    let volume = driver.create_volume(&pool, &volume_xml("a", sparse), 0).await.unwrap();
    assert_eq!(volume.key, place.path("images/a"));
    let found = std::fs::metadata(&volume.key).unwrap();
    assert_eq!((found.len(), found.blocks(), found.mode() & 0o777), (4 << 20, 0, 0o600));
    let whole =
        driver.create_volume(&pool, &volume_xml("b", "<capacity unit='MiB'>1</capacity>"), 0).await.unwrap();
    assert!(driver.volume_info(&whole, 0).await.unwrap().allocation >= 1 << 20);
    for (xml, code) in [
        (volume_xml("a", sparse), ErrorCode::StorageVolExist),
        (volume_xml("x/y", sparse), ErrorCode::OperationInvalid),
        (volume_xml("c", ""), ErrorCode::XmlError),
    ] {
        assert_eq!(driver.create_volume(&pool, &xml, 0).await.unwrap_err().code(), code, "{xml}");
    }
    std::fs::write(place.path("images/late"), "").unwrap();
    let late = driver.create_volume(&pool, &volume_xml("late", sparse), 0).await.unwrap_err();
    assert!(late.to_string().ends_with("already exists"), "{late}");

    std::fs::write(&whole.key, vec![b'x'; 1 << 20]).unwrap();
    let copy = volume_xml("copy", "<capacity>1</capacity><allocation>0</allocation>");
    let copy = driver.create_volume_from(&pool, &copy, &whole, 0).await.unwrap();
    assert_eq!(std::fs::read(&copy.key).unwrap(), std::fs::read(&whole.key).unwrap());

    for (capacity, flags, expected) in [
        (2 << 20, 0, Ok(2 << 20)),
        (1 << 20, 2, Ok(3 << 20)),
        (1 << 20, 0, Err(ErrorCode::InvalidArg)),
        (1 << 20, 2 | 4, Ok(2 << 20)),
        (8 << 20, 8, Err(ErrorCode::InvalidArg)),
    ] {
        let done = driver.resize_volume(&copy, capacity, flags).await.map_err(|error| error.code());
        let done = match done {
            Ok(()) => Ok(std::fs::metadata(&copy.key).unwrap().len()),
            Err(code) => Err(code),
        };
        assert_eq!(done, expected, "{capacity} {flags}");
    }
    assert_eq!(driver.volume_by_path(&format!("{}/", copy.key)).await.unwrap(), copy);
    assert_eq!(driver.volume_by_key(&copy.key).await.unwrap(), copy);
    driver.wipe_volume(&whole, 0, 0).await.unwrap();
    assert!(std::fs::read(&whole.key).unwrap().iter().all(|byte| *byte == 0));
    driver.delete_volume(&copy, 0).await.unwrap();
    assert!(!Path::new(&copy.key).exists());
    assert_eq!(driver.volume_by_path(&copy.key).await.unwrap_err().code(), ErrorCode::NoStorageVol);
}

async fn read_all(driver: &StorageDriver, volume: &VolumeRef, flags: u32) -> (Vec<u8>, u64) {
    let stream = driver.download(volume, 0, 0, flags).await.unwrap();
    let (mut bytes, mut holes, mut buffer) = (Vec::new(), 0, vec![0; 64 << 10]);
    loop {
        match stream.read_sparse(&mut buffer).await.unwrap() {
            Chunk::Data(0) => return (bytes, holes),
            Chunk::Data(count) => bytes.extend_from_slice(&buffer[..count]),
            Chunk::Hole(length) => holes += length,
        }
    }
}

#[tokio::test]
async fn content_goes_in_and_out_and_the_pool_is_looked_at_again() {
    let place = Place::new("content");
    let driver = place.driver().await;
    let pool = running(&driver, &place).await;
    let sparse = "<capacity unit='MiB'>1</capacity><allocation>0</allocation>";
    let volume = driver.create_volume(&pool, &volume_xml("v", sparse), 0).await.unwrap();
    let only = ObjectEventFilter { object: None, kinds: vec![1] };
    let mut refreshed = driver.subscribe(only, 4).await.unwrap();
    let stream = driver.upload(&volume, 512 << 10, 4, 0).await.unwrap();
    assert_eq!(stream.write(b"data!").await.unwrap(), 4);
    stream.finish().await.unwrap();
    let event = refreshed.next().await;
    assert!(matches!(event, Some(Delivery::Event(event)) if event.pool == pool));
    let (bytes, holes) = read_all(&driver, &volume, 1).await;
    assert_eq!(bytes.len() as u64 + holes, 1 << 20);
    assert!(bytes.windows(4).any(|window| window == b"data"));
}

#[tokio::test]
async fn a_thousand_volumes_are_found() {
    let place = Place::new("many");
    let driver = place.driver().await;
    let pool = running(&driver, &place).await;
    for number in 0..1000 {
        std::fs::write(place.path(&format!("images/{number}")), "QFI\u{fb}").unwrap();
    }
    std::os::unix::fs::symlink("nowhere", place.path("images/dangling")).unwrap();
    std::fs::create_dir(place.path("images/directory")).unwrap();
    driver.refresh(&pool, 0).await.unwrap();
    let volumes = driver.volumes(&pool, 0).await.unwrap();
    assert_eq!(volumes.len(), 1001);
    let directory = driver.volume_by_name(&pool, "directory").await.unwrap();
    assert_eq!(driver.volume_info(&directory, 0).await.unwrap().kind, 2);
}
