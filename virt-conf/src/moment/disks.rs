//! Which of a domain's disks are meant.

use std::collections::BTreeMap;

use crate::Result;
use crate::domain::Domain;
use crate::domain::device::Disk;
use crate::error::Refuse;

/// The position of the disk with this target, or with this path where the name is one and no other disk has it.
fn position(domain: &Domain, name: &str) -> Option<usize> {
    let disks = &domain.devices.disks;
    if !name.starts_with('/') {
        return disks.iter().position(|disk| disk.name() == name);
    }
    let mut found = (0..disks.len()).filter(|i| disks[*i].source.location.local_path() == Some(name));
    found.next().filter(|_| found.next().is_none())
}

/// The requests, in the order of the domain's disks; `None` for disks that nothing is asked of.
///
/// `name` gives a request's name, to read and to set: it becomes the disk's target.
pub(super) fn in_order<T>(
    domain: &Domain,
    requests: Vec<T>,
    name: impl Fn(&mut T) -> &mut String,
    mut check: impl FnMut(&mut T, &Disk) -> Result<()>,
    what: &str,
    refuse: Refuse,
) -> Result<Vec<Option<T>>> {
    let disks = &domain.devices.disks;
    if requests.len() > disks.len() {
        return Err(refuse.unsupported(format!("too many disk {what} requests for domain")));
    }
    let mut found = BTreeMap::new();
    for mut request in requests {
        let asked = name(&mut request).clone();
        let position =
            position(domain, &asked).ok_or_else(|| refuse.unsupported(format!("no disk named '{asked}'")))?;
        if found.contains_key(&position) {
            return Err(refuse.unsupported(format!("disk '{asked}' specified twice")));
        }
        check(&mut request, &disks[position])?;
        *name(&mut request) = disks[position].name().to_owned();
        found.insert(position, request);
    }
    Ok((0..disks.len()).map(|position| found.remove(&position)).collect())
}
