//! The bindings of procedures and contract: one table, from which the server's dispatch and the remote driver come.
//!
//! A row binds a procedure to a method of the contract. On the server it becomes "decode the arguments, call the driver,
//! encode the reply"; in [`RemoteConnection`], which implements the contract for a peer, it becomes "encode the
//! arguments, call the peer, decode the reply". Where that is not all there is to a procedure (events, streams,
//! descriptors, opening), it is written out beside the rows.

mod block_jobs;
mod checkpoints;
mod client;
mod convert;
mod cpu_maps;
mod descriptors;
mod domains;
mod events;
mod guests;
mod hypervisor;
mod interfaces;
mod jobs;
mod listing;
mod macros;
mod migration;
mod networks;
mod node_devices;
mod nwfilters;
mod params;
#[cfg(test)]
mod rehearsal;
mod saved_states;
mod secrets;
mod session;
mod snapshots;
mod statistics;
mod storage_pools;
mod streams;
#[cfg(test)]
mod tests;
mod tuning;

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use virt_driver::BoxFuture;
use virt_proto::{Procedure, Row};
use virt_types::{Error, ErrorCode, ErrorDomain, Result};

use crate::server::{Call as Incoming, Reply};

pub use client::{Channel, RemoteConnection};
pub use session::{HypervisorService, Opener};

use session::Core;

/// A call that has begun: its arguments were good.
type Begun = Result<BoxFuture<'static, Result<Reply>>>;

/// What answers a procedure.
struct Handler {
    row: &'static Row,
    begin: fn(&Arc<Core>, &mut Incoming<'_>) -> Begun,
}

static TABLE: &[&[Handler]] = &[
    hypervisor::HANDLERS,
    domains::HANDLERS,
    tuning::HANDLERS,
    statistics::HANDLERS,
    guests::HANDLERS,
    jobs::HANDLERS,
    saved_states::HANDLERS,
    snapshots::HANDLERS,
    checkpoints::HANDLERS,
    block_jobs::HANDLERS,
    migration::HANDLERS,
    networks::HANDLERS,
    storage_pools::HANDLERS,
    node_devices::HANDLERS,
    secrets::HANDLERS,
    nwfilters::HANDLERS,
    interfaces::HANDLERS,
];

static BY_NUMBER: LazyLock<HashMap<(u32, i32), &'static Handler>> = LazyLock::new(|| {
    let handlers = TABLE.iter().flat_map(|handlers| handlers.iter());
    handlers.map(|handler| ((handler.row.program.number, handler.row.number), handler)).collect()
});

fn handler(program: u32, procedure: i32) -> Option<&'static Handler> {
    BY_NUMBER.get(&(program, procedure)).copied()
}

/// Every procedure that a server answers by asking a driver. Authentication and keepalive are answered below that.
///
/// ```
/// use virt_proto::{Procedure, remote::DomainGetXmlDesc};
/// assert!(virt_rpc::bind::bound_rows().any(|row| row == DomainGetXmlDesc::ROW));
/// ```
pub fn bound_rows() -> impl Iterator<Item = &'static Row> {
    TABLE.iter().flat_map(|handlers| handlers.iter()).map(|handler| handler.row)
}

fn encode<P: Procedure>(reply: &P::Reply) -> Result<Reply> {
    virt_proto::xdr::encode(reply).map(Reply::new).map_err(|error| too_many(P::ROW, error))
}

/// What libvirtd says where a reply does not fit into the protocol's limits.
fn too_many(row: &Row, error: virt_proto::xdr::EncodeError) -> Error {
    match error {
        virt_proto::xdr::EncodeError::TooLong { what, length, max } => {
            let text = format!(
                "too many remote {what}: {length} > {max},in parameter '{what}' for '{}'",
                row.label()
            );
            Error::new(ErrorCode::Rpc, ErrorDomain::Rpc, text).caused_by(error)
        }
        _ => error.into(),
    }
}

/// The number of entries in the type that the reply has for it.
fn counted<T: TryFrom<usize> + Default>(length: usize) -> T {
    T::try_from(length).unwrap_or_default()
}

/// Passes on what a call without flags is about, or refuses the flags.
fn no_flags<'a, T>(value: &'a T, flags: u32, call: &str) -> Result<&'a T> {
    let flags = virt_types::RebootFlags::from_bits_retain(flags);
    virt_driver::flags::check(flags, virt_types::RebootFlags::empty(), ErrorDomain::Domain, call)?;
    Ok(value)
}

/// The size of a look at memory or disk, which has to fit into a reply (`REMOTE_DOMAIN_MEMORY_PEEK_BUFFER_MAX`).
fn peek_size(size: u32) -> Result<usize> {
    const MAX: u32 = 4 << 20;
    match usize::try_from(size) {
        Ok(bytes) if size <= MAX => Ok(bytes),
        _ => Err(Error::new(ErrorCode::Rpc, ErrorDomain::Rpc, "size > maximum buffer size")),
    }
}

/// Answers a procedure that no driver has.
fn refuse<P: Procedure>(session: &Arc<Core>, _: &mut Incoming<'_>) -> Begun {
    session.connection("domains")?;
    Err(Error::no_support(P::ROW.label()))
}

/// The part of libvirt that reports what is wrong with a call as such.
fn error_domain(row: &Row) -> ErrorDomain {
    let call = row.label();
    let has = |word| call.contains(word);
    match call {
        _ if row.program.name != "remote" => ErrorDomain::None,
        _ if call.starts_with("virDomain") && has("Snapshot") => ErrorDomain::DomainSnapshot,
        _ if call.starts_with("virDomain") && has("Checkpoint") => ErrorDomain::DomainCheckpoint,
        _ if call.starts_with("virDomain") => ErrorDomain::Domain,
        _ if has("NodeDevice") || has("NodeNumOfDevices") || has("NodeListDevices") => ErrorDomain::Nodedev,
        _ if has("NWFilter") => ErrorDomain::Nwfilter,
        _ if has("Network") => ErrorDomain::Network,
        _ if has("Storage") => ErrorDomain::Storage,
        _ if has("Secret") => ErrorDomain::Secret,
        _ if has("Interface") => ErrorDomain::Interface,
        _ => ErrorDomain::Domain,
    }
}
