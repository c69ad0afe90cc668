//! Calls on the hypervisor and its host.

use virt_driver::{BoxFuture, Hypervisor, NodeInfo};
use virt_types::{Error, ErrorCode, ErrorDomain, Result, TextEnum};

use super::QemuConnection;
use super::domains::no_flags;
use crate::caps::machine::target_of_arch;

/// The release of the API whose features are there: libvirt 9.0.0.
const API_VERSION: u64 = 9_000_000;

impl Hypervisor for QemuConnection {
    fn type_name(&self) -> BoxFuture<'_, Result<String>> {
        Box::pin(async { Ok("QEMU".to_owned()) })
    }

    fn version(&self) -> BoxFuture<'_, Result<u64>> {
        Box::pin(async {
            let arch = self.backend.host().arch;
            let binary = format!("/usr/bin/qemu-system-{}", target_of_arch(arch));
            Ok(u64::from(self.backend.capabilities_of(&binary).await?.version))
        })
    }

    fn lib_version(&self) -> BoxFuture<'_, Result<u64>> {
        Box::pin(async { Ok(API_VERSION) })
    }

    fn hostname(&self) -> BoxFuture<'_, Result<String>> {
        Box::pin(async { Ok(virt_sys::host::hostname()) })
    }

    fn uri(&self) -> BoxFuture<'_, Result<String>> {
        Box::pin(async { Ok(self.uri.clone()) })
    }

    fn max_vcpus<'a>(&'a self, virt_type: Option<&'a str>) -> BoxFuture<'a, Result<u32>> {
        Box::pin(async move {
            match virt_type {
                None | Some("qemu") => Ok(16),
                // The kernel's limit for one virtual machine (KVM_MAX_VCPUS of x86).
                Some("kvm") => Ok(1024),
                Some(other) => {
                    let detail = format!("unknown type '{other}'");
                    Err(Error::new(ErrorCode::InvalidArg, ErrorDomain::Qemu, detail))
                }
            }
        })
    }

    fn node_info(&self) -> BoxFuture<'_, Result<NodeInfo>> {
        Box::pin(async {
            let host = self.backend.host();
            let nodes = u32::try_from(host.numa_nodes.len()).unwrap_or(1).max(1);
            Ok(NodeInfo {
                model: host.arch.text().to_owned(),
                memory: host.memory,
                cpus: host.cpus,
                mhz: 0,
                nodes,
                sockets: 1,
                cores: host.cpus / nodes,
                threads: 1,
            })
        })
    }

    fn is_alive(&self) -> BoxFuture<'_, Result<bool>> {
        Box::pin(async { Ok(true) })
    }

    fn is_encrypted(&self) -> BoxFuture<'_, Result<bool>> {
        Box::pin(async { Ok(false) })
    }

    fn is_secure(&self) -> BoxFuture<'_, Result<bool>> {
        // Nothing leaves this process.
        Box::pin(async { Ok(true) })
    }

    fn domain_xml_to_native<'a>(
        &'a self,
        format: &'a str,
        xml: &'a str,
        flags: u32,
    ) -> BoxFuture<'a, Result<String>> {
        Box::pin(async move {
            no_flags(flags, "qemuConnectDomainXMLToNative")?;
            if format != "qemu-argv" {
                let detail = format!("unsupported config type {format}");
                return Err(Error::new(ErrorCode::InvalidArg, ErrorDomain::Qemu, detail));
            }
            Ok(self.backend.plan(xml).await?.to_shell())
        })
    }
}
