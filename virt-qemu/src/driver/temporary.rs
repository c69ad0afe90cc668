//! What QEMU can only write into a file.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use virt_types::Result;

use super::refusal::failed;

/// Removes the file, whatever happens.
struct Removed(PathBuf);

impl Drop for Removed {
    fn drop(&mut self) {
        // QEMU may not have made it.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Has a file written below `dir`, of at most `limit` bytes, and reads it.
pub(super) async fn written(
    dir: &Path,
    what: &str,
    limit: u64,
    write: impl AsyncFnOnce(&Path) -> Result<()>,
) -> Result<Vec<u8>> {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    let file = Removed(dir.join(format!("qemu.{what}.{}-{number}", std::process::id())));
    write(&file.0).await?;
    let read = tokio::task::spawn_blocking(move || virt_sys::fs::read_bounded(&file.0, limit)).await;
    match read {
        Ok(read) => {
            read.map_err(|error| failed(format!("cannot read what QEMU wrote: {error}")).caused_by(error))
        }
        Err(error) => Err(failed("cannot read what QEMU wrote").caused_by(error)),
    }
}
