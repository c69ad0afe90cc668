//! Documents that commands are given.

use std::io::Read as _;
use std::path::Path;

use virt_core::xml::MAX_INPUT;
use virt_core::{Error, ErrorCode, ErrorDomain, Result};

/// The text of a file, or of standard input where the file is `-`.
pub(crate) fn read(file: &Path) -> Result<String> {
    let failed = |error: std::io::Error| {
        let text = error.to_string();
        let reason = text.split(" (os error").next().unwrap_or_default();
        let detail = format!("Failed to open file '{}': {reason}", file.display());
        Error::new(ErrorCode::SystemError, ErrorDomain::None, detail).verbatim().caused_by(error)
    };
    let mut text = String::new();
    // One byte more than is taken, so that the parser sees that it is too much.
    let limit = MAX_INPUT as u64 + 1;
    if file == Path::new("-") {
        std::io::stdin().lock().take(limit).read_to_string(&mut text).map_err(failed)?;
    } else {
        std::fs::File::open(file).map_err(failed)?.take(limit).read_to_string(&mut text).map_err(failed)?;
    }
    Ok(text)
}
