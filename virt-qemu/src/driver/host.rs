//! What of the host is asked for by clients.

use std::sync::{Arc, OnceLock};

use virt_conf::capabilities::HostCpu;
use virt_cpu::Description;
use virt_driver::{CpuComparison, NodeInfo, NodeStat};
use virt_host::{Root, cpu, memory};
use virt_types::{Arch, Error, ErrorCode, ErrorDomain, Result, TextEnum};

use crate::prepare::cpu::of_processor;

/// `VIR_CONNECT_COMPARE_CPU_FAIL_INCOMPATIBLE`
pub(super) const FAIL_INCOMPATIBLE: u32 = 1;
/// `VIR_CONNECT_COMPARE_CPU_VALIDATE_XML`
pub(super) const VALIDATE: u32 = 2;
/// `VIR_CONNECT_BASELINE_CPU_EXPAND_FEATURES`
pub(super) const EXPAND: u32 = 1;
/// `VIR_CONNECT_BASELINE_CPU_MIGRATABLE`
pub(super) const MIGRATABLE: u32 = 2;

/// Asks the host something for which files are read, on a thread that may wait for them.
///
/// # Errors
/// What the host answers.
pub(super) async fn ask<T: Send + 'static>(
    question: impl FnOnce(&Root) -> virt_host::Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(move || question(&Root::host())).await {
        Ok(answer) => answer.map_err(Error::from),
        Err(error) => {
            let detail = "the host could not be asked";
            Err(Error::new(ErrorCode::InternalError, ErrorDomain::Qemu, detail).caused_by(error))
        }
    }
}

/// No binary is installed that runs guests of the architecture.
pub(super) fn no_emulator(arch: Arch) -> Error {
    let detail = format!("unable to find any emulator to serve '{arch}' architecture");
    Error::new(ErrorCode::ConfigUnsupported, ErrorDomain::Qemu, detail)
        .with_hint("install QEMU for this architecture, such as the package qemu-system")
}

/// KVM can not be asked.
pub(super) fn no_kvm() -> Error {
    let detail = "Unable to open /dev/kvm";
    let error = Error::new(ErrorCode::SystemError, ErrorDomain::None, detail);
    match crate::host::kvm_refusal() {
        Some(refusal) => error.with_hint(refusal.hint),
        None => error,
    }
}

/// Refuses flags other than these.
///
/// # Errors
/// `VIR_ERR_INVALID_ARG`
pub(super) fn only_flags(flags: u32, known: u32, call: &str) -> Result<()> {
    match flags & !known {
        0 => Ok(()),
        unknown => {
            let detail = format!("unsupported flags (0x{unknown:x}) in function {call}");
            Err(Error::new(ErrorCode::InvalidArg, ErrorDomain::Qemu, detail).verbatim())
        }
    }
}

/// The host's CPU, which is looked at once: asking KVM for its clock makes a virtual machine.
pub(crate) async fn host_cpu(arch: Arch) -> Result<Arc<HostCpu>> {
    static KNOWN: OnceLock<Arc<HostCpu>> = OnceLock::new();
    if let Some(known) = KNOWN.get() {
        return Ok(Arc::clone(known));
    }
    let found = ask(move |root| {
        let info = cpu::info(root, arch)?;
        cpu::identify(root, arch, &info, cpu::Probe::of_this_host().as_ref())
    });
    let found = Arc::new(found.await?);
    Ok(Arc::clone(KNOWN.get_or_init(|| found)))
}

pub(super) async fn node_info(arch: Arch) -> Result<NodeInfo> {
    ask(move |root| {
        let cpu::Info { cpus, mhz, nodes, sockets, cores, threads } = cpu::info(root, arch)?;
        let memory = memory::total(root)? / 1024;
        Ok(NodeInfo { model: arch.text().to_owned(), memory, cpus, mhz, nodes, sockets, cores, threads })
    })
    .await
}

pub(super) async fn cpu_stats(cpu: i32, flags: u32) -> Result<Vec<NodeStat>> {
    let times = ask(move |root| cpu::times(root, cpu, flags)).await?;
    let named =
        [("kernel", times.kernel), ("user", times.user), ("idle", times.idle), ("iowait", times.iowait)];
    Ok(named.into_iter().map(stat).collect())
}

pub(super) async fn memory_stats(cell: i32, flags: u32) -> Result<Vec<NodeStat>> {
    let figures = ask(move |root| memory::stats(root, cell, flags)).await?;
    Ok(figures.into_iter().map(stat).collect())
}

fn stat((field, value): (&str, u64)) -> NodeStat {
    NodeStat { field: field.to_owned(), value }
}

pub(super) async fn compare(arch: Arch, xml: &str, flags: u32) -> Result<CpuComparison> {
    only_flags(flags, FAIL_INCOMPATIBLE | VALIDATE, "qemuConnectCompareCPU")?;
    let host = of_processor(&*host_cpu(arch).await?);
    compare_with(arch, host.as_ref(), xml, flags)
}

/// Compares a document with a CPU.
///
/// # Errors
/// `VIR_ERR_CPU_INCOMPATIBLE` with the flag; for documents, models and features that are wrong.
pub(super) fn compare_with(
    arch: Arch,
    host: Option<&Description>,
    xml: &str,
    flags: u32,
) -> Result<CpuComparison> {
    let wanted = Description::parse(xml).map_err(|error| of_cpu(&error))?;
    let found = virt_cpu::compare(arch, host, &wanted, flags & FAIL_INCOMPATIBLE != 0)?;
    comparison(found, flags)
}

/// How CPUs compare, as a client is told.
///
/// # Errors
/// `VIR_ERR_CPU_INCOMPATIBLE` with the flag, where they do not go together.
pub(super) fn comparison(found: virt_cpu::Comparison, flags: u32) -> Result<CpuComparison> {
    match found {
        virt_cpu::Comparison::Incompatible if flags & FAIL_INCOMPATIBLE != 0 => {
            Err(virt_cpu::Error::HostDiffers(String::new()).into())
        }
        virt_cpu::Comparison::Incompatible => Ok(CpuComparison::Incompatible),
        virt_cpu::Comparison::Identical => Ok(CpuComparison::Identical),
        virt_cpu::Comparison::Superset => Ok(CpuComparison::Superset),
    }
}

/// The same refusal, as of a CPU's document rather than a domain's.
pub(super) fn of_cpu(error: &Error) -> Error {
    let domain = match error.domain() {
        ErrorDomain::Domain | ErrorDomain::Xml => ErrorDomain::Cpu,
        other => other,
    };
    let renamed = Error::new(error.code(), domain, error.detail());
    match error.place() {
        Some(place) => renamed.at(place.clone()),
        None => renamed,
    }
}

/// Refuses to find a baseline of no CPUs.
///
/// # Errors
/// `VIR_ERR_INVALID_ARG`
pub(super) fn some_cpus(xmls: &[String], call: &str) -> Result<()> {
    if xmls.is_empty() {
        let detail = format!("xmlCPUs in {call} must not be NULL");
        return Err(Error::new(ErrorCode::InvalidArg, ErrorDomain::Domain, detail).verbatim());
    }
    Ok(())
}

pub(crate) fn baseline(xmls: &[String], flags: u32) -> Result<String> {
    some_cpus(xmls, "virConnectBaselineCPU")?;
    only_flags(flags, EXPAND | MIGRATABLE, "qemuConnectBaselineCPU")?;
    let cpus: Vec<Description> = xmls
        .iter()
        .map(|xml| Description::parse_host(xml).map_err(|error| of_cpu(&error)))
        .collect::<Result<_>>()?;
    let arch = cpus.first().map_or(Arch::None, |cpu| cpu.arch);
    let mut cpu = virt_cpu::baseline(arch, &cpus, flags & MIGRATABLE != 0)?;
    if arch.is_x86() {
        virt_cpu::drop_host_features(&mut cpu);
    }
    if flags & EXPAND != 0 {
        virt_cpu::expand(arch, &mut cpu)?;
    }
    Ok(cpu.to_xml())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_stock_libvirts() {
        let flags = baseline(&["<cpu/>".to_owned()], 8).unwrap_err();
        assert_eq!(flags.to_string(), "unsupported flags (0x8) in function qemuConnectBaselineCPU");
        for (xml, code, domain) in [
            ("<domain/>", ErrorCode::XmlError, ErrorDomain::Cpu),
            ("<cpu><arch>riscv64</arch><model>x</model></cpu>", ErrorCode::NoSupport, ErrorDomain::Cpu),
            (
                "<cpu><arch>x86_64</arch><model>nosuch</model></cpu>",
                ErrorCode::InternalError,
                ErrorDomain::Cpu,
            ),
        ] {
            let error = baseline(&[xml.to_owned()], 0).unwrap_err();
            assert_eq!((error.code(), error.domain()), (code, domain), "{xml}: {error}");
        }
    }

    #[tokio::test]
    async fn this_hosts_cpu_is_itself() {
        let arch = Arch::from_text(&virt_sys::host::machine()).unwrap();
        let cpu = host_cpu(arch).await.unwrap();
        if cpu.model.is_none() {
            return;
        }
        assert_eq!(compare(arch, &cpu.to_xml(), FAIL_INCOMPATIBLE).await.unwrap(), CpuComparison::Identical);
    }
}
