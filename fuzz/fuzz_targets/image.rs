//! The first bytes of images, which guests write.
#![no_main]

use libfuzzer_sys::fuzz_target;
use virt_conf::common::storage_source::ImageFormat;
use virt_storage::probe::Header;
use virt_types::TextEnum;

fuzz_target!(|bytes: &[u8]| {
    let found = Header::probe(bytes);
    assert_eq!(Header::read(bytes, found.format), found);
    for (format, _) in ImageFormat::SPELLINGS {
        let header = Header::read(bytes, *format);
        assert_eq!(header.format, *format);
        if let Some(backing) = header.backing {
            assert!(!backing.name.contains('\0') && backing.name.len() <= 3 * bytes.len());
        }
    }
});
