//! The events of guests' monitors as they come, for those who ask for them by name.

use std::sync::{Arc, Mutex, PoisonError};

use regex::{Regex, RegexBuilder};
use virt_conf::domain::Domain;
use virt_driver::{DomainRef, MonitorEvent, MonitorEventFilter, Publisher, Subscription, channel};
use virt_qmp::Event;
use virt_types::{Error, ErrorCode, ErrorDomain, Result, Uuid};

/// `VIR_CONNECT_DOMAIN_QEMU_MONITOR_EVENT_REGISTER_REGEX`
const REGEX: u32 = 1;
/// `VIR_CONNECT_DOMAIN_QEMU_MONITOR_EVENT_REGISTER_NOCASE`
const NO_CASE: u32 = 2;

/// Those who want raw events.
#[derive(Debug, Default)]
pub(crate) struct RawEvents(Mutex<Vec<Listener>>);

#[derive(Debug)]
struct Listener {
    domain: Option<Uuid>,
    name: Wanted,
    publisher: Publisher<MonitorEvent>,
}

/// Which names are wanted.
#[derive(Debug)]
enum Wanted {
    Any,
    Name { text: String, any_case: bool },
    Pattern(Regex),
}

impl Wanted {
    fn of(filter: &MonitorEventFilter) -> Result<Self> {
        let any_case = filter.flags & NO_CASE != 0;
        let Some(text) = filter.event.clone() else { return Ok(Self::Any) };
        if filter.flags & REGEX == 0 {
            return Ok(Self::Name { text, any_case });
        }
        let pattern = RegexBuilder::new(&text).case_insensitive(any_case).build().map_err(|error| {
            let detail = format!("failed to compile regex '{text}'");
            Error::new(ErrorCode::InvalidArg, ErrorDomain::Qemu, detail).caused_by(error)
        })?;
        Ok(Self::Pattern(pattern))
    }

    fn wants(&self, name: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Name { text, any_case: true } => text.eq_ignore_ascii_case(name),
            Self::Name { text, any_case: false } => text == name,
            Self::Pattern(pattern) => pattern.is_match(name),
        }
    }
}

impl RawEvents {
    /// Gives the events that the filter wants, from now on.
    ///
    /// # Errors
    /// `VIR_ERR_INVALID_ARG` for what is no regular expression where one was meant.
    pub(crate) fn subscribe(
        &self,
        filter: &MonitorEventFilter,
        capacity: usize,
    ) -> Result<Subscription<MonitorEvent>> {
        let (publisher, subscription) = channel(capacity);
        let listener = Listener { domain: filter.domain, name: Wanted::of(filter)?, publisher };
        self.listeners(|listeners| listeners.push(listener));
        Ok(subscription)
    }

    fn publish(&self, domain: &DomainRef, event: &Event) {
        let name = event.kind.name();
        self.listeners(|listeners| {
            listeners.retain(|listener| {
                let wanted =
                    listener.domain.is_none_or(|uuid| uuid == domain.uuid) && listener.name.wants(name);
                if wanted {
                    listener.publisher.publish(told(domain, event))
                } else {
                    !listener.publisher.is_closed()
                }
            });
        });
    }

    // A panic while it is held leaves a listener too many at most, which goes with the next event.
    fn listeners<T>(&self, work: impl FnOnce(&mut Vec<Listener>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn told(domain: &DomainRef, event: &Event) -> MonitorEvent {
    MonitorEvent {
        domain: domain.clone(),
        event: event.kind.name().to_owned(),
        seconds: event.timestamp.seconds,
        micros: u32::try_from(event.timestamp.microseconds).unwrap_or_default(),
        details: event.data.as_ref().map(|data| data.get().to_owned()),
    }
}

/// Where the events of one guest go.
#[derive(Debug)]
pub(super) struct RawEventsOf {
    domain: DomainRef,
    all: Arc<RawEvents>,
}

impl RawEventsOf {
    /// Those of a running instance.
    pub(super) fn of(live: &Domain, all: &Arc<RawEvents>) -> Self {
        let domain = DomainRef {
            uuid: live.uuid.unwrap_or_else(|| Uuid::from_bytes([0; 16])),
            name: live.name.clone(),
            id: live.id.and_then(|id| u32::try_from(id).ok()),
        };
        Self { domain, all: Arc::clone(all) }
    }

    pub(super) fn publish(&self, event: &Event) {
        self.all.publish(&self.domain, event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_wanted_as_they_are_or_by_pattern() {
        for (event, flags, name, wanted) in [
            (None, 0, "STOP", true),
            (Some("STOP"), 0, "STOP", true),
            (Some("stop"), 0, "STOP", false),
            (Some("stop"), NO_CASE, "STOP", true),
            (Some("STOP|RESUME"), REGEX, "RESUME", true),
            (Some("^res"), REGEX | NO_CASE, "RESUME", true),
            (Some("^RES$"), REGEX, "RESUME", false),
        ] {
            let filter = MonitorEventFilter { domain: None, event: event.map(str::to_owned), flags };
            assert_eq!(Wanted::of(&filter).unwrap().wants(name), wanted, "{event:?} {flags} {name}");
        }
        let broken = MonitorEventFilter { domain: None, event: Some("(".into()), flags: REGEX };
        assert_eq!(Wanted::of(&broken).unwrap_err().code(), ErrorCode::InvalidArg);
    }
}
