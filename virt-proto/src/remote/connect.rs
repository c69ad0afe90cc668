// tidy: table
//! Connections.

use virt_types::TypedParams;

use crate::remote::{CONNECT_CPU_MODELS_MAX, CONNECT_IDENTITY_PARAMS_MAX, CPU_BASELINE_MAX, PROGRAM};
use crate::table::procedures;

procedures! { PROGRAM:
    /// Opens the driver that the name asks for; most other calls need it first.
    1 ConnectOpen "virConnectOpen" {
        args ConnectOpenArgs { name: Option<String>, flags: u32 }
        priority High
        access [Connect.getattr]
        since "<=1.2.7"
    }

    /// Closes the driver. The server answers, then closes the connection.
    2 ConnectClose "virConnectClose" {
        priority High
        since "<=1.2.7"
    }

    /// Names the driver, such as `QEMU`.
    3 ConnectGetType "virConnectGetType" {
        reply ConnectGetTypeRet { kind: String }
        priority High
        access [Connect.getattr]
        since "<=1.2.7"
    }

    /// Version of the hypervisor, as major * 1000000 + minor * 1000 + release.
    4 ConnectGetVersion "virConnectGetVersion" {
        reply ConnectGetVersionRet { hv_ver: u64 }
        priority High
        access [Connect.getattr]
        since "<=1.2.7"
    }

    /// The most virtual CPUs that a guest of this kind can have.
    5 ConnectGetMaxVcpus "virConnectGetMaxVcpus" {
        args ConnectGetMaxVcpusArgs { kind: Option<String> }
        reply ConnectGetMaxVcpusRet { max_vcpus: i32 }
        priority High
        access [Connect.read]
        since "<=1.2.7"
    }

    /// The host and the guests that it can run, as a document.
    7 ConnectGetCapabilities "virConnectGetCapabilities" {
        reply ConnectGetCapabilitiesRet { capabilities: String }
        access [Connect.read]
        since "<=1.2.7"
    }

    /// The host's name.
    59 ConnectGetHostname "virConnectGetHostname" {
        reply ConnectGetHostnameRet { hostname: String }
        priority High
        access [Connect.getattr]
        since "<=1.2.7"
    }

    /// Whether the server can do something. Clients ask before the driver is open, too.
    60 ConnectSupportsFeature "virConnectSupportsFeature" {
        args ConnectSupportsFeatureArgs { feature: i32 }
        reply ConnectSupportsFeatureRet { supported: i32 }
        priority High
        access [Connect.getattr]
        since "<=1.2.7"
    }

    /// The URI of the driver as the server sees it.
    110 ConnectGetUri "virConnectGetURI" {
        reply ConnectGetUriRet { uri: String }
        priority High
        access [Connect.getattr]
        since "<=1.2.7"
    }

    /// Whether what goes over the connection cannot be read by others.
    149 ConnectIsSecure "virConnectIsSecure" {
        reply ConnectIsSecureRet { secure: i32 }
        priority High
        since "<=1.2.7"
    }

    /// The server's own version, in the form of the hypervisor's.
    157 ConnectGetLibVersion "virConnectGetLibVersion" {
        reply ConnectGetLibVersionRet { lib_ver: u64 }
        priority High
        access [Connect.getattr]
        since "<=1.2.7"
    }

    /// Compares a CPU document with the host's CPU.
    158 ConnectCompareCpu "virConnectCompareCPU" {
        args ConnectCompareCpuArgs { xml: String, flags: u32 }
        reply ConnectCompareCpuRet { result: i32 }
        priority High
        access [Connect.read]
        since "<=1.2.7"
    }

    /// The richest CPU that all of the given ones can provide.
    162 ConnectBaselineCpu "virConnectBaselineCPU" {
        args ConnectBaselineCpuArgs { xml_cpus: Vec<String>[CPU_BASELINE_MAX], flags: u32 }
        reply ConnectBaselineCpuRet { cpu: String }
        access [Connect.read]
        since "<=1.2.7"
    }

    /// The host's SMBIOS information, as a document.
    203 ConnectGetSysinfo "virConnectGetSysinfo" {
        args ConnectGetSysinfoArgs { flags: u32 }
        reply ConnectGetSysinfoRet { sysinfo: String }
        priority High
        access [Connect.read]
        since "<=1.2.7"
    }

    /// The CPU models that are known for an architecture.
    312 ConnectGetCpuModelNames "virConnectGetCPUModelNames" {
        args ConnectGetCpuModelNamesArgs { arch: String, need_results: i32, flags: u32 }
        reply ConnectGetCpuModelNamesRet { models: Vec<String>[CONNECT_CPU_MODELS_MAX], ret: i32 }
        access [Connect.read]
        since "<=1.2.7"
    }

    /// Compares a CPU document with the CPU that a hypervisor can offer.
    393 ConnectCompareHypervisorCpu "virConnectCompareHypervisorCPU" {
        args ConnectCompareHypervisorCpuArgs {
            emulator: Option<String>, arch: Option<String>, machine: Option<String>, virttype: Option<String>,
            xml_cpu: String, flags: u32,
        }
        reply ConnectCompareHypervisorCpuRet { result: i32 }
        access [Connect.write]
        since "4.5.0"
    }

    /// The richest CPU that all of the given ones can provide under a hypervisor.
    394 ConnectBaselineHypervisorCpu "virConnectBaselineHypervisorCPU" {
        args ConnectBaselineHypervisorCpuArgs {
            emulator: Option<String>, arch: Option<String>, machine: Option<String>, virttype: Option<String>,
            xml_cpus: Vec<String>[CPU_BASELINE_MAX], flags: u32,
        }
        reply ConnectBaselineHypervisorCpuRet { cpu: String }
        access [Connect.write]
        since "4.5.0"
    }

    /// Says on whose behalf a daemon calls; for connections between daemons.
    419 ConnectSetIdentity "virConnectSetIdentity" {
        args ConnectSetIdentityArgs { params: TypedParams[CONNECT_IDENTITY_PARAMS_MAX], flags: u32 }
        write Never
        access [Connect.write]
        since "6.6.0"
    }
}
