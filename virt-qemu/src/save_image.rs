//! Files of saved guests, in libvirt's form: a header, the domain's document, a cookie, room to edit them, and then the state as
//! QEMU writes it.
//!
//! All numbers of the header are in the byte order of the host that wrote it, 32 bits each.

use std::io::{self, Read};

use virt_types::{Error, ErrorCode, ErrorDomain, Result, text_enum};

/// At the beginning of a file that is whole.
const WHOLE: &[u8; 16] = b"LibvirtQemudSave";
/// At the beginning of a file that is being written.
const PARTIAL: &[u8; 16] = b"LibvirtQemudPart";
/// The version of this form.
const VERSION: u32 = 2;
/// Bytes of the header.
const HEADER: usize = 16 + 19 * 4;
/// Room that is left for a longer document.
const ROOM: usize = 64 << 10;
/// More than any document and its cookie have.
const MAX: u32 = 64 << 20;

text_enum! {
    /// How the state is compressed; the order is that of the numbers in the header.
    pub enum Compression { #[default] Raw = "raw", Gzip = "gzip", Bzip2 = "bzip2", Xz = "xz", Lzop = "lzop" }
}

impl Compression {
    /// The number in the header.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Self::Raw => 0,
            Self::Gzip => 1,
            Self::Bzip2 => 2,
            Self::Xz => 3,
            Self::Lzop => 4,
        }
    }

    fn of_number(number: u32) -> Option<Self> {
        [Self::Raw, Self::Gzip, Self::Bzip2, Self::Xz, Self::Lzop]
            .into_iter()
            .find(|compression| compression.number() == number)
    }

    /// The program that compresses; nothing where nothing is to be done.
    #[must_use]
    pub const fn program(self) -> Option<&'static str> {
        match self {
            Self::Raw => None,
            Self::Gzip => Some("gzip"),
            Self::Bzip2 => Some("bzip2"),
            Self::Xz => Some("xz"),
            Self::Lzop => Some("lzop"),
        }
    }
}

/// What stands before a guest's state.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SaveImage {
    /// The domain.
    pub xml: String,
    /// What a document does not hold: the CPU that the guest really had.
    pub cookie: Option<String>,
    /// Whether it runs on when it is restored.
    pub running: bool,
    /// How the state is compressed.
    pub compression: Compression,
    /// Bytes for document and cookie; 0 before the file is written.
    pub room: u32,
}

/// Why a file can not be read.
#[derive(Debug)]
pub enum Broken {
    /// Its writer died, so that it has no state.
    Incomplete(Error),
    /// It is none, or could not be read.
    Other(Error),
}

impl From<Broken> for Error {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Incomplete(error) | Broken::Other(error) => error,
        }
    }
}

fn failed(detail: impl Into<String>) -> Error {
    Error::new(ErrorCode::OperationFailed, ErrorDomain::Qemu, detail)
}

impl SaveImage {
    /// What stands before the state, as a file that is `whole` or is not yet.
    ///
    /// # Errors
    /// `VIR_ERR_OPERATION_FAILED` if document and cookie have grown out of their room.
    pub fn to_bytes(&self, whole: bool) -> Result<Vec<u8>> {
        let cookie = self.cookie.as_ref().map_or(0, |cookie| cookie.len() + 1);
        let length = self.xml.len() + 1 + cookie;
        let room = if self.room == 0 { length + ROOM } else { self.room as usize };
        if length > room || room > MAX as usize {
            return Err(failed("new xml too large to fit in file"));
        }
        let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        let mut bytes = Vec::with_capacity(HEADER + room);
        bytes.extend(Self::magic(whole));
        let cookie_offset = if self.cookie.is_some() { number(self.xml.len() + 1) } else { 0 };
        for value in
            [VERSION, number(room), u32::from(self.running), self.compression.number(), cookie_offset]
        {
            bytes.extend(value.to_ne_bytes());
        }
        bytes.resize(HEADER, 0);
        bytes.extend(self.xml.as_bytes());
        bytes.push(0);
        if let Some(cookie) = &self.cookie {
            bytes.extend(cookie.as_bytes());
        }
        bytes.resize(HEADER + room, 0);
        Ok(bytes)
    }

    /// What a file begins with.
    #[must_use]
    pub const fn magic(whole: bool) -> &'static [u8; 16] {
        if whole { WHOLE } else { PARTIAL }
    }

    /// Reads what stands before the state; the next byte of the reader is the state's first.
    ///
    /// # Errors
    /// `VIR_ERR_OPERATION_FAILED` in libvirt's words for a file that is no saved guest, or not a whole one.
    pub fn read(reader: &mut impl Read) -> std::result::Result<Self, Broken> {
        let short =
            |error: io::Error| Broken::Incomplete(failed("failed to read qemu header").caused_by(error));
        let other = |detail: String| Broken::Other(failed(detail));
        let mut header = [0; HEADER];
        reader.read_exact(&mut header).map_err(short)?;
        let (magic, numbers) = header.split_at(WHOLE.len());
        if magic == PARTIAL {
            return Err(Broken::Incomplete(failed("save image is incomplete")));
        }
        if magic != WHOLE {
            return Err(other("image magic is incorrect".to_owned()));
        }
        let mut fields = [0; 5];
        for (field, bytes) in fields.iter_mut().zip(numbers.chunks_exact(4)) {
            *field = u32::from_ne_bytes(bytes.try_into().unwrap_or_default());
        }
        if fields[0] > VERSION {
            // Written by a host of the other byte order.
            fields = fields.map(u32::swap_bytes);
        }
        let [version, room, running, compression, cookie_offset] = fields;
        if version > VERSION {
            return Err(other(format!("image version is not supported ({version} > {VERSION})")));
        }
        if room == 0 || room > MAX || cookie_offset >= room {
            return Err(other(format!("invalid header data length: {room}")));
        }
        let compression = Compression::of_number(compression)
            .ok_or_else(|| other(format!("Invalid compressed save format {compression}")))?;
        let mut data = vec![0; room as usize];
        reader
            .read_exact(&mut data)
            .map_err(|error| Broken::Other(failed("failed to read domain XML").caused_by(error)))?;
        let text = |bytes: &[u8]| {
            let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
            String::from_utf8_lossy(&bytes[..end]).into_owned()
        };
        let cookie = (cookie_offset > 0).then(|| text(&data[cookie_offset as usize..]));
        Ok(Self {
            xml: text(&data),
            cookie: cookie.filter(|cookie| !cookie.is_empty()),
            running: running != 0,
            compression,
            room,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image() -> SaveImage {
        SaveImage {
            xml: "<domain/>\n".into(),
            cookie: Some("<cookie/>\n".into()),
            running: true,
            compression: Compression::Xz,
            room: 0,
        }
    }

    #[test]
    fn what_is_written_is_read_again_and_the_state_follows() {
        let mut bytes = image().to_bytes(true).unwrap();
        assert_eq!(&bytes[..16], b"LibvirtQemudSave");
        assert_eq!(bytes.len(), 92 + 10 + 1 + 10 + 1 + 65536);
        assert_eq!(u32::from_ne_bytes(bytes[36 - 4..36].try_into().unwrap()), 11, "where the cookie begins");
        bytes.extend(b"state");
        let mut reader = bytes.as_slice();
        let read = SaveImage::read(&mut reader).unwrap();
        assert_eq!(reader, b"state");
        assert_eq!(read, SaveImage { room: 22 + 65536, ..image() });
        // A document that was changed keeps the place of the state.
        let changed =
            SaveImage { xml: "<domain><name>longer</name></domain>\n".into(), cookie: None, ..read };
        let bytes = changed.to_bytes(true).unwrap();
        assert_eq!(bytes.len(), 92 + 22 + 65536);
        assert_eq!(SaveImage::read(&mut bytes.as_slice()).unwrap(), changed);
        let too_long = SaveImage { xml: "x".repeat(70_000), ..changed };
        assert_eq!(too_long.to_bytes(true).unwrap_err().detail(), "new xml too large to fit in file");
    }

    #[test]
    fn a_file_of_the_other_byte_order_is_read() {
        let mut bytes = image().to_bytes(true).unwrap();
        for number in bytes[16..36].chunks_exact_mut(4) {
            number.reverse();
        }
        assert_eq!(SaveImage::read(&mut bytes.as_slice()).unwrap().xml, image().xml);
    }

    #[test]
    fn what_is_none_is_refused() {
        let mut wrong_room = image().to_bytes(true).unwrap();
        wrong_room[20..24].copy_from_slice(&u32::MAX.to_ne_bytes());
        let mut wrong_format = image().to_bytes(true).unwrap();
        wrong_format[28..32].copy_from_slice(&9_u32.to_ne_bytes());
        let mut wrong_cookie = image().to_bytes(true).unwrap();
        wrong_cookie[32..36].copy_from_slice(&70_000_u32.to_ne_bytes());
        for (bytes, incomplete, expected) in [
            (b"short".to_vec(), true, "failed to read qemu header"),
            (image().to_bytes(false).unwrap(), true, "save image is incomplete"),
            (vec![7; 100], false, "image magic is incorrect"),
            (wrong_room, false, "invalid header data length: 4294967295"),
            (wrong_format, false, "Invalid compressed save format 9"),
            (wrong_cookie, false, "invalid header data length: 65558"),
            (image().to_bytes(true).unwrap()[..200].to_vec(), false, "failed to read domain XML"),
        ] {
            let broken = SaveImage::read(&mut bytes.as_slice()).unwrap_err();
            assert_eq!(matches!(broken, Broken::Incomplete(_)), incomplete, "{expected}");
            assert_eq!(Error::from(broken).detail(), expected);
        }
    }
}
