//! Title, description, and what applications keep with a domain.

use virt_conf::domain::{Domain, Metadata};
use virt_domain::{JobKind, JobSpec};
use virt_driver::{DomainEventKind, DomainRef, MetadataKind};
use virt_types::{Error, ErrorCode, ErrorDomain, Impact, Result};

use super::refusal::invalid_call;
use super::{QemuConnection, sides};

/// The sides that a change may name.
const IMPACT: Impact = Impact::LIVE.union(Impact::CONFIG);

/// `virDomainGetMetadata`
pub(super) async fn get(
    connection: &QemuConnection,
    domain: &DomainRef,
    kind: MetadataKind,
    uri: Option<&str>,
    impact: Impact,
) -> Result<String> {
    const CALL: &str = "virDomainGetMetadata";
    sides::not_both(impact)?;
    check("uri", uri, kind == MetadataKind::Element, CALL)?;
    let snapshot = connection.find(domain).await?.snapshot();
    virt_driver::flags::check(impact, IMPACT, ErrorDomain::Domain, "virDomainObjGetMetadata")?;
    let (_, document) = sides::one(&snapshot, impact)?;
    let found = match kind {
        MetadataKind::Description => document.description.clone(),
        MetadataKind::Title => document.title.clone(),
        MetadataKind::Element => {
            document.metadata.as_ref().zip(uri).and_then(|(metadata, uri)| metadata.get(uri))
        }
    };
    found.ok_or_else(|| {
        let detail = "Requested metadata element is not present";
        Error::new(ErrorCode::NoDomainMetadata, ErrorDomain::Domain, detail)
    })
}

/// `virDomainSetMetadata`
pub(super) async fn set(
    connection: &QemuConnection,
    domain: &DomainRef,
    kind: MetadataKind,
    value: Option<&str>,
    key: Option<&str>,
    uri: Option<&str>,
    impact: Impact,
) -> Result<()> {
    const CALL: &str = "virDomainSetMetadata";
    if kind == MetadataKind::Title && value.is_some_and(|title| title.contains('\n')) {
        return Err(invalid_call("metadata title can't contain newlines"));
    }
    check("uri", uri, kind == MetadataKind::Element, CALL)?;
    if kind == MetadataKind::Element {
        if value.is_some() && key.is_none() {
            return Err(invalid_call(format!("key in {CALL} must not be NULL")));
        }
    } else {
        check("key", key, false, CALL)?;
    }
    let handle = connection.find(domain).await?;
    virt_driver::flags::check(impact, IMPACT, ErrorDomain::Domain, "virDomainObjSetMetadata")?;
    let own = |text: Option<&str>| text.map(str::to_owned);
    let (value, key, uri) = (own(value), own(key), own(uri));
    let event = DomainEventKind::MetadataChange { kind: kind as i32, uri: uri.clone() };
    let change = move |domain: &mut Domain, _| {
        let text = value.clone().filter(|text| !text.is_empty());
        match (kind, &uri) {
            (MetadataKind::Description, _) => domain.description = text,
            (MetadataKind::Title, _) => domain.title = text,
            (MetadataKind::Element, Some(uri)) => {
                set_element(domain, uri, key.as_deref(), value.as_deref())?;
            }
            (MetadataKind::Element, None) => {}
        }
        Ok(())
    };
    // What applications keep there is nothing that the hypervisor knows of: a hung one is not in the way.
    let spec = JobSpec::any(CALL, JobKind::Config);
    sides::edit_with(&handle, spec, impact, change, |context, _| context.tell(event)).await
}

fn set_element(domain: &mut Domain, uri: &str, key: Option<&str>, value: Option<&str>) -> Result<()> {
    match value {
        Some(xml) => {
            domain.metadata.get_or_insert_with(Metadata::default).set(uri, key.unwrap_or_default(), xml)
        }
        None => {
            if let Some(metadata) = &mut domain.metadata {
                metadata.remove(uri);
            }
            Ok(())
        }
    }
}

/// Refuses an argument that is missing, or that is there and has no meaning.
fn check(name: &str, value: Option<&str>, wanted: bool, call: &str) -> Result<()> {
    match (value, wanted) {
        (None, true) => Err(invalid_call(format!("{name} in {call} must not be NULL"))),
        (Some(_), false) => Err(invalid_call(format!("{name} in {call} must be NULL"))),
        _ => Ok(()),
    }
}
