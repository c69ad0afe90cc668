//! A line that tells processors apart whose guests could have different features.

use virt_types::Arch;

use crate::{Result, Root};

/// Such a line, of the first processor in `/proc/cpuinfo`; absent where an architecture's processors are not told apart, or
/// the kernel does not tell enough.
///
/// # Errors
/// Where the file can not be read.
pub fn signature(root: &Root, arch: Arch) -> Result<Option<String>> {
    Ok(root.text("/proc/cpuinfo")?.and_then(|cpuinfo| of(&cpuinfo, arch)))
}

fn of(cpuinfo: &str, arch: Arch) -> Option<String> {
    let value = |key: &str| {
        let pairs = cpuinfo.lines().filter_map(|line| line.split_once(": "));
        pairs
            .map(|(name, value)| (name.trim(), value.trim()))
            .find(|(name, _)| *name == key)
            .map(|(_, value)| value)
    };
    if arch.is_x86() {
        let (vendor, name) = (value("vendor_id")?, value("model name")?);
        let (family, model, stepping) = (value("cpu family")?, value("model")?, value("stepping")?);
        return Some(format!("{vendor}, {name}, family: {family}, model: {model}, stepping: {stepping}"));
    }
    if arch.is_ppc64() {
        return Some(format!("{}, rev {}", value("cpu")?, value("revision")?));
    }
    if arch.is_s390() {
        let (vendor, processor) = (value("vendor_id")?, value("processor 0")?);
        return Some(format!("{vendor}, {processor}, facilities: {}", value("facilities")?));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_are_told_apart() {
        let x86 = "vendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 1\nmodel name\t: EPYC: the third\nstepping\t: 1\n\nmodel\t: 2\n";
        let line = "AuthenticAMD, EPYC: the third, family: 25, model: 1, stepping: 1";
        assert_eq!(of(x86, Arch::X86_64).as_deref(), Some(line));
        assert_eq!(of("vendor_id : AuthenticAMD\n", Arch::X86_64), None);
        let power = "processor\t: 0\ncpu\t\t: POWER9, altivec supported\nrevision\t: 2.2 (pvr 004e 1202)\n";
        let line = "POWER9, altivec supported, rev 2.2 (pvr 004e 1202)";
        assert_eq!(of(power, Arch::Ppc64le).as_deref(), Some(line));
        assert_eq!(of(x86, Arch::Aarch64), None);
    }
}
