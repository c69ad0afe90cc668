//! Input and output of block devices.

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::PathBuf;

use crate::group::parse;
use crate::{Controller, Error, Group, Result, Version};

/// A bound of what a group does with one block device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceLimit {
    /// Reads in a second.
    ReadIops,
    /// Writes in a second.
    WriteIops,
    /// Bytes read in a second.
    ReadBytes,
    /// Bytes written in a second.
    WriteBytes,
}

impl DeviceLimit {
    const fn legacy(self) -> &'static str {
        match self {
            Self::ReadIops => "blkio.throttle.read_iops_device",
            Self::WriteIops => "blkio.throttle.write_iops_device",
            Self::ReadBytes => "blkio.throttle.read_bps_device",
            Self::WriteBytes => "blkio.throttle.write_bps_device",
        }
    }

    const fn unified(self) -> &'static str {
        match self {
            Self::ReadIops => "riops=",
            Self::WriteIops => "wiops=",
            Self::ReadBytes => "rbps=",
            Self::WriteBytes => "wbps=",
        }
    }
}

/// What a group did with block devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Serviced {
    /// Bytes read.
    pub bytes_read: u64,
    /// Bytes written.
    pub bytes_written: u64,
    /// Reads.
    pub reads: u64,
    /// Writes.
    pub writes: u64,
}

impl Group {
    /// The weight among groups.
    ///
    /// # Errors
    /// [`Error::NoWeight`] where the I/O scheduler has none; without the controller.
    pub fn blkio_weight(&self) -> Result<u32> {
        let (path, _) = self.weight_file()?;
        let text = self.get(&path)?;
        let line = text.lines().find_map(|line| line.strip_prefix("default ")).unwrap_or(&text);
        parse(line)
    }

    /// Sets it.
    ///
    /// # Errors
    /// As [`Group::blkio_weight`], and when the kernel refuses.
    pub fn set_blkio_weight(&self, weight: u32) -> Result<()> {
        let (path, prefix) = self.weight_file()?;
        self.put(&path, &format!("{prefix}{weight}"))
    }

    fn weight_file(&self) -> Result<(PathBuf, &'static str)> {
        let (version, dir) = self.place(Controller::Blkio)?;
        let (candidates, what) = match version {
            Version::Legacy => ([("blkio.bfq.weight", ""), ("blkio.weight", "")], "device weight"),
            Version::Unified => ([("io.bfq.weight", ""), ("io.weight", "default ")], "weight"),
        };
        let found = candidates.into_iter().map(|(key, prefix)| (dir.join(key), prefix));
        found.into_iter().find(|(path, _)| path.exists()).ok_or(Error::NoWeight(what, "bfq or cfq"))
    }

    /// The weight for one device; 0 where nothing was said.
    ///
    /// # Errors
    /// As [`Group::blkio_weight`]; for a path that is no block device.
    pub fn blkio_device_weight(&self, device: &str) -> Result<u32> {
        let text = self.get(&self.device_weight_file()?)?;
        of_device(&text, &number(device)?).map_or(Ok(0), parse)
    }

    /// Sets it; 0 takes it back.
    ///
    /// # Errors
    /// As [`Group::blkio_device_weight`], and when the kernel refuses.
    pub fn set_blkio_device_weight(&self, device: &str, weight: u32) -> Result<()> {
        self.put(&self.device_weight_file()?, &format!("{} {weight}", number(device)?))
    }

    fn device_weight_file(&self) -> Result<PathBuf> {
        let (version, dir) = self.place(Controller::Blkio)?;
        let key = if version == Version::Legacy { "blkio.weight_device" } else { "io.weight" };
        let path = dir.join(key);
        if path.exists() { Ok(path) } else { Err(Error::NoWeight("device weight", "cfq")) }
    }

    /// A bound of what is done with a device; 0 where nothing was said.
    ///
    /// # Errors
    /// Without the controller; for a path that is no block device.
    pub fn blkio_device_limit(&self, device: &str, limit: DeviceLimit) -> Result<u64> {
        let (version, dir) = self.place(Controller::Blkio)?;
        let device = number(device)?;
        if version == Version::Legacy {
            let text = self.get(&dir.join(limit.legacy()))?;
            return of_device(&text, &device).map_or(Ok(0), parse);
        }
        let text = self.get(&dir.join("io.max"))?;
        let Some(words) = of_device(&text, &device) else { return Ok(0) };
        let value = words.split(' ').find_map(|word| word.strip_prefix(limit.unified()));
        match value {
            None => Err(Error::Parse { text: words.to_owned() }),
            Some("max") => Ok(0),
            Some(value) => parse(value),
        }
    }

    /// Sets it; 0 takes it back.
    ///
    /// # Errors
    /// As [`Group::blkio_device_limit`], and when the kernel refuses.
    pub fn set_blkio_device_limit(&self, device: &str, limit: DeviceLimit, value: u64) -> Result<()> {
        let (version, dir) = self.place(Controller::Blkio)?;
        let device = number(device)?;
        match version {
            Version::Legacy => self.put(&dir.join(limit.legacy()), &format!("{device} {value}")),
            Version::Unified => {
                let value = if value == 0 { "max".to_owned() } else { value.to_string() };
                self.put(&dir.join("io.max"), &format!("{device} {}{value}", limit.unified()))
            }
        }
    }

    /// What was done with all devices, or with one.
    ///
    /// # Errors
    /// As [`Group::blkio_device_limit`]; [`Error::NoStatistics`] for a device with which nothing was done.
    pub fn blkio_serviced(&self, device: Option<&str>) -> Result<Serviced> {
        let (version, dir) = self.place(Controller::Blkio)?;
        let device = device.map(number).transpose()?;
        let device = device.as_deref();
        if version == Version::Unified {
            return serviced_unified(&self.get(&dir.join("io.stat"))?, device);
        }
        let bytes = self.get(&dir.join("blkio.throttle.io_service_bytes"))?;
        let requests = self.get(&dir.join("blkio.throttle.io_serviced"))?;
        Ok(Serviced {
            bytes_read: sum_legacy(&bytes, device, "Read")?,
            bytes_written: sum_legacy(&bytes, device, "Write")?,
            reads: sum_legacy(&requests, device, "Read")?,
            writes: sum_legacy(&requests, device, "Write")?,
        })
    }
}

/// `8:0 Read 4096`
fn sum_legacy(text: &str, device: Option<&str>, what: &str) -> Result<u64> {
    let mut found = false;
    let mut sum = 0u64;
    for line in text.lines() {
        let mut words = line.split(' ');
        let (Some(id), Some(kind), Some(value)) = (words.next(), words.next(), words.next()) else {
            continue;
        };
        if kind != what || device.is_some_and(|device| device != id) {
            continue;
        }
        found = true;
        sum = sum.saturating_add(parse(value)?);
    }
    match device {
        Some(device) if !found => Err(Error::NoStatistics(device.to_owned())),
        _ => Ok(sum),
    }
}

/// `8:0 rbytes=4096 wbytes=0 rios=1 wios=0 dbytes=0 dios=0`
fn serviced_unified(text: &str, device: Option<&str>) -> Result<Serviced> {
    let mut found = Serviced::default();
    let mut any = false;
    for line in text.lines() {
        let mut words = line.split(' ');
        if device.is_some_and(|device| words.clone().next() != Some(device)) {
            continue;
        }
        any = true;
        for word in words.by_ref() {
            let Some((name, value)) = word.split_once('=') else { continue };
            let place = match name {
                "rbytes" => &mut found.bytes_read,
                "wbytes" => &mut found.bytes_written,
                "rios" => &mut found.reads,
                "wios" => &mut found.writes,
                _ => continue,
            };
            *place = place.saturating_add(parse(value)?);
        }
    }
    match device {
        Some(device) if !any => Err(Error::NoStatistics(device.to_owned())),
        _ => Ok(found),
    }
}

/// What is said of a device, after its number.
fn of_device<'a>(text: &'a str, device: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(device)?.strip_prefix(' '))
}

/// `8:16`
fn number(path: &str) -> Result<String> {
    let metadata = fs::metadata(path).map_err(|source| Error::Path { path: path.to_owned(), source })?;
    if !metadata.file_type().is_block_device() {
        return Err(Error::NotBlock(path.to_owned()));
    }
    let id = metadata.rdev();
    Ok(format!("{}:{}", crate::devices::major(id), crate::devices::minor(id)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_done_is_summed() {
        let legacy = "8:0 Read 4096\n8:0 Write 1\n8:16 Read 4\n8:16 Write 2\nTotal 4103\n";
        assert_eq!(sum_legacy(legacy, None, "Read").unwrap(), 4100);
        assert_eq!(sum_legacy(legacy, Some("8:16"), "Write").unwrap(), 2);
        assert!(matches!(sum_legacy(legacy, Some("8:1"), "Read"), Err(Error::NoStatistics(_))));
        let unified =
            "8:0 rbytes=10 wbytes=20 rios=1 wios=2 dbytes=0 dios=0\n8:16 rbytes=1 wbytes=2 rios=3 wios=4\n";
        let all = Serviced { bytes_read: 11, bytes_written: 22, reads: 4, writes: 6 };
        assert_eq!(serviced_unified(unified, None).unwrap(), all);
        assert_eq!(serviced_unified(unified, Some("8:16")).unwrap().writes, 4);
        assert!(serviced_unified(unified, Some("9:9")).is_err());
    }

    #[test]
    fn what_is_no_block_device_is_told() {
        assert_eq!(
            number("/dev/null").unwrap_err().to_string(),
            "Path '/dev/null' must be a block device: Invalid argument"
        );
        assert_eq!(
            number("/nowhere/at/all").unwrap_err().to_string(),
            "Path '/nowhere/at/all' is not accessible: No such file or directory"
        );
    }
}
