//! A number that stays this host's own.

use virt_types::Uuid;

use crate::Root;

/// The UUID that firmware gives the machine, else the one that the operating system gave its installation.
///
/// A UUID whose bytes are all the same is what firmware has that nobody filled in.
#[must_use]
pub fn of_host(root: &Root) -> Option<Uuid> {
    ["/sys/devices/virtual/dmi/id/product_uuid", "/sys/class/dmi/id/product_uuid"]
        .into_iter()
        .find_map(|path| read(root, path))
        .or_else(|| of_installation(root))
}

/// The UUID that the operating system gave its installation (`machine-id(5)`).
#[must_use]
pub fn of_installation(root: &Root) -> Option<Uuid> {
    read(root, "/etc/machine-id")
}

fn read(root: &Root, path: &str) -> Option<Uuid> {
    root.text(path).ok().flatten()?.parse().ok().filter(is_filled_in)
}

fn is_filled_in(uuid: &Uuid) -> bool {
    let bytes = uuid.as_bytes();
    bytes.iter().any(|byte| *byte != bytes[0])
}
