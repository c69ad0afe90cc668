//! What only virtiofs has: its server process and its queue.

use virt_types::text_enum;
use virt_xml::number::{self, Base};
use virt_xml::{Element, Writer};

use crate::Result;
use crate::common::sanitize_path;
use crate::error::xml_error;

text_enum! {
    /// What the guest may keep in its own memory.
    pub enum CacheMode { None = "none", Always = "always" }
}

text_enum! {
    /// How the server process is confined.
    pub enum SandboxMode { Namespace = "namespace", Chroot = "chroot" }
}

/// The server process and the queue.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Virtiofs {
    /// `<driver queue='…'>`: entries of the queue; 0 for the hypervisor's choice.
    pub queue_size: u64,
    /// `<binary path='…'>`: the server.
    pub binary: Option<String>,
    /// `<binary xattr='…'>`.
    pub xattr: Option<bool>,
    /// `<cache mode='…'/>`.
    pub cache: Option<CacheMode>,
    /// `<sandbox mode='…'/>`.
    pub sandbox: Option<SandboxMode>,
    /// `<lock posix='…'/>`.
    pub posix_lock: Option<bool>,
    /// `<lock flock='…'/>`.
    pub flock: Option<bool>,
    /// `<thread_pool size='…'/>`.
    pub thread_pool_size: Option<u32>,
}

impl Virtiofs {
    pub(super) fn parse(el: Element<'_>) -> Result<Self> {
        let mut virtiofs = Self::default();
        if let Some(text) =
            el.child("driver").and_then(|driver| driver.attr("queue")).filter(|t| !t.is_empty())
        {
            virtiofs.queue_size = number::parse_u64(text, Base::Ten).ok_or_else(|| {
                xml_error(format!("cannot parse queue size '{text}' for virtiofs")).at(el.place())
            })?;
        }
        let Some(binary) = el.child("binary") else { return Ok(virtiofs) };
        virtiofs.binary = binary.attr("path").filter(|path| !path.is_empty()).map(sanitize_path);
        virtiofs.xattr = binary.attr_on_off("xattr")?;
        if let Some(cache) = binary.child("cache") {
            virtiofs.cache = cache.attr_enum("mode")?;
        }
        if let Some(sandbox) = binary.child("sandbox") {
            virtiofs.sandbox = sandbox.attr_enum("mode")?;
        }
        if let Some(lock) = binary.child("lock") {
            virtiofs.posix_lock = lock.attr_on_off("posix")?;
            virtiofs.flock = lock.attr_on_off("flock")?;
        }
        if let Some(pool) = binary.child("thread_pool")
            && let Some(text) = pool.attr("size").filter(|text| !text.is_empty())
        {
            // A negative size is libvirt's "not given".
            let size = number::parse_i32(text, Base::Ten).ok_or_else(|| {
                xml_error(format!("cannot parse thread pool size '{text}' for virtiofs")).at(pool.place())
            })?;
            virtiofs.thread_pool_size = u32::try_from(size).ok();
        }
        Ok(virtiofs)
    }

    pub(super) fn format(&self, w: &mut Writer) {
        w.element_if_any("binary", |w| {
            w.attr_opt("path", self.binary.as_ref());
            w.attr_on_off("xattr", self.xattr);
            w.element_if_any("cache", |w| w.attr_opt("mode", self.cache));
            w.element_if_any("sandbox", |w| w.attr_opt("mode", self.sandbox));
            w.element_if_any("lock", |w| {
                w.attr_on_off("posix", self.posix_lock);
                w.attr_on_off("flock", self.flock);
            });
            w.element_if_any("thread_pool", |w| w.attr_opt("size", self.thread_pool_size));
        });
    }
}

grammar! {
    pub(super) GRAMMAR = [
        Attr("path", PATH), Attr("xattr", OnOff), Opt("cache", &[Attr("mode", OneOf(CacheMode::NAMES))]),
        Opt("sandbox", &[Attr("mode", OneOf(SandboxMode::NAMES))]),
        Opt("lock", &[Attr("posix", OnOff), Attr("flock", OnOff)]), Opt("thread_pool", &[Attr("size", U32)]),
    ];
}
