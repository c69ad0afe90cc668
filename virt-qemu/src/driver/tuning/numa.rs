//! The host nodes from which a guest's memory comes.

use virt_conf::common::Bitmap;
use virt_conf::domain::{Domain, NumaMemMode, NumaMemory};
use virt_driver::DomainRef;
use virt_types::{Error, ErrorCode, ErrorDomain, Impact, Result, TypedParams, TypedValue};

use super::super::QemuConnection;
use super::super::refusal::invalid_argument;
use super::params::{self, Kind};
use super::{read_late, write};

/// The modes in libvirt's order (`virDomainNumatuneMemMode`).
const MODES: [NumaMemMode; 4] =
    [NumaMemMode::Strict, NumaMemMode::Preferred, NumaMemMode::Interleave, NumaMemMode::Restrictive];

/// `virDomainGetNumaParameters`
pub(super) async fn get(
    connection: &QemuConnection,
    domain: &DomainRef,
    impact: Impact,
) -> Result<TypedParams> {
    read_late(connection, domain, impact, "qemuDomainGetNumaParameters", |document, _| {
        let memory = document.numatune.memory.clone().unwrap_or_default();
        let mode = MODES.iter().position(|mode| *mode == memory.mode).unwrap_or_default();
        let mut params = TypedParams::new();
        params.push("numa_mode", i32::try_from(mode).unwrap_or_default());
        params.push("numa_nodeset", memory.nodeset.map(|nodes| nodes.to_string()).unwrap_or_default());
        Ok(params)
    })
    .await
}

/// `virDomainSetNumaParameters`
pub(super) async fn set(
    connection: &QemuConnection,
    domain: &DomainRef,
    params: &TypedParams,
    impact: Impact,
) -> Result<()> {
    params::check(params, &[("numa_mode", Kind::Int), ("numa_nodeset", Kind::String)])?;
    let mode = match params.get("numa_mode") {
        Some(TypedValue::Int(number)) => {
            let found = usize::try_from(*number).ok().and_then(|number| MODES.get(number));
            let unknown = || invalid_argument(format!("unsupported numatune mode: '{number}'"));
            Some(*found.ok_or_else(unknown)?)
        }
        _ => None,
    };
    let nodes = match params::text(params, "numa_nodeset") {
        Some(text) => Some(nodes(text)?),
        None => None,
    };
    let names = ("virDomainSetNumaParameters", "qemuDomainSetNumaParameters");
    write(connection, domain, impact, names, move |config: &mut Domain| {
        let memory = config.numatune.memory.get_or_insert_with(NumaMemory::default);
        if let Some(mode) = mode {
            memory.mode = mode;
        }
        if let Some(nodes) = &nodes {
            memory.nodeset = Some(nodes.clone());
        }
        Ok(())
    })
    .await
}

fn nodes(text: &str) -> Result<Bitmap> {
    let nodes: Bitmap =
        text.parse().map_err(|_| invalid_argument(format!("Failed to parse bitmap '{text}'")))?;
    if nodes.is_empty() {
        let detail = format!("Invalid nodeset of 'numatune': {text}");
        return Err(Error::new(ErrorCode::OperationInvalid, ErrorDomain::Qemu, detail));
    }
    Ok(nodes)
}
