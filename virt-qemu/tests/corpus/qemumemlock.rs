//! How much memory a guest has to be able to lock.

use std::path::Path;

use virt_conf::ParseFlags;
use virt_conf::domain::{Domain, VirtType};
use virt_qemu::plan::LockedMemory;
use virt_qemu::planner::Planner;
use virt_testkit::corpus::{Case, Verdict, same};

pub(crate) fn run(case: &Case) -> Verdict {
    let ours = limit(case).map_err(|error| error.to_string())?;
    let ours = match ours {
        None => "0".to_owned(),
        Some(LockedMemory::Bytes(bytes)) => bytes.to_string(),
        Some(LockedMemory::Unlimited) => "UNLIMITED".to_owned(),
    };
    same(&ours, case.row["limit_bytes"].to_string().trim_matches('"'))
}

fn limit(case: &Case) -> virt_types::Result<Option<LockedMemory>> {
    let mut domain = Domain::parse(&case.read("/input").unwrap_or_default(), ParseFlags::INACTIVE)?;
    // The recorded binaries are of a host without KVM for the other architecture; nothing else depends on it here.
    let virt_type = std::mem::replace(&mut domain.virt_type, VirtType::Qemu);
    Planner::recorded(&recordings(case))?.complete(&mut domain)?;
    domain.virt_type = virt_type;
    Ok(LockedMemory::of(&domain))
}

/// What the binaries said that are recorded beside the corpus.
pub(crate) fn recordings(case: &Case) -> std::path::PathBuf {
    case.dir().join(Path::new("../../conformance"))
}
