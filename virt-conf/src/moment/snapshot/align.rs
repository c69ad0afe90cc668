//! The disks of a snapshot beside those of its domain.

use virt_types::{ErrorDomain, Uuid};

use super::super::checkpoint::check_owner;
use super::super::disks::in_order;
use super::{REFUSE, Snapshot, SnapshotDisk, SnapshotState};
use crate::Result;
use crate::common::storage_source::{Location, StorageType};
use crate::domain::Domain;
use crate::domain::device::{Disk, SnapshotLocation};

/// What is done with disks that a document says nothing of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Defaults {
    /// Where they go.
    pub location: SnapshotLocation,
    /// Whether the hypervisor's own snapshots take all disks or none.
    pub uniform: bool,
    /// Whether that holds even for disks whose own element says otherwise.
    pub forced: bool,
}

impl Snapshot {
    /// Checks one that was taken before, of the domain with this identifier, and completes its list of disks.
    /// `is_file` tells whether there is a regular file at a path.
    ///
    /// # Errors
    /// Where it is another domain's or has none, and as [`Snapshot::align_disks`].
    pub fn align_redefined(&mut self, owner: Option<Uuid>, is_file: &dyn Fn(&str) -> bool) -> Result<()> {
        let Some(domain) = self.moment.domain.take() else {
            return Err(REFUSE.internal("missing domain in snapshot"));
        };
        let external = self.state == Some(SnapshotState::DiskSnapshot) || self.is_external();
        let location = if external { SnapshotLocation::External } else { SnapshotLocation::Internal };
        let name = self.moment.name.clone();
        let outcome = check_owner(&domain, owner, "snapshot", name.as_deref(), ErrorDomain::DomainSnapshot)
            .and_then(|()| {
                let defaults = Defaults { location, uniform: true, forced: false };
                self.align_disks(&domain, defaults, is_file)
            });
        self.moment.domain = Some(domain);
        outcome
    }

    /// Completes the list of disks: all of the domain's, in their order, with names for new images.
    ///
    /// # Errors
    /// For disks that the domain has not or that are named twice, for places that do not go together, and where no name
    /// can be made up for a new image.
    pub fn align_disks(
        &mut self,
        domain: &Domain,
        defaults: Defaults,
        is_file: &dyn Fn(&str) -> bool,
    ) -> Result<()> {
        let requests = std::mem::take(&mut self.disks);
        let all_alike = defaults.uniform && defaults.location == SnapshotLocation::Internal;
        let check =
            |request: &mut SnapshotDisk, disk: &Disk| place(request, disk, defaults.location, all_alike);
        let aligned = in_order(domain, requests, |request| &mut request.name, check, "snapshot", REFUSE)?;
        let disks = aligned.into_iter().zip(&domain.devices.disks).map(|(request, disk)| {
            request.unwrap_or_else(|| {
                let own = disk.snapshot.filter(|_| !defaults.forced).unwrap_or(defaults.location);
                let location = if disk.source.is_empty() { SnapshotLocation::No } else { own };
                SnapshotDisk {
                    name: disk.name().to_owned(),
                    location: Some(location),
                    ..SnapshotDisk::default()
                }
            })
        });
        self.disks = disks.collect();
        self.name_images(domain, is_file)
    }

    /// A new image is named like the disk's file, with the snapshot's name in place of the suffix.
    fn name_images(&mut self, domain: &Domain, is_file: &dyn Fn(&str) -> bool) -> Result<()> {
        let suffix = self.moment.name.clone().unwrap_or_default();
        for i in 0..self.disks.len() {
            let disk = &self.disks[i];
            if disk.location != Some(SnapshotLocation::External) || disk.path().is_some() {
                continue;
            }
            let name = &disk.name;
            let refuse = |why: &str| Err(REFUSE.unsupported(why));
            let kind = disk.source.location.storage_type();
            if kind != StorageType::File {
                return refuse(&format!(
                    "cannot generate external snapshot name for disk '{name}' on a '{kind}' device"
                ));
            }
            let Some(original) = domain.devices.disks[i].source.location.local_path() else {
                return refuse(&format!(
                    "cannot generate external snapshot name for disk '{name}' without source"
                ));
            };
            if !is_file(original) {
                return refuse(&format!(
                    "source for disk '{name}' is not a regular file; refusing to generate external snapshot name"
                ));
            }
            let stem = match original.rsplit_once('.') {
                Some((stem, rest)) if !rest.contains('/') => stem,
                _ => original,
            };
            let path = format!("{stem}.{suffix}");
            if let Some(other) = self.disks[..i].iter().find(|other| other.path() == Some(&path)) {
                return refuse(&format!(
                    "cannot generate external snapshot name for disk '{name}': collision with disk '{}'",
                    other.name
                ));
            }
            self.disks[i].source.location = Location::File { path: Some(path), fdgroup: None };
        }
        Ok(())
    }
}

/// Decides where a disk goes that a document asks something of.
fn place(request: &mut SnapshotDisk, disk: &Disk, default: SnapshotLocation, all_alike: bool) -> Result<()> {
    let name = &request.name;
    match request.location {
        None => {
            let own = disk.snapshot.filter(|own| !all_alike || *own == SnapshotLocation::No);
            request.location = Some(own.unwrap_or(default));
        }
        Some(location) if all_alike && location != default => {
            let left_out = Some(SnapshotLocation::No);
            if request.location != left_out || disk.snapshot != left_out {
                let detail = format!("disk '{name}' must use snapshot mode '{default}'");
                return Err(REFUSE.unsupported(detail));
            }
        }
        Some(_) => {}
    }
    if let Some(path) = request.path().filter(|_| request.location != Some(SnapshotLocation::External)) {
        let detail = format!("file '{path}' for disk '{name}' requires use of external snapshot mode");
        return Err(REFUSE.unsupported(detail));
    }
    Ok(())
}
