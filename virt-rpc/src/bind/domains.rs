//! Domains.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use virt_driver::{
    BoxFuture, ByteStream, ControlInfo, DomainEvent, DomainEventFilter, DomainInfo, DomainRef, KeycodeSet,
    MetadataKind, MonitorCommandFlags, MonitorEvent, MonitorEventFilter, OpenConsoleFlags, SecurityLabel,
    Subscription,
};
use virt_proto::lxc::{DomainOpenNamespace, DomainOpenNamespaceArgs};
use virt_proto::qemu::{
    ConnectDomainMonitorEventDeregister, ConnectDomainMonitorEventRegister, DomainAgentCommand, DomainAttach,
    DomainMonitorCommand, DomainMonitorCommandWithFiles, DomainMonitorCommandWithFilesArgs,
};
use virt_proto::remote::*;
use virt_types::{
    CreateFlags, DefineFlags, DestroyFlags, DomainStatus, Impact, ListFlags, RebootFlags, Result,
    ShutdownFlags, TypedParams, UndefineFlags, Uuid, XmlFlags,
};

use super::convert::Wire;
use super::listing::{count, names, plain};
use super::macros::binding;
use super::{no_flags, peek_size};

/// Calls without flags that have some of their own in later forms.
const LIVE: u32 = 1;
const MAXIMUM: u32 = 4;

binding! {
    /// Domains.
    domains: Domains;
    both {
        DomainLookupById = lookup_by_id(id: u32) -> DomainRef as dom;
        DomainLookupByUuid = lookup_by_uuid(uuid: Uuid) -> DomainRef as dom;
        DomainLookupByName = lookup_by_name(name: &'a str) -> DomainRef as dom;
        [list] ConnectListAllDomains = list(flags: ListFlags) -> Vec<DomainRef> as domains;
        DomainDefineXmlFlags = define_xml(xml: &'a str, flags: DefineFlags) -> DomainRef as dom;
        DomainUndefineFlags = undefine(dom: &'a DomainRef, flags: UndefineFlags);
        DomainShutdownFlags = shutdown(dom: &'a DomainRef, flags: ShutdownFlags);
        DomainReboot = reboot(dom: &'a DomainRef, flags: RebootFlags);
        DomainReset = reset(dom: &'a DomainRef, flags: u32);
        DomainSuspend = suspend(dom: &'a DomainRef);
        DomainResume = resume(dom: &'a DomainRef);
        DomainDestroyFlags = destroy(dom: &'a DomainRef, flags: DestroyFlags);
        DomainPmSuspendForDuration = pm_suspend(dom: &'a DomainRef, target: u32, duration: u64, flags: u32);
        DomainPmWakeup = pm_wakeup(dom: &'a DomainRef, flags: u32);
        DomainGetInfo = info(dom: &'a DomainRef) -> DomainInfo;
        DomainGetControlInfo = control_info(dom: &'a DomainRef, flags: u32) -> ControlInfo;
        DomainGetXmlDesc = xml_desc(dom: &'a DomainRef, flags: XmlFlags) -> String as xml;
        DomainGetOsType = os_type(dom: &'a DomainRef) -> String as kind;
        DomainGetHostname = hostname(dom: &'a DomainRef, flags: u32) -> String as hostname;
        DomainIsActive = is_active(dom: &'a DomainRef) -> bool as active;
        DomainIsPersistent = is_persistent(dom: &'a DomainRef) -> bool as persistent;
        DomainIsUpdated = is_updated(dom: &'a DomainRef) -> bool as updated;
        DomainGetMessages = messages(dom: &'a DomainRef, flags: u32) -> Vec<String> as msgs;
        DomainGetAutostart = autostart(dom: &'a DomainRef) -> bool as autostart;
        DomainSetAutostart = set_autostart(dom: &'a DomainRef, autostart: bool);
        DomainGetAutostartOnce = autostart_once(dom: &'a DomainRef) -> bool as autostart;
        DomainSetAutostartOnce = set_autostart_once(dom: &'a DomainRef, autostart: bool);
        DomainGetMetadata = metadata(dom: &'a DomainRef, kind: MetadataKind, uri: Option<&'a str>, flags: Impact)
            -> String as metadata;
        DomainSetMetadata = set_metadata(
            dom: &'a DomainRef, kind: MetadataKind, metadata: Option<&'a str>, key: Option<&'a str>, uri: Option<&'a str>,
            flags: Impact,
        );
        DomainSetLifecycleAction = set_lifecycle_action(dom: &'a DomainRef, kind: u32, action: u32, flags: Impact);
        DomainGetSecurityLabel = security_label(dom: &'a DomainRef) -> SecurityLabel;
        [all] DomainGetSecurityLabelList = security_labels(dom: &'a DomainRef) -> Vec<SecurityLabel> as labels;
        DomainGetMaxMemory = max_memory(dom: &'a DomainRef) -> u64 as memory;
        DomainSetMemoryFlags = set_memory(dom: &'a DomainRef, memory: u64, flags: u32);
        DomainGetVcpusFlags = vcpus(dom: &'a DomainRef, flags: u32) -> u32 as num;
        DomainSetVcpusFlags = set_vcpus(dom: &'a DomainRef, nvcpus: u32, flags: u32);
        DomainGetSchedulerType = scheduler_type(dom: &'a DomainRef) -> (String, u32);
        DomainSetSchedulerParametersFlags = set_scheduler_parameters(
            dom: &'a DomainRef, params: &'a TypedParams, flags: Impact,
        );
        DomainGraphicsReload = reload_graphics(dom: &'a DomainRef, kind: u32, flags: u32);
        DomainSendKey = send_key(dom: &'a DomainRef, codeset: KeycodeSet, holdtime: u32, keycodes: &'a [u32], flags: u32);
        DomainInjectNmi = inject_nmi(dom: &'a DomainRef, flags: u32);
        DomainGetTime = time(dom: &'a DomainRef, flags: u32) -> (i64, u32);
        DomainSetTime = set_time(dom: &'a DomainRef, seconds: i64, nseconds: u32, flags: u32);
        DomainGetGuestInfo = guest_info(dom: &'a DomainRef, types: u32, flags: u32) -> TypedParams as params;
        DomainMonitorCommand = monitor_command(dom: &'a DomainRef, cmd: &'a str, flags: MonitorCommandFlags) -> String as result;
        DomainAgentCommand = agent_command(dom: &'a DomainRef, cmd: &'a str, timeout: i32, flags: u32) -> String as result;
        DomainAttach = attach_process(pid_value: u32, flags: u32) -> DomainRef as dom;
        DomainAttachDeviceFlags = attach_device(dom: &'a DomainRef, xml: &'a str, flags: u32);
        DomainDetachDeviceFlags = detach_device(dom: &'a DomainRef, xml: &'a str, flags: u32);
        DomainUpdateDeviceFlags = update_device(dom: &'a DomainRef, xml: &'a str, flags: u32);
        DomainDetachDeviceAlias = detach_device_alias(dom: &'a DomainRef, alias: &'a str, flags: u32);
    }
    served {
        ConnectNumOfDomains() = list(ListFlags::ACTIVE) => |found| Reply { num: count(&found) };
        ConnectListDomains(maxids: i32) = list(ListFlags::ACTIVE) => |found| {
            let most = usize::try_from(maxids).unwrap_or(0);
            let ids = found.into_iter().filter_map(|domain| domain.id).map(Wire::to_wire);
            Reply { ids: ids.take(most).collect() }
        };
        ConnectNumOfDefinedDomains() = list(ListFlags::INACTIVE) => |found| Reply { num: count(&found) };
        ConnectListDefinedDomains(maxnames: i32) = list(ListFlags::INACTIVE)
            => |found| Reply { names: names(found, maxnames, |domain| domain.name) };
        DomainDefineXml(xml: String) = define_xml(&xml, DefineFlags::empty()) => |domain| Reply { dom: domain.to_wire() };
        DomainCreateXml(xml_desc: String, flags: u32) = create_xml(&xml_desc, Vec::new(), CreateFlags::from_bits_retain(flags))
            => |domain| Reply { dom: domain.to_wire() };
        DomainCreate(dom: DomainRef) = create(&dom, Vec::new(), CreateFlags::empty()) => |_| ();
        DomainCreateWithFlags(dom: DomainRef, flags: u32) = create(&dom, Vec::new(), CreateFlags::from_bits_retain(flags))
            => |domain| Reply { dom: domain.to_wire() };
        DomainUndefine(dom: DomainRef) = undefine(&dom, UndefineFlags::empty()) => |()| ();
        DomainRename(dom: DomainRef, new_name: String, flags: u32) = rename(&dom, &new_name, flags)
            => |()| Reply { retcode: 0 };
        DomainShutdown(dom: DomainRef) = shutdown(&dom, ShutdownFlags::empty()) => |()| ();
        DomainDestroy(dom: DomainRef) = destroy(&dom, DestroyFlags::empty()) => |()| ();
        DomainGetState(dom: DomainRef, flags: u32) = state(no_flags(&dom, flags, "virDomainGetState")?)
            => |status| status.to_wire();
        DomainSetMaxMemory(dom: DomainRef, memory: u64) = set_memory(&dom, memory, MAXIMUM) => |()| ();
        DomainSetMemory(dom: DomainRef, memory: u64) = set_memory(&dom, memory, LIVE) => |()| ();
        DomainGetMaxVcpus(dom: DomainRef) = vcpus(&dom, LIVE | MAXIMUM) => |vcpus| Reply { num: vcpus.to_wire() };
        DomainSetVcpus(dom: DomainRef, nvcpus: u32) = set_vcpus(&dom, nvcpus, LIVE) => |()| ();
        DomainGetSchedulerParameters(dom: DomainRef, nparams: i32) = scheduler_parameters(&dom, Impact::empty())
            => |params| Reply { params: plain(params, nparams) };
        DomainGetSchedulerParametersFlags(dom: DomainRef, nparams: i32, flags: u32)
            = scheduler_parameters(&dom, Impact::from_bits_retain(flags & !super::params::STRING_OKAY))
            => |params| Reply { params: plain(params, nparams) };
        DomainSetSchedulerParameters(dom: DomainRef, params: TypedParams)
            = set_scheduler_parameters(&dom, &params, Impact::empty()) => |()| ();
        DomainMemoryPeek(dom: DomainRef, offset: u64, size: u32, flags: u32)
            = memory_peek(&dom, offset, peek_size(size)?, flags) => |buffer| Reply { buffer };
        DomainBlockPeek(dom: DomainRef, path: String, offset: u64, size: u32, flags: u32)
            = block_peek(&dom, &path, offset, peek_size(size)?, flags) => |buffer| Reply { buffer };
        DomainAttachDevice(dom: DomainRef, xml: String) = attach_device(&dom, &xml, LIVE) => |()| ();
        DomainDetachDevice(dom: DomainRef, xml: String) = detach_device(&dom, &xml, LIVE) => |()| ();
    }
    by_hand {
        ConnectDomainEventRegister => super::events::domains::register_legacy_lifecycle;
        ConnectDomainEventDeregister => super::events::domains::deregister_legacy_lifecycle;
        ConnectDomainEventRegisterAny => super::events::domains::register_legacy;
        ConnectDomainEventDeregisterAny => super::events::domains::deregister_legacy;
        ConnectDomainEventCallbackRegisterAny => super::events::domains::register;
        ConnectDomainEventCallbackDeregisterAny => super::events::domains::deregister;
        ConnectDomainMonitorEventRegister => super::events::monitor::register;
        ConnectDomainMonitorEventDeregister => super::events::monitor::deregister;
        DomainOpenConsole => super::streams::open_console;
        DomainOpenChannel => super::streams::open_channel;
        DomainScreenshot => super::streams::screenshot;
        DomainCreateXmlWithFiles => super::descriptors::create_xml;
        DomainCreateWithFiles => super::descriptors::create;
        DomainFdAssociate => super::descriptors::associate;
        DomainOpenGraphics => super::descriptors::open_graphics;
        DomainOpenGraphicsFd => super::descriptors::open_graphics_fd;
        DomainMonitorCommandWithFiles => super::descriptors::monitor_command;
        DomainOpenNamespace => super::descriptors::open_namespace;
    }
    client {
        fn subscribe<'a>(
            &'a self,
            filter: DomainEventFilter,
            capacity: usize,
        ) -> BoxFuture<'a, Result<Subscription<DomainEvent>>> {
            Box::pin(self.subscribe_domains(filter, capacity))
        }

        fn subscribe_monitor<'a>(
            &'a self,
            filter: MonitorEventFilter,
            capacity: usize,
        ) -> BoxFuture<'a, Result<Subscription<MonitorEvent>>> {
            Box::pin(self.subscribe_monitors(filter, capacity))
        }

        fn create_xml<'a>(
            &'a self,
            xml: &'a str,
            files: Vec<OwnedFd>,
            flags: CreateFlags,
        ) -> BoxFuture<'a, Result<DomainRef>> {
            let (xml_desc, flags) = (xml.to_owned(), flags.bits());
            Box::pin(async move {
                if files.is_empty() {
                    let args = DomainCreateXmlArgs { xml_desc, flags };
                    return Wire::from_wire(self.call::<DomainCreateXml>(args).await?.dom);
                }
                let args = DomainCreateXmlWithFilesArgs { xml_desc, flags };
                let (reply, _) = self.call_with_files::<DomainCreateXmlWithFiles>(args, files).await?;
                Wire::from_wire(reply.dom)
            })
        }

        fn create<'a>(
            &'a self,
            domain: &'a DomainRef,
            files: Vec<OwnedFd>,
            flags: CreateFlags,
        ) -> BoxFuture<'a, Result<DomainRef>> {
            let (dom, flags) = (domain.clone().to_wire(), flags.bits());
            Box::pin(async move {
                if files.is_empty() {
                    let args = DomainCreateWithFlagsArgs { dom, flags };
                    return Wire::from_wire(self.call::<DomainCreateWithFlags>(args).await?.dom);
                }
                let args = DomainCreateWithFilesArgs { dom, flags };
                let (reply, _) = self.call_with_files::<DomainCreateWithFiles>(args, files).await?;
                Wire::from_wire(reply.dom)
            })
        }

        fn rename<'a>(&'a self, domain: &'a DomainRef, new_name: &'a str, flags: u32) -> BoxFuture<'a, Result<()>> {
            let args = DomainRenameArgs { dom: domain.clone().to_wire(), new_name: Some(new_name.to_owned()), flags };
            Box::pin(async move { self.call::<DomainRename>(args).await.map(drop) })
        }

        fn state<'a>(&'a self, domain: &'a DomainRef) -> BoxFuture<'a, Result<DomainStatus>> {
            let args = DomainGetStateArgs { dom: domain.clone().to_wire(), flags: 0 };
            Box::pin(async move { Wire::from_wire(self.call::<DomainGetState>(args).await?) })
        }

        fn scheduler_parameters<'a>(
            &'a self,
            domain: &'a DomainRef,
            impact: Impact,
        ) -> BoxFuture<'a, Result<TypedParams>> {
            Box::pin(async move {
                let dom: Domain = domain.clone().to_wire();
                let kind = self.call::<DomainGetSchedulerType>(DomainGetSchedulerTypeArgs { dom: dom.clone() }).await?;
                let args = DomainGetSchedulerParametersFlagsArgs { dom, nparams: kind.nparams, flags: impact.bits() };
                Ok(self.call::<DomainGetSchedulerParametersFlags>(args).await?.params)
            })
        }

        fn memory_peek<'a>(
            &'a self,
            domain: &'a DomainRef,
            start: u64,
            size: usize,
            flags: u32,
        ) -> BoxFuture<'a, Result<Vec<u8>>> {
            let args =
                DomainMemoryPeekArgs { dom: domain.clone().to_wire(), offset: start, size: size.to_wire(), flags };
            Box::pin(async move { Ok(self.call::<DomainMemoryPeek>(args).await?.buffer) })
        }

        fn block_peek<'a>(
            &'a self,
            domain: &'a DomainRef,
            disk: &'a str,
            offset: u64,
            size: usize,
            flags: u32,
        ) -> BoxFuture<'a, Result<Vec<u8>>> {
            let (dom, path, size) = (domain.clone().to_wire(), disk.to_owned(), size.to_wire());
            let args = DomainBlockPeekArgs { dom, path, offset, size, flags };
            Box::pin(async move { Ok(self.call::<DomainBlockPeek>(args).await?.buffer) })
        }

        fn open_console<'a>(
            &'a self,
            domain: &'a DomainRef,
            device: Option<&'a str>,
            flags: OpenConsoleFlags,
        ) -> BoxFuture<'a, Result<Arc<dyn ByteStream>>> {
            let dev_name = device.map(str::to_owned);
            let args = DomainOpenConsoleArgs { dom: domain.clone().to_wire(), dev_name, flags: flags.bits() };
            Box::pin(async move { Ok(self.open_stream::<DomainOpenConsole>(args).await?.1) })
        }

        fn open_channel<'a>(
            &'a self,
            domain: &'a DomainRef,
            name: Option<&'a str>,
            flags: u32,
        ) -> BoxFuture<'a, Result<Arc<dyn ByteStream>>> {
            let args = DomainOpenChannelArgs { dom: domain.clone().to_wire(), name: name.map(str::to_owned), flags };
            Box::pin(async move { Ok(self.open_stream::<DomainOpenChannel>(args).await?.1) })
        }

        fn screenshot<'a>(
            &'a self,
            domain: &'a DomainRef,
            screen: u32,
            flags: u32,
        ) -> BoxFuture<'a, Result<(String, Arc<dyn ByteStream>)>> {
            let args = DomainScreenshotArgs { dom: domain.clone().to_wire(), screen, flags };
            Box::pin(async move {
                let (reply, stream) = self.open_stream::<DomainScreenshot>(args).await?;
                Ok((reply.mime.unwrap_or_default(), stream))
            })
        }

        fn open_graphics<'a>(
            &'a self,
            domain: &'a DomainRef,
            index: u32,
            socket: OwnedFd,
            flags: u32,
        ) -> BoxFuture<'a, Result<()>> {
            let args = DomainOpenGraphicsArgs { dom: domain.clone().to_wire(), idx: index, flags };
            Box::pin(async move { self.call_with_files::<DomainOpenGraphics>(args, vec![socket]).await.map(drop) })
        }

        fn open_graphics_fd<'a>(
            &'a self,
            domain: &'a DomainRef,
            index: u32,
            flags: u32,
        ) -> BoxFuture<'a, Result<OwnedFd>> {
            let args = DomainOpenGraphicsFdArgs { dom: domain.clone().to_wire(), idx: index, flags };
            Box::pin(async move {
                let (_, files) = self.call_with_files::<DomainOpenGraphicsFd>(args, Vec::new()).await?;
                super::descriptors::one(files)
            })
        }

        fn associate_files<'a>(
            &'a self,
            domain: &'a DomainRef,
            name: &'a str,
            files: Vec<OwnedFd>,
            flags: u32,
        ) -> BoxFuture<'a, Result<()>> {
            let args = DomainFdAssociateArgs { dom: domain.clone().to_wire(), name: name.to_owned(), flags };
            Box::pin(async move { self.call_with_files::<DomainFdAssociate>(args, files).await.map(drop) })
        }

        fn monitor_command_with_files<'a>(
            &'a self,
            domain: &'a DomainRef,
            command: &'a str,
            files: Vec<OwnedFd>,
            flags: MonitorCommandFlags,
        ) -> BoxFuture<'a, Result<(String, Vec<OwnedFd>)>> {
            let (dom, cmd) = (domain.clone().to_wire(), command.to_owned());
            let args = DomainMonitorCommandWithFilesArgs { dom, cmd, flags: flags.bits() };
            Box::pin(async move {
                let (reply, files) = self.call_with_files::<DomainMonitorCommandWithFiles>(args, files).await?;
                Ok((reply.result, files))
            })
        }

        fn open_namespace<'a>(&'a self, domain: &'a DomainRef, flags: u32) -> BoxFuture<'a, Result<Vec<OwnedFd>>> {
            let args = DomainOpenNamespaceArgs { dom: domain.clone().to_wire(), flags };
            Box::pin(async move {
                let (_, files) = self.call_with_files::<DomainOpenNamespace>(args, Vec::new()).await?;
                Ok(files)
            })
        }
    }
}
