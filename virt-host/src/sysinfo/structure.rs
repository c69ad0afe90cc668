//! The form of the tables: formatted bytes, then texts that they point to by number.

/// One structure.
#[derive(Debug)]
pub(super) struct Structure<'a> {
    pub(super) kind: u8,
    /// The formatted bytes, header included, so that places are those of the standard.
    pub(super) bytes: &'a [u8],
    pub(super) strings: Vec<String>,
}

/// The type of the structure that ends the tables.
const END: u8 = 127;

/// The structures, as far as they are whole.
pub(super) fn all(mut rest: &[u8]) -> impl Iterator<Item = Structure<'_>> {
    std::iter::from_fn(move || {
        let length = usize::from(*rest.get(1)?);
        if length < 4 || rest[0] == END {
            return None;
        }
        let (bytes, tail) = rest.split_at_checked(length)?;
        // Two zeros end the texts, also where there is none.
        let end = tail.windows(2).position(|pair| pair == [0, 0])?;
        let texts = tail[..end].split(|byte| *byte == 0).filter(|text| !text.is_empty());
        rest = &tail[end + 2..];
        Some(Structure { kind: bytes[0], bytes, strings: texts.map(printable).collect() })
    })
}

/// A text without the blanks that fill it up, and with a dot for what can not be printed.
fn printable(text: &[u8]) -> String {
    let shown = |byte: &u8| if (0x20..0x7f).contains(byte) { char::from(*byte) } else { '.' };
    text.iter().map(shown).collect::<String>().trim_end().to_owned()
}

impl Structure<'_> {
    pub(super) fn byte(&self, at: usize) -> Option<u8> {
        self.bytes.get(at).copied()
    }

    pub(super) fn word(&self, at: usize) -> Option<u16> {
        let bytes = self.bytes.get(at..at + 2)?;
        Some(u16::from_le_bytes(bytes.try_into().ok()?))
    }

    pub(super) fn double(&self, at: usize) -> Option<u32> {
        let bytes = self.bytes.get(at..at + 4)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?))
    }

    /// The text whose number is here; `None` for an older structure that does not reach so far, and for an empty text.
    pub(super) fn text(&self, at: usize) -> Option<String> {
        let text = match usize::from(self.byte(at)?) {
            0 => "Not Specified",
            number => self.strings.get(number - 1).map_or("<BAD INDEX>", |text| text),
        };
        (!text.is_empty()).then(|| text.to_owned())
    }
}
