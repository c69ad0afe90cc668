//! Families of the external corpus that this crate answers: trees of devices with what stock libvirt makes of them.

use std::process::Command;

use virt_netdev::sysfs::Sysfs;
use virt_testkit::corpus::{self, Case, Verdict, same};

#[test]
fn hostdev_sysfs() {
    corpus::check("hostdev-sysfs", |case| match case.text("kind") {
        "link" => link(case),
        kind => Err(format!("{kind} is not answered by this crate")),
    });
}

fn link(case: &Case) -> Verdict {
    let name = case.id().replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    let dir = std::env::temp_dir().join(format!("virt-netdev-corpus-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let archive = case.file("/input/tree").unwrap();
    let unpacked = Command::new("tar").arg("-xf").arg(archive).arg("-C").arg(&dir).status().unwrap();
    assert!(unpacked.success());
    let answer = Sysfs::at(&dir).connection(&case.text("ifname").parse().unwrap());
    std::fs::remove_dir_all(&dir).unwrap();
    let answer = answer.map_err(|error| error.to_string())?;
    same(
        &format!("{} {}", answer.state.as_str(), answer.speed),
        &format!("{} {}", case.text("state"), case.row["speed"]),
    )
}
