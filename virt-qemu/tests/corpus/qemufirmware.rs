//! Descriptions of firmware and of vhost-user programs.

use std::path::PathBuf;

use serde_json::Value;
use virt_qemu::firmware::{self, Description, Firmware, Mapping, VhostUser};
use virt_testkit::corpus::{Case, Verdict, same};
use virt_types::{Arch, TextEnum};

pub(crate) fn run(case: &Case) -> Verdict {
    match case.id().split(':').next() {
        Some("parse") if case.id().contains("vhost-user") => again::<VhostUser>(case),
        Some("parse") => again::<Firmware>(case),
        Some("match") => matching(case),
        _ => precedence(case),
    }
}

fn again<T: Description>(case: &Case) -> Verdict {
    let text = case.read("/input").ok_or("no input")?;
    let ours: T = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let ours = serde_json::to_value(&ours).map_err(|error| error.to_string())?;
    let theirs: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    same(&format!("{ours:#}"), &format!("{theirs:#}"))
}

/// The system's, the administrator's and the user's, the last one first.
fn dirs(case: &Case) -> Vec<PathBuf> {
    let below = case.dir().join("data/qemufirmwaredata");
    ["usr/share", "etc", "home/user/.config"]
        .iter()
        .map(|dir| below.join(dir).join("qemu/firmware"))
        .collect()
}

fn precedence(case: &Case) -> Verdict {
    let below = case.dir().join("data/qemufirmwaredata");
    let paths = firmware::paths(&dirs(case));
    let ours: Vec<_> =
        paths.iter().map(|path| path.strip_prefix(&below).unwrap_or(path).to_string_lossy()).collect();
    let theirs = case.row["expected_list"].as_array().ok_or("no list")?;
    let theirs: Vec<_> = theirs.iter().filter_map(Value::as_str).collect();
    same(&ours.join("\n"), &theirs.join("\n"))
}

/// What fits a machine: the kinds, the images, and whether one of them can be secure.
fn matching(case: &Case) -> Verdict {
    let arch = case.text("arch").trim_start_matches("VIR_ARCH_").to_lowercase();
    let arch = Arch::from_text(&arch).ok_or("no architecture")?;
    let known: Vec<Firmware> = firmware::load(&dirs(case));
    let fitting: Vec<&Firmware> = known.iter().filter(|one| one.is_for(arch, case.text("machine"))).collect();
    let secure = fitting.iter().any(|one| one.features.contains("requires-smm"));
    same(&secure.to_string(), &case.row["secure"].to_string())?;
    let kinds = [("bios", "VIR_DOMAIN_OS_DEF_FIRMWARE_BIOS"), ("uefi", "VIR_DOMAIN_OS_DEF_FIRMWARE_EFI")];
    let has = |kind: &str| fitting.iter().any(|one| one.interface_types.iter().any(|name| name == kind));
    let ours: Vec<_> = kinds.iter().filter(|(kind, _)| has(kind)).map(|(_, constant)| *constant).collect();
    let theirs: Vec<_> =
        case.row["interfaces"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    same(&ours.join(" "), &theirs.join(" "))?;
    let images = fitting.iter().map(|one| match &one.mapping {
        Mapping::Flash { executable, nvram_template, .. } => {
            let template = nvram_template.as_ref().map_or("NULL", |image| image.filename.as_str());
            format!("{}:{template}", executable.filename)
        }
        Mapping::Kernel { filename } | Mapping::Memory { filename } => format!("{filename}:NULL"),
    });
    let mut images: Vec<String> = images.collect();
    images.dedup();
    same(&images.join(":"), case.text("fwlist"))
}
