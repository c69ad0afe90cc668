//! What the container driver decides where a document is silent, and what it refuses.

use virt_conf::domain::device::ConsoleTarget;
use virt_conf::domain::passes::PolicyFeatures;
use virt_conf::domain::{DeviceMut, Domain, OsType, Policy, Seclabel, VirtType};
use virt_conf::{FormatFlags, ParseFlags, Result};
use virt_types::{Arch, Error, ErrorCode, ErrorDomain};

/// The container driver's policy on one host.
#[derive(Debug, Clone)]
pub struct LxcPolicy {
    /// The host's architecture.
    pub arch: Arch,
    /// The program that stands between a container and the host.
    pub emulator: String,
    /// The first security driver of the host; `none` where it has none.
    pub security_model: String,
}

impl Default for LxcPolicy {
    fn default() -> Self {
        Self {
            arch: Arch::X86_64,
            emulator: "/usr/lib/libvirt/libvirt_lxc".to_owned(),
            security_model: "none".to_owned(),
        }
    }
}

impl LxcPolicy {
    /// The 32-bit architecture whose programs the host's kernel runs as well.
    const fn narrow_arch(&self) -> Arch {
        match self.arch {
            Arch::X86_64 => Arch::I686,
            Arch::S390x => Arch::S390,
            Arch::Ppc64 => Arch::Ppc,
            Arch::Mips64 => Arch::Mips,
            Arch::Sparc64 => Arch::Sparc,
            Arch::Parisc64 => Arch::Parisc,
            Arch::Aarch64 => Arch::Armv7l,
            _ => Arch::None,
        }
    }

    /// Whether programs of this architecture run here; a document that names none means the host's.
    fn runs(&self, arch: Arch) -> bool {
        arch == Arch::None || arch == self.arch || arch == self.narrow_arch()
    }

    /// Reads, completes and checks a document.
    ///
    /// # Errors
    /// Each refusal with libvirt's code, and the place where there is one.
    pub fn define(&self, xml: &str, flags: ParseFlags) -> Result<Domain> {
        let mut domain = Domain::parse(xml, flags)?;
        domain.fill(self, flags)?;
        domain.validate(self)?;
        Ok(domain)
    }

    /// The document's canonical form, as a definition gives it back.
    ///
    /// # Errors
    /// As [`LxcPolicy::define`].
    pub fn canonical(&self, xml: &str) -> Result<String> {
        Ok(self.define(xml, ParseFlags::INACTIVE)?.format(FormatFlags::INACTIVE | FormatFlags::SECURE))
    }
}

impl Policy for LxcPolicy {
    fn features(&self) -> PolicyFeatures {
        PolicyFeatures::empty()
    }

    fn begin(&self, domain: &mut Domain, flags: ParseFlags) -> Result<()> {
        let (os, arch, kind) = (domain.os.os_type, domain.os.arch, domain.virt_type);
        if os != OsType::Exe || kind != VirtType::Lxc || !self.runs(arch) {
            let arch = if arch == Arch::None { String::new() } else { format!(" arch={arch}") };
            let detail = format!("could not find capabilities for ostype={os}{arch} domaintype={kind}");
            return Err(Error::new(ErrorCode::InvalidArg, ErrorDomain::Capabilities, detail));
        }
        Seclabel::complete_model(&mut domain.seclabels, &self.security_model, flags)?;
        domain.emulator.get_or_insert_with(|| self.emulator.clone());
        Ok(())
    }

    fn device(&self, device: &mut DeviceMut<'_>, _domain: &Domain, _flags: ParseFlags) -> Result<()> {
        if let DeviceMut::Console(console) = device
            && console.target == ConsoleTarget::None
        {
            console.target = ConsoleTarget::Lxc;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(inner: &str) -> Result<String> {
        let xml = format!("<domain type='lxc'><name>c</name><memory unit='MiB'>64</memory>{inner}</domain>");
        LxcPolicy::default().canonical(&xml)
    }

    #[test]
    fn what_is_left_open_is_the_drivers() {
        let xml = canonical(
            "<os><type>exe</type><init>/bin/sh</init></os><devices><console type='pty'/></devices><seclabel type='none'/>",
        )
        .unwrap();
        for part in [
            "<emulator>/usr/lib/libvirt/libvirt_lxc</emulator>",
            "<target type='lxc' port='0'/>",
            "<seclabel type='none' model='none'/>",
        ] {
            assert!(xml.contains(part), "{part} in {xml}");
        }
        assert_eq!(LxcPolicy::default().canonical(&xml).unwrap(), xml);
    }

    #[test]
    fn what_is_no_container_of_this_host_is_refused() {
        for (os, expected) in [
            ("<os><type>hvm</type></os>", "ostype=hvm domaintype=lxc"),
            ("<os><type arch='s390x'>exe</type></os>", "ostype=exe arch=s390x domaintype=lxc"),
        ] {
            let error = canonical(os).unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidArg);
            assert!(error.to_string().ends_with(expected), "{error}");
        }
        assert!(canonical("<os><type arch='i686'>exe</type></os>").is_ok());
    }
}
