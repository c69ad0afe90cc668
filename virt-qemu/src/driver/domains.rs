//! Calls on domains.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use virt_conf::{FormatFlags, ParseFlags};
use virt_domain::{DomainHandle, StartOptions};
use virt_driver::{
    BoxFuture, ByteStream, ControlInfo, DomainEvent, DomainEventFilter, DomainInfo, DomainRef, Domains,
    OpenConsoleFlags, Subscription,
};
use virt_types::{
    CreateFlags, DefineFlags, DestroyFlags, DomainName, DomainStatus, Error, ErrorCode, ErrorDomain,
    ListFlags, RebootFlags, Result, ShutdownFlags, TextEnum, UndefineFlags, Uuid, XmlFlags,
};

use super::QemuConnection;
use super::console::Console;
use super::stats;
use crate::plan;

impl QemuConnection {
    async fn find(&self, domain: &DomainRef) -> Result<DomainHandle> {
        self.registry.by_uuid(domain.uuid).await.map_err(|error| {
            // libvirt's sentence names both.
            let detail = format!("no domain with matching uuid '{}' ({})", domain.uuid, domain.name);
            if error.code() == ErrorCode::NoDomain {
                Error::new(error.code(), error.domain(), detail)
            } else {
                error
            }
        })
    }

    fn start_options(&self, flags: CreateFlags, files: Vec<OwnedFd>) -> StartOptions {
        let bound_to = flags.contains(CreateFlags::START_AUTODESTROY).then(|| self.lease.0.id());
        StartOptions { flags, files, bound_to }
    }
}

/// Refuses bits that the call does not know.
fn known<F: bitflags::Flags<Bits = u32> + Copy>(flags: F, allowed: F, call: &str) -> Result<()> {
    virt_driver::flags::check(flags, allowed, ErrorDomain::Qemu, call)
}

/// Refuses any bit of a call without flags.
pub(super) fn no_flags(flags: u32, call: &str) -> Result<()> {
    known(RebootFlags::from_bits_retain(flags), RebootFlags::empty(), call)
}

fn not_running() -> Error {
    Error::new(ErrorCode::OperationInvalid, ErrorDomain::Qemu, "domain is not running")
}

impl Domains for QemuConnection {
    fn lookup_by_id<'a>(&'a self, id: u32) -> BoxFuture<'a, Result<DomainRef>> {
        Box::pin(async move { Ok(self.registry.by_id(id).await?.snapshot().reference()) })
    }

    fn lookup_by_uuid<'a>(&'a self, uuid: Uuid) -> BoxFuture<'a, Result<DomainRef>> {
        Box::pin(async move { Ok(self.registry.by_uuid(uuid).await?.snapshot().reference()) })
    }

    fn lookup_by_name<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<DomainRef>> {
        Box::pin(async move { Ok(self.registry.by_name(name).await?.snapshot().reference()) })
    }

    fn list<'a>(&'a self, flags: ListFlags) -> BoxFuture<'a, Result<Vec<DomainRef>>> {
        Box::pin(async move {
            known(flags, ListFlags::all(), "qemuConnectListAllDomains")?;
            Ok(self.registry.list(flags).iter().map(|domain| domain.snapshot().reference()).collect())
        })
    }

    fn subscribe<'a>(
        &'a self,
        filter: DomainEventFilter,
        capacity: usize,
    ) -> BoxFuture<'a, Result<Subscription<DomainEvent>>> {
        Box::pin(async move { Ok(self.registry.subscribe(filter, capacity)) })
    }

    fn define_xml<'a>(&'a self, xml: &'a str, flags: DefineFlags) -> BoxFuture<'a, Result<DomainRef>> {
        Box::pin(async move {
            known(flags, DefineFlags::VALIDATE, "qemuDomainDefineXMLFlags")?;
            let config = self.backend.define(xml, ParseFlags::INACTIVE | ParseFlags::ABI_UPDATE).await?;
            Ok(self.registry.define(config).await?.snapshot().reference())
        })
    }

    fn create_xml<'a>(
        &'a self,
        xml: &'a str,
        files: Vec<OwnedFd>,
        flags: CreateFlags,
    ) -> BoxFuture<'a, Result<DomainRef>> {
        Box::pin(async move {
            let allowed = CreateFlags::START_PAUSED
                | CreateFlags::START_AUTODESTROY
                | CreateFlags::START_VALIDATE
                | CreateFlags::START_RESET_NVRAM;
            known(flags, allowed, "qemuDomainCreateXML")?;
            let domain = self.backend.define(xml, ParseFlags::INACTIVE | ParseFlags::ABI_UPDATE).await?;
            Ok(self.registry.create(domain, self.start_options(flags, files)).await?.snapshot().reference())
        })
    }

    fn undefine<'a>(&'a self, domain: &'a DomainRef, flags: UndefineFlags) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            known(flags, UndefineFlags::all(), "qemuDomainUndefineFlags")?;
            self.find(domain).await?.undefine(flags).await
        })
    }

    fn create<'a>(
        &'a self,
        domain: &'a DomainRef,
        files: Vec<OwnedFd>,
        flags: CreateFlags,
    ) -> BoxFuture<'a, Result<DomainRef>> {
        Box::pin(async move {
            let allowed = CreateFlags::all() - CreateFlags::START_VALIDATE;
            known(flags, allowed, "qemuDomainCreateWithFlags")?;
            let handle = self.find(domain).await?;
            handle.start(self.start_options(flags, files)).await?;
            Ok(handle.snapshot().reference())
        })
    }

    fn rename<'a>(
        &'a self,
        domain: &'a DomainRef,
        new_name: &'a str,
        flags: u32,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            no_flags(flags, "qemuDomainRename")?;
            self.find(domain).await?.rename(DomainName::new(new_name)?).await
        })
    }

    fn shutdown<'a>(&'a self, domain: &'a DomainRef, flags: ShutdownFlags) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let allowed = ShutdownFlags::ACPI_POWER_BTN | ShutdownFlags::GUEST_AGENT;
            known(flags, allowed, "qemuDomainShutdownFlags")?;
            self.find(domain).await?.shutdown(flags).await
        })
    }

    fn reboot<'a>(&'a self, domain: &'a DomainRef, flags: RebootFlags) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            known(flags, RebootFlags::ACPI_POWER_BTN | RebootFlags::GUEST_AGENT, "qemuDomainReboot")?;
            self.find(domain).await?.reboot(flags).await
        })
    }

    fn reset<'a>(&'a self, domain: &'a DomainRef, flags: u32) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            no_flags(flags, "qemuDomainReset")?;
            self.find(domain).await?.reset().await
        })
    }

    fn suspend<'a>(&'a self, domain: &'a DomainRef) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { self.find(domain).await?.suspend().await })
    }

    fn resume<'a>(&'a self, domain: &'a DomainRef) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { self.find(domain).await?.resume().await })
    }

    fn destroy<'a>(&'a self, domain: &'a DomainRef, flags: DestroyFlags) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            known(flags, DestroyFlags::all(), "qemuDomainDestroyFlags")?;
            self.find(domain).await?.destroy_flags(flags).await
        })
    }

    fn pm_wakeup<'a>(&'a self, domain: &'a DomainRef, flags: u32) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            no_flags(flags, "qemuDomainPMWakeup")?;
            self.find(domain).await?.wake_up().await
        })
    }

    fn state<'a>(&'a self, domain: &'a DomainRef) -> BoxFuture<'a, Result<DomainStatus>> {
        Box::pin(async move { Ok(self.find(domain).await?.snapshot().status) })
    }

    fn info<'a>(&'a self, domain: &'a DomainRef) -> BoxFuture<'a, Result<DomainInfo>> {
        Box::pin(async move {
            let snapshot = self.find(domain).await?.snapshot();
            let current = snapshot.current()?.unwrap_or_default();
            let max_memory = current.memory.total;
            Ok(DomainInfo {
                state: snapshot.status.state(),
                max_memory,
                memory: if current.memory.current == 0 { max_memory } else { current.memory.current },
                vcpus: current.vcpus.online_count(),
                cpu_time: snapshot.pid.map_or(0, stats::cpu_time),
            })
        })
    }

    fn control_info<'a>(&'a self, domain: &'a DomainRef, flags: u32) -> BoxFuture<'a, Result<ControlInfo>> {
        Box::pin(async move {
            no_flags(flags, "qemuDomainGetControlInfo")?;
            let snapshot = self.find(domain).await?.snapshot();
            if !snapshot.is_active() {
                return Err(not_running());
            }
            Ok(snapshot.control_info())
        })
    }

    fn xml_desc<'a>(&'a self, domain: &'a DomainRef, flags: XmlFlags) -> BoxFuture<'a, Result<String>> {
        Box::pin(async move {
            known(flags, XmlFlags::all(), "qemuDomainGetXMLDesc")?;
            let snapshot = self.find(domain).await?.snapshot();
            let mut format = FormatFlags::empty();
            for (flag, form) in [
                (XmlFlags::SECURE, FormatFlags::SECURE),
                (XmlFlags::INACTIVE, FormatFlags::INACTIVE),
                (XmlFlags::MIGRATABLE, FormatFlags::MIGRATABLE),
            ] {
                format.set(form, flags.contains(flag));
            }
            let live = snapshot.live.as_ref().filter(|_| !flags.contains(XmlFlags::INACTIVE));
            match (live, &snapshot.config, &snapshot.live) {
                (Some(live), _, _) | (None, None, Some(live)) => Ok(live.format(format)),
                (None, Some(config), _) => config.xml(format),
                (None, None, None) => Err(not_running()),
            }
        })
    }

    fn os_type<'a>(&'a self, domain: &'a DomainRef) -> BoxFuture<'a, Result<String>> {
        Box::pin(async move {
            let snapshot = self.find(domain).await?.snapshot();
            Ok(snapshot.current()?.map(|current| current.os.os_type.text().to_owned()).unwrap_or_default())
        })
    }

    fn is_active<'a>(&'a self, domain: &'a DomainRef) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move { Ok(self.find(domain).await?.snapshot().is_active()) })
    }

    fn is_persistent<'a>(&'a self, domain: &'a DomainRef) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move { Ok(self.find(domain).await?.snapshot().is_persistent()) })
    }

    fn messages<'a>(&'a self, domain: &'a DomainRef, flags: u32) -> BoxFuture<'a, Result<Vec<String>>> {
        Box::pin(async move {
            // 1 asks for deprecations, 2 for taints, 0 for both.
            no_flags(flags & !3, "qemuDomainGetMessages")?;
            let snapshot = self.find(domain).await?.snapshot();
            let taint = snapshot.taint.iter().map(|word| format!("tainted: {word}")).filter(|_| flags != 1);
            let deprecations = snapshot.deprecations.iter().filter(|_| flags != 2);
            Ok(taint.chain(deprecations.map(|what| format!("deprecated configuration: {what}"))).collect())
        })
    }

    fn autostart<'a>(&'a self, domain: &'a DomainRef) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move { Ok(self.find(domain).await?.snapshot().autostart) })
    }

    fn set_autostart<'a>(&'a self, domain: &'a DomainRef, autostart: bool) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { self.find(domain).await?.set_autostart(autostart).await })
    }

    fn max_memory<'a>(&'a self, domain: &'a DomainRef) -> BoxFuture<'a, Result<u64>> {
        Box::pin(async move {
            let snapshot = self.find(domain).await?.snapshot();
            Ok(snapshot.current()?.map(|current| current.memory.total).unwrap_or_default())
        })
    }

    fn open_console<'a>(
        &'a self,
        domain: &'a DomainRef,
        device: Option<&'a str>,
        flags: OpenConsoleFlags,
    ) -> BoxFuture<'a, Result<Arc<dyn ByteStream>>> {
        Box::pin(async move {
            known(flags, OpenConsoleFlags::SAFE, "qemuDomainOpenConsole")?;
            let snapshot = self.find(domain).await?.snapshot();
            let live = snapshot.live.as_ref().ok_or_else(not_running)?;
            let console =
                Console::open(live, device, &plan::domain_dir(&self.backend.config().lib_dir, live))?;
            Ok(Arc::new(console) as Arc<dyn ByteStream>)
        })
    }
}
