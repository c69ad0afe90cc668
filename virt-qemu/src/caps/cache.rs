//! What was found out about binaries, kept in memory and on disk.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;
use virt_types::{Arch, Error, ErrorCode, ErrorDomain, Result, TextEnum};

use super::{Cap, Capabilities, probe};

/// What an answer holds for: the same binary, on the same kernel, with the same access to KVM, read by the same engine.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Stamp {
    binary: String,
    size: u64,
    changed: (i64, i64),
    modified: (i64, i64),
    kernel: String,
    kvm: bool,
    engine: String,
    #[serde(default)]
    processor: u64,
}

/// What is asked, by number: more with each.
const PROBE: u32 = 4;

/// What tells the host's processor from another one, on which QEMU can give other CPUs.
fn processor() -> u64 {
    static KNOWN: OnceLock<u64> = OnceLock::new();
    *KNOWN.get_or_init(|| {
        let mut hasher = DefaultHasher::new();
        let arch = Arch::from_text(&virt_sys::host::machine()).unwrap_or_default();
        if !arch.is_x86() {
            virt_host::cpu::signature(&virt_host::Root::host(), arch).ok().flatten().hash(&mut hasher);
        }
        // The features and the maker; other leaves tell the processors of one host apart.
        for (eax, ecx, mut registers) in virt_sys::cpuid::leaves().unwrap_or_default() {
            match (eax, ecx) {
                (1, _) => registers[1] = 0,
                (0 | 7 | 0x8000_0001 | 0x8000_0008, _) | (0xd, 1) => {}
                _ => continue,
            }
            (eax, ecx, registers).hash(&mut hasher);
        }
        hasher.finish()
    })
}

impl Stamp {
    fn of(binary: &str, kvm: bool) -> Result<Self> {
        let metadata = std::fs::metadata(binary).map_err(|error| {
            let detail = format!("Cannot check QEMU binary {binary}: {}", plain(&error));
            Error::new(ErrorCode::SystemError, ErrorDomain::Qemu, detail)
                .caused_by(error)
                .with_hint("name an installed binary in <emulator>, or install QEMU for this architecture")
        })?;
        Ok(Self {
            binary: binary.to_owned(),
            size: metadata.size(),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            kernel: rustix::system::uname().release().to_string_lossy().into_owned(),
            kvm,
            engine: format!("{} {PROBE} {}", env!("CARGO_PKG_VERSION"), Cap::TABLE.len()),
            processor: processor(),
        })
    }
}

/// The kernel's reason without the number that the standard library appends.
fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

#[derive(Serialize, Deserialize)]
struct Entry {
    stamp: Stamp,
    capabilities: Capabilities,
}

/// The device through which KVM is used, as far as its use depends on the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct KvmDevice {
    device: u64,
    mode: u32,
    owner: (u32, u32),
    changed: (i64, i64),
}

impl KvmDevice {
    fn of(path: &str) -> Option<Self> {
        let metadata = std::fs::metadata(path).ok()?;
        Some(Self {
            device: metadata.rdev(),
            mode: metadata.mode(),
            owner: (metadata.uid(), metadata.gid()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        })
    }
}

/// Capabilities of binaries, each asked once, on first need; several binaries are asked at the same time.
#[derive(Debug)]
pub struct Cache {
    dir: Option<PathBuf>,
    /// The device that was found usable.
    kvm: Mutex<Option<KvmDevice>>,
    known: Mutex<HashMap<Stamp, Arc<OnceCell<Arc<Capabilities>>>>>,
}

impl Cache {
    /// A cache that also keeps its answers in this directory.
    #[must_use]
    pub fn new(dir: Option<PathBuf>) -> Self {
        Self { dir, kvm: Mutex::default(), known: Mutex::default() }
    }

    /// What a binary can do.
    ///
    /// # Errors
    /// `VIR_ERR_SYSTEM_ERROR` where there is no such binary, `VIR_ERR_INTERNAL_ERROR` where it does not answer.
    pub async fn get(&self, binary: &str) -> Result<Arc<Capabilities>> {
        let stamp = Stamp::of(binary, self.kvm_is_usable())?;
        let cell = {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(known.entry(stamp.clone()).or_default())
        };
        let capabilities = cell.get_or_try_init(|| self.load_or_probe(&stamp)).await?;
        Ok(Arc::clone(capabilities))
    }

    /// Whether KVM can be used. Making a virtual machine to find out costs the whole host more than all else that a start
    /// does, so it is done once; a device that could not be used is tried again, because its owner may have mended that.
    fn kvm_is_usable(&self) -> bool {
        let device = KvmDevice::of("/dev/kvm");
        let mut usable = self.kvm.lock().unwrap_or_else(PoisonError::into_inner);
        if device.is_none() || *usable != device {
            *usable = device.filter(|_| virt_sys::kvm::check().is_usable());
        }
        usable.is_some()
    }

    async fn load_or_probe(&self, stamp: &Stamp) -> Result<Arc<Capabilities>> {
        if let Some(capabilities) = self.file(stamp).and_then(|path| load(&path, stamp)) {
            return Ok(Arc::new(capabilities));
        }
        let capabilities = probe::probe(&stamp.binary, stamp.kvm).await?;
        // QEMU's answers are megabytes, of which little stays.
        tokio::task::spawn_blocking(virt_sys::memory::trim);
        if let Some(path) = self.file(stamp) {
            let entry = Entry { stamp: stamp.clone(), capabilities: capabilities.clone() };
            // A cache that can not be written costs time, nothing else.
            if let Err(error) = store(&path, &entry) {
                log::warn!("cannot keep the capabilities of {}: {error}", stamp.binary);
            }
        }
        Ok(Arc::new(capabilities))
    }

    /// One file per binary: an updated binary replaces its old answer.
    fn file(&self, stamp: &Stamp) -> Option<PathBuf> {
        let escaped = stamp.binary.trim_start_matches('/').replace('%', "%25").replace('/', "%2F");
        self.dir.as_ref().map(|dir| dir.join(format!("{escaped}.json")))
    }
}

fn load(path: &Path, stamp: &Stamp) -> Option<Capabilities> {
    let bytes = virt_sys::fs::read_bounded(path, 16 << 20).ok()?;
    let entry: Entry = serde_json::from_slice(&bytes).ok()?;
    (entry.stamp == *stamp).then_some(entry.capabilities)
}

fn store(path: &Path, entry: &Entry) -> std::io::Result<()> {
    let text = serde_json::to_vec(entry)?;
    if let Some(dir) = path.parent() {
        virt_sys::fs::create_dir_all(dir, 0o700).map_err(std::io::Error::other)?;
    }
    virt_sys::fs::atomic_write(path, &text, 0o600).map_err(std::io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_missing_binary_is_named() {
        let error = Cache::new(None).get("/nonexistent/qemu").await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "Cannot check QEMU binary /nonexistent/qemu: No such file or directory"
        );
    }

    #[test]
    fn a_device_with_other_rights_is_another() {
        use std::os::unix::fs::PermissionsExt as _;
        let path = std::env::temp_dir().join(format!("virt-qemu-device-{}", std::process::id()));
        std::fs::write(&path, "").unwrap();
        let of = || KvmDevice::of(path.to_str().unwrap());
        let before = of();
        assert_eq!(of(), before);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert_ne!(of(), before);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(of(), None);
    }

    #[test]
    fn kvm_is_tried_until_it_can_be_used() {
        let cache = Cache::new(None);
        let usable = virt_sys::kvm::check().is_usable();
        for _ in 0..2 {
            assert_eq!(cache.kvm_is_usable(), usable);
            assert_eq!(cache.kvm.lock().unwrap().is_some(), usable);
        }
    }

    #[tokio::test]
    async fn a_probed_binary_is_known_from_the_file_next_time() {
        let Some(binary) = virt_sys::find_program("qemu-system-x86_64") else {
            eprintln!("skipped: no qemu-system-x86_64 on the path");
            return;
        };
        let dir = std::env::temp_dir().join(format!("virt-qemu-cache-{}", std::process::id()));
        let binary = binary.to_str().unwrap();
        let probed = Cache::new(Some(dir.clone())).get(binary).await.unwrap();
        assert!(probed.version >= 4_002_000);
        assert!(probed.machine(virt_conf::domain::VirtType::Qemu, "q35").is_some());
        assert!(probed.has(Cap::Pvpanic));
        let stamp = Stamp::of(binary, virt_sys::kvm::check().is_usable()).unwrap();
        let file = Cache::new(Some(dir.clone())).file(&stamp).unwrap();
        assert_eq!(load(&file, &stamp).as_ref(), Some(&*probed));
        std::fs::remove_dir_all(dir).unwrap();
    }
}
