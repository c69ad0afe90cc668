//! Identifiers of PCI functions on s390x.

use std::collections::BTreeSet;

use crate::Result;
use crate::common::address::Zpci;
use crate::error::internal;

/// The highest user-defined identifier.
const MAX_UID: u32 = 0xffff;

/// The identifiers in use.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ZpciIds {
    uids: BTreeSet<u32>,
    fids: BTreeSet<u32>,
}

impl ZpciIds {
    /// Takes the identifiers that are given, and the lowest free ones where they are not.
    ///
    /// # Errors
    /// Where one is taken, or none is free.
    pub fn ensure(&mut self, wanted: Zpci) -> Result<Zpci> {
        let uid = wanted.uid.map_or_else(|| lowest_free(&self.uids, 1, MAX_UID, "uid"), Ok)?;
        let fid = wanted.fid.map_or_else(|| lowest_free(&self.fids, 0, u32::MAX, "fid"), Ok)?;
        take(&mut self.uids, uid, "uid")?;
        take(&mut self.fids, fid, "fid").inspect_err(|_| {
            self.uids.remove(&uid);
        })?;
        Ok(Zpci { uid: Some(uid), fid: Some(fid) })
    }
}

fn lowest_free(taken: &BTreeSet<u32>, min: u32, max: u32, name: &str) -> Result<u32> {
    (min..=max)
        .find(|id| !taken.contains(id))
        .ok_or_else(|| internal(format!("There is no more free {name}.")))
}

fn take(taken: &mut BTreeSet<u32>, id: u32, name: &str) -> Result<()> {
    if taken.insert(id) {
        return Ok(());
    }
    // libvirt shows the number in octal.
    Err(internal(format!("zPCI {name} {id:o} is already reserved")))
}
