//! Families of the external corpus that this crate answers.

use virt_conf::storage_pool::{PoolSource, PoolType, StoragePool};
use virt_conf::storage_volume::{Capacity, Volume, VolumeType};
use virt_storage::qemu_img::Creation;
use virt_testkit::corpus::{self, Case, Verdict, same};

#[test]
fn storagepoolxml2argv() {
    corpus::check("storagepoolxml2argv", start);
}

#[test]
fn storagevolxml2argv() {
    corpus::check("storagevolxml2argv", create);
}

#[test]
fn storagebackend() {
    corpus::check("storagebackend", backend);
}

/// One command a line.
fn lines(text: &str) -> String {
    text.replace("\\\n", "").trim_end().to_owned()
}

/// mount's options in front of what is mounted, where newer libvirt has them: the corpus is older in this.
fn options_first(line: &str) -> String {
    let words: Vec<_> = line.split(' ').collect();
    let (mut options, mut rest) = (Vec::new(), Vec::new());
    let mut at = 1;
    while let Some(word) = words.get(at) {
        match (word.starts_with('-'), words.get(at + 1)) {
            (true, Some(value)) if *word != "-aly" => {
                options.push(format!("{word} {value}"));
                at += 2;
            }
            _ => {
                rest.push((*word).to_owned());
                at += 1;
            }
        }
    }
    options.sort();
    [vec![words[0].to_owned()], options, rest].concat().join(" ")
}

fn start(case: &Case) -> Verdict {
    let mut pool =
        StoragePool::parse(&case.read("/input").unwrap_or_default()).map_err(|error| error.to_string())?;
    pool.fill(None);
    let command = virt_storage::start_command(&pool);
    match (command, case.read("/expected")) {
        (None, None) => Ok(()),
        (Some(command), Some(expected)) => {
            same(&options_first(&command.join(" ")), &options_first(&lines(&expected)))
        }
        (command, expected) => Err(format!("{command:?} for {expected:?}")),
    }
}

fn kind_of(pool: PoolType) -> VolumeType {
    match pool {
        PoolType::Dir | PoolType::Fs | PoolType::Netfs | PoolType::Vstorage => VolumeType::File,
        PoolType::Logical
        | PoolType::Disk
        | PoolType::Iscsi
        | PoolType::Scsi
        | PoolType::Mpath
        | PoolType::Zfs => VolumeType::Block,
        PoolType::IscsiDirect | PoolType::Rbd | PoolType::Sheepdog | PoolType::Gluster => VolumeType::Network,
    }
}

fn volume(case: &Case, pool: &str, volume: &str, capacity: Capacity) -> Result<Volume, String> {
    let pool = StoragePool::parse(&case.read(pool).unwrap_or_default()).map_err(|error| error.to_string())?;
    let mut volume = Volume::parse(&case.read(volume).unwrap_or_default(), pool.kind, capacity)
        .map_err(|error| error.to_string())?;
    volume.fill(None);
    volume.kind = kind_of(pool.kind);
    Ok(volume)
}

fn create(case: &Case) -> Verdict {
    let original = case
        .read("/input/source-vol")
        .map(|_| volume(case, "/input/source-pool", "/input/source-vol", Capacity::Required))
        .transpose()?;
    let optional = original.is_some() || !case.text("parse_flags").is_empty();
    let capacity = if optional { Capacity::Optional } else { Capacity::Required };
    let mut volume = volume(case, "/input/pool", "/input/vol", capacity)?;
    if let Some(original) = &original {
        volume.capacity = volume.capacity.or(original.capacity);
    }
    let encrypted = |volume: &Volume| volume.target.encryption.is_some();
    let creation = Creation {
        volume: &volume,
        original: original.as_ref(),
        preallocate: !case.text("flags").is_empty(),
        secret: encrypted(&volume).then_some("/path/to/secretFile"),
        original_secret: original.as_ref().is_some_and(encrypted).then_some("/path/to/inputSecretFile"),
    };
    let commands: Result<Vec<_>, _> = creation
        .steps()
        .iter()
        .map(|step| Ok::<_, virt_types::Error>(format!("qemu-img {}", creation.arguments(*step)?.join(" "))))
        .collect();
    match (commands, case.read("/expected")) {
        (Err(_), None) => Ok(()),
        (Ok(commands), Some(expected)) => same(&commands.join("\n"), &lines(&expected)),
        (commands, _) => Err(format!("{commands:?}")),
    }
}

fn backend(case: &Case) -> Verdict {
    let expected = case.read("/expected");
    let drivers = case.text("driver_caps");
    if !drivers.is_empty() {
        let all = drivers == "fullCaps";
        let found = virt_storage::capabilities(&|kind| all || kind == PoolType::Fs);
        return same(&found, &expected.unwrap_or_default());
    }
    let kind = match case.text("pool_type") {
        "" => return Err("pools of Sheepdog are not served".into()),
        "VIR_STORAGE_POOL_NETFS" => PoolType::Netfs,
        _ => PoolType::Gluster,
    };
    let found = virt_storage::gluster_sources("testhost", &case.read("/input").unwrap_or_default(), kind)
        .map_err(|error| error.to_string())?;
    same(&PoolSource::format_list(&found, kind), &expected.unwrap_or_default())
}
