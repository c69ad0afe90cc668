//! The headers of image formats, as bytes.
//!
//! A guest writes the bytes of its disk, so nothing here trusts them. Formats, offsets and the order in which they are
//! tried are libvirt's, so that the same file is the same volume to both.

use std::collections::BTreeSet;

use virt_conf::common::encryption::EncryptionFormat;
use virt_conf::common::storage_source::ImageFormat;
use virt_conf::storage_volume::VolumeFeature;
use virt_types::TextEnum;

/// So many bytes of an image are looked at: the mark of an ISO 9660 file system begins at 32769.
pub const MAX_HEADER: usize = 0x8200;

/// What an image's header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The format.
    pub format: ImageFormat,
    /// What a guest sees, bytes; absent where the header does not say.
    pub capacity: Option<u64>,
    /// Bytes of a cluster, of QCOW2.
    pub cluster_size: u64,
    /// The image behind it.
    pub backing: Option<BackingName>,
    /// How it is encrypted.
    pub encrypted: Option<Encrypted>,
    /// What the image has, of QCOW2 since version 3.
    pub features: Option<BTreeSet<VolumeFeature>>,
}

/// How an image names the one behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackingName {
    /// A path, relative to the image or not, or where else it is.
    pub name: String,
    /// Its format; absent where one has to look.
    pub format: Option<ImageFormat>,
}

/// How an image is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encrypted {
    /// By which method.
    pub format: EncryptionFormat,
    /// Bytes before the guest's first one, where the header says it.
    pub payload_offset: Option<u64>,
}

#[derive(Debug, Clone, Copy)]
enum Order {
    Little,
    Big,
}

/// How the version of a format is found.
#[derive(Debug, Clone, Copy)]
enum Version {
    Any,
    At(usize, Order, &'static [u32]),
}

/// A format that is known by its first bytes.
struct Known {
    format: ImageFormat,
    magic_at: usize,
    magic: &'static [u8],
    version: Version,
    /// Where its capacity is, in which order, and in units of how many bytes.
    capacity: Option<(usize, Order, u64)>,
}

/// In the order in which they are tried.
const KNOWN: &[Known] = &[
    Known {
        format: ImageFormat::Iso,
        magic_at: 32769,
        magic: b"CD001",
        version: Version::Any,
        capacity: None,
    },
    Known {
        format: ImageFormat::Vpc,
        magic_at: 0,
        magic: b"conectix",
        version: Version::At(12, Order::Big, &[0x10000]),
        capacity: Some((40, Order::Big, 1)),
    },
    Known {
        format: ImageFormat::Vdi,
        magic_at: 64,
        magic: b"\x7f\x10\xda\xbe",
        version: Version::At(68, Order::Little, &[0x10001]),
        capacity: Some((368, Order::Little, 1)),
    },
    Known {
        format: ImageFormat::Ploop,
        magic_at: 0,
        magic: b"WithouFreSpacExt",
        version: Version::Any,
        capacity: Some((36, Order::Little, 512)),
    },
    Known {
        format: ImageFormat::Cow,
        magic_at: 0,
        magic: b"OOOM",
        version: Version::At(4, Order::Big, &[2]),
        capacity: Some((1036, Order::Big, 1)),
    },
    Known {
        format: ImageFormat::Qcow,
        magic_at: 0,
        magic: b"QFI",
        version: Version::At(4, Order::Big, &[1]),
        capacity: Some((qcow::CAPACITY, Order::Big, 1)),
    },
    Known {
        format: ImageFormat::Qcow2,
        magic_at: 0,
        magic: b"QFI",
        version: Version::At(4, Order::Big, &[2, 3]),
        capacity: Some((qcow::CAPACITY, Order::Big, 1)),
    },
    Known {
        format: ImageFormat::Qed,
        magic_at: 0,
        magic: b"QED",
        version: Version::Any,
        capacity: Some((48, Order::Little, 1)),
    },
    Known {
        format: ImageFormat::Vmdk,
        magic_at: 0,
        magic: b"KDMV",
        version: Version::At(4, Order::Little, &[1, 2, 3]),
        capacity: Some((12, Order::Little, 512)),
    },
];

/// Bytes that may end before they should.
#[derive(Clone, Copy)]
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn slice(self, at: usize, length: usize) -> Option<&'a [u8]> {
        self.0.get(at..at.checked_add(length)?)
    }

    fn number32(self, at: usize, order: Order) -> Option<u32> {
        let bytes: [u8; 4] = self.slice(at, 4)?.try_into().ok()?;
        Some(match order {
            Order::Little => u32::from_le_bytes(bytes),
            Order::Big => u32::from_be_bytes(bytes),
        })
    }

    fn number64(self, at: usize, order: Order) -> Option<u64> {
        let bytes: [u8; 8] = self.slice(at, 8)?.try_into().ok()?;
        Some(match order {
            Order::Little => u64::from_le_bytes(bytes),
            Order::Big => u64::from_be_bytes(bytes),
        })
    }

    fn text(self, at: u64, length: u32) -> Option<String> {
        let bytes = self.slice(usize::try_from(at).ok()?, usize::try_from(length).ok()?)?;
        let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
        Some(String::from_utf8_lossy(&bytes[..end]).into_owned())
    }
}

impl Version {
    fn fits(self, bytes: Bytes<'_>) -> bool {
        match self {
            Self::Any => true,
            Self::At(at, order, known) => {
                bytes.number32(at, order).is_some_and(|found| known.contains(&found))
            }
        }
    }
}

impl Header {
    /// Reads the first bytes of an image whose format is to be found out; what no format is known by is raw.
    ///
    /// ```
    /// use virt_conf::common::storage_source::ImageFormat;
    /// use virt_storage::probe::Header;
    ///
    /// assert_eq!(Header::probe(b"anything").format, ImageFormat::Raw);
    /// ```
    #[must_use]
    pub fn probe(bytes: &[u8]) -> Self {
        Self::read(bytes, Self::format_of(bytes))
    }

    /// The format by which these bytes begin.
    #[must_use]
    pub fn format_of(bytes: &[u8]) -> ImageFormat {
        let bytes = Bytes(bytes);
        KNOWN
            .iter()
            .find(|known| {
                bytes.slice(known.magic_at, known.magic.len()) == Some(known.magic)
                    && known.version.fits(bytes)
            })
            .map_or(ImageFormat::Raw, |known| known.format)
    }

    /// Reads the first bytes of an image of this format.
    #[must_use]
    pub fn read(bytes: &[u8], format: ImageFormat) -> Self {
        let bytes = Bytes(bytes);
        let mut header = Self {
            format,
            capacity: None,
            cluster_size: 0,
            backing: None,
            encrypted: encryption(bytes, format),
            features: None,
        };
        let Some(known) = KNOWN.iter().find(|known| known.format == format) else { return header };
        if let Some((at, order, unit)) = known.capacity {
            let Some(units) = bytes.number64(at, order) else { return header };
            header.capacity = units.checked_mul(unit).filter(|capacity| *capacity > 0);
        }
        match format {
            ImageFormat::Cow => header.backing = cow_backing(bytes),
            ImageFormat::Qcow => header.backing = qcow::backing(bytes),
            ImageFormat::Qcow2 => {
                header.cluster_size = qcow::cluster_size(bytes);
                header.backing = qcow::backing(bytes);
                header.features = qcow::features(bytes);
            }
            ImageFormat::Qed => header.backing = qed_backing(bytes),
            ImageFormat::Vmdk => header.backing = vmdk_backing(bytes),
            ImageFormat::Raw
            | ImageFormat::Dir
            | ImageFormat::Bochs
            | ImageFormat::Cloop
            | ImageFormat::Dmg
            | ImageFormat::Iso
            | ImageFormat::Vpc
            | ImageFormat::Vdi
            | ImageFormat::Fat
            | ImageFormat::Vhd
            | ImageFormat::Ploop => {}
        }
        header
    }
}

fn encryption(bytes: Bytes<'_>, format: ImageFormat) -> Option<Encrypted> {
    /// Sectors before the payload, after the magic, version, cipher's name and mode, and hash.
    const LUKS_PAYLOAD: usize = 104;
    let of = |format| Some(Encrypted { format, payload_offset: None });
    match format {
        ImageFormat::Raw => {
            let version = bytes.slice(6, 2);
            if bytes.slice(0, 6) != Some(b"LUKS\xba\xbe") || version != Some(&[0, 1]) {
                return None;
            }
            let sectors = bytes.number32(LUKS_PAYLOAD, Order::Big);
            Some(Encrypted {
                format: EncryptionFormat::Luks,
                payload_offset: sectors.map(|sectors| u64::from(sectors) * 512),
            })
        }
        ImageFormat::Qcow => match bytes.number32(qcow::CAPACITY + 12, Order::Big) {
            Some(1) => of(EncryptionFormat::Qcow),
            _ => None,
        },
        ImageFormat::Qcow2 => match bytes.number32(qcow::CAPACITY + 8, Order::Big) {
            Some(1) => of(EncryptionFormat::Qcow),
            Some(2) => of(EncryptionFormat::Luks),
            _ => None,
        },
        _ => None,
    }
}

fn cow_backing(bytes: Bytes<'_>) -> Option<BackingName> {
    let name = bytes.text(8, 1024).filter(|name| !name.is_empty())?;
    Some(BackingName { name, format: None })
}

fn qed_backing(bytes: Bytes<'_>) -> Option<BackingName> {
    const HAS_BACKING: u64 = 1;
    const BACKING_IS_RAW: u64 = 4;
    let flags = bytes.number64(16, Order::Little)?;
    if flags & HAS_BACKING == 0 {
        return None;
    }
    let (at, length) = (bytes.number32(56, Order::Little)?, bytes.number32(60, Order::Little)?);
    let name = bytes.text(at.into(), length).filter(|name| !name.is_empty())?;
    let format = (flags & BACKING_IS_RAW != 0).then_some(ImageFormat::Raw);
    Some(BackingName { name, format })
}

fn vmdk_backing(bytes: Bytes<'_>) -> Option<BackingName> {
    const DESCRIPTOR: usize = 0x200;
    const HINT: &[u8] = b"parentFileNameHint=\"";
    let descriptor = bytes.0.get(DESCRIPTOR..)?;
    let end = descriptor.iter().position(|byte| *byte == 0).unwrap_or(descriptor.len());
    let descriptor = &descriptor[..end];
    let at = descriptor.windows(HINT.len()).position(|window| window == HINT)?;
    let rest = &descriptor[at + HINT.len()..];
    let name = &rest[..rest.iter().position(|byte| *byte == b'"')?];
    (!name.is_empty()).then(|| BackingName { name: String::from_utf8_lossy(name).into_owned(), format: None })
}

/// QCOW and QCOW2 (QEMU's `docs/interop/qcow2.txt`).
mod qcow {
    use super::{BTreeSet, BackingName, Bytes, ImageFormat, Order, TextEnum, VolumeFeature};

    pub(super) const CAPACITY: usize = 24;
    const VERSION: usize = 4;
    const BACKING: usize = 8;
    const BACKING_LENGTH: usize = 16;
    const CLUSTER_BITS: usize = 20;
    /// Bytes of a header of version 2.
    const TOTAL_2: usize = 72;
    const INCOMPATIBLE: usize = 72;
    const COMPATIBLE: usize = 80;
    /// Where a header of version 3 says how long it is.
    const LENGTH_3: usize = 100;
    const LONGEST_NAME: u32 = 1023;
    const EXTENSION_BACKING_FORMAT: u32 = 0xE279_2ACA;

    pub(super) fn cluster_size(bytes: Bytes<'_>) -> u64 {
        match bytes.number32(CLUSTER_BITS, Order::Big) {
            Some(bits @ 1..64) => 1 << bits,
            _ => 0,
        }
    }

    pub(super) fn backing(bytes: Bytes<'_>) -> Option<BackingName> {
        let at = bytes.number64(BACKING, Order::Big).filter(|at| *at > 0)?;
        let length = bytes.number32(BACKING_LENGTH, Order::Big)?;
        if length == 0 || length > LONGEST_NAME {
            return None;
        }
        Some(BackingName { name: bytes.text(at, length)?, format: backing_format(bytes, at) })
    }

    /// The format in the extensions, which stand between the header and the name.
    fn backing_format(bytes: Bytes<'_>, end: u64) -> Option<ImageFormat> {
        let end = usize::try_from(end).ok()?;
        let mut at = match bytes.number32(VERSION, Order::Big)? {
            0 | 1 => return None,
            2 => TOTAL_2,
            _ => usize::try_from(bytes.number32(LENGTH_3, Order::Big)?).ok()?,
        };
        while at.checked_add(8)? < end {
            let kind = bytes.number32(at, Order::Big)?;
            let length = bytes.number32(at + 4, Order::Big)?;
            match kind {
                0 => return None,
                EXTENSION_BACKING_FORMAT => {
                    let name = bytes.text(u64::try_from(at + 8).ok()?, length)?;
                    // QEMU takes the name of a protocol there too, where there is no format in between.
                    return Some(ImageFormat::from_text(&name).unwrap_or(ImageFormat::Raw));
                }
                _ => at = at.checked_add(8)?.checked_add(usize::try_from(length).ok()?)?,
            }
        }
        None
    }

    pub(super) fn features(bytes: Bytes<'_>) -> Option<BTreeSet<VolumeFeature>> {
        const LAZY_REFCOUNTS: u64 = 1;
        const EXTENDED_L2: u64 = 1 << 4;
        if bytes.number32(VERSION, Order::Big)? == 2 {
            return None;
        }
        let compatible = bytes.number64(COMPATIBLE, Order::Big)?;
        let incompatible = bytes.number64(INCOMPATIBLE, Order::Big)?;
        let mut features = BTreeSet::new();
        if compatible & LAZY_REFCOUNTS != 0 {
            features.insert(VolumeFeature::LazyRefcounts);
        }
        if incompatible & EXTENDED_L2 != 0 {
            features.insert(VolumeFeature::ExtendedL2);
        }
        Some(features)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(parts: &[(usize, &[u8])]) -> Vec<u8> {
        let mut bytes = vec![0; 1024];
        for (at, part) in parts {
            bytes.resize(bytes.len().max(at + part.len()), 0);
            bytes[*at..at + part.len()].copy_from_slice(part);
        }
        bytes
    }

    #[test]
    fn formats_are_known_by_magic_and_version() {
        for (parts, format, capacity) in [
            (&[(0, &b"nothing"[..])][..], ImageFormat::Raw, None),
            (&[(32769, b"CD001")], ImageFormat::Iso, None),
            (&[(0, b"conectix"), (12, &[0, 1, 0, 0]), (46, &[2, 0])], ImageFormat::Vpc, Some(512)),
            (&[(64, b"\x7f\x10\xda\xbe\x01\x00\x01\x00"), (368, &[9])], ImageFormat::Vdi, Some(9)),
            (&[(0, b"WithouFreSpacExt"), (36, &[3])], ImageFormat::Ploop, Some(3 * 512)),
            (&[(0, b"OOOM\0\0\0\x02"), (1036, &[0, 0, 0, 0, 0, 0, 0, 7])], ImageFormat::Cow, Some(7)),
            (&[(0, b"QFI\xfb\0\0\0\x01"), (30, &[1, 0])], ImageFormat::Qcow, Some(256)),
            (&[(0, b"QFI\xfb\0\0\0\x02"), (30, &[1, 0])], ImageFormat::Qcow2, Some(256)),
            (&[(0, b"QFI\xfb\0\0\0\x09")], ImageFormat::Raw, None),
            (&[(0, b"QED\0"), (48, &[5])], ImageFormat::Qed, Some(5)),
            (&[(0, b"KDMV\x01\0\0\0"), (12, &[2])], ImageFormat::Vmdk, Some(1024)),
            (&[(0, b"KDMV\x04\0\0\0")], ImageFormat::Raw, None),
        ] {
            let header = Header::probe(&image(parts));
            assert_eq!((header.format, header.capacity), (format, capacity), "{parts:?}");
        }
    }

    #[test]
    fn the_image_behind_is_named() {
        let name = |header: Header| header.backing.map(|backing| (backing.name, backing.format));
        let qcow2 = image(&[
            (0, b"QFI\xfb\0\0\0\x02"),
            (8, &[0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 4]),
            (72, &[0x11, 0, 0, 0, 0, 0, 0, 8]),
            (88, &[0xe2, 0x79, 0x2a, 0xca, 0, 0, 0, 3]),
            (96, b"raw"),
            (512, b"base"),
        ]);
        assert_eq!(name(Header::probe(&qcow2)), Some(("base".into(), Some(ImageFormat::Raw))));
        let unknown = image(&[(0, &qcow2[..96]), (96, b"nbd"), (512, b"base")]);
        assert_eq!(name(Header::probe(&unknown)), Some(("base".into(), Some(ImageFormat::Raw))));
        let beyond = image(&[(0, b"QFI\xfb\0\0\0\x02"), (8, &[0xff; 8]), (19, &[4])]);
        assert_eq!(name(Header::probe(&beyond)), None);
        let vmdk = image(&[(0, b"KDMV\x01\0\0\0"), (0x200, b"x\nparentFileNameHint=\"/p\"\n")]);
        assert_eq!(name(Header::probe(&vmdk)), Some(("/p".into(), None)));
        let qed = image(&[(0, b"QED\0"), (16, &[5]), (56, &[64, 0, 0, 0, 2, 0, 0, 0]), (64, b"ab")]);
        assert_eq!(name(Header::probe(&qed)), Some(("ab".into(), Some(ImageFormat::Raw))));
    }

    #[test]
    fn encryption_and_features_are_seen() {
        let luks = image(&[(0, b"LUKS\xba\xbe\0\x01"), (104, &[0, 0, 0x10, 0])]);
        let encrypted = Header::probe(&luks).encrypted.unwrap();
        assert_eq!(encrypted, Encrypted { format: EncryptionFormat::Luks, payload_offset: Some(2 << 20) });
        let qcow2 =
            image(&[(0, b"QFI\xfb\0\0\0\x03"), (20, &[0, 0, 0, 16]), (35, &[2]), (79, &[0x10]), (87, &[1])]);
        let header = Header::probe(&qcow2);
        assert_eq!(header.encrypted.map(|encrypted| encrypted.format), Some(EncryptionFormat::Luks));
        assert_eq!(header.cluster_size, 65536);
        assert_eq!(header.features.unwrap().len(), 2);
    }

    #[test]
    fn every_prefix_can_be_read() {
        let whole = image(&[(0, b"QFI\xfb\0\0\0\x03"), (8, &[0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 9])]);
        for end in 0..whole.len() {
            let header = Header::read(&whole[..end], ImageFormat::Qcow2);
            assert!(header.backing.is_none() || end >= 0x109, "{end}");
        }
    }
}
