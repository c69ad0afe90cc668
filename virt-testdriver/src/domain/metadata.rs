//! Titles, descriptions, and what applications keep with a domain.

use virt_conf::domain::Domain;
use virt_driver::{DomainEventKind, DomainRef, MetadataKind};
use virt_types::{Error, ErrorCode, ErrorDomain, Impact, Result};

use super::Guest;
use crate::host::Host;

/// Sets or removes the element of a name space.
fn set_element(config: &mut Domain, xml: Option<&str>, key: &str, uri: &str) -> Result<()> {
    let named = |error: Error| match error.detail().strip_prefix("(document)") {
        Some(rest) if error.code() == ErrorCode::XmlDetail => {
            Error::new(error.code(), ErrorDomain::Domain, format!("(metadata_xml){rest}"))
        }
        _ => error,
    };
    match (xml, &mut config.metadata) {
        (Some(xml), metadata) => metadata.get_or_insert_default().set(uri, key, xml).map_err(named)?,
        (None, Some(metadata)) => metadata.remove(uri),
        (None, None) => {}
    }
    Ok(())
}

impl Guest {
    pub(super) fn metadata(
        &mut self,
        kind: MetadataKind,
        uri: Option<&str>,
        impact: Impact,
    ) -> Result<String> {
        let config = self.config(impact)?.0;
        let found = match kind {
            MetadataKind::Description => config.description.clone(),
            MetadataKind::Title => config.title.clone(),
            MetadataKind::Element => {
                config.metadata.as_ref().and_then(|metadata| metadata.get(uri.unwrap_or_default()))
            }
        };
        found.ok_or_else(|| {
            let detail = "Requested metadata element is not present";
            Error::new(ErrorCode::NoDomainMetadata, ErrorDomain::Domain, detail)
        })
    }
}

impl Host {
    /// Sets title, description or an element, which `key` and `uri` name.
    pub(super) fn set_metadata(
        &mut self,
        domain: &DomainRef,
        kind: MetadataKind,
        value: Option<&str>,
        (key, uri): (Option<&str>, Option<&str>),
        impact: Impact,
    ) -> Result<()> {
        let guest = self.guest(domain)?;
        let (live, config) = guest.configs(impact)?;
        let text = value.filter(|value| !value.is_empty()).map(str::to_owned);
        for config in live.into_iter().chain(config) {
            match kind {
                MetadataKind::Description => config.description.clone_from(&text),
                MetadataKind::Title => config.title.clone_from(&text),
                MetadataKind::Element => {
                    set_element(config, value, key.unwrap_or_default(), uri.unwrap_or_default())?;
                }
            }
        }
        let reference = guest.reference();
        let uri = uri.map(str::to_owned);
        self.tell(reference, DomainEventKind::MetadataChange { kind: kind as i32, uri });
        Ok(())
    }
}
