//! The driver's answers on the host and its emulators, compared with those that stock libvirt 9.0.0 gave.

use virt_driver::{Connection, CpuComparison, Hypervisor};
use virt_types::{ErrorCode as Code, ErrorDomain as From, TypedParams};

use super::{Directories, QemuConnection};

/// An engine below a directory of its own, which is gone when it is dropped.
struct Engine {
    connection: QemuConnection,
    dir: std::path::PathBuf,
}

impl Engine {
    async fn new(test: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("virt-qemu-{}-{test}", std::process::id()));
        let directories = Directories::Root(dir.clone());
        let connection = QemuConnection::open(directories, "qemu:///embed".to_owned()).await.unwrap();
        Self { connection, dir }
    }

    async fn close(self) {
        self.connection.close().await;
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

#[tokio::test]
async fn refusals_are_stock_libvirts() {
    let engine = Engine::new("refusals").await;
    let c = &engine.connection;
    let params = TypedParams::new();
    /// A call that is refused, and how.
    macro_rules! refused {
        ($($call:expr => $code:ident $domain:ident $sentence:literal;)+) => {
            $(
                let error = $call.await.err().expect(stringify!($call));
                assert_eq!(
                    (error.code(), error.domain(), error.to_string().as_str()),
                    (Code::$code, From::$domain, $sentence),
                    stringify!($call)
                );
            )+
        };
    }
    refused! {
        c.cpu_stats(99_999, 0) => InvalidArg None "Invalid cpuNum in virHostCPUGetStatsLinux";
        c.cpu_stats(0, 1) => InvalidArg None "unsupported flags (0x1) in function virHostCPUGetStats";
        c.memory_stats(0, 2) => InvalidArg None "unsupported flags (0x2) in function virHostMemGetStats";
        c.free_pages(&[3], 0, 1, 0) => OperationFailed None "operation failed: page size 3 is not available on node 0";
        c.free_pages(&[4], 0, 1, 1) => InvalidArg Qemu "unsupported flags (0x1) in function qemuNodeGetFreePages";
        c.allocate_pages(&[4], &[1], 0, 1, 0) => OperationUnsupported None "Operation not supported: system pages pool can't be modified";
        c.allocate_pages(&[4], &[1], 0, 1, 8) => InvalidArg Qemu "unsupported flags (0x8) in function qemuNodeAllocPages";
        c.cpu_map(1) => InvalidArg None "unsupported flags (0x1) in function virHostCPUGetMap";
        c.memory_parameters(16) => InvalidArg None "unsupported flags (0x10) in function virHostMemGetParameters";
        c.set_memory_parameters(&params, 4) => InvalidArg None "unsupported flags (0x4) in function virHostMemSetParameters";
        c.suspend_host(3, 60, 0) => InvalidArg None "invalid argument: Invalid suspend target";
        c.suspend_host(0, 60, 1) => InvalidArg None "unsupported flags (0x1) in function virNodeSuspend";
        c.sysinfo(1) => InvalidArg Qemu "unsupported flags (0x1) in function qemuConnectGetSysinfo";
        c.max_vcpus(Some("xx")) => InvalidArg Qemu "invalid argument: unknown type 'xx'";
        c.cpu_models("bogus", 0) => InvalidArg Qemu "invalid argument: cannot find architecture bogus";
        c.cpu_models("riscv64", 0) => NoSupport Cpu "this function is not supported by the connection driver: 'riscv64' architecture is not supported by CPU driver";
        c.cpu_models("x86_64", 1) => InvalidArg Qemu "unsupported flags (0x1) in function qemuConnectGetCPUModelNames";
        c.domain_capabilities(None, None, None, Some("bogus"), 0) => InvalidArg Qemu "invalid argument: unknown virttype: bogus";
        c.domain_capabilities(None, Some("bogus"), None, None, 0) => InvalidArg Qemu "invalid argument: unknown architecture: bogus";
        c.domain_capabilities(None, Some("unicore32"), None, None, 0) => ConfigUnsupported Qemu "unsupported configuration: unable to find any emulator to serve 'unicore32' architecture";
        c.domain_capabilities(Some("/nonexist"), None, None, None, 0) => SystemError Qemu "Cannot check QEMU binary /nonexist: No such file or directory";
        c.domain_capabilities(None, None, None, None, 1) => InvalidArg Qemu "unsupported flags (0x1) in function qemuConnectGetDomainCapabilities";
        c.compare_cpu("<cpu/>", 8) => InvalidArg Qemu "unsupported flags (0x8) in function qemuConnectCompareCPU";
        c.compare_cpu("<domain/>", 0) => XmlError Cpu "XML error: XML does not contain expected 'cpu' element";
        c.compare_cpu("<cpu", 0) => XmlDetail Cpu "(document):1: the document does not have a root node";
        c.baseline_cpu(&[], 0) => InvalidArg Domain "xmlCPUs in virConnectBaselineCPU must not be NULL";
        c.baseline_hypervisor_cpu(None, None, None, None, &[], 0) => InvalidArg Domain "xmlCPUs in virConnectBaselineHypervisorCPU must not be NULL";
        c.domain_xml_from_native("qemu-argv", "qemu", 0) => NoSupport None "this function is not supported by the connection driver: virConnectDomainXMLFromNative";
        c.domain_xml_to_native("bogus", "<domain/>", 0) => InvalidArg Qemu "invalid argument: unsupported config type bogus";
    }
    engine.close().await;
}

#[tokio::test]
async fn emulators_are_chosen_as_stock_libvirt_chooses_them() {
    if virt_sys::find_program("qemu-system-x86_64").is_none() || virt_sys::host::machine() != "x86_64" {
        eprintln!("skipped: no qemu-system-x86_64 on the path of a host of x86_64");
        return;
    }
    let engine = Engine::new("emulators").await;
    let c = &engine.connection;
    let q35 = c.domain_capabilities(None, None, Some("q35"), Some("qemu"), 0).await.unwrap();
    assert!(q35.contains("<machine>pc-q35-") && q35.contains("<arch>x86_64</arch>"), "{q35}");
    let refused = |named: (Option<&'static str>, Option<&'static str>, Option<&'static str>)| async move {
        let (arch, machine, kind) = named;
        c.domain_capabilities(None, arch, machine, kind, 0).await.unwrap_err().to_string()
    };
    assert!(
        refused((None, Some("nosuch"), Some("qemu")))
            .await
            .starts_with("invalid argument: the machine 'nosuch' is not supported by emulator '")
    );
    assert!(refused((None, None, Some("xen"))).await.ends_with(" does not support virt type 'xen'"));
    let capabilities = c.capabilities().await.unwrap();
    assert!(capabilities.contains("<arch name='x86_64'>"), "{capabilities}");
    let qemu64 = "<cpu><model>qemu64</model></cpu>";
    let compared = c.compare_hypervisor_cpu(
        None,
        None,
        None,
        Some("qemu"),
        "<cpu><arch>x86_64</arch><model>qemu64</model></cpu>",
        0,
    );
    assert_eq!(compared.await.unwrap(), CpuComparison::Superset);
    let baseline = c.baseline_hypervisor_cpu(None, None, None, Some("qemu"), &[qemu64.to_owned()], 0).await;
    assert!(baseline.unwrap().contains("<model fallback='forbid'>qemu64</model>"));
    engine.close().await;
}
