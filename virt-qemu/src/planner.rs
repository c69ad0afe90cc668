//! From a document to its canonical form and its plan, without touching anything.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use virt_conf::capabilities::{HostCpu, TscCounter};
use virt_conf::domain::device::VideoBackend;
use virt_conf::domain::{Domain, Policy, VirtType};
use virt_conf::storage_pool::StoragePool;
use virt_conf::{FormatFlags, ParseFlags};
use virt_types::{Arch, Error, ErrorCode, ErrorDomain, Result, TextEnum};
use virt_xml::Document;

use crate::caps::{Capabilities, machine, recorded};
use crate::config::{Config, SpiceConfig};
use crate::device::interface::detach_from_host;
use crate::error::{internal, unsupported};
use crate::firmware;
use crate::host::{Host, HostPool, HostVolume, Swtpm};
use crate::plan::{self, Monitor, Plan};
use crate::policy::QemuPolicy;
use crate::prepare::{self, PrepareContext, PretendedPorts};

/// Where a planner finds out what a binary can do.
pub trait CapabilitySource: std::fmt::Debug + Send + Sync {
    /// The capabilities of this binary.
    ///
    /// # Errors
    /// Where there is no such binary, or it does not answer.
    fn of_binary(&self, path: &str) -> Result<Arc<Capabilities>>;

    /// The binary on a host of the first architecture that runs guests of the second, if there is one.
    fn default_emulator(&self, host: Arch, guest: Arch) -> Option<String>;
}

/// Plans domains for one host.
#[derive(Debug)]
pub struct Planner {
    /// The driver's settings.
    pub config: Config,
    /// The host.
    pub host: Host,
    /// The host's processor, where it is known.
    pub processor: Option<HostCpu>,
    source: Box<dyn CapabilitySource>,
}

impl Planner {
    /// A planner for a host whose binaries' capabilities come from `source`.
    #[must_use]
    pub fn new(config: Config, host: Host, source: Box<dyn CapabilitySource>) -> Self {
        Self { config, host, processor: None, source }
    }

    /// A planner for a host that was recorded to files, so that its answers are the same everywhere.
    ///
    /// # Errors
    /// Where the directory is none.
    pub fn recorded(dir: &Path) -> Result<Self> {
        if !dir.is_dir() {
            let detail = format!("{} is no directory", dir.display());
            return Err(Error::new(ErrorCode::InvalidArg, ErrorDomain::Qemu, detail));
        }
        let environment = Environment::read(dir)?;
        let host = Host {
            vfio: false,
            arch: Arch::X86_64,
            cpus: 2,
            memory: 24 << 20,
            numa_nodes: (0..8).collect(),
            hugepages: vec![
                (1 << 20, "/run/libvirt/hugepages1G".into()),
                (2048, "/run/libvirt/hugepages2M".into()),
            ],
            swtpm: Some(Swtpm { tpm1: true, tpm2: true }),
            vhost_net: false,
            firmware: firmware::debian_12(),
            kvm_refusal: None,
            render_node: Some("/dev/dri/renderD128".into()),
            network_addresses: environment.network_addresses()?,
            pools: Some(environment.pools()?),
            pci_devices: BTreeMap::new(),
            audio_driver: None,
            sdl_audio_driver: None,
            control_groups: None,
        };
        let spice = SpiceConfig { tls: true, ..SpiceConfig::default() };
        let config = Config { spice, ..Config::system() };
        let source = Recorded { dir: dir.to_owned(), loaded: Default::default() };
        let processor = processor(dir)?;
        Ok(Self { processor, ..Self::new(config, host, Box::new(source)) })
    }

    /// The binary that runs a domain, as [`emulator_of`].
    ///
    /// # Errors
    /// Where it names none, and there is none for its architecture.
    pub fn emulator_of(&self, domain: &Domain) -> Result<String> {
        emulator_of(domain, self.host.arch, |host, guest| self.source.default_emulator(host, guest))
    }

    /// Parses, completes and checks a document.
    ///
    /// # Errors
    /// Each refusal with libvirt's code, and the place where there is one.
    pub fn define(&self, xml: &str, flags: ParseFlags) -> Result<(Domain, Arc<Capabilities>)> {
        let mut domain = Domain::parse(xml, flags)?;
        let caps = self.source.of_binary(&self.emulator_of(&domain)?)?;
        complete(&mut domain, &caps, &self.config, &self.host, flags)?;
        Ok((domain, caps))
    }

    /// Completes and checks a domain that is part of another document.
    ///
    /// # Errors
    /// Where its QEMU can not be asked, and as [`Planner::define`].
    pub fn complete(&self, domain: &mut Domain) -> Result<()> {
        let caps = self.source.of_binary(&self.emulator_of(domain)?)?;
        complete(domain, &caps, &self.config, &self.host, ParseFlags::INACTIVE)
    }

    /// The document's canonical form, as a definition gives it back.
    ///
    /// # Errors
    /// As [`Planner::define`].
    pub fn canonical(&self, xml: &str) -> Result<String> {
        let (domain, _) = self.define(xml, ParseFlags::INACTIVE | ParseFlags::ABI_UPDATE)?;
        Ok(domain.format(FormatFlags::INACTIVE | FormatFlags::SECURE))
    }

    /// What starting the document's domain would do.
    ///
    /// # Errors
    /// As [`Planner::define`], and for what shows only when it is planned.
    pub fn plan(&self, xml: &str) -> Result<Plan> {
        let (domain, caps) = self.define(xml, ParseFlags::INACTIVE | ParseFlags::ABI_UPDATE)?;
        self.build(domain, &caps)
    }

    /// The command line that shows the document's domain to somebody who runs QEMU by hand: as
    /// [`Planner::plan`], but without the links of the host, which only a start can make.
    ///
    /// # Errors
    /// As [`Planner::plan`].
    pub fn native(&self, xml: &str) -> Result<Plan> {
        let (mut domain, caps) = self.define(xml, ParseFlags::INACTIVE | ParseFlags::ABI_UPDATE)?;
        if domain.devices.videos.iter().any(|video| video.backend == Some(VideoBackend::Vhostuser)) {
            let hint = "the process that draws a vhost-user display is started with the guest only";
            return Err(internal("invalid use of command API").with_hint(hint));
        }
        detach_from_host(&mut domain);
        let policy = QemuPolicy { caps: &caps, config: &self.config, host: &self.host };
        policy.assign_addresses(&mut domain, ParseFlags::ABI_UPDATE)?;
        self.build(domain, &caps)
    }

    fn build(&self, mut domain: Domain, caps: &Capabilities) -> Result<Plan> {
        let processor = self.processor.as_ref();
        let context = PrepareContext { caps, config: &self.config, host: &self.host, processor };
        prepare::prepare(&mut domain, &context, &mut PretendedPorts)?;
        plan::build(&domain, caps, &self.config, &self.host, Monitor::Path)
    }
}

/// Completes and checks a domain that was read.
///
/// # Errors
/// Each refusal with libvirt's code.
pub fn complete(
    domain: &mut Domain,
    caps: &Capabilities,
    config: &Config,
    host: &Host,
    flags: ParseFlags,
) -> Result<()> {
    let policy = QemuPolicy { caps, config, host };
    let outcome = domain.fill(&policy, flags).and_then(|()| domain.validate(&policy));
    outcome.map_err(|error| name_unknown_machine(error, domain, caps))
}

/// libvirt refuses an unknown machine type by what it lacks, such as PCI buses: the hint tells what is really wrong.
fn name_unknown_machine(error: Error, domain: &Domain, caps: &Capabilities) -> Error {
    let Some(name) = domain.os.machine.as_deref() else { return error };
    if error.hint().is_some() || caps.machine(domain.virt_type, name).is_some() {
        return error;
    }
    let near = virt_types::did_you_mean(name, caps.machine_names(domain.virt_type));
    let near = near.map(|near| format!("; {near}")).unwrap_or_default();
    error.with_hint(format!("{} has no machine type '{name}'{near}", caps.binary))
}

/// The binary that runs a domain: the one it names, or the default one of its architecture.
///
/// # Errors
/// Where it names none, and there is none for its architecture.
pub fn emulator_of(
    domain: &Domain,
    host: Arch,
    default_emulator: impl FnOnce(Arch, Arch) -> Option<String>,
) -> Result<String> {
    if let Some(named) = &domain.emulator {
        return Ok(named.clone());
    }
    let guest = if domain.os.arch == Arch::None { host } else { domain.os.arch };
    default_emulator(host, guest).ok_or_else(|| {
        unsupported(format!("No emulator found for arch '{guest}'"))
            .with_hint("install QEMU for this architecture, or name its binary in <emulator>")
    })
}

/// libvirt's refusal of a domain type that a binary can not run, with the reason where it is known.
#[must_use]
pub fn refuse_virt_type(binary: &str, virt_type: VirtType, host: &Host) -> Error {
    let error = unsupported(format!("Emulator '{binary}' does not support virt type '{virt_type}'"));
    match (&host.kvm_refusal, virt_type) {
        (Some(refusal), VirtType::Kvm) => {
            error.caused_by(std::io::Error::other(refusal.reason.clone())).with_hint(refusal.hint.clone())
        }
        _ => error,
    }
}

fn cannot_read(path: &Path, error: std::io::Error) -> Error {
    let detail = format!("Cannot read {}", path.display());
    Error::new(ErrorCode::InternalError, ErrorDomain::Qemu, detail).caused_by(error)
}

/// The processor of a recorded host, as its capabilities tell it.
fn processor(dir: &Path) -> Result<Option<HostCpu>> {
    let path = dir.join("host/capabilities.xml");
    if !path.exists() {
        return Ok(None);
    }
    let text = std::fs::read_to_string(&path).map_err(|error| cannot_read(&path, error))?;
    let document = Document::parse(&text)?;
    let Some(cpu) = document.root().child("host").and_then(|host| host.child("cpu")) else { return Ok(None) };
    let counter = |el: virt_xml::Element<'_>| {
        let scaling = el.attr("scaling").map(|scaling| scaling == "yes");
        Some(TscCounter { frequency: el.attr("frequency")?.parse().ok()?, scaling })
    };
    Ok(Some(HostCpu {
        arch: cpu.child_text("arch").and_then(|arch| Arch::from_text(&arch)).unwrap_or_default(),
        model: cpu.child_text("model"),
        vendor: cpu.child_text("vendor"),
        tsc: cpu.child("counter").and_then(counter),
        features: cpu
            .children_named("feature")
            .filter_map(|feature| feature.attr("name").map(str::to_owned))
            .collect(),
        ..HostCpu::default()
    }))
}

/// What is defined beside the documents on a recorded host: networks and storage pools.
#[derive(Debug, Default)]
struct Environment(serde_json::Value);

impl Environment {
    fn read(dir: &Path) -> Result<Self> {
        let path = dir.join("environment.json");
        let failed = |error: std::io::Error| cannot_read(&path, error);
        if !path.exists() {
            return Ok(Self::default());
        }
        let text = std::fs::read(&path).map_err(failed)?;
        Ok(Self(serde_json::from_slice(&text).map_err(|error| failed(error.into()))?))
    }

    /// The host's address in each virtual network that has one.
    fn network_addresses(&self) -> Result<BTreeMap<String, String>> {
        let mut addresses = BTreeMap::new();
        let networks = self.0["networks"].as_array().into_iter().flatten();
        for xml in networks.filter_map(serde_json::Value::as_str) {
            let document = Document::parse(xml)?;
            let network = document.root();
            let address = network.child("ip").and_then(|ip| ip.attr("address"));
            if let (Some(name), Some(address)) = (network.child_text("name"), address) {
                addresses.insert(name, address.to_owned());
            }
        }
        Ok(addresses)
    }

    fn pools(&self) -> Result<Vec<HostPool>> {
        let pools = self.0["pools"].as_array().into_iter().flatten();
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        pools
            .map(|pool| {
                let kind = StoragePool::parse(&text(&pool["xml"]))?.kind;
                let (name, directory) = (text(&pool["name"]), text(&pool["path"]));
                let volume = |name: String| HostVolume { path: format!("{directory}/{name}"), name };
                let volumes = pool["volumes"].as_array().into_iter().flatten().map(text).map(volume);
                Ok(HostPool { name, kind, volumes: volumes.collect() })
            })
            .collect()
    }
}

#[derive(Debug)]
struct Recorded {
    dir: PathBuf,
    loaded: std::sync::Mutex<BTreeMap<String, Arc<Capabilities>>>,
}

impl CapabilitySource for Recorded {
    fn of_binary(&self, path: &str) -> Result<Arc<Capabilities>> {
        let poisoned =
            |_| Error::new(ErrorCode::InternalError, ErrorDomain::Qemu, "a reader of recordings failed");
        if let Some(caps) = self.loaded.lock().map_err(poisoned)?.get(path) {
            return Ok(Arc::clone(caps));
        }
        let missing = |detail: String| Error::new(ErrorCode::InternalError, ErrorDomain::Qemu, detail);
        let caps = recorded::load(&self.dir, path)
            .map_err(|error| {
                missing(format!("Cannot read the recordings in {}", self.dir.display())).caused_by(error)
            })?
            .ok_or_else(|| missing(format!("Cannot check QEMU binary {path}: No such file or directory")))?;
        let caps = Arc::new(caps);
        self.loaded.lock().map_err(poisoned)?.insert(path.to_owned(), Arc::clone(&caps));
        Ok(caps)
    }

    fn default_emulator(&self, _: Arch, guest: Arch) -> Option<String> {
        Some(format!("/usr/bin/qemu-system-{}", machine::target_of_arch(guest)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_binary_of_a_domain() {
        let installed = |_, guest: Arch| (guest == Arch::X86_64).then(|| "/opt/qemu".to_owned());
        for (arch, named, expected) in [
            ("", "", Ok("/opt/qemu")),
            ("arch='x86_64'", "", Ok("/opt/qemu")),
            ("arch='aarch64'", "", Err("unsupported configuration: No emulator found for arch 'aarch64'")),
            ("arch='aarch64'", "<devices><emulator>/opt/own</emulator></devices>", Ok("/opt/own")),
        ] {
            let xml = format!(
                "<domain type='kvm'><name>x</name><memory>65536</memory><os><type {arch}>hvm</type></os>{named}</domain>"
            );
            let domain = Domain::parse(&xml, ParseFlags::INACTIVE).unwrap();
            let found = emulator_of(&domain, Arch::X86_64, installed).map_err(|error| {
                assert_eq!(error.code(), ErrorCode::ConfigUnsupported);
                error.to_string()
            });
            assert_eq!(found.as_deref().map_err(String::as_str), expected, "{arch} {named}");
        }
    }
}
