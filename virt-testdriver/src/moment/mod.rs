//! Moments of a domain's life that were kept: snapshots and checkpoints.

mod checkpoint;
mod snapshot;
mod tree;

use virt_conf::domain::Domain;
use virt_types::{Error, ErrorCode, ErrorDomain, Result};

pub(crate) use checkpoint::CheckpointTree;
pub(crate) use snapshot::SnapshotTree;

use tree::Tree;

/// The domain's configuration at a moment: without its number.
fn kept(live: &Domain) -> Box<Domain> {
    Box::new(Domain { id: None, ..live.clone() })
}

impl<T> Tree<T> {
    /// Refuses a new moment with the name of another.
    fn check_new(&self, name: &str) -> Result<()> {
        match self.find(name) {
            None => Ok(()),
            Some(_) => {
                let detail = format!("domain moment {name} already exists");
                Err(Error::new(ErrorCode::OperationFailed, ErrorDomain::Domain, detail))
            }
        }
    }

    /// Refuses a moment that would follow itself, or one that is not there.
    fn check_parent(&self, name: &str, parent: Option<&str>) -> Result<()> {
        let refuse = |detail: String| Err(Error::new(ErrorCode::InvalidArg, ErrorDomain::Domain, detail));
        let Some(parent) = parent else { return Ok(()) };
        if parent == name {
            return refuse(format!("cannot set moment {name} as its own parent"));
        }
        match self.find(parent) {
            None => refuse(format!("parent {parent} for moment {name} not found")),
            Some(found) if self.is_below(found, name) => {
                refuse(format!("parent {parent} would create cycle to {name}"))
            }
            Some(_) => Ok(()),
        }
    }
}
