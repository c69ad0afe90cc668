//! Snapshots, which hold the domain's configuration and nothing else.

use virt_conf::FormatFlags;
use virt_conf::domain::device::SnapshotLocation;
use virt_conf::moment::snapshot::Defaults;
use virt_conf::moment::{MemorySnapshot, MomentFlags, Snapshot, SnapshotState};
use virt_driver::{DomainRef, Lifecycle, SnapshotRef, Snapshots};
use virt_types::{
    DomainState, DomainStatus, Error, ErrorCode, ErrorDomain, PausedReason, Result, RunningReason,
    ShutoffReason, StartedDetail, StoppedDetail, SuspendedDetail,
};
use virt_xml::Element;

use super::kept;
use super::tree::{Moment, Tree};
use crate::connection::{Answer, TestConnection};
use crate::domain::Guest;
use crate::error::{internal, invalid, refuse, unsupported};
use crate::flags::{check, either};
use crate::host::{Host, now};
use crate::policy;

/// The snapshots of a domain.
pub(crate) type SnapshotTree = Tree<Snapshot>;

/// `virDomainSnapshotCreateFlags`
const REDEFINE: u32 = 0x1;
const CURRENT: u32 = 0x2;
const HALT: u32 = 0x8;
/// Quiesce, atomic, live, validate: what there is nothing to do for.
const WITHOUT_EFFECT: u32 = 0x40 | 0x80 | 0x100 | 0x200;

/// `virDomainSnapshotRevertFlags`
const RUNNING: u32 = 0x1;
const PAUSED: u32 = 0x2;
const FORCE: u32 = 0x4;

/// Every flag of a listing.
const FILTERS: u32 = 0x7ff;

/// Seconds since 1970.
fn time() -> i64 {
    i64::try_from(now() / 1_000_000).unwrap_or(i64::MAX)
}

fn is_file(path: &str) -> bool {
    std::fs::metadata(path).is_ok_and(|found| found.is_file())
}

fn missing(detail: impl Into<String>) -> Error {
    refuse(ErrorCode::NoDomainSnapshot, detail)
}

/// What the domain does, in the words of snapshots.
fn state_of(status: DomainStatus) -> SnapshotState {
    match status.state() {
        DomainState::Running | DomainState::NoState => SnapshotState::Running,
        DomainState::Blocked => SnapshotState::Blocked,
        DomainState::Paused => SnapshotState::Paused,
        DomainState::Shutdown => SnapshotState::Shutdown,
        DomainState::Shutoff => SnapshotState::Shutoff,
        DomainState::Crashed => SnapshotState::Crashed,
        DomainState::PmSuspended => SnapshotState::PmSuspended,
    }
}

/// Whether the domain ran.
fn ran(snapshot: &Snapshot) -> bool {
    matches!(snapshot.state, Some(SnapshotState::Running | SnapshotState::Paused))
}

/// The groups of a listing's flags beside those of every kind of moment, and what a snapshot has of each.
fn groups(moment: &Moment<Snapshot>) -> Vec<(u32, u32)> {
    let state = match moment.data.state {
        Some(SnapshotState::Shutoff) => 1 << 5,
        Some(SnapshotState::DiskSnapshot) => 1 << 7,
        _ => 1 << 6,
    };
    vec![either(1 << 1, 1 << 4, true), (0b111 << 5, state), either(1 << 9, 1 << 8, moment.data.is_external())]
}

impl Tree<Snapshot> {
    fn named(&self, name: &str) -> Result<&Moment<Snapshot>> {
        self.find(name).ok_or_else(|| missing(format!("no domain snapshot with matching name '{name}'")))
    }

    fn refs(&self, domain: &DomainRef, below: Option<&str>, flags: u32) -> Vec<SnapshotRef> {
        let names = self.list(below, flags, groups).into_iter();
        names.map(|name| SnapshotRef { domain: domain.clone(), name }).collect()
    }
}

impl Guest {
    /// Takes in a snapshot of the host's document.
    pub(crate) fn add_snapshot(&mut self, el: Element<'_>) -> Result<()> {
        let mut snapshot = Snapshot::parse_element(el, MomentFlags::INTERNAL | MomentFlags::REDEFINE)?;
        complete(&mut snapshot)?;
        let name = snapshot.moment.name.clone().unwrap_or_default();
        self.snapshots.check_new(&name)?;
        if snapshot.current.take() == Some(true) {
            if self.snapshots.current().is_some() {
                return Err(internal("more than one snapshot claims to be active"));
            }
            self.snapshots.set_current(Some(name.clone()));
        }
        self.put_snapshot(name, snapshot);
        Ok(())
    }

    /// Refuses snapshots of the host's document that follow what is not there.
    pub(crate) fn check_snapshots(&self) -> Result<()> {
        if self.snapshots.is_whole() {
            return Ok(());
        }
        let name = &self.live.name;
        Err(internal(format!("Snapshots have inconsistent relations for domain {name}")))
    }

    fn put_snapshot(&mut self, name: String, snapshot: Snapshot) {
        let parent = snapshot.moment.parent.clone();
        self.snapshots.put(Moment { name, parent, data: snapshot });
    }

    /// Describes again what was taken before.
    fn redefine_snapshot(&mut self, xml: &str) -> Result<String> {
        let mut snapshot = Snapshot::parse(xml, MomentFlags::REDEFINE)?;
        complete(&mut snapshot)?;
        let name = snapshot.moment.name.clone().unwrap_or_default();
        self.snapshots.check_parent(&name, snapshot.moment.parent.as_deref())?;
        let known = self.snapshots.find(&name).map(|moment| &moment.data);
        if let Some(known) = known {
            let refuse = |from_to: &str| {
                let detail = format!("cannot change between {from_to} in snapshot {name}");
                Err(Error::new(ErrorCode::InvalidArg, ErrorDomain::DomainSnapshot, detail))
            };
            let disks_only = |snapshot: &Snapshot| snapshot.state == Some(SnapshotState::DiskSnapshot);
            if ran(known) != ran(&snapshot) {
                return refuse("online and offline snapshot state");
            }
            if disks_only(known) != disks_only(&snapshot) {
                return refuse("disk only and full system");
            }
            if snapshot.moment.domain.is_none() {
                snapshot.moment.domain.clone_from(&known.moment.domain);
            }
        }
        snapshot.align_redefined(self.live.uuid, &is_file)?;
        self.put_snapshot(name.clone(), snapshot);
        Ok(name)
    }

    /// Keeps the domain as it is.
    fn take_snapshot(&mut self, xml: &str) -> Result<String> {
        let mut snapshot = Snapshot::parse(xml, MomentFlags::empty())?;
        snapshot.fill(time());
        if snapshot.disks.iter().any(|disk| disk.location == Some(SnapshotLocation::Manual)) {
            return Err(unsupported("'manual' snapshot mode is not supported by the test driver"));
        }
        let state = state_of(self.status);
        snapshot.state = Some(state);
        let external =
            snapshot.memory.as_ref().is_some_and(|memory| memory.location == SnapshotLocation::External);
        if !external {
            let off = state == SnapshotState::Shutoff;
            let location = if off { SnapshotLocation::No } else { SnapshotLocation::Internal };
            snapshot.memory = Some(MemorySnapshot { location, file: None });
        }
        let location = if external { SnapshotLocation::External } else { SnapshotLocation::Internal };
        let domain = kept(&self.live);
        snapshot.align_disks(&domain, Defaults { location, uniform: true, forced: false }, &is_file)?;
        snapshot.moment.domain = Some(domain);
        let name = snapshot.moment.name.clone().unwrap_or_default();
        self.snapshots.check_new(&name)?;
        snapshot.moment.parent = self.snapshots.current().map(|current| current.name.clone());
        self.put_snapshot(name.clone(), snapshot);
        Ok(name)
    }
}

/// Completes the domains of a snapshot that was taken before.
fn complete(snapshot: &mut Snapshot) -> Result<()> {
    snapshot.fill_domains(&policy::complete_kept)
}

impl Host {
    fn create_snapshot(&mut self, domain: &DomainRef, xml: &str, flags: u32) -> Result<SnapshotRef> {
        let guest = self.guest(domain)?;
        if !guest.checkpoints.is_empty() {
            return Err(unsupported("cannot create snapshot while checkpoint exists"));
        }
        let halt = flags & HALT != 0;
        if !guest.persistent && halt {
            return Err(invalid("cannot halt after transient domain snapshot"));
        }
        let redefine = flags & REDEFINE != 0;
        let name = if redefine { guest.redefine_snapshot(xml)? } else { guest.take_snapshot(xml)? };
        if !redefine || flags & CURRENT != 0 {
            guest.snapshots.set_current(Some(name.clone()));
        }
        if !redefine && halt && guest.is_active() {
            self.end(domain, ShutoffReason::FromSnapshot, StoppedDetail::FromSnapshot)?;
        }
        Ok(SnapshotRef { domain: domain.clone(), name })
    }

    fn revert(&mut self, snapshot: &SnapshotRef, flags: u32) -> Result<()> {
        let domain = &snapshot.domain;
        let guest = self.guest(domain)?;
        let found = &guest.snapshots.named(&snapshot.name)?.data;
        let (ran, was_paused) = (ran(found), found.state == Some(SnapshotState::Paused));
        if !guest.persistent && !ran && flags & (RUNNING | PAUSED) == 0 {
            let detail = "transient domain needs to request run or pause to revert to inactive snapshot";
            return Err(invalid(detail));
        }
        let config = found.moment.domain.as_deref().cloned().ok_or_else(|| {
            let (snapshot, name) = (&snapshot.name, &guest.live.name);
            let detail = format!("snapshot '{snapshot}' lacks domain '{name}' rollback info");
            refuse(ErrorCode::SnapshotRevertRisky, detail)
        })?;
        guest.snapshots.set_current(Some(snapshot.name.clone()));
        let active = guest.is_active();
        if ran {
            if active {
                guest.stop(ShutoffReason::FromSnapshot);
                guest.live.id = None;
                let stopped = guest.reference();
                self.tell_lifecycle(stopped, Lifecycle::Stopped(StoppedDetail::FromSnapshot));
            }
            self.guest(domain)?.assign(config);
            let started = self.start(domain, RunningReason::FromSnapshot)?;
            self.tell_lifecycle(started.clone(), Lifecycle::Started(StartedDetail::FromSnapshot));
            if flags & RUNNING == 0 && (was_paused || flags & PAUSED != 0) {
                self.guest(domain)?.status = DomainStatus::Paused(PausedReason::FromSnapshot);
                self.tell_lifecycle(started, Lifecycle::Suspended(SuspendedDetail::FromSnapshot));
            }
            return Ok(());
        }
        guest.assign(config);
        if active {
            self.end(domain, ShutoffReason::FromSnapshot, StoppedDetail::FromSnapshot)?;
        }
        // A domain that is to run afterwards is told of as if it did.
        if flags & (RUNNING | PAUSED) != 0 {
            let reference = self.guest(domain).map_or_else(|_| domain.clone(), |guest| guest.reference());
            self.tell_lifecycle(reference.clone(), Lifecycle::Started(StartedDetail::FromSnapshot));
            if flags & PAUSED != 0 {
                self.tell_lifecycle(reference, Lifecycle::Suspended(SuspendedDetail::FromSnapshot));
            }
        }
        Ok(())
    }
}

impl Snapshots for TestConnection {
    fn create_xml<'a>(&'a self, domain: &'a DomainRef, xml: &'a str, flags: u32) -> Answer<'a, SnapshotRef> {
        self.answer(|host| {
            let known = REDEFINE | CURRENT | HALT | WITHOUT_EFFECT;
            check(flags, known, "testDomainSnapshotCreateXML")?;
            host.create_snapshot(domain, xml, flags)
        })
    }

    fn xml_desc<'a>(&'a self, snapshot: &'a SnapshotRef, flags: u32) -> Answer<'a, String> {
        self.answer(|host| {
            check(flags, 0x1, "testDomainSnapshotGetXMLDesc")?;
            let guest = host.guest(&snapshot.domain)?;
            let found = guest.snapshots.named(&snapshot.name)?;
            let mut shown = found.data.clone();
            shown.moment.parent.clone_from(&found.parent);
            let secure = if flags == 0 { FormatFlags::empty() } else { FormatFlags::SECURE };
            Ok(shown.format(secure))
        })
    }

    fn list<'a>(&'a self, domain: &'a DomainRef, flags: u32) -> Answer<'a, Vec<SnapshotRef>> {
        self.answer(|host| {
            check(flags, FILTERS, "testDomainListAllSnapshots")?;
            Ok(host.guest(domain)?.snapshots.refs(domain, None, flags))
        })
    }

    fn children<'a>(&'a self, snapshot: &'a SnapshotRef, flags: u32) -> Answer<'a, Vec<SnapshotRef>> {
        self.answer(|host| {
            check(flags, FILTERS, "testDomainSnapshotListAllChildren")?;
            let snapshots = &host.guest(&snapshot.domain)?.snapshots;
            snapshots.named(&snapshot.name)?;
            Ok(snapshots.refs(&snapshot.domain, Some(&snapshot.name), flags))
        })
    }

    fn lookup_by_name<'a>(
        &'a self,
        domain: &'a DomainRef,
        name: &'a str,
        flags: u32,
    ) -> Answer<'a, SnapshotRef> {
        self.answer(|host| {
            check(flags, 0, "testDomainSnapshotLookupByName")?;
            host.guest(domain)?.snapshots.named(name)?;
            Ok(SnapshotRef { domain: domain.clone(), name: name.to_owned() })
        })
    }

    fn has_current<'a>(&'a self, domain: &'a DomainRef, flags: u32) -> Answer<'a, bool> {
        self.answer(|host| {
            check(flags, 0, "testDomainHasCurrentSnapshot")?;
            Ok(host.guest(domain)?.snapshots.current().is_some())
        })
    }

    fn current<'a>(&'a self, domain: &'a DomainRef, flags: u32) -> Answer<'a, SnapshotRef> {
        self.answer(|host| {
            check(flags, 0, "testDomainSnapshotCurrent")?;
            let current = host.guest(domain)?.snapshots.current().map(|current| current.name.clone());
            let name = current.ok_or_else(|| missing("the domain does not have a current snapshot"))?;
            Ok(SnapshotRef { domain: domain.clone(), name })
        })
    }

    fn parent<'a>(&'a self, snapshot: &'a SnapshotRef, flags: u32) -> Answer<'a, SnapshotRef> {
        self.answer(|host| {
            check(flags, 0, "testDomainSnapshotGetParent")?;
            let guest = host.guest(&snapshot.domain)?;
            let parent = guest.snapshots.named(&snapshot.name)?.parent.clone();
            let name = parent
                .ok_or_else(|| missing(format!("snapshot '{}' does not have a parent", snapshot.name)))?;
            Ok(SnapshotRef { domain: snapshot.domain.clone(), name })
        })
    }

    fn is_current<'a>(&'a self, snapshot: &'a SnapshotRef, flags: u32) -> Answer<'a, bool> {
        self.answer(|host| {
            check(flags, 0, "testDomainSnapshotIsCurrent")?;
            let snapshots = &host.guest(&snapshot.domain)?.snapshots;
            snapshots.named(&snapshot.name)?;
            Ok(snapshots.is_current(&snapshot.name))
        })
    }

    fn has_metadata<'a>(&'a self, snapshot: &'a SnapshotRef, flags: u32) -> Answer<'a, bool> {
        self.answer(|host| {
            check(flags, 0, "testDomainSnapshotHasMetadata")?;
            host.guest(&snapshot.domain)?.snapshots.named(&snapshot.name)?;
            Ok(true)
        })
    }

    fn revert<'a>(&'a self, snapshot: &'a SnapshotRef, flags: u32) -> Answer<'a, ()> {
        self.answer(|host| {
            check(flags, RUNNING | PAUSED | FORCE, "testDomainRevertToSnapshot")?;
            host.revert(snapshot, flags)
        })
    }

    fn delete<'a>(&'a self, snapshot: &'a SnapshotRef, flags: u32) -> Answer<'a, ()> {
        self.answer(|host| {
            check(flags, 0x5, "testDomainSnapshotDelete")?;
            let snapshots = &mut host.guest(&snapshot.domain)?.snapshots;
            snapshots.named(&snapshot.name)?;
            snapshots.delete(&snapshot.name, flags);
            Ok(())
        })
    }
}
