//! `<domainsnapshot>`: a point that a domain can be brought back to.

mod align;
mod disk;

use virt_types::{ErrorDomain, TextEnum, text_enum};
use virt_xml::number::{Base, parse_i32};
use virt_xml::{Document, Element, Writer};

pub use align::Defaults;
pub use disk::SnapshotDisk;

use super::{Moment, MomentFlags, domain_flags, parse_domain};
use crate::domain::device::SnapshotLocation;
use crate::domain::{Cpu, Domain, Numa};
use crate::error::Refuse;
use crate::{FormatFlags, Result};

pub(super) const REFUSE: Refuse = Refuse(ErrorDomain::DomainSnapshot);

text_enum! {
    /// What the domain did when the snapshot was taken.
    pub enum SnapshotState {
        Running = "running", Blocked = "blocked", Paused = "paused", Shutdown = "shutdown", Shutoff = "shutoff",
        Crashed = "crashed", PmSuspended = "pmsuspended", DiskSnapshot = "disk-snapshot",
    }
}

/// A point that a domain can be brought back to.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Snapshot {
    /// What it has in common with checkpoints.
    pub moment: Moment,
    /// `<state>`; absent until it is taken.
    pub state: Option<SnapshotState>,
    /// `<memory>`; absent until the engine decides.
    pub memory: Option<MemorySnapshot>,
    /// `<disks>`
    pub disks: Vec<SnapshotDisk>,
    /// `<revertDisks>`: where the disks are after a return to it.
    pub revert_disks: Vec<SnapshotDisk>,
    /// `<cookie>`: what the driver keeps with one of a running domain.
    pub cookie: Option<SaveCookie>,
    /// `<active>` of the engine's own document: whether it is the current one.
    pub current: Option<bool>,
}

/// Where the memory is saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemorySnapshot {
    /// `snapshot`
    pub location: SnapshotLocation,
    /// `file`, of external ones.
    pub file: Option<String>,
}

/// What the QEMU driver keeps with a running domain's memory.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SaveCookie {
    /// `<cpu>`: the processor that the guest really saw.
    pub cpu: Option<Cpu>,
    /// `<slirpHelper/>`
    pub slirp_helper: bool,
}

impl Snapshot {
    /// Reads a document.
    ///
    /// # Errors
    /// For what is no XML, no snapshot, or wrong in itself; with the place.
    pub fn parse(xml: &str, flags: MomentFlags) -> Result<Self> {
        Self::parse_element(Document::parse(xml)?.root_named("domainsnapshot")?, flags)
    }

    /// Reads a `<domainsnapshot>` element, of its own document or within another.
    ///
    /// # Errors
    /// As [`Snapshot::parse`].
    pub fn parse_element(el: Element<'_>, flags: MomentFlags) -> Result<Self> {
        let redefine = flags.contains(MomentFlags::REDEFINE);
        let mut offline = flags.contains(MomentFlags::OFFLINE);
        let mut snapshot = Self { moment: Moment::parse(el, flags, "snapshot", REFUSE)?, ..Self::default() };
        if redefine {
            let state = parse_state(el)?;
            offline = matches!(state, SnapshotState::Shutoff | SnapshotState::DiskSnapshot);
            snapshot.state = Some(state);
            // Long ago, a snapshot had no more of its domain than the identifier.
            if el.child("domain").is_some_and(|domain| domain.attr_filled("type").is_some()) {
                snapshot.moment.domain = parse_domain(el, "domain")?;
            } else if let Some(domain) = el.child("domain") {
                domain.pass_over(&["uuid"]);
            }
            snapshot.moment.inactive_domain = parse_domain(el, "inactiveDomain")?;
        }
        snapshot.memory = parse_memory(el, redefine, offline)?;
        let disks = |name: &'static str| -> Result<Vec<SnapshotDisk>> {
            let disks = el.children_named(name).flat_map(|disks| disks.children_named("disk"));
            disks.map(|disk| SnapshotDisk::parse(disk, flags)).collect()
        };
        snapshot.disks = disks("disks")?;
        if redefine {
            snapshot.revert_disks = disks("revertDisks")?;
        }
        if flags.contains(MomentFlags::INTERNAL) {
            let active = el.child_text("active").and_then(|text| parse_i32(&text, Base::Ten));
            let active =
                active.ok_or_else(|| REFUSE.internal("Could not find 'active' element").at(el.place()))?;
            snapshot.current = Some(active != 0);
        } else {
            el.pass_over(&["active"]);
        }
        if let Some(cookie) = el.child("cookie").filter(|_| !offline) {
            let slirp_helper = cookie.child("slirpHelper").is_some();
            snapshot.cookie = Some(SaveCookie { cpu: Cpu::parse(cookie)?, slirp_helper });
        }
        Ok(snapshot)
    }

    /// Completes one that is about to be taken: its time, and its name where it has none.
    pub fn fill(&mut self, now: i64) {
        self.moment.fill(now);
    }

    /// Completes the domains of one that was taken before, as their driver does.
    ///
    /// # Errors
    /// What the driver refuses.
    pub fn fill_domains(&mut self, fill: &dyn Fn(&mut Domain) -> Result<()>) -> Result<()> {
        self.moment.fill_domains(fill)
    }

    /// Whether anything of it is outside of the disks' own images.
    #[must_use]
    pub fn is_external(&self) -> bool {
        let external = Some(SnapshotLocation::External);
        self.memory.as_ref().map(|memory| memory.location) == external
            || self.disks.iter().any(|disk| disk.location == external)
    }

    /// Writes the document.
    #[must_use]
    pub fn format(&self, flags: FormatFlags) -> String {
        let mut w = Writer::new();
        w.open_element("domainsnapshot", |w| {
            self.moment.format_words(w);
            w.text_element_opt("state", self.state);
            self.moment.format_origin(w);
            if let Some(memory) = &self.memory {
                w.element("memory", |w| {
                    w.attr("snapshot", memory.location);
                    w.attr_opt("file", memory.file.as_ref());
                });
            }
            for (name, disks) in [("disks", &self.disks), ("revertDisks", &self.revert_disks)] {
                if !disks.is_empty() {
                    w.element(name, |w| disks.iter().for_each(|disk| disk.format(w)));
                }
            }
            self.moment.format_domain(flags, w);
            if let Some(domain) = &self.moment.inactive_domain {
                domain.format_as("inactiveDomain", w, domain_flags(flags));
            }
            if let Some(cookie) = &self.cookie {
                w.element("cookie", |w| {
                    Cpu::format(cookie.cpu.as_ref(), &Numa::default(), w);
                    if cookie.slirp_helper {
                        w.element("slirpHelper", |_| {});
                    }
                });
            }
            w.text_element_opt("active", self.current.map(u8::from));
        });
        w.finish()
    }
}

fn parse_state(el: Element<'_>) -> Result<SnapshotState> {
    let text = el
        .child_text("state")
        .ok_or_else(|| REFUSE.xml("missing state from existing snapshot").at(el.place()))?;
    SnapshotState::from_text(&text).ok_or_else(|| {
        let detail = format!("Invalid state '{text}' in domain snapshot XML");
        REFUSE.unsupported(detail).with_hint(SnapshotState::hint(&text)).at(el.place())
    })
}

fn parse_memory(el: Element<'_>, redefine: bool, offline: bool) -> Result<Option<MemorySnapshot>> {
    let memory = el.child("memory");
    let at = memory.unwrap_or(el);
    let refuse = |detail: String| Err(REFUSE.xml(detail).at(at.place()));
    let file = memory.and_then(|memory| memory.attr("file")).map(str::to_owned);
    let mut location: Option<SnapshotLocation> = match memory {
        Some(memory) => memory.attr_enum("snapshot")?,
        None => None,
    };
    if location == Some(SnapshotLocation::Manual) {
        return refuse("'manual' memory snapshot mode not supported".to_owned());
    }
    if location.is_none() {
        if file.is_some() {
            location = Some(SnapshotLocation::External);
        } else if redefine {
            location = Some(if offline { SnapshotLocation::No } else { SnapshotLocation::Internal });
        }
    }
    let external = location == Some(SnapshotLocation::External);
    match &file {
        Some(file) if !external => {
            return refuse(format!("memory filename '{file}' requires external snapshot"));
        }
        None if external => return refuse("external memory snapshots require a filename".to_owned()),
        _ => {}
    }
    if offline && location.is_some_and(|location| location != SnapshotLocation::No) {
        return refuse("memory state cannot be saved with offline or disk-only snapshot".to_owned());
    }
    if let Some(file) = file.as_ref().filter(|file| !file.starts_with('/')) {
        return refuse(format!("memory snapshot file path ({file}) must be absolute"));
    }
    Ok(location.map(|location| MemorySnapshot { location, file }))
}
