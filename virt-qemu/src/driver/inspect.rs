//! What is known of a domain without asking its hypervisor.

use virt_conf::FormatFlags;
use virt_conf::domain::{CpuDescription, CpuFeature, CpuMode, Domain, FeaturePolicy};
use virt_driver::{ControlInfo, DomainInfo, DomainRef, SecurityLabel};
use virt_types::{Arch, DomainStatus, Error, ErrorCode, ErrorDomain, Result, TextEnum, XmlFlags};

use super::refusal::{known, known_bits, no_flags};
use super::statistics::process;
use super::{QemuConnection, sides};

/// `virDomainGetState`
pub(super) async fn state(connection: &QemuConnection, domain: &DomainRef) -> Result<DomainStatus> {
    Ok(connection.find(domain).await?.snapshot().status)
}

/// `virDomainGetInfo`
pub(super) async fn info(connection: &QemuConnection, domain: &DomainRef) -> Result<DomainInfo> {
    let snapshot = connection.find(domain).await?.snapshot();
    let brief = snapshot.brief().ok_or_else(sides::not_running)?;
    Ok(DomainInfo {
        state: snapshot.status.state(),
        max_memory: brief.max_memory,
        memory: brief.memory,
        vcpus: brief.vcpus,
        cpu_time: snapshot.pid.map_or(0, |pid| process::times(pid).map_or(0, |times| times.total())),
    })
}

/// `virDomainGetControlInfo`
pub(super) async fn control_info(
    connection: &QemuConnection,
    domain: &DomainRef,
    flags: u32,
) -> Result<ControlInfo> {
    no_flags(flags, "qemuDomainGetControlInfo")?;
    let snapshot = connection.find(domain).await?.snapshot();
    if !snapshot.is_active() {
        return Err(sides::not_running());
    }
    Ok(snapshot.control_info())
}

/// `virDomainGetXMLDesc`
pub(super) async fn xml_desc(
    connection: &QemuConnection,
    domain: &DomainRef,
    flags: XmlFlags,
) -> Result<String> {
    known(flags, XmlFlags::all(), "qemuDomainGetXMLDesc")?;
    let snapshot = connection.find(domain).await?.snapshot();
    let mut format = FormatFlags::empty();
    for (flag, form) in [
        (XmlFlags::SECURE, FormatFlags::SECURE),
        (XmlFlags::INACTIVE, FormatFlags::INACTIVE),
        (XmlFlags::MIGRATABLE, FormatFlags::MIGRATABLE),
    ] {
        format.set(form, flags.contains(flag));
    }
    let live = snapshot.live.as_ref().filter(|_| !flags.contains(XmlFlags::INACTIVE));
    if flags.intersects(XmlFlags::UPDATE_CPU | XmlFlags::MIGRATABLE) {
        let mut shown = match (live, &snapshot.config, &snapshot.live) {
            (Some(live), _, _) | (None, None, Some(live)) => Domain::clone(live),
            (None, Some(config), _) => Domain::clone(&*config.model()?),
            (None, None, None) => return Err(sides::not_running()),
        };
        show_cpu(connection, &mut shown, flags).await?;
        return Ok(shown.format(format));
    }
    match (live, &snapshot.config, &snapshot.live) {
        (Some(live), _, _) | (None, None, Some(live)) => Ok(live.format(format)),
        (None, Some(config), _) => config.xml(format),
        (None, None, None) => Err(sides::not_running()),
    }
}

/// Once a model of this name had a feature that it never gave; hosts that think it has must be told that it is off.
const ONCE_MORE: (&str, &str) = ("Icelake-Server", "pconfig");

/// The CPU as the flags want it: what the host would make of it, or what another host must be told.
async fn show_cpu(connection: &QemuConnection, shown: &mut Domain, flags: XmlFlags) -> Result<()> {
    let arch = shown.os.arch;
    if flags.contains(XmlFlags::UPDATE_CPU)
        && shown.cpu.as_ref().is_some_and(|cpu| cpu.mode != CpuMode::Custom || cpu.model.is_some())
    {
        let caps = connection.backend.capabilities(shown).await?;
        let host = caps.migratable_host_model(shown.virt_type, connection.backend.host().arch);
        let host = host.map(|cpu| CpuDescription { host: false, arch: Arch::None, cpu });
        if let Some(cpu) = &mut shown.cpu {
            virt_cpu::update(arch, cpu, host.as_ref())?;
        }
    }
    if flags.contains(XmlFlags::MIGRATABLE) {
        let cpu = match &mut shown.asked_cpu {
            Some(asked) => Some(&mut **asked),
            None => shown.cpu.as_mut(),
        };
        let (model, name) = ONCE_MORE;
        if let Some(cpu) =
            cpu.filter(|cpu| cpu.mode == CpuMode::Custom && cpu.model.as_deref() == Some(model))
        {
            match cpu.features.iter_mut().find(|feature| feature.name == name) {
                Some(feature) => feature.policy = FeaturePolicy::Disable,
                None => {
                    cpu.features.push(CpuFeature { name: name.to_owned(), policy: FeaturePolicy::Disable });
                }
            }
        }
    }
    Ok(())
}

/// `virDomainGetOSType`
pub(super) async fn os_type(connection: &QemuConnection, domain: &DomainRef) -> Result<String> {
    let snapshot = connection.find(domain).await?.snapshot();
    Ok(snapshot.brief().map(|brief| brief.os_type.text().to_owned()).unwrap_or_default())
}

/// `virDomainIsActive`
pub(super) async fn is_active(connection: &QemuConnection, domain: &DomainRef) -> Result<bool> {
    Ok(connection.find(domain).await?.snapshot().is_active())
}

/// `virDomainIsPersistent`
pub(super) async fn is_persistent(connection: &QemuConnection, domain: &DomainRef) -> Result<bool> {
    Ok(connection.find(domain).await?.snapshot().is_persistent())
}

/// `virDomainIsUpdated`. Changes of other processes are taken in as they happen; nothing is ever out of date.
pub(super) async fn is_updated(connection: &QemuConnection, domain: &DomainRef) -> Result<bool> {
    connection.find(domain).await?;
    Ok(false)
}

/// Why an instance may be tainted, in the order in which libvirt tells of it: its word in files, and its sentence.
const TAINTS: [(&str, &str); 15] = [
    ("custom-argv", "custom configuration parameters specified"),
    ("custom-monitor", "custom monitor control commands issued"),
    ("high-privileges", "running with undesirable elevated privileges"),
    ("shell-scripts", "network configuration using opaque shell scripts"),
    ("disk-probing", "potentially unsafe disk format probing"),
    ("external-launch", "managing externally launched configuration"),
    ("host-cpu", "potentially unsafe use of host CPU passthrough"),
    ("hook-script", "configuration potentially modified by hook script"),
    ("cdrom-passthrough", "use of host cdrom passthrough"),
    ("custom-dtb", "custom device tree blob used"),
    ("custom-ga-command", "custom guest agent control commands issued"),
    ("custom-hypervisor-feature", "hypervisor feature autodetection override"),
    ("deprecated-config", "use of deprecated configuration settings"),
    ("custom-device", "custom device configuration"),
    ("nbdkit-restart", "nbdkit restart failed"),
];

/// `VIR_DOMAIN_MESSAGE_DEPRECATION`
const DEPRECATIONS: u32 = 1;
/// `VIR_DOMAIN_MESSAGE_TAINTING`
const TAINTING: u32 = 2;

/// `virDomainGetMessages`
pub(super) async fn messages(
    connection: &QemuConnection,
    domain: &DomainRef,
    flags: u32,
) -> Result<Vec<String>> {
    known_bits(flags, DEPRECATIONS | TAINTING, "qemuDomainGetMessages")?;
    let snapshot = connection.find(domain).await?.snapshot();
    let wants = |bit| flags == 0 || flags & bit != 0;
    let taints = TAINTS
        .iter()
        .filter(|(word, _)| wants(TAINTING) && snapshot.taint.iter().any(|taint| taint == word))
        .map(|(_, sentence)| format!("tainted: {sentence}"));
    let deprecations = snapshot.deprecations.iter().filter(|_| wants(DEPRECATIONS));
    Ok(taints.chain(deprecations.map(|what| format!("deprecated configuration: {what}"))).collect())
}

/// `virDomainGetSecurityLabel`. No process is labelled.
pub(super) async fn security_label(connection: &QemuConnection, domain: &DomainRef) -> Result<SecurityLabel> {
    connection.find(domain).await?;
    Ok(SecurityLabel { label: String::new(), enforcing: false })
}

/// `virDomainGetSecurityLabelList`
pub(super) async fn security_labels(
    connection: &QemuConnection,
    domain: &DomainRef,
) -> Result<Vec<SecurityLabel>> {
    let snapshot = connection.find(domain).await?.snapshot();
    let Some(pid) = snapshot.pid else { return Ok(Vec::new()) };
    // The only label that every process has: whose it is.
    let (uid, gid) = process::owner(pid).ok_or_else(|| {
        let detail = format!("cannot read the owner of process {pid}");
        Error::new(ErrorCode::SystemError, ErrorDomain::Qemu, detail)
    })?;
    Ok(vec![
        SecurityLabel { label: String::new(), enforcing: false },
        SecurityLabel { label: format!("+{uid}:+{gid}"), enforcing: false },
    ])
}
