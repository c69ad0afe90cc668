//! `<cputune>`: pins, shares, quotas and schedulers of a guest's threads.

use std::collections::BTreeMap;

use virt_types::{ErrorCode, ErrorDomain, text_enum};
use virt_xml::number::{Base, parse_i64, parse_u64};
use virt_xml::{Element, Writer};

use super::Resctrl;
use crate::common::Bitmap;
use crate::domain::iothread::IoThreads;
use crate::error::{internal, unsupported, xml_error};
use crate::{FormatFlags, ParseFlags, Result};

/// The kernel's limits of CPU bandwidth control, in microseconds.
const PERIOD_MIN: u64 = 1_000;
const PERIOD_MAX: u64 = 1_000_000;
const QUOTA_MIN: u64 = 1_000;
const QUOTA_MAX: u64 = 17_592_186_044_415;

text_enum! {
    /// A thread's scheduling policy (sched(7)).
    pub enum SchedPolicy { Batch = "batch", Idle = "idle", Fifo = "fifo", Rr = "rr" }
}

/// A thread's scheduler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scheduler {
    /// `scheduler`
    pub policy: SchedPolicy,
    /// `priority`: of the real-time policies only.
    pub priority: i32,
}

/// A CPU bandwidth limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Quota {
    /// Period in microseconds; 0 where not given.
    pub period: u64,
    /// Microseconds of CPU time per period, negative for no limit; 0 where not given.
    pub quota: i64,
}

/// `<cputune>`
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Cputune {
    /// `<shares>`
    pub shares: Option<u64>,
    /// `<period>`, `<quota>`: of each vCPU.
    pub vcpu_quota: Quota,
    /// `<global_period>`, `<global_quota>`: of the whole guest.
    pub global_quota: Quota,
    /// `<emulator_period>`, `<emulator_quota>`
    pub emulator_quota: Quota,
    /// `<iothread_period>`, `<iothread_quota>`
    pub iothread_quota: Quota,
    /// `<vcpupin>`, by vCPU.
    pub vcpu_pins: BTreeMap<u32, Bitmap>,
    /// `<emulatorpin>`
    pub emulator_pin: Option<Bitmap>,
    /// `<iothreadpin>`, by I/O thread.
    pub iothread_pins: BTreeMap<u32, Bitmap>,
    /// `<emulatorsched>`
    pub emulator_scheduler: Option<Scheduler>,
    /// `<vcpusched>`, by vCPU.
    pub vcpu_schedulers: BTreeMap<u32, Scheduler>,
    /// `<iothreadsched>`, by I/O thread.
    pub iothread_schedulers: BTreeMap<u32, Scheduler>,
    /// `<cachetune>`, `<memorytune>`: by sets of vCPUs.
    pub resctrl: Vec<Resctrl>,
}

impl Cputune {
    pub(in crate::domain) fn parse(domain: Element<'_>, cx: &CputuneContext<'_>) -> Result<Self> {
        let Some(el) = domain.child("cputune") else { return Ok(Self::default()) };
        let mut tune = Self {
            shares: number(el, "shares", "shares", parse_u64)?,
            vcpu_quota: Quota::parse(el, "period", "quota", "")?,
            global_quota: Quota::parse(el, "global_period", "global_quota", "global ")?,
            emulator_quota: Quota::parse(el, "emulator_period", "emulator_quota", "emulator ")?,
            iothread_quota: Quota::parse(el, "iothread_period", "iothread_quota", "iothread ")?,
            ..Self::default()
        };
        tune.parse_pins(el, cx)?;
        tune.parse_schedulers(el, cx)?;
        tune.resctrl = Resctrl::parse_all(el, cx.vcpus, cx.flags)?;
        Ok(tune)
    }

    fn parse_pins(&mut self, el: Element<'_>, cx: &CputuneContext<'_>) -> Result<()> {
        for pin in el.children_named("vcpupin") {
            let vcpu = pin.required("vcpu", pin.attr_u32("vcpu", Base::Ten)?)?;
            if vcpu >= cx.vcpus {
                log::warn!("Ignoring vcpupin for missing vcpus");
                continue;
            }
            let set = cpuset(pin, "vcpupin")?;
            if self.vcpu_pins.insert(vcpu, set).is_some() {
                return Err(internal(format!("duplicate vcpupin for vcpu '{vcpu}'")).at(pin.place()));
            }
        }
        let mut emulator = el.children_named("emulatorpin");
        if let Some(pin) = emulator.next() {
            if let Some(second) = emulator.next() {
                return Err(xml_error("only one emulatorpin is supported").at(second.place()));
            }
            self.emulator_pin = Some(cpuset(pin, "emulatorpin")?);
        }
        for pin in el.children_named("iothreadpin") {
            let id = pin.nonzero("iothread", pin.attr_u32("iothread", Base::Ten)?)?;
            let id = pin.required("iothread", id)?;
            cx.check_iothread(id, pin)?;
            if self.iothread_pins.insert(id, cpuset(pin, "iothreadpin")?).is_some() {
                let detail = format!("duplicate iothreadpin for same iothread '{id}'");
                return Err(internal(detail).at(pin.place()));
            }
        }
        Ok(())
    }

    fn parse_schedulers(&mut self, el: Element<'_>, cx: &CputuneContext<'_>) -> Result<()> {
        for sched in el.children_named("vcpusched") {
            let (threads, scheduler) = Scheduler::parse_set(sched, "vcpusched", "vcpus")?;
            for vcpu in threads.iter() {
                if vcpu >= cx.vcpus {
                    let detail = format!("vCPU '{vcpu}' is not present in domain definition");
                    return Err(unsupported(detail).at(sched.place()));
                }
                no_overlap(self.vcpu_schedulers.insert(vcpu, scheduler), sched, "vcpus")?;
            }
        }
        for sched in el.children_named("iothreadsched") {
            let (threads, scheduler) = Scheduler::parse_set(sched, "iothreadsched", "iothreads")?;
            for id in threads.iter() {
                cx.check_iothread(id, sched)?;
                no_overlap(self.iothread_schedulers.insert(id, scheduler), sched, "iothreads")?;
            }
        }
        let mut emulator = el.children_named("emulatorsched");
        if let Some(sched) = emulator.next() {
            if let Some(second) = emulator.next() {
                return Err(xml_error("only one emulatorsched is supported").at(second.place()));
            }
            self.emulator_scheduler = Some(Scheduler::parse(sched)?);
        }
        Ok(())
    }

    pub(in crate::domain) fn validate(&self) -> Result<()> {
        for (whose, quota) in [
            ("", self.vcpu_quota),
            ("global_", self.global_quota),
            ("emulator_", self.emulator_quota),
            ("iothread_", self.iothread_quota),
        ] {
            let refuse = |what: &str, from: u64, to: u64| {
                let detail = format!("Value of cputune '{whose}{what}' must be in range [{from}, {to}]");
                Err(unsupported(detail))
            };
            if quota.period > 0 && !(PERIOD_MIN..=PERIOD_MAX).contains(&quota.period) {
                return refuse("period", PERIOD_MIN, PERIOD_MAX);
            }
            // A quota below zero is no limit.
            if quota.quota > 0 && !(QUOTA_MIN..=QUOTA_MAX).contains(&quota.quota.unsigned_abs()) {
                return refuse("quota", QUOTA_MIN, QUOTA_MAX);
            }
        }
        Ok(())
    }

    /// Whether a thread is pinned to host CPUs.
    #[must_use]
    pub fn has_pins(&self) -> bool {
        self.emulator_pin.is_some() || !self.vcpu_pins.is_empty() || !self.iothread_pins.is_empty()
    }

    pub(in crate::domain) fn format(&self, w: &mut Writer, iothreads: &IoThreads, flags: FormatFlags) {
        // I/O threads come in the order of their definition.
        let by_thread = || iothreads.list.iter().map(|thread| thread.id);
        w.element_if_any("cputune", |w| {
            w.text_element_opt("shares", self.shares);
            self.vcpu_quota.format(w, "period", "quota");
            self.global_quota.format(w, "global_period", "global_quota");
            self.emulator_quota.format(w, "emulator_period", "emulator_quota");
            self.iothread_quota.format(w, "iothread_period", "iothread_quota");
            for (vcpu, set) in &self.vcpu_pins {
                w.element("vcpupin", |w| {
                    w.attr("vcpu", vcpu);
                    w.attr("cpuset", set);
                });
            }
            if let Some(set) = &self.emulator_pin {
                w.element("emulatorpin", |w| w.attr("cpuset", set));
            }
            for (id, set) in by_thread().filter_map(|id| self.iothread_pins.get(&id).map(|set| (id, set))) {
                w.element("iothreadpin", |w| {
                    w.attr("iothread", id);
                    w.attr("cpuset", set);
                });
            }
            if let Some(scheduler) = self.emulator_scheduler {
                w.element("emulatorsched", |w| scheduler.format(w));
            }
            for (vcpu, scheduler) in &self.vcpu_schedulers {
                w.element("vcpusched", |w| {
                    w.attr("vcpus", vcpu);
                    scheduler.format(w);
                });
            }
            for (id, scheduler) in
                by_thread().filter_map(|id| self.iothread_schedulers.get(&id).map(|sched| (id, sched)))
            {
                w.element("iothreadsched", |w| {
                    w.attr("iothreads", id);
                    scheduler.format(w);
                });
            }
            self.resctrl.iter().for_each(|group| group.format_cache(w, flags));
            self.resctrl.iter().for_each(|group| group.format_memory(w, flags));
        });
    }
}

/// What the tuning of threads refers to.
#[derive(Debug)]
pub(in crate::domain) struct CputuneContext<'a> {
    /// How many vCPUs there may be.
    pub(in crate::domain) vcpus: u32,
    pub(in crate::domain) iothreads: &'a IoThreads,
    pub(in crate::domain) flags: ParseFlags,
}

impl CputuneContext<'_> {
    fn check_iothread(&self, id: u32, el: Element<'_>) -> Result<()> {
        if self.iothreads.find(id).is_none() {
            return Err(unsupported(format!("Cannot find 'iothread' : {id}")).at(el.place()));
        }
        Ok(())
    }
}

impl Quota {
    fn parse(el: Element<'_>, period: &'static str, quota: &'static str, whose: &str) -> Result<Self> {
        Ok(Self {
            period: number(el, period, &format!("{whose}period"), parse_u64)?.unwrap_or(0),
            quota: number(el, quota, &format!("{whose}quota"), parse_i64)?.unwrap_or(0),
        })
    }

    fn format(self, w: &mut Writer, period: &str, quota: &str) {
        w.text_element_opt(period, (self.period > 0).then_some(self.period));
        w.text_element_opt(quota, (self.quota != 0).then_some(self.quota));
    }
}

impl Scheduler {
    fn parse(el: Element<'_>) -> Result<Self> {
        let policy = el.required("scheduler", el.attr_enum("scheduler")?)?;
        let priority = match policy {
            SchedPolicy::Fifo | SchedPolicy::Rr => {
                el.required("priority", el.attr_i32("priority", Base::Ten)?)?
            }
            SchedPolicy::Batch | SchedPolicy::Idle => 0,
        };
        Ok(Self { policy, priority })
    }

    fn parse_set(el: Element<'_>, element: &str, threads: &'static str) -> Result<(Bitmap, Self)> {
        let text = el.attr(threads).ok_or_else(|| {
            xml_error(format!("Missing attribute '{threads}' in element '{element}'")).at(el.place())
        })?;
        let set: Bitmap = text.parse().map_err(|error: virt_types::Error| error.at(el.place()))?;
        if set.is_empty() {
            let detail = format!("'{threads}' scheduler bitmap '{text}' is empty");
            return Err(unsupported(detail).at(el.place()));
        }
        Ok((set, Self::parse(el)?))
    }

    fn format(self, w: &mut Writer) {
        w.attr("scheduler", self.policy);
        match self.policy {
            SchedPolicy::Fifo | SchedPolicy::Rr => w.attr("priority", self.priority),
            SchedPolicy::Batch | SchedPolicy::Idle => {}
        }
    }
}

fn no_overlap(former: Option<Scheduler>, el: Element<'_>, attribute: &str) -> Result<()> {
    if former.is_some() {
        let detail = format!("'{}' attributes '{attribute}' must not overlap", el.name());
        return Err(el.error(ErrorCode::XmlDetail, ErrorDomain::Domain, detail));
    }
    Ok(())
}

fn number<T>(
    el: Element<'_>,
    name: &'static str,
    words: &str,
    read: impl Fn(&str, Base) -> Option<T>,
) -> Result<Option<T>> {
    match el.child_text(name) {
        None => Ok(None),
        Some(text) => read(&text, Base::Ten)
            .map(Some)
            .ok_or_else(|| xml_error(format!("can't parse cputune {words} value")).at(el.place())),
    }
}

fn cpuset(el: Element<'_>, element: &str) -> Result<Bitmap> {
    Bitmap::attr_nonempty(el, "cpuset")?
        .ok_or_else(|| internal(format!("missing cpuset for {element}")).at(el.place()))
}

grammar! {
    pub(in crate::domain) CPUTUNE = [
        Opt("shares", &[Text(U64)]), Opt("period", NUMBER), Opt("quota", &[Text(Integer)]),
        Opt("global_period", NUMBER), Opt("global_quota", &[Text(Integer)]), Opt("emulator_period", NUMBER),
        Opt("emulator_quota", &[Text(Integer)]), Opt("iothread_period", NUMBER), Opt("iothread_quota", &[Text(Integer)]),
        Many("vcpupin", &[Must("vcpu", U32), Must("cpuset", CPUSET)]), Opt("emulatorpin", &[Must("cpuset", CPUSET)]),
        Many("iothreadpin", &[Must("iothread", POSITIVE), Must("cpuset", CPUSET)]),
        Opt("emulatorsched", SCHEDULER), Many("vcpusched", &[Attr("vcpus", CPUSET), With(SCHEDULER)]),
        Many("iothreadsched", &[Attr("iothreads", CPUSET), With(SCHEDULER)]), With(super::resctrl::GRAMMAR),
    ];
    SCHEDULER = [
        Must("scheduler", OneOf(SchedPolicy::NAMES)), When("scheduler", &["fifo", "rr"], &[Must("priority", Number(0, 99))]),
        When("scheduler", &["batch", "idle"], &[Attr("priority", Number(0, 99))]),
    ];
}

#[cfg(test)]
mod tests {
    use virt_xml::Document;

    use super::*;
    use crate::domain::IoThread;

    fn parse(xml: &str) -> Result<(Cputune, IoThreads)> {
        let iothreads =
            IoThreads { list: [2, 1].map(|id| IoThread { id, ..IoThread::default() }).into(), default: None };
        let document = Document::parse(xml)?;
        let cx = CputuneContext { vcpus: 4, iothreads: &iothreads, flags: ParseFlags::INACTIVE };
        Ok((Cputune::parse(document.root(), &cx)?, iothreads))
    }

    #[test]
    fn what_is_read_is_written() {
        for (xml, written) in [
            ("<d><cputune/></d>", ""),
            (
                "<d><cputune><shares>0</shares><quota>-1</quota></cputune></d>",
                "<cputune>\n  <shares>0</shares>\n  <quota>-1</quota>\n</cputune>\n",
            ),
            (
                "<d><cputune><vcpupin vcpu='9' cpuset='1'/><vcpupin vcpu='1' cpuset='0-2'/><iothreadpin iothread='1' cpuset='1'/><iothreadpin iothread='2' cpuset='2'/></cputune></d>",
                "<cputune>\n  <vcpupin vcpu='1' cpuset='0-2'/>\n  <iothreadpin iothread='2' cpuset='2'/>\n  <iothreadpin iothread='1' cpuset='1'/>\n</cputune>\n",
            ),
            (
                "<d><cputune><vcpusched vcpus='2-3' scheduler='fifo' priority='1'/><emulatorsched scheduler='idle'/></cputune></d>",
                "<cputune>\n  <emulatorsched scheduler='idle'/>\n  <vcpusched vcpus='2' scheduler='fifo' priority='1'/>\n  <vcpusched vcpus='3' scheduler='fifo' priority='1'/>\n</cputune>\n",
            ),
            (
                "<d><cputune><cachetune vcpus='0'><cache id='0' level='3' type='both' size='3' unit='MiB'/><monitor level='3' vcpus='0'/></cachetune><memorytune vcpus='0'><node id='0' bandwidth='60'/></memorytune></cputune></d>",
                "<cputune>\n  <cachetune vcpus='0'>\n    <cache id='0' level='3' type='both' size='3' unit='MiB'/>\n    <monitor level='3' vcpus='0'/>\n  </cachetune>\n  <memorytune vcpus='0'>\n    <node id='0' bandwidth='60'/>\n  </memorytune>\n</cputune>\n",
            ),
        ] {
            let (tune, iothreads) = parse(xml).unwrap();
            let mut w = Writer::new();
            tune.format(&mut w, &iothreads, FormatFlags::INACTIVE);
            assert_eq!(w.finish(), written);
        }
    }

    #[test]
    fn contradictions_are_refused() {
        for (xml, code) in [
            ("<vcpupin vcpu='0'/>", ErrorCode::InternalError),
            ("<vcpupin vcpu='0' cpuset='1'/><vcpupin vcpu='0' cpuset='2'/>", ErrorCode::InternalError),
            ("<iothreadpin iothread='7' cpuset='1'/>", ErrorCode::ConfigUnsupported),
            ("<vcpusched vcpus='0' scheduler='fifo'/>", ErrorCode::XmlError),
            (
                "<vcpusched vcpus='0-1' scheduler='idle'/><vcpusched vcpus='1' scheduler='idle'/>",
                ErrorCode::XmlDetail,
            ),
            ("<shares>x</shares>", ErrorCode::XmlError),
            ("<cachetune vcpus='0'><monitor level='2' vcpus='0'/></cachetune>", ErrorCode::XmlError),
            (
                "<cachetune vcpus='0'><cache id='0' level='3' type='both' size='1'/><cache id='0' level='3' type='code' size='1'/></cachetune>",
                ErrorCode::XmlError,
            ),
        ] {
            let error = parse(&format!("<d><cputune>{xml}</cputune></d>")).unwrap_err();
            assert_eq!(error.code(), code, "{xml}");
        }
    }
}
