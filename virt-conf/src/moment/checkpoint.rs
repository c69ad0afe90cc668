//! `<domaincheckpoint>`: a point that changes of disks are counted from.

use virt_types::{Error, ErrorCode, ErrorDomain, TextEnum, Uuid, text_enum};
use virt_xml::{Document, Element, Writer};

use super::disks::in_order;
use super::{Moment, MomentFlags, domain_flags, parse_domain};
use crate::domain::Domain;
use crate::domain::device::Disk;
use crate::error::Refuse;
use crate::{FormatFlags, Result};

const REFUSE: Refuse = Refuse(ErrorDomain::DomainCheckpoint);

text_enum! {
    /// How changes of a disk are counted.
    pub enum CheckpointType { No = "no", Bitmap = "bitmap" }
}

/// A point that changes of disks are counted from.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Checkpoint {
    /// What it has in common with snapshots.
    pub moment: Moment,
    /// `<disks>`
    pub disks: Vec<CheckpointDisk>,
}

/// What is asked of a disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckpointDisk {
    /// `name`: the disk's target or path.
    pub name: String,
    /// `checkpoint`
    pub kind: CheckpointType,
    /// `bitmap`: the name of the record of changes.
    pub bitmap: Option<String>,
    /// `size`: bytes that changed since, where they were asked for. Never read from a document.
    pub size: Option<u64>,
}

impl Checkpoint {
    /// Reads a document.
    ///
    /// # Errors
    /// For what is no XML, no checkpoint, or wrong in itself; with the place.
    pub fn parse(xml: &str, flags: MomentFlags) -> Result<Self> {
        Self::parse_element(Document::parse(xml)?.root_named("domaincheckpoint")?, flags)
    }

    /// Reads a `<domaincheckpoint>` element, of its own document or within another.
    ///
    /// # Errors
    /// As [`Checkpoint::parse`].
    pub fn parse_element(el: Element<'_>, flags: MomentFlags) -> Result<Self> {
        check_schema(el)?;
        let mut moment = Moment::parse(el, flags, "checkpoint", REFUSE)?;
        if flags.contains(MomentFlags::REDEFINE) {
            moment.domain = parse_domain(el, "domain")?;
        }
        let disks = el.children_named("disks").flat_map(|disks| disks.children_named("disk"));
        Ok(Self { moment, disks: disks.map(CheckpointDisk::parse).collect::<Result<_>>()? })
    }

    /// Completes one that is about to be taken: its time, and its name where it has none.
    pub fn fill(&mut self, now: i64) {
        self.moment.fill(now);
    }

    /// Completes the domain of one that was taken before, as its driver does.
    ///
    /// # Errors
    /// What the driver refuses.
    pub fn fill_domain(&mut self, fill: &dyn Fn(&mut Domain) -> Result<()>) -> Result<()> {
        self.moment.fill_domains(fill)
    }

    /// Checks one that was taken before, of the domain with this identifier, and completes its list of disks.
    ///
    /// # Errors
    /// Where it is another domain's, and as [`Checkpoint::align_disks`].
    pub fn align_redefined(&mut self, owner: Option<Uuid>) -> Result<()> {
        let Some(domain) = self.moment.domain.take() else {
            self.name_bitmaps();
            return Ok(());
        };
        check_owner(
            &domain,
            owner,
            "checkpoint",
            self.moment.name.as_deref(),
            ErrorDomain::DomainCheckpoint,
        )?;
        let outcome = self.align_disks(&domain);
        self.moment.domain = Some(domain);
        outcome
    }

    /// Completes the list of disks: all of the domain's, in their order. Where none is named, changes of all that can be
    /// written to are counted.
    ///
    /// # Errors
    /// For disks that the domain has not, that are named twice, or whose changes can not be counted.
    pub fn align_disks(&mut self, domain: &Domain) -> Result<()> {
        if domain.devices.disks.is_empty() && self.disks.is_empty() {
            let detail = "domain must have at least one disk to perform checkpoints";
            return Err(REFUSE.unsupported(detail));
        }
        let all = self.disks.is_empty();
        let requests = std::mem::take(&mut self.disks);
        let check = |request: &mut CheckpointDisk, disk: &Disk| {
            let fixed = disk.source.is_empty() || disk.source.readonly;
            if fixed && request.kind != CheckpointType::No {
                return Err(REFUSE.unsupported(format!("disk '{}' is empty or readonly", request.name)));
            }
            Ok(())
        };
        let aligned = in_order(domain, requests, |request| &mut request.name, check, "checkpoint", REFUSE)?;
        let disks = aligned.into_iter().zip(&domain.devices.disks).map(|(request, disk)| {
            request.unwrap_or_else(|| {
                let counted = all && !disk.source.is_empty() && !disk.source.readonly;
                let kind = if counted { CheckpointType::Bitmap } else { CheckpointType::No };
                CheckpointDisk { name: disk.name().to_owned(), kind, bitmap: None, size: None }
            })
        });
        self.disks = disks.collect();
        self.name_bitmaps();
        Ok(())
    }

    /// Records of changes are named like the checkpoint.
    fn name_bitmaps(&mut self) {
        for disk in self.disks.iter_mut().filter(|disk| disk.kind == CheckpointType::Bitmap) {
            if disk.bitmap.is_none() {
                disk.bitmap.clone_from(&self.moment.name);
            }
        }
    }

    /// Writes the document; `with_domain` tells whether the domain is written too.
    #[must_use]
    pub fn format(&self, flags: FormatFlags, with_domain: bool) -> String {
        let mut w = Writer::new();
        w.open_element("domaincheckpoint", |w| {
            self.moment.format_words(w);
            self.moment.format_origin(w);
            if !self.disks.is_empty() {
                w.element("disks", |w| self.disks.iter().for_each(|disk| disk.format(w)));
            }
            if let Some(domain) = self.moment.domain.as_ref().filter(|_| with_domain) {
                domain.format_into(w, domain_flags(flags));
            }
        });
        w.finish()
    }
}

/// Refuses a domain that is not the owner.
pub(super) fn check_owner(
    domain: &Domain,
    owner: Option<Uuid>,
    what: &str,
    name: Option<&str>,
    part: ErrorDomain,
) -> Result<()> {
    match owner.filter(|owner| domain.uuid != Some(*owner)) {
        None => Ok(()),
        Some(owner) => {
            let name = name.unwrap_or_default();
            let detail = format!("definition for {what} {name} must use uuid {owner}");
            Err(Error::new(ErrorCode::InvalidArg, part, detail))
        }
    }
}

/// What libvirt has its schema say of checkpoints, alone among all documents.
fn check_schema(el: Element<'_>) -> Result<()> {
    const KNOWN: &[&str] = &["name", "description", "creationTime", "disks", "domain", "parent"];
    if let Some(unknown) = el.children().find(|child| !KNOWN.iter().any(|name| child.is(name))) {
        return Err(off_schema(unknown));
    }
    let is_name = |text: &str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        text.starts_with(plain) && text.chars().all(|c| plain(c) || c == '.')
    };
    for holder in std::iter::once(el).chain(el.child("parent")) {
        if let Some(name) = holder.child("name").filter(|name| !is_name(&name.text())) {
            return Err(off_schema(name));
        }
    }
    match el.child("disks") {
        Some(disks) if disks.children_named("disk").next().is_none() => Err(off_schema(disks)),
        _ => Ok(()),
    }
}

fn off_schema(el: Element<'_>) -> Error {
    let detail = "Unable to validate doc against /usr/share/libvirt/schemas/domaincheckpoint.rng";
    el.error(ErrorCode::XmlInvalidSchema, ErrorDomain::Xml, detail)
}

impl CheckpointDisk {
    fn parse(el: Element<'_>) -> Result<Self> {
        let name = el.attr_filled("name").ok_or_else(|| off_schema(el))?.to_owned();
        let _ = el.attr("size");
        let kind = match el.attr("checkpoint") {
            None => CheckpointType::Bitmap,
            Some(text) => CheckpointType::from_text(text).ok_or_else(|| off_schema(el))?,
        };
        Ok(Self { name, kind, bitmap: el.attr("bitmap").map(str::to_owned), size: None })
    }

    fn format(&self, w: &mut Writer) {
        w.element("disk", |w| {
            w.attr("name", &self.name);
            w.attr("checkpoint", self.kind);
            w.attr_opt("bitmap", self.bitmap.as_ref());
            w.attr_opt("size", self.size.filter(|_| self.bitmap.is_some()));
        });
    }
}
