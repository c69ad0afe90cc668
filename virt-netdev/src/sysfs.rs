//! What only sysfs tells of devices: `/sys/class/net`, or a copy of it.
//!
//! sysfs shows the network namespace of the process that mounted it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::link::OperState;
use crate::{Error, InterfaceName, Result};

/// The directory of the kernel's devices.
pub const CLASS_NET: &str = "/sys/class/net";

/// Whether a device can send, and how fast.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Connection {
    /// What it can do.
    pub state: OperState,
    /// Megabits per second; 0 for a device that is not up or has no speed, whatever its driver says.
    pub speed: u32,
}

/// A directory with a subdirectory for each device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sysfs {
    dir: PathBuf,
}

impl Default for Sysfs {
    fn default() -> Self {
        Self::at(CLASS_NET)
    }
}

impl Sysfs {
    /// The devices of a directory.
    #[must_use]
    pub fn at(dir: impl AsRef<Path>) -> Self {
        Self { dir: dir.as_ref().to_owned() }
    }

    fn path(&self, device: &InterfaceName, file: &str) -> PathBuf {
        self.dir.join(device.as_str()).join(file)
    }

    /// Whether a device can send, and how fast.
    ///
    /// # Errors
    ///
    /// [`Error::File`] when there is no such device or a file says what no kernel says.
    pub fn connection(&self, device: &InterfaceName) -> Result<Connection> {
        let path = self.path(device, "operstate");
        let text = fs::read_to_string(&path).map_err(|source| Error::File { path: path.clone(), source })?;
        let state = oper_state(text.trim_end()).ok_or_else(|| unexpected(path, &text))?;
        if state != OperState::Up {
            return Ok(Connection { state, speed: 0 });
        }
        let path = self.path(device, "speed");
        let speed = match fs::read_to_string(&path) {
            // -1 says that nobody knows.
            Ok(text) => match text.trim_end().parse::<i64>() {
                Ok(speed) => u32::try_from(speed).unwrap_or(0),
                Err(_) => return Err(unexpected(path, &text)),
            },
            // A driver that knows no speed.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => 0,
            Err(source) => return Err(Error::File { path, source }),
        };
        Ok(Connection { state, speed })
    }

    /// True if the device is a physical function that can have virtual ones.
    #[must_use]
    pub fn is_physical_function(&self, device: &InterfaceName) -> bool {
        self.path(device, "device/sriov_totalvfs").exists()
    }

    /// True if the device is a virtual function.
    #[must_use]
    pub fn is_virtual_function(&self, device: &InterfaceName) -> bool {
        self.path(device, "device/physfn").exists()
    }

    /// The physical function of a virtual one, and the number of the virtual one; `None` for any other device.
    ///
    /// # Errors
    ///
    /// [`Error::File`] when sysfs can not be read.
    pub fn physical_function(&self, device: &InterfaceName) -> Result<Option<(String, u32)>> {
        let function = self.path(device, "device/physfn");
        if !function.exists() {
            return Ok(None);
        }
        let ours = canonical(&self.path(device, "device"))?;
        let Some(physical) = first_entry(&function.join("net"))? else { return Ok(None) };
        for number in 0_u32.. {
            let virtual_function = function.join(format!("virtfn{number}"));
            if !virtual_function.exists() {
                break;
            }
            if canonical(&virtual_function)? == ours {
                return Ok(Some((physical, number)));
            }
        }
        Ok(None)
    }

    /// The PCI addresses of a physical function's virtual ones, in the order of their numbers, with the names of their
    /// devices where they have drivers.
    ///
    /// # Errors
    ///
    /// [`Error::File`] when sysfs can not be read.
    pub fn virtual_functions(&self, device: &InterfaceName) -> Result<Vec<(String, Option<String>)>> {
        let mut functions = Vec::new();
        for number in 0_u32.. {
            let function = self.path(device, &format!("device/virtfn{number}"));
            if !function.exists() {
                break;
            }
            let target = canonical(&function)?;
            let address = target.file_name().unwrap_or_default().to_string_lossy().into_owned();
            functions.push((address, first_entry(&function.join("net"))?));
        }
        Ok(functions)
    }
}

fn canonical(path: &Path) -> Result<PathBuf> {
    fs::canonicalize(path).map_err(|source| Error::File { path: path.to_owned(), source })
}

/// The first name in a directory by the alphabet; `None` if there is no such directory.
fn first_entry(dir: &Path) -> Result<Option<String>> {
    let failed = |source| Error::File { path: dir.to_owned(), source };
    match fs::read_dir(dir) {
        Ok(entries) => {
            let mut names = Vec::new();
            for entry in entries {
                names.push(entry.map_err(failed)?.file_name().to_string_lossy().into_owned());
            }
            Ok(names.into_iter().min())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(failed(source)),
    }
}

fn oper_state(word: &str) -> Option<OperState> {
    use OperState::{Dormant, Down, LowerLayerDown, NotPresent, Testing, Unknown, Up};
    [Unknown, NotPresent, Down, LowerLayerDown, Testing, Dormant, Up]
        .into_iter()
        .find(|state| state.as_str() == word)
}

fn unexpected(path: PathBuf, text: &str) -> Error {
    let source = io::Error::new(io::ErrorKind::InvalidData, format!("it says {text:?}"));
    Error::File { path, source }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            let dir = std::env::temp_dir().join(format!("virt-netdev-{name}-{}", std::process::id()));
            fs::create_dir_all(&dir).unwrap();
            Self(dir)
        }

        fn write(&self, file: &str, text: &str) {
            let path = self.0.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }

        fn link(&self, file: &str, target: &str) {
            let path = self.0.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            symlink(self.0.join(target), path).unwrap();
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn only_what_is_up_has_a_speed() {
        let scratch = Scratch::new("speed");
        let sysfs = Sysfs::at(&scratch.0);
        for (state, speed, expected) in [
            ("up\n", "10000\n", Some((OperState::Up, 10_000))),
            ("up\n", "-1\n", Some((OperState::Up, 0))),
            ("up\n", "fast\n", None),
            ("down\n", "65535\n", Some((OperState::Down, 0))),
            ("lowerlayerdown\n", "x", Some((OperState::LowerLayerDown, 0))),
            ("broken\n", "10\n", None),
        ] {
            scratch.write("eth0/operstate", state);
            scratch.write("eth0/speed", speed);
            let found = sysfs.connection(&"eth0".parse().unwrap()).ok();
            assert_eq!(found.map(|found| (found.state, found.speed)), expected, "{state:?} {speed:?}");
        }
        assert!(sysfs.connection(&"eth1".parse().unwrap()).is_err());
    }

    #[test]
    fn functions_find_each_other() {
        let scratch = Scratch::new("functions");
        let (physical, first, second) = ("pci/0000:01:00.0", "pci/0000:01:10.0", "pci/0000:01:10.2");
        scratch.write(&format!("{physical}/sriov_totalvfs"), "8\n");
        scratch.write(&format!("{physical}/net/eth0/x"), "");
        scratch.write(&format!("{first}/x"), "");
        scratch.write(&format!("{second}/net/eth2/x"), "");
        for (number, function) in [first, second].into_iter().enumerate() {
            scratch.link(&format!("{physical}/virtfn{number}"), function);
            scratch.link(&format!("{function}/physfn"), physical);
        }
        scratch.link("net/eth0/device", physical);
        scratch.link("net/eth2/device", second);
        scratch.write("net/lo/operstate", "unknown\n");

        let sysfs = Sysfs::at(scratch.0.join("net"));
        let name = |name: &str| name.parse::<InterfaceName>().unwrap();
        assert!(sysfs.is_physical_function(&name("eth0")) && !sysfs.is_virtual_function(&name("eth0")));
        assert!(sysfs.is_virtual_function(&name("eth2")) && !sysfs.is_physical_function(&name("eth2")));
        assert_eq!(sysfs.physical_function(&name("eth2")).unwrap(), Some(("eth0".to_owned(), 1)));
        assert_eq!(sysfs.physical_function(&name("eth0")).unwrap(), None);
        assert_eq!(sysfs.physical_function(&name("lo")).unwrap(), None);
        assert_eq!(
            sysfs.virtual_functions(&name("eth0")).unwrap(),
            [("0000:01:10.0".to_owned(), None), ("0000:01:10.2".to_owned(), Some("eth2".to_owned()))]
        );
    }
}
