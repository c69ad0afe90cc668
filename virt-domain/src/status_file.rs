//! The status file of a running domain, in libvirt's form.
//!
//! Two elements are the engine's own: `<fakereboot/>`, as libvirt's QEMU driver has it, and `<engine>`, which says
//! how far a start or a stop had come and to whose life the guest is bound. libvirt reads past what it does not know.

use virt_conf::domain::Domain;
use virt_types::{DomainStatus, Error, ErrorCode, ErrorDomain, Result, ShutoffReason};
use virt_xml::{Document, Writer};

use crate::{Backend, Phase};

/// The process to whose life a guest is bound (`VIR_DOMAIN_START_AUTODESTROY`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Binding {
    pub(crate) pid: u32,
    /// When it started, in ticks since boot, so that a reused pid is not taken for it.
    pub(crate) start_time: u64,
}

/// What a status file holds beside what the driver keeps in it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StatusFile {
    pub(crate) status: DomainStatus,
    pub(crate) pid: Option<u32>,
    pub(crate) taint: Vec<String>,
    pub(crate) deprecations: Vec<String>,
    pub(crate) fake_reboot: bool,
    pub(crate) phase: Phase,
    pub(crate) binding: Option<Binding>,
    pub(crate) live: Domain,
}

impl StatusFile {
    /// The text; `elements` writes those of the driver.
    pub(crate) fn format(&self, backend: &dyn Backend, elements: impl FnOnce(&mut Writer)) -> String {
        let mut w = Writer::new();
        w.comment("The state of a running domain. Changes are lost.");
        w.element("domstatus", |w| {
            w.attr("state", self.status.state_name());
            w.attr("reason", self.status.reason_name());
            w.attr("pid", self.pid.unwrap_or(0));
            for flag in &self.taint {
                w.element("taint", |w| w.attr("flag", flag));
            }
            for sentence in &self.deprecations {
                w.text_element("deprecation", sentence);
            }
            elements(w);
            if self.fake_reboot {
                w.element("fakereboot", |_| {});
            }
            w.element_if_any("engine", |w| {
                match self.phase {
                    Phase::Running => {}
                    Phase::Starting => w.attr("phase", "starting"),
                    Phase::Stopping(reason) => {
                        w.attr("phase", "stopping");
                        w.attr("reason", DomainStatus::Shutoff(reason).reason_name());
                    }
                }
                if let Some(binding) = self.binding {
                    w.attr("bound-to", binding.pid);
                    w.attr("started", binding.start_time);
                }
            });
            backend.format_live(&self.live, w);
        });
        w.finish()
    }

    /// Reads a text.
    pub(crate) fn parse(text: &str, backend: &dyn Backend) -> Result<Self> {
        let document = Document::parse(text)?;
        let root = document.root_named("domstatus")?;
        let refuse = |what: &str| {
            root.error(ErrorCode::InternalError, ErrorDomain::Domain, format!("invalid {what} of a domain"))
        };
        let status = root
            .attr("state")
            .zip(root.attr("reason"))
            .and_then(|(state, reason)| DomainStatus::from_names(state, reason))
            .ok_or_else(|| refuse("state"))?;
        let pid = match root.attr("pid") {
            None | Some("0") => None,
            Some(text) => Some(text.parse().map_err(|_| refuse("pid"))?),
        };
        let engine = root.child("engine");
        let attr = |name| engine.and_then(|engine| engine.attr(name));
        let phase = match attr("phase") {
            None => Phase::Running,
            Some("starting") => Phase::Starting,
            Some("stopping") => Phase::Stopping(
                attr("reason").and_then(shutoff_reason).ok_or_else(|| refuse("reason of the end"))?,
            ),
            Some(_) => return Err(refuse("phase")),
        };
        let number = |name| attr(name).and_then(|text| text.parse::<u64>().ok());
        let binding = match (number("bound-to"), number("started")) {
            (Some(pid), Some(start_time)) => {
                Some(Binding { pid: u32::try_from(pid).map_err(|_| refuse("binding"))?, start_time })
            }
            (None, None) => None,
            _ => return Err(refuse("binding")),
        };
        let live = root.child("domain").ok_or_else(|| {
            Error::new(ErrorCode::InternalError, ErrorDomain::Domain, "no domain config").at(root.place())
        })?;
        Ok(Self {
            status,
            pid,
            taint: root
                .children_named("taint")
                .filter_map(|taint| taint.attr("flag").map(str::to_owned))
                .collect(),
            deprecations: root.children_named("deprecation").map(|sentence| sentence.text()).collect(),
            fake_reboot: root.child("fakereboot").is_some(),
            phase,
            binding,
            live: {
                let mut domain = backend.parse_live(live)?;
                // The number is the engine's affair, whatever the driver reads of it.
                domain.id = live.attr("id").and_then(|id| id.parse().ok());
                domain
            },
        })
    }
}

/// Checks that a text is a status file of this driver.
///
/// # Errors
/// What is wrong with it, with the place.
pub fn check_status(text: &str, backend: &dyn Backend) -> Result<()> {
    StatusFile::parse(text, backend).map(drop)
}

/// The reason that is written so.
pub(crate) fn shutoff_reason(word: &str) -> Option<ShutoffReason> {
    match DomainStatus::from_names("shutoff", word)? {
        DomainStatus::Shutoff(reason) => Some(reason),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use virt_driver::BoxFuture;
    use virt_types::{CreateFlags, ErrorDomain, PausedReason, RunningReason, Uuid};

    /// A driver that only reads and writes.
    struct Reader;

    impl Backend for Reader {
        fn error_domain(&self) -> ErrorDomain {
            ErrorDomain::Test
        }

        fn prepare<'a>(&'a self, config: &'a Domain, _flags: CreateFlags) -> BoxFuture<'a, Result<Domain>> {
            Box::pin(async { Ok(config.clone()) })
        }

        fn start(&self, _start: crate::Start) -> BoxFuture<'_, Result<crate::Started>> {
            Box::pin(async { Err(Error::no_support("virDomainCreate")) })
        }

        fn recover(&self, _recover: crate::Recover) -> BoxFuture<'_, Result<crate::Recovered>> {
            Box::pin(async { Ok(crate::Recovered::Gone(None)) })
        }
    }

    fn file(status: DomainStatus, phase: Phase, binding: Option<Binding>) -> StatusFile {
        let xml = format!(
            "<domain type='test' id='7'><name>web</name><uuid>{}</uuid><memory>1024</memory>\
             <os><type arch='x86_64'>hvm</type></os></domain>",
            Uuid::from_bytes([7; 16])
        );
        StatusFile {
            status,
            pid: Some(4711),
            taint: vec!["custom-monitor".into()],
            deprecations: vec!["CPU model 'old' & co".into()],
            fake_reboot: binding.is_some(),
            phase,
            binding,
            live: Domain::parse(&xml, virt_conf::ParseFlags::STATUS).unwrap(),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let binding = Binding { pid: 99, start_time: 123_456 };
        for file in [
            file(DomainStatus::Running(RunningReason::Booted), Phase::Running, None),
            file(DomainStatus::Paused(PausedReason::StartingUp), Phase::Starting, Some(binding)),
            file(
                DomainStatus::Running(RunningReason::Unpaused),
                Phase::Stopping(ShutoffReason::Crashed),
                None,
            ),
        ] {
            let text = file.format(&Reader, |w| w.element("mine", |_| {}));
            assert!(text.contains("\n  <mine/>\n"), "{text}");
            assert_eq!(text.contains("<engine"), file.phase != Phase::Running, "{text}");
            let read = StatusFile::parse(&text, &Reader).unwrap();
            assert_eq!(read.live.id, Some(7));
            assert_eq!(read.format(&Reader, |w| w.element("mine", |_| {})), text);
        }
    }

    #[test]
    fn what_is_wrong_has_a_name_and_a_place() {
        let good =
            file(DomainStatus::Running(RunningReason::Booted), Phase::Starting, None).format(&Reader, |_| {});
        check_status(&good, &Reader).unwrap();
        for (from, to, words) in [
            ("state='running'", "state='walking'", "invalid state of a domain"),
            ("reason='booted'", "reason='user'", "invalid state of a domain"),
            ("pid='4711'", "pid='many'", "invalid pid of a domain"),
            ("phase='starting'", "phase='going'", "invalid phase of a domain"),
            ("phase='starting'", "phase='stopping'", "invalid reason of the end of a domain"),
            ("phase='starting'", "bound-to='1'", "invalid binding of a domain"),
            ("<domain ", "<dom ", ""),
            ("<domstatus", "<status", ""),
        ] {
            let bad = good.replacen(from, to, 1);
            assert_ne!(bad, good, "{from}");
            let error = check_status(&bad, &Reader).unwrap_err();
            assert!(error.detail().contains(words), "{to}: {error}");
        }
        assert!(check_status("", &Reader).is_err());
    }
}
