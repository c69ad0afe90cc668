//! What is on a device, before something is written over it.

use std::path::Path;

use virt_types::{ErrorCode, Result};

use crate::command::Command;
use crate::error::refuse;

/// The exit status of blkid that has found nothing.
const NOTHING: i32 = 2;

/// Refuses a device on which something is that would be lost. `format` is what is to be made on it, as blkid calls it.
pub(super) fn check_empty(path: &str, format: &str) -> Result<()> {
    let failed = |detail: String| refuse(ErrorCode::StorageProbeFailed, detail);
    if !Path::new(path).exists() {
        return Err(failed(format!("Failed to create filesystem probe for device {path}")));
    }
    // It knows what a file system, a partition table and a member of an array look like, each of dozens of kinds.
    let command = Command::new("blkid", ["--probe", "--output", "export", path]);
    let output = command.run_any()?;
    let found = match output.status.code() {
        Some(0) => content(&String::from_utf8_lossy(&output.stdout)),
        Some(NOTHING) => return Ok(()),
        _ => {
            let detail = format!("Failed to probe for format type '{format}'");
            return Err(failed(detail).caused_by(command.failed(&output)));
        }
    };
    let detail = match found {
        None => return Ok(()),
        Some(found) if found == format => format!("Device '{path}' already formatted using '{format}'"),
        Some(_) => format!(
            "Format of device '{path}' does not match the expected format '{format}', forced overwrite is necessary"
        ),
    };
    Err(refuse(ErrorCode::StoragePoolBuilt, detail))
}

/// A file system, or else a partition table.
fn content(export: &str) -> Option<String> {
    let value = |key: &str| {
        let of = |line: &str| line.strip_prefix(key)?.strip_prefix('=').map(str::to_owned);
        export.lines().find_map(of)
    };
    value("TYPE").or_else(|| value("PTTYPE"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_not_lost() {
        let path = std::env::temp_dir().join(format!("virt-storage-device-{}", std::process::id()));
        let name = path.to_str().unwrap();
        let write = |at: usize, mark: &[u8]| {
            let mut bytes = vec![0; 1 << 20];
            bytes[at..at + mark.len()].copy_from_slice(mark);
            std::fs::write(&path, bytes).unwrap();
        };
        write(0, b"");
        if virt_sys::find_program("blkid").is_some() {
            check_empty(name, "ext4").unwrap();
            // A swap area's version, last page, and signature.
            write(1024, &[1, 0, 0, 0, 255]);
            let mut bytes = std::fs::read(&path).unwrap();
            bytes[4086..4096].copy_from_slice(b"SWAPSPACE2");
            std::fs::write(&path, bytes).unwrap();
            let error = check_empty(name, "swap").unwrap_err();
            assert_eq!(error.code(), ErrorCode::StoragePoolBuilt);
            assert!(error.to_string().contains("already formatted using 'swap'"), "{error}");
            let error = check_empty(name, "xfs").unwrap_err();
            assert!(error.to_string().contains("does not match the expected format 'xfs'"), "{error}");
        }
        std::fs::remove_file(&path).unwrap();
        assert_eq!(check_empty(name, "ext4").unwrap_err().code(), ErrorCode::StorageProbeFailed);
    }

    #[test]
    fn a_table_counts_where_there_is_no_file_system() {
        for (export, expected) in [
            ("DEVNAME=/dev/a\nPTUUID=1\nPTTYPE=dos\n", Some("dos")),
            ("PTTYPE=dos\nTYPE=vfat\n", Some("vfat")),
            ("UUID=1\n", None),
        ] {
            assert_eq!(content(export).as_deref(), expected);
        }
    }
}
