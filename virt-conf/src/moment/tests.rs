use virt_types::ErrorCode;

use super::snapshot::Defaults;
use super::*;
use crate::domain::device::SnapshotLocation;

const DISKS: &str = "<disk type='file'><source file='/i/a.qcow2'/><target dev='vda'/></disk>\
    <disk type='file' snapshot='external'><source file='/i/b'/><target dev='vdb'/></disk>\
    <disk type='block' device='cdrom'><target dev='hdc'/><readonly/></disk>";

fn domain(disks: &str) -> Domain {
    let xml = format!(
        "<domain type='test'><name>d</name><uuid>c7a5fdbd-edaf-9455-926a-d65c16db1809</uuid>\
         <os><type>hvm</type></os><devices>{disks}</devices></domain>"
    );
    Domain::parse(&xml, ParseFlags::INACTIVE).unwrap()
}

fn snapshot(inner: &str) -> Result<Snapshot> {
    Snapshot::parse(&format!("<domainsnapshot>{inner}</domainsnapshot>"), MomentFlags::empty())
}

fn described(snapshot: &Snapshot) -> Vec<String> {
    let line = |disk: &SnapshotDisk| {
        let location = disk.location.map_or("undecided", virt_types::TextEnum::text);
        format!("{} {location} {}", disk.name, disk.path().unwrap_or("-"))
    };
    snapshot.disks.iter().map(line).collect()
}

#[test]
fn disks_that_are_not_named_follow_the_default() {
    let defaults = |location, uniform| Defaults { location, uniform, forced: false };
    let internal = defaults(SnapshotLocation::Internal, false);
    let external = defaults(SnapshotLocation::External, false);
    let uniform = defaults(SnapshotLocation::Internal, true);
    for (disks, given, expected) in [
        ("", internal, Ok(vec!["vda internal -", "vdb external /i/b.now", "hdc no -"])),
        ("", external, Ok(vec!["vda external /i/a.now", "vdb external /i/b.now", "hdc no -"])),
        (
            "<disk name='/i/b' snapshot='no'/><disk name='vda'><source file='/n'/></disk>",
            internal,
            Ok(vec!["vda external /n", "vdb no -", "hdc no -"]),
        ),
        ("<disk name='vdx'/>", internal, Err("no disk named 'vdx'")),
        ("<disk name='vda'/><disk name='/i/a.qcow2'/>", internal, Err("disk '/i/a.qcow2' specified twice")),
        (
            "<disk name='vda' snapshot='external'/>",
            uniform,
            Err("disk 'vda' must use snapshot mode 'internal'"),
        ),
        (
            "<disk name='vda' snapshot='internal'><source file='/n'/></disk>",
            internal,
            Err("file '/n' for disk 'vda' requires use of external snapshot mode"),
        ),
        (
            "<disk name='vda'/><disk name='vdb'/><disk name='hdc'/><disk name='vdd'/>",
            internal,
            Err("too many disk snapshot requests for domain"),
        ),
    ] {
        let mut snapshot = snapshot(&format!("<name>now</name><disks>{disks}</disks>")).unwrap();
        let aligned = snapshot.align_disks(&domain(DISKS), given, &|_| true);
        match expected {
            Ok(lines) => {
                aligned.unwrap();
                assert_eq!(described(&snapshot), lines, "{disks}");
            }
            Err(words) => assert_eq!(aligned.unwrap_err().detail(), words, "{disks}"),
        }
    }
    let twins = "<disk type='file'><source file='/i/a.img'/><target dev='vda'/></disk>\
                 <disk type='file'><source file='/i/a.raw'/><target dev='vdb'/></disk>";
    let fresh = || snapshot("<name>now</name>").unwrap();
    let error = fresh().align_disks(&domain(twins), external, &|_| true).unwrap_err();
    assert!(error.detail().ends_with("disk 'vdb': collision with disk 'vda'"), "{error}");
    let error = fresh().align_disks(&domain(DISKS), external, &|_| false).unwrap_err();
    assert!(error.detail().contains("source for disk 'vda' is not a regular file"), "{error}");
}

#[test]
fn one_that_is_about_to_be_taken_gets_time_and_name() {
    let mut fresh =
        snapshot("<description>d</description><creationTime>7</creationTime><state>x</state>").unwrap();
    assert_eq!((&fresh.moment.name, fresh.moment.creation_time, fresh.state), (&None, None, None));
    fresh.fill(1_700_000_000);
    assert_eq!(fresh.moment.name.as_deref(), Some("1700000000"));
    assert_eq!(
        fresh.format(FormatFlags::empty()),
        "<domainsnapshot>\n  <name>1700000000</name>\n  <description>d</description>\n  \
         <creationTime>1700000000</creationTime>\n</domainsnapshot>\n"
    );
}

#[test]
fn contradictions_are_refused() {
    for (inner, code, words) in [
        ("<memory snapshot='manual'/>", ErrorCode::XmlError, "'manual' memory snapshot mode"),
        ("<memory snapshot='no' file='/m'/>", ErrorCode::XmlError, "memory filename '/m' requires external"),
        (
            "<memory snapshot='external'/>",
            ErrorCode::XmlError,
            "external memory snapshots require a filename",
        ),
        ("<memory file='m'/>", ErrorCode::XmlError, "memory snapshot file path (m) must be absolute"),
        ("<disks><disk/></disks>", ErrorCode::InternalError, "missing name from disk snapshot"),
        (
            "<disks><disk name='a' type='volume'/></disks>",
            ErrorCode::XmlError,
            "unsupported disk snapshot type 'volume'",
        ),
        (
            "<disks><disk name='a'><driver type='x'/></disk></disks>",
            ErrorCode::ConfigUnsupported,
            "unknown disk snapshot driver 'x'",
        ),
        (
            "<disks><disk name='a'><source file='n'/></disk></disks>",
            ErrorCode::XmlError,
            "image path 'n' must be absolute",
        ),
    ] {
        let error = snapshot(inner).unwrap_err();
        assert_eq!(error.code(), code, "{inner}: {error}");
        assert!(error.to_string().contains(words) && error.place().is_some(), "{inner}: {error}");
    }
    for (inner, words) in [
        ("", "a redefined snapshot must have a name"),
        ("<name>n</name>", "missing creationTime from existing snapshot"),
        ("<name>n</name><creationTime>1</creationTime>", "missing state from existing snapshot"),
        ("<name>n</name><creationTime>1</creationTime><state>nostate</state>", "Invalid state 'nostate'"),
        (
            "<name>n</name><creationTime>1</creationTime><state>shutoff</state><memory snapshot='internal'/>",
            "memory state cannot be saved with offline",
        ),
    ] {
        let xml = format!("<domainsnapshot>{inner}</domainsnapshot>");
        let error = Snapshot::parse(&xml, MomentFlags::REDEFINE).unwrap_err();
        assert!(error.to_string().contains(words), "{inner}: {error}");
    }
}

#[test]
fn checkpoints_count_what_can_be_written() {
    let aligned = |inner: &str| {
        let xml = format!("<domaincheckpoint><name>c</name>{inner}</domaincheckpoint>");
        let mut checkpoint = Checkpoint::parse(&xml, MomentFlags::empty())?;
        checkpoint.align_disks(&domain(DISKS))?;
        let line = |disk: &CheckpointDisk| format!("{} {} {:?}", disk.name, disk.kind, disk.bitmap);
        Ok::<_, virt_types::Error>(checkpoint.disks.iter().map(line).collect::<Vec<_>>())
    };
    assert_eq!(aligned("").unwrap(), ["vda bitmap Some(\"c\")", "vdb bitmap Some(\"c\")", "hdc no None"]);
    assert_eq!(
        aligned("<disks><disk name='vdb' bitmap='x'/></disks>").unwrap(),
        ["vda no None", "vdb bitmap Some(\"x\")", "hdc no None"]
    );
    for (inner, words) in [
        ("<disks><disk name='hdc'/></disks>", "disk 'hdc' is empty or readonly"),
        ("<disks><disk name='vdx'/></disks>", "no disk named 'vdx'"),
        ("<disks/>", "Unable to validate doc"),
        ("<disks><disk name='vda' checkpoint='maybe'/></disks>", "Unable to validate doc"),
        ("<active>1</active>", "Unable to validate doc"),
    ] {
        let error = aligned(inner).unwrap_err();
        assert!(error.to_string().contains(words), "{inner}: {error}");
    }
    let none = Checkpoint::parse("<domaincheckpoint/>", MomentFlags::empty()).unwrap();
    let error = none.clone().align_disks(&domain("")).unwrap_err();
    assert!(error.detail().starts_with("domain must have at least one disk"), "{error}");
}
