//! Whether this host can run QEMU and KVM guests.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use tokio::task::JoinSet;
use virt_types::TextEnum;
use virt_types::probe::{Check, Need, Probe};

use crate::caps::machine::target_of_arch;
use crate::caps::{Cap, Capabilities};
use crate::host;
use crate::process::QemuBackend;

/// Looks at this host: KVM, every QEMU on the path, firmware and tools.
pub async fn probe(backend: &Arc<QemuBackend>) -> Probe {
    let target = target_of_arch(backend.host().arch);
    let mut checks = vec![machine(backend.host()), kvm()];
    let mut binaries = binaries(std::env::var_os("PATH").unwrap_or_default().as_ref());
    checks.push(match binaries.remove(target) {
        Some(path) => of_binary(target, &path, Need::Required, backend.capabilities_of(&path).await),
        None => Check::failed(
            name(target),
            Need::Required,
            format!("qemu-system-{target} is not on the path"),
            format!("install it (Debian: {}, Fedora: qemu-system-{target}-core)", debian_package(target)),
        ),
    });
    checks.extend(others(backend, binaries).await);
    checks.push(firmware(target, &["/etc/qemu/firmware", "/usr/share/qemu/firmware"].map(Path::new)));
    checks.push(match virt_sys::find_program("qemu-img") {
        Some(path) => Check::passed("qemu-img", Need::Optional, path.display().to_string()),
        None => Check::failed(
            "qemu-img",
            Need::Optional,
            "not installed: disk images can not be made or changed",
            "install it (Debian: qemu-utils, Fedora: qemu-img)".to_owned(),
        ),
    });
    Probe { subject: "QEMU guests".to_owned(), checks }
}

fn machine(host: &host::Host) -> Check {
    let gib = host.memory as f64 / f64::from(1 << 20);
    let detail = format!("{}, {} processors, {gib:.1} GiB of memory", host.arch.text(), host.cpus);
    Check::passed("machine", Need::Required, detail)
}

/// Guests run without it, ten times slower.
fn kvm() -> Check {
    const NAME: &str = "KVM";
    match virt_sys::kvm::check() {
        kvm if kvm.is_usable() => Check::passed(NAME, Need::Optional, kvm.to_string()),
        kvm => Check::failed(
            NAME,
            Need::Optional,
            format!("{kvm}: guests are emulated, which is slow"),
            kvm.fix(),
        ),
    }
}

/// The QEMU binaries in the directories of a path, by the processor that they are for; the first one counts.
fn binaries(path: &std::ffi::OsStr) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for dir in std::env::split_paths(path) {
        for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
            let file: PathBuf = entry.path();
            let name = file.file_name().and_then(|name| name.to_str());
            let target = name.and_then(|name| name.strip_prefix("qemu-system-"));
            if let (Some(target), Some(path)) = (target, file.to_str()) {
                // `qemu-system-x86_64-spice` and the like are variants.
                if !target.contains(['-', '.']) {
                    found.entry(target.to_owned()).or_insert_with(|| path.to_owned());
                }
            }
        }
    }
    found
}

/// All at once: each has to be started to be asked.
async fn others(backend: &Arc<QemuBackend>, binaries: BTreeMap<String, String>) -> Vec<Check> {
    let mut asked = JoinSet::new();
    for (target, path) in binaries {
        let backend = Arc::clone(backend);
        asked.spawn(async move {
            let answer = backend.capabilities_of(&path).await;
            of_binary(&target, &path, Need::Optional, answer)
        });
    }
    let mut checks = asked.join_all().await;
    checks.sort_by(|a, b| a.name.cmp(&b.name));
    checks
}

fn name(target: &str) -> String {
    format!("QEMU for {target}")
}

fn of_binary(target: &str, path: &str, need: Need, answer: virt_types::Result<Arc<Capabilities>>) -> Check {
    match answer {
        Ok(caps) => Check::passed(name(target), need, summary(&caps)),
        Err(error) => Check::failed(
            name(target),
            need,
            format!("{path} does not answer: {error}"),
            format!("run `{path} --version`; reinstall the package that it is from"),
        ),
    }
}

/// What a binary can do, in a line.
fn summary(caps: &Capabilities) -> String {
    let version =
        format!("{}.{}.{}", caps.version / 1_000_000, caps.version / 1_000 % 1_000, caps.version % 1_000);
    let accelerators = match (&caps.kvm, &caps.tcg) {
        (Some(_), Some(_)) => "KVM and emulation",
        (Some(_), None) => "KVM only",
        _ => "emulation only",
    };
    let offered = caps.tcg.as_ref().or(caps.kvm.as_ref());
    let machines = offered.map_or(0, |offered| offered.machines.len());
    let cpus = offered.map_or(0, |offered| offered.cpus.len());
    let package = if caps.package.is_empty() { String::new() } else { format!(" ({})", caps.package) };
    format!(
        "{} {version}{package}: {accelerators}, {machines} machine types, {cpus} CPU models, {} of {} known features",
        caps.binary,
        caps.caps.len(),
        Cap::TABLE.len()
    )
}

fn debian_package(target: &str) -> &'static str {
    match target {
        "x86_64" | "i386" => "qemu-system-x86",
        "aarch64" | "arm" => "qemu-system-arm",
        "ppc" | "ppc64" => "qemu-system-ppc",
        _ => "qemu-system-misc",
    }
}

/// A descriptor of firmware, as far as it is read here (QEMU's docs/interop/firmware.json).
#[derive(Deserialize)]
struct Descriptor {
    #[serde(default, rename = "interface-types")]
    interfaces: Vec<String>,
    #[serde(default)]
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    architecture: String,
}

/// UEFI firmware that says of itself that it is for this processor.
fn firmware(target: &str, dirs: &[&Path]) -> Check {
    const NAME: &str = "UEFI firmware";
    let fits = |text: &str| {
        serde_json::from_str::<Descriptor>(text).is_ok_and(|descriptor| {
            descriptor.interfaces.iter().any(|kind| kind == "uefi")
                && descriptor.targets.iter().any(|fitting| fitting.architecture == target)
        })
    };
    let files = dirs.iter().flat_map(|dir| std::fs::read_dir(dir).into_iter().flatten().flatten());
    let count = files
        .filter(|file| file.path().extension().is_some_and(|extension| extension == "json"))
        .filter(|file| std::fs::read_to_string(file.path()).is_ok_and(|text| fits(&text)))
        .count();
    if count > 0 {
        return Check::passed(NAME, Need::Optional, format!("{count} kinds for {target}"));
    }
    let package = match target {
        "aarch64" => "qemu-efi-aarch64",
        "arm" => "qemu-efi-arm",
        _ => "ovmf",
    };
    Check::failed(
        NAME,
        Need::Optional,
        format!("none for {target}: guests boot by BIOS or a kernel of theirs only"),
        format!("install it (Debian: {package}, Fedora: edk2-ovmf)"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binaries_are_told_from_what_lies_beside_them() {
        let dir = std::env::temp_dir().join(format!("virt-qemu-probe-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        for file in ["qemu-system-x86_64", "qemu-system-arm", "qemu-system-x86_64-spice", "qemu-img"] {
            std::fs::write(dir.join(file), "").unwrap();
        }
        let found = binaries(dir.as_os_str());
        assert_eq!(found.keys().collect::<Vec<_>>(), ["arm", "x86_64"]);
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn firmware_counts_if_it_is_for_the_processor() {
        let dir = std::env::temp_dir().join(format!("virt-qemu-firmware-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let descriptor = |kind: &str, arch: &str| {
            format!(
                "{{\"interface-types\":[\"{kind}\"],\"targets\":[{{\"architecture\":\"{arch}\",\"machines\":[]}}]}}"
            )
        };
        std::fs::write(dir.join("50-a.json"), descriptor("uefi", "x86_64")).unwrap();
        std::fs::write(dir.join("60-b.json"), descriptor("bios", "aarch64")).unwrap();
        std::fs::write(dir.join("70-c.txt"), descriptor("uefi", "aarch64")).unwrap();
        assert!(firmware("x86_64", &[&dir]).ok);
        assert!(!firmware("aarch64", &[&dir]).ok);
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn a_binary_that_fails_is_named_with_its_reason() {
        let error = virt_types::Error::no_support("asking");
        let check = of_binary("x86_64", "/usr/bin/qemu-system-x86_64", Need::Required, Err(error));
        assert!(!check.ok && check.detail.starts_with("/usr/bin/qemu-system-x86_64 does not answer: "));
        let caps = Capabilities { binary: "/q".into(), version: 7_002_019, ..Capabilities::default() };
        assert!(
            summary(&caps).starts_with("/q 7.2.19: emulation only, 0 machine types"),
            "{}",
            summary(&caps)
        );
    }
}
