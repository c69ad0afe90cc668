//! The host nodes from which a guest's memory comes.

use virt_cgroup::{Controller, Group, Thread};
use virt_conf::common::Bitmap;
use virt_conf::domain::{Domain, NumaMemMode, NumaMemory};
use virt_driver::{DomainEventKind, DomainRef};
use virt_types::{Error, ErrorCode, ErrorDomain, Impact, Result, TypedParams, TypedValue};

use super::super::QemuConnection;
use super::super::refusal::{invalid, invalid_argument, unsupported};
use super::super::sides::Side;
use super::live::{Change, Limits};
use super::params::{self, Kind};
use super::read_late;

/// Only a change of a guest that runs needs the controller, or the host's own engine.
const LIMITS: Limits = Limits {
    controller: Controller::Cpuset,
    unmounted: "cgroup cpuset controller is not mounted",
    session: None,
};

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
    let privileged = connection.backend.config().privileged;
    let (wanted, host_nodes) = (nodes.clone(), connection.backend.host().numa_nodes.clone());
    let set = move |group: &Group, live: &Domain| -> Result<Option<DomainEventKind>> {
        set_live(group, live, mode, wanted.as_ref(), &host_nodes).map(|()| None)
    };
    let write = move |document: &mut Domain, side: Side| {
        if side == Side::Live && !privileged {
            return Err(unsupported("NUMA tuning is not available in session mode"));
        }
        // A guest that runs keeps the nodes that it was started with.
        if side == Side::Live && mode == Some(NumaMemMode::Strict) {
            return Ok(());
        }
        let memory = document.numatune.memory.get_or_insert_with(NumaMemory::default);
        if let Some(mode) = mode {
            memory.mode = mode;
        }
        if let Some(nodes) = &nodes {
            memory.nodeset = Some(nodes.clone());
        }
        Ok(())
    };
    Change { names, limits: LIMITS, set, write }.make(connection, domain, impact).await
}

/// Nodes can be changed while a guest runs where nothing but its groups keeps them.
fn set_live(
    group: &Group,
    live: &Domain,
    mode: Option<NumaMemMode>,
    nodes: Option<&Bitmap>,
    host_nodes: &[u32],
) -> Result<()> {
    let memory = live.numatune.memory.as_ref();
    if let (Some(mode), Some(memory)) = (mode, memory)
        && mode != memory.mode
    {
        return Err(invalid("can't change numatune mode for running domain"));
    }
    if mode == Some(NumaMemMode::Strict) {
        if nodes != memory.and_then(|memory| memory.nodeset.as_ref()) {
            return Err(invalid("can't change nodeset for strict mode for running domain"));
        }
        return Ok(());
    }
    let Some(nodes) = nodes else { return Ok(()) };
    if memory.is_some_and(|memory| memory.mode != NumaMemMode::Restrictive) {
        return Err(invalid("change of nodeset for running domain requires restrictive numa mode"));
    }
    if let Some(missing) = nodes.iter().find(|node| !host_nodes.contains(node)) {
        let detail = format!("NUMA node {missing} is unavailable");
        return Err(Error::new(ErrorCode::ConfigUnsupported, ErrorDomain::None, detail));
    }
    let vcpus = (0..live.vcpus.max).map(Thread::Vcpu);
    let iothreads = live.iothreads.list.iter().map(|thread| Thread::Iothread(thread.id));
    for thread in [Thread::Emulator].into_iter().chain(vcpus).chain(iothreads) {
        if let Some(part) = group.thread(thread).existing() {
            part.set_mems(&nodes.to_string())?;
        }
    }
    Ok(())
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
