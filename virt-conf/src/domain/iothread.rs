//! `<iothreads>`, `<iothreadids>`, `<defaultiothread>`.

use std::collections::BTreeSet;

use virt_xml::number::{Base, parse_u32};
use virt_xml::{Element, Writer};

use crate::Result;
use crate::error::{unsupported, xml_error};

/// A guest has fewer I/O threads than this, so that a document of a line can not ask for gigabytes.
const LIMIT: u32 = 65_536;

/// `<poll max='…' grow='…' shrink='…'/>`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct IoThreadPoll {
    /// `max`, nanoseconds.
    pub max: Option<u64>,
    /// `grow`
    pub grow: Option<u64>,
    /// `shrink`
    pub shrink: Option<u64>,
}

/// One I/O thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct IoThread {
    /// `id`, from 1.
    pub id: u32,
    /// Whether only `<iothreads>` asked for it, so that it is not written on its own.
    pub implied: bool,
    /// `thread_pool_min`
    pub thread_pool_min: Option<u32>,
    /// `thread_pool_max`
    pub thread_pool_max: Option<u32>,
    /// `<poll>`
    pub poll: IoThreadPoll,
}

/// `<defaultiothread>`: the main loop's thread pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DefaultIoThread {
    /// `thread_pool_min`
    pub thread_pool_min: Option<u32>,
    /// `thread_pool_max`
    pub thread_pool_max: Option<u32>,
}

/// The I/O threads of a guest.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IoThreads {
    /// The threads, in the order of their definition.
    pub list: Vec<IoThread>,
    /// `<defaultiothread>`
    pub default: Option<DefaultIoThread>,
}

impl IoThreads {
    /// The thread of this id.
    #[must_use]
    pub fn find(&self, id: u32) -> Option<&IoThread> {
        self.list.iter().find(|thread| thread.id == id)
    }
}

impl IoThreads {
    pub(super) fn parse(domain: Element<'_>) -> Result<Self> {
        let count = match domain.child_text("iothreads") {
            None => 0,
            Some(text) => parse_u32(&text, Base::Ten)
                .filter(|count| *count < LIMIT)
                .ok_or_else(|| xml_error(format!("invalid iothreads count '{text}'")).at(domain.place()))?,
        };
        let mut threads = Self { list: Vec::new(), default: DefaultIoThread::parse(domain)? };
        let mut given = BTreeSet::new();
        for el in domain.child("iothreadids").into_iter().flat_map(|el| el.children_named("iothread")) {
            let thread = IoThread::parse(el)?;
            if !given.insert(thread.id) {
                return Err(xml_error(format!("duplicate iothread id '{}' found", thread.id)).at(el.place()));
            }
            threads.list.push(thread);
        }
        let missing = (count as usize).saturating_sub(threads.list.len());
        let free = (1..).filter(|id| !given.contains(id)).take(missing);
        threads.list.extend(free.map(|id| IoThread { id, implied: true, ..IoThread::default() }));
        Ok(threads)
    }

    pub(super) fn validate(&self) -> Result<()> {
        let of_thread = |thread: &IoThread| (thread.thread_pool_min, thread.thread_pool_max);
        let of_default = |thread: &DefaultIoThread| (thread.thread_pool_min, thread.thread_pool_max);
        let pools = self.list.iter().map(of_thread).chain(self.default.iter().map(of_default));
        for (min, max) in pools {
            if max == Some(0) {
                return Err(unsupported("thread_pool_max must be a positive integer"));
            }
            if min.is_some_and(|min| max.is_none_or(|max| min > max)) {
                return Err(unsupported("thread_pool_min must be smaller or equal to thread_pool_max"));
            }
        }
        Ok(())
    }

    pub(super) fn format(&self, w: &mut Writer) {
        if !self.list.is_empty() {
            w.text_element("iothreads", self.list.len());
        }
        if self.list.iter().any(IoThread::is_telling) {
            w.element("iothreadids", |w| self.list.iter().for_each(|thread| thread.format(w)));
        }
        if let Some(default) = self.default {
            w.element("defaultiothread", |w| {
                w.attr_opt("thread_pool_min", default.thread_pool_min);
                w.attr_opt("thread_pool_max", default.thread_pool_max);
            });
        }
    }
}

impl IoThread {
    fn parse(el: Element<'_>) -> Result<Self> {
        let id = el.nonzero("id", el.attr_u32("id", Base::Ten)?)?;
        let mut thread = Self {
            id: el.required("id", id)?,
            thread_pool_min: pool_size(el, "thread_pool_min")?,
            thread_pool_max: pool_size(el, "thread_pool_max")?,
            ..Self::default()
        };
        if let Some(poll) = el.child("poll") {
            thread.poll = IoThreadPoll {
                max: poll.attr_u64("max", Base::Ten)?,
                grow: poll.attr_u64("grow", Base::Ten)?,
                shrink: poll.attr_u64("shrink", Base::Ten)?,
            };
        }
        Ok(thread)
    }

    /// Whether the thread is more than one of a number.
    fn is_telling(&self) -> bool {
        !self.implied || *self != Self { id: self.id, implied: true, ..Self::default() }
    }

    fn format(&self, w: &mut Writer) {
        w.element("iothread", |w| {
            w.attr("id", self.id);
            w.attr_opt("thread_pool_min", self.thread_pool_min);
            w.attr_opt("thread_pool_max", self.thread_pool_max);
            w.element_if_any("poll", |w| {
                w.attr_opt("max", self.poll.max);
                w.attr_opt("grow", self.poll.grow);
                w.attr_opt("shrink", self.poll.shrink);
            });
        });
    }
}

impl DefaultIoThread {
    fn parse(domain: Element<'_>) -> Result<Option<Self>> {
        let Some(el) = domain.child("defaultiothread") else { return Ok(None) };
        let thread = Self {
            thread_pool_min: pool_size(el, "thread_pool_min")?,
            thread_pool_max: pool_size(el, "thread_pool_max")?,
        };
        Ok((thread != Self::default()).then_some(thread))
    }
}

/// A number of threads, which libvirt keeps in 31 bits.
fn pool_size(el: Element<'_>, name: &'static str) -> Result<Option<u32>> {
    match el.attr_u32(name, Base::Ten)? {
        Some(size) if i32::try_from(size).is_err() => Err(el.invalid(name, " Expected integer value")),
        size => Ok(size),
    }
}

grammar! {
    pub(super) GRAMMAR = [
        Opt("iothreads", NUMBER),
        Opt("iothreadids", &[Many("iothread", &[
            Must("id", POSITIVE), Attr("thread_pool_min", U32), Attr("thread_pool_max", U32),
            Opt("poll", &[Attr("max", U64), Attr("grow", U64), Attr("shrink", U64)]),
        ])]),
        Opt("defaultiothread", &[Attr("thread_pool_min", U32), Attr("thread_pool_max", U32)]),
    ];
}

#[cfg(test)]
mod tests {
    use virt_xml::Document;

    use super::*;

    #[test]
    fn what_is_read_is_written() {
        for (xml, written) in [
            ("<d><iothreads>2</iothreads></d>", "<iothreads>2</iothreads>\n"),
            ("<d><defaultiothread/></d>", ""),
            (
                "<d><iothreads>2</iothreads><iothreadids><iothread id='2'><poll max='9'/></iothread></iothreadids></d>",
                "<iothreads>2</iothreads>\n<iothreadids>\n  <iothread id='2'>\n    <poll max='9'/>\n  </iothread>\n  <iothread id='1'/>\n</iothreadids>\n",
            ),
            (
                "<d><defaultiothread thread_pool_min='0' thread_pool_max='8'/></d>",
                "<defaultiothread thread_pool_min='0' thread_pool_max='8'/>\n",
            ),
        ] {
            let document = Document::parse(xml).unwrap();
            let mut w = Writer::new();
            IoThreads::parse(document.root()).unwrap().format(&mut w);
            assert_eq!(w.finish(), written);
        }
    }

    #[test]
    fn wrong_threads_are_refused() {
        for xml in [
            "<d><iothreads>x</iothreads></d>",
            "<d><iothreads>4294967295</iothreads></d>",
            "<d><iothreadids><iothread id='0'/></iothreadids></d>",
            "<d><iothreadids><iothread id='1'/><iothread id='1'/></iothreadids></d>",
        ] {
            let document = Document::parse(xml).unwrap();
            assert!(IoThreads::parse(document.root()).is_err(), "{xml}");
        }
    }
}
