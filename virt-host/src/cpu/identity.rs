//! What the host's processors are.

use virt_conf::capabilities::{HostCpu, Signature, TscCounter};
use virt_conf::domain::{Cpu, MaxPhysAddr, MaxPhysAddrMode, Topology};
use virt_cpu::x86::{Choice, CpuData, Leaf};
use virt_cpu::{arm, power};
use virt_types::Arch;

use super::Info;
use crate::{Result, Root};

/// IA32_ARCH_CAPABILITIES: which flaws the processor has not.
const ARCH_CAPABILITIES: u32 = 0x10a;

/// What only the processor itself and KVM tell, where the kernel's files do not.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Probe {
    /// CPUID, and the registers that tell of features.
    pub data: CpuData,
    /// The time stamp counter; absent where KVM can not be asked.
    pub tsc: Option<TscCounter>,
}

impl Probe {
    /// Asks the processor that this runs on; `None` where it has no CPUID.
    #[must_use]
    pub fn of_this_host() -> Option<Self> {
        let mut data = CpuData::default();
        for (eax, ecx, registers) in virt_sys::cpuid::leaves()? {
            data.set(Leaf::Cpuid(eax, ecx), registers);
        }
        if data.has_feature("arch-capabilities")
            && let Some(value) = virt_sys::kvm::msr(ARCH_CAPABILITIES)
        {
            data.set(Leaf::Msr(ARCH_CAPABILITIES), [value as u32, 0, 0, (value >> 32) as u32]);
        }
        let counter = |tsc: virt_sys::kvm::Tsc| TscCounter { frequency: tsc.frequency, scaling: tsc.scaling };
        // A counter that changes its speed has no frequency.
        let tsc = if data.has_feature("invtsc") { virt_sys::kvm::tsc().map(counter) } else { None };
        Some(Self { data, tsc })
    }
}

/// The processor as capabilities tell it: x86 by CPUID, POWER and ARM by what the kernel tells of their registers. Of one that no
/// model fits, the architecture is all.
///
/// # Errors
/// Where the kernel's files can not be read.
pub fn identify(root: &Root, arch: Arch, info: &Info, probe: Option<&Probe>) -> Result<HostCpu> {
    let mut cpu = HostCpu { arch, page_sizes: crate::memory::page_sizes(root)?, ..HostCpu::default() };
    if !arch.is_x86() {
        let topology = Topology { sockets: info.sockets, dies: 1, cores: info.cores, threads: info.threads };
        if let Some(known) = by_register(&root.text("/proc/cpuinfo")?.unwrap_or_default(), arch) {
            cpu.model = known.model;
            cpu.vendor = known.vendor;
            cpu.features = known.features.into_iter().map(|feature| feature.name).collect();
            cpu.topology = Some(topology);
        }
        return Ok(cpu);
    }
    let Some(probe) = probe else { return Ok(cpu) };
    let Ok(decoded) = probe.data.decode(Choice { host: true, ..Choice::default() }) else { return Ok(cpu) };
    let cpuinfo = root.text("/proc/cpuinfo")?.unwrap_or_default();
    let signature = |(family, model, stepping)| Signature { family, model, stepping };
    let emulated = |bits| MaxPhysAddr { mode: MaxPhysAddrMode::Emulate, bits: Some(bits), limit: None };
    cpu.model = Some(decoded.model);
    cpu.vendor = decoded.vendor.map(str::to_owned);
    cpu.features = decoded.features.into_iter().map(|feature| feature.name).collect();
    cpu.signature = decoded.signature.map(signature);
    cpu.microcode = microcode(&cpuinfo);
    cpu.tsc = probe.tsc;
    cpu.maxphysaddr = physical_address_bits(&cpuinfo).map(emulated);
    cpu.topology =
        Some(Topology { sockets: info.sockets, dies: 1, cores: info.cores, threads: info.threads });
    Ok(cpu)
}

/// The CPU by its version register, as `/proc/cpuinfo` has it.
fn by_register(cpuinfo: &str, arch: Arch) -> Option<Cpu> {
    if arch.is_ppc64() {
        let (_, version) = value(cpuinfo, "revision")?.split_once("(pvr ")?;
        let digits = version.trim_end_matches(')').replace(' ', "");
        let (model, vendor) = power::decode(u32::from_str_radix(&digits, 16).ok()?, None).ok()?;
        return Some(Cpu {
            model: Some(model.to_owned()),
            vendor: Some(vendor.to_owned()),
            ..Cpu::default()
        });
    }
    if !arch.is_arm() {
        return None;
    }
    let number = |key| u64::from_str_radix(value(cpuinfo, key)?.strip_prefix("0x")?, 16).ok();
    let register = number("CPU implementer")? << 24 | number("CPU part")? << 4;
    arm::decode(register, value(cpuinfo, "Features")?.split(' '), None).ok()
}

/// The revision of the microcode, as `/proc/cpuinfo` has it.
fn microcode(cpuinfo: &str) -> Option<u32> {
    let text = value(cpuinfo, "microcode")?;
    u32::from_str_radix(text.strip_prefix("0x")?, 16).ok().filter(|version| *version > 0)
}

/// How many bits a physical address has, as `/proc/cpuinfo` tells it.
#[must_use]
pub fn physical_address_bits(cpuinfo: &str) -> Option<u32> {
    value(cpuinfo, "address sizes")?.split(' ').next()?.parse().ok()
}

fn value<'a>(cpuinfo: &'a str, key: &str) -> Option<&'a str> {
    cpuinfo.lines().find_map(|line| Some(line.strip_prefix(key)?.trim_start().strip_prefix(':')?.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpuinfo_is_read() {
        let text =
            "processor\t: 0\nmicrocode\t: 0x1000041\naddress sizes\t: 48 bits physical, 57 bits virtual\n";
        assert_eq!(microcode(text), Some(0x0100_0041));
        assert_eq!(physical_address_bits(text), Some(48));
        assert_eq!(microcode("microcode : none"), None);
    }

    #[test]
    fn registers_are_read_from_cpuinfo() {
        let power =
            "processor\t: 0\ncpu\t\t: POWER8E (raw), altivec supported\nrevision\t: 2.1 (pvr 004b 0201)\n";
        let cpu = by_register(power, Arch::Ppc64le).unwrap();
        assert_eq!((cpu.model.as_deref(), cpu.vendor.as_deref()), (Some("POWER8"), Some("IBM")));
        let arm = "processor\t: 0\nFeatures\t: fp asimd sve2\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n";
        let cpu = by_register(arm, Arch::Aarch64).unwrap();
        assert_eq!((cpu.model.as_deref(), cpu.features.len()), (Some("Neoverse-N1"), 2));
        assert!(by_register("Features : fp\n", Arch::Aarch64).is_none());
    }

    #[test]
    fn this_host_is_something() {
        if !cfg!(target_arch = "x86_64") {
            return;
        }
        let root = Root::host();
        let info = super::super::info(&root, Arch::X86_64).unwrap();
        let cpu = identify(&root, Arch::X86_64, &info, Probe::of_this_host().as_ref()).unwrap();
        assert!(cpu.signature.is_some_and(|signature| signature.family > 0), "{cpu:?}");
        assert!(cpu.page_sizes.contains(&4), "{cpu:?}");
    }
}
