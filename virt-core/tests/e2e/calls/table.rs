// tidy: table
//! The calls of the table, by the names that stock libvirt's answers have in it.

use virt_core::driver::{
    BoxFuture, Connection, DomainRef, KeycodeSet, MetadataKind, MonitorCommandFlags, OpenConsoleFlags,
};
use virt_core::{
    DestroyFlags, Impact, RebootFlags, Result, ShutdownFlags, TypedParams, TypedValue, UndefineFlags,
};

/// A call on a domain, whose answer is dropped.
pub(crate) type Call = for<'a> fn(&'a dyn Connection, &'a DomainRef) -> BoxFuture<'a, Result<()>>;

const NOW: Impact = Impact::empty();
const LIVE: Impact = Impact::LIVE;
const CONFIG: Impact = Impact::CONFIG;
const BOTH: Impact = Impact::LIVE.union(Impact::CONFIG);
const QMP: MonitorCommandFlags = MonitorCommandFlags::empty();
const HMP: MonitorCommandFlags = MonitorCommandFlags::HMP;
const URI: &str = "http://x.example/1";
const NET: &str = "<interface type='user'><mac address='52:54:00:11:22:33'/></interface>";

fn params(field: &str, value: impl Into<TypedValue>) -> TypedParams {
    let mut params = TypedParams::new();
    params.push(field, value);
    params
}

macro_rules! table {
    ($($name:literal: $group:ident.$method:ident($($argument:expr),*);)+) => {
        vec![$((
            $name,
            (|connection, domain| {
                Box::pin(async move {
                    connection.$group().expect("the group of calls").$method(domain $(, $argument)*).await.map(drop)
                })
            }) as Call,
        )),+]
    };
}

#[rustfmt::skip]
pub(crate) fn calls() -> Vec<(&'static str, Call)> {
    table! {
        "state": domains.state();
        "info": domains.info();
        "OSType": domains.os_type();
        "isActive": domains.is_active();
        "isPersistent": domains.is_persistent();
        "isUpdated": domains.is_updated();
        "hostname": domains.hostname(0);
        "hostname.lease": domains.hostname(1);
        "hostname.agent": domains.hostname(2);
        "hostname.both": domains.hostname(3);
        "messages": domains.messages(0);
        "messages.badflag": domains.messages(8);
        "controlInfo": domains.control_info(0);
        "controlInfo.badflag": domains.control_info(1);
        "jobInfo": jobs.info();
        "jobStats": jobs.stats(0);
        "jobStats.completed": jobs.stats(1);
        "jobStats.keep": jobs.stats(2);
        "abortJob": jobs.abort(0);
        "autostart": domains.autostart();
        "maxMemory": domains.max_memory();
        "vcpus": tuning.vcpu_infos();
        "vcpusFlags.cur": domains.vcpus(0);
        "vcpusFlags.live": domains.vcpus(1);
        "vcpusFlags.config": domains.vcpus(2);
        "vcpusFlags.both": domains.vcpus(3);
        "vcpusFlags.max": domains.vcpus(4);
        "vcpusFlags.maxlive": domains.vcpus(5);
        "vcpusFlags.maxconfig": domains.vcpus(6);
        "vcpusFlags.guest": domains.vcpus(8);
        "vcpusFlags.guestlive": domains.vcpus(9);
        "vcpusFlags.guestmax": domains.vcpus(12);
        "vcpusFlags.hotpl": domains.vcpus(16);
        "vcpusFlags.bad": domains.vcpus(64);
        "vcpuPinInfo.cur": tuning.vcpu_pins(NOW);
        "emulatorPinInfo.cur": tuning.emulator_pin(NOW);
        "ioThreadInfo.cur": tuning.iothreads(NOW);
        "schedulerParametersFlags.cur": domains.scheduler_parameters(NOW);
        "memoryParameters.cur": tuning.memory_parameters(NOW);
        "blkioParameters.cur": tuning.blkio_parameters(NOW);
        "numaParameters.cur": tuning.numa_parameters(NOW);
        "perfEvents.cur": tuning.perf_events(NOW);
        "blockIoTune.cur": tuning.block_io_tune(Some("vda"), NOW);
        "interfaceParameters.cur": tuning.interface_parameters("52:54:00:0a:0b:0c", NOW);
        "metadata.title.cur": domains.metadata(MetadataKind::Title, None, NOW);
        "metadata.desc.cur": domains.metadata(MetadataKind::Description, None, NOW);
        "metadata.elem.cur": domains.metadata(MetadataKind::Element, Some(URI), NOW);
        "setMetadata.title.cur": domains.set_metadata(MetadataKind::Title, Some("a text"), None, None, NOW);
        "setMetadata.desc.cur": domains.set_metadata(MetadataKind::Description, Some("a text"), None, None, NOW);
        "setMetadata.elem.cur": domains.set_metadata(MetadataKind::Element, Some("<a b='1'/>"), Some("k"), Some(URI), NOW);
        "metadata.title2.cur": domains.metadata(MetadataKind::Title, None, NOW);
        "metadata.elem2.cur": domains.metadata(MetadataKind::Element, Some(URI), NOW);
        "setMetadata.title.none.cur": domains.set_metadata(MetadataKind::Title, None, None, None, NOW);
        "setMetadata.desc.none.cur": domains.set_metadata(MetadataKind::Description, None, None, None, NOW);
        "setMetadata.elem.none.cur": domains.set_metadata(MetadataKind::Element, None, Some("k"), Some(URI), NOW);
        "setMemoryFlags.cur": domains.set_memory(30 << 10, 0);
        "setMemoryFlags.toomuch.cur": domains.set_memory(64 << 10, 0);
        "setMemoryFlags.back.cur": domains.set_memory(32 << 10, 0);
        "setMemoryFlags.max.cur": domains.set_memory(32 << 10, 4);
        "setMemoryStatsPeriod.cur": statistics.set_memory_period(2, 0);
        "setLifecycleAction.cur": domains.set_lifecycle_action(1, 1, NOW);
        "vcpuPinInfo.live": tuning.vcpu_pins(LIVE);
        "emulatorPinInfo.live": tuning.emulator_pin(LIVE);
        "ioThreadInfo.live": tuning.iothreads(LIVE);
        "schedulerParametersFlags.live": domains.scheduler_parameters(LIVE);
        "memoryParameters.live": tuning.memory_parameters(LIVE);
        "blkioParameters.live": tuning.blkio_parameters(LIVE);
        "numaParameters.live": tuning.numa_parameters(LIVE);
        "perfEvents.live": tuning.perf_events(LIVE);
        "blockIoTune.live": tuning.block_io_tune(Some("vda"), LIVE);
        "interfaceParameters.live": tuning.interface_parameters("52:54:00:0a:0b:0c", LIVE);
        "metadata.title.live": domains.metadata(MetadataKind::Title, None, LIVE);
        "metadata.desc.live": domains.metadata(MetadataKind::Description, None, LIVE);
        "metadata.elem.live": domains.metadata(MetadataKind::Element, Some(URI), LIVE);
        "setMetadata.title.live": domains.set_metadata(MetadataKind::Title, Some("a text"), None, None, LIVE);
        "setMetadata.desc.live": domains.set_metadata(MetadataKind::Description, Some("a text"), None, None, LIVE);
        "setMetadata.elem.live": domains.set_metadata(MetadataKind::Element, Some("<a b='1'/>"), Some("k"), Some(URI), LIVE);
        "metadata.title2.live": domains.metadata(MetadataKind::Title, None, LIVE);
        "metadata.elem2.live": domains.metadata(MetadataKind::Element, Some(URI), LIVE);
        "setMetadata.title.none.live": domains.set_metadata(MetadataKind::Title, None, None, None, LIVE);
        "setMetadata.desc.none.live": domains.set_metadata(MetadataKind::Description, None, None, None, LIVE);
        "setMetadata.elem.none.live": domains.set_metadata(MetadataKind::Element, None, Some("k"), Some(URI), LIVE);
        "setMemoryFlags.live": domains.set_memory(30 << 10, 1);
        "setMemoryFlags.toomuch.live": domains.set_memory(64 << 10, 1);
        "setMemoryFlags.back.live": domains.set_memory(32 << 10, 1);
        "setMemoryFlags.max.live": domains.set_memory(32 << 10, 5);
        "setMemoryStatsPeriod.live": statistics.set_memory_period(2, 1);
        "setLifecycleAction.live": domains.set_lifecycle_action(1, 1, LIVE);
        "vcpuPinInfo.config": tuning.vcpu_pins(CONFIG);
        "emulatorPinInfo.config": tuning.emulator_pin(CONFIG);
        "ioThreadInfo.config": tuning.iothreads(CONFIG);
        "schedulerParametersFlags.config": domains.scheduler_parameters(CONFIG);
        "memoryParameters.config": tuning.memory_parameters(CONFIG);
        "blkioParameters.config": tuning.blkio_parameters(CONFIG);
        "numaParameters.config": tuning.numa_parameters(CONFIG);
        "perfEvents.config": tuning.perf_events(CONFIG);
        "blockIoTune.config": tuning.block_io_tune(Some("vda"), CONFIG);
        "interfaceParameters.config": tuning.interface_parameters("52:54:00:0a:0b:0c", CONFIG);
        "metadata.title.config": domains.metadata(MetadataKind::Title, None, CONFIG);
        "metadata.desc.config": domains.metadata(MetadataKind::Description, None, CONFIG);
        "metadata.elem.config": domains.metadata(MetadataKind::Element, Some(URI), CONFIG);
        "setMetadata.title.config": domains.set_metadata(MetadataKind::Title, Some("a text"), None, None, CONFIG);
        "setMetadata.desc.config": domains.set_metadata(MetadataKind::Description, Some("a text"), None, None, CONFIG);
        "setMetadata.elem.config": domains.set_metadata(MetadataKind::Element, Some("<a b='1'/>"), Some("k"), Some(URI), CONFIG);
        "metadata.title2.config": domains.metadata(MetadataKind::Title, None, CONFIG);
        "metadata.elem2.config": domains.metadata(MetadataKind::Element, Some(URI), CONFIG);
        "setMetadata.title.none.config": domains.set_metadata(MetadataKind::Title, None, None, None, CONFIG);
        "setMetadata.desc.none.config": domains.set_metadata(MetadataKind::Description, None, None, None, CONFIG);
        "setMetadata.elem.none.config": domains.set_metadata(MetadataKind::Element, None, Some("k"), Some(URI), CONFIG);
        "setMemoryFlags.config": domains.set_memory(30 << 10, 2);
        "setMemoryFlags.toomuch.config": domains.set_memory(64 << 10, 2);
        "setMemoryFlags.back.config": domains.set_memory(32 << 10, 2);
        "setMemoryFlags.max.config": domains.set_memory(32 << 10, 6);
        "setMemoryStatsPeriod.config": statistics.set_memory_period(2, 2);
        "setMemoryParameters.config": tuning.set_memory_parameters(&params("soft_limit", 65536u64), CONFIG);
        "setLifecycleAction.config": domains.set_lifecycle_action(1, 1, CONFIG);
        "vcpuPinInfo.both": tuning.vcpu_pins(BOTH);
        "emulatorPinInfo.both": tuning.emulator_pin(BOTH);
        "ioThreadInfo.both": tuning.iothreads(BOTH);
        "schedulerParametersFlags.both": domains.scheduler_parameters(BOTH);
        "memoryParameters.both": tuning.memory_parameters(BOTH);
        "blkioParameters.both": tuning.blkio_parameters(BOTH);
        "numaParameters.both": tuning.numa_parameters(BOTH);
        "perfEvents.both": tuning.perf_events(BOTH);
        "blockIoTune.both": tuning.block_io_tune(Some("vda"), BOTH);
        "interfaceParameters.both": tuning.interface_parameters("52:54:00:0a:0b:0c", BOTH);
        "metadata.title.both": domains.metadata(MetadataKind::Title, None, BOTH);
        "metadata.desc.both": domains.metadata(MetadataKind::Description, None, BOTH);
        "metadata.elem.both": domains.metadata(MetadataKind::Element, Some(URI), BOTH);
        "setMetadata.title.both": domains.set_metadata(MetadataKind::Title, Some("a text"), None, None, BOTH);
        "setMetadata.desc.both": domains.set_metadata(MetadataKind::Description, Some("a text"), None, None, BOTH);
        "setMetadata.elem.both": domains.set_metadata(MetadataKind::Element, Some("<a b='1'/>"), Some("k"), Some(URI), BOTH);
        "metadata.title2.both": domains.metadata(MetadataKind::Title, None, BOTH);
        "metadata.elem2.both": domains.metadata(MetadataKind::Element, Some(URI), BOTH);
        "setMetadata.title.none.both": domains.set_metadata(MetadataKind::Title, None, None, None, BOTH);
        "setMetadata.desc.none.both": domains.set_metadata(MetadataKind::Description, None, None, None, BOTH);
        "setMetadata.elem.none.both": domains.set_metadata(MetadataKind::Element, None, Some("k"), Some(URI), BOTH);
        "setMemoryFlags.both": domains.set_memory(30 << 10, 3);
        "setMemoryFlags.toomuch.both": domains.set_memory(64 << 10, 3);
        "setMemoryFlags.back.both": domains.set_memory(32 << 10, 3);
        "setMemoryStatsPeriod.both": statistics.set_memory_period(2, 3);
        "setLifecycleAction.both": domains.set_lifecycle_action(1, 1, BOTH);
        "setMetadata.title.newline": domains.set_metadata(MetadataKind::Title, Some("a\nb"), None, None, NOW);
        "setMetadata.elem.nouri": domains.set_metadata(MetadataKind::Element, Some("<a/>"), Some("k"), None, NOW);
        "setMetadata.elem.nokey": domains.set_metadata(MetadataKind::Element, Some("<a/>"), None, Some(URI), NOW);
        "metadata.elem.nouri": domains.metadata(MetadataKind::Element, None, NOW);
        "metadata.title.uri": domains.metadata(MetadataKind::Title, Some(URI), NOW);
        "metadata.badflag": domains.metadata(MetadataKind::Title, None, Impact::from_bits_retain(8));
        "schedulerType": domains.scheduler_type();
        "setScheduler.config": domains.set_scheduler_parameters(&params("cpu_shares", 512u64), CONFIG);
        "setBlkio.config": tuning.set_blkio_parameters(&params("weight", 500u32), CONFIG);
        "setNuma.config": tuning.set_numa_parameters(&params("numa_nodeset", "0".to_owned()), CONFIG);
        "setPerf.config": tuning.set_perf_events(&params("page_faults", true), CONFIG);
        "pinVcpu.config": tuning.pin_vcpu(0, &[1], CONFIG);
        "pinEmulator.config": tuning.pin_emulator(&[1], CONFIG);
        "memoryStats": statistics.memory(0);
        "blockInfo": statistics.block_info("vda", 0);
        "blockInfo.cdrom": statistics.block_info("hda", 0);
        "blockInfo.missing": statistics.block_info("vdz", 0);
        "blockStats": statistics.block("vda");
        "blockStats.missing": statistics.block("vdz");
        "blockStats.all": statistics.block("");
        "blockStats.cdrom": statistics.block("hda");
        "blockStatsFlags": statistics.block_parameters("vda", 0);
        "blockStatsFlags.missing": statistics.block_parameters("vdz", 0);
        "interfaceStats.missing": statistics.interface("vnet9");
        "interfaceStats.user": statistics.interface("52:54:00:0a:0b:0c");
        "diskErrors": statistics.disk_errors(0);
        "cpuStats.total": statistics.cpu(-1, 1, 0);
        "cpuStats": statistics.cpu(0, 1, 0);
        "blockPeek": domains.block_peek("vda", 0, 8, 0);
        "memoryPeek": domains.memory_peek(0, 16, 2);
        "memoryPeek.virt": domains.memory_peek(0, 16, 1);
        "memoryPeek.badflags": domains.memory_peek(0, 16, 4);
        "screenshot": domains.screenshot(0, 0);
        "screenshot.badscreen": domains.screenshot(5, 0);
        "sendKey": domains.send_key(KeycodeSet::Linux, 0, &[30], 0);
        "sendKey.bad": domains.send_key(KeycodeSet::Linux, 0, &[99_999], 0);
        "sendKey.badset": domains.send_key(KeycodeSet::Osx, 0, &[250], 0);
        "injectNMI": domains.inject_nmi(0);
        "openConsole": domains.open_console(None, OpenConsoleFlags::empty());
        "openConsole.bad": domains.open_console(Some("nosuch"), OpenConsoleFlags::empty());
        "openConsole.badflag": domains.open_console(None, OpenConsoleFlags::from_bits_retain(8));
        "openChannel": domains.open_channel(None, 0);
        "openChannel.bad": domains.open_channel(Some("nosuch"), 0);
        "openGraphicsFD": domains.open_graphics_fd(0, 1);
        "openGraphicsFD.bad": domains.open_graphics_fd(5, 0);
        "openGraphicsFD.flag": domains.open_graphics_fd(0, 8);
        "monitorCommand": domains.monitor_command(r#"{"execute":"query-name"}"#, QMP);
        "monitorCommand.hmp": domains.monitor_command("info name", HMP);
        "monitorCommand.unknown": domains.monitor_command(r#"{"execute":"nosuch","id":"me"}"#, QMP);
        "monitorCommand.badflag": domains.monitor_command("x", MonitorCommandFlags::from_bits_retain(4));
        "monitorCommand.hmpunknown": domains.monitor_command("nosuch", HMP);
        "messages.tainted": domains.messages(2);
        "agentCommand": domains.agent_command(r#"{"execute":"guest-info"}"#, 2, 0);
        "time": domains.time(0);
        "setTime": domains.set_time(1, 0, 0);
        "setTime.sync": domains.set_time(0, 0, 1);
        "guestInfo": domains.guest_info(0, 0);
        "guestInfo.users": domains.guest_info(1, 0);
        "setGuestVcpus": guests.set_vcpus("0", true, 0);
        "fsInfo": guests.file_systems(0);
        "fsFreeze": guests.freeze(&[], 0);
        "fsThaw": guests.thaw(&[], 0);
        "fSTrim": guests.trim(None, 0, 0);
        "fSTrim.mp": guests.trim(Some("/mnt"), 0, 0);
        "interfaceAddresses.agent": guests.interface_addresses(1, 0);
        "interfaceAddresses.lease": guests.interface_addresses(0, 0);
        "interfaceAddresses.bad": guests.interface_addresses(9, 0);
        "setUserPassword": guests.set_user_password("root", "x", 0);
        "authorizedSSHKeysGet": guests.ssh_keys("root", 0);
        "agentSetResponseTimeout": guests.set_agent_timeout(5, 0);
        "agentSetResponseTimeout.back": guests.set_agent_timeout(-2, 0);
        "agentSetResponseTimeout.bad": guests.set_agent_timeout(-3, 0);
        "pMSuspend": domains.pm_suspend(0, 0, 0);
        "pMSuspend.disk": domains.pm_suspend(1, 0, 0);
        "pMSuspend.bad": domains.pm_suspend(7, 0, 0);
        "pMSuspend.dur": domains.pm_suspend(0, 5, 0);
        "pMWakeup": domains.pm_wakeup(0);
        "attach.config": domains.attach_device(NET, 2);
        "attach.config.again": domains.attach_device(NET, 2);
        "attach.config.sametarget": domains.attach_device("<disk type='file'><source file='/x'/><target dev='vda'/></disk>", 2);
        "attach.config.unknown": domains.attach_device("<nosuch/>", 2);
        "detachAlias.config.missing": domains.detach_device_alias("ua-x", 2);
        "attach.badflag": domains.attach_device(NET, 64);
        "rename": domains.rename("errs", 0);
        "rename.badname": domains.rename("a/b", 0);
        "rename.empty": domains.rename("", 0);
        "rename.flag": domains.rename("x", 1);
        "setAutostart": domains.set_autostart(false);
        "hasManagedSaveImage": saved_states.has_managed_save(0);
        "hasCurrentSnapshot": snapshots.has_current(0);
        "listAllSnapshots": snapshots.list(0);
        "listAllCheckpoints": checkpoints.list(0);
        "snapshotCurrent": snapshots.current(0);
        "snapshotLookup": snapshots.lookup_by_name("x", 0);
        "launchSecurityInfo": guests.launch_security(0);
        "backupXML": checkpoints.backup_xml_desc(0);
        "blockJobInfo": block_jobs.info("vda", 0);
        "blockJobInfo.missing": block_jobs.info("vdz", 0);
        "destroy.badflag": domains.destroy(DestroyFlags::from_bits_retain(64));
        "undefine.badflag": domains.undefine(UndefineFlags::from_bits_retain(1 << 12));
        "reset.badflag": domains.reset(1);
        "shutdown.badflag": domains.shutdown(ShutdownFlags::from_bits_retain(1 << 10));
        "reboot.badflag": domains.reboot(RebootFlags::from_bits_retain(1 << 10));
    }
}
