//! The calls on domains as such.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use virt_conf::FormatFlags;
use virt_conf::domain::Domain;
use virt_driver::{
    ByteStream, ControlInfo, ControlState, DomainEvent, DomainEventFilter, DomainInfo, DomainRef, Domains,
    KeycodeSet, MetadataKind, SecurityLabel, Subscription,
};
use virt_types::{
    CreateFlags, DefineFlags, DestroyFlags, DomainState, DomainStatus, Impact, ListFlags, RebootFlags,
    ShutdownFlags, TypedParams, UndefineFlags, Uuid, XmlFlags,
};

use super::lifecycle::LifecycleChange;
use super::{console, guest, keys};
use crate::connection::{Answer, TestConnection};
use crate::error::invalid;
use crate::flags::check;
use crate::params;

impl Domains for TestConnection {
    fn lookup_by_id<'a>(&'a self, id: u32) -> Answer<'a, DomainRef> {
        self.answer(|host| host.find_guest(|guest| guest.reference().id == Some(id)))
    }

    fn lookup_by_uuid<'a>(&'a self, uuid: Uuid) -> Answer<'a, DomainRef> {
        self.answer(|host| host.find_guest(|guest| guest.live.uuid == Some(uuid)))
    }

    fn lookup_by_name<'a>(&'a self, name: &'a str) -> Answer<'a, DomainRef> {
        self.answer(|host| host.find_guest(|guest| guest.live.name == name))
    }

    fn list<'a>(&'a self, flags: ListFlags) -> Answer<'a, Vec<DomainRef>> {
        self.answer(|host| {
            check(flags.bits(), ListFlags::all().bits(), "testConnectListAllDomains")?;
            Ok(host.guests.iter().filter(|guest| guest.matches(flags)).map(super::Guest::reference).collect())
        })
    }

    fn subscribe<'a>(
        &'a self,
        filter: DomainEventFilter,
        capacity: usize,
    ) -> Answer<'a, Subscription<DomainEvent>> {
        self.answer(|host| Ok(host.domain_events.subscribe(filter, capacity)))
    }

    fn define_xml<'a>(&'a self, xml: &'a str, flags: DefineFlags) -> Answer<'a, DomainRef> {
        self.answer(|host| {
            check(flags.bits(), DefineFlags::VALIDATE.bits(), "testDomainDefineXMLFlags")?;
            if flags.contains(DefineFlags::VALIDATE) {
                Domain::check_grammar(xml)?;
            }
            host.define(xml)
        })
    }

    fn create_xml<'a>(
        &'a self,
        xml: &'a str,
        _files: Vec<OwnedFd>,
        flags: CreateFlags,
    ) -> Answer<'a, DomainRef> {
        self.answer(|host| {
            check(flags.bits(), CreateFlags::START_VALIDATE.bits(), "testDomainCreateXML")?;
            if flags.contains(CreateFlags::START_VALIDATE) {
                Domain::check_grammar(xml)?;
            }
            host.create_from(xml)
        })
    }

    fn undefine<'a>(&'a self, domain: &'a DomainRef, flags: UndefineFlags) -> Answer<'a, ()> {
        self.answer(|host| {
            let known = UndefineFlags::MANAGED_SAVE | UndefineFlags::SNAPSHOTS_METADATA;
            check(flags.bits(), known.bits(), "testDomainUndefineFlags")?;
            host.undefine(domain, flags)
        })
    }

    fn create<'a>(
        &'a self,
        domain: &'a DomainRef,
        _files: Vec<OwnedFd>,
        flags: CreateFlags,
    ) -> Answer<'a, DomainRef> {
        self.answer(|host| {
            check(flags.bits(), 0, "testDomainCreateWithFlags")?;
            host.create(domain)
        })
    }

    fn rename<'a>(&'a self, domain: &'a DomainRef, new_name: &'a str, flags: u32) -> Answer<'a, ()> {
        self.answer(|host| {
            check(flags, 0, "testDomainRename")?;
            host.rename(domain, new_name)
        })
    }

    fn shutdown<'a>(&'a self, domain: &'a DomainRef, flags: ShutdownFlags) -> Answer<'a, ()> {
        self.answer(|host| {
            check(flags.bits(), 0, "testDomainShutdownFlags")?;
            host.shutdown(domain)
        })
    }

    fn reboot<'a>(&'a self, domain: &'a DomainRef, flags: RebootFlags) -> Answer<'a, ()> {
        self.answer(|host| {
            check(flags.bits(), RebootFlags::all().bits(), "testDomainReboot")?;
            host.reboot(domain)
        })
    }

    fn reset<'a>(&'a self, domain: &'a DomainRef, flags: u32) -> Answer<'a, ()> {
        self.answer(|host| {
            check(flags, 0, "testDomainReset")?;
            host.running(domain).map(drop)
        })
    }

    fn suspend<'a>(&'a self, domain: &'a DomainRef) -> Answer<'a, ()> {
        self.answer(|host| host.suspend(domain))
    }

    fn resume<'a>(&'a self, domain: &'a DomainRef) -> Answer<'a, ()> {
        self.answer(|host| host.resume(domain))
    }

    fn destroy<'a>(&'a self, domain: &'a DomainRef, flags: DestroyFlags) -> Answer<'a, ()> {
        self.answer(|host| {
            check(flags.bits(), DestroyFlags::GRACEFUL.bits(), "testDomainDestroyFlags")?;
            host.destroy(domain)
        })
    }

    fn state<'a>(&'a self, domain: &'a DomainRef) -> Answer<'a, DomainStatus> {
        self.answer(|host| Ok(host.guest(domain)?.status))
    }

    fn info<'a>(&'a self, domain: &'a DomainRef) -> Answer<'a, DomainInfo> {
        self.answer(|host| Ok(host.guest(domain)?.info()))
    }

    fn control_info<'a>(&'a self, domain: &'a DomainRef, flags: u32) -> Answer<'a, ControlInfo> {
        self.answer(|host| {
            check(flags, 0, "testDomainGetControlInfo")?;
            Ok(control_info(host.running(domain)?.clock.0))
        })
    }

    fn xml_desc<'a>(&'a self, domain: &'a DomainRef, flags: XmlFlags) -> Answer<'a, String> {
        self.answer(|host| {
            let known = XmlFlags::SECURE | XmlFlags::INACTIVE | XmlFlags::MIGRATABLE;
            check(flags.bits(), known.bits(), "testDomainGetXMLDesc")?;
            let guest = host.guest(domain)?;
            let inactive = flags.contains(XmlFlags::INACTIVE);
            let config = guest.next.as_ref().filter(|_| inactive).unwrap_or(&guest.live);
            Ok(config.format(format_flags(flags)))
        })
    }

    fn os_type<'a>(&'a self, _domain: &'a DomainRef) -> Answer<'a, String> {
        self.answer(|_| Ok("linux".to_owned()))
    }

    fn hostname<'a>(&'a self, domain: &'a DomainRef, flags: u32) -> Answer<'a, String> {
        self.answer(|host| {
            check(flags, 0, "testDomainGetHostname")?;
            host.running(domain)?;
            Ok(format!("{domain}host"))
        })
    }

    fn is_active<'a>(&'a self, domain: &'a DomainRef) -> Answer<'a, bool> {
        self.answer(|host| Ok(host.guest(domain)?.is_active()))
    }

    fn is_persistent<'a>(&'a self, domain: &'a DomainRef) -> Answer<'a, bool> {
        self.answer(|host| Ok(host.guest(domain)?.persistent))
    }

    fn is_updated<'a>(&'a self, _domain: &'a DomainRef) -> Answer<'a, bool> {
        self.answer(|_| Ok(false))
    }

    fn messages<'a>(&'a self, domain: &'a DomainRef, flags: u32) -> Answer<'a, Vec<String>> {
        self.answer(|host| {
            check(flags, 0x3, "testDomainGetMessages")?;
            Ok(host.guest(domain)?.messages(flags))
        })
    }

    fn autostart<'a>(&'a self, domain: &'a DomainRef) -> Answer<'a, bool> {
        self.answer(|host| Ok(host.guest(domain)?.autostart))
    }

    fn set_autostart<'a>(&'a self, domain: &'a DomainRef, autostart: bool) -> Answer<'a, ()> {
        self.answer(|host| {
            host.guest(domain)?.autostart = autostart;
            Ok(())
        })
    }

    fn metadata<'a>(
        &'a self,
        domain: &'a DomainRef,
        kind: MetadataKind,
        uri: Option<&'a str>,
        impact: Impact,
    ) -> Answer<'a, String> {
        self.answer(|host| {
            check(impact.bits(), Impact::all().bits(), "testDomainGetMetadata")?;
            host.guest(domain)?.metadata(kind, uri, impact)
        })
    }

    fn set_metadata<'a>(
        &'a self,
        domain: &'a DomainRef,
        kind: MetadataKind,
        value: Option<&'a str>,
        key: Option<&'a str>,
        uri: Option<&'a str>,
        impact: Impact,
    ) -> Answer<'a, ()> {
        self.answer(|host| {
            check(impact.bits(), Impact::all().bits(), "testDomainSetMetadata")?;
            host.set_metadata(domain, kind, value, (key, uri), impact)
        })
    }

    fn set_lifecycle_action<'a>(
        &'a self,
        domain: &'a DomainRef,
        event: u32,
        action: u32,
        impact: Impact,
    ) -> Answer<'a, ()> {
        self.answer(|host| {
            check(impact.bits(), Impact::all().bits(), "testDomainSetLifecycleAction")?;
            let change = LifecycleChange::new(event, action)?;
            let (live, config) = host.guest(domain)?.configs(impact)?;
            live.into_iter().chain(config).for_each(|config| change.apply(config));
            Ok(())
        })
    }

    fn security_label<'a>(&'a self, domain: &'a DomainRef) -> Answer<'a, SecurityLabel> {
        self.answer(|host| {
            let enforcing = host.guest(domain)?.is_active();
            let label = if enforcing { "libvirt-test" } else { "" };
            Ok(SecurityLabel { label: label.into(), enforcing })
        })
    }

    fn max_memory<'a>(&'a self, domain: &'a DomainRef) -> Answer<'a, u64> {
        self.answer(|host| Ok(host.guest(domain)?.live.memory.total))
    }

    fn set_memory<'a>(&'a self, domain: &'a DomainRef, memory: u64, flags: u32) -> Answer<'a, ()> {
        self.answer(|host| {
            check(flags, 0x7, "testDomainSetMemoryFlags")?;
            host.guest(domain)?.set_memory(memory, flags)
        })
    }

    fn vcpus<'a>(&'a self, domain: &'a DomainRef, flags: u32) -> Answer<'a, u32> {
        self.answer(|host| {
            check(flags, 0x7, "testDomainGetVcpusFlags")?;
            host.guest(domain)?.vcpus(flags)
        })
    }

    fn set_vcpus<'a>(&'a self, domain: &'a DomainRef, vcpus: u32, flags: u32) -> Answer<'a, ()> {
        self.answer(|host| {
            check(flags, 0x7, "testDomainSetVcpusFlags")?;
            host.set_vcpus(domain, vcpus, flags)
        })
    }

    fn scheduler_type<'a>(&'a self, _domain: &'a DomainRef) -> Answer<'a, (String, u32)> {
        self.answer(|_| Ok(("fair".to_owned(), 1)))
    }

    fn scheduler_parameters<'a>(&'a self, domain: &'a DomainRef, impact: Impact) -> Answer<'a, TypedParams> {
        self.answer(|host| {
            check(impact.bits(), 0, "testDomainGetSchedulerParametersFlags")?;
            host.guest(domain)?;
            Ok(guest::scheduler_parameters())
        })
    }

    fn set_scheduler_parameters<'a>(
        &'a self,
        domain: &'a DomainRef,
        params: &'a TypedParams,
        impact: Impact,
    ) -> Answer<'a, ()> {
        self.answer(|host| {
            check(impact.bits(), 0, "testDomainSetSchedulerParametersFlags")?;
            params::check(params, &[("weight", params::Kind::UInt)])?;
            host.guest(domain).map(drop)
        })
    }

    fn screenshot<'a>(
        &'a self,
        _domain: &'a DomainRef,
        _screen: u32,
        flags: u32,
    ) -> Answer<'a, (String, Arc<dyn ByteStream>)> {
        self.answer(|_| {
            check(flags, 0, "testDomainScreenshot")?;
            Ok(("image/png".to_owned(), console::screenshot()))
        })
    }

    fn send_key<'a>(
        &'a self,
        domain: &'a DomainRef,
        codes: KeycodeSet,
        _hold: u32,
        pressed: &'a [u32],
        flags: u32,
    ) -> Answer<'a, ()> {
        self.answer(|host| {
            check(flags, 0, "testDomainSendKey")?;
            host.running(domain)?;
            keys::check(codes, pressed)
        })
    }

    fn inject_nmi<'a>(&'a self, domain: &'a DomainRef, flags: u32) -> Answer<'a, ()> {
        self.answer(|host| {
            check(flags, 0, "testDomainInjectNMI")?;
            host.running(domain).map(drop)
        })
    }

    fn time<'a>(&'a self, domain: &'a DomainRef, flags: u32) -> Answer<'a, (i64, u32)> {
        self.answer(|host| {
            check(flags, 0, "testDomainGetTime")?;
            let guest = host.guest(domain)?;
            if guest.status.state() == DomainState::Running {
                Ok(guest.clock)
            } else {
                Err(invalid("domain is not running"))
            }
        })
    }

    fn set_time<'a>(
        &'a self,
        domain: &'a DomainRef,
        seconds: i64,
        nanoseconds: u32,
        flags: u32,
    ) -> Answer<'a, ()> {
        self.answer(|host| {
            check(flags, 0x1, "testDomainSetTime")?;
            host.running(domain)?.clock = (seconds, nanoseconds);
            Ok(())
        })
    }

    fn memory_peek<'a>(
        &'a self,
        domain: &'a DomainRef,
        start: u64,
        size: usize,
        flags: u32,
    ) -> Answer<'a, Vec<u8>> {
        self.answer(|host| {
            check(flags, 0x3, "testDomainMemoryPeek")?;
            guest::check_peek(flags)?;
            host.running(domain)?;
            Ok((0..size).map(|offset| (start as u8).wrapping_add(offset as u8)).collect())
        })
    }
}

/// libvirt's form of an XML document with these flags.
fn format_flags(flags: XmlFlags) -> FormatFlags {
    let pairs = [
        (XmlFlags::SECURE, FormatFlags::SECURE),
        (XmlFlags::INACTIVE, FormatFlags::INACTIVE),
        (XmlFlags::MIGRATABLE, FormatFlags::MIGRATABLE),
    ];
    pairs.into_iter().filter(|(asked, _)| flags.contains(*asked)).map(|(_, format)| format).collect()
}

/// The channel's state, which a caller chooses with the guest's clock: a job below 10,000 seconds, occupied below
/// 30,000, broken below 60,000, free otherwise.
const fn control_info(clock: i64) -> ControlInfo {
    let (state, since) = match clock {
        1..10_000 => (ControlState::Job, 0),
        10_000..30_000 => (ControlState::Occupied, 10_000),
        30_000..60_000 => (ControlState::Error, 30_000),
        _ => return ControlInfo { state: ControlState::Ok, details: 0, state_time: 0, held_by: None },
    };
    let details = if matches!(state, ControlState::Error) { (clock % 4) as u32 } else { 0 };
    ControlInfo { state, details, state_time: (clock - since) as u64, held_by: None }
}
