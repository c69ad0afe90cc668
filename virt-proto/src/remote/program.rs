//! The table of the program: the rows of all files in the order of their numbers.

use super::{
    auth, checkpoint, connect, domain, event, interface, migration, network, node, node_device, nwfilter,
    secret, snapshot, storage,
};
use crate::{Program, Row, table::in_order};

/// The program.
pub static PROGRAM: Program = Program { name: "remote", number: 0x2000_8086, version: 1, rows: || &IN_ORDER };

static IN_ORDER: [&Row; 453] = in_order(&[
    auth::ROWS,
    checkpoint::ROWS,
    connect::ROWS,
    domain::block::ROWS,
    domain::cpu::ROWS,
    domain::define::ROWS,
    domain::device::ROWS,
    domain::guest::ROWS,
    domain::lifecycle::ROWS,
    domain::lookup::ROWS,
    domain::memory::ROWS,
    domain::save::ROWS,
    domain::security::ROWS,
    domain::statistics::ROWS,
    domain::tuning::ROWS,
    event::domain::ROWS,
    event::legacy::ROWS,
    event::other::ROWS,
    event::registration::ROWS,
    interface::ROWS,
    migration::ROWS,
    network::ROWS,
    node::ROWS,
    node_device::ROWS,
    nwfilter::ROWS,
    secret::ROWS,
    snapshot::ROWS,
    storage::ROWS,
]);
