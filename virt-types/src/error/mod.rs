//! The error that crosses crate boundaries: libvirt's code and domain, and what a person needs beside them.

mod code;
mod domain;

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

pub use code::ErrorCode;
pub use domain::ErrorDomain;

/// The result of a call that fails with an [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Where in an input an error lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// Path of element names from the root, such as `/domain/devices/disk[2]/target`; an attribute ends it as `@bus`.
    pub path: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.path)
    }
}

/// An error with libvirt's number and domain, a cause chain, a place and a hint.
///
/// `Display` is the sentence that goes over the wire, byte for byte as libvirt's clients know it. The hint and the
/// place never enter it; [`Error::report`] renders everything for a person.
#[derive(Clone)]
pub struct Error {
    inner: Box<Inner>,
}

#[derive(Clone)]
struct Inner {
    code: ErrorCode,
    domain: ErrorDomain,
    detail: String,
    hint: Option<String>,
    place: Option<Place>,
    verbatim: bool,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of this code and domain; `detail` is what follows the code's own sentence.
    pub fn new(code: ErrorCode, domain: ErrorDomain, detail: impl Into<String>) -> Self {
        Self {
            inner: Box::new(Inner {
                code,
                domain,
                detail: detail.into(),
                hint: None,
                place: None,
                verbatim: false,
                source: None,
            }),
        }
    }

    /// The answer of a call that this driver does not implement (`VIR_ERR_NO_SUPPORT`).
    #[must_use]
    pub fn no_support(call: &str) -> Self {
        Self::new(ErrorCode::NoSupport, ErrorDomain::None, call)
    }

    /// The answer of a call for which a system call failed (`VIR_ERR_SYSTEM_ERROR`): what was being done, and the system's
    /// reason without its number.
    ///
    /// ```
    /// use virt_types::{Error, ErrorDomain};
    /// let error = Error::system(ErrorDomain::Storage, "cannot open 'a'", std::io::Error::from_raw_os_error(2));
    /// assert_eq!(error.to_string(), "cannot open 'a': No such file or directory");
    /// ```
    #[must_use]
    pub fn system(domain: ErrorDomain, doing: impl fmt::Display, source: std::io::Error) -> Self {
        let reason = source.to_string();
        let reason = reason.rsplit_once(" (os error ").map_or(reason.as_str(), |(reason, _)| reason);
        Self::new(ErrorCode::SystemError, domain, format!("{doing}: {reason}")).caused_by(source)
    }

    /// The same error with what to do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.inner.hint = Some(hint.into());
        self
    }

    /// The same error with the hint at the candidate nearest to a mistyped word, if one is near.
    #[must_use]
    pub fn with_nearest<'a>(self, word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Self {
        match did_you_mean(word, candidates) {
            Some(hint) => self.with_hint(hint),
            None => self,
        }
    }

    /// The same error, whose sentence is the detail alone: libvirt's checks of arguments are worded so, without what
    /// opens other messages of their code.
    ///
    /// ```
    /// use virt_types::{Error, ErrorCode, ErrorDomain};
    /// let error = Error::new(ErrorCode::InvalidArg, ErrorDomain::Qemu, "unsupported flags (0x8) in function f");
    /// assert_eq!(error.to_string(), "invalid argument: unsupported flags (0x8) in function f");
    /// assert_eq!(error.verbatim().to_string(), "unsupported flags (0x8) in function f");
    /// ```
    #[must_use]
    pub fn verbatim(mut self) -> Self {
        self.inner.verbatim = true;
        self
    }

    /// The same error with the place in the input.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.inner.place = Some(place);
        self
    }

    /// The same error with what caused it.
    #[must_use]
    pub fn caused_by(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.inner.source = Some(Arc::new(source));
        self
    }

    /// libvirt's error number.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        self.inner.code
    }

    /// The part of the engine that raised it.
    #[must_use]
    pub fn domain(&self) -> ErrorDomain {
        self.inner.domain
    }

    /// What follows the code's own sentence.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.inner.detail
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.inner.hint.as_deref()
    }

    /// Where in the input it lies.
    #[must_use]
    pub fn place(&self) -> Option<&Place> {
        self.inner.place.as_ref()
    }

    /// The sentence, the place, each cause and the hint, a line each.
    #[must_use]
    pub fn report(&self) -> String {
        let mut text = self.to_string();
        if let Some(place) = self.place() {
            text.push_str(&format!("\n  at {place}"));
        }
        let mut cause = StdError::source(self);
        while let Some(error) = cause {
            text.push_str(&format!("\n  because: {error}"));
            cause = error.source();
        }
        if let Some(hint) = self.hint() {
            text.push_str(&format!("\n  hint: {hint}"));
        }
        text
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.inner.verbatim {
            return f.write_str(&self.inner.detail);
        }
        f.write_str(&self.inner.code.sentence(&self.inner.detail))
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.inner.code.constant(), self.inner.domain.constant(), self.report())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.inner.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

/// The candidate nearest to a mistyped word, if one is near enough to suggest.
///
/// ```
/// assert_eq!(virt_types::nearest("q36", ["pc", "q35", "microvm"]), Some("q35"));
/// assert_eq!(virt_types::nearest("zebra", ["pc", "q35"]), None);
/// ```
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (edit_distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The hint for a mistyped word, if a candidate is near enough to suggest.
///
/// ```
/// assert_eq!(virt_types::did_you_mean("q36", ["pc", "q35"]).as_deref(), Some("did you mean 'q35'?"));
/// assert_eq!(virt_types::did_you_mean("tpye", ["name", "type"]).as_deref(), Some("did you mean 'type'?"));
/// assert_eq!(virt_types::did_you_mean("zebra", ["pc", "q35"]), None);
/// ```
#[must_use]
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(word, candidates).map(|near| format!("did you mean '{near}'?"))
}

/// How many letters have to be added, left out, replaced or exchanged with the next one.
fn edit_distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, cb) in b.iter().enumerate() {
            let substituted = above[j] + usize::from(ca != cb);
            let mut distance = substituted.min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *ca == b[j - 1] && a[i - 1] == *cb {
                distance = distance.min(before[j - 1] + 1);
            }
            row.push(distance);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wire_sentence_holds_neither_hint_nor_place() {
        let error = Error::new(ErrorCode::XmlError, ErrorDomain::Domain, "No PCI buses available")
            .with_hint("did you mean 'q35'?")
            .at(Place { line: 3, column: 5, path: "/domain/os/type@machine".into() })
            .caused_by(std::io::Error::other("the cause"));
        assert_eq!(error.to_string(), "XML error: No PCI buses available");
        assert_eq!(
            error.report(),
            "XML error: No PCI buses available\n  at line 3, column 5: /domain/os/type@machine\n  because: the cause\n  hint: did you mean 'q35'?"
        );
    }

    #[test]
    fn every_code_has_a_number_that_leads_back_to_it() {
        for code in ErrorCode::ALL {
            assert_eq!(ErrorCode::from_number(code.number()), Some(*code));
            assert!(*code == ErrorCode::Ok || code.sentence("x").contains('x'), "{code:?}");
        }
    }
}
