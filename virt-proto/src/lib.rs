//! libvirt's remote protocol: every procedure, type and limit as one table, and the codec for all of them.
//!
//! Nothing here does I/O: bytes come in and go out. A row of the table says everything about a procedure: number, name,
//! arguments, reply, direction, stream, priority, access. A server dispatches by it, a client calls by it, the protocol's
//! page is made of it.
//!
//! ```
//! use virt_proto::{Procedure, packet, remote, xdr};
//!
//! // A client's call ...
//! let args = remote::ConnectOpenArgs { name: Some("qemu:///system".into()), flags: 0 };
//! let message = packet::Header::call(remote::ConnectOpen::ROW, 3).message(&args)?;
//!
//! // ... as a server reads it.
//! let header = packet::Header::from_bytes(message[4..28].try_into()?);
//! let row = virt_proto::row(header.program, header.procedure).ok_or("no such procedure")?;
//! assert_eq!(row.constant(), "REMOTE_PROC_CONNECT_OPEN");
//! let args: <remote::ConnectOpen as Procedure>::Args = xdr::decode(&message[28..])?;
//! assert_eq!(args.name.as_deref(), Some("qemu:///system"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

pub mod admin;
pub mod keepalive;
pub mod lxc;
pub mod packet;
pub mod qemu;
pub mod remote;
mod table;
pub mod xdr;

pub use table::access::flag;
pub use table::{
    Access, Descriptors, Direction, Flag, Object, Payload, Priority, Procedure, Program, Row, Stream, When,
    Write,
};

/// Every program of the table.
pub static PROGRAMS: &[&Program] =
    &[&remote::PROGRAM, &qemu::PROGRAM, &lxc::PROGRAM, &admin::PROGRAM, &keepalive::PROGRAM];

/// The program with this number.
#[must_use]
pub fn program(number: u32) -> Option<&'static Program> {
    PROGRAMS.iter().copied().find(|program| program.number == number)
}

/// The row of a procedure, by the numbers in a header.
#[must_use]
pub fn row(program_number: u32, procedure: i32) -> Option<&'static Row> {
    program(program_number)?.row(procedure)
}

/// All rows of all programs.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    PROGRAMS.iter().flat_map(|program| program.rows()).copied()
}
