//! The family of the external corpus that this crate answers: mounts of hosts with what stock libvirt makes of them.

use virt_cgroup::{Controller, Mounts};
use virt_testkit::corpus::{self, same};

#[test]
fn vircgroup() {
    corpus::check("vircgroup", |case| {
        let mounts = Mounts::parse(&case.read("/input/mounts").unwrap());
        if !case.row["expect_failure"].is_null() {
            return if mounts.is_err() { Ok(()) } else { Err("a host without groups has some".to_owned()) };
        }
        let mounts = mounts.map_err(|error| error.to_string())?;
        let legacy = Controller::ALL.map(|controller| (controller.name(), mounts.legacy(controller)));
        let line =
            |(name, place): (&str, Option<&str>)| format!("{name:<12} {}\n", place.unwrap_or("<null>"));
        let ours: String = legacy.into_iter().chain([("unified", mounts.unified())]).map(line).collect();
        same(&ours, &case.read("/expected").unwrap())
    });
}
