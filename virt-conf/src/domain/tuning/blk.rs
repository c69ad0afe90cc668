//! `<blkiotune>`: shares and limits of block I/O.

/// Limits of one host device.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BlkiotuneDevice {
    /// `<path>`
    pub path: String,
    /// `<weight>`; 0 where not given, as with all below.
    pub weight: u32,
    /// `<read_iops_sec>`
    pub read_iops_sec: u32,
    /// `<write_iops_sec>`
    pub write_iops_sec: u32,
    /// `<read_bytes_sec>`
    pub read_bytes_sec: u64,
    /// `<write_bytes_sec>`
    pub write_bytes_sec: u64,
}

/// `<blkiotune>`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Blkiotune {
    /// `<weight>`; 0 where not given.
    pub weight: u32,
    /// `<device>`
    pub devices: Vec<BlkiotuneDevice>,
}
