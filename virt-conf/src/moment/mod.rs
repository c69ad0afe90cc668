//! Points in a domain's life that it can be brought back to or that changes are counted from.

pub mod backup;
pub mod checkpoint;
mod disks;
pub mod snapshot;
#[cfg(test)]
mod tests;

use bitflags::bitflags;
use virt_types::Uuid;
use virt_xml::number::{Base, parse_i64};
use virt_xml::{Element, Writer};

pub use backup::{Backup, BackupDisk, BackupMode, BackupServer, BackupState, DiskBackupMode};
pub use checkpoint::{Checkpoint, CheckpointDisk, CheckpointType};
pub use snapshot::{MemorySnapshot, SaveCookie, Snapshot, SnapshotDisk, SnapshotState};

use crate::domain::Domain;
use crate::error::Refuse;
use crate::{FormatFlags, ParseFlags, Result};

bitflags! {
    /// How a document is read.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct MomentFlags: u32 {
        /// It describes one that was taken before: what the engine added to it is read.
        const REDEFINE = 1 << 0;
        /// The domain does not run, so that there is no memory to save.
        const OFFLINE = 1 << 1;
        /// The engine's own document: whether it is the current one is read.
        const INTERNAL = 1 << 2;
    }
}

/// What snapshots and checkpoints have in common.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Moment {
    /// `<name>`; absent until the engine gives one.
    pub name: Option<String>,
    /// `<description>`
    pub description: Option<String>,
    /// `<parent><name>`
    pub parent: Option<String>,
    /// `<creationTime>` in seconds since the beginning of 1970.
    pub creation_time: Option<i64>,
    /// `<domain>`: as it was then.
    pub domain: Option<Box<Domain>>,
    /// `<domain><uuid>`: whose it is, where no more is known of the domain than that.
    pub owner: Option<Uuid>,
    /// `<inactiveDomain>`: the configuration of one that ran.
    pub inactive_domain: Option<Box<Domain>>,
}

impl Moment {
    /// Reads name and description, and the time and parent of one that was taken before; `what` names the kind.
    fn parse(el: Element<'_>, flags: MomentFlags, what: &str, refuse: Refuse) -> Result<Self> {
        let redefine = flags.contains(MomentFlags::REDEFINE);
        let mut moment = Self {
            name: el.child_text("name"),
            description: el.child_text("description"),
            ..Self::default()
        };
        if !redefine {
            el.pass_over(&["creationTime", "parent", "state", "domain", "inactiveDomain"]);
            return Ok(moment);
        }
        if moment.name.is_none() {
            return Err(refuse.xml(format!("a redefined {what} must have a name")).at(el.place()));
        }
        let time = el.child_text("creationTime").and_then(|text| parse_i64(&text, Base::Ten));
        moment.creation_time = Some(time.ok_or_else(|| {
            refuse.internal(format!("missing creationTime from existing {what}")).at(el.place())
        })?);
        moment.parent = el.child("parent").and_then(|parent| parent.child_text("name"));
        Ok(moment)
    }

    /// Gives one that is about to be taken the time, and a name where it has none.
    fn fill(&mut self, now: i64) {
        if self.creation_time.is_none() {
            self.creation_time = Some(now);
        }
        self.name.get_or_insert_with(|| now.to_string());
    }

    /// Completes the domains of one that was taken before, as their driver does.
    fn fill_domains(&mut self, fill: &dyn Fn(&mut Domain) -> Result<()>) -> Result<()> {
        [&mut self.domain, &mut self.inactive_domain]
            .into_iter()
            .flatten()
            .try_for_each(|domain| fill(domain))
    }

    fn format_words(&self, w: &mut Writer) {
        w.text_element_opt("name", self.name.as_ref());
        w.text_element_opt("description", self.description.as_ref());
    }

    /// Writes the domain, or whose it is.
    fn format_domain(&self, flags: FormatFlags, w: &mut Writer) {
        match (&self.domain, self.owner) {
            (Some(domain), _) => domain.format_into(w, domain_flags(flags)),
            (None, Some(owner)) => w.element("domain", |w| w.text_element("uuid", owner)),
            (None, None) => {}
        }
    }

    fn format_origin(&self, w: &mut Writer) {
        if let Some(parent) = &self.parent {
            w.element("parent", |w| w.text_element("name", parent));
        }
        w.text_element_opt("creationTime", self.creation_time.filter(|time| *time != 0));
    }
}

/// Reads a domain that a document holds under this name.
fn parse_domain(el: Element<'_>, name: &'static str) -> Result<Option<Box<Domain>>> {
    let flags = ParseFlags::INACTIVE | ParseFlags::SKIP_VALIDATE;
    el.child(name).map(|domain| Domain::parse_element(domain, flags).map(Box::new)).transpose()
}

/// How a domain in a document is written, of which `flags` say whether passwords are.
fn domain_flags(flags: FormatFlags) -> FormatFlags {
    FormatFlags::INACTIVE | flags & FormatFlags::SECURE
}
