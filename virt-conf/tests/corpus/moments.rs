//! Snapshots, checkpoints and backups: what is asked for, and what was taken before.

use virt_conf::domain::Domain;
use virt_conf::domain::passes::NullPolicy;
use virt_conf::moment::{
    Backup, Checkpoint, CheckpointDisk, CheckpointType, MomentFlags, Snapshot, SnapshotState,
};
use virt_conf::{FormatFlags, ParseFlags, Result};
use virt_testkit::corpus::{Case, Verdict, same};

pub(crate) fn snapshot(case: &Case) -> Verdict {
    let ours = written_snapshot(case, &case.read("/input").ok_or("no input")?).map_err(|e| e.to_string())?;
    same(&ours, &case.read("/expected").ok_or("nothing is expected")?)
}

/// The engine's own document says of one that was taken whether it is the current one.
fn written_snapshot(case: &Case, xml: &str) -> Result<String> {
    let redefined = flag(case, "TEST_REDEFINE");
    let mut flags = MomentFlags::empty();
    flags.set(MomentFlags::REDEFINE, redefined);
    flags.set(MomentFlags::INTERNAL, flag(case, "TEST_INTERNAL"));
    let mut snapshot = Snapshot::parse(xml, flags)?;
    snapshot.fill_domains(&complete)?;
    if let Some(now) = now(case) {
        snapshot.fill(now);
    }
    if flag(case, "TEST_RUNNING") {
        snapshot.state = Some(SnapshotState::Running);
    }
    snapshot.moment.owner = case.text("uuid").parse().ok();
    Ok(snapshot.format(FormatFlags::SECURE))
}

pub(crate) fn checkpoint(case: &Case) -> Verdict {
    let ours = written_checkpoint(case, &case.read("/input").ok_or("no input")?).map_err(|e| e.to_string());
    match (ours, case.text("expect_failure")) {
        (Ok(ours), "") => same(&ours, &case.read("/expected").ok_or("nothing is expected")?),
        (Ok(_), _) => Err("accepted".to_owned()),
        (Err(why), "") => Err(why),
        (Err(_), _) => Ok(()),
    }
}

fn written_checkpoint(case: &Case, xml: &str) -> Result<String> {
    let redefined = flag(case, "TEST_REDEFINE");
    let flags = if redefined { MomentFlags::REDEFINE } else { MomentFlags::empty() };
    let mut checkpoint = Checkpoint::parse(xml, flags)?;
    checkpoint.fill_domain(&complete)?;
    if redefined {
        checkpoint.align_redefined(None)?;
    }
    if let Some(now) = now(case) {
        checkpoint.fill(now);
    }
    if flag(case, "TEST_PARENT") {
        checkpoint.moment.parent = Some("1525111885".to_owned());
    }
    if flag(case, "TEST_VDA_BITMAP") {
        if checkpoint.disks.is_empty() {
            let kind = CheckpointType::Bitmap;
            checkpoint.disks.push(CheckpointDisk { name: "vda".to_owned(), kind, bitmap: None, size: None });
        }
        let disk = &mut checkpoint.disks[0];
        disk.bitmap.clone_from(&checkpoint.moment.name);
        disk.size = flag(case, "TEST_SIZE").then_some(1_048_576);
    }
    Ok(checkpoint.format(FormatFlags::SECURE, true))
}

/// A backup in the user's words, or in the engine's own.
pub(crate) fn backup(case: &Case) -> Result<String> {
    let internal = case.row["internal"] == true;
    let mut backup = Backup::parse(&case.read("/input").unwrap_or_default(), internal)?;
    // The domain has these disks and one more.
    let names = backup.disks.iter().map(|disk| disk.name.as_str()).chain(["vdextradisk"]);
    let disk =
        |name| format!("<disk type='file'><source file='/fake/{name}.qcow2'/><target dev='{name}'/></disk>");
    let disks: String = names.map(disk).collect();
    let domain = format!(
        "<domain type='test'><name>d</name><os><type>hvm</type></os><devices>{disks}</devices></domain>"
    );
    backup.align_disks(&Domain::parse(&domain, ParseFlags::INACTIVE)?, "SUFFIX")?;
    Ok(backup.format(internal))
}

fn complete(domain: &mut Domain) -> Result<()> {
    domain.fill(&NullPolicy, ParseFlags::INACTIVE)
}

fn flag(case: &Case, name: &str) -> bool {
    case.row["flags"].as_array().is_some_and(|flags| flags.iter().any(|flag| flag == name))
}

/// The clock's time in the case.
fn now(case: &Case) -> Option<i64> {
    case.row["creation_time"].as_i64()
}
