//! Checkpoints, since which nothing changes.

use virt_conf::FormatFlags;
use virt_conf::moment::{Checkpoint, MomentFlags};
use virt_driver::{CheckpointRef, Checkpoints, DomainRef};
use virt_types::{Error, ErrorCode, Result};

use super::kept;
use super::tree::{Moment, Tree};
use crate::connection::{Answer, TestConnection};
use crate::domain::Guest;
use crate::error::{refuse, unsupported};
use crate::flags::check;
use crate::host::now;
use crate::policy;

/// The checkpoints of a domain.
pub(crate) type CheckpointTree = Tree<Checkpoint>;

/// `virDomainCheckpointCreateFlags`
const REDEFINE: u32 = 0x1;
const QUIESCE: u32 = 0x2;

/// `virDomainCheckpointXMLFlags`
const SECURE: u32 = 0x1;
const NO_DOMAIN: u32 = 0x2;
const SIZE: u32 = 0x4;

/// Every flag of a listing.
const FILTERS: u32 = 0xf;

fn missing(detail: String) -> Error {
    refuse(ErrorCode::NoDomainCheckpoint, detail)
}

impl Tree<Checkpoint> {
    fn named(&self, name: &str) -> Result<&Moment<Checkpoint>> {
        self.find(name).ok_or_else(|| missing(format!("no domain checkpoint with matching name '{name}'")))
    }

    fn refs(&self, domain: &DomainRef, below: Option<&str>, flags: u32) -> Vec<CheckpointRef> {
        let names = self.list(below, flags, |_| Vec::new()).into_iter();
        names.map(|name| CheckpointRef { domain: domain.clone(), name }).collect()
    }
}

impl Guest {
    fn create_checkpoint(&mut self, xml: &str, redefine: bool) -> Result<String> {
        if !self.snapshots.is_empty() {
            return Err(unsupported("cannot create checkpoint while snapshot exists"));
        }
        if !self.is_active() {
            return Err(unsupported("cannot create checkpoint for inactive domain"));
        }
        let current = self.checkpoints.current().map(|current| current.name.clone());
        let flags = if redefine { MomentFlags::REDEFINE } else { MomentFlags::empty() };
        let mut checkpoint = Checkpoint::parse(xml, flags)?;
        let becomes_current;
        if redefine {
            checkpoint.fill_domain(&policy::complete_kept)?;
            let name = checkpoint.moment.name.as_deref().unwrap_or_default();
            let parent = checkpoint.moment.parent.as_deref();
            self.checkpoints.check_parent(name, parent)?;
            becomes_current = current.is_none() || parent.is_some() && parent == current.as_deref();
            checkpoint.align_redefined(self.live.uuid)?;
        } else {
            checkpoint.fill(i64::try_from(now() / 1_000_000).unwrap_or(i64::MAX));
            let domain = kept(&self.live);
            checkpoint.align_disks(&domain)?;
            checkpoint.moment.domain = Some(domain);
            self.checkpoints.check_new(checkpoint.moment.name.as_deref().unwrap_or_default())?;
            checkpoint.moment.parent = current;
            becomes_current = true;
        }
        let name = checkpoint.moment.name.clone().unwrap_or_default();
        let parent = checkpoint.moment.parent.clone();
        self.checkpoints.put(Moment { name: name.clone(), parent, data: checkpoint });
        if becomes_current {
            self.checkpoints.set_current(Some(name.clone()));
        }
        Ok(name)
    }

    fn checkpoint_xml(&self, name: &str, flags: u32) -> Result<String> {
        let found = self.checkpoints.named(name)?;
        if flags & SIZE != 0 {
            self.check_active()?;
        }
        let mut shown = found.data.clone();
        shown.moment.parent.clone_from(&found.parent);
        let secure = if flags & SECURE == 0 { FormatFlags::empty() } else { FormatFlags::SECURE };
        Ok(shown.format(secure, flags & NO_DOMAIN == 0))
    }
}

impl Checkpoints for TestConnection {
    fn create_xml<'a>(
        &'a self,
        domain: &'a DomainRef,
        xml: &'a str,
        flags: u32,
    ) -> Answer<'a, CheckpointRef> {
        self.answer(|host| {
            check(flags, REDEFINE | QUIESCE, "testDomainCheckpointCreateXML")?;
            let name = host.guest(domain)?.create_checkpoint(xml, flags & REDEFINE != 0)?;
            Ok(CheckpointRef { domain: domain.clone(), name })
        })
    }

    fn xml_desc<'a>(&'a self, checkpoint: &'a CheckpointRef, flags: u32) -> Answer<'a, String> {
        self.answer(|host| {
            check(flags, SECURE | NO_DOMAIN | SIZE, "testDomainCheckpointGetXMLDesc")?;
            host.guest(&checkpoint.domain)?.checkpoint_xml(&checkpoint.name, flags)
        })
    }

    fn list<'a>(&'a self, domain: &'a DomainRef, flags: u32) -> Answer<'a, Vec<CheckpointRef>> {
        self.answer(|host| {
            check(flags, FILTERS, "testDomainListAllCheckpoints")?;
            Ok(host.guest(domain)?.checkpoints.refs(domain, None, flags))
        })
    }

    fn children<'a>(&'a self, checkpoint: &'a CheckpointRef, flags: u32) -> Answer<'a, Vec<CheckpointRef>> {
        self.answer(|host| {
            check(flags, FILTERS, "testDomainCheckpointListAllChildren")?;
            let checkpoints = &host.guest(&checkpoint.domain)?.checkpoints;
            checkpoints.named(&checkpoint.name)?;
            Ok(checkpoints.refs(&checkpoint.domain, Some(&checkpoint.name), flags))
        })
    }

    fn lookup_by_name<'a>(
        &'a self,
        domain: &'a DomainRef,
        name: &'a str,
        flags: u32,
    ) -> Answer<'a, CheckpointRef> {
        self.answer(|host| {
            check(flags, 0, "testDomainCheckpointLookupByName")?;
            host.guest(domain)?.checkpoints.named(name)?;
            Ok(CheckpointRef { domain: domain.clone(), name: name.to_owned() })
        })
    }

    fn parent<'a>(&'a self, checkpoint: &'a CheckpointRef, flags: u32) -> Answer<'a, CheckpointRef> {
        self.answer(|host| {
            check(flags, 0, "testDomainCheckpointGetParent")?;
            let guest = host.guest(&checkpoint.domain)?;
            let parent = guest.checkpoints.named(&checkpoint.name)?.parent.clone();
            let name = parent
                .ok_or_else(|| missing(format!("checkpoint '{}' does not have a parent", checkpoint.name)))?;
            Ok(CheckpointRef { domain: checkpoint.domain.clone(), name })
        })
    }

    fn delete<'a>(&'a self, checkpoint: &'a CheckpointRef, flags: u32) -> Answer<'a, ()> {
        self.answer(|host| {
            check(flags, 0x7, "testDomainCheckpointDelete")?;
            let checkpoints = &mut host.guest(&checkpoint.domain)?.checkpoints;
            checkpoints.named(&checkpoint.name)?;
            checkpoints.delete(&checkpoint.name, flags);
            Ok(())
        })
    }
}
