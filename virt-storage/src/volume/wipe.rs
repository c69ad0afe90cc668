//! Overwriting what is in a volume.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileTypeExt, MetadataExt};

use virt_conf::common::storage_source::ImageFormat;
use virt_conf::storage_volume::Volume;
use virt_types::{ErrorCode, Result};

use super::{copy, image_format, path_of, wanted_allocation};
use crate::command::Command;
use crate::error::{invalid_arg, refuse, system};

/// The names that scrub has for the algorithms, by libvirt's numbers; `None` for the one that discards.
const ALGORITHMS: [Option<&str>; 10] = [
    Some("zero"),
    Some("nnsa"),
    Some("dod"),
    Some("bsi"),
    Some("gutmann"),
    Some("schneier"),
    Some("pfitzner7"),
    Some("pfitzner33"),
    Some("random"),
    None,
];

/// Refuses a number that stands for nothing.
pub(crate) fn check_algorithm(algorithm: u32) -> Result<()> {
    let known = usize::try_from(algorithm).is_ok_and(|number| number < ALGORITHMS.len());
    if known { Ok(()) } else { Err(invalid_arg(format!("wiping algorithm {algorithm} not supported"))) }
}

/// Overwrites a volume.
pub(crate) fn wipe(volume: &Volume, algorithm: u32) -> Result<()> {
    check_algorithm(algorithm)?;
    let path = path_of(volume);
    if image_format(volume) == Some(ImageFormat::Ploop) {
        return wipe_ploop(volume, algorithm);
    }
    wipe_file(path, algorithm, wanted_allocation(volume))
}

fn wipe_file(path: &str, algorithm: u32, length: u64) -> Result<()> {
    let file =
        OpenOptions::new().read(true).write(true).open(path).map_err(|error| {
            system(format_args!("Failed to open storage volume with path '{path}'"), error)
        })?;
    let name = usize::try_from(algorithm).ok().and_then(|number| ALGORITHMS.get(number).copied()).flatten();
    match name {
        None => Err(refuse(ErrorCode::ArgumentUnsupported, "'trim' algorithm not supported")),
        Some("zero") => zero(path, &file, length),
        Some(name) => Command::new("scrub", ["-f", "-p", name, path]).run().map(drop),
    }
}

/// A sparse file is cut off and made as long as it was, so that it stays sparse.
fn zero(path: &str, file: &File, length: u64) -> Result<()> {
    let wrong =
        |doing: &str, error| system(format_args!("Failed to {doing} volume with path '{path}'"), error);
    let found = file.metadata().map_err(|error| wrong("stat storage", error))?;
    if found.is_file() && found.blocks() < found.size() / 512 {
        let cut = |size| file.set_len(size);
        return cut(0).and_then(|()| cut(found.size())).map_err(|error| wrong("truncate", error));
    }
    let length = if found.file_type().is_block_device() { length } else { length.min(found.size()) };
    copy::zero(file, 0, length).map_err(|error| wrong("write to storage", error))?;
    file.sync_data()
        .map_err(|error| system(format_args!("cannot sync data to volume with path '{path}'"), error))
}

fn wipe_ploop(volume: &Volume, algorithm: u32) -> Result<()> {
    let path = path_of(volume);
    let (root, description) = (format!("{path}/root.hds"), format!("{path}/DiskDescriptor.xml"));
    wipe_file(&root, algorithm, wanted_allocation(volume))?;
    for file in [&description, &root] {
        std::fs::remove_file(file).map_err(|error| system(format_args!("failed to delete {file}"), error))?;
    }
    let size = format!("{}M", volume.capacity.unwrap_or(0).div_ceil(1 << 20));
    Command::new("ploop", ["init", "-s", &size, "-t", "ext4", &root]).run().map(drop)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn nothing_of_the_content_is_left_and_the_size_stays() {
        let path = std::env::temp_dir().join(format!("virt-storage-wipe-{}", std::process::id()));
        let name = path.to_str().unwrap();
        let content = |bytes: &[u8], size| {
            let mut file = File::create(&path).unwrap();
            file.write_all(bytes).unwrap();
            file.set_len(size).unwrap();
            file.sync_all().unwrap();
        };
        for (bytes, size) in [(vec![b'x'; 8192], 8192), (b"secret".to_vec(), 1 << 20)] {
            content(&bytes, size);
            wipe_file(name, 0, size).unwrap();
            let left = std::fs::read(&path).unwrap();
            assert_eq!(left.len() as u64, size);
            assert!(left.iter().all(|byte| *byte == 0));
        }
        assert_eq!(wipe_file(name, 9, 1).unwrap_err().code(), ErrorCode::ArgumentUnsupported);
        assert_eq!(check_algorithm(10).unwrap_err().code(), ErrorCode::InvalidArg);
        std::fs::remove_file(path).unwrap();
    }
}
