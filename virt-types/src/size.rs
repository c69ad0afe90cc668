//! Sizes with units.

/// Bytes in a KiB, the unit in which libvirt keeps memory sizes.
pub const KIB: u64 = 1024;

/// A unit suffix of a size, as `<memory unit='…'>` and `<capacity unit='…'>` have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SizeUnit {
    /// Bytes per unit.
    pub bytes: u64,
}

impl SizeUnit {
    /// The unit with this name: `b`, `bytes`, `KB` (1000), `KiB` or `k` (1024), and so on to `EiB`; case does not matter.
    ///
    /// ```
    /// use virt_types::SizeUnit;
    /// assert_eq!(SizeUnit::from_name("KiB").unwrap().bytes, 1024);
    /// assert_eq!(SizeUnit::from_name("mb").unwrap().bytes, 1_000_000);
    /// assert_eq!(SizeUnit::from_name("G").unwrap().bytes, 1 << 30);
    /// assert!(SizeUnit::from_name("parsec").is_none());
    /// ```
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        if matches!(name.as_str(), "b" | "byte" | "bytes") {
            return Some(Self { bytes: 1 });
        }
        let (prefix, rest) = name.split_at_checked(1)?;
        let base: u64 = match rest {
            "" | "ib" => 1024,
            "b" => 1000,
            _ => return None,
        };
        let exponent = "kmgtpe".find(prefix)? as u32 + 1;
        Some(Self { bytes: base.pow(exponent) })
    }
}

/// `value` times `unit`, or `None` past `limit` bytes.
#[must_use]
pub fn scale(value: u64, unit: SizeUnit, limit: u64) -> Option<u64> {
    value.checked_mul(unit.bytes).filter(|bytes| *bytes <= limit)
}
