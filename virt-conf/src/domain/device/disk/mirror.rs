//! `<mirror>`: where a running block job copies the image to.

use virt_types::{TextEnum, text_enum};
use virt_xml::{Element, Writer};

use crate::common::StorageSource;
use crate::common::storage_source::{
    Backing, Location, SourceParts, backing_source_index, format_metadata_cache, image_format,
    parse_metadata_cache, storage_type,
};
use crate::error::{unsupported, xml_error};
use crate::{FormatFlags, ParseFlags, Result};

text_enum! {
    /// What copies: a copy that a person asked for, or the commit of the active image into one behind it.
    pub enum MirrorJob { #[default] Copy = "copy", ActiveCommit = "active-commit" }
}

text_enum! {
    /// How far the copy is: not complete, complete, being given up, or taking over.
    pub enum MirrorState { #[default] None = "none", Ready = "yes", Abort = "abort", Pivot = "pivot" }
}

/// A copy in progress.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mirror {
    /// `job`.
    pub job: MirrorJob,
    /// `ready`.
    pub state: MirrorState,
    /// The copy.
    pub source: StorageSource,
}

impl Mirror {
    pub(super) fn parse(el: Element<'_>, flags: ParseFlags) -> Result<Self> {
        let fail = |detail: String| Err(xml_error(detail).at(el.place()));
        let job = match el.attr("job") {
            None => MirrorJob::Copy,
            Some(text) => MirrorJob::from_text(text)
                .ok_or_else(|| unsupported(format!("unknown mirror job type '{text}'")).at(el.place()))?,
        };
        let format = el.child("format");
        let mut source = match el.attr("type") {
            Some(kind) => {
                let kind = storage_type(el, kind)?;
                let child = el
                    .child("source")
                    .ok_or_else(|| xml_error("mirror requires source element").at(el.place()))?;
                StorageSource {
                    format: format
                        .and_then(|format| format.attr("type"))
                        .map(|text| image_format(el, text))
                        .transpose()?,
                    index: child.attr("index").map(|text| backing_source_index(el, text)).transpose()?,
                    backing: Backing::parse_child(el, flags)?,
                    ..StorageSource::parse(child, kind, flags)?
                }
            }
            None if job != MirrorJob::Copy => {
                return fail("mirror without type only supported by copy job".to_owned());
            }
            None => {
                let Some(path) = el.attr("file") else {
                    return fail("mirror requires file name".to_owned());
                };
                StorageSource {
                    location: Location::File { path: Some(path.to_owned()), fdgroup: None },
                    format: el.attr("format").map(|text| image_format(el, text)).transpose()?,
                    ..StorageSource::default()
                }
            }
        };
        source.metadata_cache = format.map(parse_metadata_cache).transpose()?.flatten();
        let state = match el.attr("ready") {
            None => MirrorState::None,
            Some(text) => match MirrorState::from_text(text) {
                Some(state) => state,
                None => return fail(format!("unknown mirror ready state {text}")),
            },
        };
        Ok(Self { job, state, source })
    }

    pub(super) fn format(&self, w: &mut Writer, flags: FormatFlags) {
        w.element("mirror", |w| {
            w.attr("type", self.source.location.storage_type());
            if let (Location::File { path, .. }, MirrorJob::Copy) = (&self.source.location, self.job) {
                w.attr_opt("file", path.as_ref());
                w.attr_opt("format", self.source.format);
            }
            w.attr("job", self.job);
            w.attr_opt("ready", Some(self.state).filter(|state| *state != MirrorState::None));
            w.element_if_any("format", |w| {
                w.attr_opt("type", self.source.format);
                format_metadata_cache(w, self.source.metadata_cache);
            });
            let parts = SourceParts { with_index: true, ..SourceParts::default() };
            self.source.format(w, "source", parts, flags);
            if let Some(backing) = &self.source.backing {
                backing.format(w, flags);
            }
        });
    }
}

grammar! {
    pub(super) GRAMMAR = [
        Attr("file", PATH), Attr("format", Str), Attr("job", OneOf(MirrorJob::NAMES)),
        Attr("ready", OneOf(&["yes", "abort", "pivot"])), Attr("type", OneOf(crate::common::storage_source::StorageType::NAMES)),
        With(crate::common::storage_source::SOURCES), Opt("format", crate::common::storage_source::FORMAT), Opt("backingStore", crate::common::storage_source::BACKING),
    ];
}
