//! New images, and the one behind them.

use serde_json::Value;
use virt_conf::ParseFlags;
use virt_conf::common::StorageSource;
use virt_conf::domain::Domain;
use virt_qemu::block::{Image, ImageOptions, create};
use virt_qemu::caps::Capabilities;
use virt_qemu::config::Config;
use virt_qemu::host::Host;
use virt_qemu::plan::{PlanContext, Props};
use virt_testkit::corpus::{Case, Verdict, same};

/// Bytes of the place and of the image in it, in every case.
const SIZES: (u64, u64) = (4_294_967_296, 8_589_934_590);

/// The name of all nodes there.
const NODE: &str = "0123456789ABCDEF0123456789ABCDE";

pub(crate) fn run(case: &Case) -> Verdict {
    let (domain, caps, config, host) =
        (Domain::default(), Capabilities::default(), Config::system(), Host::default());
    let cx = PlanContext::new(&domain, &caps, &config, &host);
    let source = source(case, "/input/disk")?.ok_or("no disk")?;
    let backing = source_of_backing(case)?;
    let image = Image { source: &source, prefix: "libvirt-1", options: ImageOptions::default() };
    let storage = create::storage(&image, SIZES.0, &cx).map_err(|error| error.to_string())?;
    let format = create::format(&image, SIZES.1, backing.as_ref(), &cx).map_err(|error| error.to_string())?;
    let expected = case.read("/expected").ok_or("nothing is expected")?;
    let (protocol, rest) = expected.split_once("format:").ok_or("no format")?;
    compare(storage, protocol.trim_start().trim_start_matches("protocol:"))?;
    compare(format, rest)
}

fn compare(ours: Option<Props>, theirs: &str) -> Verdict {
    let theirs: Value = match theirs.trim() {
        "" | "<null>" => Value::Null,
        text => serde_json::from_str(text).map_err(|error| error.to_string())?,
    };
    let mut ours = ours.map_or(Value::Null, Props::into_json);
    if let Some(location) = ours.get_mut("location").and_then(Value::as_object_mut) {
        // How much Gluster says is a setting, which is not of the corpus.
        location.shift_remove("debug");
    }
    let mut ours = format!("{ours:#}");
    for (name, replaced) in [
        ("libvirt-1-format-encryption-secret0", format!("{NODE}-encalias")),
        ("libvirt-1-storage", NODE.to_owned()),
    ] {
        ours = ours.replace(name, &replaced);
    }
    same(&ours, &format!("{theirs:#}"))
}

fn source_of_backing(case: &Case) -> Result<Option<StorageSource>, String> {
    source(case, "/input/backing")
}

fn source(case: &Case, pointer: &str) -> Result<Option<StorageSource>, String> {
    let Some(disk) = case.read(pointer) else { return Ok(None) };
    // They have no target, which every disk of a domain has.
    let disk = disk.replace("</disk>", "<target dev='vda'/></disk>");
    let xml = format!(
        "<domain type='qemu'><name>d</name><memory>1024</memory><os><type arch='x86_64'>hvm</type></os>
         <devices>{disk}</devices></domain>"
    );
    let mut domain = Domain::parse(&xml, ParseFlags::empty()).map_err(|error| error.to_string())?;
    Ok(Some(domain.devices.disks.remove(0).source))
}
