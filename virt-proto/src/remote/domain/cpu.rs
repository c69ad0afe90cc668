// tidy: table
//! Virtual CPUs, and on which CPUs of the host the threads of a domain may run.

use virt_types::TypedParams;

use crate::remote::{
    CPUMAP_MAX, CPUMAPS_MAX, DOMAIN_GET_CPU_STATS_MAX, DOMAIN_GUEST_VCPU_PARAMS_MAX,
    DOMAIN_IOTHREAD_PARAMS_MAX, Domain, IOTHREAD_INFO_MAX, PROGRAM, VCPUINFO_MAX,
};
use crate::table::procedures;
use crate::xdr::xdr_struct;

xdr_struct! {
    /// State, time and placement of a virtual CPU.
    VcpuInfo { number: u32, state: i32, cpu_time: u64, cpu: i32 }

    /// An I/O thread and where it may run.
    DomainIothreadInfo { iothread_id: u32, cpumap: Vec<u8>[CPUMAP_MAX] }
}

procedures! { PROGRAM:
    /// The most virtual CPUs that the domain can have.
    18 DomainGetMaxVcpus "virDomainGetMaxVcpus" {
        args DomainGetMaxVcpusArgs { dom: Domain }
        reply DomainGetMaxVcpusRet { num: i32 }
        priority High
        access [Domain.read]
        since "<=1.2.7"
    }

    /// State, time and placement of each virtual CPU.
    20 DomainGetVcpus "virDomainGetVcpus" {
        args DomainGetVcpusArgs { dom: Domain, maxinfo: i32, maplen: i32 }
        reply DomainGetVcpusRet { info: Vec<VcpuInfo>[VCPUINFO_MAX], cpumaps: Vec<u8>[CPUMAPS_MAX] }
        priority High
        access [Domain.read]
        since "<=1.2.7"
    }

    /// Lets a virtual CPU of a running domain run on some CPUs of the host only.
    26 DomainPinVcpu "virDomainPinVcpu" {
        args DomainPinVcpuArgs { dom: Domain, vcpu: u32, cpumap: Vec<u8>[CPUMAP_MAX] }
        access [Domain.write]
        since "<=1.2.7"
    }

    /// Sets the number of virtual CPUs of a running domain.
    32 DomainSetVcpus "virDomainSetVcpus" {
        args DomainSetVcpusArgs { dom: Domain, nvcpus: u32 }
        access [Domain.write]
        since "<=1.2.7"
    }

    /// Sets the number of virtual CPUs, now, at the next start, or the most there can be.
    199 DomainSetVcpusFlags "virDomainSetVcpusFlags" {
        args DomainSetVcpusFlagsArgs { dom: Domain, nvcpus: u32, flags: u32 }
        access [
            Domain.write,
            Domain.save unless DOMAIN_CONFIG_OR_LIVE,
            Domain.save if DOMAIN_CONFIG,
            Domain.write if VCPU_GUEST,
        ]
        since "<=1.2.7"
    }

    /// The number of virtual CPUs, now, at the next start, or the most there can be.
    200 DomainGetVcpusFlags "virDomainGetVcpusFlags" {
        args DomainGetVcpusFlagsArgs { dom: Domain, flags: u32 }
        reply DomainGetVcpusFlagsRet { num: i32 }
        access [Domain.read, Domain.write if VCPU_GUEST]
        since "<=1.2.7"
    }

    /// Lets a virtual CPU run on some CPUs of the host only, now or at the next start.
    225 DomainPinVcpuFlags "virDomainPinVcpuFlags" {
        args DomainPinVcpuFlagsArgs { dom: Domain, vcpu: u32, cpumap: Vec<u8>[CPUMAP_MAX], flags: u32 }
        access [Domain.write, Domain.save unless DOMAIN_CONFIG_OR_LIVE, Domain.save if DOMAIN_CONFIG]
        since "<=1.2.7"
    }

    /// On which CPUs of the host each virtual CPU may run.
    230 DomainGetVcpuPinInfo "virDomainGetVcpuPinInfo" {
        args DomainGetVcpuPinInfoArgs { dom: Domain, ncpumaps: i32, maplen: i32, flags: u32 }
        reply DomainGetVcpuPinInfoRet { cpumaps: Vec<u8>[CPUMAPS_MAX], num: i32 }
        access [Domain.read]
        since "<=1.2.7"
    }

    /// Times that the domain has spent on the host's CPUs, in nanoseconds.
    262 DomainGetCpuStats "virDomainGetCPUStats" {
        args DomainGetCpuStatsArgs { dom: Domain, nparams: u32, start_cpu: i32, ncpus: u32, flags: u32 }
        reply DomainGetCpuStatsRet { params: TypedParams[DOMAIN_GET_CPU_STATS_MAX], nparams: i32 }
        access [Domain.read]
        since "<=1.2.7"
    }

    /// Lets the emulator's threads run on some CPUs of the host only.
    279 DomainPinEmulator "virDomainPinEmulator" {
        args DomainPinEmulatorArgs { dom: Domain, cpumap: Vec<u8>[CPUMAP_MAX], flags: u32 }
        access [Domain.write, Domain.save unless DOMAIN_CONFIG_OR_LIVE, Domain.save if DOMAIN_CONFIG]
        since "<=1.2.7"
    }

    /// On which CPUs of the host the emulator's threads may run.
    280 DomainGetEmulatorPinInfo "virDomainGetEmulatorPinInfo" {
        args DomainGetEmulatorPinInfoArgs { dom: Domain, maplen: i32, flags: u32 }
        reply DomainGetEmulatorPinInfoRet { cpumaps: Vec<u8>[CPUMAPS_MAX], ret: i32 }
        access [Domain.read]
        since "<=1.2.7"
    }

    /// The domain's I/O threads and where they may run.
    351 DomainGetIothreadInfo "virDomainGetIOThreadInfo" {
        args DomainGetIothreadInfoArgs { dom: Domain, flags: u32 }
        reply DomainGetIothreadInfoRet { info: Vec<DomainIothreadInfo>[IOTHREAD_INFO_MAX], ret: u32 }
        access [Domain.read]
        since "1.2.15"
    }

    /// Lets an I/O thread run on some CPUs of the host only.
    352 DomainPinIothread "virDomainPinIOThread" {
        args DomainPinIothreadArgs { dom: Domain, iothreads_id: u32, cpumap: Vec<u8>[CPUMAP_MAX], flags: u32 }
        access [Domain.write, Domain.save unless DOMAIN_CONFIG_OR_LIVE, Domain.save if DOMAIN_CONFIG]
        since "1.2.15"
    }

    /// Adds an I/O thread.
    355 DomainAddIothread "virDomainAddIOThread" {
        args DomainAddIothreadArgs { dom: Domain, iothread_id: u32, flags: u32 }
        access [Domain.write, Domain.save unless DOMAIN_CONFIG_OR_LIVE, Domain.save if DOMAIN_CONFIG]
        since "3.6.0"
    }

    /// Removes an I/O thread.
    356 DomainDelIothread "virDomainDelIOThread" {
        args DomainDelIothreadArgs { dom: Domain, iothread_id: u32, flags: u32 }
        access [Domain.write, Domain.save unless DOMAIN_CONFIG_OR_LIVE, Domain.save if DOMAIN_CONFIG]
        since "3.6.0"
    }

    /// The virtual CPUs as the guest sees them.
    371 DomainGetGuestVcpus "virDomainGetGuestVcpus" {
        args DomainGetGuestVcpusArgs { dom: Domain, flags: u32 }
        reply DomainGetGuestVcpusRet { params: TypedParams[DOMAIN_GUEST_VCPU_PARAMS_MAX] }
        access [Domain.write]
        since "3.6.0"
    }

    /// Asks the guest to switch virtual CPUs on or off.
    372 DomainSetGuestVcpus "virDomainSetGuestVcpus" {
        args DomainSetGuestVcpusArgs { dom: Domain, cpumap: String, state: i32, flags: u32 }
        access [Domain.write]
        since "3.6.0"
    }

    /// Plugs or unplugs given virtual CPUs.
    384 DomainSetVcpu "virDomainSetVcpu" {
        args DomainSetVcpuArgs { dom: Domain, cpumap: String, state: i32, flags: u32 }
        access [Domain.write, Domain.save unless DOMAIN_CONFIG_OR_LIVE, Domain.save if DOMAIN_CONFIG]
        since "3.6.0"
    }

    /// Sets polling and thread pool of an I/O thread.
    402 DomainSetIothreadParams "virDomainSetIOThreadParams" {
        args DomainSetIothreadParamsArgs {
            dom: Domain, iothread_id: u32, params: TypedParams[DOMAIN_IOTHREAD_PARAMS_MAX], flags: u32,
        }
        access [Domain.write, Domain.save unless DOMAIN_CONFIG_OR_LIVE, Domain.save if DOMAIN_CONFIG]
        since "5.6.0"
    }
}
